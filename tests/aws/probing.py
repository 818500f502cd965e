"""A probe asks the same of the local deployment and of AWS: a difference is what was to be found out."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.aws.world import NotReproducedError, World


@dataclass(frozen=True)
class Observed:
    """What was seen: an answer that can be compared, and what it was read from, masked."""

    answer: str
    evidence: str = ""


@dataclass(frozen=True)
class Finding:
    """A question and its answers.

    Attributes:
        name: The probe's name, to run it again.
        question: What was asked.
        matters: Why it matters.
        assumed: What this project goes by.
        source: Who says so: the local deployment, which was asked the same, or the documentation.
        observed: What AWS does; None where it was not asked.
        evidence: What that was read from.
    """

    name: str
    question: str
    matters: str
    assumed: str
    source: str
    observed: str | None = None
    evidence: str = ""

    @property
    def differs(self) -> bool:
        """Whether AWS does otherwise than this project goes by."""
        return self.observed is not None and self.observed != self.assumed


@dataclass(frozen=True)
class Probe:
    """Asks one question.

    Attributes:
        name: The probe's name.
        text: Its docstring: the question, an empty line, and why it matters.
        local: The local deployment.
        aws: AWS; None in a run without an account.
        record: Called with the finding.
    """

    name: str
    text: str
    local: World
    aws: World | None
    record: Callable[[Finding], None]

    def __call__(self, observe: Callable[[World], Observed], *, documented: str | None = None) -> Finding:
        """Ask; whatever the answer is, it is no failure. That nothing could be seen is one.

        Args:
            observe: Looks at one world.
            documented: What the documentation says, in the words of an answer, where the local deployment cannot say.
        """
        assumed, source = self._assumed(observe, documented)
        question, _, matters = self.text.partition("\n\n")
        finding = Finding(self.name, _line(question), _line(matters), assumed, source)
        if self.aws:
            seen = observe(self.aws)
            finding = Finding(self.name, finding.question, finding.matters, assumed, source, seen.answer, seen.evidence)
        self.record(finding)
        return finding

    def _assumed(self, observe: Callable[[World], Observed], documented: str | None) -> tuple[str, str]:
        try:
            seen = observe(self.local)
        except NotReproducedError:
            if documented is None:
                raise
            return documented, "documentation"
        assert documented is None, f"{self.name}: the local deployment answers {seen.answer!r}; leave `documented` out"
        return seen.answer, self.local.title


def _line(text: str) -> str:
    return " ".join(text.split())

"""A review as one Markdown comment, the most important first, and as a summary for programs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.access.output.access_difference import way_sentences
from toolgate.access.output.difference_picture import picture
from toolgate.access.output.labels import gateway_label
from toolgate.access.output.replaced_gateways import name_of
from toolgate.local.engine.pack_process import Violation
from toolgate.review.access_summary import sentences
from toolgate.review.changes import chunks as resource_chunks
from toolgate.review.locks import Lock
from toolgate.review.markdown import block, code, folded, table
from toolgate.review.permissions import HEADER, cedar_chunks, rows
from toolgate.review.planning import Failed
from toolgate.review.revisions import Revisions
from toolgate.review.shared import Shared, listed, masked, shared
from toolgate.review.stack_review import Judgement, Verdict

MARKER = "<!-- toolgate review -->"
"""First line of the comment: by it the comment is found again and updated in place."""
LONGEST_BYTES = 60_000
"""GitHub takes 65,536 characters a comment, and a variable of a Linux process holds 131,071 bytes."""
_SHOWN, _MOST = 12, 50
"""Names in a sentence; names of a lock, which a reviewer has to agree to, and sentences in a section.

A section that is too long would be left out whole.
"""
_UNFOLDED = 12
"""Most lines, or rows, of a part that is not folded: what a telephone shows at once."""

type Judgements = Mapping[str, Judgement]
type Verdicts = Mapping[str, Verdict]


def summary(judgements: Judgements) -> dict[str, Any]:
    """What a workflow decides by: counts over all stacks, and the stacks that could not be planned.

    A violation, or a lock, that several stacks have in common counts once.
    """
    verdicts = _verdicts(judgements)
    return {
        "mandatory": sum(found.level == "mandatory" for found in _violations(verdicts)),
        "gains": sum(verdict.gains for verdict in verdicts.values()),
        "losses": sum(verdict.losses for verdict in verdicts.values()),
        "locks": len(_locks(verdicts)),
        "unjudged": len({line for verdict in verdicts.values() for line in verdict.access.newly_unjudged}),
        "unplanned": [stack for stack, judgement in judgements.items() if isinstance(judgement, Failed)],
    }


def comment(judgements: Judgements, compared: Revisions, *, longest: int | None = None) -> str:
    """The comment.

    Args:
        judgements: By stack.
        compared: The two sides.
        longest: Most bytes of it; parts that do not fit are left out, and it says so.
    """
    parts = [
        MARKER,
        f"## toolgate review: {headline(judgements)}",
        _compared(compared),
        *_judges(compared),
        *_run(compared),
    ]
    parts.append(_overview(judgements))
    verdicts = _verdicts(judgements)
    parts += _failures("cannot be planned", {s: j.reason for s, j in judgements.items() if isinstance(j, Failed)})
    before = {stack: verdict.base_failure for stack, verdict in verdicts.items() if verdict.base_failure is not None}
    parts += _failures("could not be planned before the change, so everything in it counts as new", before)
    parts += _bullets("Locks taken off", _locks(verdicts))
    stricter = {stack: _lock_texts(verdict.stricter) for stack, verdict in verdicts.items()}
    parts += _bullets("Rules set more strictly", shared(stricter))
    parts += _bullets("Gateways made anew", shared({s: _replaced(verdict) for s, verdict in verdicts.items()}))
    for title, told in _ACCESS:
        parts += _bullets(title, shared({stack: told(verdict) for stack, verdict in verdicts.items()}))
    parts += _pictures(verdicts)
    parts += _rules(verdicts)
    parts += _model_texts(verdicts)
    parts += _permissions(verdicts)
    parts += _resources(verdicts)
    parts.append(_FOOTER)
    return "\n\n".join(parts if longest is None else _fitting(parts, longest)) + "\n"


def headline(judgements: Judgements) -> str:
    """The verdict in a few words."""
    counts = summary(judgements)
    if counts["unplanned"]:
        return f"{', '.join(counts['unplanned'])} cannot be planned"
    verdicts = _verdicts(judgements)
    rules = {it.rule for verdict in verdicts.values() for it in verdict.mandatory}
    of = f" of {len(rules)} rules" if 1 < len(rules) < counts["mandatory"] else ""
    words = [f"{_count(counts['mandatory'], 'mandatory violation')}{of}"] if counts["mandatory"] else []
    words += ["somebody gains access"] if counts["gains"] else []
    words += [f"{_count(counts['locks'], 'lock')} taken off"] if counts["locks"] else []
    words += ["some access cannot be judged any more"] if counts["unjudged"] else []
    words += ["somebody loses access"] if counts["losses"] and not counts["gains"] else []
    words = words or ["nobody's access changes"]
    words += ["what a model reads changes"] if any(verdict.model_texts for verdict in verdicts.values()) else []
    return ", ".join(words)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _verdicts(judgements: Judgements) -> Verdicts:
    return {stack: judgement for stack, judgement in judgements.items() if isinstance(judgement, Verdict)}


def _compared(compared: Revisions) -> str:
    return f"{code(compared.head)} against {code(compared.base[:10])}."


def _judges(compared: Revisions) -> Iterator[str]:
    if compared.judges:
        files = _files(compared.judges)
        yield f"> **The change is in part its own judge**: it touches what makes this page. Read first: {files}."


def _run(compared: Revisions) -> Iterator[str]:
    if compared.servers:
        files = _files(compared.servers)
        yield f"> **A plan runs an MCP server's code**: it imports it to read its tools. What it ran here: {files}."


def _files(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return f"{', '.join(code(file) for file in names[:_SHOWN])}{f' and {rest} more' if rest > 0 else ''}"


def _overview(judgements: Judgements) -> str:
    return table(("stack", "resources", "rules", "access"), ([code(s), *_cells(j)] for s, j in judgements.items()))


def _cells(judgement: Judgement) -> list[str]:
    if isinstance(judgement, Failed):
        return ["**cannot be planned**", "", ""]
    found, gains, losses = judgement.changes, judgement.gains, judgement.losses
    advisory = len(judgement.violations) - len(judgement.mandatory)
    mandatory = f"{len(judgement.mandatory)} mandatory"
    counts = [f"**{gains} gained**"] if gains else []
    counts += [f"{losses} lost"] if gains or losses else []
    counts += [f"**{_count(len(judgement.locks), 'lock')} off**"] if judgement.locks else []
    return [
        f"{len(found.added)} new, {len(found.changed)} changed, {len(found.removed)} removed",
        f"{f'**{mandatory}**' if judgement.mandatory else mandatory}, {advisory} advisory",
        ", ".join(counts) or "no change",
    ]


def _failures(what: str, reasons: Mapping[str, str]) -> Iterator[str]:
    for found in shared({stack: [reason] for stack, reason in reasons.items()}):
        yield f"### {listed(found.stacks)} {what}\n\n{block([found.text])}"


def _locks(verdicts: Verdicts) -> list[Shared]:
    return shared({stack: _lock_texts(verdict.locks) for stack, verdict in verdicts.items()})


def _lock_texts(locks: Iterable[Lock]) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for lock in locks:
        found.setdefault(lock.text, []).append(code(lock.resource))
    for text, resources in found.items():
        rest = len(resources) - _MOST
        yield f"{text}: {', '.join(resources[:_MOST])}{f' and {rest} more' if rest > 0 else ''}"


def _bullets(title: str, found: Iterable[Shared]) -> Iterator[str]:
    lines = [f"- {it}" for it in found]
    if len(lines) > _MOST:
        lines = [*lines[:_MOST], f"- and {len(lines) - _MOST} more"]
    if lines:
        yield "\n".join([f"### {title}", "", *lines])


def _replaced(verdict: Verdict) -> Iterator[str]:
    for before, _ in verdict.access.replaced:
        name = code(gateway_label(name_of(before)))
        yield f"{name}: its id, ARN and URL change, and whoever noted one of them has the old one"


def _gains(verdict: Verdict) -> Iterator[str]:
    return sentences(verdict.access.gains, several_gateways=verdict.several_gateways)


def _losses(verdict: Verdict) -> Iterator[str]:
    return sentences(verdict.access.losses, several_gateways=verdict.several_gateways)


_ACCESS: tuple[tuple[str, Callable[[Verdict], Iterator[str]]], ...] = (
    ("Who may newly call what", _gains),
    ("Who may no longer call what", _losses),
    (
        "Who may ask agents, use memories, and the ways around a gateway",
        lambda verdict: map(code, way_sentences(verdict.access)),
    ),
    ("Access that could not be judged", lambda verdict: map(code, verdict.access.unsupported)),
)


def _pictures(verdicts: Verdicts) -> Iterator[str]:
    """What changes as pictures; GitHub draws them."""
    drawn = shared({stack: ["\n".join(picture(verdict.access))] for stack, verdict in verdicts.items()})
    for found in drawn:
        if found.text:
            yield f"In {listed(found.stacks)}:\n\n{block(found.text.splitlines(), 'mermaid')}"


@dataclass(frozen=True)
class _Found:
    """A violation, once for all stacks that have it, and the stacks that had it before."""

    level: str
    what: Shared
    earlier: tuple[str, ...]

    @property
    def old(self) -> bool:
        return len(self.earlier) == len(self.what.stacks)


def _violations(verdicts: Verdicts) -> Iterator[_Found]:
    """Mandatory ones first, and among them the new ones."""
    for level in ("mandatory", "advisory"):
        told = {s: [_violation(it) for it in v.violations if it.level == level] for s, v in verdicts.items()}
        known = {s: {masked(_violation(it), s) for it in v.known if it.level == level} for s, v in verdicts.items()}
        found = [_Found(level, it, tuple(s for s in it.stacks if it.key in known[s])) for it in shared(told)]
        yield from sorted(found, key=lambda it: it.old)


def _violation(violation: Violation) -> str:
    """What is wrong, where, and in which words, a line each; `_told` shows it."""
    what, *words = violation.message.splitlines() or [""]
    where = code(violation.urn.rpartition("::")[2])
    return "\n".join([f"{code(violation.rule)}: {code(what)}", where, " ".join(map(code, words))])


def _rules(verdicts: Verdicts) -> Iterator[str]:
    found = list(_violations(verdicts))
    earlier = [it for it in found if it.old and it.level == "advisory"]
    if len(earlier) < len(found):
        yield "\n".join(["### Rules", "", *_told(it for it in found if it not in earlier)])
    if earlier:
        heading = f"{_count(len(earlier), 'advisory violation')}, as before"
        yield folded(heading, "\n".join(_told(earlier)), unfolded=False)


def _told(violations: Iterable[_Found]) -> Iterator[str]:
    """Under each rule where it is violated."""
    by_rule: dict[str, list[str]] = {}
    for found in violations:
        rule, where, words = found.what.text.split("\n")
        before = "" if not found.earlier else "; as before" if found.old else f"; as before in {listed(found.earlier)}"
        line = f"  - {where} ({listed(found.what.stacks)}{before}){f': {words}' if words else ''}"
        by_rule.setdefault(f"- **{found.level}** {rule}", []).append(line)
    for rule, lines in by_rule.items():
        yield from (rule, *lines)


def _model_texts(verdicts: Verdicts) -> Iterator[str]:
    found = shared({stack: verdict.model_texts for stack, verdict in verdicts.items()})
    if found:
        yield "### What the model reads"
    for told in found:
        head, _, text = told.text.partition("\n\n")
        heading = f"- {head} ({listed(told.stacks)})"
        long = text.count("\n") > _UNFOLDED
        yield f"{heading}\n\n{folded('the text', text, unfolded=False) if long else text}"


def _permissions(verdicts: Verdicts) -> Iterator[str]:
    found = shared({stack: rows(verdict.permissions) for stack, verdict in verdicts.items()})
    cedar = shared({stack: cedar_chunks(verdict.permissions) for stack, verdict in verdicts.items()})
    if found or cedar:
        yield "### Permissions"
    if found:
        cells = "\n".join([table(HEADER, []), *(f"| {it} |" for it in found)])
        yield folded(_count(len(found), "change") + " of IAM documents", cells, unfolded=len(found) <= _UNFOLDED)
    if cedar:
        yield _diff("Cedar policies", cedar, _UNFOLDED)


def _resources(verdicts: Verdicts) -> Iterator[str]:
    if found := shared({stack: resource_chunks(verdict.changes) for stack, verdict in verdicts.items()}):
        yield f"### Resources\n\n{_diff('resources', found, 0)}"


def _diff(what: str, chunks: Iterable[Shared], unfolded: int) -> str:
    """Chunks as one `diff`, the stacks of each on its first line.

    Args:
        what: What they are.
        chunks: The chunks.
        unfolded: The most lines that are shown at once.
    """
    lines: list[str] = []
    for chunk in chunks:
        head, *rest = chunk.text.split("\n")
        lines += [f"{head} ({', '.join(chunk.stacks)})", *rest]
    return folded(f"{what}: {_count(len(lines), 'line')}", block(lines, "diff"), unfolded=len(lines) <= unfolded)


_FOOTER = (
    "<sub>Both sides planned by their own code on a stand-in for AWS: what the change does to the program's "
    "deployment, not what runs in an account now. The same page: `make review BASE=<branch>`.</sub>"
)
_LEFT_OUT = "_Left out here, too long for a comment; `make review` shows it._"


def _fitting(parts: list[str], longest: int) -> Iterator[str]:
    left = longest - len(_FOOTER.encode()) - 2
    for part in parts[:-1]:
        fits = len(part.encode()) + 2 <= left - len(_LEFT_OUT) - 2
        shown = part if fits else _LEFT_OUT
        if fits or left > 2 * len(_LEFT_OUT):
            left -= len(shown.encode()) + 2
            yield shown
    yield _FOOTER

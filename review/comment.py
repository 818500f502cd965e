"""A review as one Markdown comment, the most important first, and as a summary for programs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from toolgate.review.access_summary import sentences
from toolgate.review.markdown import block, code, folded, table
from toolgate.review.planning import Failed
from toolgate.review.resources import permission_lines, resource_lines
from toolgate.review.revisions import Revisions
from toolgate.review.stack_review import Judgement, Verdict

MARKER = "<!-- toolgate review -->"
"""First line of the comment: by it the comment is found again and updated in place."""
LONGEST_BYTES = 60_000
"""GitHub takes 65,536 characters a comment, and a variable of a Linux process holds 131,071 bytes."""
_SHOWN = 12
_UNFOLDED = 30
"""Longer parts are folded."""

type Judgements = Mapping[str, Judgement]


def summary(judgements: Judgements) -> dict[str, Any]:
    """What a workflow decides by: counts over all stacks, and the stacks that could not be planned."""
    verdicts = _verdicts(judgements)
    return {
        "mandatory": sum(len(verdict.mandatory) for verdict in verdicts.values()),
        "gains": sum(len(verdict.access.gains) for verdict in verdicts.values()),
        "losses": sum(len(verdict.access.losses) for verdict in verdicts.values()),
        "unplanned": [stack for stack, judgement in judgements.items() if isinstance(judgement, Failed)],
    }


def comment(judgements: Judgements, compared: Revisions, *, longest: int | None = None) -> str:
    """The comment.

    Args:
        judgements: By stack.
        compared: The two sides.
        longest: Most bytes of it; parts that do not fit are left out, and it says so.
    """
    parts = [MARKER, f"## toolgate review: {headline(judgements)}", _compared(compared), *_judges(compared)]
    parts.append(_overview(judgements))
    verdicts = _verdicts(judgements)
    parts += _failures("cannot be planned", {s: j.reason for s, j in judgements.items() if isinstance(j, Failed)})
    before = {stack: verdict.base_failure for stack, verdict in verdicts.items() if verdict.base_failure is not None}
    parts += _failures("could not be planned before the change, so everything in it counts as new", before)
    parts += _access(verdicts)
    for title, lines, language in _DETAILS:
        parts += _section(title, verdicts, lines, language)
    parts.append(_FOOTER)
    return "\n\n".join(parts if longest is None else _fitting(parts, longest)) + "\n"


def headline(judgements: Judgements) -> str:
    """The verdict in a few words."""
    counts = summary(judgements)
    if counts["unplanned"]:
        return f"{', '.join(counts['unplanned'])} cannot be planned"
    mandatory = counts["mandatory"]
    words = [f"{mandatory} mandatory violation{'s' * (mandatory > 1)}"] if mandatory else []
    words += ["somebody gains access"] if counts["gains"] else []
    words += ["somebody loses access"] if counts["losses"] and not counts["gains"] else []
    return ", ".join(words) or "nobody's access changes"


def _verdicts(judgements: Judgements) -> dict[str, Verdict]:
    return {stack: judgement for stack, judgement in judgements.items() if isinstance(judgement, Verdict)}


def _compared(compared: Revisions) -> str:
    return f"{code(compared.head)} against {code(compared.base[:10])}."


def _judges(compared: Revisions) -> Iterator[str]:
    if compared.judges:
        files = ", ".join(code(file) for file in compared.judges[:_SHOWN])
        rest = len(compared.judges) - _SHOWN
        more = f" and {rest} more" if rest > 0 else ""
        yield f"> **The change is in part its own judge**: it touches what makes this page. Read first: {files}{more}."


def _overview(judgements: Judgements) -> str:
    return table(("stack", "resources", "rules", "access"), ([code(s), *_cells(j)] for s, j in judgements.items()))


def _cells(judgement: Judgement) -> list[str]:
    if isinstance(judgement, Failed):
        return ["**cannot be planned**", "", ""]
    found, access = judgement.changes, judgement.access
    advisory = len(judgement.violations) - len(judgement.mandatory)
    mandatory = f"{len(judgement.mandatory)} mandatory"
    return [
        f"{len(found.added)} new, {len(found.changed)} changed, {len(found.removed)} removed",
        f"{f'**{mandatory}**' if judgement.mandatory else mandatory}, {advisory} advisory",
        f"**{len(access.gains)} gained**, {len(access.losses)} lost" if access.gains else f"{len(access.losses)} lost",
    ]


def _failures(what: str, reasons: Mapping[str, str]) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for stack, reason in reasons.items():
        found.setdefault(reason, []).append(code(stack))
    for reason, stacks in found.items():
        yield f"### {', '.join(stacks)} {what}\n\n{block([reason])}"


def _access(verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    titles: tuple[tuple[str, Callable[[Verdict], Any]], ...] = (
        ("Who may newly call what", lambda verdict: verdict.access.gains),
        ("Who may no longer call what", lambda verdict: verdict.access.losses),
    )
    for title, changes in titles:
        found: dict[str, list[str]] = {}
        for stack, verdict in verdicts.items():
            for text in sentences(changes(verdict), several_gateways=verdict.several_gateways):
                found.setdefault(text, []).append(code(stack))
        if found:
            yield "\n".join([f"### {title}", "", *(f"- {text} ({', '.join(on)})" for text, on in found.items())])


def _rules(verdict: Verdict) -> Iterator[str]:
    for violation in sorted(verdict.violations, key=lambda found: (found.level == "advisory", found in verdict.known)):
        known = violation in verdict.known
        where = violation.urn.rpartition("::")[2]
        yield f"[{violation.level}] {violation.rule}: {where}{' (as before)' if known else ''}"
        if violation.level == "mandatory" or not known:
            yield from (f"    {line}" for line in violation.message.splitlines())


def _unjudged(verdict: Verdict) -> Iterator[str]:
    yield from verdict.access.unsupported


_DETAILS: tuple[tuple[str, Callable[[Verdict], Iterator[str]], str], ...] = (
    ("Access that could not be judged", _unjudged, "text"),
    ("Rules", _rules, "text"),
    ("Permissions", permission_lines, "diff"),
    ("Resources", resource_lines, "diff"),
)


def _section(
    title: str, verdicts: Mapping[str, Verdict], lines: Callable[[Verdict], Iterator[str]], language: str
) -> Iterator[str]:
    """A part per different text, under the names of the stacks that have it in common."""
    found: dict[tuple[str, ...], list[str]] = {}
    for stack, verdict in verdicts.items():
        if told := tuple(lines(verdict)):
            found.setdefault(told, []).append(stack)
    if found:
        yield f"### {title}"
    for told, stacks in found.items():
        count = f"{len(told)} line{'s' * (len(told) > 1)}"
        yield folded(f"{', '.join(stacks)}: {count}", block(told, language), unfolded=len(told) <= _UNFOLDED)


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

"""An access difference in sentences: who may newly call what, and who no longer may."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.tool_access import ToolAccess
from toolgate.access.output import labels
from toolgate.access.output.access_difference import Change
from toolgate.access.output.difference_picture import who
from toolgate.review.markdown import code

_NO_LONGER = "may no longer call {tools}"
_PREDICATES = {
    (Access.DENY, Access.ALLOW): "may newly call {tools}",
    (Access.DENY, Access.CONDITIONAL): "may newly call {tools} where {after}",
    (Access.DENY, Access.UNDECIDED): "may newly call {tools}, or not: the deployment does not decide it",
    (Access.CONDITIONAL, Access.ALLOW): "may call {tools} whatever the arguments; before, where {before}",
    (Access.CONDITIONAL, Access.CONDITIONAL): "may call {tools} where {after}; before, where {before}",
    (
        Access.CONDITIONAL,
        Access.UNDECIDED,
    ): "may call {tools} or not, undecided by the deployment; before, where {before}",
    (Access.UNDECIDED, Access.ALLOW): "may certainly call {tools}; before, it was undecided",
    (Access.UNDECIDED, Access.CONDITIONAL): "may call {tools} where {after}; before, it was undecided",
    (Access.ALLOW, Access.CONDITIONAL): "may call {tools} only where {after}",
    (Access.ALLOW, Access.UNDECIDED): "may call {tools} or not, undecided by the deployment; before, certainly",
}


def sentences(changes: Sequence[Change], *, several_gateways: bool) -> Iterator[str]:
    """One sentence for the tools that a principal gains or loses in the same way, as Markdown.

    Args:
        changes: Gains, or losses.
        several_gateways: Whether the sentence must say at which gateway.
    """

    def alike(change: Change) -> tuple[str, str, str, str, str]:
        where = f" at {code(labels.gateway_label(change.gateway))}" if several_gateways else ""
        predicate = _PREDICATES.get((change.before.decision, change.after.decision), _NO_LONGER)
        return _told(change), where, predicate, _conditions(change.before), _conditions(change.after)

    for (subject, where, predicate, before, after), group in groupby(sorted(changes, key=alike), key=alike):
        tools = ", ".join(dict.fromkeys(code(change.tool) for change in group))
        yield f"{subject} {predicate.format(tools=f'{tools}{where}', before=before, after=after)}"


def _told(change: Change) -> str:
    if change.principal == "*":
        return "**anybody**"
    name = code(who(change))
    return f"agent {name}" if change.agent is not None else name


def _conditions(cell: ToolAccess) -> str:
    return " and ".join(code(condition) for condition in cell.conditions) or "a condition holds"

"""All that a review says of one stack."""

from dataclasses import dataclass

from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.access_difference import Difference, difference
from toolgate.local.engine.pack_process import Violation
from toolgate.review.changes import Changes, changes
from toolgate.review.document_locks import document_locks
from toolgate.review.interceptor_locks import interceptor_locks
from toolgate.review.locks import Lock, Side, plain_locks
from toolgate.review.model_texts import model_texts
from toolgate.review.permissions import Permissions, permissions
from toolgate.review.planning import NOTHING, Failed, Outcome, Planned
from toolgate.review.rule_locks import rule_changes


@dataclass(frozen=True)
class Verdict:
    """What a change does to a stack.

    Attributes:
        changes: To its resources.
        permissions: To the statements in their documents.
        model_texts: To what models read, as Markdown.
        access: To who may call which tool.
        locks: What keeps people out and is off or looser after it, whether or not anybody gains by it now.
        stricter: The rules of the policy pack that are set more strictly.
        several_gateways: Whether a tool's name does not say where it is.
        violations: What the policy pack has against the stack after the change.
        known: Those of them that were there before.
        base_failure: Why there is nothing to compare with, if that is so; then everything counts as new.
    """

    changes: Changes
    permissions: Permissions
    model_texts: tuple[str, ...]
    access: Difference
    locks: tuple[Lock, ...]
    stricter: tuple[Lock, ...]
    several_gateways: bool
    violations: tuple[Violation, ...]
    known: frozenset[Violation]
    base_failure: str | None

    @property
    def gains(self) -> int:
        """How often somebody may do what they might not before; a reviewer has to agree to it."""
        return len(self.access.gains) + len(self.access.ways_gained)

    @property
    def losses(self) -> int:
        """How often somebody may not do any more what they might."""
        return len(self.access.losses) + len(self.access.ways_lost)

    @property
    def mandatory(self) -> tuple[Violation, ...]:
        """The violations that stop a deployment."""
        return tuple(violation for violation in self.violations if violation.level == "mandatory")


type Judgement = Verdict | Failed
"""A verdict, or why the stack cannot be judged after the change."""


def judge(before: Outcome, after: Outcome) -> Judgement:
    """Compare a stack's two plans."""
    if isinstance(after, Failed):
        return after
    base, failure = (NOTHING, before.reason) if isinstance(before, Failed) else (before, None)
    try:
        new = _read(after)
    except DeploymentError as error:
        return Failed(f"who may call what cannot be read from the plan: {error}")
    try:
        old = _read(base)
    except DeploymentError as error:
        base, failure = NOTHING, f"who may call what cannot be read from the plan: {error}"
        old = _read(base)
    matrices = matrix(old.read), matrix(new.read)
    locks = (*plain_locks(old, new), *interceptor_locks(old, new), *document_locks(old, new))
    # The rules of a stack that goes go with it. One that comes was under those of the pack.
    looser, stricter = ([], []) if after.rules is None else rule_changes(base.rules or {}, after.rules)
    access = difference(*matrices)
    kept = dict(access.replaced)
    gateways = {kept.get(block.gateway, block.gateway) for found in matrices for block in found.blocks}
    return Verdict(
        changes=changes(old.file, new.file),
        permissions=permissions(old.file, new.file),
        model_texts=tuple(model_texts(old.file, new.file)),
        access=access,
        locks=tuple(dict.fromkeys((*looser, *locks))),
        stricter=tuple(stricter),
        several_gateways=len(gateways) > 1,
        violations=after.violations,
        known=frozenset(base.violations),
        base_failure=failure,
    )


def _read(planned: Planned) -> Side:
    return Side(planned.deployment, parse(planned.deployment))

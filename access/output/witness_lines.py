"""A decision of IAM in lines: the statements of its smallest witness, what is not known, and what a denial lacks."""

from collections.abc import Iterator

from toolgate.access.chain.hops import Check, Hop
from toolgate.access.iam import witness
from toolgate.access.iam.evaluation import ANYTHING, Decision, Outcome, decide
from toolgate.access.iam.statements import DecidingStatement, IamRequest
from toolgate.access.matrix.far_rights import Behind
from toolgate.policy.language.agentcore_facts import ASSUME_ROLE

_KINDS = {"identity": "identity policy", "boundary": "permissions boundary", "resource": "resource policy"}


def hop_lines(hop: Hop | Behind) -> Iterator[str]:
    """Everything that decided a hop, or what a gateway's role needs behind it."""
    for it in hop.checks:
        yield f"IAM {it.request.action} on {it.request.resource}: {it.decision.outcome}"
        yield from (f"  {line}" for line in check_lines(it))


def check_lines(check: Check) -> Iterator[str]:
    """What decided one question to IAM."""
    request, decision = check.request, check.decision
    of_documents = witness.deciding(witness.smallest(request))
    missing_documents = (it for it in decision.statements if it.effect == ANYTHING)
    yield from (_line(statement, request) for statement in (*of_documents, *missing_documents))
    if decision.outcome is Outcome.UNDECIDED:
        yield from (f"not known: {unread}" for unread in request.caller.unknowns)
    if decision.outcome is Outcome.IMPLICIT_DENY:
        yield f"missing: {_missing(request, decision)}"


def answered(request: IamRequest) -> Check:
    """A question with its answer."""
    return Check(request, decide(request))


def _line(statement: DecidingStatement, request: IamRequest) -> str:
    kind = _KINDS[statement.kind]
    if statement.kind == "resource" and request.action == ASSUME_ROLE:
        kind = "trust policy"
    conditions = f", if {'; '.join(statement.conditions)}" if statement.conditions else ""
    return f"{statement.effect} in {kind} '{statement.policy}' ({statement.sid}){conditions}"


def _missing(request: IamRequest, decision: Decision) -> str:
    whose = {
        "identity policy": f"an identity policy of {request.caller.name}",
        "permissions boundary": f"the permissions boundary of {request.caller.name}",
        "resource policy": f"the {_own_policy(request)} of {_name(request.resource)}",
    }
    ways = "; or in ".join(" and in ".join(whose[sort] for sort in way) for way in decision.missing)
    return f"an Allow of {request.action} on {request.resource} in {ways}"


def _own_policy(request: IamRequest) -> str:
    return "trust policy" if request.action == ASSUME_ROLE else "resource policy"


def _name(arn: str) -> str:
    return arn.rsplit(":", 1)[-1].removeprefix("gateway/")

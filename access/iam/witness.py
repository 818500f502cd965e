"""The smallest witness of a decision: statements that give it by themselves, and of which none can be left out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from toolgate.access.iam.evaluation import Decision, decide
from toolgate.access.iam.identities import ANY_CALLER
from toolgate.access.iam.policies import Policy
from toolgate.access.iam.statements import DecidingStatement, IamRequest, matches


def smallest(request: IamRequest) -> IamRequest:
    """The same request with only those statements in its policies that its answer needs.

    An answer is an outcome, with the conditions that it depends on. Where two statements grant the same, the later one
    is left out; where nothing is granted, none is left.
    """
    wanted = _answer(decide(request))
    kept = [_only(it, frozenset(s.index for s in it.concerning(request.action))) for it in _documents(request)]
    while shorter := next((it for it in _one_less(kept) if _answer(decide(_with(request, it))) == wanted), None):
        kept = shorter
    return _with(request, kept)


def _one_less(policies: list[Policy]) -> Iterator[list[Policy]]:
    """The policies without one of their statements, the last one first."""
    for position, policy in reversed(list(enumerate(policies))):
        numbers = [statement.index for statement in policy.statements]
        for number in reversed(numbers):
            shorter = _only(policy, frozenset(numbers) - {number})
            yield [*policies[:position], shorter, *policies[position + 1 :]]


def deciding(request: IamRequest) -> tuple[DecidingStatement, ...]:
    """The statements of a request's policies that match it or may match it."""
    own = [(policy, "identity") for policy in request.caller.policies]
    limit = [(request.caller.boundary, "boundary")] if request.caller.boundary else []
    others = [(request.resource_policy, "resource")] if request.resource_policy else []
    found = (it.statement for policy, kind in (*own, *limit, *others) for it in matches(request, policy, kind))
    return tuple(dict.fromkeys(found))


def _documents(request: IamRequest) -> list[Policy]:
    """All of a request's policies, in the order in which `_with` takes them."""
    last = (request.caller.boundary, request.resource_policy)
    return [*request.caller.policies, *(it for it in last if it)]


def _with(request: IamRequest, policies: Sequence[Policy]) -> IamRequest:
    rest = list(policies)
    resource = rest.pop() if request.resource_policy else None
    boundary = rest.pop() if request.caller.boundary else None
    caller = request.caller
    if caller is not ANY_CALLER:  # who has no policies of its own
        caller = replace(caller, policies=tuple(rest), boundary=boundary)
    return replace(request, caller=caller, resource_policy=resource)


def _only(policy: Policy, indices: frozenset[int]) -> Policy:
    return Policy(policy.name, policy.document, indices)


def _answer(decision: Decision) -> tuple[object, ...]:
    return decision.outcome, frozenset(c for statement in decision.statements for c in statement.conditions)

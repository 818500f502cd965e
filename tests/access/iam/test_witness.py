"""A smallest witness gives the answer by itself, and no statement of it can be left out."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Decision, Outcome, decide
from toolgate.access.iam.policies import Policy
from toolgate.access.iam.statements import IamRequest
from toolgate.access.iam.witness import deciding, smallest

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/caller"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
INVOKE = "lambda:InvokeFunction"

_CONDITIONS: Sequence[dict[str, Any]] = (
    {},
    {},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
    {"StringEquals": {"aws:PrincipalAccount": "999999999999"}},
    {"UnknownOperator": {"aws:SourceIp": "x"}},
)
_PRINCIPALS = ({"AWS": ROLE}, {"AWS": ACCOUNT}, "*", {"Service": "ec2.amazonaws.com"}, {"AWS": "999999999999"})


def _statement(*, resource_policy: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    parts: dict[str, st.SearchStrategy[Any]] = {
        "Effect": st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
        "Action": st.sampled_from([INVOKE, "lambda:*", "*", "s3:GetObject"]),
        "Resource": st.sampled_from(
            [FUNCTION, "*", f"{FUNCTION}2", "arn:aws:lambda:*:*:function:${aws:PrincipalTag/f}"]
        ),
        "Condition": st.sampled_from(_CONDITIONS),
    }
    if resource_policy:
        parts["Principal"] = st.sampled_from(_PRINCIPALS)
    return st.fixed_dictionaries(parts)


def _policies(name: str, **more: bool) -> st.SearchStrategy[Policy]:
    statements = st.lists(_statement(**more), max_size=4)
    return statements.map(lambda found: Policy(name, {"Version": "2012-10-17", "Statement": found}))


def _request(identity: list[Policy], boundary: Policy | None, resource: Policy | None, unread: tuple[str, ...]) -> Any:
    role = Role(arn=ROLE, name="caller", trust={}, policies=tuple(identity), boundary=boundary, unread=unread)
    return IamRequest(role, INVOKE, FUNCTION, resource_policy=resource)


REQUESTS = st.builds(
    _request,
    st.lists(_policies("identity"), max_size=3),
    st.none() | _policies("boundary"),
    st.none() | _policies("resource", resource_policy=True),
    st.sampled_from([(), (), ("arn:aws:iam::aws:policy/Unread",)]),
)


def _answer(decision: Decision) -> tuple[Outcome, frozenset[str]]:
    return decision.outcome, frozenset(c for statement in decision.statements for c in statement.conditions)


def _without_each(request: IamRequest) -> list[IamRequest]:
    """The request without one of its statements, once for each."""
    role = request.caller
    assert isinstance(role, Role)
    found = []
    policies = [*role.policies, role.boundary, request.resource_policy]
    for position, policy in enumerate(policies):
        for statement in policy.statements if policy else ():
            assert policy is not None
            left = list(policies)
            kept = frozenset(it.index for it in policy.statements) - {statement.index}
            left[position] = Policy(policy.name, policy.document, kept)
            *own, boundary, resource = left
            found.append(_request([it for it in own if it], boundary, resource, role.unread))
    return found


@settings(max_examples=200, deadline=None)
@given(REQUESTS)
def test_the_witness_gives_the_answer_and_each_statement_of_it_is_needed(request: IamRequest) -> None:
    wanted = _answer(decide(request))
    witness = smallest(request)
    assert _answer(decide(witness)) == wanted
    for shorter in _without_each(witness):
        assert _answer(decide(shorter)) != wanted


def test_of_two_grants_one_is_told_and_of_nothing_nothing() -> None:
    grant = {"Effect": "Allow", "Action": INVOKE, "Resource": FUNCTION}
    twice = Policy("twice", {"Statement": [{"Sid": "First", **grant}, {"Sid": "Second", **grant}]})
    assert [it.sid for it in deciding(smallest(_request([twice], None, None, ())))] == ["First"]
    other = Policy("other", {"Statement": [{**grant, "Action": "s3:GetObject"}]})
    assert deciding(smallest(_request([other], None, None, ()))) == ()


def test_what_one_statement_makes_needless_is_left_out_of_it_as_well() -> None:
    unclear = "arn:aws:lambda:*:*:function:${aws:PrincipalTag/f}"
    allow, deny = {"Effect": "Allow", "Action": INVOKE}, {"Effect": "Deny", "Action": INVOKE}
    statements = [{**allow, "Resource": unclear}, {**allow, "Resource": FUNCTION}, {**deny, "Resource": unclear}]
    policy = Policy("unclear", {"Version": "2012-10-17", "Statement": statements})
    assert [it.sid for it in deciding(smallest(_request([policy], None, None, ())))] == ["statement 1"]

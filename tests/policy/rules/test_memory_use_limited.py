"""What roles that AgentCore may take are allowed of memories: whose, and of which."""

from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import ACCOUNT, document, statement

RULE, CORE = "memory-use-limited", "bedrock-agentcore:"
MEMORIES = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:memory"
MEMORY = f"{MEMORIES}/shop-abcdefghij"
ACTORS = {"StringLike": {f"{CORE}actorId": ["shop", "shop:*"]}}
PATHS = {"StringLike": {f"{CORE}namespacePath": ["/facts/shop/*", "/facts/shop:*/*"]}}


def _of(entry: dict[str, Any], condition: Any) -> dict[str, Any]:
    return {**entry, "Condition": condition}


def _on(actions: str, on: Any = MEMORY) -> dict[str, Any]:
    return statement([f"{CORE}{it}" for it in actions.split()], on)


def found(pack: Pack, *entries: Any, role: Registration | None = None) -> list[Violation]:
    policy = making.role_policy(document(*entries))
    return [it for it in pack.run([role or making.role(), policy]) if it.rule == RULE]


EVENTS = _on("CreateEvent ListEvents")
RECORDS = _on("RetrieveMemoryRecords")


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        (EVENTS, f"{CORE}CreateEvent for every actor"),
        # Whichever memory that is.
        (_on("CreateEvent", UNKNOWN), f"{CORE}CreateEvent for every actor"),
        (_of(EVENTS, {"StringLike": {f"{CORE}actorId": "*"}}), "for every actor"),
        (_of(EVENTS, {"StringLike": {f"{CORE}actorId": ["shop", "*:admin"]}}), "for every actor"),
        (_of(EVENTS, {"StringNotEquals": {f"{CORE}actorId": "admin"}}), "for every actor"),
        (_of(EVENTS, {"StringLikeIfExists": {f"{CORE}actorId": "shop"}}), "for every actor"),
        (_of(EVENTS, {"StringLike": {f"{CORE}sessionId": "s*"}}), "for every actor"),
        (_of(EVENTS, {"StringLike": {"aws:PrincipalTag/team": "shop"}}), "for every actor"),
        (RECORDS, f"{CORE}RetrieveMemoryRecords in every namespace"),
        (_of(RECORDS, {"StringLike": {f"{CORE}namespacePath": "/*"}}), "in every namespace"),
        (_of(RECORDS, {"StringLike": {f"{CORE}strategyId": "facts-abcdefghij"}}), "in every namespace"),
        (
            _of(RECORDS, {"StringLikeIfExists": {f"{CORE}actorId": "shop"}}),
            f"in every namespace, where its condition on {CORE}actorId limits nothing",
        ),
        (_of(_on("CreateEvent", f"{MEMORIES}/*"), ACTORS), f'{CORE}CreateEvent on "{MEMORIES}/*"'),
        (_of(_on("CreateEvent", "*"), ACTORS), f'{CORE}CreateEvent on "*"'),
        (_of(_on("GetMemoryRecord", f"{MEMORIES}/shop-*"), ACTORS | PATHS), None),
        (_on("GetMemoryRecord", f"{MEMORIES}/shop-*"), f"{CORE}GetMemoryRecord on"),
        (_on("*"), f"{CORE}CreateEvent for every actor"),
        (_on("*", f"{MEMORIES}/*"), f"{CORE}CreateEvent on"),
        (_on("List*", "*"), f'{CORE}ListEvents on "*"'),
        ({"Effect": "Allow", "NotAction": f"{CORE}DeleteMemory", "Resource": MEMORY}, "for every actor"),
        ({"Effect": "Allow", "Action": f"{CORE}ListEvents", "NotResource": "arn:aws:s3:::*"}, "but its NotResource"),
    ],
    ids=str,
)
def test_what_is_not_limited_is_told(pack: Pack, entry: Any, what: str | None) -> None:
    violations = found(pack, _of(EVENTS, ACTORS), entry)
    if what is None:  # nobody gets anything by it
        assert violations == []
        return
    assert violations
    assert what in violations[0].message
    assert "Statement[1]" in violations[0].message
    assert {it.level for it in violations} == {"mandatory"}


@pytest.mark.parametrize(
    "entry",
    [
        _of(EVENTS, ACTORS),
        _of(EVENTS, {"StringEquals": {f"{CORE}ActorId": "shop"}}),
        _of(EVENTS, {"StringEquals": {f"{CORE}actorId": "${aws:PrincipalTag/user}"}}),
        _of(RECORDS, PATHS),
        _of(RECORDS, {"StringEquals": {f"{CORE}namespace": "/facts/shop/"}}),
        _of(_on("GetEvent DeleteEvent ListSessions"), ACTORS),
        _on("ListActors GetMemoryRecord DeleteMemoryRecord"),
        _on("GetMemory", f"{MEMORIES}/*"),
        {**EVENTS, "Condition": UNKNOWN},
        {**EVENTS, "Effect": "Deny"},
        _of(EVENTS, {"StringEquals": {f"{CORE}actorId": UNKNOWN}}),
        _on("ListEvents", f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:browser/*"),
        # A key that records do not have opens nothing, which another rule tells.
        _of(RECORDS, ACTORS),
    ],
    ids=str,
)
def test_limited_and_unknown_grants_pass(pack: Pack, entry: Any) -> None:
    assert found(pack, entry) == []


def test_what_an_administrator_has_is_reported_once_and_roles_of_others_are_not_asked(pack: Pack) -> None:
    assert found(pack, statement(f"{CORE}*", "*")) == []
    assert found(pack, EVENTS, role=making.role(trusted="ec2.amazonaws.com")) == []


def test_statements_that_a_component_is_handed_have_no_conditions(pack: Pack) -> None:
    given = {"statements": [{"actions": [f"{CORE}ListEvents"], "resources": [MEMORY]}]}
    agent = Registration("toolgate:index:AgentRuntime", "assistant", given)
    assert [it.rule for it in pack.run([agent]) if it.rule == RULE] == [RULE]

from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack, Violation
from tests.policy.making import GATEWAY, statement

RULE, GRANT = "grant-has-effect", "bedrock-agentcore:InvokeGateway"


def found(pack: Pack, *entries: Any, gateway: Any = None, role: str = "agent") -> list[Violation]:
    pack.configure(making_tokens.ALLOWED)
    policy = making_tokens.tokens_policy(*entries, of=role)
    roles = [making.role(), making.role("deployer", "ec2.amazonaws.com")]
    taking = gateway or making_tokens.gateway()
    resources = [making_tokens.pool(), taking, *roles, policy, making_tokens.runtime()]
    return [it for it in pack.run(resources) if it.rule == RULE]


def test_a_grant_on_a_gateway_that_takes_tokens_is_told(pack: Pack) -> None:
    (violation,) = found(pack, statement(GRANT, GATEWAY))
    assert violation.level == "advisory"
    assert "asks no IAM" in violation.message


@pytest.mark.parametrize(
    "entry",
    [
        statement(GRANT, GATEWAY.replace("tools", "other")),
        statement(GRANT, UNKNOWN),
        statement(GRANT, f"{GATEWAY}*"),
        statement(GRANT, "*"),
        statement("bedrock-agentcore:GetGateway", GATEWAY),
        {**statement(GRANT, GATEWAY), "Effect": "Deny"},
        {"Effect": "Allow", "Action": GRANT, "NotResource": GATEWAY},
        statement(UNKNOWN, GATEWAY),
        statement([], []),
        statement(GRANT, GATEWAY.upper()),
    ],
    ids=str,
)
def test_any_other_statement_is_not(pack: Pack, entry: Any) -> None:
    assert found(pack, entry) == []


def test_gateways_of_iam_and_roles_of_others_are_not(pack: Pack) -> None:
    assert found(pack, statement(GRANT, GATEWAY), gateway=making.gateway()) == []
    assert found(pack, statement(GRANT, GATEWAY), role="deployer") == []


MEMORY = f"arn:aws:bedrock-agentcore:us-east-1:{making.ACCOUNT}:memory/shop-abcdefghij"
CORE = "bedrock-agentcore:"


def _on_memory(actions: str, key: str, operator: str = "StringLike", value: Any = "shop/*") -> dict[str, Any]:
    condition = {operator: {f"{CORE}{it}": value for it in key.split()}}
    return statement([f"{CORE}{it}" for it in actions.split()], MEMORY, Condition=condition)


@pytest.mark.parametrize(
    ("entry", "actions"),
    [
        (_on_memory("RetrieveMemoryRecords", "actorId"), ["RetrieveMemoryRecords"]),
        (_on_memory("CreateEvent RetrieveMemoryRecords", "actorId"), ["RetrieveMemoryRecords"]),
        (_on_memory("CreateEvent ListEvents", "namespacePath"), ["CreateEvent", "ListEvents"]),
        (_on_memory("ListMemoryRecords", "namespace namespacePath"), ["ListMemoryRecords"]),
        (_on_memory("ListActors", "actorId", "StringEquals", "shop"), ["ListActors"]),
        (_on_memory("ListSessions", "sessionId", "Null", "false"), ["ListSessions"]),
        (_on_memory("GetMemoryRecord", "namespace"), ["GetMemoryRecord"]),
        (_on_memory("BatchCreateMemoryRecords", "ACTORID"), ["BatchCreateMemoryRecords"]),
        # Met, or nobody knows.
        (_on_memory("RetrieveMemoryRecords ListMemoryRecords", "namespacePath"), []),
        (_on_memory("RetrieveMemoryRecords", "namespace strategyId"), []),
        (_on_memory("CreateEvent GetEvent DeleteEvent", "actorId sessionId"), []),
        (_on_memory("RetrieveMemoryRecords", "actorId", "StringLikeIfExists"), []),
        (_on_memory("RetrieveMemoryRecords", "actorId", "StringNotLike"), []),
        (_on_memory("BatchCreateMemoryRecords", "namespace"), []),
        (_on_memory("*", "actorId"), []),
        ({**_on_memory("RetrieveMemoryRecords", "actorId"), "Effect": "Deny"}, []),
        ({**_on_memory("RetrieveMemoryRecords", "actorId"), "Condition": UNKNOWN}, []),
    ],
    ids=str,
)
def test_a_condition_on_a_key_that_no_request_brings_is_told(pack: Pack, entry: Any, actions: list[str]) -> None:
    violations = found(pack, entry, gateway=making.gateway())
    assert [it.message.split(f"grants {CORE}")[1].split()[0] for it in violations] == actions
    assert found(pack, entry, gateway=making.gateway(), role="deployer") == []

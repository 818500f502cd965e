"""From a live account's memories to the rows of who may use them."""

import json

import pytest

from tests.access.scan.fake_account import ACCOUNT, CORE, DENIED, GONE, REGION, Answer, FakeAccount, Given, allow, role
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.memories.uses import Use
from toolgate.access.scan.scan import scan

MEMORY = f"{CORE}:memory/talks-abcdefghij"
AUDITOR = f"arn:aws:iam::{ACCOUNT}:role/auditor"
WRITE = {
    **allow("bedrock-agentcore:CreateEvent", MEMORY),
    "Condition": {"StringLike": {"bedrock-agentcore:actorId": ["clerk", "clerk:*"]}},
}
OTHERS = f"{CORE}:memory/others-abcdefghij"
ELSEWHERE = allow("bedrock-agentcore:ListEvents", OTHERS)
SHARED = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": AUDITOR},
            "Action": "bedrock-agentcore:ListEvents",
            "Resource": MEMORY,
        }
    ],
}


@pytest.fixture
def account() -> FakeAccount:
    """A memory, an agent that writes its own events there, and a role that the memory's own policy lets read."""
    roles = [role("clerk", WRITE, ELSEWHERE), role("auditor"), role("idle", ELSEWHERE)]
    fake = FakeAccount(roles=roles, runtimes={"clerk": "clerk"})
    fake.answers["ListMemories"] = lambda _: {"memories": [{"id": "talks-abcdefghij", "status": "ACTIVE"}]}
    described = {
        "id": "talks-abcdefghij",
        "name": "talks",
        "arn": MEMORY,
        "status": "ACTIVE",
        "eventExpiryDuration": 30,
    }
    fake.answers["GetMemory"] = lambda _: {"memory": described}
    fake.answers["GetResourcePolicy"] = _resource_policy
    return fake


def _resource_policy(given: Given) -> Answer:
    return {"policy": json.dumps(SHARED)} if given["resourceArn"] == MEMORY else GONE


def _rows(fake: FakeAccount) -> set[tuple[str, ...]]:
    """Who, which memory, what, for whom, whether."""
    found = matrix(parse(scan(fake.session(), (REGION,), lambda _: None))).memories
    return {
        (it.agent or it.principal, str(it.memory.arn), str(it.use), it.answer.label, str(it.answer.access.decision))
        for it in found
    }


def test_each_use_of_a_scanned_memory_is_a_row_by_whoever_has_it(account: FakeAccount) -> None:
    assert _rows(account) == {
        ("clerk", MEMORY, "write events", "actors clerk, clerk:*", "allow"),
        (AUDITOR, MEMORY, "read events", "the whole memory", "allow"),
        # A memory that the account does not list may be another's, whose own policy nobody knows.
        ("clerk", OTHERS, "read events", "", "undecided"),
        (f"arn:aws:iam::{ACCOUNT}:role/idle", OTHERS, "read events", "", "undecided"),
    }


def test_a_memory_whose_own_policy_could_not_be_read_may_let_in_anybody(account: FakeAccount) -> None:
    account.answers["GetResourcePolicy"] = lambda given: DENIED if given["resourceArn"] == MEMORY else GONE
    found = {row for row in _rows(account) if row[1] == MEMORY}
    assert {(who, decision) for who, *_, decision in found} == {("*", "undecided")}
    assert {use for _, _, use, *_ in found} == set(map(str, Use))


def test_a_memory_that_could_not_be_read_is_told(account: FakeAccount) -> None:
    account.answers["GetMemory"] = lambda _: DENIED
    told = parse(scan(account.session(), (REGION,), lambda _: None)).not_read
    assert [it.why for it in told if it.what == f"memory '{REGION}/talks-abcdefghij'"] == [
        "GetMemory: AccessDeniedException: User: arn:aws:iam::1:user/a is not authorized"
    ]

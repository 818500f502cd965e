"""Conversations that an agent keeps below a prefix of a bucket: who may use them."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.access.memories.test_rows import ACCOUNT, OPS, Part, allow, document, role
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix

BUCKET, PREFIX = "arn:aws:s3:::talks", "caller"
OBJECTS = f"{BUCKET}/{PREFIX}/*"


@pytest.fixture
def judge(case: Callable[..., Any]) -> Callable[..., Matrix]:
    def judged(*more: Part, memory: Any = None, **documents: Any) -> Matrix:
        exported = case(
            more=[("aws:s3/bucket:Bucket", "talks", {"bucket": "talks", "arn": BUCKET}), *more], **documents
        )
        made = exported.export()
        (runtime,) = [it for it in made["deployment"]["resources"] if it["type"].endswith("AgentcoreAgentRuntime")]
        told = memory or json.dumps({"kind": "s3", "bucket": "talks", "prefix": PREFIX})
        for side in ("inputs", "outputs"):
            runtime[side]["environmentVariables"] = {"MEMORY": told}
        return matrix(parse(made))

    return judged


def rows(found: Matrix) -> list[tuple[str, str, str, str]]:
    return [
        (it.agent or it.principal, str(it.use), it.answer.label, str(it.answer.access.decision))
        for it in found.memories
    ]


def test_the_grant_of_an_agent(judge: Callable[..., Matrix]) -> None:
    listing = {"StringLike": {"s3:prefix": f"{PREFIX}/*"}}
    found = judge(identity=[allow("s3:GetObject s3:PutObject", OBJECTS), allow("s3:ListBucket", BUCKET, listing)])
    assert rows(found) == [
        ("caller", "write events", "the whole memory", "allow"),
        ("caller", "read events", "the whole memory", "allow"),
        ("caller", "list actors and sessions", f"prefixes {PREFIX}/*", "allow"),
    ]


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ([allow("s3:GetObject", f"{BUCKET}/*")], ("the whole memory", "allow")),
        ([allow("s3:*", "*")], ("the whole memory", "allow")),
        ([allow("s3:GetObject", f"{BUCKET}/other/*")], None),
        ([allow("s3:GetObject", "arn:aws:s3:::others/*")], None),
        ([allow("s3:GetObject", f"{OBJECTS[:-1]}users/bob/*")], (f"objects {OBJECTS[:-1]}users/bob/*", "allow")),
        ([allow("s3:GetObject", f"{OBJECTS[:-1]}one.json")], (f"objects {OBJECTS[:-1]}one.json", "allow")),
        ([allow("s3:GetObject", f"{BUCKET}/*/users/*")], (f"objects {BUCKET}/*/users/*", "allow")),
        (
            [{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": f"{BUCKET}/other/*"}],
            ("the whole memory", "allow"),
        ),
        ([{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": OBJECTS}], None),
        ([{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": f"{OBJECTS}/users/*"}], ("", "conditional")),
        ([allow("s3:GetObject", OBJECTS), allow("s3:GetObject", f"{OBJECTS}/x", Effect="Deny")], ("", "conditional")),
        ([allow("s3:GetObject", OBJECTS), allow("s3:*", f"{BUCKET}/*", Effect="Deny")], None),
    ],
    ids=str,
)
def test_who_may_read_of_it(
    judge: Callable[..., Matrix], statements: Sequence[Mapping[str, Any]], told: tuple[str, str] | None
) -> None:
    found = judge(*role("ops", *statements))
    reading = [(label, decision) for who, use, label, decision in rows(found) if (who, use) == (OPS, "read events")]
    assert set(reading) == ({told} if told else set())


def test_a_list_of_another_s_prefix_is_none(judge: Callable[..., Matrix]) -> None:
    other = {"StringLike": {"s3:prefix": ["other/*", "others/*"]}}
    assert rows(judge(*role("ops", allow("s3:ListBucket", BUCKET, other)))) == []
    all_ = {"StringLike": {"s3:prefix": ["other/*", "c*"]}}
    assert len(rows(judge(*role("ops", allow("s3:ListBucket", BUCKET, all_))))) == 1


def test_the_bucket_s_policy_counts(judge: Callable[..., Matrix]) -> None:
    def policy(**more: Any) -> Part:
        written = {"bucket": "talks", "policy": document(allow("s3:GetObject", f"{BUCKET}/*", **more))}
        return "aws:s3/bucketPolicy:BucketPolicy", "talks", written

    assert rows(judge(policy(Principal="*"))) == [("*", "read events", "the whole memory", "allow")]
    assert rows(judge(policy(Principal={"AWS": OPS}), *role("ops"))) == [
        (OPS, "read events", "the whole memory", "allow")
    ]
    assert rows(judge(policy(Principal="*", Effect="Deny"), *role("ops", allow("s3:GetObject", "*")))) == []
    stranger = "arn:aws:iam::999999999999:role/reader"
    assert rows(judge(policy(Principal={"AWS": stranger}))) == [(stranger, "read events", "", "undecided")]


def test_what_ends_a_bucket_or_opens_it_is_told(judge: Callable[..., Matrix]) -> None:
    found = judge(*role("ops", allow("s3:PutBucketPolicy s3:DeleteBucket", BUCKET)))
    assert rows(found) == [(OPS, "administer", "the whole memory", "allow")]


@pytest.mark.parametrize(
    "variable", ["", "no JSON", "[]", "5", "null", '{"kind": "s3"}', '{"kind": "s3", "bucket": 5}']
)
def test_another_variable_of_that_name_is_the_author_s_own(judge: Callable[..., Matrix], variable: str) -> None:
    assert judge(identity=[allow("*", "*")], memory=variable or " ").memories == ()


def test_a_memory_that_an_agent_is_told_of_and_that_is_elsewhere(judge: Callable[..., Matrix]) -> None:
    arn = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:memory/far-abcdefghij"
    told = json.dumps({"kind": "agentcore", "memory_id": "far-abcdefghij", "actor": "caller"})
    found = judge(*role("ops", allow("bedrock-agentcore:ListEvents", f"{arn[:-10]}*")), memory=told)
    assert [(it.principal, it.memory.arn, str(it.answer.access.decision)) for it in found.memories] == [
        (OPS, arn, "undecided")
    ]

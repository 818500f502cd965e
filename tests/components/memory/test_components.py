"""The memory and the bucket that agents keep their conversations in, and what each hands over."""

from pathlib import Path
from typing import Any

import pulumi
import pytest

from toolgate.access.iam.evaluation import IamRequest, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy
from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.checks.arguments import UsageError
from toolgate.components.memory.agentcore_memory import Memory, MemoryStrategyType
from toolgate.components.memory.conversation_bucket import ConversationBucket

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
FACTS: Any = {"type": MemoryStrategyType.SEMANTIC, "namespace": "/facts/{actorId}/"}
SUMS: Any = {"type": "SUMMARIZATION", "namespace": "/sums/{actorId}/of/{sessionId}/"}


def test_a_memory(run: Any) -> None:
    args: Any = {"strategies": {"facts": FACTS, "sums": {**SUMS, "description": "What was said"}}}
    recorded = run(lambda: Memory("talks", args))
    memory = recorded.one("AgentcoreMemory", "talks-memory")
    assert memory.inputs == {"name": "toolgate_dev_talks", "eventExpiryDuration": 30}
    assert memory.delete_before_replace
    facts, sums = (recorded.one("AgentcoreMemoryStrategy", f"talks-{name}") for name in ("facts", "sums"))
    assert facts.inputs == {
        "memoryId": "talks-memory-id",
        "name": "facts",
        "type": "SEMANTIC",
        "namespaceTemplates": ["/facts/{actorId}/"],
    }
    assert (sums.inputs["type"], sums.inputs["description"]) == ("SUMMARIZATION", "What was said")
    assert facts.delete_before_replace
    assert recorded.one("Memory", "talks").inputs["strategies"]["facts"]["type"] == "SEMANTIC"


def test_a_memory_with_everything(run: Any) -> None:
    args: Any = {"expiry_days": 90, "kms_key_arn": KEY, "description": "Talks", "tags": {"team": "agents"}}
    recorded = run(lambda: Memory("talks", args), stack="pr.1")
    assert recorded.one("AgentcoreMemory", "talks-memory").inputs == {
        "name": "toolgate_pr_1_talks",
        "description": "Talks",
        "eventExpiryDuration": 90,
        "encryptionKeyArn": KEY,
        "tags": {"team": "agents"},
    }


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"expiry_days": 6}, r"Memory 'talks'\.expiry_days: is 6; 7 to 365"),
        ({"expiry_days": 366}, r"expiry_days: is 366; 7 to 365"),
        ({"kms_key_arn": "alias/x"}, "is no ARN of a KMS key"),
        ({"strategies": {"my-facts": FACTS}}, "memory strategy name 'my-facts' is refused"),
        (
            {"strategies": {"a": FACTS, "b": {**FACTS, "type": "SEMANTIC"}}},
            r"strategies\.b: has the type SEMANTIC as 'a'",
        ),
        ({"strategies": {"a": {**FACTS, "type": "CUSTOM"}}}, "'CUSTOM' is not one of 'SEMANTIC', 'SUMMARIZATION'"),
        ({"strategies": {"a": {"type": "SEMANTIC"}}}, r"strategies\.a: missing 'namespace'"),
        *(
            ({"strategies": {"a": {**FACTS, "namespace": name}}}, r"strategies\.a\.namespace: ")
            for name in ("", "facts/", "/facts", "/facts//x/", "/f*/", "/{actor-id}/", "/" + "a" * 511 + "/")
        ),
        ({"strategy": {}}, "unknown key 'strategy'"),
    ],
)
def test_a_memory_that_is_none_is_an_error(run: Any, args: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(lambda: Memory("talks", args))


def test_its_name_is_checked(run: Any) -> None:
    with pytest.raises(UsageError, match=r"memory name .* has 63 characters; at most 48 are allowed"):
        run(lambda: Memory("t" * 50, {}))


def test_a_memory_is_handed_over(run: Any) -> None:
    handed: list[Any] = []

    def program() -> None:
        memory = Memory("talks", {"strategies": {"facts": FACTS, "sums": SUMS}, "kms_key_arn": KEY})
        pulumi.Output.from_input({**memory.events()}).apply(handed.append)
        pulumi.Output.from_input({**memory.events(recall=["sums", "facts"])}).apply(handed.append)

    run(program)
    arn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:memory/talks-memory-id"
    plain = {"memory_id": "talks-memory-id", "memory_arn": arn, "kms_key_arn": KEY}
    # Of the summaries those of every session of the actor.
    assert handed == [plain, {**plain, "recall": ["/sums/{actorId}/of/", "/facts/{actorId}/"]}]


@pytest.mark.parametrize(
    ("namespace", "message"),
    [
        ("/facts/", r"strategy 'facts' keeps its records in '/facts/', and IAM could not keep an agent to its own"),
        ("/s/{memoryStrategyId}/{actorId}/", "strategy 'facts' keeps its records in"),
        ("/facts-{actorId}/", "strategy 'facts' keeps its records in"),
    ],
)
def test_what_no_condition_could_hold_is_not_recalled(run: Any, namespace: str, message: str) -> None:
    def program() -> None:
        strategy: Any = {**FACTS, "namespace": namespace}
        Memory("talks", {"strategies": {"facts": strategy}}).events(recall=["facts"])

    with pytest.raises(UsageError, match=message):
        run(program)


def test_what_is_not_there_is_not_recalled(run: Any) -> None:
    with pytest.raises(UsageError, match=r"Memory 'talks': has no strategy 'facts'. Strategies: none\."):
        run(lambda: Memory("talks", {}).events(recall=["facts"]))


def test_a_bucket(run: Any) -> None:
    recorded = run(lambda: ConversationBucket("My_Talks", {"tags": {"team": "agents"}}))
    bucket = recorded.one("Bucket", "my-talks")
    assert bucket.inputs == {"forceDestroy": True, "tags": {"team": "agents"}}
    block = recorded.one("BucketPublicAccessBlock", "My_Talks").inputs
    assert {value for key, value in block.items() if key != "bucket"} == {True}
    assert len(block) == 5
    assert recorded.one("BucketOwnershipControls", "My_Talks").inputs["rule"] == {
        "objectOwnership": "BucketOwnerEnforced"
    }
    [rule] = recorded.one("BucketLifecycleConfiguration", "My_Talks").inputs["rules"]
    assert rule == {"id": "forget", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 30}}
    # What was written over must not live on.
    assert not [name for kind, name in recorded.types() if kind in ("BucketVersioning",)]


def test_the_bucket_takes_no_plain_http_from_anybody(run: Any) -> None:
    on_bucket = run(lambda: ConversationBucket("talks", {})).one("BucketPolicy", "talks").document()
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    admin = Identity(arn="arn:aws:iam::123456789012:role/admin", name="admin", policies=(Policy("all", anything),))
    for resource in ("arn:aws:s3:::talks-1234567", "arn:aws:s3:::talks-1234567/a/b"):
        for secure in ("true", "false"):
            request = IamRequest(
                admin, "s3:GetObject", resource, {"aws:SecureTransport": secure}, Policy("on", on_bucket)
            )
            assert decide(request).allowed is (secure == "true")


def test_a_bucket_with_a_key(run: Any) -> None:
    handed: list[Any] = []

    def program() -> None:
        bucket = ConversationBucket("talks", {"kms_key_arn": KEY, "expiry_days": 7})
        pulumi.Output.from_input({**bucket.conversations()}).apply(handed.append)

    recorded = run(program)
    assert handed == [{"bucket": "talks-1234567", "kms_key_arn": KEY}]
    [rule] = recorded.one("BucketServerSideEncryptionConfiguration", "talks").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    assert recorded.one("BucketLifecycleConfiguration", "talks").inputs["rules"][0]["expiration"] == {"days": 7}


@pytest.mark.parametrize("protect", [True, False])
def test_only_without_protection_what_was_said_goes_with_the_stack(run: Any, protect: bool) -> None:
    opts = pulumi.ResourceOptions(protect=protect)
    bucket = run(lambda: ConversationBucket("talks", {}, opts)).one("Bucket", "talks")
    assert (bucket.inputs["forceDestroy"], bucket.protect) == (not protect, protect)
    recorded = run(lambda: Memory("talks", {"strategies": {"facts": FACTS}}, opts))
    assert recorded.one("AgentcoreMemory", "talks-memory").protect is protect


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"expiry_days": 0}, r"ConversationBucket 'talks'\.expiry_days: is 0; 1 to 3650"),
        ({"kms_key_arn": "x"}, "is no ARN of a KMS key"),
        ({"tags": {"aws:x": "y"}}, "begins with 'aws:'"),
    ],
)
def test_a_bucket_that_is_none_is_an_error(run: Any, args: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(lambda: ConversationBucket("talks", args))


def test_two_agents_of_one_memory_have_each_their_own(run: Any, tmp_path: Path) -> None:
    (tmp_path / "agent.zip").write_bytes(b"a zip")

    def program() -> None:
        memory = Memory("talks", {"strategies": {"facts": FACTS}})
        for name in ("helper", "helper_2"):
            AgentRuntime(
                name,
                {
                    "code": str(tmp_path / "agent.zip"),
                    "model_id": "amazon.nova-lite-v1:0",
                    "memory": memory.events(recall=["facts"]),
                },
            )

    recorded = run(program)
    names = {"helper": "toolgate_dev_helper", "helper_2": "toolgate_dev_helper_2"}
    arn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:memory/talks-memory-id"
    for name in names:
        policy = Policy("memory", recorded.one("RolePolicy", f"{name}-memory").document())
        agent = Identity(arn="arn:aws:iam::123456789012:role/r", name="r", policies=(policy,))
        for other, actor in names.items():
            for user in ("", ":ada"):
                facts = {"bedrock-agentcore:actorId": f"{actor}{user}"}
                assert decide(IamRequest(agent, "bedrock-agentcore:ListEvents", arn, facts)).allowed is (name == other)
                facts = {"bedrock-agentcore:namespacePath": f"/facts/{actor}{user}/"}
                asked = IamRequest(agent, "bedrock-agentcore:RetrieveMemoryRecords", arn, facts)
                assert decide(asked).allowed is (name == other)

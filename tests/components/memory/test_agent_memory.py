"""The grant of a memory: what an agent's role may do with it, decided by our own evaluator and by another one."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from toolgate.access.iam.evaluation import IamRequest, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy
from toolgate.components.agent_runtime import OURS, AgentRuntime
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import memory_documents
from toolgate.components.memory.agent_memory import VARIABLE
from toolgate.policy.language import agentcore_memory
from toolgate.policy.language.agentcore_memory import ACTOR, KEYS, NAMESPACE, NAMESPACE_PATH

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
MEMORY_ID = "shared-a1B2c3D4e5"
MEMORY = f"arn:aws:bedrock-agentcore:us-east-1:123456789012:memory/{MEMORY_ID}"
OTHER = MEMORY.replace("shared", "others")
IN_MEMORY: Any = {"memory_id": MEMORY_ID, "memory_arn": MEMORY}
RECALLING: Any = {**IN_MEMORY, "recall": ["/facts/{actorId}/", "/users/{actorId}/likes/"]}
BUCKET = "talks-1234567"
AGENT = "toolgate_dev_helper"


@pytest.fixture
def args(tmp_path: Path) -> Any:
    (tmp_path / "agent.zip").write_bytes(b"a zip")
    return {"code": str(tmp_path / "agent.zip"), "model_id": "amazon.nova-lite-v1:0"}


@pytest.fixture
def made(run: Any, args: Any) -> Any:
    """What is registered for an agent that is handed a memory."""

    def making(memory: Any) -> Any:
        given: Any = {**args, "memory": memory}
        return run(lambda: AgentRuntime("helper", given))

    return making


@pytest.fixture
def may(made: Any, allows: Any) -> Any:
    """Whether an agent that is handed a memory may do something: both evaluators must say the same."""

    def deciding(memory: Any, action: str, resource: str, **facts: str) -> bool:
        document = made(memory).one("RolePolicy", "helper-memory").document()
        known = {key.replace("__", ":"): value for key, value in facts.items()}
        agent = Identity(arn="arn:aws:iam::123456789012:role/r", name="r", policies=(Policy("memory", document),))
        ours = decide(IamRequest(agent, action, resource, known)).allowed
        assert allows(document, action, resource, **{key.replace(":", "__"): it for key, it in known.items()}) is ours
        return bool(ours)

    return deciding


def test_components_and_what_reads_documents_say_the_same() -> None:
    assert memory_documents.CONVERSE == agentcore_memory.CONVERSE
    assert (memory_documents.RECALL,) == agentcore_memory.RECALL
    assert (memory_documents.ACTOR, memory_documents.NAMESPACE_PATH) == (ACTOR, NAMESPACE_PATH)
    assert memory_documents.ACTOR_VARIABLE == agentcore_memory.ACTOR_VARIABLE


def test_they_write_the_same_conditions(made: Any) -> None:
    statements = made(RECALLING).one("RolePolicy", "helper-memory").document()["Statement"]
    converse, recall = (it["Condition"]["StringLike"] for it in statements)
    assert converse == {ACTOR: agentcore_memory.actors(AGENT)}
    assert recall == {
        NAMESPACE_PATH: [it for name in RECALLING["recall"] for it in agentcore_memory.paths(name, AGENT)]
    }


@pytest.mark.parametrize("action", agentcore_memory.CONVERSE)
@pytest.mark.parametrize(
    ("actor", "holds"),
    [
        (AGENT, True),
        (f"{AGENT}:ada", True),
        (f"{AGENT}:", True),
        (f"{AGENT}_2", False),
        (f"{AGENT}_2:ada", False),
        (f"x{AGENT}", False),
        ("toolgate_dev_other", False),
        ("*", False),
    ],
)
def test_an_agent_keeps_its_own_conversations_and_those_of_its_users(
    may: Any, action: str, actor: str, holds: bool
) -> None:
    assert may(IN_MEMORY, action, MEMORY, **{ACTOR: actor}) is holds
    assert not may(IN_MEMORY, action, OTHER, **{ACTOR: actor})


def test_without_an_actor_there_is_nothing(may: Any) -> None:
    assert not may(IN_MEMORY, agentcore_memory.LIST_EVENTS, MEMORY)


@pytest.mark.parametrize("action", [it for it in KEYS if it not in agentcore_memory.CONVERSE])
@pytest.mark.parametrize("memory", [IN_MEMORY, RECALLING], ids=["kept", "recalled"])
def test_nothing_else_of_a_memory_is_allowed_whatever_the_request_has(may: Any, memory: Any, action: str) -> None:
    facts = {ACTOR: AGENT, NAMESPACE: f"/facts/{AGENT}/"}
    assert not may(memory, action, MEMORY, **facts)
    if action not in agentcore_memory.RECALL:
        assert not may(memory, action, MEMORY, **facts, **{NAMESPACE_PATH: f"/facts/{AGENT}/"})


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        (f"/facts/{AGENT}/", True),
        (f"/facts/{AGENT}/deeper/", True),
        (f"/facts/{AGENT}:ada/", True),
        (f"/users/{AGENT}:ada/likes/", True),
        (f"/users/{AGENT}:ada/", False),
        (f"/facts/{AGENT}", False),
        (f"/facts/{AGENT}_2/", False),
        (f"/facts/{AGENT}_2:ada/", False),
        ("/facts/", False),
        ("/", False),
        ("/facts/toolgate_dev_other/", False),
    ],
)
def test_what_is_recalled_is_the_agent_s_own(may: Any, path: str, holds: bool) -> None:
    [action] = agentcore_memory.RECALL
    assert may(RECALLING, action, MEMORY, **{NAMESPACE_PATH: path}) is holds
    # The other parameter brings the other key, and the request has none of this one.
    assert not may(RECALLING, action, MEMORY, **{NAMESPACE: path})
    assert not may(IN_MEMORY, action, MEMORY, **{NAMESPACE_PATH: path})


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject"])
def test_in_a_bucket_an_agent_has_its_own_prefix(may: Any, action: str) -> None:
    memory = {"bucket": BUCKET}
    assert may(memory, action, f"arn:aws:s3:::{BUCKET}/{AGENT}/own/session_a/session.json")
    for other in (f"{BUCKET}/{AGENT}_2/own/x", f"{BUCKET}/{AGENT}", f"{BUCKET}/x/{AGENT}/x", f"{BUCKET}x/{AGENT}/x"):
        assert not may(memory, action, f"arn:aws:s3:::{other}")


@pytest.mark.parametrize(
    ("prefix", "holds"),
    [(f"{AGENT}/", True), (f"{AGENT}/own/", True), (AGENT, False), (f"{AGENT}_2/", False), ("", False)],
)
def test_it_lists_its_own_prefix_and_never_the_bucket(may: Any, prefix: str, holds: bool) -> None:
    assert may({"bucket": BUCKET}, "s3:ListBucket", f"arn:aws:s3:::{BUCKET}", **{"s3:prefix": prefix}) is holds
    assert not may({"bucket": BUCKET}, "s3:ListBucket", f"arn:aws:s3:::{BUCKET}")


@pytest.mark.parametrize(
    "action",
    ["s3:DeleteObject", "s3:GetObjectVersion", "s3:PutObjectAcl", "s3:PutBucketPolicy", "s3:ListBucketVersions"],
)
def test_in_a_bucket_it_does_nothing_else(may: Any, action: str) -> None:
    for resource in (f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/{AGENT}/x"):
        assert not may({"bucket": BUCKET}, action, resource, **{"s3:prefix": f"{AGENT}/"})


def test_the_key_of_a_bucket_is_used_through_s3_for_that_bucket_only(may: Any) -> None:
    memory = {"bucket": BUCKET, "kms_key_arn": KEY}
    context, through = "kms:EncryptionContext:aws:s3:arn", {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert may(memory, action, KEY, **through, **{context: f"arn:aws:s3:::{BUCKET}"})
        assert not may(memory, action, KEY, **through, **{context: "arn:aws:s3:::other"})
        assert not may(memory, action, KEY, **{context: f"arn:aws:s3:::{BUCKET}"})
        assert not may({"bucket": BUCKET}, action, KEY, **through, **{context: f"arn:aws:s3:::{BUCKET}"})


def test_the_key_of_a_memory_is_used_through_agentcore_only(may: Any) -> None:
    memory = {**IN_MEMORY, "kms_key_arn": KEY}
    for action in ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"):
        assert may(memory, action, KEY, **{"kms:ViaService": "bedrock-agentcore.us-east-1.amazonaws.com"})
        assert not may(memory, action, KEY, **{"kms:ViaService": "s3.us-east-1.amazonaws.com"})
    assert not may(memory, "kms:CreateGrant", KEY, **{"kms:ViaService": "bedrock-agentcore.us-east-1.amazonaws.com"})


def variable(recorded: Any) -> Any:
    return json.loads(recorded.one("AgentcoreAgentRuntime", "helper-runtime").inputs["environmentVariables"][VARIABLE])


def test_the_agent_is_told_where_its_conversations_are(made: Any) -> None:
    assert variable(made({"bucket": BUCKET})) == {"kind": "s3", "bucket": BUCKET, "prefix": AGENT}
    told = {"kind": "agentcore", "memory_id": MEMORY_ID, "actor": AGENT}
    assert variable(made(IN_MEMORY)) == told
    assert variable(made(RECALLING)) == {**told, "recall": RECALLING["recall"]}


def test_the_runtime_waits_for_the_right(made: Any) -> None:
    assert "helper-memory" in made(IN_MEMORY).one("AgentcoreAgentRuntime", "helper-runtime").dependencies


def test_without_a_memory_nothing_is_written(run: Any, args: Any) -> None:
    recorded = run(lambda: AgentRuntime("helper", args))
    assert ("RolePolicy", "helper-memory") not in recorded.types()
    runtime = recorded.one("AgentcoreAgentRuntime", "helper-runtime")
    assert VARIABLE not in runtime.inputs["environmentVariables"]


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        ({}, r"memory: missing 'memory_arn'\. Write a ConversationBucket's 'bucket'"),
        ({"memory_id": MEMORY_ID}, "memory: missing 'memory_arn'"),
        ({"memory_arn": MEMORY}, "memory: missing 'memory_id'"),
        ({**IN_MEMORY, "bucket": BUCKET}, "memory: has 'bucket' and 'memory_arn'"),
        ({"bucket": BUCKET, "recall": []}, "memory: has 'bucket' and 'recall'"),
        ({"bucket": "A bucket"}, r"memory\.bucket: 'A bucket' is no name of a bucket"),
        ({"bucket": f"{BUCKET}/*"}, r"memory\.bucket: '.*' is no name of a bucket"),
        ({**IN_MEMORY, "memory_arn": f"{MEMORY[:-10]}*"}, r"memory\.memory_arn: '.*' is no ARN of a memory"),
        ({**IN_MEMORY, "memory_id": "x"}, r"memory\.memory_id: 'x' is no id of a memory"),
        ({**IN_MEMORY, "kms_key_arn": "alias/x"}, r"memory\.kms_key_arn: 'alias/x' is no ARN of a KMS key"),
        ({**IN_MEMORY, "recall": ["/a/{actorId}/"] * 7}, r"memory\.recall: number of namespaces: is 7; 0 to 6"),
        ({**IN_MEMORY, "recal": []}, "unknown key 'recal'. Did you mean 'recall'"),
        *(
            ({**IN_MEMORY, "recall": [namespace]}, r"memory\.recall\[0\]: '.*' is not one agent's alone")
            for namespace in (
                *("/facts/", "/", "", "/{actorId}", "{actorId}/", "/facts-{actorId}/", "/facts/{actorId}-x/"),
                *("/s/{memoryStrategyId}/{actorId}/", "/a/{actorId}/{sessionId}/", "/*/{actorId}/", "/{actorId}/*"),
                *("/{actorId}/{actorId}/", "/facts//{actorId}/", "/facts/{actorId}/\n"),
            )
        ),
    ],
)
def test_a_grant_that_is_none_is_an_error(made: Any, memory: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        made(memory)


def test_the_variable_is_the_component_s(run: Any, args: Any) -> None:
    assert VARIABLE in OURS
    args["environment"] = {VARIABLE: "{}"}
    with pytest.raises(UsageError, match=f"environment: {VARIABLE} is written by the component"):
        run(lambda: AgentRuntime("helper", args))


@pytest.mark.parametrize(
    ("idle", "seconds", "refused"),
    [(75, None, False), (74, None, True), (300, "300", False), (300, "300.5", True), (900, "900", False)],
)
def test_a_session_is_not_idle_before_its_longest_invocation_is_over(
    run: Any, args: Any, idle: int, seconds: str | None, refused: bool
) -> None:
    args["lifecycle"] = {"idle_timeout": idle, "max_lifetime": 3600}
    if seconds:
        args["environment"] = {"AGENT_INVOCATION_SECONDS": seconds}
    if not refused:
        run(lambda: AgentRuntime("helper", args))
        return
    with pytest.raises(UsageError, match=rf"lifecycle: idle_timeout is {idle}, and an invocation may take .* s "):
        run(lambda: AgentRuntime("helper", args))


def test_the_longest_invocation_may_be_known_later(run: Any, args: Any) -> None:
    args["environment"] = {"AGENT_INVOCATION_SECONDS": pulumi.Output.from_input("901")}
    with pytest.raises(UsageError, match="idle_timeout is 900, and an invocation may take 901 s"):
        run(lambda: AgentRuntime("helper", args))


def test_the_longest_invocation_is_a_number(run: Any, args: Any) -> None:
    args["environment"] = {"AGENT_INVOCATION_SECONDS": "a while"}
    with pytest.raises(UsageError, match="AGENT_INVOCATION_SECONDS: must be a number of seconds, not 'a while'"):
        run(lambda: AgentRuntime("helper", args))


@pytest.mark.parametrize(
    ("longest", "seconds", "refused"),
    [
        (900, None, False),
        (900, "900", False),
        (900, "900.5", True),
        (28_800, "28800", False),
        (3600, "nan", True),
    ],
)
def test_a_session_is_not_too_old_before_its_longest_task_is_over(
    run: Any, args: Any, longest: int, seconds: str | None, refused: bool
) -> None:
    args["lifecycle"] = {"idle_timeout": 900, "max_lifetime": longest}
    if seconds:
        args["environment"] = {"AGENT_TASK_SECONDS": seconds}
    if not refused:
        run(lambda: AgentRuntime("helper", args))
        return
    with pytest.raises(
        UsageError, match=rf"lifecycle: max_lifetime is {longest}, and a task may take .* s \(AGENT_TASK"
    ):
        run(lambda: AgentRuntime("helper", args))


def test_the_longest_task_may_be_known_later(run: Any, args: Any) -> None:
    args["environment"] = {"AGENT_TASK_SECONDS": pulumi.Output.from_input("28801")}
    with pytest.raises(UsageError, match="max_lifetime is 28800, and a task may take 28801 s"):
        run(lambda: AgentRuntime("helper", args))


def test_the_longest_task_is_a_number(run: Any, args: Any) -> None:
    args["environment"] = {"AGENT_TASK_SECONDS": "an hour"}
    with pytest.raises(UsageError, match="AGENT_TASK_SECONDS: must be a number of seconds, not 'an hour'"):
        run(lambda: AgentRuntime("helper", args))

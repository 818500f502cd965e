"""The grant of a memory: each part of it is needed, and nothing beside it is given.

The stack's own documents, less one action or condition at a time, served and asked; and the agents' own credentials in
other hands.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.conversations.hearing import CALLER, Caller, Hearing, client, log_lines, runtime, said, session_id, stack
from tests.local.serve.memory.conftest import role
from tests.planning import SAMPLE
from toolgate.local.serve.server import serve

AGENTS: dict[str, Any] = {
    "clerk": {"tools": [], "memory": "s3"},
    "clerk_2": {"tools": [], "memory": "s3"},
    "scribe": {"tools": [], "memory": "agentcore", "recall": ["facts"]},
    "scribe_2": {"tools": [], "memory": "agentcore"},
}
CLERK, SCRIBE = "toolgate_agents_clerk", "toolgate_agents_scribe"
OWNER = "arn:aws:iam::123456789012:role/owner"
CREATE, LIST, RETRIEVE = (f"bedrock-agentcore:{it}" for it in ("CreateEvent", "ListEvents", "RetrieveMemoryRecords"))
ACTOR, PATH, PREFIX = "bedrock-agentcore:actorId", "bedrock-agentcore:namespacePath", "s3:prefix"
Document = dict[str, Any]
Change = Callable[[Document], None]


def deployment() -> dict[str, Any]:
    made = stack(AGENTS)
    anything = {"Effect": "Allow", "Action": ["s3:*", "bedrock-agentcore:*"], "Resource": "*"}
    made["deployment"]["resources"] += role("owner", anything)
    return made


def policy(made: Mapping[str, Any], agent: str) -> dict[str, Any]:
    """The resource that is the grant."""
    [found] = [it for it in made["deployment"]["resources"] if it["urn"].endswith(f"RolePolicy::{agent}-memory")]
    return dict(found)


def document(made: Mapping[str, Any], agent: str) -> Document:
    read: Document = json.loads(policy(made, agent)["outputs"]["policy"])
    return read


def changed(agent: str, change: Change) -> dict[str, Any]:
    """The deployment with another grant of an agent."""
    made = deployment()
    found = policy(made, agent)
    document = json.loads(found["outputs"]["policy"])
    change(document)
    for properties in (found["inputs"], found["outputs"]):
        properties["policy"] = json.dumps(document)
    return made


def without(action: str) -> Change:
    def change(document: Document) -> None:
        for statement in document["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            statement["Action"] = [it for it in actions if it != action]
        document["Statement"] = [it for it in document["Statement"] if it["Action"]]

    return change


def pinned(key: str, value: str) -> Change:
    """A condition that holds for something else only."""

    def change(document: Document) -> None:
        for statement in document["Statement"]:
            if key in statement.get("Condition", {}).get("StringLike", {}):
                statement["Condition"]["StringLike"][key] = [value]

    return change


def elsewhere(document: Document) -> None:
    """Every statement on another prefix, bucket or memory."""
    for statement in document["Statement"]:
        ending = "_2/*" if statement["Resource"].endswith("/*") else "_2"
        statement["Resource"] = statement["Resource"].removesuffix("/*") + ending


@pytest.fixture(scope="module")
def asked(hearing: Hearing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    logs = tmp_path_factory.mktemp("logs")
    with serve(deployment(), root=SAMPLE, logs=logs, model=hearing.choice) as serving:
        yield Caller(serving, client(serving, CALLER))


@contextmanager
def granted(asked: Caller, agent: str, change: Change) -> Iterator[None]:
    """For as long as the block runs, an agent has another grant; its process goes on."""
    asked.serving.reload(changed(agent, change))
    try:
        yield
    finally:
        asked.serving.reload(deployment())


@dataclass(frozen=True)
class Taken:
    """Something of the grant that is taken away.

    Attributes:
        agent: Whose.
        change: What is done to its document.
        refused: The action that the log must name.
    """

    agent: str
    change: Change
    refused: str


TAKEN = {
    "s3:GetObject": Taken("clerk", without("s3:GetObject"), "s3:GetObject"),
    "s3:PutObject": Taken("clerk", without("s3:PutObject"), "s3:PutObject"),
    "s3:ListBucket": Taken("clerk", without("s3:ListBucket"), "s3:ListBucket"),
    "s3:prefix": Taken("clerk", pinned(PREFIX, f"{CLERK}_2/*"), "s3:ListBucket"),
    "bucket and prefix": Taken("clerk", elsewhere, "s3:ListBucket"),
    "CreateEvent": Taken("scribe", without(CREATE), CREATE),
    "ListEvents": Taken("scribe", without(LIST), LIST),
    "actorId": Taken("scribe", pinned(ACTOR, f"{SCRIBE}_2"), LIST),
    "actorId of users alone": Taken("scribe", pinned(ACTOR, f"{SCRIBE}:*"), LIST),
    "memory": Taken("scribe", elsewhere, LIST),
}


@pytest.mark.parametrize("name", TAKEN)
def test_each_part_is_needed(asked: Caller, hearing: Hearing, name: str) -> None:
    taken = TAKEN[name]
    first, session = f"{name} first", name.replace(" ", "-").replace(":", "-")
    assert asked.ask(taken.agent, first, session) == f"heard {first}"
    asked.stop(taken.agent, session)  # so that the conversation is read again
    before = len(list(log_lines(asked.serving, taken.agent, "memory_failed")))
    with granted(asked, taken.agent, taken.change):
        assert "Received error (502)" in asked.ask(taken.agent, f"{name} second", session)
    failed = list(log_lines(asked.serving, taken.agent, "memory_failed"))[before:]
    failed = [it for it in failed if it["call"] != "recall"]
    assert {(it["code"], it["action"]) for it in failed} == {("memory_refused", taken.refused)}
    [line] = list(log_lines(asked.serving, taken.agent, "invocation"))[-1:]
    assert line["code"] == "memory_refused"
    assert asked.ask(taken.agent, f"{name} third", session) == f"heard {name} third"
    assert hearing.shown[f"{name} third"] == said(first)
    asked.stop(taken.agent, session)  # its process, too


@pytest.mark.parametrize(
    "change", [without(RETRIEVE), pinned(PATH, f"/facts/{SCRIBE}_2/*")], ids=["RetrieveMemoryRecords", "namespacePath"]
)
def test_without_the_right_to_recall_the_log_says_so(asked: Caller, change: Change) -> None:
    with granted(asked, "scribe", change):
        assert asked.ask("scribe", "recall", "recall") == "heard recall"
    last = [it for it in log_lines(asked.serving, "scribe", "memory_failed") if it["call"] == "recall"][-1]
    assert (last["code"], last["action"]) == ("memory_refused", RETRIEVE)


Call = Callable[[Any, str, str], Any]
# With the agent's own credentials: (client, the bucket or memory, the agent's own name) -> a call.
OF_S3: dict[str, Call] = {
    "another's object": lambda s3, at, own: s3.get_object(Bucket=at, Key=f"{own}_2/own/session.json"),
    "another's object, written": lambda s3, at, own: s3.put_object(Bucket=at, Key=f"{own}_2/own/x", Body=b"x"),
    "an object beside the folders": lambda s3, at, own: s3.put_object(Bucket=at, Key=own, Body=b"x"),
    "an object above the folders": lambda s3, at, own: s3.put_object(Bucket=at, Key="x", Body=b"x"),
    "the bucket's list": lambda s3, at, own: s3.list_objects_v2(Bucket=at),
    "another's list": lambda s3, at, own: s3.list_objects_v2(Bucket=at, Prefix=f"{own}_2/"),
    "a list of both": lambda s3, at, own: s3.list_objects_v2(Bucket=at, Prefix=own),
    "the first version of a list": lambda s3, at, own: s3.list_objects(Bucket=at),
    "delete": lambda s3, at, own: s3.delete_object(Bucket=at, Key=f"{own}/own/session.json"),
    "delete several": lambda s3, at, own: s3.delete_objects(Bucket=at, Delete={"Objects": [{"Key": f"{own}/own/x"}]}),
    "copy another's": lambda s3, at, own: s3.copy_object(
        Bucket=at, Key=f"{own}/own/x", CopySource={"Bucket": at, "Key": f"{own}_2/own/session.json"}
    ),
    "tag": lambda s3, at, own: s3.put_object_tagging(Bucket=at, Key=f"{own}/own/x", Tagging={"TagSet": []}),
    "the buckets": lambda s3, at, own: s3.list_buckets(),
}
_WHEN = {"eventTimestamp": 1, "payload": [{"blob": "{}"}]}
_ASKED = {"searchCriteria": {"searchQuery": "x"}}
_RECORD = f"mem-{'0' * 40}"


def _of(at: str, actor: str) -> dict[str, str]:
    return {"memoryId": at, "actorId": actor, "sessionId": session_id("own")}


OF_MEMORY: dict[str, Call] = {
    "another's event, written": lambda m, at, own: m.create_event(**_of(at, f"{own}_2"), **_WHEN),
    "another's user's event, written": lambda m, at, own: m.create_event(**_of(at, f"{own}_2:ada"), **_WHEN),
    "another's events": lambda m, at, own: m.list_events(**_of(at, f"{own}_2")),
    "an actor with a wildcard": lambda m, at, own: m.list_events(**_of(at, f"{own}/x")),
    "an event by its id": lambda m, at, own: m.get_event(**_of(at, own), eventId=f"{0:019}#00000000"),
    "delete an event": lambda m, at, own: m.delete_event(**_of(at, own), eventId=f"{0:019}#00000000"),
    "sessions": lambda m, at, own: m.list_sessions(memoryId=at, actorId=own),
    "actors": lambda m, at, own: m.list_actors(memoryId=at),
    "another's records": lambda m, at, own: m.retrieve_memory_records(
        memoryId=at, namespacePath=f"/facts/{own}_2/", **_ASKED
    ),
    "all records": lambda m, at, own: m.retrieve_memory_records(memoryId=at, namespacePath="/facts/", **_ASKED),
    "records of another strategy": lambda m, at, own: m.retrieve_memory_records(
        memoryId=at, namespacePath=f"/likes/{own}/", **_ASKED
    ),
    "its own records by the exact namespace": lambda m, at, own: m.retrieve_memory_records(
        memoryId=at, namespace=f"/facts/{own}/", **_ASKED
    ),
    "a list of its own records": lambda m, at, own: m.list_memory_records(memoryId=at, namespacePath=f"/facts/{own}/"),
    "a record": lambda m, at, own: m.get_memory_record(memoryId=at, memoryRecordId=_RECORD),
    "delete a record": lambda m, at, own: m.delete_memory_record(memoryId=at, memoryRecordId=_RECORD),
    "delete records": lambda m, at, own: m.batch_delete_memory_records(
        memoryId=at, records=[{"memoryRecordId": _RECORD}]
    ),
    "extraction jobs": lambda m, at, own: m.list_memory_extraction_jobs(memoryId=at),
}
_PLACE = {"s3": ("clerk", "s3", "bucket", CLERK), "memory": ("scribe", "bedrock-agentcore", "memory_id", SCRIBE)}


def held(asked: Caller, kind: str, role_arn: str | None = None) -> tuple[Any, str, str]:
    """A client with the agent's credentials, or another role's, its store, and its own name."""
    agent, service, member, own = _PLACE[kind]
    found = runtime(deployment(), agent)
    at = json.loads(found["environmentVariables"]["MEMORY"])[member]
    return client(asked.serving, role_arn or found["roleArn"], service), at, own


def code_of(call: Call, *given: Any) -> str:
    """AWS's code for a call; empty where it is answered."""
    try:
        call(*given)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.mark.parametrize(("kind", "name"), [*(("s3", it) for it in OF_S3), *(("memory", it) for it in OF_MEMORY)])
def test_nothing_else_is_given(asked: Caller, kind: str, name: str) -> None:
    call = {"s3": OF_S3, "memory": OF_MEMORY}[kind][name]
    with pytest.raises(ClientError) as refused:
        call(*held(asked, kind))
    assert refused.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}
    assert "is not authorized to perform" in refused.value.response["Error"]["Message"]
    # It is the right that is missing, not the thing: who has every right is not answered so.
    assert "AccessDenied" not in code_of(call, *held(asked, kind, OWNER))


def test_what_is_given_is_used_by_the_agent_s_own_credentials(asked: Caller) -> None:
    """The counterpart of the tables above: the same calls, on what is the agent's own."""
    s3, bucket, own = held(asked, "s3")
    s3.put_object(Bucket=bucket, Key=f"{own}/own/x", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key=f"{own}/own/x")["Body"].read() == b"x"
    assert s3.list_objects_v2(Bucket=bucket, Prefix=f"{own}/own/x")["KeyCount"] == 1
    memory, at, own = held(asked, "memory")
    for actor in (own, f"{own}:ada"):
        memory.create_event(**_of(at, actor), **_WHEN)
        assert len(memory.list_events(**_of(at, actor))["events"]) == 1
        # The right is there; nothing is extracted here.
        with pytest.raises(ClientError) as refused:
            memory.retrieve_memory_records(memoryId=at, namespacePath=f"/facts/{actor}/", **_ASKED)
        assert "AccessDenied" not in refused.value.response["Error"]["Code"]


def test_the_tables_name_all_that_is_granted() -> None:
    """A new action or condition of the grant comes with a row above."""
    made = deployment()
    actions, keys = set(), set()
    for agent in ("clerk", "scribe"):
        for statement in copy.deepcopy(document(made, agent))["Statement"]:
            actions |= {statement["Action"]} if isinstance(statement["Action"], str) else set(statement["Action"])
            keys |= {key for of in statement.get("Condition", {}).values() for key in of}
    assert actions == {"s3:GetObject", "s3:PutObject", "s3:ListBucket", CREATE, LIST, RETRIEVE}
    assert keys == {ACTOR, PATH, PREFIX}

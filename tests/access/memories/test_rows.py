"""Who may use a memory, and for whom: rows decided from whole deployments."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix

ACCOUNT, OTHERS = "123456789012", "999999999999"
CORE = "bedrock-agentcore:"
AT = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:memory"
MEMORY = f"{AT}/talks-abcdefghij"
AGENT = f"arn:aws:iam::{ACCOUNT}:role/agents/caller"
OPS = f"arn:aws:iam::{ACCOUNT}:role/ops"
HELD = (
    "aws:bedrock/agentcoreMemory:AgentcoreMemory",
    "talks",
    {"name": "talks", "arn": MEMORY, "id": "talks-abcdefghij", "eventExpiryDuration": 30},
)
ACTORS = {"StringLike": {f"{CORE}actorId": ["caller", "caller:*"]}}
MINE = "actors caller, caller:*"
OFFICE = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
WHOLE = "the whole memory"

type Part = tuple[str, str, Mapping[str, Any]]


def allow(actions: str, on: Any = MEMORY, condition: Any = None, **more: Any) -> dict[str, Any]:
    """One statement; actions of AgentCore by their names alone."""
    named = [it if ":" in it or it == "*" else f"{CORE}{it}" for it in actions.split()]
    entry = {"Effect": "Allow", "Action": named, "Resource": on, **more}
    return entry if condition is None else {**entry, "Condition": condition}


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def role(name: str, *statements: Mapping[str, Any], trust: Any = None, **more: Any) -> list[Part]:
    let_in = {"Effect": "Allow", "Principal": trust or {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = {"name": name, "arn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "assumeRolePolicy": document(let_in), **more}
    policy = {"role": name, "name": f"{name}-may", "policy": document(*statements)}
    inline: list[Part] = [("aws:iam/rolePolicy:RolePolicy", f"{name}-may", policy)] if statements else []
    return [("aws:iam/role:Role", name, made), *inline]


def on_memory(*statements: Mapping[str, Any], on: str = MEMORY) -> Part:
    policy = {"resourceArn": on, "policy": document(*statements)}
    return "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy", "shared", policy


@pytest.fixture
def judge(case: Callable[..., Any]) -> Callable[..., Matrix]:
    def judged(*more: Part, **documents: Any) -> Matrix:
        return matrix(parse(case(more=[HELD, *more], **documents).export()))

    return judged


def rows(found: Matrix) -> list[tuple[str, str, str, str, str]]:
    """Who, what and its actions, whose, by which way, whether."""
    return [
        (
            it.agent or it.principal,
            f"{it.use}: {' '.join(action.removeprefix(CORE) for action in it.actions)}",
            it.answer.label,
            it.way,
            str(it.answer.access.decision),
        )
        for it in found.memories
    ]


def test_the_grant_of_an_agent_is_a_row_for_each_use_and_says_whose(judge: Callable[..., Matrix]) -> None:
    paths = {"StringLike": {f"{CORE}namespacePath": ["/facts/caller/*", "/facts/caller:*/*"]}}
    found = judge(
        identity=[allow("CreateEvent ListEvents", condition=ACTORS), allow("RetrieveMemoryRecords", condition=paths)]
    )
    assert rows(found) == [
        ("caller", "write events: CreateEvent", MINE, "", "allow"),
        ("caller", "read events: ListEvents", MINE, "", "allow"),
        (
            "caller",
            "recall: RetrieveMemoryRecords",
            "below namespaces /facts/caller/*, /facts/caller:*/*",
            "",
            "allow",
        ),
    ]


@pytest.mark.parametrize(
    ("statements", "label", "decision"),
    [
        ([allow("ListEvents")], WHOLE, "allow"),
        ([allow("ListEvents", "*")], WHOLE, "allow"),
        ([allow("*", "*")], WHOLE, "allow"),
        ([allow("ListEvents", condition=ACTORS)], MINE, "allow"),
        # Lists that are each enough stand beside each other; a wider one takes the place of all.
        (
            [
                allow("ListEvents", condition=ACTORS),
                allow("ListEvents", condition={"StringEquals": {f"{CORE}actorId": "x"}}),
            ],
            f"{MINE}; or actors x",
            "allow",
        ),
        ([allow("ListEvents", condition=ACTORS), allow("List*")], WHOLE, "allow"),
        (
            [allow("ListEvents", condition={"StringLike": {f"{CORE}actorId": "a*", f"{CORE}sessionId": "s"}})],
            "actors a* and sessions s",
            "allow",
        ),
        # A key that is always there and true narrows nothing.
        ([allow("ListEvents", condition=ACTORS | {"Bool": {"aws:SecureTransport": "true"}})], MINE, "allow"),
        # What is no list stays as the policy writes it.
        ([allow("ListEvents", condition=ACTORS | OFFICE)], "", "conditional"),
        ([allow("ListEvents", condition={"StringNotLike": {f"{CORE}actorId": "admin"}})], "", "conditional"),
        ([allow("ListEvents", condition=ACTORS), allow("ListEvents", condition=OFFICE)], "", "conditional"),
        (
            [
                allow("ListEvents"),
                allow("ListEvents", condition={"StringEquals": {f"{CORE}actorId": "x"}}, Effect="Deny"),
            ],
            "",
            "conditional",
        ),
        (
            [allow("ListEvents", condition={"StringEquals": {f"{CORE}actorId": "${aws:PrincipalTag/t}"}})],
            "",
            "undecided",
        ),
        ([allow("ListEvents", condition={"StringSort": {f"{CORE}actorId": "x"}})], "", "undecided"),
    ],
    ids=str,
)
def test_whose_events_may_be_read(
    judge: Callable[..., Matrix], statements: Sequence[Any], label: str, decision: str
) -> None:
    found = [it for it in rows(judge(identity=statements)) if "ListEvents" in it[1]]
    assert [(it[2], it[4]) for it in found] == [(label, decision)]


@pytest.mark.parametrize(
    ("action", "key", "label"),
    [
        ("RetrieveMemoryRecords", "actorId", None),
        ("RetrieveMemoryRecords", "namespace", "namespaces x"),
        ("RetrieveMemoryRecords", "namespacePath", "below namespaces x"),
        ("ListMemoryRecords", "strategyId", "strategies x"),
        ("GetMemoryRecord", "namespace", None),
        ("ListActors", "actorId", None),
        ("ListSessions", "actorId", "actors x"),
        ("ListSessions", "sessionId", None),
        ("DeleteEvent", "sessionId", "sessions x"),
        ("CreateEvent", "namespacePath", None),
        ("BatchCreateMemoryRecords", "actorId", None),
        ("UpdateMemory", "actorId", None),
    ],
)
def test_a_condition_on_a_key_that_no_request_brings_grants_nothing(
    judge: Callable[..., Matrix], action: str, key: str, label: str | None
) -> None:
    found = judge(identity=[allow(action, condition={"StringEquals": {f"{CORE}{key}": "x"}})])
    assert [it.answer.label for it in found.memories] == ([label] if label else [])
    negated = judge(identity=[allow(action, condition={"StringNotEquals": {f"{CORE}{key}": "x"}})])
    assert [str(it.answer.access.decision) for it in negated.memories] == (
        ["allow"] if label is None or "amespaces" in label else ["conditional"]
    )


def test_records_that_are_written_on_a_namespace_are_conditional(judge: Callable[..., Matrix]) -> None:
    condition = {"StringLike": {f"{CORE}namespace": "/facts/*"}}
    (row,) = judge(identity=[allow("BatchCreateMemoryRecords", condition=condition)]).memories
    assert (row.use, row.answer.label) == ("write records", "namespaces /facts/*")


def test_a_boundary_that_asks_for_more_leaves_it_conditional(judge: Callable[..., Matrix]) -> None:
    mine = [allow("CreateEvent", condition=ACTORS)]
    assert rows(judge(identity=mine, boundary=[allow("*", "*")]))[0][2:] == (MINE, "", "allow")
    assert rows(judge(identity=mine, boundary=[allow("s3:*", "*")])) == []
    both = rows(
        judge(identity=mine, boundary=[allow("CreateEvent", condition={"StringLike": {f"{CORE}actorId": "x*"}})])
    )
    assert both[0][2:] == ("", "", "conditional")


def test_the_policy_on_a_memory_lets_in_and_keeps_out(judge: Callable[..., Matrix]) -> None:
    named = allow("ListEvents", Principal={"AWS": OPS}, condition=ACTORS)
    assert rows(judge(*role("ops"), on_memory(named))) == [(OPS, "read events: ListEvents", MINE, "", "allow")]
    public = rows(judge(*role("ops", allow("ListEvents")), on_memory(allow("ListEvents", Principal="*"))))
    assert public == [("*", "read events: ListEvents", WHOLE, "", "allow")]
    stranger = f"arn:aws:iam::{OTHERS}:role/reader"
    let_in = on_memory(allow("ListEvents", Principal={"AWS": stranger}))
    assert rows(judge(let_in)) == [(stranger, "read events: ListEvents", "", "", "undecided")]
    closed = on_memory(allow("*", "*", Principal="*", Effect="Deny"))
    assert rows(judge(closed, *role("ops", allow("*", "*")))) == []
    service = on_memory(allow("ListEvents", Principal={"Service": "bedrock-agentcore.amazonaws.com"}))
    assert any("resource policy 'shared'" in it for it in judge(service).unsupported)


def test_a_policy_that_a_scan_could_not_read_is_undecided(judge: Callable[..., Matrix]) -> None:
    note = {"what": "the resource policy", "why": "AccessDenied", "about": MEMORY, "part": "resourcePolicy"}
    found = rows(judge(("toolgate:scan:NotRead", "note", note), identity=[allow("CreateEvent")]))
    assert {(who, decision) for who, *_, decision in found} == {("*", "undecided")}


def test_whoever_may_act_as_an_agent_may_use_its_memory(judge: Callable[..., Matrix]) -> None:
    taking = role("ops", allow("sts:AssumeRole", AGENT))
    found = rows(
        judge(*taking, identity=[allow("CreateEvent", condition=ACTORS)], trust={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    )
    assert (OPS, "write events: CreateEvent", MINE, "assumes role caller", "allow") in found
    by_itself = role("ops", allow("sts:AssumeRole", AGENT), allow("CreateEvent"))
    found = rows(
        judge(
            *by_itself, identity=[allow("CreateEvent", condition=ACTORS)], trust={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        )
    )
    assert [it for it in found if it[0] == OPS] == [(OPS, "write events: CreateEvent", WHOLE, "", "allow")]
    asked = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    limited = role("ops", allow("sts:AssumeRole", AGENT, asked))
    (row,) = (
        it
        for it in judge(
            *limited, identity=[allow("CreateEvent", condition=ACTORS)], trust={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        ).memories
        if it.principal == OPS
    )
    assert row.answer.access.decision == "conditional"
    assert [MINE in it for it in row.answer.access.conditions] == [False, True]


def test_a_memory_that_is_not_in_the_deployment_is_undecided(judge: Callable[..., Matrix]) -> None:
    far = f"{AT}/other-abcdefghij"
    found = judge(identity=[allow("CreateEvent", far)])
    assert [(it.memory.arn, str(it.answer.access.decision)) for it in found.memories] == [(far, "undecided")]
    assert found.unsupported[-1:] == (
        "caller: may use memory other-abcdefghij, which is not in the deployment, nor is its own policy",
    )


def test_as_json(judge: Callable[..., Matrix]) -> None:
    (row,) = json.loads(judge(identity=[allow("CreateEvent", condition=ACTORS)]).as_json())["memories"]
    assert row == {
        **{"principal": AGENT, "agent": "caller", "memory": MEMORY, "name": "talks", "use": "write events"},
        **{"actions": [f"{CORE}CreateEvent"], "way": "", "decision": "allow", "conditions": []},
        "scopes": [[{"key": f"{CORE}actorId", "values": ["caller", "caller:*"]}]],
    }


def test_a_memory_of_aws_native_is_one_too(case: Callable[..., Any]) -> None:
    native = {"name": "talks", "memoryArn": MEMORY, "memoryId": "talks-abcdefghij"}
    exported = case(identity=[allow("CreateEvent")], more=[("aws-native:bedrockagentcore:Memory", "talks", native)])
    deployment = parse(exported.export())
    assert [(it.arn, it.id, it.name) for it in deployment.memories] == [(MEMORY, "talks-abcdefghij", "talks")]
    assert deployment.others == ()
    assert [it.answer.label for it in matrix(deployment).memories] == [WHOLE]

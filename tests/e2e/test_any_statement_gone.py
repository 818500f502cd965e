"""Any one statement left out: the matrix, the comparison of two deployments, the pack and a real call say the same.

The statements are read from the plan, so that a new one is found here by itself: either some call needs it, or it
stands in NOT_NEEDED with the reason.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conversations.hearing import client
from tests.e2e.test_every_kind import FULL, planned, tools_of_notes, used, write_program
from tests.local.serve.outbound.far_sides import Api, api
from toolgate.access.deployment.deployment import parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.output.access_difference import difference
from toolgate.local.plan import judge
from toolgate.local.serve.server import Serving, serve

AGENTS = ("ada", "bob")
GATEWAYS = ("tools-", "inner-")
APIS, SERVERS = ("keyed", "tokened", "signed", "url"), ("notekeyed", "notetokened")
OTHERS: Mapping[str, Mapping[str, Any]] = {
    **{it: {f"get_{it}": {"pet": "7"}, f"add_{it}": {"name": "Rex"}} for it in APIS},
    **{it: tools_of_notes(it) for it in SERVERS},
}
"""By target: tools of what asks who calls."""
ARGUMENTS = FULL | {f"{it}___{name}": given for it, tools in OTHERS.items() for name, given in tools.items()}
WORLD = {
    "kinds": ["math", "stock", "pets", "stage", "notes", "inner", *OTHERS],
    "authorization": "tool",
    "agents": {agent: [*ARGUMENTS][number::2] for number, agent in enumerate(AGENTS)},
}
DECIDE = ("RolePolicy", "AgentcoreResourcePolicy", "AgentcorePolicy")
"""Types of resources whose statements decide who may call what."""
NOT_NEEDED = {"ReadPolicyEngine": "AgentCore asks for it when it makes a gateway with an engine"}
"""Statements, by the names that they begin with, without which each call goes on."""
WHEN_PLANNED = {"AuthorizeTools": "the control plane refuses to make a gateway with an engine"}
"""Statements without which there is no plan, so that no rule has to say it; the calls fail all the same."""
RULES = {"gateway-role-exact-targets", "gateway-role-exact-lambda"}
"""What names a right that a target needs. Of what hands a tool to somebody none does: that is the program's to say."""


@dataclass(frozen=True)
class Gone:
    """A deployment without one statement, and what was left out."""

    what: str
    kind: str
    resource: int
    statement: Mapping[str, Any]
    deployment: Mapping[str, Any]

    @property
    def sid(self) -> str:
        """The statement's own name."""
        return str(self.statement.get("Sid", ""))

    @property
    def denies(self) -> bool:
        """Whether it takes something away."""
        return self.statement.get("Effect") == "Deny"


def each_left_out(deployment: Mapping[str, Any]) -> Iterator[Gone]:
    for index, resource in enumerate(deployment["deployment"]["resources"]):
        kind = resource["type"].rpartition(":")[2]
        label = resource["urn"].rpartition("::")[2]
        if kind == "AgentcorePolicy":
            yield Gone(label, kind, index, {}, without(deployment, [(index, {})]))
        elif kind in DECIDE:
            for number, statement in enumerate(json.loads(resource["outputs"]["policy"])["Statement"]):
                name = f"{label}: {statement.get('Sid', number)}"
                yield Gone(name, kind, index, statement, without(deployment, [(index, statement)]))


def without(deployment: Mapping[str, Any], gone: Sequence[tuple[int, Mapping[str, Any]]]) -> Mapping[str, Any]:
    """The deployment without statements, each by its resource's number; without the resource where it has no others.

    What says the same as one of them goes with it: two kinds of target may need one right.
    """
    made = []
    for index, resource in enumerate(deployment["deployment"]["resources"]):
        lost = [statement for number, statement in gone if number == index]
        if lost:
            document = json.loads(resource["outputs"].get("policy", '{"Statement": [{}]}'))
            kept = [it for it in document["Statement"] if _said(it) not in map(_said, lost)]
            if not kept:
                continue
            changed = {"policy": json.dumps({**document, "Statement": kept})}
            resource = resource | {part: {**resource[part], **changed} for part in ("inputs", "outputs")}  # noqa: PLW2901  # the same, with less
        made.append(resource)
    return {**deployment, "deployment": {**deployment["deployment"], "resources": made}}


def _said(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in statement.items() if key != "Sid"}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_program(tmp_path_factory.mktemp("gone"))
    (folder / ".local").mkdir()
    with os.fdopen(os.open(folder / ".local" / "secrets.json", os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        json.dump({"pets": json.dumps({"key": "k"})}, file)
    return folder


@pytest.fixture(scope="module")
def whole(program: Path) -> Mapping[str, Any]:
    return planned(program, WORLD).deployment


def mandatory(deployment: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(it.rule, it.message) for it in judge(deployment).violations if it.level == "mandatory"}


type Cells = frozenset[tuple[str, str]]


def allowed(found: Matrix) -> Cells:
    """What each agent may call, by the agent's name and the tool's."""
    rows = (it for it in found.entries if it.agent and it.tool in ARGUMENTS)
    return frozenset((str(it.agent), it.tool) for it in rows if it.decision is Access.ALLOW)


def test_with_any_one_statement_gone_all_say_the_same(whole: Mapping[str, Any], program: Path, tmp_path: Path) -> None:
    before = matrix(parse(whole))
    every = allowed(before)
    assert {tool for _, tool in every} == ARGUMENTS.keys()
    assert mandatory(whole) == set()
    groups: list[tuple[list[Gone], Cells]] = []
    for gone in each_left_out(whole):
        lost, found = judged(gone, before, every), mandatory(gone.deployment)
        if gone.denies:
            assert found, gone.what
        elif not _of_tools(gone) or gone.sid.startswith(tuple(NOT_NEEDED)):
            assert (lost, found) == (frozenset(), set()), gone.what
        else:
            assert lost, f"{gone.what}: no call needs it; say in NOT_NEEDED why it is there"
            assert named(found, gone), (gone.what, found)
            put(groups, gone, lost)
    with api() as elsewhere:
        assert called(whole, program, tmp_path / "whole", elsewhere) == every
        for number, (together, lost) in enumerate(groups):
            lacking = without(whole, [(it.resource, it.statement) for it in together])
            answered = called(lacking, program, tmp_path / str(number), elsewhere)
            assert answered == every - lost, [it.what for it in together]


def judged(gone: Gone, before: Matrix, every: Cells) -> Cells:
    """What the agents lose by it, as the matrix and the comparison say; by a denial that is gone somebody gains."""
    after = matrix(parse(gone.deployment))
    lost, changed = every - allowed(after), difference(before, after)
    told = {(it.agent, it.tool) for it in changed.losses if it.agent and it.tool in ARGUMENTS}
    assert told == lost, gone.what
    assert not changed.gains, gone.what
    assert not changed.ways_gained, gone.what
    return lost


def named(found: set[tuple[str, str]], gone: Gone) -> bool:
    """Whether the pack names what was left out, where it is not the program's to say whether it is there."""
    if _hands_over(gone) or gone.sid in WHEN_PLANNED:
        return not found
    actions = gone.statement["Action"]
    listed = [actions] if isinstance(actions, str) else actions
    return {rule for rule, _ in found} <= RULES and any(it in message for it in listed for _, message in found)


def put(groups: list[tuple[list[Gone], Cells]], gone: Gone, lost: Cells) -> None:
    """Add it to those that are left out together, which have no cell in common: one serving shows all of them."""
    for number, (together, cells) in enumerate(groups):
        if not cells & lost:
            groups[number] = ([*together, gone], cells | lost)
            return
    groups.append(([gone], lost))


def _hands_over(gone: Gone) -> bool:
    return gone.kind == "AgentcorePolicy" or (gone.kind == "RolePolicy" and gone.what.startswith(AGENTS))


def _of_tools(gone: Gone) -> bool:
    """Whether a statement is about tools: an agent's others are about its model, a function's about its log."""
    actions = gone.statement.get("Action", ())
    listed = [actions] if isinstance(actions, str) else actions
    return gone.kind != "RolePolicy" or gone.what.startswith(GATEWAYS) or "bedrock-agentcore:InvokeGateway" in listed


def called(deployment: Mapping[str, Any], program: Path, logs: Path, elsewhere: Api) -> Cells:
    """What each agent called with success."""
    urls = {"stage": "prod", "notes": "mcp", "notekeyed": "mcp", "notetokened": "mcp", "pets": "v1", "url": "v1"}
    urls |= {"keyed": "v1", "tokened": "v1", "signed": "live"}
    places = {target: f"{elsewhere.url}/{path}" for target, path in urls.items()}
    with serve(deployment, root=program, logs=logs, places=places) as serving:
        outer = next(it for it in serving.deployment.gateways if "tools" in it.label)
        answered = set()
        for name in AGENTS:
            came = used(serving, outer.id, name, set(ARGUMENTS), ARGUMENTS)
            answered |= {(name, tool) for tool, it in came.items() if it == "answered"}
    return frozenset(answered)


OPS = "arn:aws:iam::123456789012:role/ops"


def with_ops(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    """The deployment, and somebody in it whose own policy lets them invoke every runtime."""
    trusted = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    granted = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeAgentRuntime", "Resource": "*"}
    made = {
        "aws:iam/role:Role": {"name": "ops", "arn": OPS, "assumeRolePolicy": json.dumps({"Statement": [trusted]})},
        "aws:iam/rolePolicy:RolePolicy": {"role": "ops", "name": "ops", "policy": json.dumps({"Statement": [granted]})},
    }
    more = [
        {"urn": f"urn:pulumi:dev::every::{kind}::ops", "custom": True, "type": kind, "inputs": it, "outputs": it}
        for kind, it in made.items()
    ]
    resources = [*deployment["deployment"]["resources"], *more]
    return {**deployment, "deployment": {**deployment["deployment"], "resources": resources}}


def test_with_a_denial_gone_somebody_gains_and_gets_in(whole: Mapping[str, Any], program: Path, tmp_path: Path) -> None:
    before = with_ops(whole)
    denials = [it for it in each_left_out(before) if it.denies]
    assert len(denials) == 1
    for number, (deployment, let_in) in enumerate([(before, False), *((it.deployment, True) for it in denials)]):
        gained = difference(matrix(parse(before)), matrix(parse(deployment))).ways_gained
        assert {it.principal for it in gained} == ({OPS} if let_in else set())
        found = {rule for rule, _ in mandatory(deployment)}
        assert ("server-called-by-gateway-only" in found) is let_in
        with serve(deployment, root=program, logs=tmp_path / str(number)) as serving:
            server = next(it for it in serving.deployment.servers)
            assert got_in(serving, server.arn) is let_in


def got_in(serving: Serving, runtime: str) -> bool:
    """Whether somebody with the right asks the server itself, past the gateway."""
    asks = client(serving, OPS)
    ping = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
    accepted = "application/json, text/event-stream"
    try:
        asks.invoke_agent_runtime(
            agentRuntimeArn=runtime, payload=ping, contentType="application/json", accept=accepted
        )
    except asks.exceptions.AccessDeniedException:
        return False
    return True

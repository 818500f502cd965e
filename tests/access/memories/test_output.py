"""What people are told of memories: tables, differences, explanations, pictures."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.access.memories import test_rows
from tests.access.memories.test_rows import (
    ACCOUNT,
    ACTORS,
    AGENT,
    CORE,
    HELD,
    MINE,
    OFFICE,
    OPS,
    allow,
    on_memory,
    role,
)
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.access_difference import as_json, as_markdown, as_table, difference, way_sentences
from toolgate.access.output.mermaid import as_mermaid
from toolgate.access.output.picture import picture
from toolgate.access.output.svg import as_svg
from toolgate.access.output.table import as_markdown as matrix_as_markdown
from toolgate.access.output.table import as_table as matrix_as_table
from toolgate.cli.main import main

MEMORY = test_rows.MEMORY
type Documents = Mapping[str, Any]


def of(*statements: Any, more: Sequence[Any] = ()) -> Documents:
    return {"identity": statements, "more": [HELD, *more]}


def to(*values: str, operator: str = "StringLike", key: str = "actorId") -> dict[str, Any]:
    return {operator: {f"{CORE}{key}": list(values)}}


NOBODY = of()


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (NOBODY, of(allow("CreateEvent", condition=ACTORS)), 1),
        (of(allow("CreateEvent", condition=ACTORS)), NOBODY, 3),
        (of(allow("CreateEvent", condition=ACTORS)), of(allow("CreateEvent", condition=ACTORS)), 0),
        # More actors are more, fewer are fewer, and others may be more.
        (of(allow("CreateEvent", condition=to("a"))), of(allow("CreateEvent", condition=to("a", "b"))), 1),
        (of(allow("CreateEvent", condition=to("a", "b"))), of(allow("CreateEvent", condition=to("a"))), 3),
        (of(allow("CreateEvent", condition=to("a"))), of(allow("CreateEvent", condition=to("b"))), 1),
        (of(allow("CreateEvent", condition=to("a:*"))), of(allow("CreateEvent", condition=to("a:x*"))), 3),
        (of(allow("CreateEvent", condition=to("a:x*"))), of(allow("CreateEvent", condition=to("a:*"))), 1),
        (of(allow("CreateEvent", condition=to("a:?"))), of(allow("CreateEvent", condition=to("a:*"))), 1),
        (of(allow("CreateEvent", condition=to("a"))), of(allow("CreateEvent", condition=to("a", key="sessionId"))), 1),
        (
            of(allow("CreateEvent", condition=to("a"))),
            of(allow("CreateEvent", condition=to("a") | to("s", operator="StringEquals", key="sessionId"))),
            3,
        ),
        (of(allow("CreateEvent", condition=ACTORS)), of(allow("CreateEvent")), 1),
        (of(allow("CreateEvent")), of(allow("CreateEvent", condition=ACTORS)), 3),
        (of(allow("CreateEvent", condition=ACTORS)), of(allow("CreateEvent", condition=OFFICE)), 1),
        (of(allow("CreateEvent", condition=OFFICE)), of(allow("CreateEvent", condition=ACTORS)), 1),
        (
            of(allow("RetrieveMemoryRecords", condition=to("/f/a/*", key="namespacePath"))),
            of(allow("RetrieveMemoryRecords", condition=to("/f/*", key="namespacePath"))),
            1,
        ),
        # Another action of the same use, another principal, anybody.
        (of(allow("ListEvents")), of(allow("ListEvents GetEvent")), 1),
        (NOBODY, of(more=role("ops", allow("DeleteMemory"))), 1),
        (NOBODY, of(more=[on_memory(allow("ListEvents", Principal="*"))]), 1),
        (
            of(allow("ListEvents"), more=[on_memory(allow("ListEvents", Principal="*"))]),
            of(more=[on_memory(allow("ListEvents", Principal="*"))]),
            0,
        ),
    ],
    ids=str,
)
def test_who_gains_and_who_loses(case: Callable[..., Any], before: Documents, after: Documents, code: int) -> None:
    found = difference(*(matrix(parse(case(**documents).export())) for documents in (before, after)))
    assert found.code == code


def test_a_difference_in_every_form(case: Callable[..., Any]) -> None:
    sides = (of(allow("CreateEvent", condition=to("a"))), of(allow("CreateEvent", condition=ACTORS)))
    found = difference(*(matrix(parse(case(**documents).export())) for documents in sides))
    before, after = "allow for actors a", f"allow for {MINE}"
    assert list(way_sentences(found)) == [
        f"caller may newly write events (CreateEvent) of memory talks ({before} -> {after})"
    ]
    assert "Using memories, gains: 1" in as_table(found)
    assert f"{before} | {after} |" in as_markdown(found)
    (row,) = json.loads(as_json(found))["memories"]["gains"]
    assert (row["target"], row["for"], row["agent"]) == (MEMORY, ["actors a", MINE], "caller")


def test_the_table(case: Callable[..., Any]) -> None:
    statements = [allow("CreateEvent ListEvents", condition=ACTORS), allow("GetEvent", condition=OFFICE)]
    found = matrix(parse(case(**of(*statements)).export()))
    lines = [line.split("  ") for line in matrix_as_table(found).splitlines()]
    told = [[cell.strip() for cell in line if cell] for line in lines]
    assert ["caller", "write events, read events (ListEvents)", "talks", MINE, "allow"] in told
    assert ["caller", "read events (GetEvent)", "talks", "conditional"] in told
    condition = f"caller at memory talks: Allow {CORE}GetEvent if IpAddress aws:SourceIp 203.0.113.0/24"
    assert [condition] in told
    assert f"| caller | write events, read events (ListEvents) | talks | {MINE} |  | allow |" in matrix_as_markdown(
        found
    )


def test_the_picture(case: Callable[..., Any]) -> None:
    drawn = picture(
        deployment := parse(case(**of(allow("CreateEvent", condition=ACTORS))).export()), matrix(deployment)
    )
    (edge,) = [it for it in drawn.edges if it.box == MEMORY]
    assert (drawn.principals[edge.principal], str(edge.decision), edge.label) == ("caller", "allow", "(1)")
    assert drawn.notes == (f"caller: may write events: {MINE}",)
    assert "memory talks" in as_svg(drawn)
    assert "memory talks" in as_mermaid(drawn)


@pytest.fixture
def file(case: Callable[..., Any], tmp_path: Path) -> str:
    taking = role("ops", allow("sts:AssumeRole", AGENT))
    paths = {"StringLike": {f"{CORE}namespacePath": "/facts/caller/*"}}
    statements = [allow("CreateEvent", condition=ACTORS), allow("RetrieveMemoryRecords", condition=paths)]
    made = case(**of(*statements, more=taking), trust={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(made.export()))
    return str(path)


def _explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["access", "explain", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_an_explanation(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = _explained(capsys, file, "--agent", "caller", "--memory", "talks")
    assert told[:3] == [
        f"allow for {MINE}: caller ({AGENT}) write events (CreateEvent) at memory talks",
        f"  IAM {CORE}CreateEvent on {MEMORY}: conditional",
        f"    Allow in identity policy 'grants' (statement 1), if StringLike {CORE}actorId caller, caller:*",
    ]
    assert f"deny: caller ({AGENT}) delete (DeleteEvent) at memory talks" in told
    assert f"  IAM {CORE}RetrieveMemoryRecords on {MEMORY} by namespace: implicit deny" in told
    assert f"  IAM {CORE}RetrieveMemoryRecords on {MEMORY} by namespacePath: conditional" in told
    others = _explained(capsys, file, "--principal", "ops", "--memory", MEMORY)
    assert f"allow for {MINE}: ops ({OPS}), assumes role caller: write events (CreateEvent) at memory talks" in others


@pytest.mark.parametrize(
    ("arguments", "decisions"),
    [
        ({"actorId": "caller:alice", "sessionId": "s"}, {"CreateEvent": "allow", "RetrieveMemoryRecords": "deny"}),
        ({"actorId": "other"}, {"CreateEvent": "deny"}),
        ({"namespacePath": "/facts/caller/x/"}, {"RetrieveMemoryRecords": "allow", "CreateEvent": "deny"}),
        ({"namespace": "/facts/caller/x/"}, {"RetrieveMemoryRecords": "deny"}),
    ],
    ids=str,
)
def test_with_a_request_s_arguments_it_is_decided(
    file: str, capsys: pytest.CaptureFixture[str], arguments: Any, decisions: Mapping[str, str]
) -> None:
    told = _explained(capsys, file, "--agent", "caller", "--memory", "talks", "--arguments", json.dumps(arguments))
    for action, decision in decisions.items():
        assert any(line.startswith(f"{decision}: caller") and f"({action})" in line for line in told)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--agent", "caller"], "either --tool or --memory"),
        (["--agent", "caller", "--tool", "math___add", "--memory", "talks"], "either --tool or --memory"),
        (["--agent", "caller", "--memory", "nothing"], "there is no memory 'nothing'; the deployment has talks"),
        (["--agent", "nobody", "--memory", "talks"], "there is no agent or principal 'nobody'"),
    ],
    ids=str,
)
def test_what_there_is_not_is_said(
    file: str, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], why: str
) -> None:
    assert main(["access", "explain", file, *arguments]) == 2
    assert why in capsys.readouterr().err

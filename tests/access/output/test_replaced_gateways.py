"""A gateway that is made anew under its name: who may call what there is compared, and not by which id."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.planning import planned
from toolgate.access.chain.ways import Bypass
from toolgate.access.deployment.deployment import parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import Block, Matrix, matrix
from toolgate.access.matrix.tool_access import DENIED, ToolAccess
from toolgate.access.output.access_difference import Difference, difference
from toolgate.access.output.replaced_gateways import replaced_gateways
from toolgate.cli.main import main

OLD, NEW = "tools-abcdefghij", "tools-0123456789"
ALLOW = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeGateway"}
GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway"
JWT = {"toolgate:inbound": "jwt"}


def grant(on: str = OLD) -> dict[str, Any]:
    return {**ALLOW, "Resource": f"{GATEWAY}/{on}"}


def export(case: Callable[..., Any], named: str = OLD, /, **documents: Any) -> Any:
    return json.loads(json.dumps(case(**{"identity": [grant()], **documents}).export()).replace(OLD, named))


def compared(before: Any, after: Any) -> Difference:
    return difference(matrix(parse(before)), matrix(parse(after)))


def test_nobody_gains_or_loses_by_another_id(case: Callable[..., Any]) -> None:
    found = compared(export(case), export(case, NEW))
    assert (found.gains, found.losses, found.ways, found.newly_unjudged) == ((), (), (), ())
    assert found.replaced == ((f"{GATEWAY}/{OLD}", f"{GATEWAY}/{NEW}"),)
    assert found.code == 0
    assert compared(export(case), export(case)).replaced == ()


def test_what_changes_beside_is_told(case: Callable[..., Any]) -> None:
    gained = compared(export(case, identity=[]), export(case, NEW))
    assert {it.gateway for it in gained.gains} == {f"{GATEWAY}/{NEW}"}
    assert (gained.code, gained.losses, len(gained.replaced)) == (1, (), 1)
    lost = compared(export(case), export(case, NEW, identity=[]))
    assert (lost.code, lost.gains, len(lost.losses), len(lost.replaced)) == (3, (), 3, 1)


def test_what_was_not_judged_before_is_no_news_under_another_id(case: Callable[..., Any]) -> None:
    unknown: dict[str, Any] = {"gateway": {"interceptorConfigurations": [{}]}}
    found = compared(export(case, **unknown), export(case, NEW, **unknown))
    assert (len(found.unsupported), found.newly_unjudged, found.code) == (1, (), 0)


@pytest.mark.parametrize("other", ["other-0123456789", "tools-012345678", "toolsa-0123456789", "tools"])
def test_another_name_is_another_gateway(other: str, case: Callable[..., Any]) -> None:
    found = compared(export(case), export(case, other))
    assert (found.replaced, len(found.gains), len(found.losses)) == ((), 3, 3)


def test_another_account_or_region_is_another_place(case: Callable[..., Any]) -> None:
    moved = json.loads(json.dumps(export(case, NEW)).replace("us-east-1", "eu-west-1"))
    found = compared(export(case), moved)
    assert (found.replaced, len(found.gains), len(found.losses)) == ((), 3, 3)


def test_gateways_that_are_only_named_are_as_many_as_names(case: Callable[..., Any]) -> None:
    """A grant that goes from one gateway of somebody else to another one of the same name."""
    before, after = (export(case, identity=[grant(), grant(f"theirs-{end * 10}")]) for end in "ab")
    found = compared(before, after)
    assert (found.replaced, len(found.gains), len(found.losses)) == ((), 1, 1)


def test_where_two_have_the_name_it_is_not_said_which_is_which() -> None:
    def having(*ids: str) -> Matrix:
        return Matrix(tuple(Block("role", None, f"{GATEWAY}/{it}", ("math___add",), DENIED) for it in ids), ())

    one, two, three = (f"tools-{end * 10}" for end in "abc")
    assert replaced_gateways(having(one), having(two)) == {f"{GATEWAY}/{one}": f"{GATEWAY}/{two}"}
    assert replaced_gateways(having(one, two), having(three)) == {}
    assert replaced_gateways(having(one), having(two, three)) == {}
    assert replaced_gateways(having(one, two), having(two, three)) == {f"{GATEWAY}/{one}": f"{GATEWAY}/{three}"}


def test_all_that_a_matrix_says_of_a_gateway_is_of_the_same_place() -> None:
    """Its blocks, what clients that are no rows may call, the ways to it, and what was not judged of it."""

    def of(gateway: str, *, is_row: bool) -> Matrix:
        block = Block("role", None, f"{GATEWAY}/{gateway}", ("math___add",), ToolAccess(Access.ALLOW))
        client = replace(block, principal="client/x")
        way = Bypass("other", None, f"{GATEWAY}/{gateway}", ("math___add",), "role", ToolAccess(Access.ALLOW), ())
        rows, taken = ((block, client), ()) if is_row else ((block,), (client,))
        return Matrix(rows, (f"{gateway}: not judged",), bypasses=(way,), taken=taken)

    found = difference(of(OLD, is_row=False), of(NEW, is_row=True))
    assert found == Difference((), (), (f"{NEW}: not judged",), replaced=((f"{GATEWAY}/{OLD}", f"{GATEWAY}/{NEW}"),))


@pytest.mark.parametrize("turned", [False, True])
def test_from_iam_to_tokens_and_back_nobody_gains_and_nobody_loses(
    turned: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = [planned("agents").deployment, planned("agents", JWT).deployment]
    for number, side in enumerate(reversed(sides) if turned else sides):
        (tmp_path / str(number)).write_text(json.dumps(side))
    files = [str(tmp_path / "0"), str(tmp_path / "1")]
    assert main(["access", "diff", *files]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "Nobody's access changes."
    assert second.startswith("Gateway toolgate-agents-tools-")
    assert second.endswith(": its ARN and URL change.")
    assert main(["access", "diff", *files, "--format", "md"]) == 0
    assert f"\n- {second}" in capsys.readouterr().out
    assert main(["access", "diff", *files, "--format", "json"]) == 0
    [told] = json.loads(capsys.readouterr().out)["replaced"]
    assert told["before"].rpartition("/")[2] in second
    assert told["after"].rpartition("/")[2] in second

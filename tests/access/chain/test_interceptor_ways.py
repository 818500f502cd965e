"""Who may change a gateway's interceptor decides on its calls: a way of its own, and its innocent twins."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from tests.access.conftest import ACCOUNT, FUNCTION, GATEWAY, INVOKE, ROLE
from tests.access.interceptors import ARN, Part, asked, function
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.not_read import OWN_POLICY
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.output.access_difference import difference
from toolgate.access.output.explanation import explain, explain_principal
from toolgate.access.output.picture import picture
from toolgate.access.output.table import as_table
from toolgate.policy.language.agentcore_facts import NOT_READ

OPS = f"arn:aws:iam::{ACCOUNT}:role/ops"
STRANGER = "arn:aws:iam::999999999999:role/stranger"
TOOLS = ("math___add", "math___repeat", "math___tag")
CALL = {"Effect": "Allow", "Action": INVOKE, "Resource": GATEWAY}
CODE, CONFIGURATION, ALIAS = (f"lambda:Update{it}" for it in ("FunctionCode", "FunctionConfiguration", "Alias"))
WAY = "changes interceptor limits of gateway tools-abcdefghij"
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def _allow(action: str | Sequence[str], resource: str = ARN, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _role(*statements: Mapping[str, Any], name: str = "ops", trust: Any = None) -> list[Part]:
    let_in = {"Effect": "Allow", "Principal": trust or {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    role = {"name": name, "arn": arn, "assumeRolePolicy": json.dumps({"Statement": [let_in]})}
    policy = {"role": name, "name": name, "policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}
    return [("aws:iam/role:Role", name, role), ("aws:iam/rolePolicy:RolePolicy", name, policy)]


@pytest.fixture
def export(case: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    def made(*more: Part, arn: str = ARN, points: tuple[str, ...] = ("REQUEST",), **documents: Any) -> dict[str, Any]:
        parts = [function(calls=["math___add"]), *more]
        exported: dict[str, Any] = case(gateway=asked(*points, arn=arn), more=parts, **documents).export()
        return exported

    return made


def _rows(export: Mapping[str, Any]) -> list[tuple[str, str, str, tuple[str, ...], str]]:
    return [
        (b.principal.rsplit("/", 1)[-1], b.way, b.target, b.tools, str(b.access.decision))
        for b in matrix(parse(export)).bypasses
    ]


@pytest.mark.parametrize(
    ("statements", "decisions"),
    [
        ([_allow(CODE)], ["allow"]),
        ([_allow(CONFIGURATION)], ["allow"]),
        ([_allow("lambda:Update*", "*")], ["allow"]),
        ([_allow([CODE, CONFIGURATION])], ["allow"]),
        ([_allow(CODE, Condition=MFA)], ["conditional"]),
        ([_allow(CODE, Condition=MFA), _allow(CONFIGURATION)], ["allow"]),
        ([_allow(CODE), {**_allow(CODE), "Effect": "Deny"}], []),
        ([_allow(ALIAS)], []),
        ([_allow(CODE, f"{ARN}2")], []),
        ([_allow(CODE, FUNCTION)], []),
        # Whoever only invokes it, reads it or writes its permissions decides nothing by it.
        ([_allow(["lambda:InvokeFunction", "lambda:GetFunction"])], []),
    ],
)
def test_whoever_may_change_it_decides_on_every_call_of_the_gateway(
    export: Callable[..., dict[str, Any]], statements: list[Any], decisions: list[str]
) -> None:
    rows = [("ops", WAY, GATEWAY, TOOLS, it) for it in decisions]
    assert _rows(export(*_role(*statements))) == rows
    assert _rows(export(*_role(*statements), points=("RESPONSE",))) == rows


def test_whoever_may_call_the_tools_gets_more_by_it(export: Callable[..., dict[str, Any]]) -> None:
    assert _rows(export(identity=[CALL, _allow(CODE)])) == [("caller", WAY, GATEWAY, TOOLS, "allow")]


def test_without_the_interceptor_there_is_nothing_to_change(case: Callable[..., Any]) -> None:
    assert _rows(case(more=[function(), *_role(_allow(CODE))]).export()) == []


@pytest.mark.parametrize(
    ("qualifier", "action", "decisions"),
    [
        (":$LATEST", CODE, ["allow"]),
        (":$LATEST", ALIAS, []),
        (":live", ALIAS, ["allow"]),
        # Whether the alias is one of what is not published yet is not known.
        (":live", CODE, ["undecided"]),
        (":3", CODE, []),
        (":3", CONFIGURATION, []),
        (":3", ALIAS, []),
    ],
)
def test_a_version_never_changes_and_an_alias_is_moved(
    export: Callable[..., dict[str, Any]], qualifier: str, action: str, decisions: list[str]
) -> None:
    rows = _rows(export(*_role(_allow(action)), arn=f"{ARN}{qualifier}"))
    assert [(who, decision) for who, _, _, _, decision in rows] == [("ops", it) for it in decisions]
    assert all(f"limits{qualifier} of" in way for _, way, *_ in rows)


def test_by_a_role_that_somebody_may_take(export: Callable[..., dict[str, Any]]) -> None:
    taker = _role(_allow("sts:AssumeRole", OPS), name="person")
    found = export(*_role(_allow(CODE), trust={"AWS": f"arn:aws:iam::{ACCOUNT}:role/person"}), *taker)
    assert ("person", f"assumes role ops, {WAY}", GATEWAY, TOOLS, "allow") in _rows(found)
    told = explain_principal(parse(found), "person", "math___add")
    assert f"allow: person (arn:aws:iam::{ACCOUNT}:role/person) deciding on calls of math___add" in told
    assert f"    IAM {CODE} on {ARN}: allow" in told


def test_as_somebody_who_may_call_as_well(export: Callable[..., dict[str, Any]]) -> None:
    person = _role(_allow("sts:AssumeRole", OPS), name="person")
    found = export(*_role(CALL, _allow(CODE), trust={"AWS": f"arn:aws:iam::{ACCOUNT}:role/person"}), *person)
    ways = [(way, tools, decision) for who, way, _, tools, decision in _rows(found) if who == "person"]
    assert ways == [
        (f"assumes role ops, {WAY}", TOOLS, "allow"),
        ("assumes role ops", TOOLS[:1], "conditional"),
        ("assumes role ops", TOOLS[1:], "allow"),
    ]


@pytest.mark.parametrize(
    ("principal", "rows"),
    [("*", [("*", "allow")]), (STRANGER, [("stranger", "undecided")]), ("events.amazonaws.com", [])],
)
def test_the_functions_own_policy_counts(
    export: Callable[..., dict[str, Any]], principal: str, rows: list[tuple[str, str]]
) -> None:
    given = {"function": "limits", "action": CODE, "principal": principal}
    found = _rows(export(("aws:lambda/permission:Permission", "given", given)))
    assert [(who, decision) for who, _, _, _, decision in found] == rows
    invoked = {**given, "action": "lambda:InvokeFunction"}
    assert _rows(export(("aws:lambda/permission:Permission", "given", invoked))) == []


def test_where_a_scan_did_not_read_it_anybody_may(export: Callable[..., dict[str, Any]]) -> None:
    note = {"what": "the policy on function 'limits'", "why": "no", "about": ARN, "part": OWN_POLICY}
    assert [(who, it) for who, *_, it in _rows(export((NOT_READ, "note", note)))] == [("*", "undecided")]


def test_of_a_function_that_is_not_there_that_is_said(case: Callable[..., Any]) -> None:
    found = matrix(parse(case(gateway=asked("REQUEST"), more=_role(_allow(CODE))).export()))
    assert [(it.way, str(it.access.decision)) for it in found.bypasses] == [(WAY, "allow")]
    [line] = found.unsupported
    assert line == (
        f"Interceptor limits of gateway tools-abcdefghij: {ARN} is not in the deployment: only identity policies are"
        " judged of who may change it"
    )


def test_whoever_may_do_everything_is_told_once(export: Callable[..., dict[str, Any]]) -> None:
    assert [(who, way) for who, way, *_ in _rows(export(*_role(_allow("*", "*"))))] == [("ops", "everything")]


def _diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[list[str], list[str], int]:
    found = difference(*(matrix(parse(it)) for it in (before, after)))
    gained, lost = (
        [f"{it.principal} {it.what} {it.way}" for it in ways] for ways in (found.ways_gained, found.ways_lost)
    )
    return gained, lost, found.code


def test_to_be_able_to_change_it_is_a_gain_also_of_whoever_may_call(export: Callable[..., dict[str, Any]]) -> None:
    made = partial(export, points=("RESPONSE",))  # which leaves every call allowed
    without, within = made(identity=[CALL]), made(identity=[CALL, _allow(CODE)])
    told = f"{ROLE} reach math___add, math___repeat, math___tag at tools-abcdefghij {WAY}"
    assert _diff(without, within) == ([told], [], 1)
    assert _diff(within, without) == ([], [told], 3)
    assert _diff(within, within) == ([], [], 0)


def test_an_interceptor_that_comes_is_one_to_change(
    export: Callable[..., dict[str, Any]], case: Callable[..., Any]
) -> None:
    before = case(more=[function(), *_role(_allow(CODE))]).export()
    gained, lost, code = _diff(before, export(*_role(_allow(CODE))))
    assert ([it.partition(" changes ")[0] for it in gained], lost, code) == (
        [f"{OPS} reach math___add, math___repeat, math___tag at tools-abcdefghij"],
        [],
        1,
    )


def test_people_read_of_it(export: Callable[..., dict[str, Any]]) -> None:
    deployment = parse(export(*_role(_allow(CODE)), identity=[CALL]))
    found: Matrix = matrix(deployment)
    rows = [line.split("  ") for line in as_table(found).splitlines() if WAY in line]
    assert [[it.strip() for it in row if it.strip()] for row in rows] == [
        ["role/ops", "math___add, math___repeat, math___tag at tools-abcdefghij", WAY, "allow"]
    ]
    drawn = picture(deployment, found)
    assert [(drawn.principals[it.principal], it.box) for it in drawn.edges if it.bypass] == [("role/ops", GATEWAY)]
    assert f"role/ops: {WAY}" in drawn.notes
    assert WAY not in explain(deployment, "caller", "math___add")
    told = explain_principal(deployment, "ops", "math___add")
    assert f"allow: ops ({OPS}) deciding on calls of math___add at {GATEWAY}: {WAY}" in told.splitlines()

"""What a change gives and takes of the ways around a gateway, and of who may ask."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.access_difference import Difference, as_json, difference
from toolgate.cli.main import main

ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
AGENT = f"arn:aws:iam::{ACCOUNT}:role/agents/caller"
CALL = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeGateway", "Resource": GATEWAY}
INVOKE = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": FUNCTION}
OFFICE = {**INVOKE, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
HOME = {**INVOKE, "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ASK = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeAgentRuntime", "Resource": "*"}
SHELL = {**ASK, "Action": "bedrock-agentcore:InvokeAgentRuntimeCommandShell"}

OPS = f"arn:aws:iam::{ACCOUNT}:role/ops"
URL = ("aws:lambda/functionUrl:FunctionUrl", "url", {"functionName": "f", "authorizationType": "NONE"})
PUBLIC = {"function": "f", "action": "lambda:InvokeFunction", "principal": "*"}
PERMISSION = ("aws:lambda/permission:Permission", "permission", PUBLIC)


def _ops(*statements: Mapping[str, Any], trust: Any = None) -> list[tuple[str, str, Mapping[str, Any]]]:
    let_in = {"Effect": "Allow", "Principal": trust or {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = {"name": "ops", "arn": OPS, "assumeRolePolicy": json.dumps({"Statement": [let_in]})}
    policy = {"role": "ops", "name": "ops", "policy": json.dumps({"Statement": statements})}
    inline = [("aws:iam/rolePolicy:RolePolicy", "ops", policy)] if statements else []
    return [("aws:iam/role:Role", "ops", role), *inline]


NOTHING: dict[str, Any] = {"identity": [CALL]}


def _with(*more: Any) -> dict[str, Any]:
    return {**NOTHING, "more": more}


def _of(case: Callable[..., Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    return difference(*(matrix(parse(case(**documents).export())) for documents in (before, after)))


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (NOTHING, _with(URL), 1),
        (_with(URL), NOTHING, 3),
        (_with(URL), _with(URL), 0),
        (NOTHING, _with(PERMISSION), 1),
        # Anybody could before, by another way.
        (_with(URL), _with(PERMISSION), 0),
        (_with(URL), _with(URL, *_ops(INVOKE)), 0),
        (NOTHING, _with(*_ops(INVOKE)), 1),
        (_with(*_ops(OFFICE)), _with(*_ops(INVOKE)), 1),
        (_with(*_ops(OFFICE)), _with(*_ops(HOME)), 1),
        (_with(*_ops(INVOKE)), _with(*_ops(OFFICE)), 3),
        # Whoever could do everything before gains nothing.
        (_with(*_ops(EVERYTHING)), _with(*_ops(INVOKE, CALL, ASK)), 3),
        (NOTHING, _with(*_ops(EVERYTHING)), 1),
        (NOTHING, _with(*_ops(ASK)), 1),
        (_with(*_ops(ASK)), NOTHING, 3),
        (_with(*_ops(ASK)), _with(*_ops(ASK, SHELL)), 1),
        (NOTHING, {**_with(*_ops()), "trust": {"AWS": OPS}}, 1),
        (NOTHING, _with(*_ops()), 0),
    ],
)
def test_who_gains_and_who_loses_a_way(
    case: Callable[..., Any], before: Mapping[str, Any], after: Mapping[str, Any], code: int
) -> None:
    assert _of(case, before, after).code == code


def test_a_way_that_takes_the_place_of_a_call_is_no_gain(case: Callable[..., Any]) -> None:
    by_itself, as_agent = _with(*_ops(CALL)), {**_with(*_ops()), "trust": {"AWS": OPS}}
    found = _of(case, by_itself, as_agent)
    assert found.ways == ()
    assert len(found.losses) == 3


def test_both_are_told_in_every_form(
    case: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = _with(URL), _with(*_ops(OFFICE, SHELL))
    files = []
    for name, documents in (("before", before), ("after", after)):
        files.append(str(tmp_path / name))
        Path(files[-1]).write_text(json.dumps(case(**documents).export()))
    assert main(["access", "diff", *files]) == 1
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["Ways", "around", "a", "gateway,", "gains:", "1"] in told
    assert ["Ways", "around", "a", "gateway,", "losses:", "2"] in told
    assert ["Asking", "agents,", "gains:", "1"] in told
    assert ["role/ops", "run", "commands", "in", "agent", "caller", "deny", "allow"] in told
    assert main(["access", "diff", *files, "--format", "md"]) == 1
    out = capsys.readouterr().out
    where = "reach function f (math___add, math___repeat, math___tag)"
    assert f"| anybody | {where} | function URL | allow | deny |" in out
    assert "| role/ops | reach math___add, math___repeat, math___tag at tools-abcdefghij | commands in agent" in out
    assert f"| role/ops | {where} | lambda:InvokeFunction | allow | conditional |" in out  # it was anybody, too
    assert f"- role/ops, {where}, after: Allow lambda:InvokeFunction if IpAddress aws:SourceIp 203.0.113.0/24" in out


def test_json_has_them_under_keys_of_their_own(case: Callable[..., Any]) -> None:
    told = json.loads(as_json(_of(case, NOTHING, _with(URL, *_ops(ASK)))))
    assert (told["gains"], told["losses"], told["unsupported"]) == ([], [], [])
    assert told["bypasses"]["losses"] == told["ask"]["losses"] == []
    assert [(it["principal"], it["what"]) for it in told["ask"]["gains"]] == [(OPS, "ask agent caller")]
    (gained,) = told["bypasses"]["gains"]
    assert (gained["principal"], gained["target"], gained["way"]) == ("*", FUNCTION, "function URL")
    assert (gained["before"]["decision"], gained["after"]["decision"]) == ("deny", "allow")

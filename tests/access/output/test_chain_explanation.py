"""Explanations of the chain: each hop with its statements, and the nearest hop that fails."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.explanation import explain, explain_principal
from toolgate.cli.main import main

ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
RUNTIME = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:runtime/c-1"
AGENT = f"arn:aws:iam::{ACCOUNT}:role/agents/caller"
OPS = f"arn:aws:iam::{ACCOUNT}:role/ops"
CALL = {"Sid": "CallTools", "Effect": "Allow", "Action": "bedrock-agentcore:InvokeGateway", "Resource": GATEWAY}
INVOKE = {"Sid": "Invoke", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": FUNCTION}
ASK = {"Sid": "Ask", "Effect": "Allow", "Action": "bedrock-agentcore:InvokeAgentRuntime", "Resource": f"{RUNTIME}*"}
TAKE = {"Sid": "Take", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": AGENT}
URL = ("aws:lambda/functionUrl:FunctionUrl", "url", {"functionName": "f", "authorizationType": "NONE"})


def _ops(*statements: Mapping[str, Any], name: str = "ops") -> list[tuple[str, str, Mapping[str, Any]]]:
    let_in = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = OPS.replace("ops", name)
    role = {"name": name, "arn": arn, "assumeRolePolicy": json.dumps({"Statement": [let_in]})}
    policy = {"role": name, "name": f"{name}-may", "policy": json.dumps({"Statement": statements})}
    inline = [("aws:iam/rolePolicy:RolePolicy", f"{name}-may", policy)] if statements else []
    return [("aws:iam/role:Role", name, role), *inline]


@pytest.fixture
def told(case: Callable[..., Any]) -> Callable[..., list[str]]:
    def of(*more: Any, principal: str = "ops", **documents: Any) -> list[str]:
        export = case(more=more, **{"identity": [CALL], **documents}).export()
        return explain_principal(parse(export), principal, "math___add").splitlines()

    return of


def test_the_chain_from_a_person_over_an_agent_to_the_function(told: Callable[..., list[str]]) -> None:
    gate = _ops(INVOKE, name="gate")
    lines = told(*_ops(ASK), *gate, gateway={"roleArn": OPS.replace("ops", "gate")})
    ask = "IAM bedrock-agentcore:InvokeAgentRuntime on"
    assert lines == [
        f"deny: ops ({OPS}) calling math___add at {GATEWAY}",
        "  inbound: IAM bedrock-agentcore:InvokeGateway: implicit deny",
        f"    missing: an Allow of bedrock-agentcore:InvokeGateway on {GATEWAY} in an identity policy of ops",
        f"allow: ops ({OPS}) reaching math___add at {GATEWAY}: asks agent caller",
        "  asks agent caller: allow",
        f"    {ask} {RUNTIME}: allow",
        "      Allow in identity policy 'ops-may' (Ask)",
        f"    {ask} {RUNTIME}/runtime-endpoint/DEFAULT: allow",
        "      Allow in identity policy 'ops-may' (Ask)",
        f"  as caller ({AGENT}):",
        "    inbound: IAM bedrock-agentcore:InvokeGateway: allow",
        "      Allow in identity policy 'grants' (CallTools)",
        "    function: IAM lambda:InvokeFunction as gate, the gateway's role: allow",
        "      Allow in identity policy 'gate-may' (Invoke)",
    ]


def test_a_gateway_that_invokes_an_alias_needs_no_more_than_that(case: Callable[..., Any]) -> None:
    gate = _ops({**INVOKE, "Resource": f"{FUNCTION}:live"}, name="gate")
    export = case(identity=[CALL], more=gate, gateway={"roleArn": OPS.replace("ops", "gate")}).export()
    target = next(it for it in export["deployment"]["resources"] if it["type"].endswith("GatewayTarget"))
    for side in ("inputs", "outputs"):
        target[side]["targetConfiguration"]["mcp"]["lambda"]["lambdaArn"] = f"{FUNCTION}:live"
    lines = explain(parse(export), "caller", "math___add")
    assert "function: IAM lambda:InvokeFunction as gate, the gateway's role: allow" in lines
    assert matrix(parse(export)).bypasses == ()


def test_every_hop_of_a_way_around_with_its_statements(told: Callable[..., list[str]]) -> None:
    lines = told(*_ops(TAKE), trust={"AWS": ACCOUNT}, identity=[CALL, INVOKE])
    assert f"allow: ops ({OPS}) reaching {FUNCTION}: assumes role caller, lambda:InvokeFunction" in lines
    start = lines.index("  assumes role caller: allow")
    assert lines[start + 1 : start + 4] == [
        f"    IAM sts:AssumeRole on {AGENT}: allow",
        "      Allow in identity policy 'ops-may' (Take)",
        "      Allow in trust policy 'caller' (statement 1)",
    ]
    assert f"allow: ops ({OPS}) reaching math___add at {GATEWAY}: assumes role caller" in lines


def test_what_anybody_may_do_is_told_of_everybody(told: Callable[..., list[str]]) -> None:
    for principal in ("ops", "*", "arn:aws:iam::999999999999:role/elsewhere"):
        assert f"allow: anybody reaching {FUNCTION}: function URL" in told(URL, *_ops(), principal=principal)


def test_why_not_is_the_nearest_hop_and_what_it_lacks(told: Callable[..., list[str]]) -> None:
    lines = told(*_ops(), trust={"AWS": ACCOUNT})
    assert lines[0] == f"deny: ops ({OPS}) calling math___add at {GATEWAY}"
    assert f"deny: ops ({OPS}) asks agent caller, which may call math___add" in lines
    missing = [line.strip() for line in lines if "missing" in line]
    assert missing[1].startswith(
        f"missing: an Allow of bedrock-agentcore:InvokeAgentRuntime on {RUNTIME} in an identity"
    )
    # An agent that may not call the tool is no way.
    assert len([line for line in told(*_ops(), identity=[]) if "missing" in line]) == 1


def test_a_way_of_an_agents_own_is_told_with_its_calls(case: Callable[..., Any]) -> None:
    lines = explain(parse(case(identity=[CALL, INVOKE]).export()), "caller", "math___add").splitlines()
    assert f"allow: caller ({AGENT}) reaching {FUNCTION}: lambda:InvokeFunction" in lines


def test_what_is_to_be_explained_and_whose(
    case: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deployment.json"
    file.write_text(json.dumps(case(identity=[CALL], more=_ops()).export()))
    command = ["access", "explain", str(file), "--tool", "math___add"]
    assert main([*command, "--principal", OPS]) == 0
    assert capsys.readouterr().out.startswith(f"deny: ops ({OPS})")
    for wrong in ([], ["--agent", "caller", "--principal", "ops"]):
        assert main([*command, *wrong]) == 2
        assert "either --agent or --principal" in capsys.readouterr().err
    with pytest.raises(DeploymentError, match=r"there is no principal 'nobody'; the deployment has \*, caller, ops"):
        explain_principal(parse(json.loads(file.read_text())), "nobody", "math___add")

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.output.explanation import explain
from toolgate.cli.main import main

ACCOUNT = "123456789012"
INVOKE = "bedrock-agentcore:InvokeGateway"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
ENGINE = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:policy-engine/tools-abcdefghij"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/agents/caller"
ENTITY = f"arn:aws:sts::{ACCOUNT}:assumed-role/caller"
STRANGER = "arn:aws:iam::999999999999:role/stranger"
ALLOW = {"Sid": "CallTools", "Effect": "Allow", "Action": INVOKE, "Resource": GATEWAY}
HEAD = f"caller ({ROLE}) calling math___add at {GATEWAY}"
MISSING = f"  missing: an Allow of {INVOKE} on {GATEWAY} in"
IN: dict[str, Any] = {"identity": [ALLOW]}
S3 = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]


def _cedar(effect: str = "permit", condition: str = "") -> str:
    who = f'principal == AgentCore::IamEntity::"{ENTITY}"'
    action = 'action == AgentCore::Action::"math___add"'
    return f'{effect}({who}, {action}, resource == AgentCore::Gateway::"{GATEWAY}"){condition};'


LESS = ' when { context.input.a.lessThan(decimal("5.0")) }'


@pytest.mark.parametrize(
    ("documents", "lines"),
    [
        (IN, ["allow", "inbound: IAM", "  Allow in identity policy 'grants' (CallTools)"]),
        (
            {"identity": [ALLOW, {**ALLOW, "Sid": "Never", "Effect": "Deny"}]},
            ["deny", "inbound: IAM", "  Deny in identity policy 'grants' (Never)"],
        ),
        (
            {},
            ["deny", "inbound: IAM", f"{MISSING} an identity policy of caller"],
        ),
        (
            {**IN, "boundary": S3},
            [
                "deny",
                "inbound: IAM",
                f"{MISSING} the permissions boundary of caller",
            ],
        ),
        (
            {"resource": [{**ALLOW, "Principal": {"AWS": STRANGER}}]},
            [
                "deny",
                "inbound: IAM",
                f"  missing: an Allow of {INVOKE} on {GATEWAY} in an identity policy of caller;"
                " or in the resource policy of tools-abcdefghij",
            ],
        ),
        (
            {"resource": [{**ALLOW, "Principal": {"AWS": ROLE}}]},
            ["allow", "inbound: IAM", "  Allow in resource policy 'rp' (CallTools)"],
        ),
        (
            {"identity": [{**ALLOW, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]},
            [
                "conditional",
                "inbound: IAM",
                "  Allow in identity policy 'grants' (CallTools), if IpAddress aws:SourceIp 203.0.113.0/24",
            ],
        ),
        (
            {**IN, "cedar": {"add_only": _cedar()}},
            [
                "allow",
                "inbound: IAM",
                "  Allow in identity policy 'grants' (CallTools)",
                "policy engine (ENFORCE): allow",
                "  permit in Cedar policy 'add_only'",
            ],
        ),
        (
            {**IN, "cedar": {"add_only": _cedar(), "stop": _cedar("forbid")}},
            [
                "deny",
                "inbound: IAM",
                "  Allow in identity policy 'grants' (CallTools)",
                "policy engine (ENFORCE): deny",
                "  forbid in Cedar policy 'stop'",
            ],
        ),
        (
            {**IN, "cedar": {"cap": _cedar(condition=LESS)}},
            [
                "conditional",
                "inbound: IAM",
                "  Allow in identity policy 'grants' (CallTools)",
                "policy engine (ENFORCE): conditional",
                "  permit in Cedar policy 'cap', when { context.input.a.lessThan(decimal(\"5.0\")) }",
            ],
        ),
        (
            {**IN, "cedar": {}},
            [
                "deny",
                "inbound: IAM",
                "  Allow in identity policy 'grants' (CallTools)",
                "policy engine (ENFORCE): deny",
                f'  missing: a Cedar policy that permits AgentCore::IamEntity::"{ENTITY}"'
                f' the action AgentCore::Action::"math___add" on AgentCore::Gateway::"{GATEWAY}"',
            ],
        ),
        (
            {**IN, "cedar": {}, "engine": False},
            [
                "undecided",
                "inbound: IAM",
                "  Allow in identity policy 'grants' (CallTools)",
                "policy engine (ENFORCE): undecided",
                f"  because policy engine {ENGINE} is not in the deployment",
            ],
        ),
        (
            {**IN, "cedar": {}, "mode": "LOG_ONLY"},
            [
                "allow",
                "inbound: IAM",
                "  Allow in identity policy 'grants' (CallTools)",
                "policy engine (LOG_ONLY, which lets every call through; ENFORCE would come to): deny",
                "  missing: a Cedar policy that permits",
            ],
        ),
        (
            {"gateway": {"authorizerType": "NONE"}},
            ["allow", "inbound: authorizer NONE: nobody is authenticated"],
        ),
        (
            {"gateway": {"authorizerType": "CUSTOM_JWT"}},
            ["undecided", "inbound: authorizer CUSTOM_JWT: whom it lets in is not judged"],
        ),
        (
            {"role": None},
            ["undecided", "inbound: IAM", "  not known: its identity policies"],
        ),
        (
            {**IN, "gateway": {"interceptorConfigurations": [{}]}},
            [
                "conditional",
                "inbound: IAM",
                "  Allow in identity policy 'grants' (CallTools)",
                "interceptor that is not named (REQUEST): may refuse or rewrite the call",
                "  declares nothing, so that it may do so with any tool's",
                "  what it answers its code decides; one that times out lets it through unchanged",
                "interceptor that is not named (RESPONSE): may refuse or rewrite the result",
                "  declares nothing, so that it may do so with any tool's",
                "  what it answers its code decides; one that times out lets it through unchanged",
            ],
        ),
    ],
)
def test_what_decided_is_told_line_by_line(
    case: Callable[..., Any], documents: Mapping[str, Any], lines: list[str]
) -> None:
    told = explain(parse(case(**documents).export()), "caller", "math___add").splitlines()
    assert told[0] == f"{lines[0]}: {HEAD}"
    assert len(told) == len(lines)
    for line, start in zip(told[1:], lines[1:], strict=True):
        assert line.startswith(f"  {start}")


def test_the_policies_of_both_sides_are_missing_across_accounts(case: Callable[..., Any]) -> None:
    told = explain(parse(case(role=STRANGER).export()), "caller", "math___add")
    assert "in an identity policy of caller and in the resource policy of tools-abcdefghij" in told


@pytest.mark.parametrize(
    ("agent", "tool", "says"),
    [
        ("nobody", "math___add", "there is no agent 'nobody'; the deployment has caller"),
        (
            "caller",
            "math__add",
            "there is no tool 'math__add'; the deployment has math___add, math___repeat, math___tag",
        ),
    ],
)
def test_who_or_what_is_not_there_is_said_with_what_is(
    case: Callable[..., Any], agent: str, tool: str, says: str
) -> None:
    with pytest.raises(DeploymentError, match=says):
        explain(parse(case(**IN).export()), agent, tool)


def test_the_command(case: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "deployment.json"
    file.write_text(json.dumps(case(**IN, cedar={"cap": _cedar(condition=LESS)}).export()))
    command = ["access", "explain", str(file), "--agent", "caller", "--tool", "math___add"]
    assert main([*command, "--arguments", '{"a": 4.9}']) == 0
    assert capsys.readouterr().out.startswith("allow: ")
    assert main([*command, "--arguments", '{"a": 5}']) == 0
    assert capsys.readouterr().out.startswith("deny: ")
    assert main([*command[:-1], "math___nothing"]) == 2
    assert "there is no tool" in capsys.readouterr().err
    assert main([*command, "--arguments", "[]"]) == 2
    assert "[] is not a JSON object" in capsys.readouterr().err

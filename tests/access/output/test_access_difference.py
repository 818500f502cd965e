import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.access_difference import Difference, difference
from toolgate.cli.main import main

ACCOUNT, FOREIGN = "123456789012", "999999999999"
INVOKE = "bedrock-agentcore:InvokeGateway"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
ENTITY = f"arn:aws:sts::{ACCOUNT}:assumed-role/caller"
ALLOW = {"Effect": "Allow", "Action": INVOKE, "Resource": GATEWAY}
OFFICE = {**ALLOW, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
HOME = {**ALLOW, "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}}
VARIABLE = {**ALLOW, "Resource": GATEWAY.replace("tools", "${aws:PrincipalTag/team}")}

NOTHING: dict[str, Any] = {}
IN: dict[str, Any] = {"identity": [ALLOW]}
IF_OFFICE: dict[str, Any] = {"identity": [OFFICE]}
IF_HOME: dict[str, Any] = {"identity": [HOME]}
UNCLEAR: dict[str, Any] = {"identity": [VARIABLE]}


def _permit(tool: str, condition: str = "") -> str:
    who = f'principal == AgentCore::IamEntity::"{ENTITY}"'
    action = f'action == AgentCore::Action::"math___{tool}"'
    return f'permit({who}, {action}, resource == AgentCore::Gateway::"{GATEWAY}"){condition};'


def _of(case: Callable[..., Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    return difference(*(matrix(parse(case(**documents).export())) for documents in (before, after)))


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (IN, IN, 0),
        (NOTHING, NOTHING, 0),
        (IF_OFFICE, IF_OFFICE, 0),
        (UNCLEAR, UNCLEAR, 0),
        (NOTHING, IN, 1),
        (NOTHING, IF_OFFICE, 1),
        (NOTHING, UNCLEAR, 1),
        (IF_OFFICE, IN, 1),
        (IF_OFFICE, IF_HOME, 1),
        (IF_OFFICE, UNCLEAR, 1),
        (UNCLEAR, IF_OFFICE, 1),
        (UNCLEAR, IN, 1),
        (IN, NOTHING, 3),
        (IN, IF_OFFICE, 3),
        (IN, UNCLEAR, 1),  # the variable may stand for gateways that nobody listed
        (IF_OFFICE, NOTHING, 3),
        (UNCLEAR, NOTHING, 3),
        ({**IN, "cedar": {}}, IN, 1),
        (IN, {**IN, "cedar": {}}, 3),
        ({**IN, "cedar": {}}, {**IN, "cedar": {}, "mode": "LOG_ONLY"}, 1),
        ({**IN, "cedar": {"p": _permit("add")}}, {**IN, "cedar": {"p": _permit("tag")}}, 1),
        (IN, {**IN, "resource": [{**ALLOW, "Principal": "*"}]}, 1),
        (IN, {**IN, "gateway": {"authorizerType": "NONE"}}, 1),
        (
            {**IN, "cedar": {"p": _permit("repeat", " when { context.input.times < 3 }")}},
            {**IN, "cedar": {"p": _permit("repeat", " when { context.input.times < 30 }")}},
            1,
        ),
    ],
)
def test_somebody_gains_unless_it_is_certain_that_nobody_does(
    case: Callable[..., Any], before: Mapping[str, Any], after: Mapping[str, Any], code: int
) -> None:
    assert _of(case, before, after).code == code


def test_gains_come_before_losses_and_each_is_told_with_what_it_was(case: Callable[..., Any]) -> None:
    found = _of(case, {**IN, "cedar": {"p": _permit("add")}}, {**IN, "cedar": {"p": _permit("tag")}})
    assert [(c.agent, c.tool, str(c.before.decision), str(c.after.decision)) for c in found.gains] == [
        ("caller", "math___tag", "deny", "allow")
    ]
    assert [(c.agent, c.tool, str(c.before.decision), str(c.after.decision)) for c in found.losses] == [
        ("caller", "math___add", "allow", "deny")
    ]


@pytest.fixture
def files(case: Callable[..., Any], tmp_path: Path) -> Callable[..., list[str]]:
    def write(*documents: Mapping[str, Any]) -> list[str]:
        paths = [tmp_path / f"{number}.json" for number, _ in enumerate(documents)]
        for path, parts in zip(paths, documents, strict=True):
            path.write_text(json.dumps(case(**parts).export()))
        return [str(path) for path in paths]

    return write


def test_the_command_tells_gains_and_losses_and_its_code(
    files: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    external_principal = {**ALLOW, "Principal": {"AWS": FOREIGN}}
    before = {**IN, "cedar": {"p": _permit("add"), "q": _permit("repeat")}}
    after = {
        **IF_OFFICE,
        "resource": [external_principal],
        "cedar": {"p": "permit(principal is AgentCore::IamEntity, action, resource is AgentCore::Gateway);"},
    }
    assert main(["access", "diff", *files(before, after)]) == 1
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "Access gains: 4",
        "who gateway tool before after",
        "caller tools-abcdefghij math___tag deny conditional",
        "999999999999:root tools-abcdefghij math___add, math___repeat, math___tag deny undecided",
        "caller, after: Allow if IpAddress aws:SourceIp 203.0.113.0/24",
        "Access losses: 2",
        "who gateway tool before after",
        "caller tools-abcdefghij math___add, math___repeat allow conditional",
        "caller, after: Allow if IpAddress aws:SourceIp 203.0.113.0/24",
        "Newly not judged:",
        f"arn:aws:iam::{FOREIGN}:root: not known: its identity policies",
    ]


def test_markdown_for_a_pull_request(files: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["access", "diff", *files(NOTHING, IN), "--format", "md"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "**Access gains: 3**",
        "",
        "| who | gateway | tool | before | after |",
        "| --- | --- | --- | --- | --- |",
        "| caller | `tools-abcdefghij` | `math___add, math___repeat, math___tag` | deny | allow |",
        "",
        "",
        "```mermaid",
        "flowchart LR",
        '  p0(["caller"])',
        '  subgraph g0["tools-abcdefghij"]',
        '    t0["math___add"]',
        '    t1["math___repeat"]',
        '    t2["math___tag"]',
        "  end",
        "  p0 ==>|may| t0",
        "  linkStyle 0 stroke:green",
        "  p0 ==>|may| t1",
        "  linkStyle 1 stroke:green",
        "  p0 ==>|may| t2",
        "  linkStyle 2 stroke:green",
        "```",
    ]


def test_json_has_an_entry_per_change(files: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["access", "diff", *files(IN, IF_OFFICE), "--format", "json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["gains"], len(told["losses"]), told["unsupported"]) == ([], 3, [])
    assert told["losses"][0] == {
        "principal": f"arn:aws:iam::{ACCOUNT}:role/agents/caller",
        "agent": "caller",
        "gateway": GATEWAY,
        "tool": "math___add",
        "before": {"decision": "allow", "conditions": []},
        "after": {"decision": "conditional", "conditions": ["Allow if IpAddress aws:SourceIp 203.0.113.0/24"]},
    }


def test_no_change_is_said_and_what_was_not_judged_with_it(
    files: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    interceptor = {**IN, "gateway": {"interceptorConfigurations": [{}]}}
    assert main(["access", "diff", *files(interceptor, interceptor)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Nobody's access changes.", "Not judged:"]
    assert "which function an interceptor is" in lines[2]


def test_a_file_that_cannot_be_used_is_code_2(
    files: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    (usable,) = files(IN)
    assert main(["access", "diff", usable, f"{usable}.missing"]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_what_is_newly_not_judged_counts_as_a_gain(case: Callable[..., Any]) -> None:
    template = ("aws:cloudformation/stack:Stack", "more", {"templateUrl": "https://templates.example/more"})
    without, within = IN, {**IN, "more": [template]}
    assert (_of(case, without, within).code, _of(case, within, within).code) == (1, 0)
    [line] = _of(case, without, within).newly_unjudged
    assert "CloudFormation template" in line
    assert _of(case, within, without).code == 0

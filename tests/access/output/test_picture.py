import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.drawn import Picture
from toolgate.access.output.mermaid import as_mermaid
from toolgate.access.output.picture import MOST_BOXES, picture
from toolgate.access.output.svg import as_svg
from toolgate.cli.main import main

ACCOUNT = "123456789012"
INVOKE = "bedrock-agentcore:InvokeGateway"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
ENTITY = f"arn:aws:sts::{ACCOUNT}:assumed-role/caller"
ALLOW = {"Effect": "Allow", "Action": INVOKE, "Resource": GATEWAY}
IN: dict[str, Any] = {"identity": [ALLOW]}
WHO = f'permit(principal == AgentCore::IamEntity::"{ENTITY}"'
SVG = "{http://www.w3.org/2000/svg}"

MakeCase = Callable[..., Any]


def _picture(export: Mapping[str, Any]) -> Picture:
    deployment = parse(export)
    return picture(deployment, matrix(deployment))


def _permit(*tools: str, condition: str = "") -> str:
    actions = ", ".join(f'AgentCore::Action::"math___{tool}"' for tool in tools)
    return f'{WHO}, action in [{actions}], resource == AgentCore::Gateway::"{GATEWAY}"){condition};'


def _edges(drawn: Picture) -> list[tuple[str, str, str, str]]:
    return [(drawn.principals[e.principal], e.box.replace(GATEWAY, ""), str(e.decision), e.note) for e in drawn.edges]


@pytest.mark.parametrize(
    ("documents", "edges"),
    [
        ({}, []),
        (IN, [("caller", "", "allow", "")]),
        (
            {**IN, "cedar": {"p": _permit("add", "tag")}},
            [("caller", "##math___add", "allow", ""), ("caller", "##math___tag", "allow", "")],
        ),
        ({**IN, "cedar": {"p": _permit("add", "repeat", "tag")}}, [("caller", "", "allow", "")]),
        (
            {**IN, "cedar": {"p": _permit("add"), "q": _permit("tag", condition=" when { context.input has labels }")}},
            [("caller", "##math___add", "allow", ""), ("caller", "##math___tag", "conditional", "")],
        ),
        (
            {**IN, "resource": [{**ALLOW, "Principal": "*"}]},
            [("caller", "", "allow", ""), ("anybody", "", "allow", "")],
        ),
    ],
)
def test_an_edge_leads_to_the_largest_box_that_is_open_alike(
    case: MakeCase, documents: Mapping[str, Any], edges: list[tuple[str, str, str, str]]
) -> None:
    drawn = _picture(case(**documents).export())
    assert _edges(drawn) == edges
    (gateway,) = drawn.gateways
    assert [tool.label for tool in gateway.inner[0].inner] == ["add", "repeat", "tag"]
    assert drawn.left_out == ()


def _with_tools(export: dict[str, Any], targets: int, tools: int) -> dict[str, Any]:
    """The export with more targets, each of so many tools."""
    resources = export["deployment"]["resources"]
    old = next(r for r in resources if r["urn"].endswith("AgentcoreGatewayTarget::math"))
    resources.remove(old)
    for number in range(targets):
        new = json.loads(json.dumps(old).replace("::math", f"::math{number}").replace('"math"', f'"math{number}"'))
        for side in ("inputs", "outputs"):
            schema = new[side]["targetConfiguration"]["mcp"]["lambda"]["toolSchema"]
            first = schema["inlinePayloads"][0]
            schema["inlinePayloads"] = [{**first, "name": f"tool{tool}"} for tool in range(tools)]
        resources.append(new)
    return export


def test_many_tools_are_summed_up_by_target_and_many_targets_by_gateway(case: MakeCase) -> None:
    permit = f'{WHO}, action == AgentCore::Action::"math0___tool1", resource == AgentCore::Gateway::"{GATEWAY}");'
    drawn = _picture(_with_tools(case(**IN, cedar={"p": permit}).export(), 2, 20))
    assert [box.label for box in drawn.gateways[0].inner] == ["math0 (20 tools)", "math1 (20 tools)"]
    assert _edges(drawn) == [("caller", "#math0", "allow", "1 of 20")]
    drawn = _picture(_with_tools(case(**IN, cedar={"p": permit}).export(), 30, 20))
    assert [(box.label, box.inner) for box in drawn.gateways] == [("tools (30 targets, 600 tools)", ())]
    assert _edges(drawn) == [("caller", "", "allow", "1 of 600")]


def _many(export: dict[str, Any], agents: int) -> dict[str, Any]:
    resources = export["deployment"]["resources"]
    runtime = next(r for r in resources if r["type"].endswith("AgentRuntime"))
    for number in range(agents - 1):
        resources.append(
            json.loads(json.dumps(runtime).replace('"caller"', f'"copy{number}"').replace("c-1", f"c-{number + 2}"))
        )
    return export


def test_more_principals_than_can_be_read_are_counted(case: MakeCase) -> None:
    drawn = _picture(_many(case(**IN).export(), MOST_BOXES + 3))
    assert len(drawn.principals) == len(drawn.edges) == MOST_BOXES
    assert drawn.left_out == (
        "3 more principals, not drawn",
        "3 more pairs of a principal and a gateway it may call: `toolgate access matrix`",
    )


URL = ("aws:lambda/functionUrl:FunctionUrl", "url", {"functionName": "f", "authorizationType": "NONE"})


def _ops(*statements: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    let_in = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn, trust = f"arn:aws:iam::{ACCOUNT}:role/ops", json.dumps({"Statement": [let_in]})
    policy = {"role": "ops", "name": "ops", "policy": json.dumps({"Statement": statements})}
    return [
        ("aws:iam/role:Role", "ops", {"name": "ops", "arn": arn, "assumeRolePolicy": trust}),
        ("aws:iam/rolePolicy:RolePolicy", "ops", policy),
    ]


def test_ways_around_askers_and_what_is_not_judged(case: MakeCase) -> None:
    ask = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeAgentRuntime*", "Resource": "*"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    more = [URL, *_ops(ask)]
    drawn = _picture(case(**IN, gateway={"interceptorConfigurations": [{}]}, more=more).export())
    assert (drawn.title, drawn.principals) == (
        f"stack dev, account {ACCOUNT}, us-east-1",
        ("anybody", "caller", "role/ops"),
    )
    assert [(drawn.askers[it.asker], drawn.principals[it.agent], it.commands) for it in drawn.asks] == [
        ("role/ops", "caller", True)
    ]
    around = [(drawn.principals[e.principal], e.box.replace(GATEWAY, ""), e.label) for e in drawn.edges if e.bypass]
    assert around == [("anybody", "#math", "(2)"), ("role/ops", "", "(3)")]
    assert drawn.notes == (
        "caller: interceptor that is not named lets it through",
        "anybody: function URL",
        "role/ops: commands in agent caller; interceptor that is not named lets it through",
    )
    assert drawn.unjudged == (
        "AgentcoreGateway 'tools': it does not say which function an interceptor is; who may change that is not judged",
    )
    texts = [text.text for text in ET.fromstring(as_svg(drawn)).iter(f"{SVG}text")]
    assert {"who may ask", "(2) anybody: function URL", "around the gateway", "runs commands in the agent"} <= set(
        texts
    )
    assert f"Not judged: {drawn.unjudged[0]}" in texts
    mermaid = as_mermaid(drawn).splitlines()
    assert "  style p0 fill:#c62828,color:#ffffff" in mermaid
    assert "  linkStyle 0,2,3 stroke:#c62828,stroke-dasharray:6 3" in mermaid
    drawn = _picture(case(**IN, more=_ops(everything)).export())
    assert [(drawn.principals[e.principal], e.box) for e in drawn.edges if e.bypass] == [("role/ops", GATEWAY)]


def test_anybody_is_red_and_the_legend_has_only_what_occurs(case: MakeCase) -> None:
    root = ET.fromstring(as_svg(_picture(case(gateway={"authorizerType": "NONE"}).export())))
    boxes = {group.findtext(f"{SVG}title"): group.find(f"{SVG}rect") for group in root.iter(f"{SVG}g")}
    assert boxes["anybody"] is not None
    assert boxes["anybody"].attrib["fill"] == "#c62828"
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert "allow" in texts
    assert not texts & {"conditional", "undecided: cannot be judged", "around the gateway", "who may ask"}


def test_more_notes_than_can_be_read_are_counted(case: MakeCase) -> None:
    tools = [f"tool{number}" for number in range(20)]
    cedar = {
        tool: f'{WHO}, action == AgentCore::Action::"math0___{tool}", resource == AgentCore::Gateway::"{GATEWAY}")'
        f"{f' when {{ context.input.a == {number} }}' if number else ''};"
        for number, tool in enumerate(tools)
    }
    drawn = _picture(_with_tools(case(**IN, cedar=cedar).export(), 1, 20))
    assert len(drawn.notes) == 12
    assert "7 more notes: `toolgate access matrix`" in drawn.left_out


def test_the_svg_shows_every_box_and_edge_and_nothing_outside_of_it(case: MakeCase) -> None:
    export = _many(
        case(**IN, cedar={"p": _permit("add", condition=" when { context.input.a == context.input.a }")}).export(), 3
    )
    drawn = _picture(export)
    root = ET.fromstring(as_svg(drawn))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"caller", "copy0", "copy1", "tools", "math", "add", "repeat", "tag", "conditional"} <= set(texts)
    edges = [path for path in root.iter(f"{SVG}path") if "C" in path.attrib["d"]]
    assert len(edges) == len(drawn.edges) == 3
    assert all(path.attrib["stroke-dasharray"] for path in edges)
    ends = {tuple(map(float, path.attrib["d"].split(" ")[-1].split(","))) for path in edges}
    assert len(ends) == 3
    for box in list(root.iter(f"{SVG}rect"))[1:]:
        x, y, w, h = (float(box.attrib[key]) for key in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height


def test_names_cannot_break_out_of_the_picture(case: MakeCase) -> None:
    name = '</text><script>"`&'
    drawn = _picture(case(**IN, gateway={"name": name}).export())
    svg = as_svg(drawn)
    assert name in [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]
    assert "<script>" not in svg
    (line,) = (line for line in as_mermaid(drawn).splitlines() if "script" in line)
    assert re.fullmatch(r'  subgraph b0\["[^"<`]*"\]', line)


def test_mermaid_has_the_same_boxes_and_edges(case: MakeCase) -> None:
    when = " when { context.input.a == context.input.a }"
    assert as_mermaid(
        _picture(case(**IN, cedar={"p": _permit("add", condition=when), "q": _permit("tag")}).export())
    ) == (
        "---\ntitle: stack dev, account 123456789012, us-east-1\n---\n"
        "flowchart LR\n"
        '  p0(["caller"])\n'
        '  subgraph b0["tools"]\n'
        '    subgraph b1["math"]\n'
        '      b2["add"]\n'
        '      b3["repeat"]\n'
        '      b4["tag"]\n'
        "    end\n"
        "  end\n"
        '  p0 -.->|"conditional, (1)"| b2\n'
        "  p0 --> b4\n"
        "  %% (1) caller: permit when { context.input.a == context.input.a }\n"
        '  notes["(1) caller: permit when { context.input.a == context.input.a }"]'
    )


@pytest.mark.parametrize("format_", ["svg", "mermaid"])
def test_the_command(tmp_path: Path, case: MakeCase, capsys: pytest.CaptureFixture[str], format_: str) -> None:
    file = tmp_path / "deployment.json"
    file.write_text(json.dumps(case(**IN).export()))
    assert main(["access", "picture", str(file), "--format", format_]) == 0
    out = capsys.readouterr().out
    assert out.startswith("<svg" if format_ == "svg" else "---\ntitle: stack dev, account")
    assert "caller" in out


def test_a_deployment_with_nothing_in_it_is_still_a_picture() -> None:
    drawn = _picture({"version": 3, "deployment": {"resources": []}})
    assert (drawn.principals, drawn.gateways, drawn.edges) == ((), (), ())
    assert ET.fromstring(as_svg(drawn)).tag == f"{SVG}svg"
    assert as_mermaid(drawn) == "flowchart LR"

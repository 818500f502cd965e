"""Over generated configurations of every kind of target: what is planned, listed, allowed and really called is one.

The tools of each kind are read from what stands behind it: typed functions, an MCP server's module, OpenAPI documents,
a recorded list, another gateway. A program hands some of them to two agents. Then the plan, the gateway's list for each
agent, the matrix and a real call of each tool by each agent have to say the same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mcp import ClientSession
from mcp.shared.exceptions import McpError
from mcp.types import CallToolResult

from tests.local.serve.gateway.test_mcp_gateway import _with_session
from tests.local.serve.outbound.far_sides import Api, api
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local.plan import Plan, plan
from toolgate.local.serve.server import Serving, serve

ROOT = Path(__file__).parents[2]
TOOLS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "math": {"double": {"number": 2.5}, "shout": {"word": "hi"}},
    "stock": {"count": {"item": "shoe"}, "reserve": {"item": "shoe", "pieces": 3}},
    "pets": {"getPet": {"pet": "7"}, "addPet": {"name": "Rex"}},
    "stage": {"getOrder": {"id": "7"}, "placeOrder": {"item": "shoe"}},
    "notes": {"find": {"words": "a"}, "write": {"text": "b"}},
    "inner": {"inside___half": {"number": 4}, "inside___third": {"number": 9}},
}
"""By kind of target: its tools, and arguments that each takes."""
FULL = {f"{target}___{tool}": arguments for target, tools in TOOLS.items() for tool, arguments in tools.items()}
AGENTS = ("ada", "bob")

PROGRAM = """
import json
import pulumi
from toolgate import (
    AgentRuntime, ApiGatewayTools, Authorization, IamService, LambdaTools, McpServer, OpenApiTools, ToolGateway,
    agent_code, knowledge_base, recorded_server, web_search,
)

world = json.loads(pulumi.Config("every").require("world"))


def stage():
    document = json.dumps(json.load(open("stage.json")))
    args = {"rest_api_id": "a1b2c3d4e5", "stage": "prod", "document": document}
    return ApiGatewayTools("stage", args).target


def inner():
    targets = {"inside": LambdaTools("inside", {"directory": "lambdas/inside"}).target}
    args = {"targets": targets, "authorization": Authorization(world["authorization"])}
    return ToolGateway("inner", args).target()


SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:pets-AbCdEf"
API_KEY = {"api_key": {"secret_arn": SECRET, "json_key": "key", "name": "X-Key"}}
OAUTH = {
    "oauth": {
        "secret_arn": SECRET,
        "json_key": "secret",
        "client_id": "client-1",
        "discovery_url": "https://issuer.example.com/.well-known/openid-configuration",
        "scopes": ["pets/read"],
    }
}
STAGE = "arn:aws:execute-api:us-east-1:123456789012:b1b2c3d4e5/live"
IAM = {"iam": {"service": IamService.EXECUTE_API, "resources": [STAGE]}}
BY_URL = "arn:aws:lambda:us-east-1:123456789012:function:by-url"
URL = {"iam": {"service": IamService.LAMBDA, "resources": [BY_URL]}}


def signing_in(key, target, credential):
    return {**target, key: {**target[key], "credential": credential}}


MAKE = {
    "math": lambda: LambdaTools("math", {"directory": "lambdas/math"}).target,
    "stock": lambda: McpServer("stock", {"directory": "servers/stock"}).target,
    "pets": lambda: OpenApiTools("pets", {"directory": "apis/pets"}).target,
    "stage": stage,
    "notes": lambda: recorded_server("notes.json"),
    "inner": inner,
    "keyed": lambda: signing_in("open_api", OpenApiTools("keyed", {"directory": "apis/keyed"}).target, API_KEY),
    "tokened": lambda: signing_in("open_api", OpenApiTools("tokened", {"directory": "apis/tokened"}).target, OAUTH),
    "signed": lambda: signing_in("open_api", OpenApiTools("signed", {"directory": "apis/signed"}).target, IAM),
    "url": lambda: signing_in("open_api", OpenApiTools("url", {"directory": "apis/url"}).target, URL),
    "notekeyed": lambda: signing_in("remote_server", recorded_server("notekeyed.json"), API_KEY),
    "notetokened": lambda: signing_in("remote_server", recorded_server("notetokened.json"), OAUTH),
    "web": web_search,
    "handbook": lambda: knowledge_base("arn:aws:bedrock:us-east-1:123456789012:knowledge-base/A1B2C3D4E5"),
}
gateway = ToolGateway(
    "tools",
    {"targets": {it: MAKE[it]() for it in world["kinds"]}, "authorization": Authorization(world["authorization"])},
)
agents = {}
for name, tools in world["agents"].items():
    args = {
        "code": agent_code("agent"),
        "model_id": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "tools": [gateway.tools(*tools)] if tools else [],
    }
    agents[name] = AgentRuntime(name, args)
pulumi.export(
    "agents", {name: {"runtime_arn": it.runtime_arn, "role_arn": it.role_arn} for name, it in agents.items()}
)
"""
TYPED = '''"""Numbers."""


def {one}(number: float) -> float:
    """Work one out."""
    return number * {factor}


def {other}({argument}: {type}) -> {type}:
    """Work another out."""
    return {argument} * 2
'''
SERVER = '''
from mcp.server.fastmcp import FastMCP

stock = FastMCP("stock")


@stock.tool()
def count(item: str, depot: str | None = None) -> int:
    """How many there are."""
    return len(item)


@stock.tool()
def reserve(item: str, pieces: int = 1) -> str:
    """Keep some."""
    return f"{pieces} of {item}"
'''


def document(**operations: Any) -> dict[str, Any]:
    """An OpenAPI document of two operations: one with a path parameter, one with a body."""
    (got, parameter), (made, member) = operations.items()
    schema = {"type": "object", "properties": {member: {"type": "string"}}, "required": [member]}
    found = {"200": {"description": "It."}}
    path = {"name": parameter, "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Things", "version": "1"},
        "servers": [{"url": "https://things.example.com/v1"}],
        "paths": {
            f"/things/{{{parameter}}}": {
                "get": {"operationId": got, "summary": "Find one.", "parameters": [path], "responses": found}
            },
            "/things": {
                "post": {
                    "operationId": made,
                    "summary": "Make one.",
                    "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
                    "responses": found,
                }
            },
        },
    }


def recorded(tools: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What `toolgate record` writes of a server."""
    listed = [
        {
            "name": name,
            "description": "A tool of others.",
            "inputSchema": {"type": "object", "properties": {it: {"type": "string"} for it in arguments}},
        }
        for name, arguments in tools.items()
    ]
    return {"endpoint": "https://mcp.example.com/mcp", "tools": listed}


def api_of(target: str) -> dict[str, Any]:
    """The document of an API that asks who calls; one that is signed for is at API Gateway."""
    made = document(**{f"get_{target}": "pet", f"add_{target}": "name"})
    host = "https://b1b2c3d4e5.execute-api.us-east-1.amazonaws.com/live"
    return made | ({"servers": [{"url": host}]} if target == "signed" else {})


def tools_of_notes(target: str) -> dict[str, Mapping[str, Any]]:
    """The tools of a recorded server that asks who calls."""
    return {f"{name}_{target}": arguments for name, arguments in TOOLS["notes"].items()}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_program(tmp_path_factory.mktemp("every"))


def write_program(folder: Path) -> Path:
    """The program, and what its targets are made of, in an empty folder."""
    files = {
        "Pulumi.yaml": "name: every\nruntime: python\n",
        "Pulumi.dev.yaml": "config:\n  aws:region: us-east-1\n",
        "__main__.py": PROGRAM,
        "lambdas/math/tools.py": TYPED.format(one="double", factor=2, other="shout", argument="word", type="str"),
        "lambdas/inside/tools.py": TYPED.format(one="half", factor=0.5, other="third", argument="number", type="float"),
        "servers/stock/server.py": SERVER,
        "apis/pets/openapi.json": json.dumps(document(getPet="pet", addPet="name")),
        **{f"apis/{it}/openapi.json": json.dumps(api_of(it)) for it in ("keyed", "tokened", "signed", "url")},
        **{f"{it}.json": json.dumps(recorded(tools_of_notes(it))) for it in ("notekeyed", "notetokened")},
        "stage.json": json.dumps(document(getOrder="id", placeOrder="item")),
        "notes.json": json.dumps(recorded(TOOLS["notes"])),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "agent").symlink_to(ROOT / "agent")
    return folder


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Api]:
    with api() as running:
        yield running


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Kinds of targets behind one gateway, and what each agent is handed."""
    kinds = draw(st.lists(st.sampled_from(list(TOOLS)), min_size=2, max_size=4, unique=True))
    there = [tool for tool in FULL if tool.partition("___")[0] in kinds]
    handed = st.lists(st.sampled_from(there), unique=True, max_size=5)
    return {"kinds": kinds, "authorization": "tool", "agents": {agent: draw(handed) for agent in AGENTS}}


EVERY = {
    "kinds": list(TOOLS),
    "authorization": "tool",
    "agents": {"ada": list(FULL)[::2], "bob": list(FULL)[1::2]},
}


def planned(program: Path, world: Mapping[str, Any]) -> Plan:
    return plan("dev", config={"every:world": json.dumps(world)}, root=program)


def test_every_kind_in_one_stack(program: Path, elsewhere: Api, tmp_path: Path) -> None:
    agree(program, EVERY, elsewhere, tmp_path)
    gateway = EVERY | {"authorization": "gateway", "agents": {agent: list(FULL) for agent in AGENTS}}
    agree(program, gateway, elsewhere, tmp_path)


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(world=worlds())
def test_whatever_is_behind_a_gateway(program: Path, elsewhere: Api, tmp_path: Path, world: dict[str, Any]) -> None:
    agree(program, world, elsewhere, tmp_path)


def agree(program: Path, world: Mapping[str, Any], elsewhere: Api, logs: Path) -> None:
    """Plan, list, matrix and calls say the same."""
    made = planned(program, world)
    assert [it for it in made.violations if it.level == "mandatory"] == []
    urls = {"pets": f"{elsewhere.url}/v1", "stage": f"{elsewhere.url}/prod", "notes": f"{elsewhere.url}/mcp"}
    places = {target: url for target, url in urls.items() if target in world["kinds"]}
    with serve(made.deployment, root=program, logs=logs, places=places) as serving:
        outer = next(it for it in serving.deployment.gateways if "tools" in it.label)
        said = {it.full_name(tool) for it in serving.deployment.targets_of(outer) for tool in it.tools or ()}
        assert said == {tool for tool in FULL if tool.partition("___")[0] in world["kinds"]}
        rows = [it for it in matrix(serving.deployment).entries if it.gateway == outer.arn]
        for name, handed in world["agents"].items():
            allowed = {it.tool for it in rows if it.agent == name and it.decision is Access.ALLOW} & said
            assert allowed == set(handed)
            seen = used(serving, outer.id, name, said)
            assert set(seen.values()) <= {"answered", "refused"}
            assert {tool for tool, came in seen.items() if came == "answered"} == allowed


REFUSALS = ("not authorized", "No policy applies", "role may not perform")


def used(
    serving: Serving,
    gateway: str,
    agent: str,
    tools: Sequence[str] | set[str],
    arguments: Mapping[str, Mapping[str, Any]] = FULL,
) -> dict[str, str]:
    """What came of each tool: `answered` where it is listed and answers, `refused` where neither, or what else."""
    role = next(it.role_arn for it in serving.deployment.agents if it.agent == agent)
    url, own = serving.gateway_url(gateway), serving.session(role)

    async def all_of_them(session: ClientSession) -> dict[str, str]:
        listed = {it.name for it in (await session.list_tools()).tools}
        found = {}
        for tool in sorted(tools):
            try:
                result = await session.call_tool(tool, dict(arguments[tool]))
            except McpError as error:
                assert any(it in str(error) for it in REFUSALS), error  # noqa: PT017  # one of many
                found[tool] = "listed" if tool in listed else "refused"
            else:
                came = "failed" if result.isError else "answered"
                found[tool] = came if tool in listed else "called"
        return found

    try:
        return _with_session(url, own, all_of_them)
    except Exception as error:
        # Who was handed nothing may not even ask.
        assert "403" in str(error), error  # noqa: PT017  # not every agent is refused
        return {}


def text(result: CallToolResult) -> str:
    return " ".join(it.text for it in result.content if it.type == "text")

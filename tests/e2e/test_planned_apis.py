"""A program with an API behind a gateway behind a gateway, planned by the components and served."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import McpError

from tests.local.serve.gateway.test_mcp_gateway import _with_session
from tests.local.serve.outbound.far_sides import Api, api
from tests.local.serve.outbound.test_servers_in_runtime import text
from toolgate.cli.up import _planned_anew
from toolgate.local.plan import plan
from toolgate.local.serve.server import Serving, serve
from toolgate.local.watch import Watching

ROOT = Path(__file__).parents[2]
PROGRAM = """
import pulumi
from toolgate import AgentRuntime, Authorization, OpenApiTools, ToolGateway, agent_code

pets = OpenApiTools("pets", {"directory": "apis/pets"})
inner = ToolGateway("inner", {"targets": {"pets": pets.target}, "authorization": Authorization.TOOL})
outer = ToolGateway(
    "outer", {"targets": {"in": inner.target("pets___find")}, "authorization": Authorization.TOOL}
)
clerk = AgentRuntime(
    "clerk",
    {
        "code": agent_code("agent"),
        "model_id": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "tools": [inner.tools("pets___change"), outer.tools("in")],
    },
)
pulumi.export("agents", {"clerk": {"runtime_arn": clerk.runtime_arn, "role_arn": clerk.role_arn}})
"""
PET = {"name": "pet", "in": "path", "required": True, "schema": {"type": "string"}, "description": "Its name."}
TAGS = {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}, "description": "Any."}
CHANGE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
ANSWERED = {"responses": {"200": {"description": "It is found."}}}
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "pets", "version": "1"},
    "servers": [{"url": "https://pets.example.com/v1"}],
    "paths": {
        "/pets/{pet}": {
            "get": {"operationId": "find", "summary": "Find a pet.", "parameters": [PET, TAGS], **ANSWERED},
            "post": {
                "operationId": "change",
                "summary": "Change a pet.",
                "parameters": [PET],
                "requestBody": {"required": True, "content": {"application/json": {"schema": CHANGE}}},
                **ANSWERED,
            },
        }
    },
}


@pytest.fixture(scope="module")
def there() -> Iterator[Api]:
    with api() as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pets")
    (folder / "Pulumi.yaml").write_text("name: pets\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "agent").symlink_to(ROOT / "agent")
    (folder / "apis" / "pets").mkdir(parents=True)
    (folder / "apis" / "pets" / "openapi.json").write_text(json.dumps(DOCUMENT))
    return folder


@pytest.fixture(scope="module")
def serving(folder: Path, there: Api) -> Iterator[Serving]:
    deployment = plan("dev", root=folder).deployment
    with serve(deployment, root=folder, places={"pets": f"{there.url}/v1"}) as running:
        yield running


def call(serving: Serving, gateway: str, tool: str, **arguments: Any) -> Any:
    """What the API was asked by a tool of a gateway, called as the agent's role."""
    [url] = [serving.gateway_url(it.id) for it in serving.deployment.gateways if it.name.endswith(gateway)]
    [agent] = serving.deployment.agents
    own = serving.session(agent.role_arn)
    return json.loads(text(_with_session(url, own, lambda session: session.call_tool(tool, arguments))))


def test_through_both_gateways_to_the_api(serving: Serving) -> None:
    assert call(serving, "outer", "in___pets___find", pet="rex", tags=["a", "b"]) == {
        "path": "/v1/pets/rex",
        "query": "tags=a&tags=b",
        "body": "",
    }


def test_a_body_through_one(serving: Serving) -> None:
    asked = call(serving, "inner", "pets___change", pet="rex", age=3)
    assert (asked["path"], json.loads(asked["body"])) == ("/v1/pets/rex", {"age": 3})


def test_each_gateways_engine_decides_on_its_own_caller(serving: Serving) -> None:
    """The inner one permits `find` to the outer gateway's role, and to the agent only what it was handed itself."""
    with pytest.raises(McpError, match="Tool Execution Denied"):
        call(serving, "inner", "pets___find", pet="rex")
    assert [it.principal.rpartition("/")[2].split("-")[0] for it in serving.denials] == ["clerk"]


def test_an_edit_of_the_document_answers_the_next_call(folder: Path, serving: Serving) -> None:
    said: list[str] = []

    def planned() -> Any:
        return _planned_anew(folder, "dev", None, ())

    watching = Watching(folder, planned(), planned, serving, lambda: None, said.append, ())
    watching.start()

    def edit(text: str) -> str:
        file = folder / "apis" / "pets" / "openapi.json"
        file.write_text(text)
        watching.changed([file])
        return said[-1]

    moved = json.dumps(DOCUMENT).replace("/pets/{pet}", "/animals/{pet}")
    assert "apis/pets/openapi.json: planned anew and served" in edit(moved)
    assert call(serving, "outer", "in___pets___find", pet="rex")["path"] == "/v1/animals/rex"
    # A mistake is told with its place, and what was there answers on.
    broken = edit(moved.replace('"summary": "Find a pet."', '"summary": ""'))
    assert "openapi.json#/paths/~1animals~1{pet}/get: has no 'description'" in broken
    assert "What was there before is served on." in broken
    assert "is not valid JSON" in edit("{")
    assert call(serving, "outer", "in___pets___find", pet="rex")["path"] == "/v1/animals/rex"
    # An operation that a gateway hands on and that is gone is said by name.
    assert "pets___find" in edit(moved.replace('"find"', '"seek"'))
    assert "planned anew and served" in edit(json.dumps(DOCUMENT))
    assert call(serving, "outer", "in___pets___find", pet="rex")["path"] == "/v1/pets/rex"

"""AWS's own tools, which nobody here can ask: answered out of a file and marked, for who may call them, or refused."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.types import CallToolResult, TextContent

from tests.local.serve.outbound.test_servers_in_runtime import call, last_line
from tests.server_export import ACCOUNT, add_target, allow, export, grant
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.local.serve.outbound.canned import read
from toolgate.local.serve.server import Serving, serve

PROJECT = Path(__file__).parents[1] / "project"
BASE = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:knowledge-base/A1B2C3D4E5"
WEB = "arn:aws:bedrock-agentcore:us-east-1:aws:tool/web-search.v1"
RIGHTS = {
    "WebSearch": allow("bedrock-agentcore:InvokeWebSearch", WEB),
    "Retrieve": allow("bedrock:Retrieve", BASE),
    "AgenticRetrieveStream": allow("bedrock:AgenticRetrieveStream", "*"),
}
ANSWERS = {"WebSearch": "Shoes are sold out.", "Retrieve": {"retrievalResults": []}, "AgenticRetrieveStream": ["ä", 1]}
ROLE: dict[str, Any] = {"gatewayIamRole": {}}


def connector(*tools: str, **values: Any) -> dict[str, Any]:
    """The configuration of a connector's target; by a tool's name what is fixed for it."""
    told = {"Retrieve": {"knowledgeBaseId": "A1B2C3D4E5"}} | values
    configurations = [{"name": it, "parameterValues": json.dumps(told.get(it, {}))} for it in tools]
    source = {"connectorId": "web-search" if tools[0] == "WebSearch" else "bedrock-knowledge-bases"}
    return {"connector": {"source": source, "enableds": [*tools], "configurations": configurations}}


def deployed(configuration: Mapping[str, Any], *rights: str, credentials: Any = ROLE) -> dict[str, Any]:
    made = export()
    add_target(made, "own", configuration, credentials)
    if rights:
        grant(made, "tools-role", "own", [RIGHTS[it] for it in rights])
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(ANSWERS))
    return path


@pytest.fixture
def served(tmp_path: Path) -> Callable[..., Any]:
    @contextmanager
    def run(deployment: Mapping[str, Any], **files: Path) -> Iterator[Serving]:
        canned = {name: read(path) for name, path in files.items()}
        with serve(deployment, root=PROJECT, logs=tmp_path / "logs", canned=canned) as serving:
            yield serving

    return run


def texts(result: CallToolResult) -> list[str]:
    assert all(isinstance(it, TextContent) for it in result.content)
    return [it.text for it in result.content if isinstance(it, TextContent)]


@pytest.mark.parametrize("tool", ANSWERS)
def test_an_answer_is_the_files_and_says_so(served: Callable[..., Any], file: Path, tool: str) -> None:
    with served(deployed(connector(tool), tool), own=file) as serving:
        result = call(serving, f"own___{tool}", {"query": "shoes"})
        line = last_line(serving)
        assert (line["decision"], line["status"], line["canned"], line["target"]) == ("allowed", "ok", file.name, "own")
        assert [it.tool for it in serving.calls] == [f"own___{tool}"]
        assert f"its answers are canned, out of {file}" in " ".join(serving.notes)
    first, second = texts(result)
    assert (result.isError, result.structuredContent) == (False, None)
    assert first == "canned answer from answers.json, nobody searched"
    assert (second if tool == "WebSearch" else json.loads(second)) == ANSWERS[tool]


@pytest.mark.parametrize("tool", RIGHTS)
def test_the_gateways_role_needs_what_the_tool_takes(served: Callable[..., Any], file: Path, tool: str) -> None:
    """Each of the other tools' rights is there."""
    with served(deployed(connector(tool), *(it for it in RIGHTS if it != tool)), own=file) as serving:
        result = call(serving, f"own___{tool}")
        line = last_line(serving)
        assert result.isError
        assert "arn:" not in " ".join(texts(result))
        [decider] = line["decided_by"]
        assert (line["decision"], decider["action"]) == ("denied", RIGHTS[tool]["Action"])
        assert "canned" not in line
        assert not serving.calls


def test_of_another_knowledge_base_the_right_is_none(served: Callable[..., Any], file: Path) -> None:
    other = connector("Retrieve", Retrieve={"knowledgeBaseId": "ZZZZZZZZZZ"})
    with served(deployed(other, "Retrieve"), own=file) as serving:
        assert call(serving, "own___Retrieve").isError
        assert last_line(serving)["decided_by"][0]["action"] == "bedrock:Retrieve"


def test_what_no_connector_answers_is_not_marked(served: Callable[..., Any], file: Path) -> None:
    with served(deployed(connector("WebSearch"), "WebSearch"), own=file) as serving:
        assert not call(serving, "math___add_numbers", {"a": 1, "b": 2}).isError
        assert "canned" not in last_line(serving)


@pytest.mark.parametrize(
    ("configuration", "how", "says"),
    [
        (connector("WebSearch"), {"names": ()}, "--canned own=FILE says what they answer"),
        (
            connector("WebSearch"),
            {"names": ("own", "math")},
            "--canned math: the deployment has no such connector (own)",
        ),
        (connector("Retrieve"), {"answers": {"WebSearch": ""}}, "answers.json has no answer of Retrieve"),
        (connector("Retrieve"), {"answers": []}, "answers.json has no answers by the tools' names"),
        (connector("Retrieve"), {"answers": None}, "answers.json has no answers by the tools' names"),
        (connector("Retrieve", Retrieve={}), {}, "it does not say which knowledge base"),
        (connector("Other"), {}, "enable WebSearch, Retrieve, AgenticRetrieveStream"),
        (connector("WebSearch"), {"credentials": {"apiKey": {"providerArn": "x"}}}, "credentials apiKey"),
    ],
)
def test_it_is_refused_at_the_start_and_named(
    served: Callable[..., Any], file: Path, configuration: Any, how: Mapping[str, Any], says: str
) -> None:
    if "answers" in how:
        file.write_text(json.dumps(how["answers"]))
    deployment = deployed(configuration, credentials=how.get("credentials", ROLE))
    with (
        pytest.raises(DeploymentError) as caught,
        served(deployment, **dict.fromkeys(how.get("names", ("own",)), file)),
    ):
        pass
    assert says in str(caught.value)


def test_a_tool_that_comes_later_needs_an_answer_too(served: Callable[..., Any], file: Path) -> None:
    file.write_text(json.dumps({"Retrieve": "Only this."}))
    with served(deployed(connector("Retrieve"), "Retrieve"), own=file) as serving:
        with pytest.raises(DeploymentError, match="has no answer of AgenticRetrieveStream"):
            serving.reload(deployed(connector("Retrieve", "AgenticRetrieveStream"), "Retrieve"))
        assert texts(call(serving, "own___Retrieve"))[1] == "Only this."


def test_a_place_is_none_for_a_connector(file: Path, tmp_path: Path) -> None:
    places, canned = {"own": "http://127.0.0.1:1"}, {"own": read(file)}
    with (
        pytest.raises(DeploymentError, match="--target own: it is a connector; --canned says what that answers"),
        serve(deployed(connector("WebSearch")), root=PROJECT, logs=tmp_path, places=places, canned=canned),
    ):
        pass

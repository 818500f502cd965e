"""AWS's own clients at what `toolgate up` serves, with the variables that it prints."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from bedrock_agentcore.runtime import AgentCoreRuntimeClient

from scripts import clients
from tests.clients.conftest import needs
from tests.planning import SAMPLE, planned
from toolgate.local.serve.server import Serving, serve

PROGRAMS = Path(__file__).parent / "programs"
NODE = clients.INSTALLED / "node"
QUESTION = {"prompt": "What is 100 + 12?"}
SESSION = "s" * 40
INVOKE = "bedrock-agentcore invoke-agent-runtime --agent-runtime-arn"
STOP = "bedrock-agentcore stop-runtime-session --agent-runtime-arn {arn} --runtime-session-id"
CONTROL = "bedrock-agentcore-control"
ASK = ["--payload", json.dumps(QUESTION)]
HELLO = ["--messages", json.dumps([{"role": "user", "content": [{"text": "hello"}]}])]

CLI: Mapping[str, tuple[str, list[str], str]] = {
    "plain": (f"{INVOKE} {{arn}} {{folder}}/plain", ASK, '"statusCode": 200'),
    "streamed": (
        f"{INVOKE} {{arn}} {{folder}}/streamed",
        ["--payload", json.dumps({**QUESTION, "stream": True})],
        '"contentType": "text/event-stream',
    ),
    "session": (f"{INVOKE} {{arn}} --runtime-session-id {SESSION} {{folder}}/session", ASK, f'"{SESSION}"'),
    "stop": (f"{STOP} {SESSION}", [], '"statusCode": 200'),
    "stop again": (f"{STOP} {SESSION}", [], "ResourceNotFoundException"),
    "short session": (f"{INVOKE} {{arn}} --runtime-session-id short {{folder}}/x", ASK, "valid min length: 33"),
    "qualifier": (f"{INVOKE} {{arn}} --qualifier nope {{folder}}/x", ASK, "AccessDeniedException"),
    "other runtime": (f"{INVOKE} {{arn}}x {{folder}}/x", ASK, "AccessDeniedException"),
    "other Region": (f"{INVOKE} {{arn}} --region eu-west-1 {{folder}}/x", ASK, "InvalidSignatureException"),
    "bad payload": (f"{INVOKE} {{arn}} --payload nope {{folder}}/x", [], "(RuntimeClientError)"),
    "converse": ("bedrock-runtime converse --model-id {model}", HELLO, "to perform: bedrock:InvokeModel"),
    "gateways": (f"{CONTROL} list-gateways", [], "toolgate-dev-tools"),
    "gateway": (f"{CONTROL} get-gateway --gateway-identifier {{gateway}}", [], '"authorizerType": "AWS_IAM"'),
    "targets": (f"{CONTROL} list-gateway-targets --gateway-identifier {{gateway}}", [], '"name": "math"'),
    "runtimes": (f"{CONTROL} list-agent-runtimes", [], "toolgate_dev_assistant"),
    "runtime": (f"{CONTROL} get-agent-runtime --agent-runtime-id {{id}}", [], '"status": "READY"'),
    "write": (f"{CONTROL} delete-agent-runtime --agent-runtime-id {{id}}", [], "UnsupportedOperationException"),
    "who": ("sts get-caller-identity", [], "assumed-role/toolgate-local-operator"),
    "buckets": ("s3api list-buckets", [], "AccessDenied"),
}
"""By name: a command of AWS's CLI, words of it that hold blanks, and words that it must say."""
REFUSED = {
    *("stop again", "short session", "qualifier", "other runtime", "other Region", "bad payload"),
    *("converse", "write", "buckets"),
}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serve(planned("dev").deployment, root=SAMPLE, logs=tmp_path_factory.mktemp("logs")) as serving:
        yield serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder, for clients that would read the developer's own AWS configuration."""
    return tmp_path_factory.mktemp("home")


def answers(program: list[str | Path], asked: Any, home: Path, variables: Mapping[str, str]) -> dict[str, list[Any]]:
    """What a client's program answers."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **variables}
    done = subprocess.run(
        program, input=json.dumps(asked), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[Any]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def cli(up: Serving, folder: Path) -> dict[str, list[Any]]:
    """What AWS's CLI says to each of its commands: exit code, standard output, standard error."""
    arn = up.agents["assistant"]
    resources = planned("dev").deployment["deployment"]["resources"]
    gateways = (it["outputs"]["gatewayId"] for it in resources if it["type"].endswith(":AgentcoreGateway"))
    names = {"arn": arn, "id": arn.rpartition("/")[2], "folder": str(folder), "gateway": next(gateways)}
    names["model"] = "us.amazon.nova-lite-v1:0"
    asked = {name: [*command.format_map(names).split(), *more] for name, (command, more, _) in CLI.items()}
    program = [clients.INSTALLED / "aws" / "bin" / "python", PROGRAMS / "aws_cli.py"]
    return answers([*program], asked, folder, up.environment)


@pytest.mark.parametrize("name", CLI)
@needs("aws")
def test_the_cli_does_what_is_served_and_says_what_is_not(name: str, cli: dict[str, list[Any]]) -> None:
    code, out, err = cli[name]
    assert CLI[name][2] in out + err
    assert (code != 0) == (name in REFUSED), err


@needs("aws")
def test_the_cli_writes_the_agent_s_answers(cli: dict[str, list[Any]], folder: Path) -> None:
    assert json.loads((folder / "plain").read_text())["response"] == "The result is 112."
    assert '"status": "success"' in (folder / "streamed").read_text()


@needs("node")
def test_the_sdk_for_javascript(up: Serving, folder: Path) -> None:
    arn = up.agents["assistant"]
    payloads = {"plain": QUESTION, "streamed": {**QUESTION, "stream": True}, "bad payload": 1}
    asked: dict[str, Any] = {name: {"agentRuntimeArn": arn, "payload": json.dumps(it)} for name, it in payloads.items()}
    asked["short session"] = {**asked["plain"], "runtimeSessionId": "short"}
    asked["session that is not ASCII"] = {
        **asked["plain"],
        "runtimeSessionId": "\u00e9" * 40,
    }  # the SDK lets it through
    variables = {**up.environment, "CLIENTS": str(NODE / "package.json")}
    found = answers([NODE / "node_modules/.bin/node", PROGRAMS / "aws_sdk_js.mjs"], asked, folder, variables)
    says = {
        "plain": (200, "The result is 112."),
        "streamed": (200, '"status": "success"'),
        "bad payload": (424, "RuntimeClientError: Received error (400) from runtime."),
        "session that is not ASCII": (400, "ValidationException"),
        "short session": (400, "ValidationException: 1 validation error detected: Value 'short' at 'runtimeSessionId'"),
    }
    assert {name: status for name, (status, _, _) in found.items()} == {
        name: status for name, (status, _) in says.items()
    }
    assert [name for name, (_, text, _) in found.items() if says[name][1] not in text] == []
    # People log it, of what went well and of what did not.
    assert len({request for _, _, request in found.values() if request}) == len(asked)


def test_the_sdk_of_agentcore(up: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of its clients lead here: the one that it makes for the control plane, too."""
    for name, value in up.environment.items():
        monkeypatch.setenv(name, value)
    client = AgentCoreRuntimeClient(region="us-east-1")
    arn = up.agents["assistant"]
    answer = client.invoke_agent_runtime(agentRuntimeArn=arn, payload=json.dumps(QUESTION))
    assert json.loads(answer["response"].read())["response"] == "The result is 112."
    assert answer["ResponseMetadata"]["RequestId"]
    assert client.cp_client.meta.endpoint_url == up.url
    assert [it["agentRuntimeArn"] for it in client.list_agent_runtimes()["agentRuntimes"]] == [arn]
    with pytest.raises(client.cp_client.exceptions.ClientError, match="the local deployment is read-only"):
        client.delete_agent_runtime(agentRuntimeId=arn.rpartition("/")[2])

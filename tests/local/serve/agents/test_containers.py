"""An agent that is a container image, with a `docker` that writes down what it is told and runs a program instead."""

import copy
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.local.serve.server import Serving, serve

IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/agents/clerk@sha256:{'0a' * 32}"
DOCKER = """#!{python}
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

HERE, words = Path({here!r}), sys.argv[1:]
with (HERE / "told").open("a") as told:
    told.write(json.dumps(words) + chr(10))
if words[:2] == ["image", "inspect"]:
    sys.exit(not (HERE / "images").read_text().count(words[-1]))
if words[0] == "version":
    sys.exit((HERE / "down").exists())
if words[:2] == ["network", "inspect"]:
    print((HERE / "gateway").read_text())
elif words[:2] == ["rm", "--force"]:
    os.kill(int((HERE / words[2]).read_text()), signal.SIGKILL)
    (HERE / words[2]).unlink()
elif words[0] == "run":
    options = dict(it.removeprefix("--").partition("=")[::2] for it in words[1:-1])
    names = [it.removeprefix("--env=") for it in words if it.startswith("--env=")]
    given = dict(it.partition("=")[::2] if "=" in it else (it, os.environ[it]) for it in names)
    (HERE / options["name"]).write_text(str(os.getpid()))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self): self.answer({{}})
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.answer({{"given": given, "asked": body}})
        def answer(self, said):
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    host, port, inside = options["publish"].split(":")
    HTTPServer((host, int(port)), Handler).serve_forever()
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what it knows and was told."""
    here = tmp_path / "docker"
    (here / "bin").mkdir(parents=True)
    program = here / "bin" / "docker"
    program.write_text(DOCKER.format(python=sys.executable, here=str(here)))
    program.chmod(0o755)
    (here / "images").write_text(IMAGE)
    (here / "gateway").write_text("127.0.0.1")
    monkeypatch.setenv("PATH", f"{here / 'bin'}:{os.environ['PATH']}")
    return here


@pytest.fixture
def deployment(handmade: dict[str, Any]) -> dict[str, Any]:
    """The hand-made deployment, its agent a container."""
    made = copy.deepcopy(handmade)
    for entry in made["deployment"]["resources"]:
        if entry["type"].endswith(":AgentcoreAgentRuntime"):
            for part in (entry["inputs"], entry["outputs"]):
                part["agentRuntimeArtifact"] = {"containerConfiguration": {"containerUri": IMAGE}}
                part["environmentVariables"] |= {"PROMPT": "two\nlines", "PATH": "/opt/agent", "DOCKER_HOST": "theirs"}
    return made


def told(docker: Path) -> list[list[str]]:
    return [json.loads(line) for line in (docker / "told").read_text().splitlines()]


def asked(serving: Serving) -> Any:
    keys = {
        name.lower(): it for name, it in serving.environment.items() if re.match("AWS_(ACCESS|SECRET|SESSION)", name)
    }
    client = boto3.client("bedrock-agentcore", endpoint_url=serving.url, region_name="us-east-1", **keys)
    answer = client.invoke_agent_runtime(agentRuntimeArn=serving.agents["assistant"], payload=b'{"prompt": "x"}')
    return json.loads(answer["response"].read())


def gone(file: Path) -> bool:
    """Whether a container is removed; whoever removes it outlives the server for a moment."""
    for _ in range(1200):
        if not file.exists():
            return True
        time.sleep(0.05)
    return False


def test_it_is_run_asked_and_removed(docker: Path, deployment: dict[str, Any], project: Path, tmp_path: Path) -> None:
    with serve(deployment, root=project, logs=tmp_path / "logs") as serving:
        answer = asked(serving)
        assert any("that Docker publishes" in note for note in serving.notes)
    assert answer["asked"] == {"prompt": "x"}
    [run] = [words for words in told(docker) if words[0] == "run"]
    assert run[-1] == IMAGE
    assert "--pull=never" in run
    [published] = [words for words in run if words.startswith("--publish")]
    assert re.fullmatch(r"--publish=127\.0\.0\.1:\d+:8080", published)
    [name] = [words.removeprefix("--name=") for words in run if words.startswith("--name=")]
    assert gone(docker / name)
    assert ["rm", "--force", name] in told(docker)


def test_it_has_its_role_s_credentials_and_none_in_words(
    docker: Path, deployment: dict[str, Any], project: Path, tmp_path: Path
) -> None:
    with serve(deployment, root=project, logs=tmp_path / "logs") as serving:
        given = asked(serving)["given"]
        port = serving.url.rpartition(":")[2]
    assert (given["PROMPT"], given["PATH"], given["DOCKER_HOST"]) == ("two\nlines", "/opt/agent", "theirs")
    assert given["AWS_ACCESS_KEY_ID"] != serving.environment["AWS_ACCESS_KEY_ID"]
    # Not the port of loopback, but one at the address that a container reaches.
    assert re.fullmatch(r"http://host\.docker\.internal:\d+", given["AWS_ENDPOINT_URL"])
    assert not given["AWS_ENDPOINT_URL"].endswith(f":{port}")
    assert given["GATEWAY_URL"].startswith(given["AWS_ENDPOINT_URL"])
    assert "HOME" not in given
    words = (docker / "told").read_text()
    assert given["AWS_SECRET_ACCESS_KEY"] not in words
    assert given["AWS_SESSION_TOKEN"] not in words


def test_what_it_calls_comes_to_the_gateway(
    docker: Path, deployment: dict[str, Any], project: Path, tmp_path: Path
) -> None:
    with serve(deployment, root=project, logs=tmp_path / "logs") as serving:
        given = asked(serving)["given"]
        keys = {
            name.lower(): given[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        }
        url = given["AWS_ENDPOINT_URL"].replace("host.docker.internal", "127.0.0.1")
        assert boto3.client("sts", endpoint_url=url, region_name="us-east-1", **keys).get_caller_identity()["Arn"]


def test_where_docker_has_a_machine_of_its_own_the_port_stays(
    docker: Path, deployment: dict[str, Any], project: Path, tmp_path: Path
) -> None:
    (docker / "gateway").write_text("192.0.2.1")  # of no interface of ours
    with serve(deployment, root=project, logs=tmp_path / "logs") as serving:
        assert asked(serving)["given"]["AWS_ENDPOINT_URL"].rpartition(":")[2] == serving.url.rpartition(":")[2]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("down", "", r"no Docker daemon answers here \(`docker version`\): start one, or give it code"),
        ("images", "", rf"its image is not on this machine: `docker pull {re.escape(IMAGE)}`"),
    ],
)
def test_it_is_refused_at_the_start(  # noqa: PLR0917  # fixtures, and what is wrong
    docker: Path, deployment: dict[str, Any], project: Path, tmp_path: Path, file: str, text: str, message: str
) -> None:
    (docker / file).write_text(text)
    with pytest.raises(DeploymentError, match=message), serve(deployment, root=project, logs=tmp_path / "logs"):
        pass
    assert "run" not in [words[0] for words in told(docker)]

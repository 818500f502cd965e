"""An agent with packages of its own runs with these, and with nothing of this environment's."""

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.components.handmade_packages import wheel
from toolgate.local.serve.server import Serving, serve

REPORTING = """
import importlib.util, json, os
from http.server import BaseHTTPRequestHandler, HTTPServer
import tiny

class Handler(BaseHTTPRequestHandler):
    def do_GET(self): self.answer({})
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        seen = {it: importlib.util.find_spec(it) is not None for it in ("strands", "boto3", "pulumi", "toolgate")}
        self.answer({"answer": tiny.answer(), "seen": seen, "words": callable(exit), "pid": os.getpid()})
    def answer(self, said):
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass

HTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


@pytest.fixture
def own(handmade: dict[str, Any], project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hand-made deployment's program, its agent with a package of its own."""
    for entry in project.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    code = tmp_path / "own"
    code.mkdir()
    (code / "main.py").write_text(REPORTING)
    (code / "requirements.txt").write_text(wheel(tmp_path / "index", tag="py3-none-any"))
    # What is there for AgentCore Runtime's machines must not be imported here.
    (code / "tiny").mkdir()
    (code / "tiny" / "__init__.py").write_text("raise SystemExit('for another machine')\n")
    for entry in handmade["deployment"]["resources"]:
        if entry["type"] == "aws:s3/bucketObjectv2:BucketObjectv2":
            entry["inputs"]["source"]["path"] = "own"
    return tmp_path


def _asked(serving: Serving) -> Any:
    keys = {
        name.lower(): it for name, it in serving.environment.items() if re.match("AWS_(ACCESS|SECRET|SESSION)", name)
    }
    client = boto3.client("bedrock-agentcore", endpoint_url=serving.url, region_name="us-east-1", **keys)
    answer = client.invoke_agent_runtime(agentRuntimeArn=serving.agents["assistant"], payload=b"{}")
    return json.loads(answer["response"].read())


def test_it_has_its_own_and_nothing_else(own: Path, handmade: dict[str, Any]) -> None:
    with serve(handmade, root=own, logs=own / "logs") as serving:
        said = _asked(serving)
    assert said["answer"] == 42
    assert said["seen"] == dict.fromkeys(("strands", "boto3", "pulumi", "toolgate"), False)
    assert said["words"]


def test_it_is_started_again_where_its_lock_has_changed_and_only_then(own: Path, handmade: dict[str, Any]) -> None:
    with serve(handmade, root=own, logs=own / "logs") as serving:
        first = _asked(serving)
        serving.reload(handmade)
        assert _asked(serving) == first
        lock = own / "own" / "requirements.txt"
        lock.write_text(wheel(own / "index", "other", tag="py3-none-any") + lock.read_text())
        (own / "own" / "main.py").write_text(REPORTING.replace("import tiny", "import tiny; tiny.answer = lambda: 43"))
        serving.reload(handmade)
        assert _asked(serving)["answer"] == 43

"""`toolgate ask` against a runtime on loopback, and against everything that can be missing."""

import asyncio
import io
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.agent.loopback import Loopback
from toolgate.cli.main import main
from toolgate.local.asking import answer

ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/toolgate_dev_assistant-abcdefghij"
SESSION = "a-session-id-of-thirty-three-char"
TEXT = ('data: {"text": "The sum "}\n\n', 'data: {"text": "is 112."}\n\n')
END = 'data: {"status": "success", "stop_reason": "end_turn", "usage": {}}\n\n'


class FakeRuntime:
    """InvokeAgentRuntime, answering with the events or the response it is given."""

    def __init__(self) -> None:
        self.server = Loopback(Starlette(routes=[Route("/{path:path}", self._serve, methods=["POST"])]))
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.events: tuple[str, ...] = (*TEXT, END)
        self.response: Response | None = None
        self.go_on = threading.Event()
        self.go_on.set()

    async def _serve(self, request: Request) -> Response:
        self.requests.append((request.url.path, dict(request.headers), await request.json()))
        return self.response or StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        for index, event in enumerate(self.events):
            if index:
                assert await asyncio.to_thread(self.go_on.wait, 5)
            yield event


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a program, and where the command is called."""
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def announce(project: Path, content: str) -> None:
    (project / ".local").mkdir(exist_ok=True)
    (project / ".local" / "serving.json").write_text(content)


def variables(project: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((project / ".local" / "serving.json").read_text())["environment"]
    return found


@pytest.fixture
def runtime(project: Path) -> Iterator[FakeRuntime]:
    fake = FakeRuntime()
    fake.server.start()
    environment = {
        "AWS_ENDPOINT_URL": fake.server.url,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    announce(project, json.dumps({"environment": environment, "agents": {"assistant": ARN}}))
    yield fake
    fake.server.stop()


@pytest.fixture
def pulumi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A `pulumi` on PATH that says what its file holds; the only program on PATH."""
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", str(program.parent))
    return program


def says(program: Path, output: str, error: str = "", code: int = 0) -> None:
    script = f"#!/bin/sh\necho \"$@\" > '{program}.called'\necho '{output}'\necho '{error}' >&2\nexit {code}\n"
    program.write_text(script)
    program.chmod(0o755)


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line a failed ask says."""
    assert main(["ask", *arguments]) == 1
    [line] = capsys.readouterr().err.splitlines()
    return line.removeprefix("error: ")


def test_prints_the_answer(runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "What is 100 + 12?", "--local"]) == 0
    assert capsys.readouterr() == ("The sum is 112.\n", "")
    [(path, headers, body)] = runtime.requests
    assert path == f"/runtimes/{ARN}/invocations"
    assert body == {"prompt": "What is 100 + 12?", "stream": True}
    assert 33 <= len(headers["x-amzn-bedrock-agentcore-runtime-session-id"]) <= 256
    assert "/us-east-1/bedrock-agentcore/aws4_request" in headers["authorization"]


def test_shows_text_as_it_comes(runtime: FakeRuntime, project: Path) -> None:
    runtime.go_on.clear()
    pieces = answer(ARN, "What is 100 + 12?", SESSION, variables(project))
    assert next(pieces) == "The sum "  # the rest is not sent yet
    runtime.go_on.set()
    assert list(pieces) == ["is 112."]


@pytest.mark.parametrize("answer", [{"status": "success", "response": "112"}, {"response": "112"}, "112"])
def test_takes_an_answer_in_one_piece(runtime: FakeRuntime, answer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    runtime.response = JSONResponse(answer)
    assert main(["ask", "sum", "--local"]) == 0
    assert capsys.readouterr().out == "112\n"


@pytest.mark.parametrize("stream", [True, False])
def test_says_why_the_model_stopped_where_it_is_no_ordinary_end(
    runtime: FakeRuntime, capsys: pytest.CaptureFixture[str], stream: bool
) -> None:
    stop = {"status": "success", "stop_reason": "content_filtered\x1b[2J"}
    if stream:
        runtime.events = (*TEXT, f"data: {json.dumps(stop)}\n\n")
    else:
        runtime.response = JSONResponse({**stop, "response": "The sum is 112."})
    assert main(["ask", "sum", "--local"]) == 0
    assert capsys.readouterr() == ("The sum is 112.\n", "stop reason: content_filtered\\u001b[2J\n")


SCHEMA = {"type": "object", "properties": {"sum": {"type": "number"}}}
DATA = {"status": "success", "stop_reason": "end_turn", "data": {"sum": 112, "sign": "é\u202e"}}


@pytest.mark.parametrize("stream", [True, False])
def test_with_a_schema_the_data_is_what_is_printed(
    runtime: FakeRuntime, project: Path, capsys: pytest.CaptureFixture[str], stream: bool
) -> None:
    (project / "sum.json").write_text(json.dumps(SCHEMA))
    if stream:
        runtime.events = (*TEXT, f"data: {json.dumps(DATA)}\n\n")
    else:
        runtime.response = JSONResponse({**DATA, "response": "The sum is 112."})
    assert main(["ask", "sum", "--local", "--schema", "sum.json"]) == 0
    assert capsys.readouterr() == ('{"sum": 112, "sign": "é\\u202e"}\n', "The sum is 112.\n")
    [(_, _, body)] = runtime.requests
    assert body == {"prompt": "sum", "stream": True, "schema": SCHEMA}


def test_an_answer_without_the_data_that_was_asked_for_is_an_error(
    runtime: FakeRuntime, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "sum.json").write_text(json.dumps(SCHEMA))
    assert main(["ask", "sum", "--local", "--schema", "sum.json"]) == 1
    said = "error: the agent answers without data: it takes no schema. Ask without --schema.\n"
    assert capsys.readouterr() == ("", f"The sum is 112.\n{said}")
    assert len(runtime.requests) == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "sum.json cannot be read: No such file"),
        ("{", "sum.json is no JSON"),
        ("[]", "sum.json is no schema of an object"),
        ('{"type": "array"}', "sum.json is no schema of an object"),
    ],
)
def test_a_file_that_is_no_schema_is_not_sent(
    runtime: FakeRuntime, project: Path, capsys: pytest.CaptureFixture[str], text: str | None, line: str
) -> None:
    if text is not None:
        (project / "sum.json").write_text(text)
    assert line in error_of(capsys, "sum", "--local", "--schema", "sum.json")
    assert runtime.requests == []


def test_an_error_event_is_one_line(runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    error = {"status": "error", "error": {"code": "model_failed", "message": "The model's answer broke off."}}
    runtime.events = (TEXT[0], f"data: {json.dumps(error)}\n\n")
    assert main(["ask", "sum", "--local"]) == 1
    assert capsys.readouterr() == ("The sum \n", "error: The model's answer broke off. (model_failed)\n")


def test_an_answer_without_an_end_is_an_error(runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    runtime.events = TEXT
    assert error_of(capsys, "sum", "--local") == "the answer broke off."


@pytest.mark.parametrize(
    ("response", "line"),
    [
        (
            JSONResponse({"message": "User: x is not\n allowed"}, 403, {"x-amzn-errortype": "AccessDeniedException"}),
            "User: x is not allowed (AccessDeniedException)",
        ),
        (
            JSONResponse({"status": "error", "error": {"code": "invalid_request", "message": "Empty."}}),
            "Empty. (invalid_request)",
        ),
        (JSONResponse({"unexpected": 1}), "the agent's answer cannot be read."),
        (JSONResponse(["unexpected"]), "the agent's answer cannot be read."),
        (Response("<html>", media_type="application/json"), "the agent's answer cannot be read."),
    ],
)
def test_a_refusal_is_one_line(
    runtime: FakeRuntime, capsys: pytest.CaptureFixture[str], response: Response, line: str
) -> None:
    runtime.response = response
    assert error_of(capsys, "sum", "--local") == line


def test_a_runtime_that_is_away_is_one_line(runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    runtime.server.stop()
    assert error_of(capsys, "sum", "--local").startswith("the agent cannot be reached: ")


@pytest.mark.parametrize(("prompt", "line"), [(" \n", "the prompt is empty."), ("a" * 32_001, "has 32001 characters")])
def test_a_prompt_that_no_agent_takes_is_not_sent(
    runtime: FakeRuntime, capsys: pytest.CaptureFixture[str], prompt: str, line: str
) -> None:
    assert line in error_of(capsys, prompt, "--local")
    assert runtime.requests == []


@pytest.mark.usefixtures("project")
def test_nothing_served(capsys: pytest.CaptureFixture[str]) -> None:
    assert "toolgate up" in error_of(capsys, "sum", "--local")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"agents": {}}'])
def test_a_damaged_announcement(project: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    announce(project, content)
    assert "is damaged" in error_of(capsys, "sum", "--local")


def test_finds_the_runtime_in_the_outputs_of_the_stack(
    runtime: FakeRuntime,
    project: Path,
    pulumi: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables(project).items():
        monkeypatch.setenv(name, value)
    outputs = {"agents": {"other": {"runtime_arn": "arn:x"}, "assistant": {"runtime_arn": ARN, "tools": []}}}
    says(pulumi, json.dumps(outputs))
    assert main(["ask", "sum", "--stack", "prod", "--agent", "assistant"]) == 0
    assert capsys.readouterr().out == "The sum is 112.\n"
    assert Path(f"{pulumi}.called").read_text().split() == ["stack", "output", "--json", "--stack", "prod"]


@pytest.mark.parametrize(
    ("outputs", "arguments", "says_"),
    [
        ("{}", [], "stack dev has no agents in its outputs. Deploy it with `pulumi up --stack dev`."),
        ("no json", [], "stack dev has no agents in its outputs."),
        ('{"agents": {}}', [], "stack dev has no agents."),
        ('{"agents": {"a": {}}}', [], "stack dev has no agents in its outputs."),
        ('{"agents": {"a": {"runtime_arn": "x"}, "b": {"runtime_arn": "y"}}}', [], "Name one with --agent: a, b."),
        ('{"agents": {"a": {"runtime_arn": "x"}}}', ["--agent", "c"], "has no agent 'c'. It has: a."),
    ],
)
def test_a_stack_without_the_agent(
    pulumi: Path, capsys: pytest.CaptureFixture[str], outputs: str, arguments: list[str], says_: str
) -> None:
    says(pulumi, outputs)
    assert says_ in error_of(capsys, "sum", *arguments)


def test_a_stack_that_cannot_be_read(pulumi: Path, capsys: pytest.CaptureFixture[str]) -> None:
    says(pulumi, "", "error: no stack named prod found", 255)
    assert error_of(capsys, "sum", "--stack", "prod") == "stack prod cannot be read: no stack named prod found"


def test_without_pulumi(pulumi: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not pulumi.exists()
    assert "`pulumi` is not on PATH" in error_of(capsys, "sum")


@pytest.mark.parametrize(
    ("arguments", "says_"),
    [
        ([], 'give a prompt, such as "What is 100 + 12?", or --chat'),
        (["a", "--local", "--stack", "dev"], "exclude each other"),
        (["a", "--nothing"], "--nothing"),
        (["a", "--session", "mine"], "33 to 256 characters, this one has 4: give another, such as mine-"),
        (["a", "--session", "x" * 257], "this one has 257"),
        (["a", "--session", "é" * 40], "ASCII"),
        (["a", "--session", " " * 40], "ASCII"),
    ],
)
def test_wrong_arguments(arguments: list[str], says_: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", *arguments]) == 2
    assert says_ in capsys.readouterr().err


def test_a_variable_for_one_service_does_not_lead_elsewhere(
    runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "http://127.0.0.1:9")
    assert main(["ask", "sum", "--local"]) == 0
    assert len(runtime.requests) == 1


def _sessions(runtime: FakeRuntime) -> list[str]:
    return [headers["x-amzn-bedrock-agentcore-runtime-session-id"] for _, headers, _ in runtime.requests]


def test_a_session_is_the_one_that_is_named(runtime: FakeRuntime) -> None:
    assert main(["ask", "sum", "--local", "--session", SESSION]) == 0
    assert _sessions(runtime) == [SESSION]


@pytest.mark.parametrize("end", ["", "\n \n", "exit\n", "\nexit\nmore\n"])
def test_a_chat_is_one_session_until_it_ends(
    runtime: FakeRuntime, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"\nand now?\n{end}"))
    assert main(["ask", "first", "--local", "--chat"]) == 0
    assert [body["prompt"] for _, _, body in runtime.requests] == ["first", "and now?"]
    [session] = set(_sessions(runtime))
    assert capsys.readouterr() == ("The sum is 112.\n" * 2, f"session: {session}\n")


def test_a_turn_that_fails_does_not_end_a_chat(
    runtime: FakeRuntime, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.response = JSONResponse({"message": "No."}, 403, {"x-amzn-errortype": "AccessDeniedException"})
    monkeypatch.setattr("sys.stdin", io.StringIO(f"one\n{'a' * 32_001}\ntwo\n"))
    assert main(["ask", "--local", "--chat", "--session", SESSION]) == 0
    first, second, third, last = capsys.readouterr().err.splitlines()
    assert first == third == "error: No. (AccessDeniedException)"
    assert "has 32001 characters" in second
    assert last == f"session: {SESSION}"
    assert len(runtime.requests) == 2


def replies(runtime: FakeRuntime, document: Any) -> None:
    runtime.response = JSONResponse(document)


def test_a_task_is_begun_and_its_id_printed(runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    replies(runtime, {"status": "accepted", "task": "t-1"})
    assert main(["ask", "Read it all", "--local", "--session", SESSION, "--background", "--agent", "assistant"]) == 0
    how = f"ask for it: toolgate ask --task t-1 --session {SESSION} --local --agent assistant\n"
    assert capsys.readouterr() == ("t-1\n", how)
    [(_, headers, body)] = runtime.requests
    assert body == {"prompt": "Read it all", "background": True}
    assert headers["x-amzn-bedrock-agentcore-runtime-session-id"] == SESSION


def test_an_agent_that_knows_no_tasks_has_begun_none(runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    replies(runtime, {"status": "success", "response": "Here you are."})
    assert error_of(capsys, "Read it all", "--local", "--background").startswith("the agent has begun no task.")


@pytest.mark.parametrize(
    ("document", "printed"),
    [
        ({"status": "running", "task": "t-1", "seconds": 42}, ("", "the task runs, for 42 s so far\n")),
        ({"status": "cancelled", "task": "t-1"}, ("", "the task was cancelled\n")),
        ({"status": "success", "response": "All of it."}, ("All of it.\n", "")),
        ({"status": "success", "response": "It is 3.", "data": {"sum": 3}}, ('{"sum": 3}\n', "It is 3.\n")),
    ],
)
@pytest.mark.parametrize("cancel", [True, False])
def test_a_task_is_asked_for(
    runtime: FakeRuntime, capsys: pytest.CaptureFixture[str], document: Any, printed: Any, cancel: bool
) -> None:
    replies(runtime, document)
    options = ["--cancel"] if cancel else []
    assert main(["ask", "--task", "t-1", "--session", SESSION, "--local", *options]) == 0
    assert capsys.readouterr() == printed
    assert runtime.requests[0][2] == {"task": "t-1", "cancel": cancel}


def test_a_task_that_failed_is_an_error(runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    replies(runtime, {"status": "error", "error": {"code": "turn_limit", "message": "It came to nothing."}})
    assert error_of(capsys, "--task", "t-1", "--session", SESSION, "--local") == "It came to nothing. (turn_limit)"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--task", "t-1"], "--task needs --session"),
        (["hello", "--cancel"], "--cancel needs --task"),
        (["hello", "--task", "t-1", "--session", SESSION], "--task and a prompt exclude each other"),
        (["--chat", "--task", "t-1", "--session", SESSION], "--task and --chat exclude each other"),
        (["--background", "--task", "t-1", "--session", SESSION], "--task and --background exclude each other"),
        (["--schema", "f", "--task", "t-1", "--session", SESSION], "--task and --schema exclude each other"),
        (["hello", "--background", "--chat"], "--background and --chat exclude each other"),
        (["--background"], "give a prompt"),
    ],
)
def test_options_of_tasks_that_do_not_go_together(
    runtime: FakeRuntime, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["ask", "--local", *arguments]) == 2
    assert says in capsys.readouterr().err
    assert runtime.requests == []

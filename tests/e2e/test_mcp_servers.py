"""The commands as people type them, with an MCP server behind a gateway and an API elsewhere."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.local.serve.outbound.far_sides import Api, api
from tests.local.serve.outbound.test_canned_answers import RIGHTS, ROLE, connector
from tests.local.serve.outbound.test_places_elsewhere import OPEN_API
from tests.server_export import ORDERS, add_target, grant, tool, with_server
from toolgate.cli.main import main

PROJECT = Path(__file__).parents[1] / "local" / "serve" / "project"
CALLED = 'orders___add {"a": 100, "b": 12}'


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program's folder with a deployment of an agent, a server and an API."""
    folder = tmp_path_factory.mktemp("program")
    _a_program(folder)
    made = with_server(ORDERS, [tool("add", a="integer", b="integer"), tool("fail")], agent=True)
    add_target(made, "pets", OPEN_API)
    add_target(made, "web", connector("WebSearch"), ROLE)
    grant(made, "tools-role", "web", [RIGHTS["WebSearch"]])
    (folder / "web.json").write_text(json.dumps({"WebSearch": "Shoes are sold out."}))
    (folder / "deployment.json").write_text(json.dumps(made))
    return folder


def _a_program(folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text("name: handmade\nruntime: python\n")
    for name in ("agent", "tools"):
        (folder / name).symlink_to(PROJECT / name)


@pytest.fixture(scope="module")
def there() -> Iterator[Api]:
    with api() as running:
        yield running


@pytest.fixture(scope="module")
def said(program: Path, there: Api) -> Iterator[list[str]]:
    """What `toolgate up` prints; it runs meanwhile."""
    words = ["up", "--deployment", str(program / "deployment.json"), "--program", str(program)]
    command = [sys.executable, "-m", "toolgate.cli", *words, "--target", f"pets={there.url}/v1"]
    command += ["--canned", f"web={program / 'web.json'}"]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if "Ctrl-C ends it" in line:
                break
        yield lines
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(30) == 0


@pytest.fixture
def toolgate(program: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--program", str(program)])
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


Run = Callable[..., tuple[int, str, str]]


def test_up_says_what_it_serves_and_where_targets_lead(said: list[str], there: Api) -> None:
    assert "# servers: orders" in said
    assert said[-1].endswith(" serves assistant; Ctrl-C ends it")
    assert any(it.endswith(f"'handmade-tools-abcdefghij-pets': its calls go to {there.url}/v1") for it in said)
    assert any("-web': its answers are canned, out of " in it for it in said)


@pytest.mark.usefixtures("said")
def test_their_tools_are_listed_and_called(toolgate: Run) -> None:
    _, listed, _ = toolgate("call", "--list")
    assert [it.split()[0] for it in listed.splitlines() if it.startswith(("orders", "pets", "web"))] == [
        "orders___add",
        "orders___fail",
        "pets___pet",
        "web___WebSearch",
    ]
    code, result, told = toolgate("call", "orders___add", '{"a": 100, "b": 12}')
    assert (code, result) == (0, "112\n")
    assert "allowed" in told
    code, result, _ = toolgate("call", "pet", '{"pet": "7"}')
    assert (code, json.loads(result)["path"]) == (0, "/v1/pets/7")


@pytest.mark.usefixtures("said")
def test_a_canned_answer_says_that_it_is_one_to_people_and_to_agents(toolgate: Run) -> None:
    marked = "canned answer from web.json, nobody searched"
    code, result, told = toolgate("call", "web___WebSearch", '{"query": "shoes"}')
    assert (code, marked in result, "Shoes are sold out." in result) == (0, True, True), told
    code, answer, told = toolgate("ask", 'call web___WebSearch {"query": "shoes"}', "--local")
    assert (code, marked in answer) == (0, True), told


@pytest.mark.usefixtures("said")
def test_a_tool_that_fails_ends_the_command_with_one_and_names_the_log(toolgate: Run, program: Path) -> None:
    code, result, told = toolgate("call", "orders___fail")
    assert code == 1
    assert "no such order" in result
    assert f"log: {program / '.local' / 'logs' / 'orders.log'}" in told


@pytest.mark.usefixtures("said")
def test_an_agent_calls_the_server(toolgate: Run) -> None:
    code, answer, told = toolgate("ask", f"call {CALLED}", "--local")
    assert (code, "112" in answer) == (0, True), told


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("web", "--canned web: write NAME=FILE"),
        ("=web.json", "--canned =web.json: write NAME=FILE"),
        ("web=", "--canned web=: write NAME=FILE"),
        ("web=none.json", "--canned web: none.json cannot be read"),
        ("web=text.json", "text.json is no JSON"),
        ("web=empty.json", "empty.json has no answer of WebSearch"),
        ("pets=empty.json", "--canned pets: the deployment has no such connector (web)"),
    ],
)
def test_answers_that_are_none_are_one_line(
    *,
    program: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
    says: str,
) -> None:
    _a_program(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("text.json").write_text("Shoes.")
    Path("empty.json").write_text("{}")
    words = ["up", "--deployment", str(program / "deployment.json"), "--program", str(tmp_path), "--canned", given]
    assert main(words) == 2
    [*_, line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert says in line


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("pets", "write NAME=URL"),
        ("=http://127.0.0.1", "write NAME=URL"),
        ("pets=", "is no URL"),
        ("pets=http://api.example.com", "plain http"),
        ("dogs=http://127.0.0.1:1", "the deployment has no such target"),
        ("orders=http://127.0.0.1:1", "what it leads to is served here"),
    ],
)
def test_a_place_that_is_none_is_one_line(
    program: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, given: str, says: str
) -> None:
    _a_program(tmp_path)
    words = ["up", "--deployment", str(program / "deployment.json"), "--program", str(tmp_path), "--target", given]
    words += ["--canned", f"web={program / 'web.json'}"]
    assert main(words) == 2
    [*_, line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --target")
    assert says in line

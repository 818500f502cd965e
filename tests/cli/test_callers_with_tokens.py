"""`toolgate call` and `credentials` of what takes tokens: as an agent, and as a client outside of AgentCore."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Local
from tests.local.serve.tokens.conftest import export
from tests.local.serve.tokens.outsider import ID, NAME
from tests.planning import SAMPLE
from toolgate.cli.main import main
from toolgate.local.serve.server import serve
from toolgate.local.serve.serving_file import announced, serving_file

Said = pytest.CaptureFixture[str]
type Run = Callable[..., tuple[int, str, list[str]]]
ADD, GREETING = "math___add_numbers", "math___greeting"


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    program = tmp_path_factory.mktemp("program")
    (program / "Pulumi.yaml").write_text("name: p\n")
    with (
        serve(export(), root=SAMPLE, logs=program / ".local" / "logs") as serving,
        announced(serving, serving_file(program)),
    ):
        yield Local(serving, program)


@pytest.fixture
def run(tokens: Local, capsys: Said) -> Run:
    def ran(*words: str) -> tuple[int, str, list[str]]:
        code = main(tokens.arguments(*words))
        said = capsys.readouterr()
        return code, said.out, said.err.splitlines()

    return ran


def test_an_agent_comes_with_its_token(run: Run) -> None:
    code, result, (decision, _) = run("call", ADD, '{"a": 100, "b": 12}')
    assert (code, json.loads(result)) == (0, 112)
    assert decision.startswith("calculator: allowed. the token allows: signature, expiry, scope ")
    assert "Cedar allows: " in decision


def test_an_agent_is_refused_what_is_anothers(run: Run) -> None:
    code, _, (decision, refusal, _) = run("call", ADD, '{"a": 1, "b": 2}', "--as", "greeter")
    assert code == 1
    assert decision == "greeter: denied. Cedar denies: No policy applies to the request (denied by default)."
    assert refusal.startswith("refused: Tool Execution Denied")


def test_a_client_comes_with_its_secret(run: Run) -> None:
    code, result, (decision, _) = run("call", GREETING, '{"name": "Alice"}', "--as", NAME)
    assert (code, json.loads(result)) == (0, "Hello, Alice! Welcome.")
    assert decision.startswith(f"{NAME}: allowed. the token allows: ")
    code, _, (decision, *_) = run("call", ADD, '{"a": 1, "b": 2}', "--as", NAME)
    assert (code, decision.partition(". ")[0]) == (1, f"{NAME}: denied")


def test_who_is_offered_what(run: Run) -> None:
    code, listed, _ = run("call", "--list")
    assert code == 0
    who = {line.split("  ")[0]: line for line in listed.splitlines()}
    assert "calculator" in who[ADD]
    assert NAME not in who[ADD]
    assert NAME in who[GREETING]
    assert "greeter" in who[GREETING]


def test_an_agents_shell(run: Run, tokens: Local) -> None:
    code, lines, _ = run("credentials", "--as", "greeter")
    assert code == 0
    exported = _exported(lines)
    assert exported["GATEWAY_URL"] == ""
    assert json.loads(exported["TOKEN_GATEWAYS"])["tokens"][0]["gateways"] == [
        it.url for it in tokens.serving.callers["greeter"].gateways
    ]


def test_a_clients_shell_gets_a_token(run: Run) -> None:
    code, lines, _ = run("credentials", "--as", NAME)
    assert code == 0
    assert lines.startswith("# Made by toolgate up, and worth nothing anywhere else")
    exported = _exported(lines)
    assert exported["CLIENT_ID"] == ID
    answer = httpx.post(
        exported["TOKEN_ENDPOINT"],
        data={"grant_type": "client_credentials", "scope": exported["SCOPE"]},
        auth=(exported["CLIENT_ID"], exported["CLIENT_SECRET"]),
        trust_env=False,
    )
    assert answer.status_code == 200
    code, _, (error,) = run("credentials", "--as", NAME, "--format", "process")
    assert code == 2
    assert "has no AWS credentials" in error


def _exported(lines: str) -> dict[str, str]:
    found = [shlex.split(line)[1] for line in lines.splitlines() if line.startswith("export ")]
    return dict(it.split("=", 1) for it in found)


def test_secrets_are_in_no_line_of_a_log(run: Run, tokens: Local) -> None:
    _, lines, _ = run("credentials", "--as", NAME)
    secret = _exported(lines)["CLIENT_SECRET"]
    run("call", GREETING, '{"name": "A"}', "--as", NAME)
    for file in (tokens.program / ".local" / "logs").iterdir():
        assert secret not in file.read_text()
    assert secret not in repr(tokens.serving)
    assert Path(serving_file(tokens.program)).stat().st_mode & 0o077 == 0

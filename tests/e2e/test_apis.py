"""examples/apis as a reader of its page would run it: planned, judged, served, called, and refused."""

import importlib.util
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.examples import copied
from tests.planning import ROOT
from toolgate.access.deployment.deployment import parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.cli.main import main
from toolgate.local.plan import Plan, plan
from toolgate.local.serve.server import Serving, serve
from toolgate.local.serve.serving_file import announced, serving_file

EXAMPLE = ROOT / "examples" / "apis"
KEY = "swordfish"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example in a folder of its own, in which nothing was made before."""
    return copied("apis", tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def planned(program: Path) -> Plan:
    return plan(root=program)


@pytest.fixture(scope="module")
def requests() -> list[tuple[str, dict[str, str]]]:
    """What came to the APIs: path and headers."""
    return []


@pytest.fixture(scope="module")
def services(requests: Any) -> Iterator[str]:
    """The URL of both APIs."""
    spec = importlib.util.spec_from_file_location("services", EXAMPLE / "services.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    class Shop(module.Shop):  # type: ignore[misc,name-defined]  # a module that is loaded here
        def log_message(self, *_: Any) -> None:
            requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))

    with module.ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def serving(program: Path, planned: Plan, services: str) -> Iterator[Serving]:
    secrets = program / ".local" / "secrets.json"
    secrets.parent.mkdir()
    [name] = [it["outputs"]["name"] for it in of(planned.deployment, "aws:secretsmanager/secret:Secret")]
    with os.fdopen(os.open(secrets, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        json.dump({name: json.dumps({"key": KEY})}, file)
    places = {"prices": services, "orders": services}
    with serve(planned.deployment, program, places=places) as running, announced(running, serving_file(program)):
        yield running


type Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(program: Path, serving: Serving, capsys: pytest.CaptureFixture[str]) -> Call:
    """`toolgate call`: its exit code, its result, and what it says besides."""

    def calling(tool: str, arguments: Any = None) -> tuple[int, str, str]:
        code = main(["call", "--program", str(program), "--as", "clerk", tool, json.dumps(arguments or {})])
        said = capsys.readouterr()
        return code, said.out, said.err

    return calling


def of(deployment: Any, kind: str) -> list[Any]:
    return [it for it in deployment["deployment"]["resources"] if it["type"] == kind]


def test_no_rule_has_anything_against_it_but_the_advice_to_deliver_logs(planned: Plan) -> None:
    assert {it.rule for it in planned.violations} == {"logs-delivered"}


def test_the_agent_may_call_what_it_was_handed_and_no_tool_deletes(planned: Plan) -> None:
    decisions = {it.tool: it.decision for it in matrix(parse(planned.deployment)).entries if it.agent == "clerk"}
    assert decisions == {
        "prices___getPrice": Access.ALLOW,
        "prices___listPrices": Access.DENY,
        "orders___getOrder": Access.ALLOW,
        "orders___placeOrder": Access.ALLOW,
    }
    assert "deleteOrder" not in json.dumps(planned.deployment)


def test_a_call_signs_in_as_its_target_says_and_takes_nothing_of_the_caller_with_it(call: Call, requests: Any) -> None:
    requests.clear()
    code, price, _ = call("getPrice", {"sku": "LAMP-1", "currency": "USD"})
    assert (code, json.loads(price)) == (0, {"sku": "LAMP-1", "price": 49.0, "currency": "USD"})
    order = {"customer": "ada@example.com", "lines": [{"sku": "LAMP-1", "quantity": 2}]}
    assert json.loads(call("placeOrder", order)[1]) == {"id": "1", **order}
    assert json.loads(call("getOrder", {"id": "1"})[1]) == {"id": "1", **order}
    [(path, by_key), (_, signed), _] = requests
    assert path == "/prices/LAMP-1?currency=USD"
    assert by_key["x-api-key"] == KEY
    assert "authorization" not in by_key
    assert "/us-east-1/execute-api/aws4_request" in signed["authorization"]
    assert "x-api-key" not in signed


def test_a_tool_that_was_not_handed_over_is_not_offered_and_reaches_no_api(call: Call, requests: Any) -> None:
    requests.clear()
    for tool in ("prices___listPrices", "orders___deleteOrder"):
        code, _, said = call(tool)
        assert code == 2
        assert f"no agent is offered a tool '{tool}'" in said
    assert not requests


def test_an_answer_that_is_none_of_success_is_an_error_of_the_tool(call: Call) -> None:
    code, text, _ = call("getPrice", {"sku": "NONE"})
    assert code == 1
    assert "404" in text
    assert "no NONE" not in text


def test_the_key_is_in_no_plan_and_no_log(planned: Plan, call: Call, program: Path) -> None:
    assert KEY not in json.dumps(planned.deployment)
    call("getPrice", {"sku": "BOOK-1"})
    logs = [it.read_text(errors="replace") for it in (program / ".local").rglob("*.log")]
    assert logs
    assert KEY not in "".join(logs)

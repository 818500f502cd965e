"""examples/orders as a reader of its page would run it: planned, judged, served, called, asked, and gone."""

import copy
import hashlib
import hmac
import json
import os
import re
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
from toolgate.local.invoke_agent import ask
from toolgate.local.plan import Plan, plan
from toolgate.local.serve.server import Serving, serve
from toolgate.local.serve.serving_file import announced, serving_file

EXAMPLE = ROOT / "examples" / "orders"
CUSTOMER = {"email": "ada@example.com", "address": {"street": "Way 1", "city": "Ulm", "country": "DE"}}
LINES = [{"sku": "LAMP-1", "quantity": 2}, {"sku": "BOOK-1", "quantity": 1}]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example in a folder of its own, in which nothing was made before."""
    return copied("orders", tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def planned(program: Path) -> Plan:
    return plan(root=program)


@pytest.fixture(scope="module")
def serving(program: Path, planned: Plan) -> Iterator[Serving]:
    secrets = program / ".local" / "secrets.json"
    secrets.parent.mkdir()
    [name] = [it["outputs"]["name"] for it in of(planned.deployment, "aws:secretsmanager/secret:Secret")]
    with os.fdopen(os.open(secrets, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        json.dump({name: "swordfish"}, file)
    with serve(planned.deployment, program) as running, announced(running, serving_file(program)):
        yield running


type Call = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def call(program: Path, serving: Serving, capsys: pytest.CaptureFixture[str]) -> Call:
    """`toolgate call`: its exit code, its result, and what it says besides."""

    def calling(tool: str, arguments: Any = None, *more: str) -> tuple[int, Any, str]:
        code = main(["call", "--program", str(program), tool, json.dumps(arguments or {}), *more])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else None, said.err

    return calling


def of(deployment: Any, kind: str) -> list[Any]:
    return [it for it in deployment["deployment"]["resources"] if it["type"] == kind]


def test_no_rule_has_anything_against_it_but_the_advice_to_deliver_logs(planned: Plan) -> None:
    assert {it.rule for it in planned.violations} == {"logs-delivered"}


def test_each_agent_may_call_its_own_tools(planned: Plan) -> None:
    allowed: dict[str, set[str]] = {}
    for entry in matrix(parse(planned.deployment)).entries:
        if entry.decision is Access.ALLOW:
            allowed.setdefault(entry.agent or entry.principal, set()).add(entry.tool.partition("___")[2])
    assert allowed == {
        "shopper": {"find_products", "quote", "place_order"},
        "support": {"find_orders", "cancel_order"},
    }


def test_the_secret_is_in_no_plan(planned: Plan) -> None:
    assert of(planned.deployment, "aws:secretsmanager/secretVersion:SecretVersion") == []
    [function] = of(planned.deployment, "aws:lambda/function:Function")
    variable = function["inputs"]["environment"]["variables"]["RECEIPT_KEY"]
    assert re.fullmatch(r"arn:aws:secretsmanager:us-east-1:\d{12}:secret:shop-dev-receipt-key-\w+-\w{6}", variable)


def test_an_order_from_the_first_word_to_its_end(call: Call) -> None:
    code, products, said = call("find_products", {"query": "brass lamp", "limit": 1})
    assert (code, products) == (0, [{"sku": "LAMP-1", "name": "Desk lamp, brass", "price": 49.9}])
    assert "IAM allows: shopper-tools" in said
    assert "Cedar allows: " in said
    _, quote, _ = call("quote", {"lines": LINES, "express": True})
    assert quote == {"lines": [["LAMP-1", "2", "99.80"], ["BOOK-1", "1", "24.00"]], "total": 133.7}
    _, receipt, _ = call("place_order", {"customer": CUSTOMER, "lines": LINES})
    order = receipt["order"]
    assert receipt["signature"] == hmac.new(b"swordfish", order["id"].encode(), hashlib.sha256).hexdigest()
    asked = {"customer": CUSTOMER["email"], "status": "open", "since": order["day"]}
    assert call("find_orders", asked)[1] == [order]
    by_id = {"customer": CUSTOMER["email"], "order_id": order["id"]}
    assert call("cancel_order", by_id)[1] == {**order, "status": "cancelled"}
    # Once more is once too often, and the tool says it in its own words.
    code, answer, _ = call("cancel_order", by_id)
    assert (code, answer["error"]["code"]) == (1, "tool_error")
    assert call("find_orders", asked)[1] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"customer": "a", "status": "lost"}, "status: "),
        ({"customer": "a", "since": "tomorrow"}, "since: "),
    ],
)
def test_wrong_arguments_are_told(call: Call, arguments: Any, says: str) -> None:
    code, answer, _ = call("find_orders", arguments)
    assert (code, answer["error"]["code"]) == (1, "invalid_arguments")
    assert says in answer["error"]["message"]


def test_a_tool_of_the_other_agent_is_refused(call: Call) -> None:
    code, _, said = call("cancel_order", {"customer": "a", "order_id": "b"}, "--as", "shopper")
    assert code == 1
    assert "shopper: denied. Cedar denies" in said


def test_the_agent_orders(serving: Serving) -> None:
    prompt = f"call orders___quote {json.dumps({'lines': LINES})}"
    assert "123.8" in ask(serving.environment, serving.agents["shopper"], prompt)


def test_without_the_permission_its_table_refuses_and_the_log_says_why(
    serving: Serving, call: Call, planned: Plan
) -> None:
    less = copy.deepcopy(planned.deployment)
    [policy] = [it for it in of(less, "aws:iam/rolePolicy:RolePolicy") if it["urn"].endswith("::orders-tools")]
    for part in (policy["inputs"], policy["outputs"]):
        part["policy"] = part["policy"].replace('"dynamodb:PutItem", ', "")
        assert "PutItem" not in part["policy"]
    serving.reload(less)
    try:
        code, answer, _ = call("place_order", {"customer": CUSTOMER, "lines": LINES})
        assert (code, answer["error"]["code"]) == (1, "tool_failed")
        [log] = serving.function_logs.values()
        assert "not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:" in log.read_text()
    finally:
        serving.reload(planned.deployment)
    assert call("place_order", {"customer": CUSTOMER, "lines": LINES})[0] == 0


def test_its_own_check_passes(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--program", str(EXAMPLE)]) == 0
    said = capfd.readouterr().out
    for line in ("tests of orders", "types of orders", "plan of dev"):
        assert re.search(rf"^ok +{line}", said, re.MULTILINE), said

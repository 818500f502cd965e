"""Tools whose parameters are lists of objects and lists of lists: planned, listed and called as they were written."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from toolgate.components.tools.tool_schema import read_tools
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine.export_writer import export
from toolgate.local.engine.recorder import Program, record
from toolgate.local.serve.server import Serving

ROOT = Path(__file__).resolve().parents[2]
SHOP = '''
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, NotRequired, TypedDict


class Part(TypedDict):
    """A part of a line."""

    code: str
    sizes: list[list[float]]


class Line(TypedDict):
    """A line of an order."""

    item: str
    """What is ordered."""
    count: NotRequired[int]
    parts: list[Part]
    note: dict


class Order(TypedDict):
    """An order."""

    lines: list[Line]
    to: Part


def flat(rows: list[list[str]], names: list[list[list[str]]] | None = None) -> int:
    """Counts cells.

    Args:
        rows: Rows of cells.
    """
    return sum(map(len, rows))


def count(lines: list[Line], orders: list[list[Order]] | None = None) -> int:
    """Counts what is ordered.

    Args:
        lines: The lines.
        orders: Orders by day.
    """
    return sum(line.get("count", 1) for line in lines)


class Size(StrEnum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Booking:
    """A booking."""

    on: date
    sizes: dict[str, list[Size]]
    price: Decimal = Decimal("1.10")


async def postpone(bookings: list[Booking], days: Annotated[int, "Days <later> & more"] = 1) -> list[Booking]:
    """Postpones bookings."""
    return [Booking(it.on + timedelta(days), it.sizes, it.price) for it in bookings]


def total(order: Order) -> float:
    """The sum of all sizes of an order."""
    return sum(size for line in order["lines"] for part in line["parts"] for row in part["sizes"] for size in row)
'''
PROGRAM = """
import json

import pulumi
import pulumi_aws as aws

from components.lambda_tools import LambdaTools
from components.tool_gateway import ToolGateway

gateway = ToolGateway("tools", {"targets": {"shop": LambdaTools("shop", {"directory": "lambdas/shop"}).target}})
account = aws.get_caller_identity().account_id

def document(action, **entry):
    statement = {"Effect": "Allow", "Action": action, **entry}
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]})


trust = document("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{account}:root"})
role = aws.iam.Role("caller", assume_role_policy=trust)
call = document("bedrock-agentcore:InvokeGateway", Resource=gateway.gateway_arn)
aws.iam.RolePolicy("call", role=role.name, policy=call)
pulumi.export("gateway", gateway.gateway_arn)
pulumi.export("role", role.arn)
"""

Served = Callable[..., AbstractContextManager[Serving]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program of its own with one target."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "lambdas" / "shop").mkdir(parents=True)
    (folder / "lambdas" / "shop" / "tools.py").write_text(SHOP, "utf-8")
    shutil.copy(ROOT / "lambdas" / "dispatch.py", folder / "lambdas")
    (folder / "__main__.py").write_text(PROGRAM, "utf-8")
    return folder


@pytest.fixture(scope="module")
def ask(shop: Path, served: Served) -> Iterator[Callable[..., Any]]:
    """One request to the gateway of the planned program, signed by a role that may send it."""
    plane = ControlPlane(CloudEnvironment(region="us-east-1"), MemoryStore(), {})
    config = {"aws:region": "us-east-1"}
    deployment = export(record(Program(shop, "shop", "dev", config), plane), plane.env)
    [outputs] = [it["outputs"] for it in deployment["deployment"]["resources"] if it["type"] == "pulumi:pulumi:Stack"]
    with served(deployment, root=shop) as serving:
        url = serving.gateway_url(outputs["gateway"].rpartition("/")[2])
        session = serving.session(outputs["role"])
        credentials = Credentials(session.access_key_id, session.secret_access_key, session.session_token)

        def send(method: str, params: dict[str, Any]) -> Any:
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
            headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
            request = AWSRequest("POST", url, data=body, headers=headers)
            SigV4Auth(credentials, "bedrock-agentcore", "us-east-1").add_auth(request)
            answer = URLLib3Session().send(request.prepare()).text
            return json.loads(answer.partition("data: ")[2] or answer)["result"]

        yield send


def test_the_gateway_lists_what_the_author_wrote(ask: Callable[..., Any], shop: Path) -> None:
    written = {f"shop___{tool['name']}": tool for tool in read_tools(shop / "lambdas" / "shop" / "tools.py")}
    listed = {tool["name"]: tool for tool in ask("tools/list", {})["tools"] if tool["name"] in written}
    assert {name: in_order(tool["inputSchema"]) for name, tool in listed.items()} == {
        name: in_order(tool["inputSchema"]) for name, tool in written.items()
    }


def in_order(schema: Any) -> Any:
    """Without the order of `required`, and without saying of an object that it names no properties."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: schema[key] for key in ("type", "description") if key in schema}
    inside = {"items": in_order(schema["items"])} if "items" in schema else {}
    properties = {name: in_order(child) for name, child in schema.get("properties", {}).items()}
    return {**kept, **inside, "properties": properties, "required": sorted(schema.get("required", []))}


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("flat", {"rows": [["a", "b"], ["c"]]}, "3"),
        ("count", {"lines": [{"item": "a", "count": 2, "parts": [], "note": {}}]}, "2"),
        (
            "postpone",
            {"bookings": [{"on": "2026-02-28", "sizes": {"a": ["s", "l"]}}]},
            '[{"on": "2026-03-01", "sizes": {"a": ["s", "l"]}, "price": 1.1}]',
        ),
        (
            "total",
            {
                "order": {
                    "lines": [{"item": "a", "parts": [{"code": "c", "sizes": [[1.5], [2.0, 3.0]]}], "note": {"x": 1}}],
                    "to": {"code": "d", "sizes": []},
                }
            },
            "6.5",
        ),
    ],
)
def test_a_call_with_nested_arguments_is_answered(
    ask: Callable[..., Any], tool: str, arguments: dict[str, Any], expected: str
) -> None:
    [content] = ask("tools/call", {"name": f"shop___{tool}", "arguments": arguments})["content"]
    assert content["text"] == expected


def test_what_the_schema_cannot_say_is_checked(ask: Callable[..., Any]) -> None:
    booking = {"on": "2026-02-30", "sizes": {}}
    [content] = ask("tools/call", {"name": "shop___postpone", "arguments": {"bookings": [booking]}})["content"]
    assert "postpone.bookings[0].on: '2026-02-30' is no date" in content["text"]


def test_nested_arguments_of_another_type_are_refused(ask: Callable[..., Any]) -> None:
    [content] = ask("tools/call", {"name": "shop___flat", "arguments": {"rows": [["a"], [1]]}})["content"]
    assert json.loads(content["text"])["error"]["code"] == "invalid_arguments"

"""Prompts and resources of servers that fail, lie or have no end, and of servers elsewhere: real processes, the SDK."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import ClientSession, McpError
from mcp.types import TextContent

from tests.local.serve.gateway.test_mcp_gateway import _with_session
from tests.local.serve.outbound.far_sides import api
from tests.server_export import (
    FAILURES,
    HOSTILE,
    ROLES,
    TOOLS,
    add,
    add_target,
    mcp_server,
    tool,
    with_server,
)
from toolgate.access.deployment.agentcore_resources import RESOURCES, Target
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.gateway.backend import Call, Called
from toolgate.local.serve.gateway.beyond_tools import beyond_tools, fits
from toolgate.local.serve.gateway.json_rpc import LIST_RESOURCES, READ_RESOURCE, Message
from toolgate.local.serve.outbound import far_side
from toolgate.local.serve.server import Serving

ASSISTANT = f"{ROLES}agents/assistant-role"
ENDLESS = HOSTILE.replace(
    'getattr(self, message.get("params", {}).get("name", "fine"))(message)',
    "self.page(message)",
).replace(
    "    def crash(",
    """    def page(self, message):
        number = int((message.get("params") or {}).get("cursor") or 0)
        kind = message["method"]
        if kind == "prompts/list" and number == PAGES:
            self.answer({"prompts": []}, message["id"])
        elif kind == "prompts/list":
            prompts = [{"name": f"p{number}", "description": FILLED}]
            self.answer({"prompts": prompts, "nextCursor": str(number + 1)}, message["id"])
        else:
            failure = {"code": -32601, "message": "Method not found"}
            self.send(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": failure}).encode())

    def crash(""",
)


def add_accepted(made: Mapping[str, Any], targets: Mapping[str, Any]) -> None:
    """Add what a program says of its gateway's targets."""
    arn = f"arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/{TOOLS}"
    add(made, "toolgate:index:ToolGateway", "tools", {"targets": targets}, gateway_arn=arn)


def accepted(code: str, *kinds: str) -> dict[str, Any]:
    """The deployment with a server of which a program accepts prompts or resources."""
    made = with_server(code, [tool("fine")])
    add_accepted(made, {"orders": {"mcp_server": {"undecided": list(kinds)}}})
    return made


def ask[T](serving: Serving, use: Callable[[ClientSession], Awaitable[T]]) -> T:
    """Ask the gateway as the agent's role."""
    return _with_session(serving.gateway_url(TOOLS), serving.session(ASSISTANT), use)


def names(serving: Serving) -> list[str]:
    return [it.name for it in ask(serving, lambda session: session.list_prompts()).prompts]


def last_line(serving: Serving, method: str) -> dict[str, Any]:
    lines = [json.loads(it) for it in serving.access_log.read_text().splitlines()]
    return dict([it for it in lines if it["method"] == method][-1])


@pytest.fixture(scope="module")
def hostile(served: Callable[..., Any]) -> Iterator[Serving]:
    with served(accepted(HOSTILE, "prompts", "resources")) as serving:
        yield serving


@pytest.mark.parametrize("failure", [it for it in FAILURES if it != "misshapen"])
def test_a_prompt_that_fails_is_masked(hostile: Serving, monkeypatch: pytest.MonkeyPatch, failure: str) -> None:
    if failure == "hang":
        monkeypatch.setattr(far_side, "LONGEST_SECONDS", 0.5)
    with pytest.raises(McpError) as raised:
        ask(hostile, lambda session: session.get_prompt(f"orders___{failure}"))
    monkeypatch.undo()
    line = last_line(hostile, "prompts/get")
    assert str(raised.value) == f"Target orders could not carry out the call. Request id: {line['request_id']}"
    assert (raised.value.error.code, line["status"], line["target"]) == (-32603, "target_failed", "orders")
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", line["error_type"])
    assert line["request_id"] in hostile.target_logs["orders"].read_text()


@pytest.mark.parametrize(
    "use",
    [
        lambda session: session.list_prompts(),
        lambda session: session.list_resources(),
        lambda session: session.list_resource_templates(),
        lambda session: session.read_resource("text://a"),
    ],
)
def test_what_is_no_list_is_masked(hostile: Serving, use: Any) -> None:
    with pytest.raises(McpError, match=r"Target orders could not carry out the call\. Request id: "):
        ask(hostile, use)


@pytest.mark.parametrize(
    ("pages", "filled", "listed"),
    [
        (3, "", ["orders___p0", "orders___p1", "orders___p2"]),
        (100, "", None),
        (-1, "", None),
        (90, "x" * 100_000, None),
    ],
)
def test_a_list_is_read_to_its_end_within_bounds(
    served: Callable[..., Any], pages: int, filled: str, listed: list[str] | None
) -> None:
    code = ENDLESS.replace("PAGES", str(pages)).replace("FILLED", f'"x" * {len(filled)}')
    with served(accepted(code, "prompts", "resources")) as serving:
        if listed is not None:
            assert names(serving) == listed
        else:
            with pytest.raises(McpError, match="Target orders could not carry out the call"):
                names(serving)
            assert last_line(serving, "prompts/list")["error_type"] == "TooLarge"
        # A server that has no such list at all has an empty one.
        assert ask(serving, lambda session: session.list_resources()).resources == []


def test_a_server_of_others_is_asked_for_what_its_target_accepts(served: Callable[..., Any]) -> None:
    made = with_server(HOSTILE, [tool("fine")])
    for name in ("docs", "other"):
        add_target(made, name, mcp_server("https://mcp.example.com/mcp", [tool("fine")]))
    add_accepted(made, {"docs": {"remote_server": {"undecided": ["prompts"]}}, "other": {"remote_server": {}}})
    with api() as there, served(made, places=dict.fromkeys(("docs", "other"), f"{there.url}/mcp")) as serving:
        assert names(serving) == ["docs___headers"]
        [message] = ask(serving, lambda session: session.get_prompt("docs___headers", {"a": "b"})).messages
        assert isinstance(message.content, TextContent)
        told = json.loads(message.content.text)
        assert told["params"] == {"name": "headers", "arguments": {"a": "b"}}
        # Nothing of the caller goes along.
        assert not {"authorization", "x-amz-security-token", "x-amz-date"} & told.keys()
        with pytest.raises(McpError, match="Unknown prompt"):
            ask(serving, lambda session: session.get_prompt("other___headers"))
    with served(made) as serving:  # it leads nowhere, so that there is nobody to ask
        assert names(serving) == []


@pytest.mark.parametrize(
    ("template", "uri", "one"),
    [
        ("item://a", "item://a", True),
        ("item://a", "item://ab", False),
        ("item://{sku}", "item://lamp", True),
        ("item://{sku}/parts", "item://lamp/parts", True),
        ("item://{sku}/parts", "item://lamp/part", False),
        ("item://{sku}/parts", "note://lamp/parts", False),
        ("a://{x}b{y}b", "a://1b2b", True),
        ("a://{x}b{y}b", "a://b", False),
        ("file:///{+path}", "file:///a/b/c", True),
        ("item://{?q}", "item://?q=1", True),
    ],
)
def test_which_template_a_uri_may_be_of(template: str, uri: str, *, one: bool) -> None:
    assert fits(template, uri) is one


@given(st.lists(st.text("ab:/", max_size=4), min_size=1, max_size=5), st.data())
def test_what_a_template_makes_fits_it(literals: list[str], data: st.DataObject) -> None:
    values = [data.draw(st.text("ab:/", max_size=4)) for _ in literals[1:]]
    uri = literals[0] + "".join(value + literal for value, literal in zip(values, literals[1:], strict=True))
    assert fits("{x}".join(literals), uri)


@given(st.text("ab{}", max_size=12), st.text("ab{}", max_size=8))
def test_it_finds_what_a_pattern_finds(template: str, uri: str) -> None:
    parts = re.split(r"\{[^{}]*\}", template)
    assert fits(template, uri) == bool(re.fullmatch(".*".join(map(re.escape, parts)), uri))


class Listing:
    """A backend that has one resource, and tells who it is."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def ask(self, _method: str, params: Mapping[str, Any], _session: str | None, _entry: Entry) -> dict[str, Any]:
        return {"contents": [{**params, "text": self.name}]}

    async def every(self, method: str, _member: str, _session: str | None, _entry: Entry) -> list[Mapping[str, Any]]:
        return [{"uri": "text://a", "name": self.name}] if method == LIST_RESOURCES else []

    async def call(self, _call: Call, _entry: Entry) -> Called:
        raise AssertionError

    async def aclose(self) -> None:
        """There is nothing to end."""


@pytest.mark.parametrize(("priorities", "first"), [((1000, 1000), "a"), ((1000, 5), "b"), ((5, 5), "a"), ((0, 5), "a")])
def test_the_lowest_priority_has_a_resource_that_several_have(priorities: tuple[int, int], first: str) -> None:
    def target(name: str, priority: int) -> Target:
        kinds = frozenset({RESOURCES})
        return Target("", "", name, "g", "mcp.mcpServer", "none", None, (), undecided=kinds, resource_priority=priority)

    named = zip("ab", priorities, strict=True)
    beyond = beyond_tools([(target(name, it), Listing(name)) for name, it in named], decides=False)

    def answered(method: str) -> Any:
        return asyncio.run(beyond.answer(Message(1, method, {"uri": "text://a"}), None, Entry("r")))

    assert answered(LIST_RESOURCES) == {"resources": [{"uri": "text://a", "name": first}]}
    assert answered(READ_RESOURCE)["contents"][0]["text"] == first

"""What an MCP message must look like, and what the gateway itself answers: nothing of a library is in either.

Source: MCP specification 2025-11-25, "Base Protocol", "Lifecycle", "Transports" and the pages of the methods; JSON-RPC
2.0 for the codes. Seen of AWS: the words, code and data of an unsupported version (mrwersa/agentmandate,
`protocol-refusal.json`) with HTTP 400 (aws/agent-toolkit-for-aws#265, another gateway of AWS with the same error); that
a request without the header counts as 2025-03-26 (microsoft/vscode#308766); that `initialize` offers a version of the
gateway's own instead of refusing (awslabs/agentcore-samples#153). All other words are ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
RESOURCE_NOT_FOUND = -32002
"""MCP specification, "Resources"; also AWS's code of a call that a policy denies."""

ASSUMED_VERSION = "2025-03-26"
"""Of a request that names none (MCP specification, "Transports", "Protocol Version Header")."""
SPOKEN = frozenset({"2024-11-05", ASSUMED_VERSION, "2025-06-18", "2025-11-25"})
"""The versions that begin with `initialize`. The later ones, which have none, are not reproduced here."""

INITIALIZE = "initialize"
PING = "ping"
LIST_TOOLS, CALL_TOOL = "tools/list", "tools/call"
LIST_PROMPTS, GET_PROMPT = "prompts/list", "prompts/get"
LIST_RESOURCES, LIST_TEMPLATES, READ_RESOURCE = "resources/list", "resources/templates/list", "resources/read"

type Id = int | str


class RpcError(Exception):
    """A message is answered with an error.

    Attributes:
        code: JSON-RPC's code of the error.
        data: What a program reads of it.
        status: The HTTP status: 200 for what a whole request asks for in vain.
        name: What the access log calls it.
    """

    def __init__(self, code: int, message: str, *, status: int = 400, data: Any = None, name: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.data = data
        self.status = status
        self.name = name or _NAMES.get(code, "invalid_message")

    def body(self, message_id: Id | None) -> dict[str, Any]:
        """The answer's body; the id is None where the message's own could not be read."""
        error = {"code": self.code, "message": str(self)} | ({} if self.data is None else {"data": self.data})
        return {"jsonrpc": "2.0", "id": message_id, "error": error}


_NAMES = {
    METHOD_NOT_FOUND: "unknown_method",
    INVALID_PARAMS: "invalid_arguments",
    RESOURCE_NOT_FOUND: "unknown_resource",
}


@dataclass(frozen=True)
class Answer:
    """What is answered over HTTP.

    Attributes:
        status: The HTTP status.
        body: JSON; None where there is none.
        headers: Headers by their names in lower case, but for those that say how it is sent.
    """

    status: int
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Message:
    """What a client sends.

    Attributes:
        id: The id that its answer carries; None where it wants none: it is a notification.
        method: What it asks for; empty where it is itself an answer.
        params: The method's parameters.
    """

    id: Id | None
    method: str
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def asks(self) -> bool:
        """Whether it is a request: it wants an answer."""
        return self.id is not None and bool(self.method)


@dataclass(frozen=True)
class _Parameter:
    kind: type[str | dict[str, Any]]
    required: bool = False

    def misfit(self, name: str, params: Mapping[str, Any]) -> str:
        """What is wrong with it; empty when nothing is. `null` is the same as to leave it out."""
        value = params.get(name)
        if value is None:
            return f"{name} is missing" if self.required else ""
        return "" if isinstance(value, self.kind) else f"{name} must be {_CALLED[self.kind]}"


_CALLED = {str: "a string", dict: "an object"}
_TEXT, _OBJECT = _Parameter(str), _Parameter(dict)
_NEEDED_TEXT, _NEEDED_OBJECT = _Parameter(str, required=True), _Parameter(dict, required=True)

# The operations of AgentCore developer guide, "Use an AgentCore gateway", and those without which there is no MCP.
_METHODS: Mapping[str, Mapping[str, _Parameter]] = {
    INITIALIZE: {"protocolVersion": _NEEDED_TEXT, "capabilities": _NEEDED_OBJECT, "clientInfo": _NEEDED_OBJECT},
    PING: {},
    LIST_TOOLS: {"cursor": _TEXT},
    CALL_TOOL: {"name": _NEEDED_TEXT, "arguments": _OBJECT},
    LIST_PROMPTS: {"cursor": _TEXT},
    GET_PROMPT: {"name": _NEEDED_TEXT, "arguments": _OBJECT},
    LIST_RESOURCES: {"cursor": _TEXT},
    READ_RESOURCE: {"uri": _NEEDED_TEXT},
    LIST_TEMPLATES: {"cursor": _TEXT},
}


def id_of(document: Any) -> Id | None:
    """The id with which a document is answered, whatever else it is; None when it has none that could be one."""
    found = document.get("id") if isinstance(document, dict) else None
    return found if isinstance(found, int | str) and not isinstance(found, bool) else None


def read_message(document: Any) -> Message:
    """A document as a message.

    Raises:
        RpcError: It is none.
    """
    if isinstance(document, list):
        raise RpcError(INVALID_REQUEST, "Invalid request: batches are not taken, send one message in each request")
    if not isinstance(document, dict):
        raise RpcError(INVALID_REQUEST, "Invalid request: a message must be an object")
    message_id = id_of(document)
    if "id" in document and message_id is None:
        raise RpcError(INVALID_REQUEST, "Invalid request: id must be a string or an integer, or left out")
    if document.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'Invalid request: jsonrpc must be "2.0"')
    if "method" not in document:
        return _answer(document, message_id)
    method, params = document["method"], document.get("params")
    if not isinstance(method, str) or not method:
        raise RpcError(INVALID_REQUEST, "Invalid request: method must be a string that is not empty")
    if not isinstance(params, dict | None):
        raise RpcError(INVALID_PARAMS, "Invalid params: params must be an object")
    return Message(message_id, method, params or {})


def _answer(document: Mapping[str, Any], message_id: Id | None) -> Message:
    """A client's answer: the gateway asks for nothing, so that nobody waits for it."""
    if message_id is None or ("result" in document) == ("error" in document):
        raise RpcError(INVALID_REQUEST, "Invalid request: method is missing")
    return Message(message_id, "")


def check_request(message: Message) -> None:
    """Check that the gateway has the method of a request, and that its parameters fit.

    Raises:
        RpcError: It has not, or they do not.
    """
    parameters = _METHODS.get(message.method)
    if parameters is None:
        raise RpcError(METHOD_NOT_FOUND, f"Method not found: {message.method}", status=200)
    for name, parameter in parameters.items():
        if misfit := parameter.misfit(name, message.params):
            raise RpcError(INVALID_PARAMS, f"Invalid params: {misfit}", status=200)


def spoken(versions: Sequence[str]) -> list[str]:
    """Of the versions that a gateway lists, those that are reproduced here, oldest first."""
    return sorted(SPOKEN.intersection(versions))


def check_version(header: str | None, versions: Sequence[str], *, assumed: bool) -> None:
    """Check the protocol version that a request comes in.

    Args:
        header: Its header MCP-Protocol-Version.
        versions: Those that the gateway speaks.
        assumed: Whether a request that names none counts as one of 2025-03-26.

    Raises:
        RpcError: The gateway does not speak it.
    """
    requested = ASSUMED_VERSION if header is None and assumed else header
    if requested is not None and requested not in versions:
        data = {"requested": requested, "supported": list(versions)}
        text = f"Unsupported protocol version: {requested}"
        raise RpcError(INVALID_REQUEST, text, data=data, name="unsupported_version")


def offered_version(requested: str, versions: Sequence[str]) -> str:
    """The version that `initialize` answers: the client's, or the newest that the gateway speaks.

    Raises:
        RpcError: It speaks none that begins with `initialize`.
    """
    if requested in versions:
        return requested
    if not versions:
        check_version(requested, versions, assumed=False)
    return max(versions)


@dataclass(frozen=True)
class Introduction:
    """What a gateway says of itself.

    Attributes:
        name: Its name.
        versions: The protocol versions that it speaks.
        more: What it offers besides tools: `prompts`, `resources`.
    """

    name: str
    versions: Sequence[str]
    more: Sequence[str] = ()

    def result(self, requested: str) -> dict[str, Any]:
        """The result of `initialize`: what AWS puts into it besides the version nobody has published."""
        return {
            "protocolVersion": offered_version(requested, self.versions),
            "capabilities": {offered: {"listChanged": False} for offered in ("tools", *self.more)},
            "serverInfo": {"name": self.name, "version": "1.0.0"},
        }


def own_result(message: Message, gateway: Introduction) -> Mapping[str, Any] | None:
    """The result of a request that needs none of what stands behind the gateway; None of any other."""
    if message.method == INITIALIZE:
        return gateway.result(message.params["protocolVersion"])
    return {} if message.method == PING else None

"""What each MCP client makes of the gateways' answers.

The answers are the same for all; how a client tells its user differs. A change here is a change that users see.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SEARCH = "x_amz_bedrock_agentcore_search"
ADD, MULTIPLY, GREET = "math___add_numbers", "math___multiply_numbers", "math___greeting"

TOOLS = {
    "dev/assistant": {SEARCH, ADD, MULTIPLY, GREET},
    "agents/calculator": {ADD, MULTIPLY},
    "agents/greeter": {GREET},
}
"""What a role of a stack is shown, and nothing else. Only `dev` has a search."""

NOBODY = "dev/nobody"
"""The role without any grant."""

type Arguments = dict[str, object]
CALLS: Mapping[str, Mapping[str, tuple[str, Arguments]]] = {
    "dev/assistant": {
        "add": (ADD, {"a": 100, "b": 12}),
        "search": (SEARCH, {"query": "add two numbers"}),
        "wrong type": (ADD, {"a": "x", "b": 12}),
        "missing": (ADD, {"a": 100}),
        "unknown": ("math___nope", {}),
    },
    "agents/calculator": {
        "add": (ADD, {"a": 100, "b": 12}),
        "wrong type": (ADD, {"a": "x", "b": 12}),
        "missing": (ADD, {"a": 100}),
        "not granted": (GREET, {"name": "Ada"}),
        "unknown": ("math___nope", {}),
    },
    "agents/greeter": {"greet": (GREET, {"name": "Ada"}), "not granted": (ADD, {"a": 100, "b": 12})},
    NOBODY: {},
}
"""By stack and role, the calls that are made."""

_DENIED = "No policy applies"
SAYS = {
    "dev/assistant": {
        "add": "112",
        "search": ADD,
        "wrong type": "add_numbers.a: expected number, got string",
        "missing": "add_numbers: missing 'b'",
        "unknown": "Unknown tool: math___nope",
    },
    "agents/calculator": {
        "add": "112",
        "wrong type": "a: not a number",
        "missing": "b: missing",
        "not granted": _DENIED,
        "unknown": _DENIED,
    },
    "agents/greeter": {"greet": "Hello, Ada!", "not granted": _DENIED},
}
"""Words of the gateway or the tool that must reach the client's user."""

RESULT, ERROR, RAISED, NOT_OFFERED = "result", "error", "raised", "not offered"
"""How a call ends: a result, a result that is an error, an exception, or there is no way to make it."""


@dataclass(frozen=True)
class Client:
    """A client, and how what goes wrong reaches its user. What goes well is a result with all of them.

    Attributes:
        kind: Where it is installed: `venv`, or the kind of `make clients`.
        program: Its program in `programs/`.
        dev: Without a policy engine: how a wrong argument, a missing one and an unknown tool end.
        agents: With one: how these end, and a tool that the role may not call.
        refused: What a user whose role may not use the gateway is told.
        other: Where the words are the client's own, by the check's name.
    """

    kind: str
    program: str
    dev: tuple[str, str, str]
    agents: tuple[str, str, str, str]
    refused: str
    other: Mapping[str, str] = field(default_factory=dict)

    def ends(self, session: str, check: str) -> str:
        """How a call must end."""
        ends = {
            "dev/assistant": dict(zip(("wrong type", "missing", "unknown"), self.dev, strict=True)),
            "agents/calculator": dict(
                zip(("wrong type", "missing", "unknown", "not granted"), self.agents, strict=True)
            ),
            "agents/greeter": {"not granted": self.agents[3]},
        }
        return ends[session].get(check, RESULT)

    def says(self, session: str, check: str) -> str:
        """Words that the user must be told by a call's end."""
        if self.ends(session, check) == NOT_OFFERED:
            return ""
        return self.other.get(f"{session} {check}", self.other.get(check, SAYS[session][check]))


_IAM = "is not authorized to perform: bedrock-agentcore:InvokeGateway"
_BARE = "403 Forbidden"  # httpx reads no body of a refused stream, so the reason stays unread
_ALL_RAISED = (RAISED,) * 4

CLIENTS = {
    "mcp-1": Client("venv", "mcp1_library.py", (RESULT, RESULT, ERROR), _ALL_RAISED, _IAM),
    # The stdio proxy is a server of its own: it knows which tools it listed, and makes its own error of a refusal.
    "mcp-1-stdio": Client(
        "venv",
        "mcp1_stdio.py",
        (RESULT, RESULT, ERROR),
        (ERROR, ERROR, ERROR, ERROR),
        "McpError: Invalid request parameters",
        {"unknown": "Unknown tool", "not granted": "Unknown tool"},
    ),
    "strands": Client("venv", "strands_library.py", (RESULT, RESULT, ERROR), (ERROR, ERROR, ERROR, ERROR), _IAM),
    "mcp-2": Client("mcp2", "mcp2_http.py", (RESULT, RESULT, ERROR), _ALL_RAISED, "Server returned an error response"),
    "fastmcp-3": Client("frameworks", "fastmcp3_http.py", (RESULT, RESULT, RAISED), _ALL_RAISED, _BARE),
    "fastmcp-4": Client(
        "mcp2", "fastmcp4_http.py", (RESULT, RESULT, RAISED), _ALL_RAISED, "Server returned an error response"
    ),
    "langchain": Client(
        "frameworks",
        "langchain_http.py",
        (RESULT, RESULT, NOT_OFFERED),
        (RAISED, RAISED, NOT_OFFERED, NOT_OFFERED),
        _BARE,
    ),
    # It compares with the tool's schema itself, for arguments that are missing.
    "openai-agents": Client(
        "frameworks",
        "openai_http.py",
        (RESULT, RAISED, ERROR),
        _ALL_RAISED,
        "HTTP error 403",
        {"missing": "missing required parameters: b"},
    ),
    "pydantic-ai": Client("frameworks", "pydantic_ai_http.py", (RESULT, RESULT, RAISED), _ALL_RAISED, _BARE),
    "llama-index": Client("frameworks", "llama_index_http.py", (RESULT, RESULT, ERROR), _ALL_RAISED, _BARE),
    "typescript": Client("node", "typescript_http.mjs", (RESULT, RESULT, ERROR), _ALL_RAISED, _IAM),
}

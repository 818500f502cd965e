"""What a gateway's interceptor says that it looks at, in one variable of its function.

The components write it, and the library denies everything where the function's code looks at something else. So what
reads a deployment or a preview knows which calls an interceptor may refuse or rewrite without reading its code.
"""

import fnmatch
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

VARIABLE = "INTERCEPTS"
"""The function's environment variable with the declaration."""
HANDLER = "intercept.handler"
"""The handler of a function that has the library; no other function's declaration is believed."""
REQUEST, RESPONSE = "REQUEST", "RESPONSE"
"""Where a gateway asks its interceptors (botocore bedrock-agentcore-control `GatewayInterceptionPoint`)."""
MARGIN = 3
"""Seconds from the interceptor's own end to Lambda's: a start of its process, and what of Lambda's time it keeps."""
IAM, JWT = "iam", "jwt"
"""How callers come to the interceptor's gateway."""


@dataclass(frozen=True)
class Declaration:
    """What an interceptor says of itself.

    Attributes:
        calls: Patterns of the full names of tools whose calls it may refuse or rewrite; `*` stands for any characters.
        results: The same of tools whose results it may refuse or rewrite.
        tools: Whether it takes tools out of lists and search results.
        prompts: Whether it lets prompts through, and which.
        resources: The same of resources.
        headers: Whether its code reads the request's headers.
        claims: Whether its code reads the claims of the caller's token.
        caller: Whether its code asks what the caller was handed.
        inbound: `iam` or `jwt`: how callers come to its gateway.
        seconds: Longest time until it has an answer.
    """

    calls: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    tools: bool = False
    prompts: bool = False
    resources: bool = False
    headers: bool = False
    claims: bool = False
    caller: bool = False
    inbound: str = IAM
    seconds: float = 0.0

    def calls_tool(self, tool: str) -> bool:
        """Whether it may refuse or rewrite calls of the tool with this full name."""
        return any(matches(pattern, tool) for pattern in self.calls)

    def results_of(self, tool: str) -> bool:
        """Whether it may refuse or rewrite results of the tool with this full name."""
        return any(matches(pattern, tool) for pattern in self.results)

    @property
    def needs_headers(self) -> bool:
        """Whether it must be told the headers: the caller's token is one of them."""
        return self.headers or self.claims or (self.caller and self.inbound == JWT)


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern has a name in it, or all that another pattern has; `*` stands for any characters."""
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))


def may_begin(pattern: str, start: str) -> bool:
    """Whether a pattern has a name that begins so."""
    literal, wild, _ = pattern.partition("*")
    return literal.startswith(start) or (bool(wild) and start.startswith(literal))


def read(handler: Any, variables: Any) -> Declaration | None:
    """The declaration of a function; None where it has none that can be believed.

    Args:
        handler: The function's handler.
        variables: Its environment variables.
    """
    said = _said(handler, variables)
    if said is None:
        return None
    known: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
    return Declaration(**known)


def written(handler: Any, variables: Any) -> str | None:
    """The variable's value of a function with what `read` takes of it, and nothing else; None where that is nothing."""
    said = _said(handler, variables)
    return None if said is None else json.dumps(said, separators=(",", ":"))


def _said(handler: Any, variables: Any) -> dict[str, Any] | None:
    text = variables.get(VARIABLE) if isinstance(variables, Mapping) else None
    if handler != HANDLER or not isinstance(text, str):
        return None
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    known = {key: value for key, value in said.items() if key in _KINDS}
    return known if all(_KINDS[key](value) for key, value in known.items()) else None


def _patterns(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(it, str) for it in value)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


_LONGEST = 900
"""The longest timeout of a function in seconds (Lambda API reference, CreateFunction)."""
_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "calls": _patterns,
    "results": _patterns,
    **dict.fromkeys(("tools", "prompts", "resources", "headers", "claims", "caller"), _flag),
    "inbound": lambda value: value in (IAM, JWT),
    "seconds": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _LONGEST,
}

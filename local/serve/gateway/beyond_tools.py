"""Prompts and resources of MCP servers through a gateway: of the targets for which a program accepts them, no others.

AgentCore lists and passes whatever its MCP targets have; here what nobody accepted (`undecided` of a program's server)
is neither listed nor passed, so that nothing comes to rely on it. Source: AgentCore developer guide, "Use an AgentCore
gateway" (the methods; `completion/complete` is none of them), "List available prompts" (`<target>___<prompt>`), "List
available resources" (URIs stay as they are; of several the target with the lowest `resourcePriority` has it), "Use a
gateway with policy" (a policy engine always allows them). Unproved: the order of targets, that all is one page, that a
gateway lists them of a target whose tools stand in `mcpToolSchema`, and what a caller is told where a server fails.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from toolgate.access.deployment.agentcore_resources import PROMPTS, RESOURCES, Target
from toolgate.local.serve.access_log import UNDECIDED, Entry
from toolgate.local.serve.gateway.backend import Backend
from toolgate.local.serve.gateway.json_rpc import (
    GET_PROMPT,
    INVALID_PARAMS,
    LIST_PROMPTS,
    LIST_RESOURCES,
    LIST_TEMPLATES,
    READ_RESOURCE,
    RESOURCE_NOT_FOUND,
    Message,
    RpcError,
)
from toolgate.policy.language.agentcore_facts import TOOL_SEPARATOR, full_name

_GAP = re.compile(r"\{[^{}]*\}")
_NOT_ASKED = "prompts and resources pass whatever policies say; the program accepts those of {}"


@runtime_checkable
class _McpServer(Protocol):
    """A backend that has more than tools."""

    async def ask(self, method: str, params: Mapping[str, Any], session: str | None, entry: Entry) -> Mapping[str, Any]:
        """The result of a request. It raises RpcError."""

    async def every(self, method: str, member: str, session: str | None, entry: Entry) -> list[Mapping[str, Any]]:
        """All that it lists of one thing. It raises RpcError."""


type _Listed = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Asking:
    """An exchange in which servers are asked."""

    session: str | None
    entry: Entry

    async def every(self, server: "_Server", method: str, member: str) -> _Listed:
        return await server.backend.every(method, member, self.session, self.entry)

    async def ask(self, server: "_Server", method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return await server.backend.ask(method, params, self.session, self.entry)


@dataclass(frozen=True)
class _Server:
    target: Target
    backend: _McpServer


@dataclass(frozen=True)
class BeyondTools:
    """What a gateway has besides tools.

    Attributes:
        prompts: The servers whose prompts were accepted.
        resources: Those whose resources were, the first of which has a URI that several have.
        decides: Whether the gateway has a policy engine, which a reader of the log would think decides.
    """

    prompts: Sequence[_Server]
    resources: Sequence[_Server]
    decides: bool

    @property
    def offered(self) -> tuple[str, ...]:
        """The capabilities that it comes to."""
        return (*([PROMPTS] if self.prompts else []), *([RESOURCES] if self.resources else []))

    async def answer(self, message: Message, session: str | None, entry: Entry) -> Mapping[str, Any]:
        """The result of a request for prompts or resources.

        Args:
            message: The request.
            session: The MCP session with the gateway, if there is one.
            entry: The exchange.

        Raises:
            RpcError: There is nothing of this name, or a server fails.
        """
        servers = self.prompts if message.method in {LIST_PROMPTS, GET_PROMPT} else self.resources
        if self.decides and servers:
            names = ", ".join(sorted({it.target.name for it in servers}))
            entry.note(by="cedar", effect=UNDECIDED, reason=_NOT_ASKED.format(names))
        answers: Mapping[str, Callable[[Mapping[str, Any], _Asking], Awaitable[Mapping[str, Any]]]] = {
            LIST_PROMPTS: self._list_prompts,
            GET_PROMPT: self._get_prompt,
            LIST_RESOURCES: self._list_resources,
            LIST_TEMPLATES: self._list_templates,
            READ_RESOURCE: self._read_resource,
        }
        return await answers[message.method](message.params, _Asking(session, entry))

    async def _list_prompts(self, _params: Mapping[str, Any], asking: _Asking) -> Mapping[str, Any]:
        named = [
            {**prompt, "name": full_name(server.target.name, name)}
            for server in self.prompts
            for prompt in await asking.every(server, LIST_PROMPTS, "prompts")
            if isinstance(name := prompt.get("name"), str)
        ]
        return {"prompts": named}

    async def _get_prompt(self, params: Mapping[str, Any], asking: _Asking) -> Mapping[str, Any]:
        target, _, name = params["name"].partition(TOOL_SEPARATOR)
        server = next((it for it in self.prompts if it.target.name == target), None)
        if server is None:
            raise RpcError(INVALID_PARAMS, f"Unknown prompt: {params['name']}", status=200, name="unknown_prompt")
        arguments = {"arguments": params["arguments"]} if params.get("arguments") is not None else {}
        return await asking.ask(server, GET_PROMPT, {"name": name, **arguments})

    async def _list_resources(self, _params: Mapping[str, Any], asking: _Asking) -> Mapping[str, Any]:
        return {"resources": await self._first_of_each(LIST_RESOURCES, "resources", "uri", asking)}

    async def _list_templates(self, _params: Mapping[str, Any], asking: _Asking) -> Mapping[str, Any]:
        return {
            "resourceTemplates": await self._first_of_each(LIST_TEMPLATES, "resourceTemplates", "uriTemplate", asking)
        }

    async def _first_of_each(self, method: str, member: str, key: str, asking: _Asking) -> _Listed:
        found: dict[str, Mapping[str, Any]] = {}
        async for _, it in self._listed(method, member, asking):
            if isinstance(uri := it.get(key), str):
                found.setdefault(uri, it)
        return list(found.values())

    async def _read_resource(self, params: Mapping[str, Any], asking: _Asking) -> Mapping[str, Any]:
        uri = params["uri"]
        server = await self._with(uri, asking)
        if server is None:
            raise RpcError(RESOURCE_NOT_FOUND, "Resource not found", status=200, data={"uri": uri})
        return await asking.ask(server, READ_RESOURCE, {"uri": uri})

    async def _with(self, uri: str, asking: _Asking) -> _Server | None:
        """The server that lists a URI, or else one that has a template for it."""
        async for server, it in self._listed(LIST_RESOURCES, "resources", asking):
            if it.get("uri") == uri:
                return server
        async for server, it in self._listed(LIST_TEMPLATES, "resourceTemplates", asking):
            if isinstance(template := it.get("uriTemplate"), str) and fits(template, uri):
                return server
        return None

    async def _listed(
        self, method: str, member: str, asking: _Asking
    ) -> AsyncIterator[tuple[_Server, Mapping[str, Any]]]:
        for server in self.resources:
            for it in await asking.every(server, method, member):
                yield server, it


def beyond_tools(backends: Sequence[tuple[Target, Backend]], *, decides: bool) -> BeyondTools:
    """What a gateway has besides tools.

    Args:
        backends: Each of its targets, and what stands behind it.
        decides: Whether it has a policy engine.
    """
    servers = [_Server(target, backend) for target, backend in backends if isinstance(backend, _McpServer)]
    prompts = [it for it in servers if PROMPTS in it.target.undecided]
    resources = [it for it in servers if RESOURCES in it.target.undecided]
    return BeyondTools(prompts, sorted(resources, key=lambda it: it.target.resource_priority), decides)


def fits(template: str, uri: str) -> bool:
    """Whether a URI may be one of a template's (RFC 6570): what stands between its expressions is there, in order.

    The server itself has the last word; this finds the one to ask, in time that grows with both lengths only.
    """
    first, *others = _GAP.split(template)
    if not others:
        return uri == template
    *middle, last = others
    if not uri.startswith(first):
        return False
    at = len(first)
    for literal in middle:
        found = uri.find(literal, at)
        if found < 0:
            return False
        at = found + len(literal)
    return uri.endswith(last) and len(uri) - len(last) >= at

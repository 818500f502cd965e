"""Other agents as tools of this one: each is asked over InvokeAgentRuntime, and that request is signed by its role.

What an agent is asked is what the model writes; nothing else of the conversation goes there. It keeps a conversation of
its own for each conversation here. The id under which this agent logs goes along as baggage, and the trace as
`traceparent`. Nothing is sent twice: the other agent may have acted.
"""

import asyncio
import hashlib
import json
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import httpx
from botocore.exceptions import BotoCoreError
from opentelemetry import baggage, propagate
from opentelemetry import context as trace_context
from strands.types._events import ToolResultEvent
from strands.types.tools import AgentTool, ToolSpec, ToolUse

import contract
import logs
from asked_settings import Asked
from contract import ContractError, Fault
from gateway.authorization import denied
from gateway.results import told
from gateway.signing import Signature
from gateway.transport import Capped
from invocation import Invocation
from settings import Settings

REQUEST_ID = "toolgate.request-id"
"""Key of the baggage with the id of the invocation that asks."""
# botocore's bedrock-agentcore model, InvokeAgentRuntime: runtimeSessionId.
_SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
_ENDPOINT = "DEFAULT"
_SCHEMA: Any = {
    "type": "object",
    "properties": {
        "prompt": {
            "type": "string",
            "description": "The question, with all that it takes to answer it. It knows no more.",
        }
    },
    "required": ["prompt"],
}
_STATUS_FAULTS: dict[int, Fault] = {
    HTTPStatus.FORBIDDEN: contract.AGENT_REFUSED,
    HTTPStatus.UNAUTHORIZED: contract.AGENT_REFUSED,
    HTTPStatus.NOT_FOUND: contract.AGENT_REFUSED,
    HTTPStatus.TOO_MANY_REQUESTS: contract.AGENT_UNAVAILABLE,
}
# The agent was handed the other one; where it may not ask it, or cannot, whatever its model says then is not an answer.
_ENDS = (contract.AGENT_REFUSED, contract.AGENT_UNAVAILABLE, contract.INTERNAL)


class Asking:
    """What all asked agents share: one client, and the credentials.

    Args:
        session: Where credentials come from.
        settings: Bounds.
    """

    def __init__(self, session: boto3.Session, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._making = asyncio.Lock()
        self._made: tuple[httpx.AsyncClient, str, Signature] | None = None

    async def ask(self, agent: Asked, prompt: str, invocation: Invocation) -> str:
        """Ask an agent.

        Raises:
            ContractError: It gave no answer.
        """
        with _own_baggage(invocation):
            return await self._answer(agent, prompt, session_of(invocation, agent))

    async def _answer(self, agent: Asked, prompt: str, session: str) -> str:
        client, endpoint, signature = await self._ready()
        request = client.build_request(
            "POST",
            f"{endpoint}/runtimes/{quote(agent.arn, safe='')}/invocations",
            params={"qualifier": _ENDPOINT},
            json={"prompt": prompt},
            headers={"accept": "application/json", _SESSION_HEADER: session},
        )
        propagate.inject(request.headers)
        started = time.monotonic()
        # Whoever is asked has as long for its answer. What ends the invocation before then closes the connection, too:
        # the other agent hears that we left.
        until = asyncio.get_running_loop().time() + self._settings.invocation_seconds
        try:
            async with asyncio.timeout_at(until):
                await signature.authorize(request, until)
                response = await client.send(request, stream=True)
                try:
                    body = b"".join([part async for part in Capped(response, self._settings)])
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise ContractError(contract.AGENT_TIMEOUT) from error
        except (httpx.TransportError, BotoCoreError) as error:
            _log(agent, contract.AGENT_UNAVAILABLE, **logs.origin(error))
            raise ContractError(contract.AGENT_UNAVAILABLE) from error
        except httpx.HTTPError as error:  # bytes that are not coded as they say
            _log(agent, contract.AGENT_FAILED, **logs.origin(error))
            raise ContractError(contract.AGENT_FAILED) from error
        if response.status_code != HTTPStatus.OK:
            fault = _STATUS_FAULTS.get(response.status_code, contract.AGENT_FAILED)
            text = body.decode(errors="replace")
            says = {**(denied(text) or {"action": _ACTION}), "reason": text[:500], "check": _CHECK}
            _log(agent, fault, http_status=response.status_code, **(says if fault is contract.AGENT_REFUSED else {}))
            raise ContractError(fault)
        spent = round((time.monotonic() - started) * 1000)
        logs.event("agent_asked", level=logging.DEBUG, agent=agent.name, milliseconds=spent)
        return _said(body)

    async def _ready(self) -> tuple[httpx.AsyncClient, str, Signature]:
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
            return self._made

    def _make(self) -> tuple[httpx.AsyncClient, str, Signature]:
        signature = Signature(self._session.get_credentials, self._settings.region)
        # botocore knows the host of each Region, partition and environment; it makes no connection for that.
        endpoint: str = self._session.client("bedrock-agentcore").meta.endpoint_url
        scheme = urlsplit(endpoint).scheme
        # An asked agent is silent while it thinks.
        timeout = httpx.Timeout(self._settings.invocation_seconds, connect=self._settings.connect_seconds)
        limits = httpx.Limits(max_connections=self._settings.concurrency, max_keepalive_connections=20)
        verify = scheme == "https"  # reading the certificate authorities takes a while, and only TLS needs them
        return httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False, verify=verify), endpoint, signature


class AskedAgent(AgentTool):
    """An agent as a tool: `ask_<name>`."""

    def __init__(self, agent: Asked, asking: Asking) -> None:
        super().__init__()
        self._agent = agent
        self._asking = asking

    @property
    def tool_name(self) -> str:
        """Its name for the model."""
        return f"ask_{self._agent.name}"

    @property
    def tool_spec(self) -> ToolSpec:
        """What the model reads."""
        description = f"Ask another agent. {self._agent.description}"
        return {"name": self.tool_name, "description": description, "inputSchema": {"json": _SCHEMA}}

    @property
    def tool_type(self) -> str:
        """Its kind."""
        return "agent"

    async def stream(
        self, tool_use: ToolUse, invocation_state: dict[str, Any], **_: Any
    ) -> AsyncGenerator[ToolResultEvent]:
        """Ask the agent; the one event is its answer, or a short neutral error."""
        started = time.monotonic()
        invocation: Invocation = invocation_state["invocation"]
        fault: Fault | None = contract.INTERNAL
        text = ""
        try:
            prompt = tool_use["input"].get("prompt") if isinstance(tool_use["input"], dict) else None
            if unreadable := invocation.unreadable.pop(tool_use["toolUseId"], None):
                fault = unreadable
            elif not isinstance(prompt, str) or not prompt.strip():
                fault = contract.NO_PROMPT
            else:
                text, fault = await self._asking.ask(self._agent, prompt, invocation), None
        except ContractError as error:
            fault = error.fault
        except asyncio.CancelledError:  # its invocation ends
            fault = contract.TOOL_CANCELLED
            raise
        finally:
            invocation.called(self.tool_name, fault.code if fault else None, time.monotonic() - started)
            invocation.note(self.tool_name, fault if fault in _ENDS else None)
        answer: Any = {"status": "success", "toolUseId": tool_use["toolUseId"], "content": [{"text": text}]}
        yield ToolResultEvent(told(tool_use, fault) if fault else answer)


def handed(session: boto3.Session, wanted: Settings) -> list[AskedAgent]:
    """The agents of the settings as tools; no connection is made and no credentials are asked for yet."""
    asking = Asking(session, wanted)
    return [AskedAgent(agent, asking) for agent in wanted.asked]


def session_of(invocation: Invocation, agent: Asked) -> str:
    """The session in which an agent is asked: one for each conversation here, and one of its own without any."""
    if not invocation.session_id:
        return str(uuid.uuid4())
    known = json.dumps([invocation.session_id, invocation.user, agent.arn])
    return hashlib.sha256(known.encode()).hexdigest()


@contextmanager
def _own_baggage(invocation: Invocation) -> Iterator[None]:
    """What goes along is the id alone: a caller's own baggage, which may name a user, is not for the other agent.

    In the context, and not in the request only: what instruments httpx writes the header anew from there.
    """
    own = baggage.set_baggage(REQUEST_ID, invocation.origin_request_id or invocation.request_id, baggage.clear())
    token = trace_context.attach(own)
    try:
        yield
    finally:
        trace_context.detach(token)


def _said(body: bytes) -> str:
    """An answer's text: what toolgate's agents call `response`, else the body as it came, which may be any agent's."""
    text = body.decode(errors="replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    said = document.get("response") if isinstance(document, dict) else None
    answer = said if isinstance(said, str) else text
    if not answer.strip():
        raise ContractError(contract.AGENT_FAILED)
    return answer


_ACTION = "bedrock-agentcore:InvokeAgentRuntime"
_CHECK = (
    "the role's policy allows the action on exactly this runtime's ARN and on its endpoint DEFAULT; the runtime "
    "exists; its own resource policy, if it has one, lets this role in"
)


def _log(agent: Asked, fault: Fault, **more: Any) -> None:
    logs.event("agent_failed", level=logging.WARNING, agent=agent.name, runtime=agent.arn, code=fault.code, **more)

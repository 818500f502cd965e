"""The hand-made deployment's gateways in this process: signed requests, the guard, echoes for functions, no server."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signer
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from toolgate.access.chain.tool_functions import function_policy
from toolgate.access.deployment.deployment import parse
from toolgate.local.serve.access_log import AccessLog
from toolgate.local.serve.assembly import gateway_service
from toolgate.local.serve.bounded_file import BoundedFile
from toolgate.local.serve.gateway.function_process import Outcome
from toolgate.local.serve.gateway.lambda_backend import LambdaBackend
from toolgate.local.serve.gateway.local_function import AbsentFunction, InvokeRight
from toolgate.local.serve.gateway.mcp_gateway import build
from toolgate.local.serve.guards.credentials import Sessions
from toolgate.local.serve.guards.iam_guard import Authority, authorized

OWN = ["2025-06-18", "2025-11-25"]
"""The protocol versions of both."""
_EXPORT = Path(__file__).parents[3] / "access" / "deployment.json"
CALLERS = {"tools": "agents/assistant-role", "other": "other-gateway-role"}  # the second has MCP sessions
EXAMPLE = {"content-type": "application/json"}  # all that AWS's examples send, besides who signs
VERSION = {"mcp-protocol-version": "2025-11-25"}
SESSION = "mcp-session-id"
NONE: Mapping[str, str | None] = {}
LIST = b'{"jsonrpc": "2.0", "id": "l", "method": "tools/list"}'


class Echo(AbsentFunction):
    """A function that answers what it was given."""

    async def invoke(self, event: Any, _told: Mapping[str, str], _request_id: str) -> Outcome:
        return Outcome({"given": event}, failed=False)


@dataclass
class Gateways:
    """Both gateways of the hand-made deployment, and who may call them."""

    client: TestClient
    paths: Mapping[str, str]
    signers: Mapping[str, Signer]

    def ask(
        self,
        body: bytes = LIST,
        headers: Mapping[str, str | None] = NONE,
        *,
        to: str = "tools",
        method: str = "POST",
        signed: bool = True,
    ) -> httpx.Response:
        """Send a request; a header that is None is left out."""
        every = {**EXAMPLE, **VERSION, **headers}
        sent = {name: value for name, value in every.items() if value is not None}
        request = AWSRequest(method, f"http://testserver{self.paths[to]}", data=body, headers=sent)
        if signed:
            SigV4Auth(self.signers[to], "bedrock-agentcore", "us-east-1").add_auth(request)
        made = self.client.build_request(method, self.paths[to], content=body)
        raw = [(name.encode(), value.encode("latin-1")) for name, value in request.headers.items()]
        host = [(name, value) for name, value in made.headers.raw if name.lower() in {b"host", b"content-length"}]
        answer: httpx.Response = self.client.send(httpx.Request(method, made.url, headers=host + raw, content=body))
        return answer

    def rpc(self, method: str, params: Any = None, headers: Mapping[str, str | None] = NONE, to: str = "tools") -> Any:
        """The body of the answer to a request."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method} | ({} if params is None else {"params": params})
        return self.ask(json.dumps(message).encode(), headers, to=to).json()


@contextmanager
def gateways_in_process(logs: Path) -> Iterator[Gateways]:
    """Both gateways, ready to be asked; their access log is in a folder."""
    deployment = parse(json.loads(_EXPORT.read_text()))
    log = AccessLog(BoundedFile(logs / "gateway.jsonl"), {})
    sessions, signers, services, paths = Sessions(), {}, [], {}
    for gateway in deployment.gateways:
        role = deployment.role(gateway.role_arn)
        assert role
        right = InvokeRight(role, partial(function_policy, deployment))
        backends = [
            (target, LambdaBackend(gateway.id, target, Echo(target.function_arn or ""), right))
            for target in deployment.targets_of(gateway)
        ]
        built = build(gateway, backends, lambda _call: None)
        services.append(gateway_service(gateway, built, log))
        name = gateway.name.removeprefix("handmade-")
        caller = deployment.role(f"arn:aws:iam::123456789012:role/{CALLERS[name]}")
        assert caller
        keys = sessions.assume(caller, "local")
        signers[name] = Signer(keys.access_key_id, keys.secret_access_key, keys.session_token)
        paths[name] = f"/gateway/{gateway.id}/mcp"

    app = authorized(services, Authority(sessions, "us-east-1", {}))
    with TestClient(Starlette(routes=[Mount("/", app)])) as client:
        yield Gateways(client, paths, signers)


def hello(version: Any) -> dict[str, Any]:
    """The parameters of `initialize`."""
    return {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}


def opened(gateways: Gateways) -> str:
    """A session of the gateway that has some."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello("2025-11-25")}).encode()
    return str(gateways.ask(body, to="other").headers[SESSION])


LIBRARIES = re.compile(r"pydantic|fastmcp|lcgw|server-error|call\[|Traceback", re.IGNORECASE)


def error(answer: httpx.Response) -> tuple[int, int, Any]:
    """The HTTP status, JSON-RPC's code and the id of a refusal."""
    body = answer.json()
    assert body.keys() == {"jsonrpc", "id", "error"}
    assert not LIBRARIES.search(answer.text)
    return answer.status_code, body["error"]["code"], body["id"]

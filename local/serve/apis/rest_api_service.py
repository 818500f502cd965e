"""A stage of a REST API as a service: who may call each method is decided, and its function is really run.

What decides: API Gateway developer guide, "Control access to a REST API with IAM permissions" and "How API Gateway
resource policies affect authorization workflow". A method that takes no signature is open to anybody, unless the API
has a resource policy: then this must allow it. Of the caller AgentCore a policy could also name the service
(`bedrock-agentcore.amazonaws.com`); nobody has shown what API Gateway sees of it, and here it sees the gateway's role.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from toolgate.access.deployment.agentcore_resources import Function
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import IamRequest, decide
from toolgate.access.iam.identities import ANY_CALLER
from toolgate.access.iam.policies import Policy
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import NotReproducedError
from toolgate.local.cloud.types.permissions import Asked, Caller, lets
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.apis import proxy_event
from toolgate.local.serve.apis.proxy_event import MALFORMED, Context, Request
from toolgate.local.serve.apis.served_methods import ServedStage
from toolgate.local.serve.guards.iam_guard import (
    PRINCIPAL,
    REQUEST_ID,
    NeededPermission,
    RequestRefused,
    Service,
    nobody,
    refuse,
)
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.policy.language.agentcore_facts import INVOKE_API, INVOKE_FUNCTION
from toolgate.policy.language.rest_api import API_GATEWAY, IAM, Method

if TYPE_CHECKING:
    from toolgate.local.serve.gateway.local_function import LocalFunction

SIGNED_FOR = "execute-api"
LONGEST_SECONDS = 29.0
"""For an integration (API Gateway developer guide, "Quotas", its default)."""
LARGEST_BODY = 10 * 2**20
"""The same page: payload."""
_MISSING = "Missing Authentication Token"
"""What API Gateway says of a path or a method that a stage does not have."""
_ALL = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PARAMETER = re.compile(r"\{(?P<name>[^{}+]+)(?P<greedy>\+?)\}")


@dataclass(frozen=True)
class Behind:
    """What has to be known of what is behind the methods.

    Attributes:
        env: The account and Region.
        function: What runs a function.
        own_policy: The policy on the function with an ARN.
        role: The role with an ARN.
    """

    env: CloudEnvironment
    function: Callable[[Function], "LocalFunction"]
    own_policy: Callable[[str], Policy | None]
    role: Callable[[str], Role | None]


def services(stage: ServedStage, behind: Behind) -> list[Service]:
    """A service for each method of a stage, the more exact paths first, and one for what it does not have."""
    ordered = sorted(stage.methods, key=lambda it: [_is_parameter(part) for part in it[0].path.split("/")])
    found = [_service(stage, method, behind.function(function), behind) for method, function in ordered]
    nothing = re.compile(f"{re.escape(stage.path)}(/.*)?")
    return [
        *found,
        Service(SIGNED_FOR, nothing, _ALL, lambda _match, _request: [], _absent, LARGEST_BODY, admit=nobody),
    ]


def _is_parameter(part: str) -> int:
    found = _PARAMETER.fullmatch(part)
    return 0 if found is None else 2 if found["greedy"] else 1


async def _absent(_scope: Scope, _receive: Receive, send: Send) -> None:
    await refuse(send, 403, "MissingAuthenticationTokenException", _MISSING)


def _service(stage: ServedStage, method: Method, function: "LocalFunction", behind: Behind) -> Service:
    prefix = len(stage.path)

    def needed(_match: re.Match[str], request: Received) -> list[NeededPermission]:
        return [_permission(stage, request, prefix)]

    def admit(head: Received, _entry: Entry) -> None:
        if stage.api.policy is None:
            return
        asked = _permission(stage, head, prefix)
        facts = {"aws:SourceIp": "127.0.0.1"}
        if not decide(IamRequest(ANY_CALLER, asked.action, asked.resource, facts, stage.api.policy)).allowed:
            text = f"User: anonymous is not authorized to perform: {INVOKE_API} on resource: {asked.resource}"
            raise RequestRefused(403, "AccessDeniedException", text)

    return Service(
        name=SIGNED_FOR,
        path=re.compile(re.escape(stage.path) + _pattern(method.path)),
        methods=_ALL if method.method == "ANY" else frozenset({method.method}),
        permissions=needed,
        app=_Integration(stage, method, function, behind).app,
        max_body=LARGEST_BODY,
        admit=None if method.authorization == IAM else admit,
    )


def _permission(stage: ServedStage, request: Received, prefix: int) -> NeededPermission:
    arn = f"{stage.api.execution_arn}/{stage.stage.name}/{request.method}{request.path[prefix:]}"
    return NeededPermission(INVOKE_API, arn, policy_of=stage.api.execution_arn)


def _pattern(path: str) -> str:
    """A path's template as a pattern, with a group for each parameter."""
    parts, at = [], 0
    for number, found in enumerate(_PARAMETER.finditer(path)):
        parts += [re.escape(path[at : found.start()]), f"(?P<p{number}>{'.+' if found['greedy'] else '[^/]+'})"]
        at = found.end()
    return "".join([*parts, re.escape(path[at:])])


@dataclass(frozen=True)
class _Integration:
    """A method's function as API Gateway calls it."""

    stage: ServedStage
    method: Method
    function: "LocalFunction"
    behind: Behind

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may be made."""
        status, headers, body = await self._answer(scope, await HttpRequest(scope, receive).body())
        response = Response(body, status)
        response.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        response.raw_headers.append((b"content-length", str(len(body)).encode()))
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        if not self._may_invoke(scope):
            return _error(500, MALFORMED[1])
        event = proxy_event.event_of(self._request(scope, body), self._context(scope))
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                outcome = await self.function.invoke(event, {}, scope[REQUEST_ID])
        except TimeoutError:
            return _error(504, {"message": "Endpoint request timed out"})
        return (None if outcome.failed else proxy_event.answer_of(outcome.payload)) or _error(*MALFORMED)

    def _may_invoke(self, scope: Scope) -> bool:
        """Whether the function's policy lets the API invoke it; or the role that the integration names."""
        arn, role_arn = self.function.function.arn, self.method.integration.get("credentials")
        if role_arn:
            role = self.behind.role(str(role_arn))
            return role is not None and decide(IamRequest(role, INVOKE_FUNCTION, arn)).allowed
        policy, api = self.behind.own_policy(arn), self.stage.api
        # With the path's template (API Gateway developer guide, "Grant permissions to API Gateway").
        path = re.sub(r"\{[^{}]*\}", "*", self.method.path)
        source = f"{api.execution_arn}/{self.stage.stage.name}/{scope['method']}{path}"
        keys = {"aws:sourcearn": source, "aws:sourceaccount": self.behind.env.account}
        try:
            return policy is not None and lets(
                dict(policy.document), Caller(service=API_GATEWAY), Asked(INVOKE_FUNCTION, arn, self.behind.env, keys)
            )
        except NotReproducedError:
            return False

    def _request(self, scope: Scope, body: bytes) -> Request:
        names = [it["name"] for it in _PARAMETER.finditer(self.method.path)]
        sent = [scope["path_params"][f"p{number}"] for number in range(len(names))]
        return Request(
            method=scope["method"],
            template=self.method.path,
            path=scope["raw_path"].decode("latin-1")[len(self.stage.path) :],
            parameters=dict(zip(names, sent, strict=True)),
            query=scope["query_string"].decode("latin-1"),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            body=body,
        )

    def _context(self, scope: Scope) -> Context:
        caller = scope[PRINCIPAL]
        return Context(
            account=self.behind.env.account,
            api_id=self.stage.api.id,
            stage=self.stage.stage.name,
            variables=self.stage.stage.variables,
            request_id=scope[REQUEST_ID],
            caller=caller.arn if caller else None,
        )


def _error(status: int, value: Mapping[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    kind = "InternalServerErrorException" if status != 504 else "IntegrationTimeoutException"  # a status
    headers = [("content-type", "application/json"), ("x-amzn-errortype", kind)]
    return status, headers, json.dumps(value).encode()

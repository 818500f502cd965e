"""Put the local deployment together: gateways, model and runtimes, each with the credentials of its role."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from access.deployment import Deployment
from access.export import DeploymentError
from access.inbound import INVOKE_GATEWAY
from access.roles import Role
from access.views import Gateway, Runtime, Target
from local.cloud.place import Place
from local.serve import model, runtime
from local.serve.agent_process import AgentProcess
from local.serve.authorization import Authority, Permission, Service, authorized
from local.serve.code_archive import write_out
from local.serve.credentials import Sessions
from local.serve.denial import Denial
from local.serve.environment import process_environment
from local.serve.tool_call import ToolCall

if TYPE_CHECKING:
    from local.serve.functions import LocalFunction
    from local.serve.gateway import LocalGateway

_GATEWAY_BODY = 6 * 2**20  # AgentCore quotas: a gateway's payload


@dataclass(frozen=True)
class Assembly:
    """The parts of one local deployment.

    Attributes:
        deployment: What is served.
        place: Its account and Region.
        url: The address that it is served at.
        root: Where relative paths of the deployment start.
        code: An empty folder for the functions' code.
        sessions: The credentials in force.
        calls: Filled with the gateways' tool calls.
        denials: Filled with what policy engines decided against.
    """

    deployment: Deployment
    place: Place
    url: str
    root: Path
    code: Path
    sessions: Sessions
    calls: list[ToolCall] = field(default_factory=list)
    denials: list[Denial] = field(default_factory=list)

    def gateway_url(self, gateway_id: str) -> str:
        """The MCP endpoint of a gateway."""
        return f"{self.url}/gateway/{gateway_id}/mcp"

    def agent(self, of: Runtime, logs: Path) -> AgentProcess:
        """The process of a runtime's agent, not started yet.

        Raises:
            DeploymentError: Its program is not there.
        """
        entry_point = self.root / "agent" / of.entry_points[-1]
        if not entry_point.is_file():
            raise DeploymentError(f"{of.label}: its entry point is not there: {entry_point}")
        urls = {gateway.url: self.gateway_url(gateway.id) for gateway in self.deployment.gateways}
        environment = self._environment(runtime.environment(of, urls), of.role_arn, "BedrockAgentCore-local")
        return AgentProcess(f"agent {of.agent}", entry_point, environment, logs / f"{of.agent}.log")

    def app(self, agents: Mapping[str, AgentProcess]) -> ASGIApp:
        """The ASGI app of everything.

        Args:
            agents: The agents' processes by their runtimes' ARNs.
        """
        gateways = [self._gateway(gateway) for gateway in self.deployment.gateways]
        services = [_gateway_service(g, built) for g, built in zip(self.deployment.gateways, gateways, strict=True)]
        invoke, converse = runtime.runtime_app(agents), model.model_app()
        post = frozenset({"POST"})
        services += [
            Service("bedrock-agentcore", runtime.PATH, post, runtime.permissions, invoke, runtime.MAX_BODY),
            Service("bedrock", model.PATH, post, model.permissions(self.place), converse, model.MAX_BODY),
        ]
        authority = Authority(self.sessions, self.place.region, self.deployment.resource_policies)
        return _with_lifespan(authorized(services, authority), gateways)

    def _gateway(self, gateway: Gateway) -> "LocalGateway":
        from local.serve.gateway import build  # noqa: PLC0415  # a second of imports, while the agents start
        from local.serve.tool_authorization import tool_authorization  # noqa: PLC0415  # as above

        role = self._role(gateway.role_arn)
        functions = [(target, self._function(target)) for target in self.deployment.targets_of(gateway)]
        authorization = tool_authorization(self.deployment, gateway, role, self.denials.append)
        return build(gateway, role, functions, self.calls.append, authorization)

    def _function(self, target: Target) -> "LocalFunction":
        from local.serve.functions import LocalFunction  # noqa: PLC0415  # as above

        function = self.deployment.function(target.function_arn or "")
        if function is None or function.code is None:
            raise DeploymentError(f"{target.label}: its function cannot be run here")
        folder = self.code / function.name
        if not folder.exists():
            folder.mkdir()
            write_out(function.code, folder, self.root)
        environment = self._environment(function.environment, function.role_arn, function.name)
        return LocalFunction(function, target_id=target.id, code=folder, environment=environment)

    def _environment(self, own: Mapping[str, str], role_arn: str, session: str) -> dict[str, str]:
        credentials = self.sessions.assume(self._role(role_arn), session)
        return process_environment(own, credentials, self.url, self.place.region)

    def _role(self, arn: str) -> Role:
        role = self.deployment.role(arn)
        if role is None:
            raise DeploymentError(f"role {arn} is not in the deployment")
        return role


def _gateway_service(gateway: Gateway, built: "LocalGateway") -> Service:
    return Service(
        name="bedrock-agentcore",
        path=re.compile(re.escape(f"/gateway/{gateway.id}/mcp")),
        methods=frozenset({"POST", "GET", "DELETE"}),  # Streamable HTTP, MCP specification, "Transports"
        permissions=lambda _match, _request: [Permission(INVOKE_GATEWAY, gateway.arn)],
        app=built.app,
        max_body=_GATEWAY_BODY,
    )


def _with_lifespan(app: ASGIApp, gateways: Sequence["LocalGateway"]) -> ASGIApp:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for gateway in gateways:
                running: AbstractAsyncContextManager[Any] = gateway.lifespan()
                await stack.enter_async_context(running)
                for target in gateway.targets:
                    stack.push_async_callback(target.aclose)
            yield

    starter = Starlette(lifespan=lifespan)

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        await (starter if scope["type"] == "lifespan" else app)(scope, receive, send)

    return both

"""Put the local deployment together: gateways, model and runtimes, each with the credentials of its role."""

import asyncio
import functools
import hashlib
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, MutableSequence, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolgate.access.chain.tool_functions import function_policy, own_policies
from toolgate.access.deployment.agentcore_resources import Function, Gateway, Runtime, Target
from toolgate.access.deployment.deployment import STACK, Deployment
from toolgate.access.deployment.roles import Role
from toolgate.access.deployment.stack_export import DeploymentError, Resource
from toolgate.access.deployment.tokens import JwtAuthorizer
from toolgate.access.iam.policies import Policy
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.function_packages import PackagesError, packages
from toolgate.local.serve import access_log
from toolgate.local.serve.access_log import AccessLog, Told
from toolgate.local.serve.agents import containers, invoke_api
from toolgate.local.serve.agents.agent_process import AgentProcess, Program
from toolgate.local.serve.agents.code_archive import inside, write_out, write_sources
from toolgate.local.serve.agents.runtime_sessions import Lifecycle, RuntimeSessions
from toolgate.local.serve.apis import rest_api_service
from toolgate.local.serve.apis.rest_api_service import Behind
from toolgate.local.serve.apis.served_methods import ServedStage, served_stages
from toolgate.local.serve.aws.aws_services import AwsServices
from toolgate.local.serve.bounded_file import BoundedFile
from toolgate.local.serve.control import cognito_api, control_api, sts_api
from toolgate.local.serve.control.not_served import not_served
from toolgate.local.serve.environment import INHERITED, process_environment
from toolgate.local.serve.gateway.records import Denial, Interception, ToolCall
from toolgate.local.serve.guards.bearer import BearerGuard, refuse_token
from toolgate.local.serve.guards.credentials import Sessions
from toolgate.local.serve.guards.iam_guard import Authority, NeededPermission, Service, authorized, refuse
from toolgate.local.serve.memory.events import MemoryEvents
from toolgate.local.serve.memory.memory_api import MemoryApi
from toolgate.local.serve.memory.served_memories import served_memories
from toolgate.local.serve.model import converse_api
from toolgate.local.serve.model.models import Model
from toolgate.local.serve.other_exchanges import INVOCATION, MODEL, Watch, recording
from toolgate.local.serve.outbound.canned import Canned
from toolgate.local.serve.switch import Generation
from toolgate.local.serve.tokens import issuer_api, resource_metadata
from toolgate.local.serve.tokens.client_secrets import secret_values
from toolgate.local.serve.tokens.identity_api import Identity
from toolgate.local.serve.tokens.issuer import Issuer
from toolgate.local.serve.tokens.issuers import Issuers
from toolgate.local.serve.tokens.ways_in import names_of_clients
from toolgate.local.serve.tokens.workload_tokens import WorkloadTokens
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY, ROLE

if TYPE_CHECKING:
    from toolgate.local.serve.gateway.backend import Backend
    from toolgate.local.serve.gateway.interception import Interceptors
    from toolgate.local.serve.gateway.local_function import InvokeRight, LocalFunction
    from toolgate.local.serve.gateway.mcp_gateway import Closing, LocalGateway
    from toolgate.local.serve.outbound.far_side import Log

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})  # the gateway says which it has
_GATEWAY_BODY = 6 * 2**20  # AgentCore quotas: a gateway's payload


@dataclass(frozen=True)
class Host:
    """What stays while one deployment after another is served.

    Attributes:
        env: The account and Region.
        url: The address.
        root: Where relative paths of a deployment start.
        logs: Where the output of agents and functions goes, and the access log.
        model: The model that answers.
        aws: The services that tools and agents may call besides.
        told: Called with each line of the access log.
        watched: Called with what is known of each call of the model, and of each invocation of a runtime.
        calls: Filled with the gateways' tool calls.
        denials: Filled with what policy engines decided against.
        interceptions: Filled with what interceptors were asked.
        issuers: Who gives tokens.
        places: URLs that targets without a place in the deployment lead to, by the targets' names.
        canned: What connectors answer, by the targets' names.
        sessions: The credentials in force.
        workload_tokens: Gives the tokens by which AgentCore Identity is asked.
        memory_events: What memories keep.
    """

    env: CloudEnvironment
    url: str
    root: Path
    logs: Path
    model: Model
    aws: AwsServices
    told: Told | None
    watched: Told | None
    calls: MutableSequence[ToolCall]
    denials: MutableSequence[Denial]
    interceptions: MutableSequence[Interception]
    issuers: Issuers
    places: Mapping[str, str] = field(default_factory=dict)
    canned: Mapping[str, Canned] = field(default_factory=dict)
    workload_tokens: WorkloadTokens = field(default_factory=WorkloadTokens)
    sessions: Sessions = field(default_factory=Sessions)
    memory_events: MemoryEvents = field(default_factory=MemoryEvents)
    _files: dict[str, BoundedFile] = field(default_factory=dict)

    def load(self, deployment: Deployment, secrets_of: Mapping[str, str]) -> None:
        """Let issuers and data be those of a deployment; see `AwsServices.load`.

        Args:
            deployment: The deployment.
            secrets_of: The clients whose secrets stand in secrets of the program's own, by the secrets' ARNs.
        """
        self.issuers.load(deployment)
        self.aws.load(deployment, secret_values(secrets_of, deployment, self.issuers, self.url))

    def log(self, name: str) -> BoundedFile:
        """The log of this name; it begins anew with us."""
        if name not in self._files:
            self._files[name] = BoundedFile(self.logs / name)
        return self._files[name]

    def close(self) -> None:
        """Close the logs."""
        for file in self._files.values():
            file.close()


@dataclass(frozen=True)
class Agent:
    """An agent's sessions, and a digest of what it is made of: as long as that is the same, they may go on.

    Attributes:
        sessions: The sessions of its runtime, and their processes.
        made_of: The digest.
        folder: The agent's code.
    """

    sessions: RuntimeSessions[AgentProcess]
    made_of: str
    folder: Path

    @property
    def process(self) -> AgentProcess:
        """The newest process."""
        return self.sessions.process


@dataclass(frozen=True)
class Assembly:
    """The parts of one deployment that is served.

    Attributes:
        deployment: The deployment.
        resources: Its resources as the file has them.
        host: What it shares with the deployments before and after it.
        code: An empty folder for the code of functions and agents.
        secrets_of: The clients whose secrets stand in secrets of the program's own, by the secrets' ARNs.
        functions: By the functions' names, what runs them for each target and each gateway that asks them, once the
            app is made.
        function_logs: The functions' logs by the functions' names, once the app is made.
        target_logs: The logs of targets that are no function by the targets' names, once the app is made.
    """

    deployment: Deployment
    resources: tuple[Resource, ...]
    host: Host
    code: Path
    secrets_of: Mapping[str, str] = field(default_factory=dict)
    functions: dict[str, list["LocalFunction"]] = field(default_factory=dict)
    function_logs: dict[str, BoundedFile] = field(default_factory=dict)
    target_logs: dict[str, Path] = field(default_factory=dict)

    @property
    def functions_code(self) -> Path:
        """The folder with the code of the functions."""
        return self.code / "functions"

    def gateway_url(self, gateway_id: str) -> str:
        """The MCP endpoint of a gateway."""
        return f"{self.host.url}/gateway/{gateway_id}/mcp"

    @cached_property
    def access_log(self) -> AccessLog:
        """The access log of all gateways."""
        named = self._agents | self.names_of_clients
        return AccessLog(self.host.log(access_log.FILE_NAME), named, self.host.told)

    @cached_property
    def _agents(self) -> dict[str, str]:
        """The agents' names by their roles' ARNs."""
        return {runtime.role_arn: runtime.agent for runtime in self.deployment.runtimes}

    @cached_property
    def names_of_clients(self) -> dict[str, str]:
        """Whom people know the clients as, by the clients' ids."""
        outputs = next((it.outputs for it in self.resources if it.type == STACK), {})
        return names_of_clients(self.deployment, outputs)

    def agent(self, of: Runtime, before: Agent | None = None) -> Agent:
        """A runtime's agent, not started yet; or the one before, if nothing of it has changed.

        Raises:
            DeploymentError: Its program is not there.
        """
        folder = self.code / "agents" / of.id
        folder.mkdir(parents=True)
        if of.image is not None:
            return self._container(of, of.image, folder, before)
        assert of.code is not None  # noqa: S101  # else it is refused at the start (`unsupported`)
        write_sources(of.code, folder, self.host.root)
        entry_point = inside(folder, of.entry_points[-1])
        if not entry_point.is_file():
            raise DeploymentError(f"{of.label}: its code has no {of.entry_points[-1]}, which is its entry point")
        own = invoke_api.environment(of, self._urls())
        lifecycle = Lifecycle(of.idle_seconds, of.longest_seconds)
        words = [of.agent, of.role_arn, str(lifecycle), *of.entry_points, *map(str, sorted(own.items()))]
        made_of = _digest(folder, words)
        if before and before.made_of == made_of:
            shutil.rmtree(folder)
            return before
        alone = self._use_own_packages(folder)
        environment = self._environment(own, of.role_arn, "BedrockAgentCore-local")
        program = Program(entry_point, alone, of.protocol)
        sessions = self._sessions(of, program, environment, is_new=before is None)
        return Agent(sessions, made_of, folder)

    def _container(self, of: Runtime, image: str, folder: Path, before: Agent | None) -> Agent:
        own = invoke_api.environment(of, self._urls())
        lifecycle = Lifecycle(of.idle_seconds, of.longest_seconds)
        made_of = _digest(folder, [of.agent, of.role_arn, image, str(lifecycle), *map(str, sorted(own.items()))])
        if before and before.made_of == made_of:
            folder.rmdir()
            return before
        everything = self._environment(own, of.role_arn, "BedrockAgentCore-local")
        # What of this machine a process needs to run, a container has of its own.
        inside = {name: value for name, value in everything.items() if name in own or name not in INHERITED}
        program, environment = containers.container(folder, image, inside, self.host.url, of.protocol)
        return Agent(self._sessions(of, program, environment, is_new=before is None), made_of, folder)

    def _sessions(
        self, of: Runtime, program: Program, environment: Mapping[str, str], *, is_new: bool
    ) -> RuntimeSessions[AgentProcess]:
        log = self.host.logs / self._runtime_log(of)
        if is_new:
            log.unlink(missing_ok=True)
        named = f"{'server' if of.arn in self.deployment.server_arns else 'agent'} {of.agent}"
        make = functools.partial(AgentProcess, named, program, environment, log)
        return RuntimeSessions(make, Lifecycle(of.idle_seconds, of.longest_seconds))

    def generation(self, agents: Mapping[str, Agent]) -> Generation:
        """The ASGI app of everything, and what must run with it.

        Args:
            agents: The agents by their runtimes' ARNs.
        """
        sessions = {arn: agent.sessions for arn, agent in agents.items()}
        gateways = [self._gateway(gateway, agents) for gateway in self.deployment.gateways]
        services = [
            gateway_service(g, built, self.access_log, self._bearer(g))
            for g, built in zip(self.deployment.gateways, gateways, strict=True)
        ]
        stages, functions = self._stages()
        connections = invoke_api.Connections()
        invoke = invoke_api.runtime_app(sessions, connections)
        post = frozenset({"POST"})
        runtimes = {runtime.arn: runtime.agent for runtime in self.deployment.runtimes}
        told, servers = self.host.watched, self.deployment.server_arns
        watch = Watch(told, self._agents, runtimes, servers) if told else None
        services += [
            Service(
                "bedrock-agentcore",
                invoke_api.PATH,
                post,
                invoke_api.permissions,
                invoke,
                invoke_api.MAX_BODY,
                record=recording(watch, INVOCATION),
            ),
            Service(
                "bedrock",
                converse_api.PATH,
                post,
                converse_api.permissions(self.host.env, self._destinations()),
                self.host.model.app,
                converse_api.MAX_BODY,
                record=recording(watch, MODEL),
            ),
            *self._tokens(),
            *self._memories(),
            *(service for stage, behind in stages for service in rest_api_service.services(stage, behind)),
            *self.host.aws.services(),
            *self._looking_around(),
        ]
        authority = Authority(self.host.sessions, self.host.env.region, self._policies())
        app = authorized(services, authority, not_served)
        ends = [*(it for gateway in gateways for it in gateway.ends), *functions, connections]
        return Generation(app, lambda: _running(ends, sessions.values()))

    def _tokens(self) -> list[Service]:
        """Who gives tokens, and where gateways say whose they take; nothing where nobody takes any."""
        host, tokens = self.host, self.deployment.tokens
        if not (tokens.user_pools or tokens.providers):
            return []
        about = {g.id: self._metadata(g) for g in self.deployment.gateways if g.jwt}
        return [
            self._identity().service(),
            issuer_api.service(host.issuers, host.url),
            resource_metadata.service(about),
        ]

    def _identity(self) -> Identity:
        host = self.host
        return Identity(self.deployment, host.env, host.issuers, host.workload_tokens, lambda: host.aws.account)

    def _policies(self) -> dict[str, Policy]:
        """Policies of resources by the resources' ARNs."""
        of_apis = {it.execution_arn: it.policy for it in self.deployment.rest_apis if it.policy}
        return {**self.deployment.resource_policies, **of_apis, **self.host.aws.policies}

    def _stages(self) -> tuple[list[tuple[ServedStage, Behind]], list["LocalFunction"]]:
        """The stages of REST APIs that are served, each with what is behind it; and the functions, to end them."""
        made: dict[str, LocalFunction] = {}

        def running(function: Function) -> "LocalFunction":
            if function.arn not in made:
                made[function.arn] = self._function(function, function.label, function.name)
            return made[function.arn]

        found = served_stages(self.deployment)
        functions = {function.arn: running(function) for stage in found for _, function in stage.methods}
        policies = own_policies(self.deployment, functions)
        behind = Behind(self.host.env, running, policies.get, self.deployment.role)
        return [(stage, behind) for stage in found], list(functions.values())

    def _memories(self) -> list[Service]:
        """What memories keep, where the deployment has any."""
        memories = tuple(served_memories(self.resources))
        return [MemoryApi(memories, self.host.env, self.host.memory_events).service()] if memories else []

    def _metadata(self, gateway: Gateway) -> dict[str, Any]:
        assert gateway.jwt is not None  # noqa: S101  # else nobody asks
        issuer = self._issuer(gateway.jwt)
        at = issuer_api.issuer_url(self.host.url, issuer)
        return resource_metadata.document(self.gateway_url(gateway.id), at, gateway.jwt.scopes)

    def _bearer(self, gateway: Gateway) -> BearerGuard | None:
        """What stands in front of a gateway that takes tokens; None where requests are signed."""
        if gateway.jwt is None:
            return None
        return BearerGuard(gateway.jwt, self._issuer(gateway.jwt), resource_metadata.url(self.host.url, gateway.id))

    def _issuer(self, authorizer: JwtAuthorizer) -> Issuer:
        issuer = self.host.issuers.of(authorizer.discovery_url)
        assert issuer is not None  # noqa: S101  # else it is refused at the start (`unsupported`)
        return issuer

    def _destinations(self) -> dict[str, tuple[str, ...]]:
        """Where the deployment's own roles say that inference profiles lead."""
        return converse_api.named_destinations(policy for role in self.deployment.roles for policy in role.policies)

    def _looking_around(self) -> list[Service]:
        """After the services that do something: the control plane takes what else is signed for AgentCore."""
        served = control_api.Served(self.deployment, self.resources, self.host.env, self._urls(), datetime.now(UTC))
        roles = [resource for resource in self.resources if resource.type == ROLE]
        role_ids = {role.text("arn"): role.optional_text("uniqueId") or "" for role in roles}
        pools = cognito_api.Pools(self.resources, self.host.env, served.since)
        return [control_api.service(served), cognito_api.service(pools), sts_api.service(role_ids)]

    def _urls(self) -> dict[str, str]:
        """The deployment's gateway URLs and the local ones."""
        return {gateway.url: self.gateway_url(gateway.id) for gateway in self.deployment.gateways}

    def _gateway(self, gateway: Gateway, agents: Mapping[str, Agent]) -> "LocalGateway":
        from toolgate.local.serve.gateway.local_function import InvokeRight  # noqa: PLC0415  # as below
        from toolgate.local.serve.gateway.mcp_gateway import Checks, build  # noqa: PLC0415  # a second of imports, while the agents start
        from toolgate.local.serve.guards.cedar_guard import tool_authorization  # noqa: PLC0415  # as above

        role = self._role(gateway.role_arn)
        right = InvokeRight(role, functools.partial(function_policy, self.deployment))
        log = functools.partial(self._target_log, agents)
        backends = [
            (target, self._backend(gateway, target, right, log)) for target in self.deployment.targets_of(gateway)
        ]
        checks = Checks(
            tool_authorization(self.deployment, gateway, role, self.host.denials.append),
            self._interceptors(gateway, right) if gateway.interceptors else None,
        )
        return build(gateway, backends, self.host.calls.append, checks)

    def _interceptors(self, gateway: Gateway, right: "InvokeRight") -> "Interceptors":
        from toolgate.local.serve.gateway.interception import Interceptors  # noqa: PLC0415  # as above

        functions: dict[str, LocalFunction] = {}
        for arn in dict.fromkeys(it.function_arn for it in gateway.interceptors):
            function = self.deployment.function(arn)
            assert function is not None  # noqa: S101  # else it is refused at the start (`unsupported`)
            points = {point.lower() for it in gateway.interceptors if it.function_arn == arn for point in it.points}
            wanted = f"{points.pop()}-interceptor" if len(points) == 1 else "interceptor"
            functions[arn] = self._function(function, gateway.label, wanted)
        return Interceptors(gateway, right, functions, self.host.interceptions.append)

    def _backend(
        self, gateway: Gateway, target: Target, right: "InvokeRight", log: Callable[[Target], "Log"]
    ) -> "Backend":
        """What stands behind a target."""
        from toolgate.local.serve.gateway.lambda_backend import LambdaBackend  # noqa: PLC0415  # as above
        from toolgate.local.serve.gateway.local_function import AbsentFunction  # noqa: PLC0415  # as above
        from toolgate.local.serve.outbound.backends import Outside  # noqa: PLC0415  # as above

        if target.kind != "mcp.lambda":
            host, policies = self.host, self._policies()
            outside = Outside(
                deployment=self.deployment,
                url=host.url,
                root=host.root,
                sessions=host.sessions,
                identity=self._identity(),
                places=host.places,
                answers=host.canned,
                policies=policies,
                log=log,
            )
            return outside.backend(gateway, target, right.role)
        found = self.deployment.function(target.function_arn or "")
        function = self._function(found, target.label, target.name) if found else None
        return LambdaBackend(gateway.id, target, function or AbsentFunction(target.function_arn or ""), right)

    def _target_log(self, agents: Mapping[str, Agent], target: Target) -> "Log":
        """The log of what stands behind a target: the server's own, or one by the target's name."""
        from toolgate.local.serve.outbound.far_side import Log  # noqa: PLC0415  # as above

        if server := agents.get(target.place.runtime_arn or ""):
            self.target_logs[target.name] = server.process.log
            return Log(server.process.log, server.process.tell)
        taken = set(map(self._runtime_log, self.deployment.runtimes))
        file = self.host.log(f"{target.id if f'{target.name}.log' in taken else target.name}.log")
        self.target_logs[target.name] = file.path
        return Log(file.path, lambda line: file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}\n".encode()))

    def _function(self, function: Function, label: str, log: str) -> "LocalFunction":
        """What runs a function.

        Args:
            function: The function.
            label: Who calls it, for messages.
            log: What its log is called, if nothing else is.
        """
        from toolgate.local.serve.gateway.local_function import LocalFunction  # noqa: PLC0415  # as above

        if function.code is None:
            raise DeploymentError(f"{label}: its function cannot be run here")
        folder = self.functions_code / function.name
        if not folder.exists():
            folder.mkdir(parents=True)
            write_out(function.code, folder, self.host.root)
            self._use_own_packages(folder)
        environment = self._environment(function.environment, function.role_arn, function.name)
        made = LocalFunction(function, code=folder, environment=environment, log=self._function_log(function, log))
        self.functions.setdefault(function.name, []).append(made)
        return made

    def _runtime_log(self, runtime: Runtime) -> str:
        """The name of a runtime's log: a server that is called like an agent has its id."""
        is_server = runtime.arn in self.deployment.server_arns
        taken = is_server and any(it.agent == runtime.agent for it in self.deployment.agents)
        return f"{runtime.id if taken else runtime.agent}.log"

    def _function_log(self, function: Function, wanted: str) -> BoundedFile:
        """The function's log: named as wanted, or for itself where an agent or another function has that name."""
        if function.name not in self.function_logs:
            taken = set(map(self._runtime_log, self.deployment.runtimes))
            taken |= {log.path.name for log in self.function_logs.values()}
            name = f"{wanted}.log" if f"{wanted}.log" not in taken else f"{function.name}.log"
            self.function_logs[function.name] = self.host.log(name)
        return self.function_logs[function.name]

    def _use_own_packages(self, code: Path) -> bool:
        """Put this machine's packages where those for AWS's are; whether the code has packages of its own."""
        try:
            found = packages(code, self.host.root)
        except PackagesError as error:
            raise DeploymentError(str(error)) from error
        for package in found.iterdir() if found else ():
            place = code / package.name
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
            place.symlink_to(package.absolute())
        return found is not None

    def _environment(self, own: Mapping[str, str], role_arn: str, session: str) -> dict[str, str]:
        credentials = self.host.sessions.lasting(self._role(role_arn), session)
        return process_environment(own, credentials, self.host.url, self.host.env.region)

    def _role(self, arn: str) -> Role:
        role = self.deployment.role(arn)
        if role is None:
            raise DeploymentError(f"role {arn} is not in the deployment")
        return role


def gateway_service(
    gateway: Gateway, built: "LocalGateway", log: AccessLog, bearer: BearerGuard | None = None
) -> Service:
    """A gateway behind whatever checks the caller, with its lines in the access log.

    Args:
        gateway: The gateway.
        built: What answers for it.
        log: Its access log.
        bearer: What checks tokens, where the gateway takes them instead of signatures.
    """
    return Service(
        name="bedrock-agentcore",
        path=re.compile(re.escape(f"/gateway/{gateway.id}/mcp")),
        methods=_METHODS,
        permissions=lambda _match, _request: [NeededPermission(INVOKE_GATEWAY, gateway.arn)],
        app=built.app,
        max_body=_GATEWAY_BODY,
        record=lambda entry: log.write(entry, gateway.arn, built.tools),
        refuse=refuse if bearer is None else refuse_token,
        admit=None if bearer is None else bearer.admit,
    )


def _digest(folder: Path, words: Sequence[str]) -> str:
    digest = hashlib.sha256("\0".join(words).encode())
    for path in sorted(it for it in folder.rglob("*") if it.is_file()):
        digest.update(f"\0{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@asynccontextmanager
async def _running(ends: Sequence["Closing"], runtimes: Iterable[RuntimeSessions[AgentProcess]]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for one in ends:
            stack.push_async_callback(one.aclose)
        watching = [asyncio.create_task(runtime.watch()) for runtime in runtimes]
        try:
            yield
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

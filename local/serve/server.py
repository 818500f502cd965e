"""Serve a deployment on this machine: one port, all its gateways and runtimes, and a model."""

import re
import shutil
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.deployment.roles import Role
from toolgate.access.deployment.stack_export import DeploymentError, resources
from toolgate.access.iam.policies import Policy
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.access_log import Told
from toolgate.local.serve.assembly import Agent, Assembly, Host
from toolgate.local.serve.aws.aws_services import AwsServices
from toolgate.local.serve.callers import OfTokens, callers
from toolgate.local.serve.control import cognito_api
from toolgate.local.serve.control.control_api import READ_ACTIONS
from toolgate.local.serve.environment import client_variables
from toolgate.local.serve.gateway.records import Denial, Interception, ToolCall
from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.loopback_server import HOST, listening, running
from toolgate.local.serve.memory.served_memories import served_memories
from toolgate.local.serve.model.models import SCRIPTED, chosen
from toolgate.local.serve.outbound import canned as of_files
from toolgate.local.serve.outbound.canned import Canned
from toolgate.local.serve.outbound.places import check
from toolgate.local.serve.outbound.places import notes as where_targets_lead
from toolgate.local.serve.serving_file import Caller
from toolgate.local.serve.switch import Switch
from toolgate.local.serve.tokens.client_secrets import clients_of_secrets
from toolgate.local.serve.tokens.issuers import Issuers
from toolgate.local.serve.unsupported import notes, unsupported
from toolgate.policy.language.agentcore_facts import INVOKE_RUNTIME, STOP_RUNTIME_SESSION

_LAST = 100  # records of calls that a server without end keeps
OPERATOR = "toolgate-local-operator"
_USES = (INVOKE_RUNTIME, STOP_RUNTIME_SESSION)
_ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/.+")


@dataclass
class Serving:
    """A deployment that is being served.

    Attributes:
        url: Its address, `http://127.0.0.1:<port>`.
        environment: Variables that lead any AWS SDK here, with credentials that may use the deployment's runtimes and
            read what is served.
        agents: Agents' names and their runtimes' ARNs.
        servers: MCP servers' names and their runtimes' ARNs.
        logs: Agents' names and the files with their output.
        function_logs: Functions' names and the files with their output.
        target_logs: Of targets that are no function: a server's own log, or what the gateway was answered in vain.
        access_log: The file with a line for each exchange with a gateway (`toolgate.local.serve.access_log`).
        calls: Tool calls that the gateways really made, in order.
        denials: Tool calls that policy engines decided against, in order.
        interceptions: What gateways' interceptors were asked, in order, and what became of it.
        callers: By the agents' names, what one needs to call tools in an agent's place.
        notes: In a sentence each, what is left out here and changes no decision.
        model: Which model answers, in one line.
        deployment: What is served.
    """

    url: str
    environment: dict[str, str] = field(repr=False)
    agents: dict[str, str]
    servers: dict[str, str]
    logs: dict[str, Path]
    function_logs: dict[str, Path]
    target_logs: dict[str, Path]
    access_log: Path
    calls: Sequence[ToolCall]
    denials: Sequence[Denial]
    interceptions: Sequence[Interception]
    callers: Mapping[str, Caller] = field(repr=False)
    notes: tuple[str, ...]
    model: str
    deployment: Deployment = field(repr=False)
    _world: "_World" = field(repr=False)

    def reload(self, deployment: Mapping[str, Any]) -> None:
        """Serve another deployment in this one's place, at the same address; an agent that has not changed goes on.

        What it raises changes nothing: this one is served on.

        Args:
            deployment: A parsed stack export of the same account and Region.

        Raises:
            DeploymentError: See `serve`; or it is in another account or Region.
            AgentStartError: An agent did not come up.
        """
        self._world.reload(deployment)
        vars(self).update(self._world.describe())

    def replace_files(self, function: str, files: Mapping[str, bytes]) -> None:
        """Replace files in the code of a function; its next call meets them.

        Args:
            function: The function's name.
            files: Contents by place.
        """
        self._world.replace_files(function, files)

    def session(self, role_arn: str) -> Credentials:
        """Credentials of a role of the deployment, or of one that is not in it and so may do nothing.

        Raises:
            ValueError: This is not the ARN of a role.
        """
        if not _ROLE_ARN.fullmatch(role_arn):
            raise ValueError(f"not a role's ARN: {role_arn}")
        role = self._world.assembly.deployment.role(role_arn)
        if role is None:
            role = Role(arn=role_arn, name=role_arn.rsplit("/", 1)[-1], trust={})
        return self._world.host.sessions.lasting(role, "local")

    def gateway_url(self, gateway_id: str) -> str:
        """The MCP endpoint of a gateway."""
        return f"{self.url}/gateway/{gateway_id}/mcp"

    def token(self, client_id: str, **claims: Any) -> str:
        """An access token of a client of the deployment, for tests: with other claims than its issuer's own.

        Args:
            client_id: The client.
            claims: Claims to change; None takes one away. `exp=0` is a token that has expired.

        Raises:
            NoTokenError: The deployment has no such client.
        """
        return self._world.host.issuers.token(client_id, claims)

    def rotate_keys(self) -> None:
        """Let every issuer sign with another key: what it has signed so far is refused, and a new token is not."""
        self._world.host.issuers.rotate()


@contextmanager
def serve(  # noqa: PLR0913  # what may be left out is named
    deployment: Mapping[str, Any],
    root: Path | None = None,
    *,
    port: int = 0,
    logs: Path | None = None,
    model: str = SCRIPTED,
    told: Told | None = None,
    watched: Told | None = None,
    token_seconds: int | None = None,
    places: Mapping[str, str] | None = None,
    canned: Mapping[str, Canned] | None = None,
) -> Iterator[Serving]:
    """Serve a deployment until the block ends; then nothing of it is left running.

    Args:
        deployment: A parsed stack export (version 3).
        root: The program's folder, where relative paths in the deployment start; the current one when left out.
        port: The port, or 0 for a free one.
        logs: Folder for the logs; `.local/logs` under the root when left out.
        model: Who answers: `scripted`, `bedrock`, or an OpenAI-compatible `URL#MODEL`.
        told: Called with each line of the access log, from a thread of ours. Who listens needs no records: `calls`,
            `denials` and `interceptions` then keep the last ones only.
        watched: The same of each call of the model, and of each invocation of a runtime
            (`toolgate.local.serve.other_exchanges`).
        token_seconds: How long every access token holds; what the deployment says of each client when left out.
        places: By targets' names the URLs that they really lead to, where that is not in the deployment.
        canned: By targets' names what connectors answer (`outbound.canned.read`).

    Raises:
        DeploymentError: This is not a deployment, or it relies on something that is not reproduced.
        ModelChoiceError: There is no such model, or there are no credentials for it.
        PortInUseError: Another program listens on the port.
        AgentStartError: An agent did not come up.
    """
    root = (root or Path()).resolve()
    parsed = parse(deployment)
    env = _environment_of(parsed)
    of_files.check(canned or {}, parsed)
    _refuse_unsupported(parsed, env, canned or {})
    check(places or {}, parsed)
    answering = chosen(model, env.region)
    with ExitStack() as stack:
        listener = stack.enter_context(listening(port))
        code = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="toolgate-")))
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        calls: MutableSequence[ToolCall] = deque(maxlen=_LAST) if told else []
        denials: MutableSequence[Denial] = deque(maxlen=_LAST) if told else []
        interceptions: MutableSequence[Interception] = deque(maxlen=_LAST) if told else []
        aws = AwsServices(env, root)
        stack.callback(aws.close)
        issuers = Issuers(token_seconds)
        host = Host(
            env,
            url,
            root,
            logs or root / ".local" / "logs",
            answering,
            aws,
            told,
            watched,
            calls,
            denials,
            interceptions,
            issuers,
            places or {},
            canned or {},
        )
        stack.callback(host.close)
        found = resources(deployment)
        secrets_of = clients_of_secrets(found)
        host.load(parsed, secrets_of)
        world = _World(host, code, Assembly(parsed, found, host, code / "0", secrets_of))
        stack.callback(world.stop)
        world.start()  # the agents load while we do; the listener holds their first requests
        stack.enter_context(running(world.switch, listener, "local-deployment"))
        world.wait_ready()
        yield Serving(url=url, _world=world, **world.describe())


class _World:
    """What is served at the moment, and how the next one takes its place."""

    def __init__(self, host: Host, code: Path, first: Assembly) -> None:
        self.host = host
        self.assembly = first
        self.switch: Switch
        self._code = code
        self._number = 0
        self._agents: dict[str, Agent] = {}
        self._leaving: list[Agent] = []
        self._operator = host.sessions.lasting(_operator(first.deployment, host.env), "local")

    def start(self) -> None:
        """Start the first one's agents, and put the rest together."""
        for runtime in self.assembly.deployment.runtimes:
            self._agents[runtime.arn] = agent = self.assembly.agent(runtime)
            agent.sessions.start()
        self.switch = Switch(self.assembly.generation(self._agents))

    def wait_ready(self) -> None:
        """Wait until the agents answer and the data is there."""
        for agent in self._agents.values():
            agent.sessions.wait_ready()
        self.host.aws.wait()

    def stop(self) -> None:
        """End the agents."""
        _stop([*self._agents.values(), *self._leaving])

    def replace_files(self, function: str, files: Mapping[str, bytes]) -> None:
        for one in self.assembly.functions.get(function, []):
            self.switch.run(one.replace(files))

    def reload(self, deployment: Mapping[str, Any]) -> None:
        parsed = parse(deployment)
        if _environment_of(parsed) != self.host.env:
            raise DeploymentError("the deployment is in another account or Region now: start `toolgate up` again")
        _refuse_unsupported(parsed, self.host.env, self.host.canned)
        self._number += 1
        found = resources(deployment)
        secrets_of = clients_of_secrets(found)
        assembly = Assembly(parsed, found, self.host, self._code / str(self._number), secrets_of)
        before = self.assembly
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, assembly.code, ignore_errors=True)
            agents = {it.arn: assembly.agent(it, self._agents.get(it.arn)) for it in parsed.runtimes}
            new = [agent for arn, agent in agents.items() if agent is not self._agents.get(arn)]
            undo.callback(self._load, before)
            undo.callback(_stop, new)
            self._load(assembly)
            for agent in new:
                agent.sessions.start()
            for agent in new:
                agent.sessions.wait_ready()
            gone = [agent for agent in self._agents.values() if agent not in agents.values()]
            self._leaving += gone
            self.switch.replace(assembly.generation(agents), lambda: self._end(gone, before.functions_code))
            undo.pop_all()
        self._agents, self.assembly = agents, assembly
        self.switch.run(self._forget_memories())

    async def _forget_memories(self) -> None:
        """A memory that is not in the deployment any more has lost its events; in the server's loop, as all of them."""
        self.host.memory_events.keep({memory.arn for memory in served_memories(self.assembly.resources)})

    def _end(self, gone: Sequence[Agent], functions: Path) -> None:
        """End agents that have answered all they had; an end of everything in between ends them, too."""
        _stop(gone)
        self._leaving = [agent for agent in self._leaving if agent not in gone]
        for folder in (functions, *(agent.folder for agent in gone)):
            shutil.rmtree(folder, ignore_errors=True)
            for above in (folder.parent, folder.parent.parent):
                with suppress(OSError):  # something else is in it
                    if above != self._code:
                        above.rmdir()

    def _load(self, assembly: Assembly) -> None:
        """Let data, issuers and credentials be those of a deployment."""
        deployment = assembly.deployment
        self.host.load(deployment, assembly.secrets_of)
        self.host.aws.wait()
        self.host.sessions.renew([*deployment.roles, _operator(deployment, self.host.env)])

    def describe(self) -> dict[str, Any]:
        """What `Serving` says of the deployment that is served."""
        assembly, host, deployment = self.assembly, self.host, self.assembly.deployment
        urls = {gateway.id: assembly.gateway_url(gateway.id) for gateway in deployment.gateways}
        names = assembly.names_of_clients
        servers = deployment.servers
        return {
            "environment": client_variables(host.url, host.env.region) | self._operator.environment(),
            "agents": {it.agent: it.arn for it in deployment.agents},
            "servers": {it.agent: it.arn for it in servers},
            "logs": {it.agent: self._agents[it.arn].process.log for it in deployment.agents},
            "target_logs": dict(assembly.target_logs),
            "function_logs": {name: log.path for name, log in assembly.function_logs.items()},
            "access_log": assembly.access_log.file.path,
            "calls": host.calls,
            "denials": host.denials,
            "interceptions": host.interceptions,
            "notes": (
                *notes(deployment, host.env),
                *where_targets_lead(host.places, deployment),
                *of_files.notes(host.canned, deployment),
                *host.aws.notes,
            ),
            "model": host.model.says,
            "deployment": deployment,
            "callers": callers(deployment, host.sessions, urls, OfTokens(host.issuers, host.url, names)),
        }


def _stop(agents: Iterable[Agent]) -> None:
    for agent in agents:
        agent.sessions.stop()


def _operator(deployment: Deployment, env: CloudEnvironment) -> Role:
    served = [arn for r in deployment.runtimes for arn in (r.arn, f"{r.arn}/runtime-endpoint/DEFAULT")]
    uses = [{"Sid": "UseRuntimes", "Effect": "Allow", "Action": list(_USES), "Resource": served}] if served else []
    # Whoever starts the deployment has its file, and lists take no narrower resource.
    reads = {"Sid": "Read", "Effect": "Allow", "Action": [*READ_ACTIONS, *cognito_api.READ_ACTIONS], "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [*uses, reads]}
    arn = env.global_arn("iam", f"role/{OPERATOR}")
    return Role(arn=arn, name=OPERATOR, trust={}, policies=(Policy(OPERATOR, document),))


def _environment_of(deployment: Deployment) -> CloudEnvironment:
    arns = [gateway.arn for gateway in deployment.gateways] + [runtime.arn for runtime in deployment.runtimes]
    if not arns:
        raise DeploymentError("there is nothing to serve: the deployment has no gateway and no runtime")
    _, _, _, region, account, _ = arns[0].split(":", 5)
    return CloudEnvironment(account=account, region=region)


def _refuse_unsupported(deployment: Deployment, env: CloudEnvironment, canned: Mapping[str, Canned]) -> None:
    reasons = unsupported(deployment, env, canned)
    if reasons:
        raise DeploymentError(
            "the local deployment would not behave as AWS does (docs/local.md): " + "; ".join(reasons)
        )

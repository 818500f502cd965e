"""A deployment as typed views: roles with their documents, gateways, targets, functions, runtimes.

The provider's answers come first and what the program wrote second, so that a plan, an export of a real stack and a
stack that was not written with our components all read alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from toolgate.access.deployment.agentcore_resources import (
    Function,
    FunctionLog,
    Gateway,
    PolicyEngine,
    Runtime,
    Target,
)
from toolgate.access.deployment.data_resources import service_of
from toolgate.access.deployment.function_access import NO_ACCESS, FunctionAccess, read_function_access
from toolgate.access.deployment.given_identities import read_given
from toolgate.access.deployment.interceptors import read_interceptors
from toolgate.access.deployment.memories import Memory, read_memories
from toolgate.access.deployment.not_read import OWN_POLICY, NotRead, read_not_read
from toolgate.access.deployment.policy_attachments import read_attachments
from toolgate.access.deployment.policy_engines import read_attachment, read_policy_engines
from toolgate.access.deployment.rest_apis import RestApi, read_rest_apis
from toolgate.access.deployment.roles import Role, read_roles
from toolgate.access.deployment.stack_export import Archive, Asset, DeploymentError, Hidden, Resource, load, resources
from toolgate.access.deployment.stages import with_stage_tools
from toolgate.access.deployment.supplied_policies import with_policies
from toolgate.access.deployment.targets import read_target, with_undecided
from toolgate.access.deployment.tokens import NO_TOKENS, Tokens, read_authorizer, read_tokens
from toolgate.access.deployment.users import User, read_users
from toolgate.access.iam.identities import Identity, outsider
from toolgate.access.iam.policies import UNREAD, Policy, read_resource_policy
from toolgate.access.iam.unique_ids import with_arns
from toolgate.policy.language import coverage
from toolgate.policy.language.agentcore_facts import (
    API_KEY_PROVIDER,
    CEDAR_POLICY,
    FUNCTION,
    FUNCTION_URL,
    GATEWAY,
    LAMBDA_PERMISSION,
    MEMORY,
    MEMORY_STRATEGY,
    OAUTH2_PROVIDER,
    POLICY_ENGINE,
    RESOURCE_POLICY,
    ROLE,
    RUNTIME,
    TARGET,
    USER,
    WORKLOAD_IDENTITY,
)
from toolgate.policy.language.carriers import CARRIERS

OBJECTS = frozenset({"aws:s3/bucketObjectv2:BucketObjectv2", "aws:s3/bucketObject:BucketObject"})
STACK = "pulumi:pulumi:Stack"

_DEFAULT_VERSIONS = ("2025-03-26",)  # all that a gateway made without the setting accepts (seen live, August 2026)
_UNRESERVED = -1  # how the provider says that no concurrency is reserved
_SESSION_SECONDS = 3600  # unless the gateway says otherwise (AgentCore developer guide, "Use MCP sessions")
_READ = {
    *(GATEWAY, TARGET, RUNTIME, RESOURCE_POLICY, POLICY_ENGINE, CEDAR_POLICY, OAUTH2_PROVIDER, WORKLOAD_IDENTITY),
    *(API_KEY_PROVIDER, MEMORY, MEMORY_STRATEGY),
}
JUDGED = _READ | CARRIERS.keys() | {FUNCTION, FUNCTION_URL, LAMBDA_PERMISSION}
"""The types of AgentCore, IAM, Lambda and Identity Center that have a say here and that some view covers."""


@dataclass(frozen=True)
class Deployment:
    """Everything of a deployment that says who may call what, and what runs.

    `resource_policies` maps the ARN of a gateway, runtime or memory to its resource policy, to the last one where there
    are several, and `rival_policies` to all of these; `others` labels AgentCore resources that no view covers; `data`
    are the resources that tools keep data in, as `data_resources` reads them; `given` are identities that it does not
    make but writes into, or gives to an agent, as `given_identities` reads them; `function_access` says who may use
    functions past a gateway; `not_judged` says in a sentence each what may let somebody in and is not read; `stack` is
    the stack's name, as the resources' URNs have it; `not_read` is what a scan of an account could not read;
    `tokens` is what tokens are made with; `memories` are where conversations are kept; `rest_apis` are those of API
    Gateway.
    """

    roles: tuple[Role, ...]
    users: tuple[User, ...]
    gateways: tuple[Gateway, ...]
    targets: tuple[Target, ...]
    functions: tuple[Function, ...]
    runtimes: tuple[Runtime, ...]
    resource_policies: Mapping[str, Policy]
    policy_engines: tuple[PolicyEngine, ...]
    others: tuple[str, ...]
    data: tuple[Resource, ...] = ()
    given: tuple[Identity, ...] = ()
    function_access: FunctionAccess = NO_ACCESS
    not_judged: tuple[str, ...] = ()
    rival_policies: Mapping[str, tuple[Policy, ...]] = field(default_factory=dict)
    stack: str = ""
    not_read: tuple[NotRead, ...] = ()
    tokens: Tokens = NO_TOKENS
    memories: tuple[Memory, ...] = ()
    rest_apis: tuple[RestApi, ...] = ()

    def unread(self, arn: str, part: str) -> bool:
        """Whether a scan could not read this part (`not_read`) of the resource with this ARN."""
        return (arn, part) in self._unread or (arn, None) in self._unread

    @cached_property
    def _unread(self) -> frozenset[tuple[str | None, str | None]]:
        return frozenset((it.about, it.part) for it in self.not_read)

    def policies_on(self, arn: str) -> tuple[Policy, ...]:
        """The resource policies that the deployment puts on a resource: of several, AWS keeps whichever comes last."""
        only = self.resource_policies.get(arn)
        return self.rival_policies.get(arn) or ((only,) if only else ())

    def role(self, arn: str) -> Role | None:
        """The role with this ARN, if it is one of the deployment."""
        return next((role for role in self.roles if role.arn == arn), None)

    def identity(self, arn: str) -> Identity:
        """The role, user or account with this ARN as far as the deployment knows it."""
        known = next((it for it in (*self.roles, *self.users, *self.given) if it.arn == arn), None)
        return known or outsider(arn)

    def function(self, arn: str) -> Function | None:
        """The function with this ARN, if it is one of the deployment."""
        return next((function for function in self.functions if function.arn == arn), None)

    @cached_property
    def server_arns(self) -> frozenset[str]:
        """ARNs of the runtimes that are MCP servers, or stand behind a target as one."""
        behind = {target.place.runtime_arn for target in self.targets}
        return frozenset(it.arn for it in self.runtimes if it.protocol == "MCP" or it.arn in behind)

    @property
    def servers(self) -> tuple[Runtime, ...]:
        """The runtimes with those ARNs: tools behind a gateway."""
        return tuple(it for it in self.runtimes if it.arn in self.server_arns)

    @property
    def agents(self) -> tuple[Runtime, ...]:
        """The runtimes that are asked something; a server of tools is none."""
        return tuple(it for it in self.runtimes if it.arn not in self.server_arns)

    def rest_api(self, api_id: str | None) -> RestApi | None:
        """The REST API with this id, if it is one of the deployment."""
        return next((it for it in self.rest_apis if it.id == api_id), None)

    def targets_of(self, gateway: Gateway) -> tuple[Target, ...]:
        """The gateway's targets."""
        return tuple(target for target in self.targets if target.gateway_id == gateway.id)


def read(path: Path, policies: Sequence[Mapping[str, Any]] = ()) -> Deployment:
    """The deployment in a file.

    Args:
        path: The file.
        policies: Managed policies that it only names, as `supplied_policies` reads them.

    Raises:
        DeploymentError: The file is not a deployment; one line that says why.
    """
    try:
        return parse(with_policies(load(path), policies))
    except DeploymentError as error:
        message = str(error)
        raise DeploymentError(message if message.startswith(str(path)) else f"{path}: {message}") from error


def parse(export: Mapping[str, Any]) -> Deployment:
    """The deployment in a parsed export (`{"version": 3, "deployment": {...}}`).

    Raises:
        DeploymentError: This is not a deployment, or a value that is needed is hidden or not known yet.
    """
    every = resources(export)
    found = tuple(r for r in every if not r.unread)
    attachments = read_attachments(found)
    uploaded = _uploaded(found)
    users = read_users(found, attachments)
    ids = ((r.optional_text("uniqueId"), r.text("arn")) for r in found if r.type in {ROLE, USER})
    arns = {unique_id: arn for unique_id, arn in ids if unique_id}
    roles = tuple(replace(role, trust=with_arns(role.trust, arns)) for role in read_roles(found, attachments))
    on_resources = _resource_policies(found, arns)
    missing = tuple(read_not_read(found))
    unread = {it.about: UNREAD for it in missing if it.about and it.part == OWN_POLICY}
    by_type = {wanted: [r for r in found if r.type == wanted] for wanted in (*_READ, FUNCTION)}
    functions = tuple(_function(r) for r in by_type[FUNCTION])
    targets = with_undecided(with_stage_tools(map(read_target, by_type[TARGET]), found), found)
    # Who gives a server its target gives it its name.
    agents = {it.place.runtime_arn: it.name for it in targets if it.place.runtime_arn} | _agent_names(found)
    runtimes = tuple(_runtime(r, agents, uploaded) for r in by_type[RUNTIME])
    return Deployment(
        roles=roles,
        users=users,
        gateways=tuple(_gateway(r, functions) for r in by_type[GATEWAY]),
        targets=targets,
        functions=functions,
        runtimes=runtimes,
        resource_policies={arn: policies[-1] for arn, policies in on_resources.items()} | unread,
        rival_policies={arn: policies for arn, policies in on_resources.items() if len(policies) > 1},
        policy_engines=read_policy_engines(found),
        others=tuple(r.label for r in every if _of_agentcore(r) and (r.unread or r.type not in _READ)),
        data=tuple(r for r in found if service_of(r.type)),
        given=read_given(found, (*roles, *users), attachments),
        function_access=read_function_access(found),
        not_judged=tuple(_not_judged(every)),
        stack=next((r.urn.removeprefix("urn:pulumi:").partition("::")[0] for r in found), ""),
        not_read=missing,
        tokens=read_tokens(found),
        memories=read_memories(found, runtimes),
        rest_apis=read_rest_apis(found),
    )


def _of_agentcore(resource: Resource) -> bool:
    return coverage.service_of(resource.type) == coverage.AGENTCORE


def _not_judged(found: tuple[Resource, ...]) -> Iterator[str]:
    for resource in found:
        properties = None if resource.unread else {**resource.inputs, **resource.outputs}
        if reason := coverage.not_judged(resource.type, properties, JUDGED):
            yield f"{resource.label} {reason}"


def _resource_policies(found: tuple[Resource, ...], arns: Mapping[str, str]) -> Mapping[str, tuple[Policy, ...]]:
    policies: dict[str, tuple[Policy, ...]] = {}
    for resource in found:
        if resource.type == RESOURCE_POLICY:
            written = read_resource_policy(resource)
            policy = Policy(written.name, with_arns(written.document, arns))
            policies[resource.text("resourceArn")] = (*policies.get(resource.text("resourceArn"), ()), policy)
    return policies


def _agent_names(found: tuple[Resource, ...]) -> dict[str, str]:
    agents = next((r.outputs.get("agents") for r in found if r.type == STACK), None)
    if not isinstance(agents, Mapping):
        return {}
    return {str(a.get("runtime_arn")): name for name, a in agents.items() if isinstance(a, Mapping)}


def _gateway(resource: Resource, functions: tuple[Function, ...]) -> Gateway:
    mcp = resource.mapping("protocolConfiguration", "mcp")
    return Gateway(
        label=resource.label,
        arn=resource.text("gatewayArn"),
        id=resource.text("gatewayId"),
        url=resource.text("gatewayUrl"),
        name=resource.text("name"),
        role_arn=resource.text("roleArn"),
        authorizer=resource.text("authorizerType"),
        search=mcp.get("searchType") == "SEMANTIC",
        session_seconds=_session_seconds(mcp.get("sessionConfiguration")),
        versions=resource.texts("supportedVersions", mcp.get("supportedVersions")) or _DEFAULT_VERSIONS,
        policy_engine=read_attachment(resource),
        interceptors=read_interceptors(resource, functions),
        jwt=read_authorizer(resource),
        streams=_streams(mcp.get("streamingConfiguration")),
    )


def _streams(configuration: Any) -> bool:
    return isinstance(configuration, Mapping) and configuration.get("enableResponseStreaming") is True


def _session_seconds(configuration: Any) -> int | None:
    if not configuration:
        return None
    seconds = configuration.get("sessionTimeoutInSeconds") if isinstance(configuration, Mapping) else None
    return int(seconds) if isinstance(seconds, int | float) else _SESSION_SECONDS


def _function(resource: Resource) -> Function:
    environment, hidden = _variables(_environment(resource))
    code = resource.inputs.get("code") or resource.outputs.get("code")
    reserved = _number(resource, "reservedConcurrentExecutions", "a number of calls", _UNRESERVED)
    return Function(
        label=resource.label,
        arn=resource.text("arn"),
        name=resource.text("name"),
        role_arn=resource.text("role"),
        handler=resource.optional_text("handler"),
        language=resource.optional_text("runtime"),
        code=code if isinstance(code, Archive) else None,
        layers=bool(resource.get("layers")),
        environment=environment,
        hidden=hidden,
        in_vpc=bool(resource.mapping("vpcConfig").get("subnetIds")),
        timeout_seconds=_number(resource, "timeout", "a number of seconds", 3),
        memory_mb=_number(resource, "memorySize", "a number of megabytes", 128),
        log=FunctionLog(
            format=_choice(resource, "loggingConfig", "logFormat") or "Text",
            application_level=_choice(resource, "loggingConfig", "applicationLogLevel") or "INFO",
            system_level=_choice(resource, "loggingConfig", "systemLogLevel") or "INFO",
        ),
        reserved_concurrency=None if reserved == _UNRESERVED else reserved,
    )


def _number(resource: Resource, key: str, expected: str, default: int) -> int:
    """A whole number, or a default: Lambda's (API reference, CreateFunction), or the provider's."""
    value = resource.get(key)
    if value is None:
        return default
    if not isinstance(value, int | float):
        raise resource.wrong(key, value, expected)
    return int(value)


def _choice(resource: Resource, key: str, member: str) -> str | None:
    value = resource.mapping(key).get(member)
    if value is not None and not isinstance(value, str):
        raise resource.wrong(f"{key}.{member}", value, "text")
    return value


def _uploaded(found: tuple[Resource, ...]) -> Mapping[tuple[str, str], Archive]:
    """What the deployment puts into S3, by bucket and key."""
    objects = ((r.get("bucket"), r.get("key"), r.inputs.get("source")) for r in found if r.type in OBJECTS)
    return {
        (bucket, key): Archive(path=source.path, uri=source.uri) if isinstance(source, Asset) else source
        for bucket, key, source in objects
        if isinstance(bucket, str) and isinstance(key, str) and isinstance(source, Asset | Archive)
    }


def _runtime(resource: Resource, agents: Mapping[str, str], uploaded: Mapping[tuple[str, str], Archive]) -> Runtime:
    environment, hidden = _variables(resource.get("environmentVariables"))
    arn, name = resource.text("agentRuntimeArn"), resource.text("agentRuntimeName")
    entry_points = resource.mapping("agentRuntimeArtifact", "codeConfiguration").get("entryPoints")
    code = resource.mapping("agentRuntimeArtifact", "codeConfiguration", "code", "s3")
    code_at = str(code.get("bucket")), str(code.get("prefix"))
    image = resource.mapping("agentRuntimeArtifact", "containerConfiguration").get("containerUri")
    return Runtime(
        label=resource.label,
        arn=arn,
        id=resource.text("agentRuntimeId"),
        name=name,
        agent=agents.get(arn, name),
        role_arn=resource.text("roleArn"),
        environment=environment,
        hidden=hidden,
        entry_points=resource.texts("entryPoints", entry_points),
        code=uploaded.get(code_at),
        code_at=code_at if code else None,
        network=_choice(resource, "networkConfiguration", "networkMode") or "PUBLIC",
        protocol=_choice(resource, "protocolConfiguration", "serverProtocol") or "HTTP",
        jwt=bool(resource.get("authorizerConfiguration")),
        idle_seconds=_lasts(resource, "idleRuntimeSessionTimeout", Runtime.idle_seconds),
        longest_seconds=_lasts(resource, "maxLifetime", Runtime.longest_seconds),
        image=image if isinstance(image, str) else None,
    )


def _lasts(resource: Resource, member: str, default: int) -> int:
    """How many seconds a runtime's setting says that sessions last, or the default of AgentCore.

    Source: AgentCore developer guide, "runtime-lifecycle-settings".
    """
    blocks = resource.get("lifecycleConfigurations")
    block = blocks[0] if isinstance(blocks, list) and blocks else blocks
    value = block.get(member) if isinstance(block, Mapping) else None
    if value is None:
        return default
    if not isinstance(value, int | float):
        raise resource.wrong(f"lifecycleConfigurations.{member}", value, "a number of seconds")
    return int(value)


def _environment(resource: Resource) -> Any:
    environment = resource.get("environment")
    return environment.get("variables") if isinstance(environment, Mapping) else environment


def _variables(value: Any) -> tuple[Mapping[str, str], tuple[str, ...]]:
    if not isinstance(value, Mapping):
        return {}, ("all of them",) if isinstance(value, Hidden) else ()
    shown = {key: item for key, item in value.items() if isinstance(item, str)}
    return shown, tuple(key for key in value if key not in shown)

"""What a deployment relies on that the local data plane does not reproduce: said at the start, not found out later."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from toolgate.access.cedar.cedar_decision import tool_engine
from toolgate.access.deployment.agentcore_resources import Function, Gateway, Runtime, Target
from toolgate.access.deployment.connector_tools import CONNECTOR_TOOLS
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.function_access import UNQUALIFIED, function_name
from toolgate.access.deployment.stages import KIND as STAGE
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.inference_profiles import is_made_up, note
from toolgate.local.serve.agents import containers
from toolgate.local.serve.aws.seeding import refused
from toolgate.local.serve.model.converse_api import UnknownProfileError, model_arns, named_destinations
from toolgate.local.serve.outbound import canned
from toolgate.local.serve.outbound.canned import Canned
from toolgate.local.serve.tokens.issuers import foreign

MODEL_VARIABLE, FALLBACKS_VARIABLE = "BEDROCK_MODEL_ID", "BEDROCK_FALLBACK_MODEL_IDS"
GUARDRAIL_VARIABLE = "GUARDRAIL"
_SIGN_INS = {
    "mcp.lambda": ("gatewayIamRole",),
    "mcp.mcpServer": ("none", "gatewayIamRole", "apiKey", "oauth"),
    "mcp.openApiSchema": ("none", "gatewayIamRole", "apiKey", "oauth"),
    "mcp.apiGateway": ("none", "gatewayIamRole", "apiKey"),
    "mcp.connector": ("gatewayIamRole",),
}
"""By kind of target, how a gateway signs in there."""
_NAMING_SERVICES = frozenset({"mcp.mcpServer", "mcp.openApiSchema"})
_TOOLS_WANTED = {
    "mcp.lambda": "give it an inline tool schema, not one in S3",
    "mcp.mcpServer": "give it mcp_tool_schema inline, so that nobody has to ask the server",
    "mcp.openApiSchema": "give it the document inline and in JSON",
    "mcp.apiGateway": "put the REST API and its body, in JSON, into one deployment with it",
    "mcp.connector": f"enable {', '.join(CONNECTOR_TOOLS)}, and override no parameter",
}
_LONGEST_NAME = 240  # bytes; file systems take 255, and logs append to it
_GATEWAY_URL = re.compile(r"https://[^\s/\"]+\.gateway\.bedrock-agentcore\.[^\s/\"]+[^\s\"]*")


def unsupported(
    deployment: Deployment, env: CloudEnvironment, answers: Mapping[str, Canned] = MappingProxyType({})
) -> tuple[str, ...]:
    """One sentence per feature that would make the local answers differ from AWS's; empty when there is none.

    Args:
        deployment: The deployment.
        env: Where it is; everything in it must be in this one account and Region.
        answers: What connectors answer, by the targets' names.
    """
    return tuple(
        sorted(
            [
                *_gateways(deployment),
                *_token_givers(deployment),
                *(reason for target in deployment.targets for reason in _target(deployment, target, answers)),
                *(reason for runtime in deployment.runtimes for reason in _runtime(deployment, runtime, env)),
                *_elsewhere(deployment, env),
                *_file_names(deployment),
                *(f"{arn}: several resource policies are put on it, one too many" for arn in deployment.rival_policies),
                *(f"{label}: this type of resource is not reproduced" for label in deployment.others),
                *refused(deployment),
            ]
        )
    )


def notes(deployment: Deployment, env: CloudEnvironment) -> tuple[str, ...]:
    """One sentence per feature that is left out here, or stood in for, without changing who may call what.

    Nor does it change an answer, but for those of functions that are not in the deployment: these say so.

    Args:
        deployment: The deployment.
        env: Where it is.
    """
    agents = [
        f"{runtime.label}: network mode {runtime.network} is left out, its agent reaches what this machine reaches"
        for runtime in deployment.runtimes
        if runtime.network != "PUBLIC"
    ]
    functions = [
        f"{function.label}: its VPC is left out, it reaches what this machine reaches"
        for function in deployment.functions
        if function.in_vpc
    ]
    absent = [
        f"{target.label}: its function {target.function_arn} is not in the deployment, a call of its tools fails here"
        for target in deployment.targets
        if target.function_arn is not None and deployment.function(target.function_arn) is None
    ]
    guarded = [
        f"{runtime.label}: what its guardrail would say is not judged here, only its right to apply it"
        for runtime in deployment.runtimes
        if runtime.environment.get(GUARDRAIL_VARIABLE)
    ]
    reached = [
        f"{runtime.label}: its container listens at a port of 127.0.0.1 that Docker publishes: on this machine whoever"
        " knows it reaches it, unsigned. On AgentCore Runtime nobody does"
        for runtime in deployment.runtimes
        if runtime.image is not None
    ]
    return (*agents, *reached, *guarded, *functions, *absent, *_destinations(deployment, env))


def _destinations(deployment: Deployment, env: CloudEnvironment) -> Iterator[str]:
    """Which inference profiles lead where nobody here knows."""
    named = named_destinations(policy for role in deployment.roles for policy in role.policies)
    for model_id in dict.fromkeys(model_id for it in deployment.runtimes for model_id, _ in _models(it)):
        try:
            profile, models = model_arns(model_id, env)
        except UnknownProfileError:  # refused, not noted
            continue
        if profile and any(map(is_made_up, models)):
            made_up = any(map(is_made_up, named.get(profile, models)))
            yield note(model_id, env.region) if made_up else note(model_id)


def _gateways(deployment: Deployment) -> Iterator[str]:
    for gateway in deployment.gateways:
        yield from _authorizer(deployment, gateway)
        engine = tool_engine(deployment, gateway)
        yield from (f"{gateway.label}: {reason}" for reason in (engine.unread if engine else ()))
        yield from _interceptors(deployment, gateway)
        yield from _judged_role(deployment, gateway.label, gateway.role_arn)


def _interceptors(deployment: Deployment, gateway: Gateway) -> Iterator[str]:
    if gateway.interceptors and gateway.streams:
        yield f"{gateway.label}: interceptors are asked about whole answers here, and it streams them"
    points = [point for it in gateway.interceptors for point in it.points]
    for point in sorted(set(points)):
        if points.count(point) > 1:
            yield f"{gateway.label}: it has several interceptors at {point}; AWS takes one"
    for it in gateway.interceptors:
        yield from (f"{gateway.label}: an interceptor's {name} is not reproduced" for name in it.unread)
        yield from _interceptor(deployment, gateway, it.function_arn)


def _interceptor(deployment: Deployment, gateway: Gateway, arn: str) -> Iterator[str]:
    """What stands against its function; without it nobody here knows what it would let through."""
    named = function_name(arn)
    function = deployment.function(arn)
    if function is not None:
        yield from function_faults(deployment, function)
    elif not arn:
        yield f"{gateway.label}: which function its interceptor is, the deployment does not say"
    elif named.qualifier != UNQUALIFIED:
        yield f"{gateway.label}: its interceptor {arn} is a version or an alias; name the function itself"
    elif arn.split(":")[3:5] != gateway.arn.split(":")[3:5]:
        yield f"{gateway.label}: its interceptor {arn} is in another account or Region"
    else:
        yield f"{gateway.label}: its interceptor {arn} is not in the deployment; put both into one deployment"


def _authorizer(deployment: Deployment, gateway: Gateway) -> Iterator[str]:
    if gateway.authorizer not in {"AWS_IAM", "CUSTOM_JWT"}:
        yield f"{gateway.label}: authorizer {gateway.authorizer} is not reproduced, only AWS_IAM and CUSTOM_JWT are"
    if gateway.authorizer != "CUSTOM_JWT":
        return
    if gateway.jwt is None:
        yield f"{gateway.label}: what it asks of tokens is not shown: export with `pulumi stack export --show-secrets`"
        return
    if gateway.jwt.unread:
        yield f"{gateway.label}: its authorizer's {', '.join(gateway.jwt.unread)} are not reproduced"
    url = gateway.jwt.discovery_url
    if deployment.tokens.pool_of(url) is None and url not in foreign(deployment.tokens):
        yield (
            f"{gateway.label}: takes tokens of {gateway.jwt.issuer}, which nobody can have here: it is no user pool of"
            " the deployment, and no credential provider of the deployment has a client of it"
        )


def _token_givers(deployment: Deployment) -> Iterator[str]:
    for pool in deployment.tokens.user_pools:
        if pool.rewrites:
            yield f"{pool.label}: a function that changes claims before a token is given is not reproduced"
    for provider in deployment.tokens.providers:
        if provider.vendor != "CustomOauth2":
            yield f"{provider.label}: providers of {provider.vendor} are not reproduced, only CustomOauth2 is"
        elif provider.client_id is None or provider.discovery_url is None:
            yield (
                f"{provider.label}: its client or its discovery URL is not shown, or is not there: export with"
                " `pulumi stack export --show-secrets`"
            )
        elif not provider.method.startswith("CLIENT_SECRET"):
            yield f"{provider.label}: {provider.method} is not reproduced, only a client's secret is"


def _target(deployment: Deployment, target: Target, answers: Mapping[str, Canned]) -> Iterator[str]:
    taken = _SIGN_INS.get(target.kind)
    if taken is None:
        listed = ", ".join(kind.removeprefix("mcp.") for kind in _SIGN_INS)
        yield f"{target.label}: targets of kind {target.kind} are not reproduced, only {listed} are"
        return
    if target.credentials not in taken:
        yield f"{target.label}: credentials {target.credentials} are not reproduced, only {', '.join(taken)}"
    elif target.credentials == "gatewayIamRole" and target.kind in _NAMING_SERVICES and not target.sign_in.service:
        yield f"{target.label}: its credentials do not name the service that the gateway's role signs for"
    if target.tools is None or (target.kind == STAGE and target.place.document is None):
        yield f"{target.label}: its tools are not in the deployment: {_TOOLS_WANTED[target.kind]}"
    yield from _credential(deployment, target)
    if target.kind == canned.KIND:
        yield from canned.missing(target, answers)
    function = deployment.function(target.function_arn or "")
    if function is not None:
        yield from function_faults(deployment, function)


def _credential(deployment: Deployment, target: Target) -> Iterator[str]:
    """What stands against the key or the token that a gateway signs in with there."""
    arn = target.sign_in.provider_arn
    if target.credentials == "oauth" and arn not in {it.arn for it in deployment.tokens.providers}:
        yield f"{target.label}: its credential provider {arn} is not in the deployment; put both into one"
    grant = target.sign_in.settings.get("grantType")
    if grant not in {None, "CLIENT_CREDENTIALS"}:
        yield f"{target.label}: tokens by {grant} are not reproduced, only CLIENT_CREDENTIALS"


def function_faults(deployment: Deployment, function: Function) -> Iterator[str]:
    """What stands against running a function here, in a sentence each."""
    if function.code is None or function.handler is None:
        yield f"{function.label}: code in S3 or in an image cannot be run here, only an archive of files can"
    if function.layers:
        yield f"{function.label}: layers are not there here; put what the function needs into its code"
    if not (function.language or "").startswith("python"):
        yield f"{function.label}: runtime {function.language} is not reproduced, only Python is"
    if deployment.role(function.role_arn) is None:
        yield f"{function.label}: its role {function.role_arn} is not in the deployment"
    for name in function.hidden:
        yield _hidden(function.label, name)


def _runtime(deployment: Deployment, runtime: Runtime, env: CloudEnvironment) -> Iterator[str]:
    if runtime.jwt:
        yield f"{runtime.label}: a JWT authorizer is not reproduced, only IAM is"
    if runtime.protocol not in {"HTTP", "MCP"}:
        yield f"{runtime.label}: protocol {runtime.protocol} is not reproduced, only HTTP and MCP are"
    if runtime.image is not None:
        yield from (f"{runtime.label}: {why}" for why in [containers.problem(runtime.image)] if why)
    elif not runtime.entry_points:
        yield f"{runtime.label}: which container it runs is not known, and it has no code with an entry point"
    elif runtime.code is None:
        yield f"{runtime.label}: its code is not in the deployment, which would have to upload it to S3"
    yield from _judged_role(deployment, runtime.label, runtime.role_arn)
    for name in runtime.hidden:
        yield _hidden(runtime.label, name)
    known = {gateway.url for gateway in deployment.gateways}
    for name, value in runtime.environment.items():
        for url in _GATEWAY_URL.findall(value):
            if url not in known:
                yield f"{runtime.label}: {name} leads to {url}, a gateway that is not in the deployment"
    for model_id, variable in _models(runtime):
        try:
            model_arns(model_id, env)
        except UnknownProfileError as error:
            yield f"{runtime.label}: {variable}: {error}"


def _models(runtime: Runtime) -> Iterator[tuple[str, str]]:
    """The models that an agent asks, each with the variable that names it."""
    for variable in (MODEL_VARIABLE, FALLBACKS_VARIABLE):
        yield from ((model_id, variable) for model_id in runtime.environment.get(variable, "").split())


def _judged_role(deployment: Deployment, label: str, arn: str) -> Iterator[str]:
    role = deployment.role(arn)
    if role is None:
        yield f"{label}: its role {arn} is not in the deployment"
    else:
        yield from (f"{label}: {policy}, attached to its role, is not in the deployment" for policy in role.unread)
        if limit := role.unknown_boundary:
            yield f"{label}: {limit}, its permissions boundary, is not in the deployment; --policy ARN=FILE gives it"


def _elsewhere(deployment: Deployment, env: CloudEnvironment) -> Iterator[str]:
    placed = [(g.label, g.arn) for g in deployment.gateways] + [(r.label, r.arn) for r in deployment.runtimes]
    for label, arn in placed:
        _, partition, _, region, account, _ = arn.split(":", 5)
        if (partition, region, account) != (env.partition, env.region, env.account):
            yield f"{label}: is in {account}/{region}, not in {env.account}/{env.region} like the rest"


def _file_names(deployment: Deployment) -> Iterator[str]:
    """Names that folders and logs here are called by, where one would lead out of its folder."""
    named = [
        *((it.label, it.name) for it in deployment.functions),
        *((it.label, it.name) for it in deployment.targets),
        *((it.label, name) for it in deployment.runtimes for name in (it.id, it.agent)),
    ]
    for label, name in named:
        if not _is_file_name(name):
            yield f"{label}: {name!r} cannot be the name of a file here"


def _is_file_name(name: str) -> bool:
    one = name.isprintable() and name not in {"", ".."} and name == Path(name).name
    return one and len(name.encode()) <= _LONGEST_NAME


def _hidden(label: str, name: str) -> str:
    return f"{label}: environment variable {name} is not shown: export with `pulumi stack export --show-secrets`"

"""What the roles of a stack's gateways lack for a call of their targets: a right that no document of theirs holds.

Only what is sure is said. A document that is not known, or an entry of one, may hold the right; a policy on the target
may let the role in; a role of others has documents that nobody here sees; and of an ARN that a preview does not know
only the action is looked for.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolgate.policy.agentcore import gateways, roles
from toolgate.policy.agentcore.families import FUNCTIONS
from toolgate.policy.agentcore.servers import CONFIGURATION
from toolgate.policy.language import documents, iam, open_api, patterns, rest_api, target_rights
from toolgate.policy.language.agentcore_facts import (
    API_KEY_PROVIDER,
    GATEWAY,
    INVOKE_API,
    INVOKE_FUNCTION_URL,
    LAMBDA_PERMISSION,
    OAUTH2_PROVIDER,
    RESOURCE_POLICY,
    REST_API,
    ROLE_USERS,
    RUNTIME,
    SECRET,
    SECRET_POLICY,
    TARGET,
    WORKLOAD_TOKENS,
    gateway_at,
    runtime_at,
)
from toolgate.policy.language.documents import Statement
from toolgate.policy.language.evaluation import Request, concerns, matches
from toolgate.policy.language.matching import Match
from toolgate.policy.language.request_facts import Facts
from toolgate.policy.language.target_rights import Right
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Finding, Resource
from toolgate.policy.stack import Stack

_CREDENTIALS = "credentialProviderConfiguration"
_PROVIDERS = (API_KEY_PROVIDER, OAUTH2_PROVIDER)
_POLICIES = (RESOURCE_POLICY, SECRET_POLICY, SECRET)


@dataclass(frozen=True)
class _Asked:
    """A target, the gateway that it is of, and that gateway's role."""

    target: Resource
    gateway: Resource
    role: Resource


def lacking(stack: Stack, *, functions: bool) -> Iterator[Finding]:
    """A finding for each right that a gateway's role surely lacks.

    Args:
        stack: The stack.
        functions: Whether it is about targets that are functions, or about all others.
    """
    for asked in _asked(stack):
        is_function = at(asked.target.props, CONFIGURATION, "mcp", "lambda") is not None
        statements = _statements(stack, asked.role) if is_function is functions else None
        if statements is None:
            continue
        told: set[tuple[str, str | None]] = set()
        for right in _named(statements, [*_needed(stack, asked)]):
            if (right.action, right.resource) in told or _held(statements, right) or _let_in(stack, asked.role, right):
                continue
            told.add((right.action, right.resource))
            on = f" on {quote(right.resource)}" if right.resource else ""
            role = quote(asked.role.name)
            yield Finding(asked.target, f"needs {right.action}{on}, and nothing of its gateway's role {role} allows it")


def _asked(stack: Stack) -> Iterator[_Asked]:
    for target in stack.of(TARGET):
        of = gateways.referred(stack, target, GATEWAY, "gatewayIdentifier")
        found = roles.roles_of(stack, of[0], ROLE_USERS[GATEWAY]) if len(of) == 1 else []
        # A role that others made is named by its ARN: what else they gave it nobody here sees.
        if len(found) == 1 and not found[0].urn.startswith("arn:"):
            yield _Asked(target, of[0], found[0])


def _statements(stack: Stack, role: Resource) -> list[Statement] | None:
    """What the role's documents allow, or may; None where one of them is not known."""
    if any(roles.unknown_attachments(stack, role)) or any(roles.attached_elsewhere(stack, role)):
        return None
    found = [it.document for it in roles.documents_of(stack, role)]
    if not all(isinstance(it, tuple) for it in found):
        return None
    return [statement for it in found for statement in iam.statements(it) if statement.allow is not False]


def _named(statements: list[Statement], rights: list[Right]) -> list[Right]:
    """The rights, those to a function's URL on a function that the role's documents name: the URL itself names none."""
    by_url = [it for it in rights if it.action == INVOKE_FUNCTION_URL and it.resource is None]
    if not by_url:
        return rights
    arns = [arn for it in statements if _means(it, by_url[0]) for arn in iam.exact_resources(it.resources, FUNCTIONS)]
    tried = [[replace(it, resource=it.resource or arn) for it in rights] for arn in dict.fromkeys(arns)]
    return next((it for it in tried if all(_held(statements, right) for right in it)), tried[0] if tried else rights)


def _held(statements: Iterable[Statement], right: Right) -> bool:
    """Whether a statement allows it, or may."""
    return any(_means(it, right) for it in statements)


def _means(statement: Statement, right: Right) -> bool:
    if right.resource is None:
        return concerns(statement, right.action) is not Match.NO
    if values := target_rights.values_of(right.resource):
        reached = iam.may_reach(statement.resources, values) or statement.resources.negated
        return reached and concerns(statement, right.action) is not Match.NO
    return matches(statement, Request(right.action, right.resource, Facts(right.facts))) is not Match.NO


def _let_in(stack: Stack, role: Resource, right: Right) -> bool:
    """Whether what the target stands on may let the role in by itself, as within an account is enough."""
    for holder in stack.of(*_POLICIES):
        for statement in iam.statements(documents.read(at(holder.props, "policy"))):
            named = any(_may_be(it.value, role) for it in statement.principals)
            if statement.allow is not False and (named or statement.everybody_but) and _means(statement, right):
                return True
    permissions = stack.of(LAMBDA_PERMISSION) if right.action.startswith("lambda:") else ()
    return any(_may_be(at(it.props, "principal"), role) for it in permissions)


def _may_be(principal: Any, role: Resource) -> bool:
    """Whether a principal may be the role, or a session of it."""
    if not isinstance(principal, str) or patterns.HOLE in principal:
        return principal is UNKNOWN or isinstance(principal, str)
    name = at(role.props, "name")
    return principal == "*" or not isinstance(name, str) or f"/{name}" in principal


def _needed(stack: Stack, asked: _Asked) -> Iterator[Right]:
    """What a call of the target needs, as far as it is known."""
    target, arn = asked.target, gateways.arn_of(asked.gateway)
    configuration, signs = at(target.props, CONFIGURATION, "mcp"), at(target.props, _CREDENTIALS)
    function, connector = at(configuration, "lambda"), at(configuration, "connector")
    if function is not None:
        yield from target_rights.of_function(_text(at(function, "lambdaArn")))
    elif connector is not None:
        for tool in each(connector, "enableds"):
            if isinstance(tool, str) and arn:
                _, partition, _, region, _ = arn.split(":", 4)
                yield from target_rights.of_connector(tool, region, partition, None)
    elif at(signs, target_rights.SIGNS) is not None:
        yield from _signed(stack, asked, at(signs, target_rights.SIGNS))
    for how, action in target_rights.TAKES.items():
        if isinstance(at(signs, how), dict):
            yield from _taken(stack, asked, action, _text(at(signs, how, "providerArn")))


def _taken(stack: Stack, asked: _Asked, action: str, provider: str | None) -> Iterator[Right]:
    arn = gateways.arn_of(asked.gateway)
    if arn is None or provider is None:
        yield from (Right(it, None) for it in (WORKLOAD_TOKENS[0], action))
    else:
        here, gateway_id = target_rights.here_of(arn), arn.rpartition("/")[2]
        yield from target_rights.of_workload_token(here, gateway_id)
        yield from target_rights.of_credential(action, here, gateway_id, provider)
    made = [it for it in stack.of(*_PROVIDERS) if provider and at(it.props, "credentialProviderArn") == provider]
    for it in made or (() if provider else stack.behind(asked.target, _CREDENTIALS, *_PROVIDERS)):
        yield from target_rights.of_secrets(_secrets(it))


def _secrets(provider: Resource) -> Iterator[str | None]:
    """The ARNs of the secrets that a provider keeps: the program's, else AgentCore's own."""
    vendor = at(provider.props, "oauth2ProviderConfig")
    client = at(next(iter(vendor.values()), None), "clientSecretConfig") if isinstance(vendor, dict) else None
    external = client or at(provider.props, "apiKeySecretConfig")
    secret = _text(at(external, "secretId"))
    yield secret if secret and secret.startswith("arn:") else None


def _signed(stack: Stack, asked: _Asked, signature: Any) -> Iterator[Right]:
    """With the role's signature, at whatever verifies it."""
    configuration = at(asked.target.props, CONFIGURATION, "mcp")
    service, server = at(signature, "service"), at(configuration, "mcpServer")
    endpoint = _text(at(server, "endpoint"))
    if at(configuration, "apiGateway") is not None:
        yield from _of_stage(stack, asked, at(configuration, "apiGateway"))
    elif service == "lambda":
        yield from target_rights.of_function_url(None)
    elif service == "execute-api":
        yield from _of_api(asked, endpoint)
    elif endpoint and (runtime := runtime_at(endpoint)):
        yield from target_rights.of_runtime(runtime)[:1]  # of the endpoint's ARN AWS writes two forms
    elif endpoint and (inner := gateways.called(stack, GATEWAY, gateway_at(endpoint) or "")):
        yield from target_rights.of_gateway(gateways.arn_of(inner[0]))
    elif server is not None and endpoint is None and stack.behind(asked.target, CONFIGURATION, RUNTIME):
        yield from target_rights.of_runtime(None)[:1]


def _of_stage(stack: Stack, asked: _Asked, stage: Any) -> Iterator[Right]:
    arn, api, name = gateways.arn_of(asked.gateway), _text(at(stage, "restApiId")), _text(at(stage, "stage"))
    methods = each(stage, "apiGatewayToolConfiguration", "toolOverrides")
    unsigned = _unsigned(stack, asked.target, api)
    for override in methods or [None]:
        method, path = _text(at(override, "method")), _text(at(override, "path"))
        if not unsigned.isdisjoint({(method, path), ("ANY", path)}):
            continue
        if arn and api and name and method and path:
            here = target_rights.here_of(arn, "execute-api")
            yield from target_rights.of_method(here, f"{api}/{name}/{method}{path}")
        else:
            yield Right(INVOKE_API, None)


def _unsigned(stack: Stack, target: Resource, api: str | None) -> set[tuple[str | None, str | None]]:
    """The methods of a REST API of the stack that ask for no signature."""
    made = [it for it in stack.of(REST_API) if api and str(at(it.props, "executionArn")).endswith(f":{api}")]
    return {
        (it.method, it.path)
        for resource in made or stack.behind(target, CONFIGURATION, REST_API)
        for it in rest_api.methods(_document(_text(at(resource.props, "body"))))
        if it.authorization != rest_api.IAM
    }


def _of_api(asked: _Asked, endpoint: str | None) -> Iterator[Right]:
    """The methods of an API in API Gateway that the target calls, by its document or as an MCP server."""
    payload = _text(at(asked.target.props, CONFIGURATION, "mcp", "openApiSchema", "inlinePayload", "payload"))
    calls = [(it.method, f"{(it.server or '').rstrip('/')}{it.path}") for it in open_api.operations(_document(payload))]
    arn = gateways.arn_of(asked.gateway)
    found = [
        right
        for method, url in ([("POST", endpoint)] if endpoint else calls)
        for right in (target_rights.of_request(arn, method, url) if arn else ())
    ]
    yield from found or [Right(INVOKE_API, None)]


def _document(payload: str | None) -> Mapping[str, Any]:
    return open_api.document(payload or "") or {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None

"""undecided-in-preview: what a preview cannot judge is said, not passed over."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks, policy_sources
from toolgate.policy.agentcore import functions, guarded_roles, interceptors, roles, servers, tokens
from toolgate.policy.agentcore.functions import GatewayFunction
from toolgate.policy.language import agentcore_facts, coverage, documents, iam, trust
from toolgate.policy.language.agentcore_facts import ROLE, ROLE_USERS
from toolgate.policy.language.unknown import NOTHING_KNOWN, UNKNOWN
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.rules import jwt_callers_named, jwt_issuer_known, lambda_permission_pinned, machine_client_only
from toolgate.policy.rules.function_url_signed import SIGNED
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import TYPES, Stack

_CALLS = {agentcore_facts.TARGET: "targetConfiguration", agentcore_facts.GATEWAY: functions.INTERCEPTORS}
"""Where it says which function it calls."""
UNTIL_UP = "is not known in this preview; it is judged at `pulumi up`, before it takes effect"


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """The documents of AgentCore's roles and resources, engines' modes, and what is of gateways' functions.

    What our own components write is left out: their inputs are judged in the preview, and their tests hold the rest.
    """
    for resource, place, subject in _undecided(stack):
        if resource.props is not NOTHING_KNOWN and not agentcore_facts.written_by_component(resource.urn):
            yield Finding(resource, f"{subject} {UNTIL_UP}", place)
    yield from _not_judged(stack)


def _not_judged(stack: Stack) -> Iterator[Finding]:
    """What no rule can read: a state that only `up` will tell, or what none looks at."""
    for resource in stack.resources:
        props = None if resource.props is NOTHING_KNOWN else resource.props
        if reason := coverage.not_judged(resource.type, props, TYPES):
            yield Finding(resource, reason)


def _undecided(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    yield from _in_roles(stack)
    yield from _in_resources(stack)
    yield from _in_function_urls(stack)
    yield from _in_permissions(stack)
    yield from _in_settings(stack)
    yield from _in_functions(stack)
    yield from _in_interceptors(stack)
    yield from _in_servers(stack)


def _in_roles(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    for user in stack.of(*ROLE_USERS):
        prop = ROLE_USERS[user.type]
        if at(user.props, prop) is UNKNOWN and not roles.roles_of(stack, user, prop):
            yield user, prop, "its role"
    for role in roles.agentcore_roles(stack):
        if documents.is_undecided(policy_sources.trust_document(role).document):
            yield role, "assumeRolePolicy", "the trust policy of this AgentCore role"
        yield from _of_taken(stack, role, "AgentCore")
    yield from _in_trusts(stack)


def _in_trusts(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """Roles that AgentCore may not take, and others may: who, or what they then have."""
    agentcore = {role.urn for role in roles.agentcore_roles(stack)}
    for role in stack.of(ROLE):
        document = policy_sources.trust_document(role).document
        open_to = [who for statement in iam.statements(document) for who in trust.strangers(statement)]
        undecided = documents.is_undecided(document)
        if role.urn in agentcore or not (open_to or undecided):
            continue
        guarded = guarded_roles.guarded(stack, role)
        if guarded and undecided:
            yield role, "assumeRolePolicy", f"the trust policy of {guarded}"
        elif open_to and not guarded:
            yield from _of_taken(stack, role, open_to[0])


def _of_taken(stack: Stack, role: Resource, who: str) -> Iterator[tuple[Resource, str, str]]:
    """What a role is allowed that somebody may take."""
    yield from _documents(stack, role, f"which {who} may take")
    for carrier in roles.unknown_attachments(stack, role):
        yield carrier, "", f"a managed policy of {role.label}, which {who} may take,"


def _documents(stack: Stack, role: Resource, whose: str) -> Iterator[tuple[Resource, str, str]]:
    for sourced in roles.documents_of(stack, role):
        if documents.is_undecided(sourced.document):
            yield sourced.resource, sourced.location, f"a policy of {role.label}, {whose},"


def _in_resources(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    for policy in stack.of(agentcore_facts.RESOURCE_POLICY):
        if documents.is_undecided(documents.read(at(policy.props, "policy"))):
            yield policy, "policy", "the resource policy"
    for policy in stack.of(agentcore_facts.CEDAR_POLICY):
        if at(policy.props, "definition", "cedar", "statement") is UNKNOWN:
            yield policy, "definition.cedar.statement", "the Cedar policy"
    for gateway in stack.of(agentcore_facts.GATEWAY):
        engine = at(gateway.props, "policyEngineConfiguration")
        if engine is UNKNOWN or at(engine, "mode") is UNKNOWN:
            yield gateway, "policyEngineConfiguration", "the mode of its policy engine"


def _in_function_urls(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    called = functions.of_gateways(stack)
    unnamed = {it.user for it in called if it.nameless and not it.resources}
    for user in stack.of(*functions.USERS):
        if user.urn in unnamed:
            yield user, _CALLS[user.type], "which function it calls"
    for url in stack.of(agentcore_facts.FUNCTION_URL):
        authorization = at(url.props, "authorizationType")
        if authorization == SIGNED or not called:
            continue
        if functions.may_be_any(stack, url, "functionName"):
            yield url, "functionName", "whether this URL is of a gateway's function"
        elif authorization is UNKNOWN and any(functions.is_for(stack, url, "functionName", it) for it in called):
            yield url, "authorizationType", "how the URL of a gateway's function authorizes"


def _in_permissions(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    for permission, function in functions.permissions(stack):
        if lambda_permission_pinned.stranger(permission, function) is UNKNOWN:
            yield permission, lambda_permission_pinned.PLACE, f"who may use {function.label}"
    for permission in stack.of(agentcore_facts.LAMBDA_PERMISSION) if functions.of_gateways(stack) else ():
        if functions.may_be_any(stack, permission, "function"):
            yield permission, "function", "whether this permission is for a gateway's function"


def _in_settings(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    for policy in stack.of(agentcore_facts.CEDAR_POLICY):
        for key in ("enforcementMode", "validationMode"):
            if at(policy.props, key) is UNKNOWN:
                yield policy, key, f"the {key} of the Cedar policy"
    for user in stack.of(*tokens.TAKERS):
        if jwt_callers_named.undecided(user):
            yield user, tokens.PLACE, "whose tokens it takes"
        elif jwt_issuer_known.undecided(stack, user):
            yield user, tokens.PLACE, "who gives the tokens that it takes"
    for client in tokens.issuing_clients(stack):
        for key in machine_client_only.undecided(client):
            yield client, key, f"the {key} of a client whose tokens something takes"


def _in_functions(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """What the roles of gateways' functions are allowed."""
    for role in {role.urn: role for it in functions.of_gateways(stack) for role in _roles(stack, it)}.values():
        yield from _documents(stack, role, "which a gateway's function has")


def _roles(stack: Stack, called: GatewayFunction) -> Iterator[Resource]:
    for function in called.resources:
        yield from roles.roles_of(stack, function, "role")


def _in_servers(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """Which servers stand behind targets, and whether those in runtimes take signatures."""
    for target in servers.mcp_targets(stack):
        endpoint = at(target.props, servers.CONFIGURATION, "mcp", "mcpServer", "endpoint")
        if endpoint is UNKNOWN and not stack.behind(target, servers.CONFIGURATION, *_SERVE):
            yield target, servers.CONFIGURATION, "which server it calls"
    for runtime in {it.runtime.urn: it.runtime for it in servers.of_gateways(stack)}.values():
        if at(runtime.props, "authorizerConfiguration") is UNKNOWN:
            yield runtime, "authorizerConfiguration", "whether this server of a gateway takes signatures"


_SERVE = (agentcore_facts.RUNTIME, agentcore_facts.GATEWAY, agentcore_facts.FUNCTION_URL)


def _in_interceptors(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """What decides whether interceptors fail closed, are told no more than they need, and filter what search finds."""
    for gateway in stack.of(agentcore_facts.GATEWAY):
        for interceptor in interceptors.of(stack, gateway):
            if interceptor.headers is UNKNOWN and (interceptor.functions or interceptor.elsewhere):
                yield gateway, functions.INTERCEPTORS, "whether it passes the request's headers to its interceptor"
            if len(interceptor.functions) > 1:
                yield gateway, functions.INTERCEPTORS, "which of its interceptors' functions stands where"
        for function in functions.resources_of(stack, gateway):
            if interceptors.declaration(function) is UNKNOWN:
                yield function, "environment", f"what an interceptor of {gateway.label} says that it looks at"
            if at(function.props, "timeout") is UNKNOWN:
                yield function, "timeout", f"when Lambda ends an interceptor of {gateway.label}"


RULE = Rule(
    name="undecided-in-preview",
    description="A preview, and a scan of an account, knows the documents that decide who reaches AgentCore.",
    why="Nobody can see here what it grants.",
    fix=(
        "Make it known: name the resources explicitly and build their ARNs, or use the components of toolgate; let a"
        " scan read what `toolgate access scan --print-policy` prints."
    ),
    severity=Severity.LOW,
    framework=frameworks.LEAST_PRIVILEGE,
    level=EnforcementLevel.ADVISORY,
    check_stack=check_stack,
)

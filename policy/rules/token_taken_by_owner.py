"""token-taken-by-owner: an agent takes its own tokens, of its own provider, and nobody else's.

AgentCore developer guide, "Scope down access to credential providers by workload identity": the service binds no
identity to a provider, so the documents of the roles are the whole boundary.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pulumi_policy import Severity

from toolgate.policy import frameworks, policy_sources, settings
from toolgate.policy.agentcore import families, functions, roles
from toolgate.policy.agentcore.families import PROVIDER_SECRETS, PROVIDERS, TWO_IDENTITIES
from toolgate.policy.agentcore.wide_grants import holds_both
from toolgate.policy.language import iam
from toolgate.policy.language.agentcore_facts import (
    ACCESS_TOKEN,
    COMPONENTS,
    GET_SECRET,
    OAUTH2_PROVIDER,
    ROLE_USERS,
    WORKLOAD_IDENTITY,
    WORKLOAD_TOKEN_FOR_USER,
    WORKLOAD_TOKENS,
)
from toolgate.policy.language.carriers import CARRIERS
from toolgate.policy.language.documents import Names, Statement
from toolgate.policy.language.iam import Family
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.rules.agent_cannot_bypass_gateway import AGENTS
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

# Secrets Manager puts six characters to a name.
_RANDOM = re.compile(r"-\?{6}$")


@dataclass(frozen=True)
class _Made:
    """What the stack makes to take tokens with."""

    providers: bool
    identities: Family
    for_users: Family
    """Those of the identities by which nobody acts for users."""


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """What a registration gives to a role that AgentCore may take, and in a first preview to our components."""
    handed = policy_sources.written_statements(resource) if resource.type in COMPONENTS else ()
    given = roles.registered_documents(so_far, resource)
    yield from _in_documents((*handed, *given), _made(so_far, config))


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """The roles that AgentCore may take, those of the gateways' functions, and providers that several agents have."""
    made = _made(stack, config)
    holders = {role.urn: role for role in roles.agentcore_roles(stack)}
    for function in functions.of_gateways(stack):
        holders |= {role.urn: role for it in function.resources for role in roles.roles_of(stack, it, "role")}
    for role in holders.values():
        yield from _in_documents(roles.documents_of(stack, role), made)
    yield from _shared(stack)


def _made(stack: Stack, config: RuleSettings) -> _Made:
    names = [name for it in stack.of(WORKLOAD_IDENTITY) if isinstance(name := at(it.props, "name"), str)]
    listed = config.strings("identitiesForUsers", [])
    return _Made(
        bool(stack.of(OAUTH2_PROVIDER)),
        tuple(chain for name in names for chain in families.identity_named(name)),
        tuple(chain for name in names if name not in listed for chain in families.identity_named(name)),
    )


def _in_documents(documents: Iterable[SourcedDocument], made: _Made) -> Iterator[Finding]:
    for sourced in documents:
        for statement in iam.statements(sourced.document):
            place = f"{sourced.location}, {statement.label}"
            for what in dict.fromkeys(_wrong(statement, made)):
                yield Finding(sourced.resource, f"allows {what}", place)


def _wrong(statement: Statement, made: _Made) -> Iterator[str]:
    actions, resources = statement.actions, statement.resources
    if _held(statement, ACCESS_TOKEN) and (made.providers or _says(actions, ACCESS_TOKEN)):
        for reach in iam.wide_resources(resources, PROVIDERS):
            yield f"{ACCESS_TOKEN} {reach}: it gets the tokens of every provider there"
    if not made.providers:
        return
    # Of everybody's identities agent-callers-named speaks.
    nameless = set(iam.nameless_resources(resources, *TWO_IDENTITIES))
    taken = (
        f"{action} {reach}, which an identity of this stack is among"
        for action in WORKLOAD_TOKENS
        if _held(statement, action)
        for reach in iam.wide_resources(resources, made.identities)
        if reach not in nameless
    )
    yield from itertools.islice(taken, 1)
    if _held(statement, WORKLOAD_TOKEN_FOR_USER) and made.for_users and iam.reaches(resources, made.for_users):
        yield f"{WORKLOAD_TOKEN_FOR_USER}: it acts for whichever user it names"
    if _held(statement, GET_SECRET):
        for reach in iam.wide_resources(resources, PROVIDER_SECRETS, _without_random_part):
            yield f"{GET_SECRET} {reach}, which the secrets of credential providers are among"


def _held(statement: Statement, action: str) -> bool:
    # Who holds everything, and gateways with it, is spoken of there.
    return iam.allows(statement, action) and not holds_both(statement.actions, statement.resources, action)


def _says(actions: Names, action: str) -> bool:
    return any(it is not UNKNOWN and it.lower() == action.lower() for it in actions.values)


def _without_random_part(arn: str) -> str:
    return _RANDOM.sub("", arn)


def _shared(stack: Stack) -> Iterator[Finding]:
    """The second agent, and each after it, whose role has a provider's tokens."""
    first: dict[str, tuple[Resource, Resource]] = {}
    for agent in stack.of(*AGENTS):
        for role in roles.roles_of(stack, agent, ROLE_USERS[agent.type]):
            for carrier, provider in _providers(stack, role):
                owner, its_role = first.setdefault(provider, (agent, role))
                if its_role.urn != role.urn:
                    what = f"allows {agent.label} the tokens of a credential provider that {owner.label} has as well"
                    yield Finding(carrier, what)


def _providers(stack: Stack, role: Resource) -> Iterator[tuple[Resource, str]]:
    """What gives a role the tokens of a provider, and whose: by the ARN, or by what a document is made of."""
    for sourced in roles.documents_of(stack, role):
        carrier = sourced.resource
        for statement in iam.statements(sourced.document):
            if iam.allows(statement, ACCESS_TOKEN):
                for arn in iam.exact_resources(statement.resources, PROVIDERS):
                    yield carrier, _urn_of(stack, arn)
        if sourced.document is UNKNOWN:
            for provider in stack.behind(carrier, CARRIERS[carrier.type].document[0], OAUTH2_PROVIDER):
                yield carrier, provider.urn


def _urn_of(stack: Stack, arn: str) -> str:
    own = (it.urn for it in stack.of(OAUTH2_PROVIDER) if at(it.props, "credentialProviderArn") == arn)
    return next(own, arn)


RULE = Rule(
    name="token-taken-by-owner",
    description="An agent takes tokens with its own workload identity, of its own provider and with its own secret.",
    why="Whoever takes another's token is that other to every gateway, and nobody sees the difference.",
    fix=(
        "Name the workload identity, the credential provider and the secret (client_secret_arns) by their exact ARNs,"
        " and make a provider and a client for each agent; leave GetWorkloadAccessTokenForUserId out."
    ),
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=roles.TYPES | COMPONENTS,
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=roles.TYPES | {OAUTH2_PROVIDER, WORKLOAD_IDENTITY},
    settings={
        "identitiesForUsers": settings.strings_schema("Names of workload identities that act for users they name.", [])
    },
)

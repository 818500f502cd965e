"""no-secret-in-environment: what a client proves itself with stands in no variable."""

import re
from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import functions, tokens
from toolgate.policy.language.agentcore_facts import (
    API_KEY_PROVIDER,
    FUNCTION,
    FUNCTION_ALIAS,
    FUNCTION_URL,
    OAUTH2_PROVIDER,
)
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.rules.agent_cannot_bypass_gateway import AGENTS
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

_VARIABLES = {**dict.fromkeys(AGENTS, ("environmentVariables",)), FUNCTION: ("environment", "variables")}
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
# At the end of a name: MAX_TOKENS, TOKEN_ENDPOINT, SECRET_ARN and ACCESS_KEY_ID are none.
_SECRET = re.compile(
    r"(?:.*_)?(?:SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|(?:API|ACCESS|PRIVATE|SECRET|SIGNING)_?KEY)(?:_VALUE)?"
)
# What stands for a secret that lies elsewhere, and what none is.
_HARMLESS = re.compile(r"\s*|arn:.*|https?://[^@?]*|\{\{resolve:.*|[-+]?[0-9.]+|true|false", re.IGNORECASE | re.DOTALL)
_SHORTEST = 8
"""A secret of fewer characters is in many a text by chance."""
_OF_TOKENS = frozenset({*tokens.TAKERS, *tokens.CLIENTS, API_KEY_PROVIDER, OAUTH2_PROVIDER})
SEEN = frozenset({*AGENTS, *functions.USERS})


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """When an agent is registered, or the target or gateway by which a function is a gateway's."""
    if tokens.in_use(so_far):
        used = resource.type in functions.USERS
        holders = functions.resources_of(so_far, resource) if used else [resource]
        yield from _of(so_far, holders)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Agents, tools and interceptors; a preview knows no secret, but what a variable is made of."""
    if tokens.in_use(stack):
        called = {it.urn: it for function in functions.of_gateways(stack) for it in function.resources}
        yield from _of(stack, [*stack.of(*AGENTS), *called.values()])


def _of(stack: Stack, holders: Iterable[Resource]) -> Iterator[Finding]:
    secrets = tuple(_secrets(stack))
    for holder in holders:
        path = _VARIABLES[holder.type]
        variables = at(holder.props, *path)
        of_client = bool(stack.behind(holder, path[0], *tokens.CLIENTS))
        for name, value in variables.items() if isinstance(variables, dict) else ():
            what = _wrong(name, value, secrets, of_client)
            if what:
                yield Finding(holder, f"the variable {quote(name)} {what}", ".".join(path))


def _wrong(name: str, value: object, secrets: tuple[str, ...], of_client: bool) -> str | None:
    called_so = _SECRET.fullmatch("_".join(_WORDS.split(name)).strip("_").upper()) is not None
    if value is UNKNOWN:
        return "is called like a secret, and is made of a client of a user pool" if called_so and of_client else None
    if not isinstance(value, str):
        return None
    if any(secret in value for secret in secrets):
        return "holds a client's secret, or an API's key"
    return (
        "is called like a secret, and its value is written out"
        if called_so and not _HARMLESS.fullmatch(value)
        else None
    )


def _secrets(stack: Stack) -> Iterator[str]:
    """The clients' secrets and APIs' keys, as far as they are known: a user pool's once it is there, others before."""
    found = [at(client.props, "clientSecret") for client in stack.of(*tokens.CLIENTS)]
    found += [at(it.props, key) for it in stack.of(API_KEY_PROVIDER) for key in ("apiKey", "apiKeyWo")]
    for provider in stack.of(OAUTH2_PROVIDER):
        for config in each(provider.props, "oauth2ProviderConfig"):
            kinds = config.values() if isinstance(config, dict) else ()
            found += [secret for kind in kinds for secret in each(kind, "clientSecret")]
    yield from (it for it in found if isinstance(it, str) and len(it) >= _SHORTEST)


RULE = Rule(
    name="no-secret-in-environment",
    description=(
        "Where tokens are used, no variable of an agent, a tool or an interceptor holds a client's secret, or is named"
        " as one."
    ),
    why="Whoever may read the configuration, or talks the code into telling it, is that client from then on.",
    fix="Let the agent take tokens of a credential provider; give code the ARN of a secret, and let it read that.",
    severity=Severity.CRITICAL,
    framework=frameworks.STORED_SECRETS,
    types=SEEN,
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=SEEN | _OF_TOKENS | {FUNCTION, FUNCTION_ALIAS, FUNCTION_URL},
)

"""A stack with tokens, by hand: nothing in it violates, and each lock taken off it does, in a preview and an update."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.planning import planned
from tests.policy import driver, making, making_tokens
from tests.policy.driver import Pack, Registration, registrations
from tests.policy.making import ACCOUNT, statement
from tests.policy.making_tokens import DIRECTORY, IDENTITY, SECRET, TAKE, VAULT, Change, authorizer, judged
from tests.token_export import HIDDEN, with_tokens

type Stack = dict[str, Registration]


def put(stack: Stack, name: str, **inputs: Any) -> None:
    stack[name] = replace(stack[name], inputs={**stack[name].inputs, **inputs})


def every_token(stack: Stack) -> None:
    put(stack, "tools", authorizerConfiguration=authorizer(allowedScopes=[]))


def whoever_signs_in(stack: Stack) -> None:
    put(stack, "tools", authorizerConfiguration=authorizer(allowedScopes=["openid", "shop-tools/invoke"]))


def audience(stack: Stack) -> None:
    put(stack, "tools", authorizerConfiguration=authorizer(allowedAudiences=["tools"], allowedScopes=None))


def stranger(stack: Stack) -> None:
    url = "https://login.example.com/.well-known/openid-configuration"
    put(stack, "tools", authorizerConfiguration=authorizer(discoveryUrl=url))


def anybody(stack: Stack) -> None:
    put(stack, "permit", definition={"cedar": {"statement": making_tokens.PERMIT.partition(" when")[0] + ";"}})


def signs_up(stack: Stack) -> None:
    put(stack, "pool", adminCreateUserConfig={"allowAdminCreateUserOnly": False})


def with_users(stack: Stack) -> None:
    put(stack, "client", allowedOauthFlows=["client_credentials", "code"])


def long_lived(stack: Stack) -> None:
    put(stack, "client", accessTokenValidity=24, tokenValidityUnits={"accessToken": "hours"})


def tokens(stack: Stack, place: int, *resources: str) -> None:
    changed = [*TAKE]
    changed[place] = {**changed[place], "Resource": list(resources)}
    stack["tokens"] = making_tokens.tokens_policy(*changed)


def every_provider(stack: Stack) -> None:
    tokens(stack, 1, DIRECTORY, IDENTITY, VAULT, f"{VAULT}/oauth2credentialprovider/*")


def more_identities(stack: Stack) -> None:
    tokens(stack, 0, DIRECTORY, f"{DIRECTORY}/workload-identity/shop_*")


def every_secret(stack: Stack) -> None:
    tokens(stack, 2, f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:bedrock-agentcore-identity!default/*")


def for_users(stack: Stack) -> None:
    stack["tokens"] = making_tokens.tokens_policy(
        *TAKE, statement("bedrock-agentcore:GetWorkloadAccessTokenForUserId", [DIRECTORY, IDENTITY])
    )


def secret(stack: Stack) -> None:
    put(stack, "assistant", environmentVariables={"AUTH": f"Basic {SECRET}"})


def secret_of_a_tool(stack: Stack) -> None:
    put(stack, "function", environment={"variables": {"CLIENT_SECRET": SECRET}})


def useless(stack: Stack) -> None:
    grant = statement("bedrock-agentcore:InvokeGateway", making.GATEWAY)
    stack["tokens"] = making_tokens.tokens_policy(*TAKE, grant)


def makes_a_client(stack: Stack) -> None:
    grant = statement("cognito-idp:CreateUserPoolClient", making_tokens.POOL_ARN)
    stack["tokens"] = making_tokens.tokens_policy(*TAKE, grant)


def iam_entity(stack: Stack) -> None:
    put(stack, "permit", definition={"cedar": {"statement": making.permit("math___add")}})


# What it violates; and what of it a first preview knows, where that is not all.
LOCKS: dict[Change, set[tuple[str, str]]] = {
    every_token: {("jwt-callers-named", "tools")},
    whoever_signs_in: {("jwt-callers-named", "tools")},
    audience: {("jwt-callers-named", "tools")},
    stranger: {("jwt-issuer-known", "tools")},
    anybody: {("jwt-permit-names-caller", "permit")},
    iam_entity: {("cedar-names-exist", "permit")},
    signs_up: {("user-pool-closed", "pool")},
    with_users: {("machine-client-only", "client")},
    long_lived: {("machine-client-only", "client")},
    every_provider: {("token-taken-by-owner", "tokens")},
    more_identities: {("token-taken-by-owner", "tokens")},
    every_secret: {("token-taken-by-owner", "tokens")},
    for_users: {("token-taken-by-owner", "tokens")},
    secret: {("no-secret-in-environment", "assistant")},
    secret_of_a_tool: {("no-secret-in-environment", "function")},
    useless: {("grant-has-effect", "tokens")},
    makes_a_client: {("agent-cannot-widen-itself", "tokens")},
}
# An IAM document, a Cedar statement and a text with one unknown value in it are unknown as a whole.
NOT_BEFORE = {
    anybody,
    iam_entity,
    every_provider,
    more_identities,
    every_secret,
    for_users,
    useless,
    makes_a_client,
    secret,
}


def test_nothing_violates(pack: Pack) -> None:
    made = making_tokens.stack()
    assert judged(pack, list(made.values())) == set()
    assert judged(pack, making_tokens.previewed(made)) == set()


def test_nothing_of_a_whole_program_violates(pack: Pack) -> None:
    """As a stack's export has it, with the pack's configuration for such a stack."""
    text = json.dumps(with_tokens(planned("agents").deployment)["deployment"]["resources"])
    # The engine reads secrets, or hides them so, before the pack sees a resource.
    text = text.replace(json.dumps(HIDDEN), '"[secret]"').replace(":agents::toolgate::", ":dev::shop::")
    resources = registrations(json.loads(text))
    pack.configure(json.loads((driver.POLICY / "jwt.json").read_text()))
    found = [it for it in pack.run(resources) if it.rule != "logs-delivered"]
    assert [(it.rule, it.message) for it in found] == []


@pytest.mark.parametrize("take_off", LOCKS, ids=lambda it: it.__name__)
def test_each_lock_taken_off_violates(pack: Pack, take_off: Change) -> None:
    made = making_tokens.stack()
    take_off(made)
    assert judged(pack, list(made.values())) == LOCKS[take_off]


@pytest.mark.parametrize("take_off", LOCKS, ids=lambda it: it.__name__)
def test_in_a_preview_as_far_as_it_is_known(pack: Pack, take_off: Change) -> None:
    made = making_tokens.stack()
    take_off(made)
    violated = any(it not in judged(pack, making_tokens.previewed(made)) for it in LOCKS[take_off])
    assert violated == (take_off in NOT_BEFORE)


# What a resource violates that is registered before what makes it one of a gateway's is said with that.
AT_THE_END = {anybody, iam_entity, signs_up, useless, makes_a_client}


@pytest.mark.parametrize("take_off", [it for it in LOCKS if it not in AT_THE_END], ids=lambda it: it.__name__)
def test_an_update_is_stopped_before_the_resource_is_there(updating: Pack, take_off: Change) -> None:
    made = making_tokens.stack()
    take_off(made)
    updating.configure(making_tokens.ALLOWED)
    rules = {it.rule for it in updating.analyze_each(made.values())}
    assert rules == {rule for rule, _ in LOCKS[take_off]}


def without(stack: Stack, *names: str) -> Iterable[Registration]:
    return [it for name, it in stack.items() if name not in names]


@pytest.mark.parametrize("take_off", LOCKS, ids=lambda it: it.__name__)
def test_where_nothing_takes_tokens_nothing_is_said_of_them(pack: Pack, take_off: Change) -> None:
    """A program that has a user pool, and agents, and a gateway that asks IAM."""
    made = making_tokens.stack()
    take_off(made)
    made["tools"] = making.gateway(policyEngineConfiguration=made["tools"].inputs["policyEngineConfiguration"])
    made["permit"] = making.cedar(making.permit("math___add"))
    left = list(without(made, "provider", "identity", "tokens"))
    put(made, "client", allowedOauthFlows=["code"])
    left = [made["client"] if it.name == "client" else it for it in left]
    assert judged(pack, left) == set()


def test_a_second_agent_has_a_provider_of_its_own(pack: Pack) -> None:
    made = list(making_tokens.stack().values())

    def found(*statements: dict[str, Any]) -> list[set[tuple[str, str]]]:
        policy = making_tokens.tokens_policy(*statements, of="other", name="others")
        whole = [*made, making.role("other"), policy, making_tokens.runtime("other", "other")]
        return [judged(pack, it) for it in (whole, making_tokens.previewed({one.name: one for one in whole}))]

    # In a preview the graph tells whose provider a document is made of.
    assert found() == [{("token-taken-by-owner", "others")}] * 2
    own = [{**it, "Resource": [one.replace("shop_agent", "shop_other") for one in _listed(it)]} for it in TAKE]
    assert found(*own) == [set()] * 2


def _listed(entry: dict[str, Any]) -> list[str]:
    found = entry["Resource"]
    return [found] if isinstance(found, str) else list(found)

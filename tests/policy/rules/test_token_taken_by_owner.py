from dataclasses import replace
from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack, Registration
from tests.policy.making import ACCOUNT, statement
from tests.policy.making_tokens import DIRECTORY, IDENTITY, PLACE, PROVIDER, SECRET_ARN, SECRET_ARN_WITH_END, VAULT

RULE = "token-taken-by-owner"
AGENTCORE, SECRETS = "bedrock-agentcore", f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret"
TAKE, ASK, ASK_FOR_USER, READ = (
    f"{AGENTCORE}:GetResourceOauth2Token",
    f"{AGENTCORE}:GetWorkloadAccessToken",
    f"{AGENTCORE}:GetWorkloadAccessTokenForUserId",
    "secretsmanager:GetSecretValue",
)
IDENTITIES, PROVIDERS = f"{DIRECTORY}/workload-identity", f"{VAULT}/oauth2credentialprovider"


def found(pack: Pack, *statements: Any, tokens: bool = True, **settings: Any) -> list[str]:
    pack.configure({**making_tokens.ALLOWED, RULE: settings})
    kept = [making_tokens.provider(), making_tokens.identity()] if tokens else []
    policy = making_tokens.tokens_policy(*statements)
    resources = [*kept, making.role(), policy, making_tokens.runtime()]
    return [it.message for it in pack.run(resources) if it.rule == RULE]


WIDE = {
    "every provider": (TAKE, f"{PROVIDERS}/*", "every provider"),
    "providers called alike": (TAKE, f"{PROVIDERS}/shop_*", "every provider"),
    "of any vault": (TAKE, f"{PLACE}:token-vault/*", "every provider"),
    "in any account": (
        TAKE,
        f"arn:aws:{AGENTCORE}:us-east-1:*:token-vault/default/oauth2credentialprovider/x",
        "every",
    ),
    "everything": (TAKE, "*", "every provider"),
    "by a variable": (TAKE, f"{PROVIDERS}/${{aws:PrincipalTag/agent}}", "every provider"),
    "beside what is unknown": (TAKE, [UNKNOWN, f"{PROVIDERS}/*"], "every provider"),
    "by a pattern of actions": (f"{AGENTCORE}:GetResource*", f"{PROVIDERS}/*", "every provider"),
    "small letters": (TAKE.lower(), f"{PROVIDERS}/*", "every provider"),
    "identities called alike": (ASK, f"{IDENTITIES}/shop_*", "an identity of this stack"),
    "of a session's user": (f"{AGENTCORE}:GetWorkloadAccessTokenForJWT", f"{IDENTITIES}/shop_agen?", "an identity"),
    "for users": (ASK_FOR_USER, IDENTITY, "whichever user"),
    "every secret of providers": (READ, f"{SECRETS}:bedrock-agentcore-identity!*", "credential providers"),
    "secrets called alike": (READ, f"{SECRET_ARN}*", "credential providers"),
    "secrets called alike to an end": (READ, f"{SECRET_ARN}-??????-AbCdEf", "credential providers"),
    "secrets": (READ, f"{SECRETS}:*", "credential providers"),
    "every secret": ("secretsmanager:Get*", "*", "credential providers"),
}


@pytest.mark.parametrize(("action", "resource", "why"), WIDE.values(), ids=WIDE.keys())
def test_more_than_its_own_violates(pack: Pack, action: str, resource: Any, why: str) -> None:
    (message,) = found(pack, statement(action, resource))
    assert why in message


def test_but_for_some_is_everything(pack: Pack) -> None:
    for entry in (
        {"Effect": "Allow", "Action": TAKE, "NotResource": PROVIDER},
        {"Effect": "Allow", "Action": TAKE},
        {"Effect": "Allow", "NotAction": "s3:*", "Resource": PROVIDERS + "/*"},
    ):
        assert len(found(pack, entry)) == 1


def test_a_statement_is_told_all_that_is_wrong_with_it_and_each_of_it_once(pack: Pack) -> None:
    identities, secrets, providers = f"{IDENTITIES}/shop_*", f"{SECRETS}:*", f"{PROVIDERS}/*"
    actions = [ASK, f"{ASK}ForJWT", ASK_FOR_USER, READ, TAKE]
    told = found(pack, statement(actions, [identities, providers, providers, secrets, secrets]))
    reasons = ["every provider", "an identity of this stack", "whichever user", "credential providers are among"]
    assert [sum(reason in it for it in told) for reason in reasons] == [1] * 4
    assert len(told) == 4


OWN = {
    "component": making_tokens.TAKE,
    "secret without its end": [statement(READ, f"{SECRET_ARN}-??????")],
    "other secrets": [statement(READ, f"{SECRETS}:shop/*")],
    "unknown": [statement(TAKE, UNKNOWN), statement(READ, [UNKNOWN]), statement(UNKNOWN, "*")],
    "the vault itself": [statement(TAKE, [VAULT, DIRECTORY])],
    "denied": [{**statement(TAKE, "*"), "Effect": "Deny"}],
    "allowed or denied": [{**statement(TAKE, "*"), "Effect": UNKNOWN}],
    # AgentCore developer guide, "IAM permissions for AgentCore Runtime": a runtime's identity is called after it.
    "identity of a runtime": [statement([ASK, ASK_FOR_USER], [DIRECTORY, f"{IDENTITIES}/shop_other-*"])],
    "reads": [statement(f"{AGENTCORE}:GetGateway", "*")],
}


@pytest.mark.parametrize("statements", OWN.values(), ids=OWN.keys())
def test_its_own_passes(pack: Pack, statements: list[Any]) -> None:
    assert found(pack, *statements) == []


def test_identities_for_users_are_listed(pack: Pack) -> None:
    entry = statement(ASK_FOR_USER, [DIRECTORY, IDENTITY])
    assert found(pack, entry, identitiesForUsers=["shop_agent"]) == []
    assert len(found(pack, entry, identitiesForUsers=["shop"])) == 1
    everywhere = {"Effect": "Allow", "Action": ASK_FOR_USER}  # agent-callers-named speaks of it
    assert found(pack, everywhere, identitiesForUsers=["shop_agent"]) == []


def test_where_the_stack_has_no_provider_only_the_token_s_own_action_counts(pack: Pack) -> None:
    for action, resource, _ in WIDE.values():
        named = action.lower() == TAKE.lower()
        assert len(found(pack, statement(action, resource), tokens=False)) == named, (action, resource)


def test_the_token_s_own_action_counts_beside_what_is_unknown(pack: Pack) -> None:
    assert len(found(pack, statement([UNKNOWN, TAKE], f"{PROVIDERS}/*"), tokens=False)) == 1


def test_who_may_only_look_at_another_s_provider_shares_no_token(pack: Pack) -> None:
    made = list(making_tokens.stack().values())
    for action, shares in ((f"{AGENTCORE}:GetOauth2CredentialProvider", False), (TAKE, True)):
        policy = making_tokens.tokens_policy(statement(action, PROVIDER), of="other", name="others")
        policy = replace(policy, property_dependencies={"policy": [making_tokens.provider().urn]})
        whole = [*made, making.role("other"), policy, making_tokens.runtime("other", "other")]
        assert ((RULE, "others") in making_tokens.judged(pack, whole)) == shares


def test_a_provider_is_one_by_its_arn_and_by_what_a_document_is_made_of(pack: Pack) -> None:
    """In an update's preview the old agent's document is known, and the new one's is not."""
    made = list(making_tokens.stack().values())
    policy = making_tokens.tokens_policy(of="other", name="others")
    new = replace(
        policy,
        inputs={**policy.inputs, "policy": UNKNOWN},
        property_dependencies={"policy": [making_tokens.provider().urn]},
    )
    whole = [*made, making.role("other"), new, making_tokens.runtime("other", "other")]
    assert making_tokens.judged(pack, whole) == {(RULE, "others")}


def test_what_holds_everything_is_spoken_of_once(pack: Pack) -> None:
    assert found(pack, statement("*", "*")) == []
    assert found(pack, statement(f"{AGENTCORE}:*", "*")) == []


def test_everybody_s_identities_are_agent_callers_named_s(pack: Pack) -> None:
    pack.configure(making_tokens.ALLOWED)
    policy = making_tokens.tokens_policy(statement(ASK, f"{IDENTITIES}/*"))
    stack = [making_tokens.provider(), making_tokens.identity(), making.role(), policy, making_tokens.runtime()]
    assert [it.rule for it in pack.run(stack) if it.level == "mandatory"] == ["agent-callers-named"]


def test_tools_take_no_tokens_of_agents_either(pack: Pack) -> None:
    resources = making_tokens.stack()
    resources["theirs"] = making_tokens.tokens_policy(statement(TAKE, f"{PROVIDERS}/*"), of="math", name="theirs")
    assert (RULE, "theirs") in making_tokens.judged(pack, list(resources.values()))


def test_others_roles_are_not_asked(pack: Pack) -> None:
    pack.configure(making_tokens.ALLOWED)
    policy = making_tokens.tokens_policy(statement(TAKE, "*"), of="deployer")
    stack = [making_tokens.provider(), making.role("deployer", "ec2.amazonaws.com"), policy]
    assert [it.rule for it in pack.run(stack)] == []


def test_what_our_components_are_handed_is_judged_in_a_first_preview(pack: Pack) -> None:
    given = {"statements": [{"actions": [TAKE], "resources": [f"{PROVIDERS}/*"]}]}
    agent = Registration("toolgate:index:AgentRuntime", "assistant", given)
    assert [it.rule for it in pack.analyze(agent) if it.rule == RULE] == [RULE]


@pytest.mark.parametrize("odd", [None, 7, [], {}, "x", UNKNOWN, {"name": 7}, [[]], {"a": {"b": None}}, True], ids=str)
def test_odd_providers_and_identities(pack: Pack, odd: Any) -> None:
    kept = [making_tokens.provider(oauth2ProviderConfig=odd), making_tokens.identity(odd)]
    policy = making_tokens.tokens_policy(statement(TAKE, f"{PROVIDERS}/*"), statement(READ, SECRET_ARN_WITH_END))
    found = pack.run([*kept, making.role(), policy, making_tokens.runtime()])
    assert [it.rule for it in found if it.level == "mandatory"] == [RULE]

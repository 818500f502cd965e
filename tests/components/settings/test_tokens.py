"""`toolgate:inbound`, `issuers`, `clients`, an agent's `credentials`: who comes to a gateway with tokens, and how."""

from typing import Any

import pytest

from toolgate.components.checks.arguments import UsageError

TWO: Any = {"sums": {"targets": ["math"]}, "words": {"targets": ["people"], "inbound": "okta"}}
URL = "https://acme.okta.com/oauth2/default/.well-known/openid-configuration"
OKTA: Any = {"discoveryUrl": URL, "audiences": ["tools"], "clientClaim": "cid"}
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta-calculator-a1B2c3"
CREDENTIALS: Any = {"clientId": "0oa1b2", "secretArn": SECRET, "jsonKey": "client_secret", "scopes": ["tools"]}


def of_okta(**changes: Any) -> dict[str, Any]:
    """A stack whose second gateway takes Okta's tokens."""
    agents = {"a": {"credentials": {"okta": CREDENTIALS}}}
    return {"gateways": TWO, "issuers": {"okta": OKTA}, "agents": agents, **changes}


def test_without_a_word_callers_come_by_iam(load: Any) -> None:
    loaded = load({})
    assert (loaded.gateways.by_name["tools"].inbound, loaded.issuers, loaded.clients) == ("iam", {}, {})
    assert loaded.agents["assistant"].credentials == []


def test_a_stack_of_tokens(load: Any) -> None:
    loaded = load({"inbound": "jwt", "clients": {"nightly-job": {"tools": ["math", "people"]}}})
    assert loaded.gateways.by_name["tools"].inbound == "jwt"
    assert loaded.clients == {"nightly-job": {"tools": ["math___add", "math___multiply", "people___greet"]}}


def test_each_gateway_has_its_own_way_in(load: Any) -> None:
    given = {"a": {}, "b": {"inbound": "iam"}, "c": {"inbound": "okta"}}
    loaded = load({"inbound": "jwt", "gateways": given, "issuers": {"okta": OKTA}, "agents": {}})
    assert {name: it.inbound for name, it in loaded.gateways.by_name.items()} == {"a": "jwt", "b": "iam", "c": "okta"}
    assert loaded.issuers == {
        "okta": {"issuer": "okta", "discovery_url": URL, "audiences": ["tools"], "client_claim": "cid"}
    }


def test_an_agent_has_its_client_where_a_gateway_of_its_tools_needs_one(load: Any) -> None:
    agents = {"a": {"credentials": {"okta": CREDENTIALS}}, "b": {"tools": ["sums"]}}
    loaded = load(of_okta(agents=agents)).agents
    assert loaded["b"].credentials == []
    assert loaded["a"].credentials == [
        {
            "issuer": "okta",
            "client_id": "0oa1b2",
            "secret_arn": SECRET,
            "json_key": "client_secret",
            "scopes": ["tools"],
        }
    ]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"inbound": "cognito"},
            "toolgate:inbound: 'cognito' is no way in. There are: 'iam', 'jwt'. An issuer of others",
        ),
        ({"inbound": "JWT"}, "toolgate:inbound: 'JWT' is no way in."),
        (
            {"gateways": {"a": {"inbound": "octa"}}, "issuers": {"okta": OKTA}},
            "toolgate:gateways.a.inbound: 'octa' is no way in. Did you mean 'okta'? There are: 'iam', 'jwt', 'okta'.",
        ),
        (
            {"issuers": {"okta": OKTA}},
            "toolgate:issuers.okta: no gateway takes its tokens. Write it as inbound (toolga",
        ),
        ({"issuers": {"jwt": OKTA}}, "toolgate:issuers.jwt: 'jwt' is not free for an issuer of others. Rename it."),
        ({"issuers": {"iam": OKTA}}, "toolgate:issuers.iam: 'iam' is not free"),
        ({"issuers": {"tokens": OKTA}}, "toolgate:issuers.tokens: 'tokens' is not free"),
        ({"issuers": {"o_k": OKTA}}, "issuer name 'o_k' is refused;"),
        ({"issuers": {"": OKTA}}, "issuer name '' is refused;"),
        ({"issuers": {"okta": {"audiences": ["x"]}}}, "toolgate:issuers.okta: missing 'discoveryUrl'."),
        (
            {"issuers": {"okta": OKTA | {"clientclaim": "x"}}},
            "toolgate:issuers.okta: unknown key 'clientclaim'. Did you",
        ),
        (
            {"issuers": {"okta": OKTA | {"discoveryUrl": "https://acme.okta.com"}}},
            "toolgate:issuers.okta.discoveryUrl: 'https://acme.okta.com' is no",
        ),
        ({"issuers": {"okta": {"discoveryUrl": URL}}}, "toolgate:issuers.okta: lets in every token of 'okta'."),
        ({"issuers": {"okta": OKTA | {"audiences": []}}}, "toolgate:issuers.okta: lets in every token of 'okta'."),
        ({"issuers": {"okta": OKTA | {"scopes": ["a b"]}}}, "toolgate:issuers.okta.scopes: 'a b' is no scope."),
        ({"issuers": {"okta": OKTA | {"clientClaim": 'a"'}}}, "toolgate:issuers.okta.clientClaim: 'a\"' is no claim's"),
        ({"issuers": "okta"}, "toolgate:issuers: must be a map of issuers ("),
    ],
)
def test_an_issuer_that_cannot_be_meant_is_an_error(load: Any, config: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load({"agents": {}, **config})
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (
            {},
            ": the gateway 'words' takes tokens of 'okta', and the agent has no client there. Write okta: {clientId",
        ),
        (
            {"okta": CREDENTIALS, "entra": CREDENTIALS},
            ".entra: no gateway whose tools the agent is handed takes tokens of such an issuer. Remove it",
        ),
        ({"okta": CREDENTIALS, "tokens": CREDENTIALS}, ".tokens: no gateway whose tools"),
        ({"okta": CREDENTIALS | {"clientSecret": "x"}}, ".okta: unknown key 'clientSecret'."),
        ({"okta": {"clientId": "a"}}, ".okta: missing 'jsonKey', 'secretArn'."),
        (
            {"okta": CREDENTIALS | {"secretArn": "hidden"}},
            ".okta.secretArn: what is written there is no ARN of a Secrets Man",
        ),
        ({"okta": CREDENTIALS | {"clientId": ""}}, ".okta.clientId: '' is no"),
        ({"okta": CREDENTIALS | {"jsonKey": ""}}, ".okta.jsonKey: has 0 characters; 1 to 128 are allowed."),
        ({"okta": CREDENTIALS | {"parameters": {"a b": "x"}}}, ".okta.parameters: 'a b' is refused."),
    ],
)
def test_credentials_that_are_missing_or_for_nothing_are_an_error(load: Any, credentials: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load(of_okta(agents={"a": {"credentials": credentials}}))
    assert str(raised.value).startswith(f"toolgate:agents.a.credentials{message}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"secretArn": SECRET.replace("calc", "other")},
            "clientId: 0oa1b2 is that of toolgate:agents.a as well.",
        ),
        ({"clientId": "0oa3c4"}, f"secretArn: {SECRET} is that of toolgate:agents.a as well."),
    ],
)
def test_two_agents_with_one_client_could_each_be_the_other(load: Any, change: Any, message: str) -> None:
    agents = {name: {"credentials": {"okta": CREDENTIALS | given}} for name, given in (("a", {}), ("b", change))}
    with pytest.raises(UsageError) as raised:
        load(of_okta(agents=agents))
    assert str(raised.value).startswith(f"toolgate:agents.b.credentials.okta.{message}")
    agents["b"]["credentials"]["okta"] |= {"clientId": "0oa3c4", "secretArn": SECRET.replace("calc", "other")}
    assert len(load(of_okta(agents=agents)).agents) == 2


def test_a_secret_in_the_place_of_its_arn_is_not_repeated(load: Any) -> None:
    credentials = {"okta": CREDENTIALS | {"secretArn": "hunter2"}}
    with pytest.raises(UsageError) as raised:
        load(of_okta(agents={"a": {"credentials": credentials}}))
    assert "hunter2" not in str(raised.value)
    assert "Write one like arn:aws:secretsmanager:" in str(raised.value)


def test_an_agent_that_comes_by_iam_needs_no_credentials(load: Any) -> None:
    agents = {"a": {"tools": ["sums"], "credentials": {"okta": CREDENTIALS}}}
    with pytest.raises(UsageError, match=r"toolgate:agents\.a\.credentials\.okta: no gateway whose tools the agent is"):
        load(of_okta(agents=agents))


JOBS: Any = {"sums": {"targets": ["math"], "inbound": "jwt"}, "words": {"targets": ["people"]}}


@pytest.mark.parametrize(
    ("clients", "message"),
    [
        ({"job": {}}, "toolgate:clients.job: missing 'tools'."),
        ({"job": {"tools": []}}, "toolgate:clients.job.tools: is empty. Name the tools that are meant, or leave the"),
        (
            {"job": {"tools": ["words"]}},
            "toolgate:clients.job.tools: a client has tokens of the stack's own issuer, and the inbound of the gateway "
            "'words' is 'iam'. Write 'jwt' there",
        ),
        (
            {"job": {"tools": ["math"]}},
            "toolgate:clients.job.tools: 'math' does not say of which gateway. Write 'sums/m",
        ),
        ({"job": {"tools": ["sums"], "roleArn": "x"}}, "toolgate:clients.job: unknown key 'roleArn'."),
        ({"": {"tools": ["sums"]}}, "toolgate:clients: a client has an empty name. Give it one."),
        ({"j/b": {"tools": ["sums"]}}, "user pool name 'toolgate-dev-j/b' is refused;"),
        (
            {"a-b": {"tools": ["sums"]}, "a.b": {"tools": ["sums"]}},
            "toolgate:clients.a.b: gets the same policy name 'toolgate_dev_a_b_client' as 'a-b'. Rename one.",
        ),
        ({"j" * 29: {"tools": ["sums"]}}, "policy name 'toolgate_dev_" + "j" * 29 + "_client' has 49 characters"),
        ("job", "toolgate:clients: must be a map of clients ("),
    ],
)
def test_a_client_that_cannot_be_meant_is_an_error(load: Any, clients: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load({"gateways": JOBS, "agents": {}, "clients": clients})
    assert str(raised.value).startswith(message)


def test_a_clients_policies_count_as_agents_do(load: Any) -> None:
    clients = {f"c{number}": {"tools": ["tools___x"]} for number in range(1000)}
    available = {"tools": ["x"]}
    config: Any = {"inbound": "jwt", "authorization": "tool", "agents": {}, "clients": clients}
    assert len(load(config, available).clients) == 1000
    with pytest.raises(UsageError, match="toolgate:agents: 1001 agents and clients have tools"):
        load(config | {"agents": {"a": {}}}, available)


def test_the_domain_of_the_stacks_own_issuer_is_checked(run: Any, load: Any) -> None:
    from toolgate.components import stack_settings  # noqa: PLC0415  # only this test runs another stack

    def program() -> None:
        with pytest.raises(UsageError, match="user pool domain 'toolgate-aws-tokens-000000000000' is refused"):
            stack_settings.load({"math": ["add"]})

    run(program, {"inbound": "jwt"}, stack="aws")
    assert load({"inbound": "jwt"}).gateways.by_name["tools"].inbound == "jwt"

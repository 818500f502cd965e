"""What an agent takes its tokens with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.checks.arguments import UsageError
from toolgate.components.token_issuer import TokenIssuer
from toolgate.components.tool_gateway import ToolGateway

IDENTITY = "arn:aws:bedrock-agentcore:us-east-1:123456789012"
DIRECTORY = f"{IDENTITY}:workload-identity-directory/default"
VAULT = f"{IDENTITY}:token-vault/default"
SECRETS = "arn:aws:secretsmanager:us-east-1:123456789012:secret"
POOL = "us-east-1_AbCdEf123"
COGNITO = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}/.well-known/openid-configuration"
SIGNATURE = "4dabf18193072939515e22adb298388d"
HIDDEN = "1b47061264138c4ac30d75fd1eb44270"
SCHEMA = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
OKTA: Any = {
    "issuer": "okta",
    "discovery_url": "https://okta.example/.well-known/openid-configuration",
    "audiences": ["tools"],
    "client_claim": "cid",
}
AT_OKTA: Any = {
    "issuer": "okta",
    "client_id": "0oa1",
    "secret_arn": f"{SECRETS}:okta-a1B2c3",
    "json_key": "secret",
    "scopes": ["tools.call"],
    "parameters": {"audience": "tools"},
}
Agent = Callable[..., AgentRuntime]


def gateway(name: str, inbound: Any = None, authorization: str = "tool") -> ToolGateway:
    tool = {"name": f"{name}_pay", "description": "Pays.", "inputSchema": SCHEMA}
    args: Any = {
        "targets": {"shop": {"function_arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "tools": [tool]}},
        "authorization": authorization,
        **({} if inbound is None else {"inbound": inbound}),
    }
    return ToolGateway(name, args)


def arn(name: str) -> str:
    return f"{IDENTITY}:gateway/toolgate-dev-{name}-a1b2c3d4e5"


def url(name: str) -> str:
    return f"https://toolgate-dev-{name}-a1b2c3d4e5.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """Make an agent that is handed these grants."""
    (tmp_path / "agent.zip").write_bytes(b"a zip")

    def making(*handed: Any, name: str = "helper", opts: Any = None, **more: Any) -> AgentRuntime:
        zipped = str(tmp_path / "agent.zip")
        args: Any = {"code": zipped, "model_id": "amazon.nova-lite-v1:0", "tools": list(handed), **more}
        return AgentRuntime(name, args, opts)

    return making


def everywhere(agent: Agent, **more: Any) -> None:
    """An agent with gateways of an issuer of the stack's own, of a foreign one, and one that takes signed requests."""
    issuer = TokenIssuer("tokens", {"access_token_minutes": 15})
    own = [gateway(name, issuer.inbound) for name in ("one", "two")]
    grants = [*(it.tools() for it in own), gateway("theirs", OKTA).tools(), gateway("plain").tools()]
    agent(*grants, credentials=[AT_OKTA], **more)


def variables(recorded: Any, name: str = "helper") -> Any:
    return recorded.one("AgentcoreAgentRuntime", f"{name}-runtime").inputs["environmentVariables"]


def test_its_client_has_exactly_the_scopes_of_the_gateways_it_was_handed(run: Any, agent: Agent) -> None:
    def program(*handed: str) -> None:
        issuer = TokenIssuer("tokens", {"access_token_minutes": 15})
        made = {name: gateway(name, issuer.inbound) for name in ("one", "two", "three")}
        agent(*[made[name].tools() for name in handed])

    recorded = run(lambda: program("one", "three"))
    client = recorded.one("UserPoolClient", "helper-tokens-client")
    assert client.inputs == {
        "name": "toolgate_dev_helper",
        "userPoolId": POOL,
        "generateSecret": True,
        "allowedOauthFlows": ["client_credentials"],
        "allowedOauthFlowsUserPoolClient": True,
        "allowedOauthScopes": ["toolgate-dev-one/invoke", "toolgate-dev-three/invoke"],
        "explicitAuthFlows": [],
        "accessTokenValidity": 15,
        "tokenValidityUnits": {"accessToken": "minutes"},
    }
    assert {"one-scope", "three-scope", "tokens-pool"} <= client.dependencies
    assert not client.delete_before_replace  # its name need not be unique: the agent has one all the time
    # A grant that is taken back takes its scope along, and nothing else of the client.
    less = run(lambda: program("one")).one("UserPoolClient", "helper-tokens-client")
    assert less.inputs == {**client.inputs, "allowedOauthScopes": ["toolgate-dev-one/invoke"]}
    assert not [it for it in run(program).resources if it.name.startswith("helper-") and "cognito" in it.type]


def test_its_provider_asks_as_its_client(run: Any, agent: Agent) -> None:
    recorded = run(lambda: everywhere(agent))
    own = recorded.one("AgentcoreOauth2CredentialProvider", "helper-tokens-provider")
    assert own.inputs["name"] == "toolgate_dev_helper_tokens"
    assert own.inputs["credentialProviderVendor"] == "CustomOauth2"
    config = own.inputs["oauth2ProviderConfig"]["customOauth2ProviderConfig"]
    assert config.pop("clientSecret") == {
        SIGNATURE: HIDDEN,
        "value": "helper-tokens-client-hidden",
    }
    assert config == {
        "clientId": "helper-tokens-client-id",
        "clientAuthenticationMethod": "CLIENT_SECRET_BASIC",
        "oauthDiscovery": {"discoveryUrl": COGNITO},
    }
    assert own.secret_outputs == ["oauth2ProviderConfig"]
    assert "tokens-domain" in own.dependencies
    assert own.delete_before_replace


def test_a_foreign_clients_secret_never_comes_into_the_stack(run: Any, agent: Agent) -> None:
    recorded = run(lambda: everywhere(agent))
    assert [it.name for it in recorded.resources if it.type.endswith(":UserPoolClient")] == ["helper-tokens-client"]
    foreign = recorded.one("AgentcoreOauth2CredentialProvider", "helper-okta-provider")
    assert foreign.inputs["name"] == "toolgate_dev_helper_okta"
    assert foreign.inputs["oauth2ProviderConfig"]["customOauth2ProviderConfig"] == {
        "clientId": "0oa1",
        "clientSecretSource": "EXTERNAL",
        "clientSecretConfig": {"secretId": AT_OKTA["secret_arn"], "jsonKey": "secret"},
        "clientAuthenticationMethod": "CLIENT_SECRET_BASIC",
        "oauthDiscovery": {"discoveryUrl": OKTA["discovery_url"]},
    }
    # Nothing in it is secret, and who is let in by it must be readable.
    assert foreign.secret_outputs == []


def test_one_identity_for_all_of_its_issuers(run: Any, agent: Agent) -> None:
    recorded = run(lambda: everywhere(agent, tags={"team": "a"}))
    identity = recorded.one("AgentcoreWorkloadIdentity", "helper-identity")
    assert identity.inputs == {"name": "toolgate_dev_helper", "tags": {"team": "a"}}
    assert identity.delete_before_replace
    assert recorded.one("AgentcoreOauth2CredentialProvider", "helper-okta-provider").inputs["tags"] == {"team": "a"}


def test_what_it_is_told(run: Any, agent: Agent) -> None:
    told = variables(run(lambda: everywhere(agent)))
    assert told["GATEWAY_URL"] == url("plain")
    assert told["TOKEN_GATEWAYS"] == (
        '{"identity":"toolgate_dev_helper","tokens":['
        '{"provider":"toolgate_dev_helper_tokens","scopes":["toolgate-dev-one/invoke","toolgate-dev-two/invoke"],'
        f'"gateways":["{url("one")}","{url("two")}"]}},'
        '{"provider":"toolgate_dev_helper_okta","scopes":["tools.call"],"parameters":{"audience":"tools"},'
        f'"gateways":["{url("theirs")}"]}}]}}'
    )


def test_a_gateway_that_was_handed_over_twice_is_told_once(run: Any, agent: Agent) -> None:
    def program() -> None:
        one = gateway("one", TokenIssuer("tokens", {}).inbound)
        part = {**one.tools(), "tools": ["shop___other"]}
        agent(one.tools(), part)

    recorded = run(program)
    [entry] = json.loads(variables(recorded)["TOKEN_GATEWAYS"])["tokens"]
    assert entry["gateways"] == [url("one")]
    assert entry["scopes"] == ["toolgate-dev-one/invoke"]
    assert variables(recorded)["GATEWAY_URL"] == ""


def test_a_client_that_asks_for_nothing_more_says_so(run: Any, agent: Agent) -> None:
    least = {key: AT_OKTA[key] for key in ("issuer", "client_id", "secret_arn", "json_key")}
    recorded = run(lambda: agent(gateway("theirs", OKTA).tools(), credentials=[least]))
    [entry] = json.loads(variables(recorded)["TOKEN_GATEWAYS"])["tokens"]
    assert list(entry) == ["provider", "scopes", "gateways"]
    assert entry["scopes"] == []


def test_its_role_takes_its_own_tokens_and_invokes_by_signature_only_where_that_is_taken(
    run: Any, agent: Agent, allows: Any
) -> None:
    recorded = run(lambda: everywhere(agent))
    tokens = recorded.one("RolePolicy", "helper-tokens").document()
    identity = f"{DIRECTORY}/workload-identity/toolgate_dev_helper"
    providers = [f"{VAULT}/oauth2credentialprovider/toolgate_dev_helper_{name}" for name in ("tokens", "okta")]
    for resource in (DIRECTORY, identity):
        assert allows(tokens, "bedrock-agentcore:GetWorkloadAccessToken", resource)
    for resource in (DIRECTORY, identity, VAULT, *providers):
        assert allows(tokens, "bedrock-agentcore:GetResourceOauth2Token", resource)
    managed = f"{SECRETS}:bedrock-agentcore-identity!default/oauth2/toolgate_dev_helper_tokens-a1B2c3"
    for secret in (managed, AT_OKTA["secret_arn"]):
        assert allows(tokens, "secretsmanager:GetSecretValue", secret)
        assert not allows(tokens, "secretsmanager:GetSecretValue", secret + "x")
    assert not allows(tokens, "bedrock-agentcore:GetResourceOauth2Token", providers[0] + "2")
    documents = [it.document() for it in recorded.resources if it.type.endswith(":RolePolicy") and "helper" in it.name]
    invoked = {
        name
        for name in ("one", "two", "theirs", "plain")
        for document in documents
        if allows(document, "bedrock-agentcore:InvokeGateway", arn(name))
    }
    assert invoked == {"plain"}


def test_a_secret_of_two_issuers_is_named_once(run: Any, agent: Agent) -> None:
    auth0 = {**OKTA, "issuer": "auth0", "discovery_url": OKTA["discovery_url"].replace("okta", "auth0")}

    def program() -> None:
        grants = [gateway("one", OKTA).tools(), gateway("two", auth0).tools()]
        agent(*grants, credentials=[AT_OKTA, {**AT_OKTA, "issuer": "auth0", "json_key": "other"}])

    document = run(program).one("RolePolicy", "helper-tokens").document()
    assert json.dumps(document).count(AT_OKTA["secret_arn"]) == 1


def test_an_agent_with_tokens_only_invokes_no_gateway_by_signature(run: Any, agent: Agent) -> None:
    recorded = run(lambda: agent(gateway("one", TokenIssuer("tokens", {}).inbound).tools()))
    assert not [it for it in recorded.types() if it == ("RolePolicy", "helper-tools")]
    assert "InvokeGateway" not in json.dumps([it.inputs for it in recorded.resources])


def test_its_permits_name_it_as_each_gateway_knows_it(run: Any, agent: Agent, permits: Any, permits_token: Any) -> None:
    recorded = run(lambda: everywhere(agent))
    policies = [it for it in recorded.resources if it.type.endswith(":AgentcorePolicy")]
    assert sorted(it.name for it in policies) == [f"helper-tools{end}" for end in ("", "-2", "-3", "-4")]

    def of(name: str) -> list[str]:
        engine = f"toolgate_dev_{name}-a1b2c3d4e5"
        return [
            it.inputs["definition"]["cedar"]["statement"] for it in policies if it.inputs["policyEngineId"] == engine
        ]

    client = {"sub": "helper-tokens-client-id", "client_id": "helper-tokens-client-id"}
    okta = {"sub": "somebody", "cid": "0oa1"}
    for name, by in (("one", client), ("two", client), ("theirs", okta)):
        [statement] = of(name)
        assert permits_token([statement], by, f"shop___{name}_pay", arn(name), amount=1)
        assert not permits_token(
            [statement], {"sub": "x", "client_id": "x", "cid": "x"}, f"shop___{name}_pay", arn(name)
        )
        assert not permits([statement], "helper-role-1234567", f"shop___{name}_pay", arn(name), amount=1)
    assert not permits_token(of("theirs"), {"sub": "0oa1", "client_id": "0oa1"}, "shop___theirs_pay", arn("theirs"))
    [signed] = of("plain")
    assert permits([signed], "helper-role-1234567", "shop___plain_pay", arn("plain"), amount=1)
    assert not permits_token([signed], client, "shop___plain_pay", arn("plain"), amount=1)


def test_a_condition_holds_for_a_client_as_for_a_role(run: Any, agent: Agent, permits_token: Any) -> None:
    def program() -> None:
        agent(gateway("one", TokenIssuer("tokens", {}).inbound).tools("shop", when="context.input.amount < 1000"))

    statement = run(program).one("AgentcorePolicy", "helper-tools").inputs["definition"]["cedar"]["statement"]
    client = {"sub": "helper-tokens-client-id", "client_id": "helper-tokens-client-id"}
    for amount, allowed in ((999, True), (1000, False)):
        assert permits_token([statement], client, "shop___one_pay", arn("one"), amount=amount) is allowed


def test_everything_is_there_before_the_agent_runs(run: Any, agent: Agent) -> None:
    for preview in (False, True):
        recorded = run(lambda: everywhere(agent), preview=preview)
        runtime = recorded.one("AgentcoreAgentRuntime", "helper-runtime")
        policy = recorded.one("RolePolicy", "helper-tokens")
        assert {"helper-tokens", "helper-tools"} <= runtime.dependencies
        made = {"helper-identity", "helper-tokens-provider", "helper-okta-provider"}
        assert made <= policy.dependencies
        assert made <= runtime.property_dependencies["environmentVariables"]
        assert {"one-shop", "helper-tokens-client"} <= recorded.one("AgentcorePolicy", "helper-tools").dependencies


def in_clear(node: Any) -> Any:
    """What is left of registered inputs without what is marked as secret."""
    if isinstance(node, dict):
        return None if node.get(SIGNATURE) == HIDDEN else {key: in_clear(it) for key, it in node.items()}
    return [in_clear(it) for it in node] if isinstance(node, list) else node


def test_no_secret_stands_anywhere_in_clear(run: Any, agent: Agent) -> None:
    recorded = run(lambda: everywhere(agent))
    written = [it.inputs for it in recorded.resources]
    assert "-hidden" in json.dumps(written)
    assert "-hidden" not in json.dumps(in_clear(written))
    assert "-hidden" not in json.dumps(recorded.outputs)
    assert "-hidden" not in json.dumps(variables(recorded))


def test_an_agent_handed_no_bearer_grant_is_as_if_there_were_no_tokens(run: Any, agent: Agent) -> None:
    def plan(tokens: bool) -> list[Any]:
        def program() -> None:
            agent(gateway("plain").tools(), gateway("all", authorization="gateway").tools())
            if tokens:
                agent(gateway("one", TokenIssuer("tokens", {}).inbound).tools(), name="other")

        others = ("other", "one", "tokens")
        made = [it for it in run(program).resources if not it.name.startswith(others)]
        return sorted(made, key=lambda it: (it.type, it.name))

    assert plan(True) == plan(False)
    of_agent = [it for it in plan(True) if it.name.startswith("helper")]
    assert "TOKEN_GATEWAYS" not in repr(of_agent)
    kinds = {it.type.split(":")[-1] for it in of_agent}
    assert not kinds & {"UserPoolClient", "AgentcoreOauth2CredentialProvider", "AgentcoreWorkloadIdentity"}


def test_a_given_role_is_told_the_same(run: Any, agent: Agent, allows: Any) -> None:
    role = "arn:aws:iam::123456789012:role/platform/helper"
    recorded = run(lambda: everywhere(agent, role_arn=role))
    written = recorded.one("RolePolicy", "helper-tokens")
    assert written.inputs["role"] == "helper"
    own = f"{VAULT}/oauth2credentialprovider/toolgate_dev_helper_tokens"
    assert allows(written.document(), "bedrock-agentcore:GetResourceOauth2Token", own)


def test_two_agents_are_two_clients(run: Any, agent: Agent, allows: Any) -> None:
    def program() -> None:
        one = gateway("one", TokenIssuer("tokens", {}).inbound)
        agent(one.tools(), name="a")
        agent(one.tools(), name="b")

    recorded = run(program)
    ids = {it.inputs["name"] for it in recorded.resources if it.type.endswith(("UserPoolClient", "WorkloadIdentity"))}
    assert ids == {"toolgate_dev_a", "toolgate_dev_b"}
    for own, other in (("a", "b"), ("b", "a")):
        document = recorded.one("RolePolicy", f"{own}-tokens").document()
        for resource in (
            f"{VAULT}/oauth2credentialprovider/toolgate_dev_{other}_tokens",
            f"{DIRECTORY}/workload-identity/toolgate_dev_{other}",
        ):
            assert not allows(document, "bedrock-agentcore:GetResourceOauth2Token", resource)
            assert not allows(document, "bedrock-agentcore:GetWorkloadAccessToken", resource)


def test_a_protected_agent_can_lose_its_tokens(run: Any, agent: Agent) -> None:
    recorded = run(lambda: everywhere(agent, opts=pulumi.ResourceOptions(protect=True)))
    free = {it.name for it in recorded.resources if it.name.startswith("helper") and not it.protect}
    assert {"helper-tokens-client", "helper-tokens-provider", "helper-okta-provider", "helper-identity"} <= free
    assert "helper-runtime" not in free


def written_out(**more: Any) -> Any:
    bearer = {"issuer": "tokens", "discovery_url": COGNITO, "user_pool_id": POOL, "scope": "x/invoke", **more}
    known = {key: it for key, it in bearer.items() if it is not None}
    return {"gateway_arn": arn("one"), "gateway_url": url("one"), "tools": ["a___b"], "bearer": known}


def test_a_grant_that_was_written_out_is_one(run: Any, agent: Agent) -> None:
    """As from a program in another language: whatever is not plain is an Output."""

    def later(value: Any) -> Any:
        return pulumi.Output.from_input(value)

    def program() -> None:
        bearer = {key: later(it) for key, it in written_out()["bearer"].items() if key != "issuer"}
        minutes = {"access_token_minutes": later(5.0)}
        grant = {**written_out(), "tools": later(["a___b"]), "bearer": {"issuer": "tokens", **bearer, **minutes}}
        agent({key: it if key == "bearer" else later(it) for key, it in grant.items()})

    client = run(program).one("UserPoolClient", "helper-tokens-client")
    assert client.inputs["allowedOauthScopes"] == ["x/invoke"]
    assert client.inputs["userPoolId"] == POOL
    assert client.inputs["accessTokenValidity"] == 5


def test_foreign_credentials_may_come_from_other_resources(run: Any, agent: Agent, permits_token: Any) -> None:
    def program(client: str) -> None:
        later = {key: pulumi.Output.from_input(AT_OKTA[key]) for key in ("secret_arn",)}
        given = {**AT_OKTA, **later, "client_id": pulumi.Output.from_input(client)}
        agent(gateway("theirs", OKTA).tools(), credentials=[given])

    statement = run(lambda: program("0oa1")).one("AgentcorePolicy", "helper-tools").inputs["definition"]["cedar"]
    assert permits_token([statement["statement"]], {"sub": "x", "cid": "0oa1"}, "shop___theirs_pay", arn("theirs"))
    with pytest.raises(UsageError, match="is no id of an OAuth client"):
        run(lambda: program('x" || true || "'))


def test_two_issuers_of_one_name_are_found_out_late_too(run: Any, agent: Agent) -> None:
    def program() -> None:
        one, two = written_out(), written_out(discovery_url=pulumi.Output.from_input(COGNITO.replace("AbC", "XyZ")))
        agent(one, {**two, "tools": ["a___c"]})

    with pytest.raises(UsageError, match=r"AgentRuntime 'helper'\.tools: two issuers have the name 'tokens'"):
        run(program)


@pytest.mark.parametrize(
    ("grants", "credentials", "message"),
    [
        (
            ["okta"],
            [],
            r"tools: a gateway takes tokens of 'okta', and the agent has no client there. Write 'credentials'",
        ),
        (["okta"], [AT_OKTA, AT_OKTA], r"credentials\[1\]: a second client of 'okta'"),
        ([], [AT_OKTA], r"credentials: no gateway that was handed over takes tokens of 'okta'. Remove them"),
        (["tokens"], [{**AT_OKTA, "issuer": "tokens"}], "credentials: 'tokens' is the stack's own, in which .* Remove"),
        (["tokens"], [AT_OKTA], "no gateway that was handed over takes tokens of 'okta'"),
        (["okta"], [{**AT_OKTA, "client_id": 'a"'}], r"credentials\[0\]\.client_id: .* is no id of an OAuth client"),
        (["okta"], [{**AT_OKTA, "secret_arn": "okta"}], r"secret_arn: 'okta' is no ARN of a Secrets Manager secret"),
        (
            ["okta"],
            [{**AT_OKTA, "secret_arn": "arn:aws:ssm:us-east-1:123456789012:parameter/x"}],
            "is no ARN of a Secrets Manager secret. Write one like",
        ),
        (["okta"], [{**AT_OKTA, "json_key": ""}], "json_key: has 0 characters; 1 to 128"),
        (["okta"], [{**AT_OKTA, "scopes": ["s" * 129]}], "has 129 characters; 1 to 128"),
        (["okta"], [{**AT_OKTA, "parameters": {"a b": "x"}}], "parameters: 'a b' is refused"),
        (["okta"], [{**AT_OKTA, "parameters": {"a": ""}}], "parameters.a: number of characters: is 0; 1 to 2048"),
        (["okta"], [{**AT_OKTA, "secret": "s3cret"}], r"credentials\[0\]: unknown key 'secret'"),
        (["okta"], [{"issuer": "okta"}], "missing 'client_id', 'json_key', 'secret_arn'"),
        (["mixed"], [], "two issuers have the name 'tokens'. Give each a name .* has a user pool"),
        (["other"], [], "two issuers have the name 'tokens'.*https://cognito-idp.* and https://"),
        (["scopeless"], [], r"tools\[0\]\.bearer: missing 'scope'"),
        (["injected"], [], r"tools\[0\]\.bearer\.client_claim: .* is no claim's name"),
    ],
)
def test_what_is_wrong_is_an_error_before_anything_is_made(
    run: Any, agent: Agent, grants: list[str], credentials: Any, message: str
) -> None:
    okta = {"issuer": "okta", "discovery_url": OKTA["discovery_url"], "user_pool_id": None, "scope": None}
    kinds: dict[str, list[Any]] = {
        "okta": [written_out(**okta)],
        "tokens": [written_out()],
        "mixed": [written_out(), written_out(user_pool_id=None, scope=None)],
        "other": [written_out(), written_out(discovery_url=COGNITO.replace("AbC", "XyZ"))],
        "scopeless": [written_out(scope=None)],
        "injected": [written_out(**okta, client_claim='a") || true || principal.hasTag("')],
    }
    handed = [{**grant, "tools": [f"a___{n}"]} for kind in grants for n, grant in enumerate(kinds[kind])]

    def program() -> None:
        with pytest.raises(UsageError, match=message) as raised:
            agent(*handed, credentials=credentials)
        assert str(raised.value).startswith("AgentRuntime 'helper'")

    assert run(program).resources == []


def test_what_an_agent_is_told_has_its_limit(run: Any, agent: Agent) -> None:
    """A variable has 5000 characters; some seventy gateways are told in one."""

    def program(number: int) -> None:
        issuer = TokenIssuer("tokens", {})
        agent(*[gateway(f"a-gateway-{it}", issuer.inbound).tools() for it in range(number)])

    run(lambda: program(20))
    with pytest.raises(
        UsageError, match=r"what the agent is told of its gateways \(TOKEN_GATEWAYS\): has \d+ characters"
    ):
        run(lambda: program(50))


def test_the_variable_is_the_components_own(run: Any, agent: Agent) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=r"environment: TOKEN_GATEWAYS is written by the component\. Remove it"):
            agent(environment={"TOKEN_GATEWAYS": "x"})
        many = {f"V{number}": "x" for number in range(46)}
        with pytest.raises(UsageError, match="number of variables: is 46; 0 to 45"):
            agent(written_out(), environment=many)
        agent(environment=many)

    run(program)

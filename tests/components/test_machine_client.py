"""A caller outside of AgentCore."""

import json
from typing import Any

import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_text
from toolgate.components.machine_client import MachineClient
from toolgate.components.token_issuer import TokenIssuer
from toolgate.components.tool_gateway import ToolGateway

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
POOL = "us-east-1_AbCdEf123"
SCHEMA = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
OKTA: Any = {
    "issuer": "okta",
    "discovery_url": "https://okta.example/.well-known/openid-configuration",
    "audiences": ["tools"],
}
BEARER = {
    "issuer": "tokens",
    "discovery_url": f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}/.well-known/openid-configuration",
    "user_pool_id": POOL,
    "scope": "x/invoke",
    "token_endpoint": "https://x.example/oauth2/token",
}
ENDPOINT = "https://toolgate-dev-tokens-123456789012.auth.us-east-1.amazoncognito.com/oauth2/token"


def gateway(name: str, inbound: Any = None, authorization: str = "tool") -> ToolGateway:
    tools = [{"name": f"{name}_{it}", "description": "Does.", "inputSchema": SCHEMA} for it in ("pay", "refund")]
    args: Any = {
        "targets": {"shop": {"function_arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "tools": tools}},
        "authorization": authorization,
        **({} if inbound is None else {"inbound": inbound}),
    }
    return ToolGateway(name, args)


def arn(name: str) -> str:
    return f"arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/toolgate-dev-{name}-a1b2c3d4e5"


def nightly(**more: Any) -> MachineClient:
    issuer = TokenIssuer("tokens", {"access_token_minutes": 30})
    one, two = gateway("one", issuer.inbound), gateway("two", issuer.inbound, "gateway")
    return MachineClient(
        "nightly-job",
        {"tools": [one.tools("shop___one_pay", when="context.input.amount < 10"), two.tools()], **more},  # type: ignore[typeddict-item]
    )


def test_its_client_has_exactly_the_scopes_of_the_gateways_it_was_handed(run: Any) -> None:
    client = run(nightly).one("UserPoolClient", "nightly-job-client")
    assert client.inputs == {
        "name": "toolgate-dev-nightly-job",
        "userPoolId": POOL,
        "generateSecret": True,
        "allowedOauthFlows": ["client_credentials"],
        "allowedOauthFlowsUserPoolClient": True,
        "allowedOauthScopes": ["toolgate-dev-one/invoke", "toolgate-dev-two/invoke"],
        "explicitAuthFlows": [],
        "accessTokenValidity": 30,
        "tokenValidityUnits": {"accessToken": "minutes"},
    }


def test_what_it_needs_for_a_token_lies_in_secrets_manager_and_nowhere_else(run: Any) -> None:
    def program() -> None:
        client = nightly(kms_key_arn=KEY, tags={"team": "a"})
        pulumi.export("client", {"id": client.client_id, "secret": client.secret_arn, "tools": client.tool_names})

    recorded = run(program)
    secret = recorded.one("Secret", "nightly-job-secret").inputs
    assert secret == {
        "description": "What the client toolgate-dev-nightly-job needs for a token",
        "kmsKeyId": KEY,
        "tags": {"team": "a"},
    }
    version = recorded.one("SecretVersion", "nightly-job-secret-version")
    assert version.inputs["secretId"] == "nightly-job-secret-id"
    assert set(version.inputs["secretString"]) == {"4dabf18193072939515e22adb298388d", "value"}
    assert json.loads(version.inputs["secretString"]["value"]) == {
        "client_id": "nightly-job-client-id",
        "client_secret": "nightly-job-client-hidden",
        "token_endpoint": ENDPOINT,
        "scope": "toolgate-dev-one/invoke toolgate-dev-two/invoke",
    }
    assert recorded.outputs["client"] == {
        "id": "nightly-job-client-id",
        "secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:nightly-job-secret-1234567-a1B2c3",
        "tools": ["shop___one_pay", "shop___two_pay", "shop___two_refund"],
    }
    others = [it.inputs for it in recorded.resources if it is not version]
    assert "-hidden" not in json.dumps([others, recorded.outputs])


def test_it_may_call_what_it_was_handed_and_no_more(run: Any, permits_token: Any) -> None:
    recorded = run(nightly)
    [policy] = [it for it in recorded.resources if it.type.endswith(":AgentcorePolicy")]
    assert (policy.name, policy.inputs["name"]) == ("nightly-job-tools", "toolgate_dev_nightly_job_client")
    assert policy.hooks == ["MachineClient-nightly-job-propagation"]
    assert {"one-shop", "nightly-job-client"} <= policy.dependencies
    statements = [policy.inputs["definition"]["cedar"]["statement"]]
    own = {"sub": "nightly-job-client-id", "client_id": "nightly-job-client-id"}
    assert permits_token(statements, own, "shop___one_pay", arn("one"), amount=9)
    assert not permits_token(statements, own, "shop___one_pay", arn("one"), amount=10)
    assert not permits_token(statements, own, "shop___one_refund", arn("one"), amount=9)
    assert not permits_token(statements, {**own, "client_id": "x"}, "shop___one_pay", arn("one"), amount=9)


def test_an_agent_and_a_client_of_one_name_have_policies_of_two_names(run: Any, tmp_path: Any) -> None:
    from toolgate.components.agent_runtime import AgentRuntime  # noqa: PLC0415  # the only test with an agent

    (tmp_path / "agent.zip").write_bytes(b"a zip")

    def program() -> None:
        one = gateway("one", TokenIssuer("tokens", {}).inbound)
        zipped = str(tmp_path / "agent.zip")
        for name in ("job", "job-client"):
            AgentRuntime(name, {"code": zipped, "model_id": "amazon.nova-lite-v1:0", "tools": [one.tools()]})
        MachineClient("job", {"tools": [one.tools()]})

    names = [it.inputs["name"] for it in run(program).resources if it.type.endswith(":AgentcorePolicy")]
    assert len(set(names)) == len(names) == 3


def test_protected_are_who_it_is_and_what_it_knows(run: Any) -> None:
    def program() -> None:
        one = gateway("one", TokenIssuer("tokens", {}).inbound)
        MachineClient("job", {"tools": [one.tools()]}, pulumi.ResourceOptions(protect=True))

    kept = {it.name for it in run(program).resources if it.protect}
    assert kept == {"job", "job-client", "job-secret"}


def test_in_a_preview_its_scopes_are_known(run: Any) -> None:
    client = run(nightly, preview=True).one("UserPoolClient", "nightly-job-client")
    assert client.inputs["allowedOauthScopes"] == ["toolgate-dev-one/invoke", "toolgate-dev-two/invoke"]


@pytest.mark.parametrize(
    ("handed", "more", "message"),
    [
        ([], {}, r"MachineClient 'job'\.tools: is empty, and so would be the client's scopes"),
        ([None], {}, r"tools\[0\]: its gateway takes requests that an IAM role signs, and no tokens. Give the gateway"),
        ([BEARER, None], {}, r"tools\[1\]: its gateway takes requests that an IAM role signs"),
        ([{"issuer": "okta", "discovery_url": OKTA["discovery_url"]}], {}, "clients of 'okta' are made there"),
        (
            [BEARER, {**BEARER, "issuer": "more"}],
            {},
            r"of 2 issuers \('tokens', 'more'\), and a client has one. Make one",
        ),
        ([{k: BEARER[k] for k in BEARER if k != "token_endpoint"}], {}, "missing 'token_endpoint'. Write the token"),
        ([{**BEARER, "client_claim": "azp"}], {}, r"tools\[0\]\.bearer\.client_claim: in Cognito's tokens"),
        ([BEARER], {"kms_key_arn": "alias/x"}, "kms_key_arn: 'alias/x' is no ARN of a KMS key"),
        ([BEARER], {"tags": {"aws:x": ""}}, "'aws:x' begins with"),
        ([BEARER], {"role_arn": "x"}, "unknown key 'role_arn'"),
    ],
)
def test_what_is_wrong_is_an_error_before_anything_is_made(
    run: Any, handed: list[Any], more: Any, message: str
) -> None:
    grants = [
        {"gateway_arn": arn("one"), "gateway_url": "https://one/mcp", "tools": [f"a___{number}"]}
        | ({} if bearer is None else {"bearer": bearer})
        for number, bearer in enumerate(handed)
    ]

    def program() -> None:
        args: Any = {"tools": grants, **more}
        with pytest.raises(UsageError, match=message):
            MachineClient("job", args)

    assert run(program).resources == []


def test_names_that_aws_would_refuse_are_refused(run: Any) -> None:
    def program() -> None:
        grant: Any = {"gateway_arn": arn("one"), "gateway_url": "https://one/mcp", "tools": ["a___b"], "bearer": BEARER}
        engine = {"policy_engine_id": "toolgate_dev_one-a1b2c3d4e5"}
        with pytest.raises(UsageError, match=r"policy name .* has 49 characters; at most 48"):
            MachineClient("j" * 29, {"tools": [grant | engine]})
        with pytest.raises(UsageError, match=r"user pool name .* has 129 characters; at most 128"):
            MachineClient("j" * 116, {"tools": [grant]})

    assert run(program).resources == []


def test_its_permits_count_like_an_agents(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cedar_text, "MOST_POLICIES", 2)

    def program(number: int) -> None:
        one = gateway("one", TokenIssuer("tokens", {}).inbound)
        for index in range(number):
            MachineClient(f"job-{index}", {"tools": [one.tools()]})

    run(lambda: program(2))
    with pytest.raises(
        UsageError, match=r"MachineClient 'job-2'\.tools: would be Cedar policy number 3 on this gateway"
    ):
        run(lambda: program(3))

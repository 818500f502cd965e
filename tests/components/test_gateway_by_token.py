"""A gateway that takes tokens."""

from typing import Any

import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.token_issuer import TokenIssuer
from toolgate.components.tool_gateway import ToolGateway

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
TARGETS: Any = {
    "math": {"function_arn": FUNCTION, "tools": [{"name": "add", "description": "Adds.", "inputSchema": SCHEMA}]}
}
POOL = "us-east-1_AbCdEf123"
DISCOVERY = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}/.well-known/openid-configuration"
OKTA: Any = {
    "issuer": "okta",
    "discovery_url": "https://okta.example/.well-known/openid-configuration",
    "audiences": ["tools"],
    "client_claim": "cid",
}


def gateway(inbound: Any, name: str = "tools", **more: Any) -> ToolGateway:
    args: Any = {"targets": TARGETS, "inbound": inbound, **more}
    return ToolGateway(name, args)


def test_it_has_one_scope_of_its_own_and_lets_in_who_has_it(run: Any) -> None:
    recorded = run(lambda: gateway(TokenIssuer("tokens", {}).inbound))
    server = recorded.one("ResourceServer", "tools-scope")
    assert server.inputs == {
        "identifier": "toolgate-dev-tools",
        "name": "toolgate-dev-tools",
        "userPoolId": POOL,
        "scopes": [{"scopeName": "invoke", "scopeDescription": "To call tools of this gateway"}],
    }
    made = recorded.one("AgentcoreGateway", "tools-gateway")
    assert made.inputs["authorizerType"] == "CUSTOM_JWT"
    assert made.inputs["authorizerConfiguration"] == {
        "customJwtAuthorizer": {"discoveryUrl": DISCOVERY, "allowedScopes": ["toolgate-dev-tools/invoke"]}
    }
    assert {"tokens-domain", "tools-scope"} <= made.dependencies


def test_each_gateway_has_another_scope_in_one_pool(run: Any) -> None:
    def program() -> None:
        issuer = TokenIssuer("tokens", {})
        for name in ("one", "two"):
            gateway(issuer.inbound, name)

    recorded = run(program)
    locks = [
        recorded.one("AgentcoreGateway", f"{name}-gateway").inputs["authorizerConfiguration"]["customJwtAuthorizer"]
        for name in ("one", "two")
    ]
    assert [it["allowedScopes"] for it in locks] == [["toolgate-dev-one/invoke"], ["toolgate-dev-two/invoke"]]


def test_a_foreign_issuers_tokens_are_told_apart_by_audience_and_scope(run: Any) -> None:
    recorded = run(lambda: gateway({**OKTA, "scopes": ["tools.call"]}))
    assert not [it for it in recorded.resources if "cognito" in it.type]
    assert recorded.one("AgentcoreGateway", "tools-gateway").inputs["authorizerConfiguration"] == {
        "customJwtAuthorizer": {
            "discoveryUrl": OKTA["discovery_url"],
            "allowedAudiences": ["tools"],
            "allowedScopes": ["tools.call"],
        }
    }


@pytest.mark.parametrize("authorization", ["gateway", "tool"])
def test_everything_else_is_as_with_iam(run: Any, authorization: str) -> None:
    def made(inbound: bool) -> dict[str, Any]:
        def program() -> None:
            issuer = TokenIssuer("tokens", {})
            more = {"inbound": issuer.inbound} if inbound else {}
            args: Any = {"targets": TARGETS, "authorization": authorization, **more}
            ToolGateway("tools", args)

        others = {"inbound", "authorizerType", "authorizerConfiguration"}
        return {
            f"{it.type} {it.name}": {key: value for key, value in it.inputs.items() if key not in others}
            for it in run(program).resources
            if it.name != "tools-scope"
        }

    assert made(True) == made(False)


def test_its_tools_tell_how_to_come_to_it(run: Any) -> None:
    told: list[Any] = []

    def program() -> None:
        own = gateway(TokenIssuer("tokens", {"access_token_minutes": 30}).inbound)
        foreign, plain = gateway(OKTA, "theirs"), ToolGateway("plain", {"targets": TARGETS})
        assert foreign.scope is None
        assert plain.scope is None
        assert "bearer" not in plain.tools()
        pulumi.Output.from_input([own.tools()["bearer"], foreign.tools()["bearer"], own.scope]).apply(told.extend)

    run(program)
    assert told == [
        {
            "issuer": "tokens",
            "discovery_url": DISCOVERY,
            "user_pool_id": POOL,
            "token_endpoint": "https://toolgate-dev-tokens-123456789012.auth.us-east-1.amazoncognito.com/oauth2/token",
            "access_token_minutes": 30,
            "scope": "toolgate-dev-tools/invoke",
        },
        {"issuer": "okta", "discovery_url": OKTA["discovery_url"], "client_claim": "cid"},
        "toolgate-dev-tools/invoke",
    ]


def test_a_scope_is_known_in_a_preview(run: Any) -> None:
    scopes: list[str] = []

    def program() -> None:
        made = gateway(TokenIssuer("tokens", {}).inbound)
        assert made.scope is not None
        made.scope.apply(scopes.append)

    run(program, preview=True)
    assert scopes == ["toolgate-dev-tools/invoke"]


def test_a_scope_may_go_with_a_protected_gateway(run: Any) -> None:
    """It says who may come in; and a pool keeps no resource server that no gateway has."""

    def program() -> None:
        issuer = TokenIssuer("tokens", {})
        args: Any = {"targets": TARGETS, "inbound": issuer.inbound}
        ToolGateway("tools", args, pulumi.ResourceOptions(protect=True))

    recorded = run(program)
    assert recorded.one("AgentcoreGateway", "tools-gateway").protect
    assert not recorded.one("ResourceServer", "tools-scope").protect


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ('principal.hasTag("team") && principal.getTag("team") == "shop"', None),
        ('principal.getTag("team") == "shop"', "unable to guarantee safety of access to tag"),
        ("context.input.y == 1", "`input.y` in context .* not found"),
    ],
)
def test_a_condition_may_speak_of_the_tokens_claims(run: Any, when: str, message: str | None) -> None:
    def program() -> None:
        tools = gateway(OKTA, authorization="tool").tools
        if message is None:
            assert tools("math", when=when)["when"] == when
        else:
            with pytest.raises(UsageError, match=message):
                tools("math", when=when)

    run(program)


@pytest.mark.parametrize(
    ("inbound", "message"),
    [
        ({}, "ToolGateway 'tools'.inbound: missing 'discovery_url', 'issuer'"),
        ("jwt", "inbound: must be a map"),
        ({**OKTA, "audiences": []}, "inbound: lets in every token of 'okta'"),
        ({**OKTA, "clients": ["x"]}, "inbound: unknown key 'clients'"),
        ({**OKTA, "user_pool_id": "x"}, "inbound.audiences: access tokens of Cognito have no audience"),
    ],
)
def test_what_is_wrong_is_an_error_before_anything_is_made(run: Any, inbound: Any, message: str) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=message):
            gateway(inbound)

    assert run(program).resources == []


def test_an_output_where_a_plain_value_is_needed_is_an_error(run: Any) -> None:
    def program() -> None:
        for key in ("issuer", "audiences", "client_claim"):
            with pytest.raises(UsageError, match=f"inbound.{key}: must be a plain value, not an Output"):
                gateway({**OKTA, key: pulumi.Output.from_input(OKTA[key])})

    assert run(program).resources == []

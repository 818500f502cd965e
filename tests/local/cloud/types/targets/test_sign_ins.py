from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import TARGET
from tests.local.cloud.types.targets.conftest import KEY, SIGN_INS, SIGNED, TOKEN, changed
from toolgate.local.cloud.catalogue import TYPES
from toolgate.local.cloud.values import UNKNOWN

Check = Callable[..., list[str]]

TAKEN = {
    "lambda": {"role"},
    "mcpServer": {"none", "role for a service", "API key", "token", "token exchange"},
    "openApiSchema": {"none", "role for a service", "API key", "token", "token exchange"},
    "apiGateway": {"none", "role", "API key"},
    "connector": {"role"},
}
"""AgentCore developer guide, "Set up outbound authorization for your gateway"."""
REFUSED = "credentialProviderConfiguration: ValidationException: "


@pytest.mark.parametrize("sign_in", SIGN_INS)
@pytest.mark.parametrize("kind", TAKEN)
def test_which_kind_takes_which_credentials(kind: str, sign_in: str, check: Check) -> None:
    inputs = {"targetConfiguration": changed(kind), "credentialProviderConfiguration": SIGN_INS[sign_in]}
    found = check(TARGET, **inputs)
    if sign_in in TAKEN[kind]:
        assert found == []
    else:
        [reason] = found
        assert reason.startswith(REFUSED)


@pytest.mark.parametrize(
    ("sign_in", "reason"),
    [
        ({}, "takes exactly one credential provider, and has 0"),
        (SIGNED | KEY, "takes exactly one credential provider, and has 2"),
        ({"gatewayIamRole": {"region": "us-east-1"}}, "IamCredentialProvider is required for mcpServer targets"),
        ({"gatewayIamRole": {"service": "a b"}}, "regular expression pattern"),
        ({"gatewayIamRole": {"service": "a" * 65}}, "length less than or equal to 64"),
        ({"gatewayIamRole": {"role": "x"}}, "does not reproduce credentialProviderConfiguration.gatewayIamRole.role"),
        ({"basic": {}}, "does not reproduce credentialProviderConfiguration.basic"),
        ({"apiKey": {}}, "must not be null"),
        ({"apiKey": KEY["apiKey"] | {"providerArn": "orders"}}, "regular expression pattern"),
        ({"apiKey": KEY["apiKey"] | {"credentialLocation": "COOKIE"}}, "enum value set"),
        ({"apiKey": KEY["apiKey"] | {"credentialPrefix": "x" * 65}}, "length less than or equal to 64"),
        ({"oauth": TOKEN["oauth"] | {"scopes": None}}, "must not be null"),
        ({"oauth": TOKEN["oauth"] | {"scopes": ["x" * 65]}}, "length less than or equal to 64"),
        ({"oauth": TOKEN["oauth"] | {"customParameters": {}}}, "length greater than or equal to 1"),
        ({"oauth": TOKEN["oauth"] | {"grantType": "PASSWORD"}}, "enum value set"),
        ({"oauth": TOKEN["oauth"] | {"grantType": "AUTHORIZATION_CODE"}}, "does not reproduce"),
    ],
)
def test_credentials_that_are_refused(sign_in: Any, reason: str, check: Check) -> None:
    [found] = check(TARGET, targetConfiguration=changed("mcpServer"), credentialProviderConfiguration=sign_in)
    assert found.startswith("credentialProviderConfiguration: ")
    assert reason in found


@pytest.mark.parametrize(
    "sign_in",
    [
        UNKNOWN,
        {"gatewayIamRole": UNKNOWN},
        {"gatewayIamRole": {"service": UNKNOWN}},
        {"apiKey": {"providerArn": UNKNOWN}},
    ],
)
@pytest.mark.parametrize("kind", TAKEN)
def test_what_is_not_known_yet_is_passed_over(kind: str, sign_in: Any, check: Check) -> None:
    found = check(TARGET, targetConfiguration=changed(kind), credentialProviderConfiguration=sign_in)
    assert [it for it in found if "must not be given" not in it and "takes gatewayIamRole as" not in it] == []


def test_a_role_without_a_service_is_no_provider_in_the_request() -> None:
    [request] = TYPES[TARGET].requests
    assert [
        request.made_of({"credentialProviderConfiguration": {"gatewayIamRole": settings}})
        for settings in ({}, {"region": "us-east-1"}, {"service": "execute-api"})
    ] == [
        {"credentialProviderConfigurations": [{"credentialProviderType": "GATEWAY_IAM_ROLE", **provider}]}
        for provider in ({}, {}, {"credentialProvider": {"iamCredentialProvider": {"service": "execute-api"}}})
    ]

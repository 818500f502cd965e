"""What the stand-in of Identity asks IAM before it gives a token, and what it refuses unasked."""

import json
from typing import Any

import pytest

from tests.local.serve.tokens.conftest import GREETER, export
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.aws.needs import DataAccount
from toolgate.local.serve.guards.iam_guard import NeededPermission, RequestRefused
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.tokens import identity_api
from toolgate.local.serve.tokens.identity_api import Identity
from toolgate.local.serve.tokens.workload_tokens import WorkloadTokens

ENV = CloudEnvironment()
KEY = ENV.arn("kms", "key/11111111-2222-3333-4444-555555555555")
TOKENS = WorkloadTokens()


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    return parse(export())


def asked(deployment: Deployment, path: str, body: bytes, account: DataAccount) -> list[NeededPermission]:
    unused: Any = None
    identity = Identity(deployment, ENV, unused, TOKENS, lambda: account)
    match = identity_api._PATH.fullmatch(f"/identities/{path}")
    assert match
    return identity._permissions(match, Received("POST", match[0], "", (), body))


def request(workload_token: str, provider: str) -> bytes:
    given = {"workloadIdentityToken": workload_token, "resourceCredentialProviderName": provider}
    return json.dumps({**given, "scopes": [], "oauth2Flow": "M2M"}).encode()


def test_the_secret_is_read_as_the_caller_and_so_is_its_key(deployment: Deployment) -> None:
    name = next(it.name for it in deployment.runtimes if it.agent == GREETER)
    [provider] = [it for it in deployment.tokens.providers if it.name == f"{name}_tokens"]
    [secret] = provider.secret_arns
    account = DataAccount(ENV, secrets=frozenset({secret}), keys={secret: KEY})
    found = asked(deployment, "oauth2/token", request(TOKENS.issue(name), provider.name), account)
    through = "secretsmanager.us-east-1.amazonaws.com"
    assert found[-2:] == [
        NeededPermission(
            "secretsmanager:GetSecretValue",
            secret,
            {"secretsmanager:secretid": secret, "aws:viaawsservice": "true"},
        ),
        NeededPermission("kms:Decrypt", KEY, {"kms:ViaService": through, "kms:CallerAccount": ENV.account}),
    ]


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        (request(TOKENS.issue("agent", seconds=0), "p"), 403, "AccessDeniedException", "Token has expired"),
        (request("x.y", "p"), 401, "UnauthorizedException", "is invalid"),
        (b"{", 400, "ValidationException", "JSON"),
        (b"[]", 400, "ValidationException", "not a JSON object"),
        (b"7", 400, "ValidationException", "not a JSON object"),
        (b"{}", 400, "ValidationException", "validation errors detected"),
    ],
)
def test_what_names_nobody_is_refused_before_iam_is_asked(
    deployment: Deployment, body: bytes, status: int, code: str, says: str
) -> None:
    with pytest.raises(RequestRefused, match=says) as caught:
        asked(deployment, "oauth2/token", body, DataAccount(ENV))
    assert (caught.value.status, caught.value.code) == (status, code)


def test_only_an_agents_own_identity_has_a_token(deployment: Deployment) -> None:
    unused: Any = None
    identity = Identity(deployment, ENV, unused, TOKENS, lambda: DataAccount(ENV))
    for linked in (deployment.runtimes[0].id, deployment.gateways[0].id):
        with pytest.raises(RequestRefused, match="linked to a service"):
            identity._workload_token(linked)
    with pytest.raises(RequestRefused, match="No workload identity nobody") as caught:
        identity._workload_token("nobody")
    assert (caught.value.status, caught.value.code) == (404, "ResourceNotFoundException")

"""Targets whose place is not in the deployment: APIs and MCP servers at URLs that are named, with their credentials."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.local.serve.outbound.far_sides import Api, api
from tests.local.serve.outbound.test_servers_in_runtime import call, last_line, text
from tests.server_export import ACCOUNT, add, add_target, allow, export, grant, mcp_server, tool
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.local.serve.outbound.places import misfit
from toolgate.local.serve.server import Serving, serve

PROJECT = Path(__file__).parents[1] / "project"
AGENTCORE = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}"
KEY_PROVIDER = f"{AGENTCORE}:token-vault/default/apikeycredentialprovider/pets"
TOKEN_PROVIDER = f"{AGENTCORE}:token-vault/default/oauth2credentialprovider/pets"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:pets-AbCdEf"
DIRECTORY = f"{AGENTCORE}:workload-identity-directory/default"
IDENTITY = f"{DIRECTORY}/workload-identity/handmade-tools-*"
VAULT = f"{AGENTCORE}:token-vault/default"
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "pets", "version": "1"},
    "servers": [{"url": "https://pets.example.com/v1"}],
    "paths": {
        "/pets/{pet}": {
            "get": {
                "operationId": "pet",
                "summary": "Find a pet.",
                "parameters": [
                    {"name": "pet", "in": "path", "required": True, "schema": {"type": "string"}},
                    *({"name": it, "in": "query", "schema": {"type": "string"}} for it in ("status", "huge", "binary")),
                ],
            }
        }
    },
}
OPEN_API = {"openApiSchema": {"inlinePayload": {"payload": json.dumps(DOCUMENT)}}}
REMOTE = mcp_server("https://mcp.example.com/mcp", [tool("who")])
BY_KEY = {"apiKey": {"providerArn": KEY_PROVIDER, "credentialLocation": "HEADER", "credentialParameterName": "X-Key"}}
BY_TOKEN = {"oauth": {"providerArn": TOKEN_PROVIDER, "scopes": ["pets/read"]}}
TAKES_KEY = [
    allow("bedrock-agentcore:GetWorkloadAccessToken", DIRECTORY, IDENTITY),
    allow("bedrock-agentcore:GetResourceApiKey", DIRECTORY, IDENTITY, VAULT, KEY_PROVIDER),
    allow("secretsmanager:GetSecretValue", SECRET),
]
TAKES_TOKEN = [
    allow("bedrock-agentcore:GetWorkloadAccessToken", DIRECTORY, IDENTITY),
    allow("bedrock-agentcore:GetResourceOauth2Token", DIRECTORY, IDENTITY, VAULT, TOKEN_PROVIDER),
    allow("secretsmanager:GetSecretValue", SECRET),
]


def pets(
    configuration: Mapping[str, Any],
    credentials: Mapping[str, Any] | None = None,
    statements: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The deployment with a target `pets`, and what its credential takes."""
    made = export()
    add_target(made, "pets", configuration, credentials)
    if statements:
        grant(made, "tools-role", "credentials", statements)
    bedrock = "aws:bedrock/agentcore"
    add(
        made,
        f"{bedrock}ApiKeyCredentialProvider:AgentcoreApiKeyCredentialProvider",
        "key",
        {"name": "pets", "apiKeySecretConfig": {"secretId": SECRET, "jsonKey": "key"}},
        credentialProviderArn=KEY_PROVIDER,
    )
    client = {
        "clientId": "client-1",
        "oauthDiscovery": {"discoveryUrl": "https://issuer.example.com/.well-known/openid-configuration"},
        "clientSecretConfig": {"secretId": SECRET, "jsonKey": "secret"},
    }
    add(
        made,
        f"{bedrock}Oauth2CredentialProvider:AgentcoreOauth2CredentialProvider",
        "token",
        {
            "name": "pets",
            "credentialProviderVendor": "CustomOauth2",
            "oauth2ProviderConfig": {"customOauth2ProviderConfig": client},
        },
        credentialProviderArn=TOKEN_PROVIDER,
    )
    return made


@pytest.fixture
def there() -> Iterator[Api]:
    with api() as running:
        yield running


@pytest.fixture
def served(tmp_path: Path) -> Callable[..., Any]:
    (tmp_path / "tools").symlink_to(PROJECT / "tools")
    (tmp_path / ".local").mkdir()

    @contextmanager
    def run(deployment: Mapping[str, Any], places: Mapping[str, str] | None = None) -> Iterator[Serving]:
        with serve(deployment, root=tmp_path, places=places) as serving:
            yield serving

    return run


@pytest.fixture
def key(tmp_path: Path) -> Callable[[Mapping[str, str]], None]:
    def write(values: Mapping[str, str]) -> None:
        (tmp_path / ".local").mkdir(exist_ok=True)
        file = tmp_path / ".local" / "secrets.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(values))

    return write


def test_an_operation_is_called_and_nothing_of_the_caller_goes_along(served: Callable[..., Any], there: Api) -> None:
    with served(pets(OPEN_API), {"pets": f"{there.url}/v1"}) as serving:
        result = call(serving, "pets___pet", {"pet": "7"})
        assert (result.isError, result.structuredContent) == (False, None)
        assert json.loads(text(result)) == {"path": "/v1/pets/7", "query": "", "body": ""}
        [came] = there.requests
        assert set(came["headers"]) == {"host", "accept", "accept-encoding"}
        line = last_line(serving)
        assert (line["target"], line["status"], line["log"]) == ("pets", "ok", "pets.log")
        assert f"its calls go to {there.url}/v1" in " ".join(serving.notes)


@pytest.mark.parametrize(
    ("arguments", "kind", "told"),
    [
        ({"status": "404"}, "HttpStatus404", "Target pets answered with HTTP status 404"),
        ({"status": "500"}, "HttpStatus500", "Target pets answered with HTTP status 500"),
        ({"status": "302"}, "HttpStatus302", "Target pets answered with HTTP status 302"),
        ({"huge": "1"}, "TooLarge", "Target pets could not carry out the call"),
        ({"binary": "1"}, "Unreadable", "Target pets could not carry out the call"),
    ],
)
def test_what_is_no_success_is_masked(
    served: Callable[..., Any], there: Api, arguments: dict[str, str], kind: str, told: str
) -> None:
    with served(pets(OPEN_API), {"pets": there.url}) as serving:
        result = call(serving, "pets___pet", {"pet": "7", **arguments})
        line = last_line(serving)
        assert result.isError
        assert text(result) == f"{told}. Request id: {line['request_id']}"
        assert (line["status"], line["error_type"]) == ("target_failed", kind)
        log = (serving.access_log.parent / "pets.log").read_text()
        assert f"request {line['request_id']}: {kind}: " in log
        if "status" in arguments:
            assert "secret-of-the-server" in log
        assert not call(serving, "pets___pet", {"pet": "7"}).isError


def test_nobody_at_the_place(served: Callable[..., Any]) -> None:
    with served(pets(OPEN_API), {"pets": "http://127.0.0.1:1"}) as serving:
        assert call(serving, "pets___pet", {"pet": "7"}).isError
        assert last_line(serving)["error_type"] == "NoConnection"


@pytest.mark.parametrize(("configuration", "name"), [(OPEN_API, "pet"), (REMOTE, "who")])
def test_without_a_place_a_call_says_how_to_name_one(
    served: Callable[..., Any], configuration: dict[str, Any], name: str
) -> None:
    with served(pets(configuration)) as serving:
        says = "Target pets leads nowhere on this machine: start `toolgate up --target pets=URL`"
        assert text(call(serving, f"pets___{name}", {"pet": "7"})) == says
        assert says in " ".join(serving.notes)


def headers(serving: Serving, there: Api, configuration: Mapping[str, Any]) -> Mapping[str, str]:
    """What the far side was sent."""
    if configuration is REMOTE:
        result = call(serving, "pets___who")
        assert not result.isError, text(result)
        return dict(json.loads(text(result))["headers"])
    result = call(serving, "pets___pet", {"pet": "7"})
    assert not result.isError, text(result)
    return dict(there.requests[-1]["headers"])


KINDS = pytest.mark.parametrize("configuration", [OPEN_API, REMOTE], ids=["API", "MCP server"])


@KINDS
@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ({"pets": "k-1"}, "k-1"),
        ({KEY_PROVIDER: "k-2"}, "k-2"),
        ({SECRET: json.dumps({"key": "k-3", "other": "o"})}, "k-3"),
        ({"pets": json.dumps({"key": "k-4"})}, "k-4"),
    ],
)
def test_an_api_key_comes_from_the_owners_file(
    *,
    served: Callable[..., Any],
    there: Api,
    key: Callable[[Mapping[str, str]], None],
    configuration: Mapping[str, Any],
    values: Mapping[str, str],
    sent: str,
) -> None:
    key(values)
    place = f"{there.url}/mcp" if configuration is REMOTE else there.url
    with served(pets(configuration, BY_KEY, TAKES_KEY), {"pets": place}) as serving:
        assert headers(serving, there, configuration)["x-key"] == sent
        assert sent not in (serving.access_log.parent / "pets.log").read_text()


@pytest.mark.parametrize(
    ("how", "where", "sent"),
    [
        ({"credentialLocation": "QUERY_PARAMETER", "credentialParameterName": "api_key"}, "query", "api_key=k%261"),
        ({"credentialParameterName": "Authorization", "credentialPrefix": "Token"}, "authorization", "Token k&1"),
        ({}, "authorization", "k&1"),
    ],
)
def test_an_api_key_stands_where_the_target_says(
    *,
    served: Callable[..., Any],
    there: Api,
    key: Callable[[Mapping[str, str]], None],
    how: Mapping[str, str],
    where: str,
    sent: str,
) -> None:
    key({"pets": "k&1"})
    credentials = {"apiKey": {"providerArn": KEY_PROVIDER, **how}}
    with served(pets(OPEN_API, credentials, TAKES_KEY), {"pets": there.url}) as serving:
        assert not call(serving, "pets___pet", {"pet": "7"}).isError
        [came] = there.requests
        assert (came["query"] if where == "query" else came["headers"][where]) == sent


def test_a_provider_that_is_there_already_is_known_by_its_name(
    served: Callable[..., Any], there: Api, key: Callable[[Mapping[str, str]], None]
) -> None:
    key({"others": "k-1"})
    arn = KEY_PROVIDER.replace("/pets", "/others")
    takes = [json.loads(json.dumps(it).replace(KEY_PROVIDER, arn)) for it in TAKES_KEY]
    deployment = pets(OPEN_API, {"apiKey": {"providerArn": arn, "credentialParameterName": "X-Key"}}, takes)
    with served(deployment, {"pets": there.url}) as serving:
        assert headers(serving, there, OPEN_API)["x-key"] == "k-1"


def test_without_a_key_the_call_says_where_it_belongs(served: Callable[..., Any], there: Api) -> None:
    with served(pets(OPEN_API, BY_KEY, TAKES_KEY), {"pets": there.url}) as serving:
        assert ".local/secrets.json" in text(call(serving, "pets___pet", {"pet": "7"}))
        assert not there.requests


@KINDS
def test_a_token_is_the_local_issuers(served: Callable[..., Any], there: Api, configuration: Mapping[str, Any]) -> None:
    place = f"{there.url}/mcp" if configuration is REMOTE else there.url
    with served(pets(configuration, BY_TOKEN, TAKES_TOKEN), {"pets": place}) as serving:
        sent = headers(serving, there, configuration)["authorization"]
        assert sent.startswith("Bearer ey")


@KINDS
def test_the_gateways_role_signs_for_the_service_that_is_named(
    served: Callable[..., Any], there: Api, configuration: Mapping[str, Any]
) -> None:
    place = f"{there.url}/mcp" if configuration is REMOTE else there.url
    how = {"gatewayIamRole": {"service": "execute-api", "region": "eu-west-1"}}
    with served(pets(configuration, how), {"pets": place}) as serving:
        sent = headers(serving, there, configuration)
        assert "/eu-west-1/execute-api/aws4_request" in sent["authorization"]
        assert sent["x-amz-security-token"]


@pytest.mark.parametrize("left_out", range(3))
@pytest.mark.parametrize(("how", "needed"), [(BY_KEY, TAKES_KEY), (BY_TOKEN, TAKES_TOKEN)], ids=["key", "token"])
def test_each_right_to_the_credential_is_decided(
    *,
    served: Callable[..., Any],
    there: Api,
    key: Callable[[Mapping[str, str]], None],
    how: Mapping[str, Any],
    needed: Sequence[Mapping[str, Any]],
    left_out: int,
) -> None:
    key({"pets": "k-1"})
    kept = [it for number, it in enumerate(needed) if number != left_out]
    with served(pets(OPEN_API, how, kept), {"pets": there.url}) as serving:
        result = call(serving, "pets___pet", {"pet": "7"})
        line = last_line(serving)
        assert result.isError
        assert "arn:" not in text(result)
        assert (line["decision"], line["decided_by"][0]["action"]) == ("denied", needed[left_out]["Action"])
        assert not there.requests
        assert not serving.calls


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ({"dogs": "http://127.0.0.1:1"}, "--target dogs: the deployment has no such target (pets)"),
        ({"math": "http://127.0.0.1:1"}, "--target math: what it leads to is served here"),
        ({"pets": "ftp://127.0.0.1"}, "is no URL"),
    ],
)
def test_a_place_that_is_none_is_refused(served: Callable[..., Any], places: dict[str, str], says: str) -> None:
    with pytest.raises(DeploymentError) as caught, served(pets(OPEN_API), places):
        pass
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9000/v1", None),
        ("http://localhost:9000", None),
        ("http://[::1]:9000", None),
        ("https://api.example.com/v1", None),
        ("http://api.example.com", "plain http"),
        ("http://127.0.0.1.example.com", "plain http"),
        ("https://user:password@api.example.com", "no user"),
        ("https://api.example.com?key=1", "no user, query"),
        ("api.example.com", "is no URL"),
        ("http://[", "is no URL"),
        ("http://127.0.0.1:99999", "is no URL"),
        ("", "is no URL"),
    ],
)
def test_a_url_that_is_named(url: str, says: str | None) -> None:
    found = misfit(url)
    assert (found is None) if says is None else (says in (found or ""))


@pytest.mark.parametrize(
    ("configuration", "credentials", "says"),
    [
        (OPEN_API, {"oauth": {"providerArn": KEY_PROVIDER, "scopes": []}}, "is not in the deployment"),
        (OPEN_API, {"oauth": BY_TOKEN["oauth"] | {"grantType": "AUTHORIZATION_CODE"}}, "AUTHORIZATION_CODE"),
        (OPEN_API, {"gatewayIamRole": {}}, "do not name the service"),
        (REMOTE, {"jwtPassthrough": {}}, "credentials jwtPassthrough"),
        ({"openApiSchema": {"inlinePayload": {"payload": "openapi: 3.1.0"}}}, None, "in JSON"),
    ],
)
def test_what_is_not_reproduced_is_refused_at_the_start(
    served: Callable[..., Any], configuration: dict[str, Any], credentials: Any, says: str
) -> None:
    with pytest.raises(DeploymentError) as caught, served(pets(configuration, credentials)):
        pass
    assert says in str(caught.value)

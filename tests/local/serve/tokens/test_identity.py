"""AgentCore Identity asked by boto3: who gets a token, and which resource of which action was missing."""

import copy
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.local.serve.tokens.conftest import CALCULATOR, GREETER, World, export
from tests.local.serve.tokens.outsider import ID, SCOPE, SECRET
from tests.token_export import POOL, client_id
from toolgate.access.deployment.deployment import parse
from toolgate.local.serve.tokens.workload_tokens import WorkloadTokenError, WorkloadTokens


def _refused(ask: Callable[[], Any]) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        ask()
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def test_an_agent_takes_its_own_token_and_nobody_elses(world: World) -> None:
    assert world.access_token(GREETER).count(".") == 2
    status, code, message = _refused(
        lambda: world.boto3("bedrock-agentcore", GREETER).get_workload_access_token(
            workloadName=world.identity(CALCULATOR)
        )
    )
    assert (status, code) == (403, "AccessDeniedException")
    assert f"workload-identity/{world.identity(CALCULATOR)}" in message
    status, code, message = _refused(
        lambda: world.access_token(GREETER, resourceCredentialProviderName=world.provider(CALCULATOR))
    )
    assert (status, code) == (403, "AccessDeniedException")
    assert f"oauth2credentialprovider/{world.provider(CALCULATOR)}" in message


def _without(statement: int, resource: int | None) -> Callable[[dict[str, Any]], None]:
    """The greeter's role without one of the resources of a statement; None takes the statement away."""

    def change(made: dict[str, Any]) -> None:
        for entry in made["deployment"]["resources"]:
            if entry["urn"].endswith("::greeter-tools") and entry["type"].endswith(":RolePolicy"):
                for side in ("inputs", "outputs"):
                    document = json.loads(entry[side]["policy"])
                    if resource is None:
                        del document["Statement"][statement]
                    else:
                        del document["Statement"][statement]["Resource"][resource]
                    entry[side]["policy"] = json.dumps(document)

    return change


@pytest.mark.parametrize(
    ("statement", "resource", "action", "missing"),
    [
        (0, 0, "GetWorkloadAccessToken", "workload-identity-directory/default "),
        (0, 1, "GetWorkloadAccessToken", "workload-identity/toolgate_agents_greeter"),
        (1, 0, "GetResourceOauth2Token", "workload-identity-directory/default "),
        (1, 1, "GetResourceOauth2Token", "workload-identity/toolgate_agents_greeter"),
        (1, 2, "GetResourceOauth2Token", "token-vault/default "),
        (1, 3, "GetResourceOauth2Token", "oauth2credentialprovider/toolgate_agents_greeter_tokens"),
        (2, None, "GetSecretValue", "secret:bedrock-agentcore-identity!default/oauth2/toolgate_agents_greeter_tokens"),
    ],
)
def test_each_resource_is_asked_about(
    world: World, statement: int, resource: int | None, action: str, missing: str
) -> None:
    made = export()
    try:
        changed = copy.deepcopy(made)
        _without(statement, resource)(changed)
        world.serving.reload(changed)
        status, code, message = _refused(lambda: world.access_token(GREETER))
        assert (status, code) == (403, "AccessDeniedException")
        assert action in message
        assert missing in message
        assert world.access_token(CALCULATOR)
    finally:
        world.serving.reload(made)
    assert world.access_token(GREETER)


def test_secrets_and_tokens_outlast_a_reload(world: World) -> None:
    token, secret = world.access_token(GREETER), _secret(world, GREETER)
    world.serving.reload(export())
    assert world.send(token).status_code == 200
    assert _secret(world, GREETER) == secret


def _secret(world: World, agent: str, of: str = "") -> str:
    """What Secrets Manager says to an agent of a client's secret."""
    [provider] = [it for it in world.deployment.tokens.providers if it.client_id == client_id(of or agent)]
    found = world.boto3("secretsmanager", agent).get_secret_value(SecretId=provider.secret_arns[0])
    secret: str = json.loads(found["SecretString"])["client_secret"]
    return secret


def test_the_managed_secret_is_the_clients_and_for_whom_iam_lets(world: World) -> None:
    answer = httpx.post(
        f"{world.serving.url}/issuer/{POOL}/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(client_id(GREETER), _secret(world, GREETER)),
        trust_env=False,
    )
    assert world.send(answer.json()["access_token"]).status_code == 200
    status, code, _ = _refused(lambda: _secret(world, GREETER, of=CALCULATOR))
    assert (status, code) == (400, "AccessDeniedException")


def test_a_clients_own_secret_holds_what_is_true_here(world: World) -> None:
    """Its deployment hides the secret's value; whoever may read it gets a token by it."""
    made = export()
    for entry in made["deployment"]["resources"]:
        if entry["urn"].endswith("::greeter-tools") and entry["type"].endswith(":RolePolicy"):
            for side in ("inputs", "outputs"):
                document = json.loads(entry[side]["policy"])
                document["Statement"][2]["Resource"].append(SECRET)
                entry[side]["policy"] = json.dumps(document)
    world.serving.reload(made)
    text = world.boto3("secretsmanager", GREETER).get_secret_value(SecretId=SECRET)["SecretString"]
    said = json.loads(text)
    assert said.keys() == {"client_id", "client_secret", "token_endpoint", "scope"}
    assert (said["client_id"], said["scope"]) == (ID, SCOPE)
    form = {"grant_type": "client_credentials", "scope": said["scope"]}
    auth = (said["client_id"], said["client_secret"])
    token = httpx.post(said["token_endpoint"], data=form, auth=auth, trust_env=False).json()["access_token"]
    assert world.send(token).status_code == 200
    assert not any("nightly" in it for it in world.serving.notes)  # its value is not made up
    world.serving.reload(export())


@pytest.mark.parametrize(
    ("changed", "status", "code", "says"),
    [
        ({"oauth2Flow": "USER_FEDERATION"}, 400, "ValidationException", "only M2M is"),
        ({"scopes": ["other/invoke"]}, 400, "ValidationException", "Error parsing ClientCredentials response"),
        ({"scopes": ["openid"]}, 400, "ValidationException", "Error parsing ClientCredentials response"),
        ({"workloadIdentityToken": "x.y"}, 401, "UnauthorizedException", "invalid"),
        ({"workloadIdentityToken": "é"}, 401, "UnauthorizedException", "invalid"),
        ({"resourceCredentialProviderName": "nobody"}, 403, "AccessDeniedException", "oauth2credentialprovider/nobody"),
        ({"resources": ["https://x"]}, 400, "ValidationException", "'resources' is not reproduced"),
        ({"audiences": ["x"]}, 400, "ValidationException", "'audiences' is not reproduced"),
        ({"sessionUri": "urn:ietf:params:oauth:request_uri:x"}, 400, "ValidationException", "'sessionUri' is not"),
        ({"resourceOauth2ReturnUrl": "https://x/"}, 400, "ValidationException", "'resourceOauth2ReturnUrl' is not"),
        ({"customState": "x"}, 400, "ValidationException", "'customState' is not reproduced"),
    ],
)
def test_what_gets_no_token(world: World, changed: dict[str, Any], status: int, code: str, says: str) -> None:
    found = _refused(lambda: world.access_token(GREETER, **changed))
    assert found[:2] == (status, code)
    assert says in found[2]


def test_a_user_pool_without_a_domain_gives_no_token(world: World) -> None:
    """It has no token endpoint that Identity could ask."""
    made = export()
    kept = [it for it in made["deployment"]["resources"] if not it["type"].endswith(":UserPoolDomain")]
    assert len(kept) < len(made["deployment"]["resources"])
    made["deployment"]["resources"] = kept
    world.serving.reload(made)
    try:
        found = _refused(lambda: world.access_token(GREETER))
    finally:
        world.serving.reload(export())
    assert found[:2] == (400, "ValidationException")
    assert "Error parsing ClientCredentials response" in found[2]


def test_the_scope_that_it_has_may_be_asked_for(world: World) -> None:
    assert world.send(world.access_token(GREETER, scopes=["toolgate-agents-tools/invoke"])).status_code == 200


def test_other_operations_of_identity_are_not_there(world: World) -> None:
    client = world.boto3("bedrock-agentcore", GREETER)
    for ask in (
        lambda: client.get_workload_access_token_for_user_id(workloadName="abc", userId="u"),
        lambda: client.get_workload_access_token_for_jwt(workloadName="abc", userToken="t"),
        lambda: client.get_resource_api_key(workloadIdentityToken="t", resourceCredentialProviderName="p"),
    ):
        assert _refused(ask)[:2] == (404, "UnknownOperationException")
    control = world.boto3("bedrock-agentcore-control", GREETER)
    assert _refused(lambda: control.create_workload_identity(name="abc"))[1] == "UnsupportedOperationException"


def test_a_linked_identity_gives_no_token(world: World) -> None:
    made = export()
    runtime = next(it for it in parse(made).runtimes if it.agent == GREETER)
    for entry in made["deployment"]["resources"]:
        if entry["urn"].endswith("::greeter-tools") and entry["type"].endswith(":RolePolicy"):
            for side in ("inputs", "outputs"):
                document = json.loads(entry[side]["policy"])
                directory, _ = document["Statement"][0]["Resource"]
                document["Statement"][0]["Resource"].append(f"{directory}/workload-identity/{runtime.id}")
                entry[side]["policy"] = json.dumps(document)
    world.serving.reload(made)
    client = world.boto3("bedrock-agentcore", GREETER)
    status, code, message = _refused(lambda: client.get_workload_access_token(workloadName=runtime.id))
    world.serving.reload(export())
    assert (status, code) == (400, "ValidationException")
    assert "linked to a service" in message


def test_a_workload_token_is_bound_to_its_name_and_time() -> None:
    tokens = WorkloadTokens()
    assert tokens.name(tokens.issue("agent")) == "agent"
    with pytest.raises(WorkloadTokenError) as caught:
        tokens.name(tokens.issue("agent", seconds=0))
    assert caught.value.expired
    said, _, mac = tokens.issue("agent").partition(".")
    other = tokens.issue("other").partition(".")[0]
    for forged in (f"{other}.{mac}", said, f"{said}.", "", ".", WorkloadTokens().issue("agent"), f"{said}.é"):
        with pytest.raises(WorkloadTokenError) as caught:
            tokens.name(forged)
        assert not caught.value.expired

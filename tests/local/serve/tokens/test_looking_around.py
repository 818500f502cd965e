"""What tokens are made with, read by boto3 as the operator: everything but the secrets."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.local.serve.tokens.conftest import CALCULATOR, World
from tests.local.serve.tokens.outsider import ID
from tests.token_export import DISCOVERY, POOL, client_id


@pytest.fixture
def operator(world: World) -> Any:
    variables = world.serving.environment

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=world.serving.url,
            region_name="us-east-1",
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=variables["AWS_SESSION_TOKEN"],
        )

    return client


def test_user_pools(operator: Any) -> None:
    cognito = operator("cognito-idp")
    [pool] = cognito.list_user_pools(MaxResults=10)["UserPools"]
    described = cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
    assert (pool["Id"], described["AdminCreateUserConfig"]) == (POOL, {"AllowAdminCreateUserOnly": True})
    domain = cognito.describe_user_pool_domain(Domain="sample-tokens-123456789012")["DomainDescription"]
    assert domain["UserPoolId"] == POOL
    [server] = cognito.list_resource_servers(UserPoolId=POOL)["ResourceServers"]
    assert [it["ScopeName"] for it in server["Scopes"]] == ["invoke"]
    assert (
        cognito.describe_resource_server(UserPoolId=POOL, Identifier=server["Identifier"])["ResourceServer"] == server
    )
    clients = cognito.list_user_pool_clients(UserPoolId=POOL)["UserPoolClients"]
    assert {it["ClientId"] for it in clients} == {client_id("calculator"), client_id("greeter"), ID}
    one = cognito.describe_user_pool_client(UserPoolId=POOL, ClientId=ID)["UserPoolClient"]
    assert (one["AllowedOAuthFlows"], one["TokenValidityUnits"]) == (["client_credentials"], {"AccessToken": "minutes"})
    assert "ClientSecret" not in one


def test_credential_providers_and_workload_identities(world: World, operator: Any) -> None:
    control = operator("bedrock-agentcore-control")
    assert len(control.list_workload_identities()["workloadIdentities"]) == 2
    identity = control.get_workload_identity(name=world.identity(CALCULATOR))
    assert identity["workloadIdentityArn"].endswith(f"/workload-identity/{world.identity(CALCULATOR)}")
    listed = control.list_oauth2_credential_providers(maxResults=1)
    assert len(listed["credentialProviders"]) == 1
    assert len(control.list_oauth2_credential_providers(nextToken=listed["nextToken"])["credentialProviders"]) == 1
    provider = control.get_oauth2_credential_provider(name=world.provider(CALCULATOR))
    config = provider["oauth2ProviderConfigOutput"]["customOauth2ProviderConfig"]
    assert config["oauthDiscovery"] == {"discoveryUrl": DISCOVERY}
    assert config["clientId"] == client_id(CALCULATOR)
    assert provider["clientSecretArn"]["secretArn"].startswith("arn:aws:secretsmanager:")
    assert "ecret" not in json.dumps(config).replace("CLIENT_SECRET_BASIC", "")


def test_the_gateways_authorizer(world: World, operator: Any) -> None:
    gateway = operator("bedrock-agentcore-control").get_gateway(gatewayIdentifier=world.deployment.gateways[0].id)
    assert gateway["authorizerType"] == "CUSTOM_JWT"
    assert gateway["authorizerConfiguration"]["customJWTAuthorizer"] == {
        "discoveryUrl": DISCOVERY,
        "allowedScopes": ["toolgate-agents-tools/invoke"],
    }


def test_what_is_not_there_or_not_allowed(world: World, operator: Any) -> None:
    cognito = operator("cognito-idp")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cognito.describe_user_pool(UserPoolId="us-east-1_Other")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cognito.describe_user_pool_client(UserPoolId=POOL, ClientId="nobody")
    with pytest.raises(ClientError, match="no such operation of cognito-idp"):
        cognito.create_user_pool(PoolName="p")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        operator("bedrock-agentcore-control").get_workload_identity(name="nobody")
    with pytest.raises(ClientError, match="not authorized to perform: cognito-idp:DescribeUserPool "):
        world.boto3("cognito-idp", CALCULATOR).describe_user_pool(UserPoolId=POOL)
    with pytest.raises(ClientError, match="not authorized to perform: bedrock-agentcore:GetOauth2CredentialProvider"):
        world.boto3("bedrock-agentcore-control", CALCULATOR).get_oauth2_credential_provider(name="p")

"""A client outside of AgentCore in the deployment with tokens, as `MachineClient` makes one."""

from typing import Any

from tests.token_export import HIDDEN, POOL

NAME = "nightly-job"
ID = "nightlyjob0123456789abcdef"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:nightly-job-secret-1234567-AbCdEf"  # an ARN
SCOPE = "toolgate-agents-tools/invoke"


def add_outsider(made: dict[str, Any], tool: str) -> dict[str, Any]:
    """The deployment with the client, which may call a tool."""
    listed: list[dict[str, Any]] = made["deployment"]["resources"]
    stack = listed[0]["urn"].rsplit("::", 2)[0]

    def add(type_: str, named: str, made_from: str = "", /, **properties: Any) -> str:
        urn = f"{stack}::{type_}::{named}"
        depends = {"propertyDependencies": {"secretString": [made_from]}} if made_from else {}
        entry = {"urn": urn, "type": type_, "custom": True, **depends}
        inputs = {name: value for name, value in properties.items() if name not in ("arn", "id")}
        listed.append({**entry, "inputs": inputs, "outputs": properties})
        return urn

    client = add(
        "aws:cognito/userPoolClient:UserPoolClient",
        f"{NAME}-client",
        id=ID,
        name=f"toolgate-agents-{NAME}",
        userPoolId=POOL,
        generateSecret=True,
        clientSecret=HIDDEN,
        allowedOauthFlows=["client_credentials"],
        allowedOauthFlowsUserPoolClient=True,
        allowedOauthScopes=[SCOPE],
        accessTokenValidity=60,
        tokenValidityUnits={"accessToken": "minutes"},
    )
    add("aws:secretsmanager/secret:Secret", f"{NAME}-secret", arn=SECRET, id=SECRET, name="nightly-job-secret-1234567")
    version = "aws:secretsmanager/secretVersion:SecretVersion"
    add(version, f"{NAME}-secret-version", client, secretId=SECRET, secretString=HIDDEN)
    permit = next(
        it for it in listed if it["urn"].endswith("::greeter-tools") and it["type"].endswith("AgentcorePolicy")
    )
    gateway = next(it for it in listed if it["type"].endswith(":AgentcoreGateway"))["outputs"]["gatewayArn"]
    statement = (
        f'permit(principal is AgentCore::OAuthUser, action in [AgentCore::Action::"{tool}"],'
        f' resource == AgentCore::Gateway::"{gateway}")'
        f' when {{ principal.hasTag("client_id") && principal.getTag("client_id") == "{ID}" }};'
    )
    more = {
        "name": "nightly_job_tools",
        "policyId": "nightly_job_tools-abcdefghij",
        "definition": {"cedar": {"statement": statement}},
    }
    add(permit["type"], f"{NAME}-tools", **{**permit["outputs"], **more})
    named = next(it for it in listed if it["type"] == "pulumi:pulumi:Stack")
    named["outputs"] = {**named["outputs"], "clients": {NAME: {"client_id": ID, "secret_arn": SECRET, "tools": [tool]}}}
    return made

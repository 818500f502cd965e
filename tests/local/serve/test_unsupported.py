"""Each feature that would make local answers differ from AWS's is refused before anything starts."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.server import serve
from toolgate.local.serve.unsupported import notes, unsupported

Export = dict[str, Any]
ENCRYPTED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
TOOLS_ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/handmade-tools-abcdefghij"


def _entries(export: Export, kind: str, name: str) -> Iterator[dict[str, Any]]:
    for entry in export["deployment"]["resources"]:
        if entry["type"].endswith(f":{kind}") and entry["urn"].endswith(f"::{name}"):
            yield entry["inputs"]
            yield entry["outputs"]


def _set(kind: str, name: str, /, **properties: Any) -> Callable[[Export], None]:
    def change(export: Export) -> None:
        for entry in _entries(export, kind, name):
            entry.update(properties)

    return change


def _add(type_: str, **inputs: Any) -> Callable[[Export], None]:
    def change(export: Export) -> None:
        urn = f"urn:pulumi:dev::handmade::{type_}::added"
        export["deployment"]["resources"].append({"urn": urn, "type": type_, "inputs": inputs, "outputs": {}})

    return change


def _gateway(**properties: Any) -> Callable[[Export], None]:
    return _set("AgentcoreGateway", "tools", **properties)


def _takes_tokens(**more: Any) -> Callable[[Export], None]:
    url = "https://elsewhere.example/.well-known/openid-configuration"
    jwt = {"discoveryUrl": url, "allowedAudiences": ["tools"], **more}
    return _gateway(authorizerType="CUSTOM_JWT", authorizerConfiguration={"customJwtAuthorizer": jwt})


def _provider(vendor: str, **config: Any) -> Callable[[Export], None]:
    vault = "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default"
    return _add(
        "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider",
        name="p",
        credentialProviderArn=f"{vault}/oauth2credentialprovider/p",
        credentialProviderVendor=vendor,
        oauth2ProviderConfig={"customOauth2ProviderConfig": config},
    )


def _target(**properties: Any) -> Callable[[Export], None]:
    return _set("AgentcoreGatewayTarget", "tools-math", **properties)


def _function(**properties: Any) -> Callable[[Export], None]:
    return _set("Function", "math", **properties)


def _runtime(**properties: Any) -> Callable[[Export], None]:
    return _set("AgentcoreAgentRuntime", "assistant", **properties)


def _agent_called(name: str) -> Callable[[Export], None]:
    """The agent under this name in the stack's output."""

    def change(export: Export) -> None:
        [stack] = [it for it in export["deployment"]["resources"] if it["type"] == "pulumi:pulumi:Stack"]
        stack["outputs"]["agents"] = {name: stack["outputs"]["agents"]["assistant"]}

    return change


def _policy(definition: dict[str, Any]) -> Callable[[Export], None]:
    """An engine on the gateway, with one policy."""

    def change(export: Export) -> None:
        engine_id = ENGINE.rsplit("/", 1)[-1]
        _gateway(policyEngineConfiguration={"arn": ENGINE, "mode": "ENFORCE"})(export)
        engine = {"policyEngineArn": ENGINE, "policyEngineId": engine_id}
        _add("aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine", **engine)(export)
        policy = {"name": "p", "policyId": "p-abcdefghij", "policyEngineId": engine_id, "definition": definition}
        _add("aws:bedrock/agentcorePolicy:AgentcorePolicy", **policy)(export)

    return change


ENGINE = "arn:aws:bedrock-agentcore:us-east-1:123456789012:policy-engine/rules-abcdefghij"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:"


def _intercepted(*arns: str, point: str = "REQUEST", **more: Any) -> Callable[[Export], None]:
    """The gateway `tools` with an interceptor for each ARN."""
    entries = [{"interceptionPoints": [point], "interceptor": {"lambda": {"arn": it}}, **more} for it in arns]
    return _gateway(interceptorConfigurations=entries)


def _both(*changes: Callable[[Export], None]) -> Callable[[Export], None]:
    def change(export: Export) -> None:
        for it in changes:
            it(export)

    return change


def _two_resource_policies(export: Export) -> None:
    policy = '{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}'
    for _ in range(2):
        _add("aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy", resourceArn=TOOLS_ARN, policy=policy)(
            export
        )


ROWS = {
    "two resource policies": (_two_resource_policies, f"{TOOLS_ARN}: several resource policies are put on it"),
    "policy engine elsewhere": (
        _gateway(policyEngineConfiguration={"arn": ENGINE, "mode": "ENFORCE"}),
        f"policy engine {ENGINE} is not in the deployment",
    ),
    "temporal policy": (
        _policy({"policy": {"statement": "x"}}),
        "AgentcorePolicy 'added': its definition is not one in Cedar",
    ),
    "two policies in one": (
        _policy({"cedar": {"statement": "forbid(principal, action, resource);" * 2}}),
        "AgentcorePolicy 'added': a statement must hold exactly one policy",
    ),
    "an interceptor that is not said": (
        _gateway(interceptorConfigurations=[{"interceptor": {}}]),
        "AgentcoreGateway 'tools': which function its interceptor is, the deployment does not say",
    ),
    "an interceptor that is not there": (_intercepted(f"{LAMBDA}x"), "function:x is not in the deployment"),
    "an interceptor's alias": (_intercepted(f"{LAMBDA}math:live"), "function:math:live is a version or an alias"),
    "an interceptor of another account": (
        _intercepted("arn:aws:lambda:us-east-1:210987654321:function:math"),
        "function:math is in another account or Region",
    ),
    "an interceptor of another Region": (
        _intercepted("arn:aws:lambda:eu-north-1:123456789012:function:math"),
        "function:math is in another account or Region",
    ),
    "an interceptor and streamed answers": (
        _both(
            _intercepted(f"{LAMBDA}math"),
            _gateway(
                protocolConfiguration={"mcp": {"streamingConfiguration": {"enableResponseStreaming": True}}},
            ),
        ),
        "interceptors are asked about whole answers here, and it streams them",
    ),
    "two interceptors at one point": (
        _intercepted(f"{LAMBDA}math", f"{LAMBDA}math"),
        "it has several interceptors at REQUEST; AWS takes one",
    ),
    "an interceptor at another point": (
        _intercepted(f"{LAMBDA}math", point="TARGET"),
        "an interceptor's interceptionPoints is not",
    ),
    "an interceptor's mode": (
        _intercepted(f"{LAMBDA}math", responseInterceptionMode="STREAM"),
        "an interceptor's responseInterceptionMode is not reproduced",
    ),
    "an interceptor that is not told bodies": (
        _intercepted(f"{LAMBDA}math", inputConfiguration={"payloadFilter": {"exclude": [{"field": "RESPONSE_BODY"}]}}),
        "an interceptor's payloadFilter is not reproduced",
    ),
    "an interceptor that is no Python": (
        _both(_intercepted(f"{LAMBDA}math"), _function(runtime="nodejs22.x")),
        "runtime nodejs22.x",
    ),
    "JWT gateway without an authorizer": (_gateway(authorizerType="CUSTOM_JWT"), "what it asks of tokens is not shown"),
    "JWT gateway of an issuer of nobody": (
        _takes_tokens(),
        "takes tokens of https://elsewhere.example, which nobody can have here",
    ),
    "JWT gateway behind a private endpoint": (_takes_tokens(privateEndpoint=[{"x": "y"}]), "its authorizer's private"),
    "user pool whose owner changes claims": (
        _add(
            "aws:cognito/userPool:UserPool",
            id="us-east-1_AbCdEf123",
            endpoint="cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123",
            lambdaConfig={"preTokenGeneration": "arn:aws:lambda:us-east-1:123456789012:function:x"},
        ),
        "a function that changes claims",
    ),
    "credential provider of a vendor": (_provider("GithubOauth2"), "providers of GithubOauth2 are not reproduced"),
    "credential provider that is hidden": (_provider("CustomOauth2"), "its client or its discovery URL is not shown"),
    "credential provider without a secret": (
        _provider(
            "CustomOauth2",
            clientId="c",
            clientAuthenticationMethod="PRIVATE_KEY_JWT",
            oauthDiscovery={"discoveryUrl": "https://elsewhere.example/.well-known/openid-configuration"},
        ),
        "PRIVATE_KEY_JWT is not reproduced",
    ),
    "open gateway": (_gateway(authorizerType="NONE"), "authorizer NONE"),
    "signed but not authorized": (_gateway(authorizerType="AUTHENTICATE_ONLY"), "authorizer AUTHENTICATE_ONLY"),
    "gateway role elsewhere": (_gateway(roleArn="arn:aws:iam::123456789012:role/x"), "role/x is not in the deployment"),
    "gateway in another Region": (
        _set("AgentcoreGateway", "other", gatewayArn=TOOLS_ARN.replace("us-east-1", "eu-north-1")),
        "is in 123456789012/eu-north-1",
    ),
    "gateway rule": (
        _add("aws:bedrock/agentcoreGatewayRule:AgentcoreGatewayRule"),
        "type of resource is not reproduced",
    ),
    "MCP server that is asked for its tools": (
        _target(targetConfiguration={"mcp": {"mcpServer": {"endpoint": "https://example.com"}}}),
        "its tools are not in the deployment",
    ),
    "a signature for nobody": (
        _target(targetConfiguration={"mcp": {"mcpServer": {"endpoint": "https://example.com"}}}),
        "do not name the service",
    ),
    "Smithy target": (
        _target(targetConfiguration={"mcp": {"smithyModel": {"inlinePayload": {"payload": "{}"}}}}),
        "kind mcp.smithyModel",
    ),
    "HTTP target": (
        _target(targetConfiguration={"http": {"agentcoreRuntime": {"arn": "a"}}}),
        "kind http.agentcoreRuntime",
    ),
    "caller's credentials": (
        _target(credentialProviderConfiguration={"callerIamCredentials": {}}),
        "credentials callerIamCredentials",
    ),
    "schema in S3": (
        _target(
            targetConfiguration={"mcp": {"lambda": {"lambdaArn": f"{LAMBDA}math", "toolSchema": {"s3": {"uri": "u"}}}}}
        ),
        "its tools are not in the deployment",
    ),
    "code in S3": (_function(code=None, s3Bucket="b"), "code in S3 or in an image"),
    "layers": (_function(layers=["arn:aws:lambda:us-east-1:123456789012:layer:x:1"]), "layers are not there"),
    "another language": (_function(runtime="nodejs22.x"), "runtime nodejs22.x"),
    "encrypted variable": (_function(environment={"variables": {"KEY": ENCRYPTED}}), "variable KEY is not shown"),
    "JWT runtime": (_runtime(authorizerConfiguration={"customJwtAuthorizer": {}}), "JWT authorizer"),
    "A2A runtime": (_runtime(protocolConfiguration={"serverProtocol": "A2A"}), "protocol A2A"),
    "agent's code elsewhere": (
        _set("BucketObjectv2", "code", key="another"),
        "its code is not in the deployment",
    ),
    "container": (
        _runtime(agentRuntimeArtifact={"containerConfiguration": {"containerUri": ENCRYPTED}}),
        "which container it runs is not known",
    ),
    "gateway elsewhere": (
        _runtime(
            environmentVariables={
                "GATEWAY_URL": "https://handmade-tools-abcdefghij.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
                " https://theirs-abcdefghij.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
            }
        ),
        "GATEWAY_URL leads to https://theirs-abcdefghij",
    ),
    "unknown profile": (_runtime(environmentVariables={"BEDROCK_MODEL_ID": "eu.x.y"}), "BEDROCK_MODEL_ID"),
    "encrypted variables": (_runtime(environmentVariables=ENCRYPTED), "--show-secrets"),
    "a policy of AWS": (
        _add(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            role="assistant-role",
            policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess",
        ),
        "ReadOnlyAccess, attached to its role",
    ),
    "a boundary elsewhere": (
        _set("Role", "assistant-role", permissionsBoundary="arn:aws:iam::123456789012:policy/limit"),
        "arn:aws:iam::123456789012:policy/limit, its permissions boundary",
    ),
    **{
        f"function called {name!r}": (_function(name=name), "Function 'math': " + repr(name) + " cannot be the name")
        for name in ("/somewhere/abs", "../other/fn2", "..", ".", "", "a/b", "a/", "a\0b", "a\nb", "\ud800", "x" * 250)
    },
    "target called ../x": (_target(name="../x"), "AgentcoreGatewayTarget 'tools-math': '../x' cannot be the name"),
    "runtime's id ../x": (_runtime(agentRuntimeId="../x"), "'assistant': '../x' cannot be the name"),
    "agent called ../escape/precious": (_agent_called("../escape/precious"), "'../escape/precious' cannot be the name"),
}


@pytest.mark.parametrize(("change", "says"), ROWS.values(), ids=ROWS.keys())
def test_it_is_refused_at_the_start_and_named(handmade: Export, change: Callable[[Export], None], says: str) -> None:
    change(handmade)
    with pytest.raises(DeploymentError) as caught, serve(handmade):
        pass
    assert says in str(caught.value)
    assert "docs/local.md" in str(caught.value)


def test_what_changes_no_answer_is_a_note(handmade: Export, project: Path, tmp_path: Path) -> None:
    assert notes(parse(handmade), CloudEnvironment()) == ()
    _runtime(networkConfiguration={"networkMode": "VPC"})(handmade)
    with serve(handmade, root=project, logs=tmp_path) as serving:
        [note] = serving.notes
    assert "assistant" in note
    assert "network mode VPC is left out" in note


def test_a_function_that_is_not_here_fails_where_it_is_called_and_all_else_is_served(
    handmade: Export, project: Path, tmp_path: Path, rpc: Callable[..., Any]
) -> None:
    arn = "arn:aws:lambda:us-east-1:999999999999:function:orders"
    [target, *_] = _entries(handmade, "AgentcoreGatewayTarget", "tools-math")
    schema = target["targetConfiguration"]["mcp"]["lambda"]["toolSchema"]
    _target(targetConfiguration={"mcp": {"lambda": {"lambdaArn": arn, "toolSchema": schema}}})(handmade)
    with serve(handmade, root=project, logs=tmp_path) as serving:
        role = serving.session("arn:aws:iam::123456789012:role/agents/assistant-role")
        arguments = {"name": "math___add_numbers", "arguments": {"a": 1, "b": 2}}
        answer = rpc(serving.gateway_url(TOOLS_ARN.rpartition("/")[2]), role, "tools/call", arguments)
        assert serving.notes == (
            f"AgentcoreGatewayTarget 'tools-math': its function {arn} is not in the deployment, a call of its tools "
            "fails here",
        )
    assert f"{arn} is not in the deployment, so that it cannot be called on this machine" in answer.text
    assert '"isError":true' in answer.text.replace(" ", "")


def test_a_function_in_a_vpc_is_a_note_too(handmade: Export) -> None:
    _function(vpcConfig={"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]})(handmade)
    assert notes(parse(handmade), CloudEnvironment()) == (
        "Function 'math': its VPC is left out, it reaches what this machine reaches",
    )
    assert unsupported(parse(handmade), CloudEnvironment()) == ()


@pytest.mark.parametrize("name", ["math-tools_1.x", "ma th", "größe", "..."])
def test_any_name_of_a_file_will_do(handmade: Export, name: str) -> None:
    _function(name=name)(handmade)
    _agent_called(name)(handmade)
    assert unsupported(parse(handmade), CloudEnvironment()) == ()


def test_the_hand_made_deployment_relies_on_nothing_of_the_kind(handmade: Export) -> None:
    assert unsupported(parse(handmade), CloudEnvironment()) == ()

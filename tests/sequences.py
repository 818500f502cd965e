"""What the AWS provider's own acceptance tests do with a resource, step by step, and what comes of each step.

Source: hashicorp/terraform-provider-aws, internal/service/bedrockagentcore and logs, and what AWS was seen to answer.
Two adapters run them: the stand-in provider alone, and a real engine with it.
"""

from collections.abc import Mapping
from typing import Any

from tests.local.cloud.conftest import (
    BUCKET,
    DELIVERY,
    DESTINATION,
    ENGINE,
    GATEWAY,
    GOOD,
    KEY,
    LOG_GROUP,
    OBJECT,
    POLICY,
    ROLE,
    ROLE_POLICY,
    RUNTIME,
    SOURCE,
    TARGET,
    authorizing,
    document,
    tool,
    trust,
)
from tests.sequence_steps import Inputs, Out, Step, With, without
from tests.token_sequences import TOKEN_SEQUENCES

ROLES: dict[str, tuple[str, Inputs]] = {
    "role": (ROLE, {"name": "gateway-role", "assumeRolePolicy": trust("bedrock-agentcore.amazonaws.com")}),
    "invoke": (
        ROLE_POLICY,
        {
            "name": "invoke",
            "role": Out("role", "name"),
            "policy": document(
                {
                    "Effect": "Allow",
                    "Action": "lambda:InvokeFunction",
                    "Resource": "arn:aws:lambda:us-east-1:123456789012:function:function",
                }
            ),
        },
    ),
}
FOREIGN = {"foreign": (ROLE, {"name": "foreign", "assumeRolePolicy": trust("lambda.amazonaws.com")})}
ON = {"gatewayIdentifier": Out("gw", "gatewayId")}


def plain(**changes: Any) -> dict[str, tuple[str, Inputs]]:
    """A gateway without search, and its role."""
    versions = {"mcp": {"supportedVersions": ["2025-06-18", "2025-11-25"]}}
    given = {**GOOD[GATEWAY], "protocolConfiguration": versions, "roleArn": Out("role", "arn"), **changes}
    return {**ROLES, "gw": (GATEWAY, {name: value for name, value in given.items() if value is not None})}


def mcp(**configuration: Any) -> Inputs:
    """A protocol configuration."""
    versions = {"supportedVersions": ["2025-11-25", "2025-06-18"]}
    return {"protocolConfiguration": {"mcp": {**versions, **configuration}}}


def jwt(**checked: Any) -> Inputs:
    """An authorizer that asks a token for what is given."""
    authorizer = {"discoveryUrl": "https://okta.test/.well-known/openid-configuration", **checked}
    if not checked:
        authorizer["allowedScopes"] = ["tools/invoke"]
    return {"authorizerType": "CUSTOM_JWT", "authorizerConfiguration": {"customJwtAuthorizer": authorizer}}


CLAIMS: list[Inputs] = [
    {
        "inboundTokenClaimName": name,
        "inboundTokenClaimValueType": "STRING",
        "authorizingClaimMatchValue": {"claimMatchOperator": "EQUALS", "claimMatchValue": {"matchValueString": "a"}},
    }
    for name in ("azp", "tid")
]


def with_target(schema: Inputs | None = None, **changes: Any) -> dict[str, tuple[str, Inputs]]:
    """A gateway with one target."""
    function = GOOD[TARGET]["targetConfiguration"]["mcp"]["lambda"]["lambdaArn"]
    payload = {**tool(), "inputSchema": schema} if schema else tool()
    configuration = {"mcp": {"lambda": {"lambdaArn": function, "toolSchema": {"inlinePayloads": [payload]}}}}
    return {**plain(), "target": (TARGET, {**GOOD[TARGET], **ON, "targetConfiguration": configuration, **changes})}


def deep(text: str) -> Inputs:
    """A schema three levels deep, whose last one goes as JSON text."""
    inner = [{"name": "b", "type": "object", "required": False, "propertiesJson": text}]
    return {
        "type": "object",
        "properties": [{"name": "a", "type": "object", "required": True, "properties": inner}],
    }


def engined(mode: str | None, engine: str = "engine", *, allowed: bool = True) -> dict[str, tuple[str, Inputs]]:
    """A gateway with an engine, or beside one."""
    made = {it: (ENGINE, {"name": f"toolgate_dev_{it}"}) for it in ("engine", "other")}
    rights = {
        f"authorize-{it}": (
            ROLE_POLICY,
            {
                "name": f"authorize-{it}",
                "role": Out("role", "name"),
                "policy": With((Out(it, "policyEngineArn"),), lambda arn: document(*authorizing(arn))),
            },
        )
        for it in made
        if allowed
    }
    chosen = {"policyEngineConfiguration": {"arn": Out(engine, "policyEngineArn"), "mode": mode}} if mode else {}
    return {**ROLES, **made, **rights, "gw": plain(**chosen)["gw"]}


def policied(action: str = "add", **changes: Any) -> dict[str, tuple[str, Inputs]]:
    """A policy on the tools of a gateway with an engine."""
    target = with_target()["target"]

    def statement(arn: str) -> str:
        return (
            'permit(principal == AgentCore::IamEntity::"arn:aws:sts::123456789012:assumed-role/agent", '
            f'action == AgentCore::Action::"math___{action}", resource == AgentCore::Gateway::"{arn}");'
        )

    cedar = {"cedar": {"statement": With((Out("gw", "gatewayArn"),), statement)}}
    inputs = {**GOOD[POLICY], "policyEngineId": Out("engine", "policyEngineId"), "definition": cedar, **changes}
    return {**engined("ENFORCE"), "target": target, "policy": (POLICY, inputs)}


def runtime(service: str = "bedrock-agentcore.amazonaws.com", **changes: Any) -> dict[str, tuple[str, Inputs]]:
    """A runtime and what it runs."""
    given = {
        **GOOD[RUNTIME],
        "roleArn": Out("agent", "arn"),
        "agentRuntimeArtifact": CODE,
        **changes,
    }
    return {
        "agent": (ROLE, {"name": "agent-role", "assumeRolePolicy": trust(service)}),
        "bucket": (BUCKET, GOOD[BUCKET]),
        "zip": (OBJECT, {"bucket": Out("bucket", "bucket"), "key": "agent.zip", "source": ZIP}),
        "rt": (RUNTIME, {name: value for name, value in given.items() if value is not None}),
    }


ZIP = {
    "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
    "text": "zip",
    "hash": "b95ba54f1e2d9ad1c84ca4f8a4c8ac2ac4b6ba4d5b5cf8a9c4e6a8e4e0e5a6ad",
}
CODE = {
    "codeConfiguration": {
        "entryPoints": ["main.py"],
        "runtime": "PYTHON_3_13",
        "code": {"s3": {"bucket": Out("bucket", "bucket"), "prefix": Out("zip", "key")}},
    }
}
IMAGE = {"containerConfiguration": {"containerUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/agent:1"}}
LIFE: Mapping[str, Any] = {"lifecycleConfigurations": [{"idleRuntimeSessionTimeout": 300, "maxLifetime": 3600}]}
NETWORK = {
    "networkMode": "VPC",
    "networkModeConfig": {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]},
}


def delivered(**changes: Inputs) -> dict[str, tuple[str, Inputs]]:
    """The logs of a gateway, delivered to a log group."""
    groups = {it: (LOG_GROUP, {"name": it}) for it in ("group", "elsewhere")}
    to = {"destinationResourceArn": Out("group", "arn")}
    ends: dict[str, tuple[str, Inputs]] = {
        "source": (SOURCE, {**GOOD[SOURCE], "resourceArn": Out("gw", "gatewayArn")}),
        "destination": (DESTINATION, {"name": "logs", "deliveryDestinationConfiguration": to}),
        "delivery": (
            DELIVERY,
            {
                "deliverySourceName": Out("source", "name"),
                "deliveryDestinationArn": Out("destination", "arn"),
            },
        ),
    }
    changed = {name: (kind, {**inputs, **changes.get(name, {})}) for name, (kind, inputs) in ends.items()}
    return {**plain(), **groups, **changed}


def changing(kind: str, base: Mapping[str, tuple[str, Inputs]], *programs: Mapping[str, Any]) -> list[Step]:
    """A base, then programs each of which changes the last resource of the base, in the way that is named."""
    last = [*base][-1]
    return [Step(base), *(Step(program, {last: kind}) for program in programs), Step(programs[-1])]


SAME_DEEP = '{"properties":{"c":{"type":"string","description":"a \\u003c b"}},"required":["c"]}\n'
KEYS = {"k": (KEY, {"description": "of a test"})}

SEQUENCES: dict[str, list[Step]] = {
    "gateway: description": changing("update", plain(), plain(description="x"), plain()),
    "gateway: exception level": changing("update", plain(), plain(exceptionLevel="DEBUG"), plain()),
    "gateway: instructions": changing("update", plain(), plain(**mcp(instructions="x")), plain()),
    "gateway: the order of versions": [Step(plain()), Step(plain(**mcp()))],
    "gateway: versions are fewer, never more": [
        Step(plain()),
        Step(plain(**mcp(supportedVersions=["2025-11-25"])), {"gw": "update"}),
        Step(plain(), error="Protocol versions cannot be added to a gateway: 2025-06-18"),
        Step(plain(**mcp(supportedVersions=["2025-11-25"]))),
    ],
    "gateway: search only from the start": [
        Step(plain()),
        Step(plain(**mcp(searchType="SEMANTIC")), error="can only be enabled when the gateway is created"),
        Step(plain()),
    ],
    "gateway: search goes": changing("update", plain(**mcp(searchType="SEMANTIC")), plain()),
    "gateway: authorizer": changing("replace", plain(), plain(authorizerType="NONE"), plain()),
    "gateway: what a token must have": changing(
        "update", plain(**jwt()), plain(**jwt(allowedAudiences=["tools"])), plain(**jwt(customClaims=CLAIMS))
    ),
    "gateway: the order of what a token must have": [
        Step(plain(**jwt(allowedScopes=["a", "b"], customClaims=CLAIMS))),
        Step(plain(**jwt(allowedScopes=["b", "a"], customClaims=CLAIMS[::-1]))),
    ],
    "gateway: protocol left out": [Step(plain()), Step(plain(protocolType=None)), Step(plain())],
    "gateway: a role that cannot be assumed": [
        Step({**FOREIGN, **plain()}),
        Step(
            {**FOREIGN, **plain(roleArn=Out("foreign", "arn"))},
            error="Gateway service failed to perform AssumeRole on Gateway role",
        ),
        Step({**FOREIGN, **plain()}),
    ],
    "gateway: engine": [
        Step(engined(None)),
        Step(engined("LOG_ONLY"), {"gw": "update"}),
        Step(engined("ENFORCE"), {"gw": "update"}),
        Step(engined("ENFORCE", "other"), {"gw": "update"}),
        Step(engined(None), {"gw": "update"}),
        Step(without(engined(None), "other", "authorize-other"), {"other": "delete", "authorize-other": "delete"}),
    ],
    "gateway: an engine that its role may not use": [
        Step(engined("ENFORCE", allowed=False), error="does not have the required permissions"),
    ],
    "engine: not while it has a policy": [
        Step(policied()),
        Step(without(policied(), "policy"), {"policy": "delete"}),
    ],
    "gateway: a second one of the name": [
        Step(
            {**plain(), "second": plain()["gw"]},
            error="ConflictException: A gateway with the name 'toolgate-dev-tools' already exists",
        )
    ],
    "gateway: a name that is too long": [Step(plain(name="a-" * 30), error="less than or equal to 48")],
    "gateway: tags": changing("update", plain(), plain(tags={"a": "b"}), plain()),
    "target: other name": changing("replace", with_target(), with_target(name="other")),
    "target: description": changing("update", with_target(), with_target(description="x"), with_target()),
    "target: schema": changing(
        "update",
        with_target(),
        with_target({"type": "object", "properties": [{"name": "a", "type": "string", "required": True}]}),
    ),
    "target: deep schemas come back as the provider writes them": [
        Step(with_target(deep(SAME_DEEP))),
        Step(with_target(deep(SAME_DEEP))),
    ],
    "target: a deep schema written otherwise is an update each time": [
        Step(with_target(deep(SAME_DEEP.strip()))),
        Step(with_target(deep(SAME_DEEP.strip())), {"target": "update"}),
        Step(with_target(deep(SAME_DEEP.strip())), {"target": "update"}),
    ],
    "policy: what failed is not in the state, and holds its name": [
        Step(policied("divide"), error="unexpected state 'CREATE_FAILED'.*math___divide"),
        Step(policied(), error="ConflictException: A policy with the name 'toolgate_dev_assistant_tools'"),
    ],
    "policy: mode, description": changing(
        "update", policied(), policied(validationMode="IGNORE_ALL_FINDINGS"), policied(description="x")
    ),
    "policy: other name": changing("replace", policied(), policied(name="other")),
    "engine: other key": changing(
        "replace",
        {**KEYS, "e": (ENGINE, {"name": "e"})},
        {**KEYS, "e": (ENGINE, {"name": "e", "encryptionKeyArn": Out("k", "arn")})},
    ),
    "runtime: variables": changing(
        "update", runtime(), runtime(environmentVariables={"A": "1"}), runtime(environmentVariables=None)
    ),
    "runtime: protocol, network, platform": changing(
        "update",
        runtime(),
        runtime(protocolConfiguration={"serverProtocol": "MCP"}),
        runtime(networkConfiguration=NETWORK),
        runtime(platformVersion="V2"),
    ),
    "runtime: tags": changing("update", runtime(), runtime(tags={"a": "b"}), runtime()),
    "runtime: lifecycle left out stays": [
        Step(runtime()),
        Step(runtime(**LIFE), {"rt": "update"}),
        Step(runtime()),
    ],
    "runtime: a zip, then an image": changing("replace", runtime(), runtime(agentRuntimeArtifact=IMAGE)),
    "runtime: a role that cannot be assumed": [
        Step(runtime(service="lambda.amazonaws.com"), error="Role validation failed")
    ],
    "runtime: both artifacts": [
        Step(runtime(agentRuntimeArtifact={**CODE, **IMAGE}), error="exactly one of"),
    ],
    "delivery: other group": [
        Step(delivered()),
        Step(
            delivered(
                destination={"deliveryDestinationConfiguration": {"destinationResourceArn": Out("elsewhere", "arn")}}
            ),
            {"destination": "update"},
        ),
    ],
    "delivery: a second source of the gateway": [
        Step(
            {**delivered(), "twice": (SOURCE, {**delivered()["source"][1], "name": "twice"})},
            error="ConflictException: This ResourceId has already been used in another Delivery Source",
        )
    ],
    **TOKEN_SEQUENCES,
}

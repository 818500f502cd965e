"""The document allows what the table of the provider's calls needs, and nothing else."""

import functools
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import botocore.session
import pytest

from tests.deployer.deciding import ACCOUNT, REGION, allowed, covers, decided
from tests.deployer.provider_calls import CALLS, READ, Needed, needed
from tests.local.cloud.conftest import (
    API_KEY_PROVIDER,
    APP_CLIENT,
    BUCKET,
    DEPLOYMENT,
    ENGINE,
    FUNCTION,
    GATEWAY,
    GOOD,
    KEY,
    LIFECYCLE,
    LOG_GROUP,
    MEMORY,
    OAUTH2_PROVIDER,
    PARAMETER,
    PERMISSION,
    QUEUE,
    RESOURCE_POLICY,
    RESOURCE_SERVER,
    REST_API,
    REST_API_POLICY,
    SECRET,
    SECRET_VERSION,
    STAGE,
    TABLE,
    TARGET,
    TOPIC,
    USER_POOL,
    USER_POOL_DOMAIN,
    VERSIONING,
    WORKLOAD_IDENTITY,
    Inputs,
    document,
)
from tests.local.cloud.types.targets.conftest import KEY as API_KEY
from tests.local.cloud.types.targets.conftest import KINDS, TOKEN, given
from tests.local.conftest import AGENTS, BOUNDARY, INSIDE, SEEN, WATCHED
from tests.planning import planned
from toolgate.deployer import deployer_policy
from toolgate.deployer.actions import TYPES
from toolgate.local.cloud.catalogue import TYPES as REPRODUCED
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore

# Service Authorization Reference: actions that are no operation of the API of their name.
PERMISSION_ONLY = {
    "iam:PassRole": "",
    "bedrock-agentcore:ManageResourceScopedPolicy": "",
    "bedrock-agentcore:InvokeGateway": "",
    "bedrock-agentcore:CreateTokenVault": "",
    "bedrock-agentcore:AllowVendedLogDeliveryForResource": "",
    "s3:GetAccelerateConfiguration": "GetBucketAccelerateConfiguration",
    "s3:GetBucketCORS": "GetBucketCors",
    "s3:GetBucketObjectLockConfiguration": "GetObjectLockConfiguration",
    "s3:GetBucketPublicAccessBlock": "GetPublicAccessBlock",
    "s3:PutBucketPublicAccessBlock": "PutPublicAccessBlock",
    "s3:GetEncryptionConfiguration": "GetBucketEncryption",
    "s3:PutLifecycleConfiguration": "PutBucketLifecycleConfiguration",
    "s3:PutEncryptionConfiguration": "PutBucketEncryption",
    "s3:GetLifecycleConfiguration": "GetBucketLifecycleConfiguration",
    "s3:GetReplicationConfiguration": "GetBucketReplication",
    "s3:GetObjectVersion": "GetObject",
    "s3:ListBucket": "ListObjects",
    "s3:ListBucketVersions": "ListObjectVersions",
    "s3:DeleteObjectVersion": "DeleteObject",
    "kms:ReEncryptFrom": "ReEncrypt",
    "kms:ReEncryptTo": "ReEncrypt",
    "apigateway:GET": "GetExport",
    "apigateway:POST": "CreateRestApi",
    "apigateway:PUT": "PutRestApi",
    "apigateway:PATCH": "UpdateRestApi",
    "apigateway:DELETE": "DeleteRestApi",
    "apigateway:UpdateRestApiPolicy": "",
}
APIS = {
    "iam": ["iam"],
    "kms": ["kms"],
    "logs": ["logs"],
    "cloudwatch": ["cloudwatch"],
    "xray": ["xray"],
    "lambda": ["lambda"],
    "s3": ["s3", "s3control"],
    "dynamodb": ["dynamodb"],
    "sqs": ["sqs"],
    "sns": ["sns"],
    "secretsmanager": ["secretsmanager"],
    "ssm": ["ssm"],
    "cognito-idp": ["cognito-idp"],
    "ec2": ["ec2"],
    "apigateway": ["apigateway"],
    "bedrock": ["bedrock"],
    "bedrock-agentcore": ["bedrock-agentcore-control", "bedrock-agentcore"],
}


@functools.cache
def operations(service: str) -> list[str]:
    names: list[str] = botocore.session.Session().get_service_model(service).operation_names
    return names


def stored(deployment: dict[str, Any], *changes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """The deployment with more of what tools keep data in: good examples of these types, with changes."""
    plane = ControlPlane(CloudEnvironment(), MemoryStore(), {})
    made: list[dict[str, Any]] = []
    for number, (token, changed) in enumerate(changes):
        inputs = {name: value for name, value in (GOOD[token] | changed).items() if value is not None}
        if token == SECRET_VERSION:
            inputs["secretId"] = next(it["outputs"]["arn"] for it in made if it["type"] == SECRET)
        if "userPoolId" in inputs:
            inputs["userPoolId"] = next(it["outputs"]["id"] for it in made if it["type"] == USER_POOL)
        for name, of in (("restApi", REST_API), ("restApiId", REST_API), ("deployment", DEPLOYMENT)):
            if name in inputs:
                inputs[name] = next(it["outputs"]["id"] for it in made if it["type"] == of)
        if token == TARGET:
            inputs["gatewayIdentifier"] = next(it["outputs"]["gatewayId"] for it in made if it["type"] == GATEWAY)
        created = plane.create(token, inputs)
        outputs = {"id": created.id, **created.outputs}
        urn = f"urn:pulumi:dev::toolgate::{token}::data{number}"
        made.append({"urn": urn, "type": token, "inputs": inputs, "outputs": {**inputs, **outputs}})
    return {"version": 3, "deployment": {"resources": [*deployment["deployment"]["resources"], *made]}}


THEIR_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
THEIRS = f"arn:aws:iam::{ACCOUNT}:role/service/existing"
LETS_READ = {
    "Effect": "Allow",
    "Principal": {"AWS": THEIRS},
    "Action": "secretsmanager:GetSecretValue",
    "Resource": "*",
}
# Each type once with nothing but what it must have, and once with all that leads to further calls.
PLAIN: list[tuple[str, Inputs]] = [
    (token, {}) for token in (BUCKET, TABLE, QUEUE, TOPIC, SECRET, SECRET_VERSION, PARAMETER)
]
FULL: list[tuple[str, Inputs]] = [
    (BUCKET, {"forceDestroy": True}),
    (VERSIONING, {}),
    (LIFECYCLE, {}),
    (MEMORY, {"memoryExecutionRoleArn": THEIRS, "encryptionKeyArn": THEIR_KEY}),
    (TABLE, {"serverSideEncryption": {"enabled": True, "kmsKeyArn": THEIR_KEY}}),
    (SECRET, {"kmsKeyId": THEIR_KEY, "policy": document(LETS_READ)}),
    (SECRET_VERSION, {"versionStages": ["AWSCURRENT"]}),
    (PARAMETER, {"type": "SecureString", "keyId": THEIR_KEY}),
    (LOG_GROUP, {"retentionInDays": 0}),
    (FUNCTION, {"reservedConcurrentExecutions": 0, "kmsKeyArn": THEIR_KEY, "role": THEIRS}),
    (ENGINE, {"description": "Theirs"}),
]
IN_STACK = {"tags": {"toolgate:stack": "toolgate-dev"}}
TOKENS: list[tuple[str, Inputs]] = [
    (USER_POOL, IN_STACK),
    *((token, {}) for token in (USER_POOL_DOMAIN, RESOURCE_SERVER, APP_CLIENT, WORKLOAD_IDENTITY, OAUTH2_PROVIDER)),
    (API_KEY_PROVIDER, {}),
]
ELSEWHERE: dict[str, Any] = {
    "clientId": "nightly",
    "clientSecretSource": "EXTERNAL",
    "clientSecretConfig": {"secretId": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:okta-AbCdEf", "jsonKey": "k"},
    "oauthDiscovery": {"discoveryUrl": "https://acme.okta.com/.well-known/openid-configuration"},
}
FOREIGN: list[tuple[str, Inputs]] = [
    (USER_POOL, {}),
    (WORKLOAD_IDENTITY, {"name": "shop-calculator"}),
    (
        API_KEY_PROVIDER,
        {
            "name": "shop-orders",
            "apiKey": None,
            "apiKeySecretSource": "EXTERNAL",
            "apiKeySecretConfig": {
                "secretId": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:k-AbCdEf",
                "jsonKey": "k",
            },
        },
    ),
    (OAUTH2_PROVIDER, {"name": "shop-calculator", "oauth2ProviderConfig": {"customOauth2ProviderConfig": ELSEWHERE}}),
]
TARGETS: list[tuple[str, Inputs]] = [
    (GATEWAY, {"name": "toolgate-dev-others"}),
    *((TARGET, {"name": kind, **given(kind)}) for kind in KINDS),
    *(
        (TARGET, {"name": name, **given("openApiSchema"), "credentialProviderConfiguration": sign_in})
        for name, sign_in in (("keyed", API_KEY), ("tokened", TOKEN), ("open", None))
    ),
    (TARGET, {"name": "elsewhere", **given("mcpServer", endpoint="https://mcp.example.com/mcp")}),
]
OF_API = (REST_API, REST_API_POLICY, DEPLOYMENT, STAGE, FUNCTION, PERMISSION)
CLIENTS = {"toolgate:clients": json.dumps({"nightly-job": {"tools": ["math___add_numbers"]}})}
OTHERS = {
    "toolgate:inbound": "okta",
    "toolgate:issuers": json.dumps(
        {"okta": {"discoveryUrl": ELSEWHERE["oauthDiscovery"]["discoveryUrl"], "audiences": ["tools"]}}
    ),
    "toolgate:agents": json.dumps(
        {
            "calculator": {
                "tools": ["math"],
                "credentials": {
                    "okta": {
                        "clientId": ELSEWHERE["clientId"],
                        "secretArn": ELSEWHERE["clientSecretConfig"]["secretId"],
                        "jsonKey": "k",
                    }
                },
            }
        }
    ),
}
NETWORKED = {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}
EVERYTHING = {
    **INSIDE,
    "toolgate:agents": json.dumps(AGENTS),
    "toolgate:observability": json.dumps(SEEN),
    "toolgate:targets": json.dumps({"math": {"network": NETWORKED, "reservedConcurrency": 2, "timeout": 9}}),
}


def kept(kind: str, **further: Any) -> dict[str, Any]:
    """Agents that keep their conversations."""
    config = {"toolgate:agents": json.dumps({"assistant": {"memory": kind, **further}})}
    if further:
        facts = {"type": "SEMANTIC", "namespace": "/facts/{actorId}/"}
        config["toolgate:memory"] = json.dumps({"strategies": {"facts": facts}})
    return planned(config=config).deployment


def unplanned() -> dict[str, Any]:
    """Inputs and a type that no program of ours has: deliveries of certain fields, and a gateway's resource policy."""
    text = json.dumps(planned(config=WATCHED).deployment)
    resources = json.loads(text.replace('"deliverySourceName":', '"recordFields": ["body"], "deliverySourceName":'))[
        "deployment"
    ]["resources"]
    [gateway] = [it for it in resources if it["type"] == GATEWAY]
    properties = {"resourceArn": gateway["outputs"]["gatewayArn"], "policy": "{}"}
    urn = f"urn:pulumi:dev::toolgate::{RESOURCE_POLICY}::private"
    private = {"urn": urn, "type": RESOURCE_POLICY, "inputs": properties, "outputs": properties}
    return {"version": 3, "deployment": {"resources": [*resources, private]}}


def intercepted() -> dict[str, Any]:
    """A gateway that asks a function, which reads what clients were handed, and a client of somebody else's issuer."""
    name = f"/toolgate/callers/{GATEWAY_NAME}/nightly-job"
    handed = (PARAMETER, {"name": name, "type": "String", "insecureValue": "{}"})
    return stored(planned("jwt", CLIENTS).deployment, handed)


GATEWAY_NAME = "toolgate-jwt-tools"


EACH: dict[str, Callable[[], dict[str, Any]]] = {
    "dev": lambda: planned().deployment,
    "agents": lambda: planned("agents").deployment,
    "prod": lambda: planned("prod", INSIDE).deployment,
    "gateways": lambda: planned("gateways").deployment,
    "jwt": lambda: planned("jwt").deployment,
    "jwt with a machine's client": lambda: planned("jwt", CLIENTS).deployment,
    "jwt of another issuer": lambda: planned("jwt", OTHERS).deployment,
    "watched": lambda: planned(config=WATCHED).deployment,
    "given key": lambda: planned(config={"toolgate:kmsKey": THEIR_KEY}).deployment,
    "everything": lambda: planned("prod", EVERYTHING).deployment,
    "tokens": lambda: stored(planned("agents").deployment, *TOKENS),
    "tokens of others": lambda: stored(planned("agents").deployment, *FOREIGN),
    "targets": lambda: stored(planned().deployment, *TARGETS),
    "interceptors": intercepted,
    "conversations in S3": lambda: kept("s3"),
    "conversations in AgentCore": lambda: kept("agentcore", recall=["facts"]),
    "data": lambda: stored(planned().deployment, *PLAIN),
    "an API": lambda: stored(planned().deployment, *((it, {}) for it in OF_API)),
    "more data": lambda: stored(planned().deployment, *FULL),
    "unplanned": unplanned,
    "a key of no component": lambda: stored(planned().deployment, (KEY, {"enableKeyRotation": False})),
}


@pytest.fixture(params=EACH)
def deployment(request: pytest.FixtureRequest) -> dict[str, Any]:
    return EACH[request.param]()


WITHIN = {"iam:PermissionsBoundary": BOUNDARY}


def refused(allows: dict[str, Any], calls: Iterable[Needed]) -> list[Needed]:
    return [it for it in calls if not decided(allows, it.action, it.on, {**WITHIN, **dict(it.facts)})]


def test_every_call_of_the_provider_is_allowed(deployment: dict[str, Any]) -> None:
    calls = set(needed(deployment))
    assert len(calls) > 100
    assert refused(deployer_policy.permissions(deployment), calls) == []


def test_what_a_type_calls_stands_with_the_type(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    resources = deployment["deployment"]["resources"]
    for kind in {it["type"] for it in resources if it["type"] in TYPES}:
        monkeypatch.setattr(deployer_policy, "TYPES", {**dict.fromkeys(TYPES, ()), kind: TYPES[kind]})
        assert refused(deployer_policy.permissions(deployment), needed(deployment, kind)) == []


def test_nothing_is_allowed_that_no_call_needs(deployment: dict[str, Any]) -> None:
    asked: dict[str, set[str]] = {}
    for call in needed(deployment):
        asked.setdefault(call.action, set()).add(call.on)
    statements = deployer_policy.permissions(deployment)["Statement"]
    pairs = [(it, action, on) for it in statements for action in it["Action"] for on in it["Resource"]]
    unneeded = [
        (it["Sid"], action, on) for it, action, on in pairs if not any(covers(on, arn) for arn in asked.get(action, ()))
    ]
    assert unneeded == []


def test_whatever_a_call_is_bound_to_it_is_refused_without(deployment: dict[str, Any]) -> None:
    allows = deployer_policy.permissions(deployment)
    calls = set(needed(deployment))
    bound = [(call, fact) for call in calls for fact in call.facts]
    assert len(bound) >= 4
    for call, fact in bound:
        others = set(call.facts) - {fact}
        alike = [it for it in calls if (it.action, it.on) == (call.action, call.on)]
        facts = {**WITHIN, **dict(others), fact[0]: "another"}
        held = any(set(it.facts) <= others for it in alike)
        assert decided(allows, call.action, call.on, facts) is held, (call, fact)


def test_a_preview_may_make_every_call_that_reads(deployment: dict[str, Any]) -> None:
    reading = [it for it in needed(deployment) if it.by == READ or re.search(":(Get|List).*Tag", it.action)]
    assert len(reading) > 20
    assert refused(deployer_policy.permissions(deployment, read_only=True), reading) == []


def test_all_that_the_stand_in_asks_of_aws_is_in_the_table() -> None:
    for token, kind in REPRODUCED.items():
        rows = {name for call in CALLS[token] for name in call.does.partition(":")[2].split()}
        assert {request.operation for request in kind.requests} <= rows, token


def test_every_row_names_operations_or_actions_of_aws() -> None:
    for token, rows in CALLS.items():
        for row in rows:
            prefix, _, names = row.does.partition(":")
            known = {name for service in APIS[prefix] for name in operations(service)}
            allowed_for = {action.partition(":")[2] for action in PERMISSION_ONLY if action.startswith(f"{prefix}:")}
            assert set(names.split()) <= known | allowed_for, (token, row.does)
            assert row.source


def test_what_is_made_in_another_partition_is_allowed_there() -> None:
    text = json.dumps(planned("agents").deployment).replace("arn:aws:", "arn:aws-us-gov:")
    moved = json.loads(text.replace("us-east-1", "us-gov-west-1"))
    text = json.dumps(deployer_policy.permissions(moved))
    assert "arn:aws-us-gov:" in text
    assert not re.search(r"arn:aws:|us-east-1", text)


def test_the_same_holds_for_what_tools_keep_data_in() -> None:
    deployment = EACH["data"]()
    allows = deployer_policy.permissions(deployment)
    arns = {it["type"]: it["outputs"].get("arn") for it in deployment["deployment"]["resources"]}
    assert allowed(allows, "secretsmanager:DeleteSecret", arns[SECRET][:-6] + "abcdef")  # made anew
    assert not allowed(allows, "secretsmanager:DeleteSecret", arns[SECRET][:-6] + "abcdefg")
    assert not allowed(allows, "dynamodb:GetItem", arns[TABLE])


def test_what_a_client_was_handed_is_written_whatever_its_id_will_be() -> None:
    """Cognito draws another id on AWS than the stand-in did; one that somebody else's issuer gave stays."""
    allows = deployer_policy.permissions(EACH["interceptors"]())
    of_gateway = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/toolgate/callers/{GATEWAY_NAME}"
    for action in ("PutParameter", "GetParameter", "DeleteParameter", "AddTagsToResource"):
        assert allowed(allows, f"ssm:{action}", f"{of_gateway}/{'0a' * 13}")
        assert allowed(allows, f"ssm:{action}", f"{of_gateway}/nightly-job")
        for other in (f"{of_gateway}/{'0a' * 14}", f"{of_gateway}/weekly-job", f"{of_gateway}2/{'0a' * 13}"):
            assert not allowed(allows, f"ssm:{action}", other)
    assert not allowed(allows, "lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:toolgate-jwt-math")


def test_every_action_is_one_that_aws_has() -> None:
    known = {
        f"{prefix}:{it}" for prefix, services in APIS.items() for service in services for it in operations(service)
    }
    actions = {action for grants in TYPES.values() for grant in grants for action in grant.actions}
    unknown = {action for action in actions if action not in known}
    assert unknown <= set(PERMISSION_ONLY)
    for action in unknown:
        operation = PERMISSION_ONLY[action]
        assert not operation or f"{action.partition(':')[0]}:{operation}" in known


def test_every_type_that_the_stand_in_reproduces_has_its_actions() -> None:
    assert set(REPRODUCED) <= set(TYPES) == set(CALLS)

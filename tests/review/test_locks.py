"""What a change takes off, though nobody gains by it today; and what looks like it and is none."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest

from tests.planning import planned
from toolgate.access.deployment.deployment import parse
from toolgate.policy.language.agentcore_facts import (
    CEDAR_POLICY,
    FUNCTION,
    FUNCTION_URL,
    GATEWAY,
    LAMBDA_PERMISSION,
    MANAGED_POLICY,
    RESOURCE_POLICY,
    ROLE,
    ROLE_POLICY,
    RUNTIME,
)
from toolgate.review.document_locks import document_locks
from toolgate.review.locks import Side, plain_locks

type Deployment = dict[str, Any]

KEY = "aws:kms/key:Key"
BUCKET_LOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
GATEWAY_ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/tools-abcdefghij"
PINNED = {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def found(before: Deployment, after: Deployment) -> list[str]:
    sides = Side(before, parse(before)), Side(after, parse(after))
    return [lock.text for lock in (*plain_locks(*sides), *document_locks(*sides))]


@pytest.fixture
def prod() -> Deployment:
    """The sample's strictest stack, to be changed by the test."""
    return planned("prod").deployment


def one(deployment: Deployment, kind: str, name: str = "") -> dict[str, Any]:
    resources = deployment["deployment"]["resources"]
    return next(it for it in resources if it["type"] == kind and it["urn"].endswith(name))


def without(deployment: Deployment, kind: str, name: str = "") -> Deployment:
    changed = deepcopy(deployment)
    changed["deployment"]["resources"].remove(one(changed, kind, name))
    return changed


def put(resource: dict[str, Any], path: str, value: Any) -> None:
    """Sets a property, in what the program says and in what AWS answers; None takes it away."""
    *steps, last = path.split(".")
    for side in ("inputs", "outputs"):
        inner = resource[side]
        for step in steps:
            inner = inner.setdefault(step, {})
        inner[last] = deepcopy(value)
        if value is None:
            del inner[last]


JWT = {"discoveryUrl": "https://a.example/.well-known/openid-configuration", "allowedAudiences": ["a"]}


def claim(value: str) -> dict[str, Any]:
    match = {"claimMatchOperator": "EQUALS", "claimMatchValue": {"matchValueString": value}}
    return {
        "inboundTokenClaimName": "team",
        "inboundTokenClaimValueType": "STRING",
        "authorizingClaimMatchValue": match,
    }


def jwt(**parts: Any) -> dict[str, Any]:
    return {"customJwtAuthorizer": JWT | parts}


@pytest.mark.parametrize(
    ("kind", "path", "before", "after", "words"),
    [
        (GATEWAY, "authorizerType", "AWS_IAM", "NONE", "weaker authorizer: `authorizerType` is `NONE`, was `AWS_IAM`"),
        (GATEWAY, "authorizerType", "AWS_IAM", "CUSTOM_JWT", "weaker authorizer"),
        (GATEWAY, "authorizerType", "CUSTOM_JWT", "AUTHENTICATE_ONLY", "weaker authorizer"),
        (GATEWAY, "authorizerType", "AWS_IAM", "SOMETHING_NEW", "weaker authorizer"),
        (GATEWAY, "authorizerType", "NONE", "AWS_IAM", None),
        (GATEWAY, "authorizerConfiguration", jwt(), jwt(discoveryUrl="https://b.example"), "another issuer"),
        (GATEWAY, "authorizerConfiguration", jwt(), jwt(allowedAudiences=["a", "b"]), "more audiences"),
        (GATEWAY, "authorizerConfiguration", jwt(), jwt(allowedAudiences=None), "more audiences"),
        (GATEWAY, "authorizerConfiguration", jwt(allowedClients=["a", "b"]), jwt(allowedClients=["b"]), None),
        (GATEWAY, "authorizerConfiguration", jwt(allowedClients=["a"]), jwt(allowedClients=["b"]), "more clients"),
        (GATEWAY, "authorizerConfiguration", jwt(allowedScopes=["a"]), jwt(), "more scopes"),
        (GATEWAY, "authorizerConfiguration", jwt(), jwt(allowedScopes=["a"]), None),
        (
            GATEWAY,
            "authorizerConfiguration",
            jwt(customClaims=[claim("a"), claim("b")]),
            jwt(customClaims=[claim("b")]),
            "claim",
        ),
        (
            GATEWAY,
            "authorizerConfiguration",
            jwt(customClaims=[claim("a")]),
            jwt(customClaims=[claim("b"), claim("a")]),
            None,
        ),
        (GATEWAY, "authorizerConfiguration", jwt(), None, None),
        (RUNTIME, "authorizerConfiguration", None, jwt(), "tokens are taken instead of IAM's decision"),
        (GATEWAY, "policyEngineConfiguration.mode", "ENFORCE", "LOG_ONLY", "is `LOG_ONLY`, was `ENFORCE`"),
        (GATEWAY, "policyEngineConfiguration.mode", "LOG_ONLY", "ENFORCE", None),
        (GATEWAY, "policyEngineConfiguration", ..., None, "no policy engine decides"),
        (GATEWAY, "protocolConfiguration.mcp.searchType", None, "SEMANTIC", "search shows tools"),
        (GATEWAY, "interceptorConfigurations", [{"a": 1}, {"b": 2}], [{"b": 2}], "an interceptor less"),
        (GATEWAY, "interceptorConfigurations", None, [{"b": 2}], None),
        (GATEWAY, "kmsKeyArn", ..., None, "no longer encrypted with a key of one's own: `kmsKeyArn` gone"),
        (GATEWAY, "description", "a", "b", None),
        (CEDAR_POLICY, "enforcementMode", "ACTIVE", "LOG_ONLY", "the policy is only logged"),
        (ROLE, "permissionsBoundary", "arn:aws:iam::123456789012:policy/b", None, "permissions boundary"),
        (
            ROLE,
            "permissionsBoundary",
            "arn:aws:iam::123456789012:policy/b",
            "arn:aws:iam::123456789012:policy/c",
            "boundary",
        ),
        (ROLE, "permissionsBoundary", None, "arn:aws:iam::123456789012:policy/b", None),
        (RUNTIME, "networkConfiguration.networkMode", "VPC", "PUBLIC", "a more open network"),
        (RUNTIME, "networkConfiguration.networkMode", "PUBLIC", "VPC", None),
        (FUNCTION, "vpcConfig", {"subnetIds": ["a"]}, None, "no longer in a VPC"),
        (BUCKET_LOCK, "blockPublicPolicy", True, False, "`blockPublicPolicy` is `false`, was `true`"),
        (BUCKET_LOCK, "blockPublicPolicy", False, True, None),
    ],
)
def test_a_property_that_locks(  # noqa: PLR0917  the columns of the table above
    kind: str, path: str, before: Any, after: Any, words: str | None, prod: Deployment
) -> None:
    if before is not ...:
        put(one(prod, kind), path, before)
    changed = deepcopy(prod)
    put(one(changed, kind), path, after)
    texts = found(prod, changed)
    assert len(texts) == (words is not None)
    assert words is None or words in texts[0]


def test_search_without_an_engine_shows_nobody_anything_new(prod: Deployment) -> None:
    put(one(prod, GATEWAY), "policyEngineConfiguration", None)
    changed = deepcopy(prod)
    put(one(changed, GATEWAY), "protocolConfiguration.mcp.searchType", "SEMANTIC")
    assert found(prod, changed) == []


def test_protection_is_a_lock(prod: Deployment) -> None:
    changed = deepcopy(prod)
    del one(changed, GATEWAY)["protect"]
    assert found(prod, changed) == ["a slip of an edit may delete it: `(protect)` gone, was `true`"]


@pytest.mark.parametrize(
    "stacks", [("dev", "dev"), ("prod", "prod"), ("agents", "agents"), ("gateways", "gateways"), ("jwt", "jwt")]
)
def test_nothing_changed_and_everything_new_or_gone_take_nothing_off(stacks: tuple[str, str]) -> None:
    nothing = {"version": 3, "deployment": {"manifest": {}, "resources": []}}
    before, after = (planned(stack).deployment for stack in stacks)
    assert found(before, after) == found(nothing, after) == found(before, nothing) == []


@pytest.mark.parametrize(
    ("stack", "config"),
    [
        ("agents", {"toolgate:agents": '{"calculator": {"tools": ["math"]}, "new": {"tools": ["math___greeting"]}}'}),
        ("prod", {"toolgate:agents": '{"assistant": {"tools": ["math"]}, "new": {"tools": ["math___greeting"]}}'}),
        ("dev", {"toolgate:modelId": "us.amazon.nova-lite-v1:0"}),
        ("dev", {"toolgate:authorization": "tool"}),
        ("dev", {"toolgate:kmsKey": "create"}),
        ("dev", {"toolgate:protect": "true"}),
        ("prod", {"toolgate:logLevel": "debug"}),
        ("dev", {"toolgate:observability": '{"logs": true, "traces": true, "alarms": true, "dashboard": true}'}),
        ("dev", {"toolgate:permissionsBoundary": "arn:aws:iam::111122223333:policy/agents-boundary"}),
        ("dev", {"toolgate:tags": '{"team": "x"}'}),
    ],
)
def test_an_ordinary_change_takes_nothing_off(stack: str, config: Mapping[str, str]) -> None:
    assert found(planned(stack).deployment, planned(stack, config).deployment) == []


KEY_OF_ITS_OWN = {"toolgate:kmsKey": "create"}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (("prod", {}), ("prod", {"toolgate:authorization": "gateway"}), ["no policy engine decides"]),
        (("dev", KEY_OF_ITS_OWN), ("dev", {}), ["kmsKeyArn", "kmsKeyId"]),
        (("prod", {}), ("prod", {"toolgate:protect": "false"}), ["(protect)"]),
    ],
)
def test_a_setting_that_takes_a_lock_off(before: Any, after: Any, words: list[str]) -> None:
    texts = found(planned(*before).deployment, planned(*after).deployment)
    assert [any(word in text for text in texts) for word in words] == [True] * len(words)
    assert all(any(word in text for word in (*words, "what it locked stays")) for text in texts)


def test_what_gets_another_parent_stays_the_same(prod: Deployment) -> None:
    changed = deepcopy(prod)
    gateway = one(changed, GATEWAY)
    gateway["urn"] = gateway["urn"].replace("toolgate:index:ToolGateway$", "mine:index:Tools$")
    assert found(prod, changed) == []
    put(gateway, "authorizerType", "NONE")
    assert len(found(prod, changed)) == 1


@pytest.mark.parametrize("kind", ["aws:cloudcontrol/resource:Resource", "aws:cloudformation/stack:Stack"])
def test_what_another_service_makes_from_json(kind: str, policy_of: Callable[..., Deployment]) -> None:
    def side(authorizer: str, principal: Mapping[str, Any]) -> Deployment:
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
        state = {
            "Gateway": {"AuthorizerType": authorizer},
            "Role": {"AssumeRolePolicyDocument": {"Statement": [statement]}},
        }
        return policy_of(kind, {"desiredState": json.dumps(state)})

    texts = found(side("AWS_IAM", SERVICE), side("NONE", {"AWS": "*"}))
    assert [text.partition(":")[0] for text in texts] == ["weaker authorizer", "lets in more"]


# Documents


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeGateway", "Resource": GATEWAY_ARN} | elements


def deny(**elements: Any) -> dict[str, Any]:
    return allow(Effect="Deny") | elements


OTHER_ACCOUNT = {"AWS": "arn:aws:iam::999999999999:root"}
SERVICE = {"Service": "bedrock-agentcore.amazonaws.com"}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"Principal": SERVICE, "Condition": PINNED}, {"Principal": SERVICE}, "asks for less: `sts:AssumeRole` by"),
        ({"Principal": SERVICE, "Condition": PINNED}, {"Principal": OTHER_ACCOUNT}, "lets in more"),
        ({"Principal": SERVICE}, {"Principal": SERVICE | OTHER_ACCOUNT}, "lets in more: `sts:AssumeRole` by"),
        ({"Principal": SERVICE}, {"Principal": {"AWS": "*"}}, "lets in more: `sts:AssumeRole` by `*`"),
        ({"Principal": SERVICE | OTHER_ACCOUNT}, {"Principal": SERVICE}, None),
        ({"Principal": SERVICE}, {"Principal": SERVICE, "Condition": PINNED, "Sid": "S"}, None),
    ],
)
def test_a_trust_policy(
    before: Mapping[str, Any], after: Mapping[str, Any], words: str | None, prod: Deployment
) -> None:
    changed = deepcopy(prod)
    for deployment, elements in ((prod, before), (changed, after)):
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", **elements}
        put(one(deployment, ROLE, "tools-role"), "assumeRolePolicy", document(statement))
    texts = found(prod, changed)
    assert [words in text for text in texts if words] == [True] * bool(words)
    assert words or texts == []


@pytest.fixture
def policy_of(resource: Callable[..., Any], prod: Deployment) -> Callable[..., Deployment]:
    """Makes the sample with a resource about one of its own, or without."""

    def make(kind: str, inputs: Mapping[str, Any] | None, name: str = "it") -> Deployment:
        changed = deepcopy(prod)
        if inputs is not None:
            made = resource(kind, name, inputs)
            made["outputs"] = dict(inputs)
            changed["deployment"]["resources"].append(made)
        return changed

    return make


def gateway_arn(deployment: Deployment) -> str:
    return str(one(deployment, GATEWAY)["outputs"]["gatewayArn"])


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([deny(Principal="*")], None, {"gone, and what it is about stays", "keeps out less"}),
        ([allow(Principal=OTHER_ACCOUNT)], None, {"gone, and what it is about stays"}),
        ([deny(Principal="*")], [deny(Principal="*", Condition=PINNED)], {"keeps out less"}),
        ([deny(Principal="*", Condition=PINNED)], [deny(Principal="*")], set()),
        (None, [deny(Principal="*")], set()),
        (None, [allow(Principal=OTHER_ACCOUNT)], {"lets in more"}),
        ([allow(Principal=OTHER_ACCOUNT, Condition=PINNED)], [allow(Principal=OTHER_ACCOUNT)], {"asks for less"}),
        ([allow(Principal=OTHER_ACCOUNT)], [allow(Principal=OTHER_ACCOUNT, Condition=PINNED)], set()),
    ],
)
def test_a_resource_policy(
    before: list[Any] | None, after: list[Any] | None, words: set[str], policy_of: Callable[..., Deployment]
) -> None:
    arn = gateway_arn(policy_of(RESOURCE_POLICY, None))

    def side(statements: list[Any] | None) -> Deployment:
        held = [it | {"Resource": arn} for it in statements or ()]
        return policy_of(
            RESOURCE_POLICY, {"resourceArn": arn, "policy": document(*held)} if statements is not None else None
        )

    assert {text.partition(":")[0] for text in found(side(before), side(after))} == words


def test_a_policy_that_goes_with_its_gateway_is_no_lock(policy_of: Callable[..., Deployment]) -> None:
    arn = gateway_arn(policy_of(RESOURCE_POLICY, None))
    before = policy_of(RESOURCE_POLICY, {"resourceArn": arn, "policy": document(deny(Principal="*", Resource=arn))})
    after = without(without(before, GATEWAY), RESOURCE_POLICY)
    assert found(before, after) == []
    assert found(after, before) == []


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (None, {"principal": "apigateway.amazonaws.com", "sourceArn": "arn:a"}, ["lets in more"]),
        (
            {"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::b"},
            {"principal": "s3.amazonaws.com"},
            ["asks for less"],
        ),
        ({"principal": "s3.amazonaws.com"}, {"principal": "*"}, ["lets in more"]),
        ({"principal": "s3.amazonaws.com"}, {"principal": "s3.amazonaws.com", "statementId": "x"}, []),
        ({"principal": "s3.amazonaws.com"}, None, []),
    ],
)
def test_a_lambda_permission(
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    words: list[str],
    policy_of: Callable[..., Deployment],
) -> None:
    outputs = one(policy_of(LAMBDA_PERMISSION, None), FUNCTION)["outputs"]

    def side(permission: Mapping[str, Any] | None, function: str, name: str) -> Deployment:
        inputs = permission and {"action": "lambda:InvokeFunction", "function": function, **permission}
        return policy_of(LAMBDA_PERMISSION, inputs, name)

    # Under another name, and the function by its ARN instead of its name: that is no news.
    texts = found(side(before, outputs["name"], "a"), side(after, outputs["arn"], "b"))
    assert [text.partition(":")[0] for text in texts] == words


@pytest.mark.parametrize(
    ("before", "after", "open_"),
    [(None, "NONE", True), (None, "AWS_IAM", False), ("AWS_IAM", "NONE", True), ("NONE", "AWS_IAM", False)],
)
def test_a_function_url(before: str | None, after: str, open_: bool, policy_of: Callable[..., Deployment]) -> None:
    function = one(policy_of(FUNCTION_URL, None), FUNCTION)["outputs"]["name"]
    sides = [
        policy_of(FUNCTION_URL, kind and {"functionName": function, "authorizationType": kind})
        for kind in (before, after)
    ]
    texts = found(*sides)
    assert [("open to anybody" in text) for text in texts] == [True] * open_


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([deny()], [], "no longer denied"),
        ([deny(Action=["a:A", "b:B"])], [deny(Action="a:A")], "no longer denied: `b:B` on"),
        ([deny()], [deny(Action="*", Resource="*")], None),
        ([allow(Condition=PINNED)], [allow()], "a condition less"),
        ([allow()], [allow(), allow(Action="s3:*", Resource="*")], None),
        ([allow()], [], None),
    ],
)
def test_an_identity_policy(
    before: list[Any], after: list[Any], words: str | None, policy_of: Callable[..., Deployment]
) -> None:
    role = one(policy_of(ROLE_POLICY, None), ROLE, "assistant-role")["outputs"]["name"]

    def side(statements: list[Any], name: str) -> Deployment:
        inputs = {"role": role, "policy": document(*statements)} if statements else None
        return policy_of(ROLE_POLICY, inputs, name)

    # A statement that stands in another policy of the same role now has not gone.
    texts = found(side(before, "a"), side(after, "b"))
    assert len(texts) == (words is not None)
    assert words is None or texts[0].startswith(words)


def test_a_guard_of_a_bucket_that_stays(prod: Deployment) -> None:
    bare = without(prod, BUCKET_LOCK)
    assert found(prod, bare) == ["gone, and what it locked stays"]
    assert found(prod, without(bare, "aws:s3/bucket:Bucket")) == []


FORBID = 'forbid(principal, action == AgentCore::Action::"math___greeting", resource);'


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (FORBID, None, "forbids less: `it`"),
        (FORBID, FORBID.replace(");", ') when { context.input.name == "a" };'), "forbids less"),
        (FORBID.replace(");", ') when { context.input.name == "a" };'), FORBID, None),
        (FORBID, 'forbid ( principal,action in [AgentCore::Action::"math"],resource ) ;', None),
        (FORBID, "forbid(principal, action, resource);", None),
        ("forbid(principal, action, resource);", FORBID, "forbids less"),
        (None, FORBID, None),
        (None, FORBID.replace("forbid", "permit"), "permits callers that it does not name"),
        (FORBID.replace("forbid", "permit"), None, None),
        (None, FORBID.replace("principal", 'principal == AgentCore::IamEntity::"a"').replace("forbid", "permit"), None),
    ],
)
def test_a_cedar_policy(
    before: str | None, after: str | None, words: str | None, policy_of: Callable[..., Deployment]
) -> None:
    engine = one(policy_of(CEDAR_POLICY, None), CEDAR_POLICY)["outputs"]["policyEngineId"]

    def side(text: str | None) -> Deployment:
        inputs = {
            "name": "it",
            "policyId": "it-abcdefghij",
            "policyEngineId": engine,
            "definition": {"cedar": {"statement": text}},
        }
        return policy_of(CEDAR_POLICY, inputs if text else None)

    texts = found(side(before), side(after))
    assert len(texts) == (words is not None)
    assert words is None or texts[0].startswith(words)


def test_what_an_engine_forbids_counts_from_when_it_decides(policy_of: Callable[..., Deployment]) -> None:
    before, after = policy_of(CEDAR_POLICY, None), policy_of(CEDAR_POLICY, None)
    policy = one(before, CEDAR_POLICY)
    put(policy, "definition.cedar.statement", FORBID)
    put(one(before, GATEWAY), "policyEngineConfiguration.mode", "LOG_ONLY")
    assert found(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([allow()], [allow(), allow(Action="s3:*")], "the permissions boundary allows more: `s3:*` on"),
        ([allow(), deny(Action="s3:*")], [allow()], "the permissions boundary denies less: `s3:*` on"),
        ([allow()], [deny(Action="s3:*")], None),
    ],
)
def test_a_permissions_boundary_of_the_same_deployment(
    before: list[Any], after: list[Any], words: str | None, policy_of: Callable[..., Deployment]
) -> None:
    arn = "arn:aws:iam::123456789012:policy/boundary"

    def side(statements: list[Any]) -> Deployment:
        made = policy_of(MANAGED_POLICY, {"policy": document(*statements), "arn": arn})
        put(one(made, ROLE), "permissionsBoundary", arn)
        return made

    texts = found(side(before), side(after))
    assert len(texts) == (words is not None)
    assert words is None or texts[0].startswith(words)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine", "encryptionKeyArn"),
        ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "x.kmsMasterKeyId"),
        ("aws:cloudwatch/logGroup:LogGroup", "kmsKeyId"),
    ],
)
def test_a_key_of_ones_own(kind: str, path: str, prod: Deployment) -> None:
    put(one(prod, kind), path, "arn:aws:kms:us-east-1:123456789012:key/k")
    changed = deepcopy(prod)
    put(one(changed, kind), path, None)
    assert found(prod, changed) == [
        f"no longer encrypted with a key of one's own: `{path}` gone, was `arn:aws:kms:us-east-1:123456789012:key/k`"
    ]


def test_a_document_that_cannot_be_read_is_said(policy_of: Callable[..., Deployment]) -> None:
    sides = [policy_of(KEY, {"policy": text}, "k") for text in (document(allow(Principal="*")), '{"Statement": 1}')]
    assert found(*sides) == ["whom it lets in cannot be compared: a document cannot be read"]

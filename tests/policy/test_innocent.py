"""What must not be flagged: well-written documents, and whatever has nothing to do with AgentCore."""

import json
from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack, Registration
from tests.policy.making import ACCOUNT, FUNCTION, GATEWAY, MODEL, PROFILE, statement

R = "us-east-1"

# What AWS documents for AgentCore's own roles (AgentCore developer guide), with names filled in.
FOR_AGENTCORE: dict[str, Any] = {
    "gateway invokes": statement("lambda:InvokeFunction", [FUNCTION, f"{FUNCTION}:live"]),
    "runtime logs": statement(
        ["logs:DescribeLogStreams", "logs:CreateLogGroup"],
        f"arn:aws:logs:{R}:{ACCOUNT}:log-group:/aws/bedrock-agentcore/runtimes/*",
    ),
    "all log groups": statement("logs:DescribeLogGroups", f"arn:aws:logs:{R}:{ACCOUNT}:log-group:*"),
    "traces": statement(["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules"], ["*"]),
    "metrics": statement(
        "cloudwatch:PutMetricData", "*", Condition={"StringEquals": {"cloudwatch:namespace": "bedrock-agentcore"}}
    ),
    "model by profile": statement(
        ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
        [MODEL, MODEL.replace(R, "us-east-2")],
        Condition={"StringEquals": {"bedrock:InferenceProfileArn": PROFILE}},
    ),
    "profile": statement("bedrock:InvokeModel*", PROFILE),
    "model in any Region": statement("bedrock:InvokeModel", MODEL.replace(R, "*")),
    "model by the other endpoint": statement(
        "bedrock-mantle:CreateInference",
        f"arn:aws:bedrock-mantle:{R}:{ACCOUNT}:project/*",
        Condition={"StringEquals": {"bedrock-mantle:Model": "anthropic.claude-haiku-4-5"}},
    ),
    "gateway by ARN": statement("bedrock-agentcore:InvokeGateway", GATEWAY),
    "image": statement(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], f"arn:aws:ecr:{R}:{ACCOUNT}:repository/*"),
    "image token": statement("ecr:GetAuthorizationToken", "*"),
    "workload token": statement(
        ["bedrock-agentcore:GetWorkloadAccessToken", "bedrock-agentcore:GetWorkloadAccessTokenForJWT"],
        [f"arn:aws:bedrock-agentcore:{R}:{ACCOUNT}:workload-identity-directory/default/workload-identity/shop-*"],
    ),
    "engine": statement(
        ["bedrock-agentcore:AuthorizeAction", "bedrock-agentcore:PartiallyAuthorizeActions"],
        [f"arn:aws:bedrock-agentcore:{R}:{ACCOUNT}:policy-engine/x", f"{GATEWAY[: -len('abcdefghij')]}*"],
    ),
    "runtime behind the gateway": statement(
        "bedrock-agentcore:InvokeAgentRuntime", f"arn:aws:bedrock-agentcore:{R}:{ACCOUNT}:runtime/shop-*"
    ),
    "memory": statement("bedrock-agentcore:GetMemory", f"arn:aws:bedrock-agentcore:{R}:{ACCOUNT}:memory/*"),
    "guardrail": statement("bedrock:ApplyGuardrail", f"arn:aws:bedrock:{R}:{ACCOUNT}:guardrail/*"),
    "code": statement("s3:GetObject", "arn:aws:s3:::shop-code/assistant/*"),
    "secrets": statement("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{R}:{ACCOUNT}:secret:shop-*"),
    "deny all but one Region": {
        "Effect": "Deny",
        "NotAction": ["iam:*", "sts:*"],
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": R}},
    },
}

MEMORY = f"arn:aws:bedrock-agentcore:{R}:{ACCOUNT}:memory/shop-abcdefghij"

# What agents and tools ordinarily have besides: each is the role of a runtime, and of a function behind a target.
FOR_AGENTS_AND_TOOLS: dict[str, list[dict[str, Any]]] = {
    "a bucket": [
        statement("s3:ListBucket", "arn:aws:s3:::shop-drafts"),
        statement(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "arn:aws:s3:::shop-drafts/*"),
    ],
    "a table and its indexes": [
        statement(
            ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"],
            [f"arn:aws:dynamodb:{R}:{ACCOUNT}:table/orders", f"arn:aws:dynamodb:{R}:{ACCOUNT}:table/orders/index/*"],
        )
    ],
    "an agent asks an agent": [
        statement(
            ["bedrock-agentcore:InvokeAgentRuntime", "bedrock-agentcore:GetAgentCard"],
            [
                f"arn:aws:bedrock-agentcore:{R}:{ACCOUNT}:runtime/shop_pricing-abcdefghij",
                f"arn:aws:bedrock-agentcore:{R}:{ACCOUNT}:runtime/shop_pricing-abcdefghij/runtime-endpoint/DEFAULT",
            ],
        )
    ],
    "a task with a role of its own": [
        statement("ecs:RunTask", f"arn:aws:ecs:{R}:{ACCOUNT}:task-definition/report:*"),
        statement(
            "iam:PassRole",
            [f"arn:aws:iam::{ACCOUNT}:role/report-task", f"arn:aws:iam::{ACCOUNT}:role/report-execution"],
            Condition={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
    ],
    "another account's reader": [statement("sts:AssumeRole", "arn:aws:iam::444455556666:role/shop/order-reader")],
    "the same reader of many accounts": [statement("sts:AssumeRole", "arn:aws:iam::*:role/audit-reader")],
    "a conversation's memory": [
        statement(
            ["bedrock-agentcore:CreateEvent", "bedrock-agentcore:ListEvents"],
            MEMORY,
            Condition={"StringLike": {"bedrock-agentcore:actorId": ["shop", "shop:*"]}},
        ),
        statement(
            "bedrock-agentcore:RetrieveMemoryRecords",
            MEMORY,
            Condition={"StringLike": {"bedrock-agentcore:namespacePath": ["/facts/shop/*", "/facts/shop:*/*"]}},
        ),
    ],
    "conversations in a bucket": [
        statement(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::shop-conversations/shop/*"),
        statement(
            "s3:ListBucket",
            "arn:aws:s3:::shop-conversations",
            Condition={"StringLike": {"s3:prefix": "shop/*"}},
        ),
    ],
    "a guardrail": [statement("bedrock:ApplyGuardrail", f"arn:aws:bedrock:{R}:{ACCOUNT}:guardrail/abc123def456")],
    "a container": [
        statement("ecr:GetAuthorizationToken", "*"),
        statement(
            ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], f"arn:aws:ecr:{R}:{ACCOUNT}:repository/shop/assistant"
        ),
    ],
    "a code interpreter": [
        statement(
            ["bedrock-agentcore:StartCodeInterpreterSession", "bedrock-agentcore:InvokeCodeInterpreter"],
            f"arn:aws:bedrock-agentcore:{R}:aws:code-interpreter/aws.codeinterpreter.v1",
        )
    ],
    "a key": [statement(["kms:Decrypt", "kms:GenerateDataKey"], f"arn:aws:kms:{R}:{ACCOUNT}:key/11111111-2222")],
    "who it is": [statement("sts:GetCallerIdentity", "*")],
    "log and network": [
        statement(["logs:CreateLogStream", "logs:PutLogEvents"], "*"),
        statement(["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces"], "*"),
    ],
    "nothing of IAM": [
        statement("s3:GetObject", "arn:aws:s3:::shop/*"),
        {"Effect": "Deny", "Action": ["iam:*", "sts:*", "organizations:*"], "Resource": "*"},
    ],
}

# Ordinary statements of roles that AgentCore cannot take.
FOR_OTHERS: dict[str, Any] = {
    "everything of a service": statement("s3:*", "*"),
    "functions": statement(["lambda:InvokeFunction", "lambda:Get*"], "*"),
    "models": statement("bedrock:*", "*"),
    "a service with the same beginning": statement("bedrock-agent:*", "*"),
    "several services": statement(["dynamodb:*", "sqs:*", "sns:*", "events:Put*", "kms:Decrypt"], "*"),
    "runtimes": statement(
        ["bedrock-agentcore:InvokeAgentRuntime", "bedrock-agentcore:InvokeAgentRuntimeForUser"],
        f"arn:aws:bedrock-agentcore:*:{ACCOUNT}:runtime/shop_*",
    ),
    "one endpoint of one agent": statement(
        "bedrock-agentcore:InvokeAgentRuntime",
        f"arn:aws:bedrock-agentcore:{R}:{ACCOUNT}:runtime/shop_agent-abcdefghij/runtime-endpoint/live",
    ),
    "a calling service": statement(
        [
            "bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStream",
            "bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStreamForUser",
        ],
        [
            f"arn:aws:bedrock-agentcore:{R}:{ACCOUNT}:runtime/shop_agent-abcdefghij",
            f"arn:aws:bedrock-agentcore:{R}:{ACCOUNT}:runtime/shop_agent-abcdefghij/runtime-endpoint/*",
        ],
    ),
    "whoever repairs one agent": statement(
        "bedrock-agentcore:InvokeAgentRuntimeCommand*",
        f"arn:aws:bedrock-agentcore:{R}:{ACCOUNT}:runtime/shop_agent-abcdefghij",
    ),
    "a pipeline that changes agents": statement(
        ["bedrock-agentcore:*AgentRuntimeEndpoint", "bedrock-agentcore:UpdateAgentRuntime", "bedrock-agentcore:Put*"],
        "*",
    ),
    "a deployer's roles": statement(
        ["iam:CreateRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "lambda:UpdateFunctionCode"],
        [f"arn:aws:iam::{ACCOUNT}:role/shop-*", f"arn:aws:lambda:{R}:{ACCOUNT}:function:shop-*"],
    ),
    "an account's administrator of roles": statement("iam:*", "*"),
    "monitoring": statement(
        ["cloudwatch:Get*", "logs:StartQuery", "xray:BatchGetTraces", "bedrock-agentcore:ListGateways"], "*"
    ),
    "reading": statement(["bedrock-agentcore:Get*", "bedrock-agentcore:List*"], "*"),
    "making gateways": statement(["bedrock-agentcore:CreateGateway*", "bedrock-agentcore:UpdateGateway"], "*"),
    "variables": statement("s3:*", "arn:aws:s3:::home/${aws:username}/*"),
    "pass role": statement(
        "iam:PassRole",
        f"arn:aws:iam::{ACCOUNT}:role/*",
        Condition={"StringEquals": {"iam:PassedToService": "bedrock-agentcore.amazonaws.com"}},
    ),
    "assume": statement("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/agent"),
    "condition of every kind": statement(
        "ec2:*",
        "*",
        Condition={
            "ForAllValues:StringLike": {"aws:TagKeys": ["team", "stage-*"]},
            "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"},
            "NumericLessThanEquals": {"s3:max-keys": 10},
            "Bool": {"aws:MultiFactorAuthPresent": True},
            "Null": {"aws:TokenIssueTime": "true"},
            "IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]},
        },
    ),
    "a long list": statement([f"s3:Get{n}" for n in range(200)], [f"arn:aws:s3:::bucket-{n}/*" for n in range(200)]),
    "no Sid, empty Sid": statement("s3:ListAllMyBuckets", "*", Sid=""),
}

# The Cedar policies that AgentCore's developer guide shows, with this stack's names filled in.
_ONE_TOOL = f'action == AgentCore::Action::"math___add", resource == AgentCore::Gateway::"{GATEWAY}"'
CEDAR = {
    "a role and tools": making.permit("math___add math___greeting"),
    "a role and a target": f'permit(principal == AgentCore::IamEntity::"{making.ENTITY}", '
    f'action in AgentCore::Action::"math", resource == AgentCore::Gateway::"{GATEWAY}");',
    "a bounded argument": making.permit("math___add").replace(
        ";", " when { context.input has a && context.input.a < 9 };"
    ),
    "a family of roles": f"permit(principal is AgentCore::IamEntity, {_ONE_TOOL}) "
    f'when {{ principal.id like "arn:aws:sts::{ACCOUNT}:assumed-role/orders-*" }};',
    "an account on every gateway": "forbid(principal is AgentCore::IamEntity, action, resource is AgentCore::Gateway) "
    'when { principal.id like "*:444455556666:*" };',
    "everything, switched off": "forbid(principal, action, resource);",
    "a text that looks like a name": making.permit("math").replace(
        ";", ' when { context.input.note like "*AgentCore::Action::\\"x_y\\"*" }; // AgentCore::IamEntity::"me"'
    ),
}

TRUSTS: dict[str, Any] = {
    "lambda": {"Principal": {"Service": "lambda.amazonaws.com"}},
    "several services": {"Principal": {"Service": ["ecs-tasks.amazonaws.com", "ec2.amazonaws.com"]}},
    "account": {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}},
    "any account of the organization": {
        "Principal": {"AWS": "*"},
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}},
    },
    "web identity": {
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"},
        "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/shop:*"}},
    },
    "GitHub deployer": {
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"},
        "Condition": {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": [
                    f"repo:acme/shop:environment:{it}" for it in ("dev", "prod")
                ],
            }
        },
    },
    "a service account of a cluster": {
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {
            "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.{R}.amazonaws.com/id/0123456789ABCDEF"
        },
        "Condition": {
            "StringEquals": {f"oidc.eks.{R}.amazonaws.com/id/0123456789ABCDEF:sub": "system:serviceaccount:a:b"}
        },
    },
    "an identity pool's users": {
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Condition": {
            "StringEquals": {"cognito-identity.amazonaws.com:aud": f"{R}:12345678-dead-beef-cafe-123456790abc"},
            "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
        },
    },
    "people by SAML": {
        "Action": "sts:AssumeRoleWithSAML",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/corp"},
        "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
    },
    "a central account": {"Principal": {"AWS": "arn:aws:iam::444455556666:root"}},
    "a partner with an external id": {
        "Principal": {"AWS": "444455556666"},
        "Condition": {"StringEquals": {"sts:ExternalId": "acme-7"}},
    },
    "break glass": {
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    },
    "roles of the account by name": {
        "Principal": {"AWS": "*"},
        "Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/*"}},
    },
    "bedrock agents": {"Principal": {"Service": "bedrock.amazonaws.com"}},
    "the service-linked network role's service": {"Principal": {"Service": "network.bedrock-agentcore.amazonaws.com"}},
}

RESOURCES = [
    Registration("aws:s3/bucketPolicy:BucketPolicy", "public", {"policy": making.document(statement("*", "*"))}),
    Registration("aws:iam/user:User", "u", {"permissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    Registration("aws:iam/role:Role", "r", {"assumeRolePolicy": UNKNOWN, "managedPolicyArns": UNKNOWN}),
    Registration(
        "aws:iam/role:Role", "r", {"assumeRolePolicy": making.trust("a.amazonaws.com"), "inlinePolicies": [{}]}
    ),
    Registration("aws:iam/rolePolicy:RolePolicy", "p", {"role": UNKNOWN, "policy": UNKNOWN}),
    Registration("aws:iam/policy:Policy", "p", {"policy": "  \n" + json.dumps({"Statement": statement("s3:*", "*")})}),
    Registration("aws:iam/policy:Policy", "empty", {"policy": json.dumps({"Statement": []})}),
    Registration("aws:organizations/policy:Policy", "scp", {"content": making.document(statement("*", "*"))}),
    Registration("aws:lambda/permission:Permission", "events", {"principal": "events.amazonaws.com"}),
    Registration("aws:lambda/functionUrl:FunctionUrl", "hook", {"functionName": "hook", "authorizationType": "NONE"}),
    Registration(
        "aws:lambda/permission:Permission",
        "hook",
        {"function": "hook", "principal": "*", "action": "lambda:InvokeFunctionUrl", "functionUrlAuthType": "NONE"},
    ),
    Registration("aws:lambda/permission:Permission", "s3", {"principal": "s3.amazonaws.com", "function": "thumbnails"}),
    Registration("aws:lambda/function:Function", "f", {"name": "f", "environment": {"variables": {"A": UNKNOWN}}}),
    Registration("kubernetes:core/v1:ConfigMap", "c", {"data": {"policy": "not JSON"}}),
    Registration("acme:index:Thing", "t", {"policy": "{", "authorizerType": "NONE"}),
]


# A user pool that users have, too, beside agents that do and do not use tokens.
WEB = {
    "name": "web",
    "userPoolId": making_tokens.POOL_ID,
    "allowedOauthFlows": ["code"],
    "allowedOauthScopes": ["openid", "email"],
    "allowedOauthFlowsUserPoolClient": True,
    "callbackUrls": ["https://shop.example.com/"],
    "accessTokenValidity": 12,
}


def test_users_of_a_pool_and_a_client_for_them(pack: Pack) -> None:
    """A website's sign-in, in a stack whose gateway asks IAM and in one whose gateway takes machines' tokens."""
    web = Registration(making_tokens.CLIENT, "web", WEB, {"id": "web1234567890"})
    open_pool = making_tokens.pool(adminCreateUserConfig=None)
    function = {"name": "shop-site", "environment": {"variables": {"SESSION_SECRET": "from the console"}}}
    site = Registration("aws:lambda/function:Function", "site", function, {"arn": f"{FUNCTION}-site"})
    assert [it.rule for it in pack.run([open_pool, web, site, making.gateway()])] == ["logs-delivered"]
    assert making_tokens.judged(pack, [*making_tokens.stack().values(), web, site]) == set()


@pytest.mark.parametrize("name", FOR_AGENTCORE)
def test_statements_of_agentcore_roles_where_tokens_are_used(pack: Pack, name: str) -> None:
    made = making_tokens.stack()
    of = "gateway" if name == "gateway invokes" else "agent"
    policy = making.role_policy(making.document(FOR_AGENTCORE[name]), of=of, name="more")
    by_signature = Registration(making.gateway().type, "signed", making.gateway().inputs)
    found = making_tokens.judged(pack, [*made.values(), by_signature, policy])
    # An agent that calls a gateway of IAM as well is in order; this ARN is of the one that takes tokens.
    assert found <= {("grant-has-effect", "more")}


@pytest.mark.parametrize("entry", FOR_AGENTCORE.values(), ids=FOR_AGENTCORE.keys())
def test_statements_of_agentcore_roles(pack: Pack, entry: Any) -> None:
    own = making.gateway()
    resources = [making.role(), making.role_policy(making.document(entry)), own]
    assert [found for found in pack.run(resources) if found.rule != "logs-delivered"] == []


@pytest.mark.parametrize("entries", FOR_AGENTS_AND_TOOLS.values(), ids=FOR_AGENTS_AND_TOOLS.keys())
def test_statements_of_agents_and_tools(pack: Pack, entries: list[dict[str, Any]]) -> None:
    agent, tool = making.role(), making.role("math", "lambda.amazonaws.com")
    runtime = Registration(
        "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "assistant", {"roleArn": agent.outputs["arn"]}
    )
    inputs = {"name": "shop-math", "role": tool.outputs["arn"]}
    function = Registration("aws:lambda/function:Function", "math", inputs, {"arn": FUNCTION})
    policies = [making.role_policy(making.document(*entries), of=of, name=of) for of in ("agent", "math")]
    stack = [agent, tool, *policies, function, making.gateway(), making.target(), runtime]
    assert [found for found in pack.run(stack) if found.rule != "logs-delivered"] == []


@pytest.mark.parametrize("entry", FOR_OTHERS.values(), ids=FOR_OTHERS.keys())
def test_statements_of_other_roles(pack: Pack, entry: Any) -> None:
    inline = [{"name": "x", "policy": making.document(entry)}]
    role = making.role(trusted="ec2.amazonaws.com", inlinePolicies=inline)
    policy = Registration("aws:iam/policy:Policy", "p", {"name": "p", "policy": {"Statement": entry}})
    assert pack.run([role, making.role_policy(making.document(entry)), policy]) == []


@pytest.mark.parametrize("statement", CEDAR.values(), ids=CEDAR.keys())
def test_cedar_policies(pack: Pack, statement: str) -> None:
    own = making.gateway(policyEngineConfiguration={"arn": making.ENGINE, "mode": "ENFORCE"})
    resources = [making.engine(), own, making.target(), making.cedar(statement)]
    assert [found for found in pack.run(resources) if found.rule != "logs-delivered"] == []


@pytest.mark.parametrize("entry", TRUSTS.values(), ids=TRUSTS.keys())
def test_trust_policies(pack: Pack, entry: dict[str, Any]) -> None:
    trust = making.document({"Effect": "Allow", "Action": "sts:AssumeRole", **entry})
    wide = making.role_policy(making.document(statement(["lambda:*", "bedrock:*"], "*")))
    assert pack.run([making.role(assumeRolePolicy=trust), wide]) == []


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.type)
def test_other_resources(pack: Pack, resource: Registration) -> None:
    assert pack.run([resource]) == []

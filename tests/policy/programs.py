"""Programs of different style, each with things that have to be found beside things that must not be.

`EXPECTED` says what: per program the rules and resources that violate, in a first preview as in an update.
"""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws

from tests.policy.making import ACCOUNT, AGENTCORE, ENTITY, MODEL, PINNED, document, permit, statement, trust


def _function(name: str, opts: pulumi.ResourceOptions | None = None) -> aws.lambda_.Function:
    role = aws.iam.Role(f"{name}-function", assume_role_policy=trust("lambda.amazonaws.com"), opts=opts)
    code = pulumi.AssetArchive({"index.py": pulumi.StringAsset("def handler(event, context): ...")})
    return aws.lambda_.Function(
        name, name=f"shop-{name}", role=role.arn, runtime="python3.13", handler="index.handler", code=code, opts=opts
    )


def _target(
    name: str,
    gateway: aws.bedrock.AgentcoreGateway,
    function: aws.lambda_.Function,
    opts: pulumi.ResourceOptions | None = None,
) -> None:
    tool = {"name": "add", "description": "Adds.", "inputSchema": {"type": "object"}}
    aws.bedrock.AgentcoreGatewayTarget(
        name,
        name=name,
        gateway_identifier=gateway.gateway_id,
        credential_provider_configuration={"gateway_iam_role": {}},
        target_configuration={
            "mcp": {"lambda_": {"lambda_arn": function.arn, "tool_schema": {"inline_payloads": [tool]}}}
        },
        opts=opts,
    )


def _runtime(name: str, role: aws.iam.Role) -> aws.bedrock.AgentcoreAgentRuntime:
    return aws.bedrock.AgentcoreAgentRuntime(
        name,
        agent_runtime_name=f"shop_{name}",
        role_arn=role.arn,
        network_configuration={"network_mode": "PUBLIC"},
        agent_runtime_artifact={
            "container_configuration": {"container_uri": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/agent:1"}
        },
    )


def url_before_target() -> None:
    """A public URL of a function that becomes a tool's after it."""
    function = _function("orders")
    url = aws.lambda_.FunctionUrl("orders-url", function_name=function.name, authorization_type="NONE")
    role = aws.iam.Role("gateway", assume_role_policy=trust(AGENTCORE, condition=PINNED))
    gateway = aws.bedrock.AgentcoreGateway("tools", name="shop-tools", authorizer_type="AWS_IAM", role_arn=role.arn)
    _target("orders-target", gateway, function, opts=pulumi.ResourceOptions(depends_on=[url]))


def flat() -> None:
    """Everything at the top level, documents by json_dumps over outputs, and four mistakes."""
    function = _function("orders")
    gateway_role = aws.iam.Role("gateway", assume_role_policy=trust(AGENTCORE, condition=PINNED))
    invoke = {"Statement": [statement("lambda:InvokeFunction", function.arn)]}
    aws.iam.RolePolicy("gateway", role=gateway_role.id, policy=pulumi.Output.json_dumps(invoke))
    gateway = aws.bedrock.AgentcoreGateway(
        "tools", name="shop-tools", authorizer_type="AWS_IAM", role_arn=gateway_role.arn
    )
    _target("orders", gateway, function)
    aws.bedrock.AgentcoreGateway(
        "open", name="shop-open", authorizer_type="AUTHENTICATE_ONLY", role_arn=gateway_role.arn
    )

    careless = aws.iam.Role("careless", assume_role_policy=trust(AGENTCORE))
    aws.iam.RolePolicy("careless-model", role=careless.id, policy=document(statement("bedrock:InvokeModel", "*")))
    aws.iam.RolePolicy("careless-tools", role=careless.id, policy=document(statement("lambda:*", "*")))
    _runtime("careless", careless)

    careful = aws.iam.Role("careful", assume_role_policy=trust(AGENTCORE, condition=PINNED))
    grant = {
        "Statement": [
            statement("bedrock-agentcore:InvokeGateway", gateway.gateway_arn),
            statement("bedrock:InvokeModel", MODEL),
        ]
    }
    aws.iam.RolePolicy("careful", role=careful.id, policy=pulumi.Output.json_dumps(grant))
    _runtime("careful", careful)


class Shop(pulumi.ComponentResource):
    """Somebody else's component, with names of its own."""

    def __init__(self, name: str, wide: bool) -> None:
        super().__init__("acme:shop:Shop", name, {"wide": wide})
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(f"{name}-role", assume_role_policy=trust(AGENTCORE, condition=PINNED), opts=child)
        gateway = aws.bedrock.AgentcoreGateway(
            f"{name}-gateway", name=name, authorizer_type="AWS_IAM", role_arn=role.arn, opts=child
        )
        user = aws.iam.User(f"{name}-user", opts=child)
        arn: Any = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/{name}-*" if wide else gateway.gateway_arn
        grant = {"Statement": {"Effect": "Allow", "Action": ["bedrock-agentcore:invokegateway"], "Resource": [arn]}}
        aws.iam.UserPolicy(f"{name}-user", user=user.name, policy=pulumi.Output.json_dumps(grant), opts=child)
        self.register_outputs({"gateway_arn": gateway.gateway_arn})


def components() -> None:
    """The same component twice, one of them with a pattern instead of an ARN."""
    Shop("narrow", wide=False)
    Shop("wide", wide=True)


def inline() -> None:
    """Inline policies, customer managed policies and attachments."""
    reading = document(statement("s3:GetObject", "arn:aws:s3:::shop/*"))
    aws.iam.Role(
        "worker",
        assume_role_policy=trust("ec2.amazonaws.com"),
        inline_policies=[{"name": "read", "policy": reading}],
        managed_policy_arns=["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
    )
    agent = aws.iam.Role(
        "agent",
        assume_role_policy=trust(AGENTCORE, condition=PINNED),
        inline_policies=[
            {"name": "read", "policy": reading},
            {
                "name": "model",
                "policy": document(statement("bedrock:Invoke*", "arn:aws:bedrock:*::foundation-model/*")),
            },
        ],
    )
    aws.iam.RolePolicyAttachment("admin", role=agent.name, policy_arn="arn:aws:iam::aws:policy/PowerUserAccess")
    group = aws.iam.Group("people")
    everything = aws.iam.Policy("everything", policy=document(statement("bedrock-agentcore:*", "*")))
    aws.iam.GroupPolicyAttachment("people", group=group.name, policy_arn=everything.arn)
    functions = aws.iam.Policy("functions", policy=document(statement("lambda:InvokeFunction", "*")))
    aws.iam.RolePolicyAttachment("functions", role=agent.name, policy_arn=functions.arn)


class ToolGateway(pulumi.ComponentResource):
    """toolgate's component, with the mistake that a tool gateway has no engine."""

    def __init__(self, name: str, role: aws.iam.Role) -> None:
        super().__init__("toolgate:index:ToolGateway", name, {"authorization": "tool"})
        child = pulumi.ResourceOptions(parent=self)
        aws.bedrock.AgentcoreGateway(
            f"{name}-gateway", name=name, authorizer_type="AWS_IAM", role_arn=role.arn, opts=child
        )
        self.register_outputs({})


def _permit(name: str, engine: aws.bedrock.AgentcorePolicyEngine, statement: pulumi.Input[str]) -> None:
    aws.bedrock.AgentcorePolicy(
        name, name=name, policy_engine_id=engine.policy_engine_id, definition={"cedar": {"statement": statement}}
    )


def _any_gateway(principal: str, action: str) -> str:
    scope = f'principal == AgentCore::IamEntity::"{principal}", action == AgentCore::Action::"{action}"'
    return f"permit({scope}, resource is AgentCore::Gateway);"


def by_tool() -> None:
    """Tools granted by Cedar: one grant in order, and each mistake once."""
    role = aws.iam.Role("gateway", assume_role_policy=trust(AGENTCORE, condition=PINNED))
    engine = aws.bedrock.AgentcorePolicyEngine("engine", name="shop_tools")
    gateway = aws.bedrock.AgentcoreGateway(
        "tools",
        name="shop-tools",
        authorizer_type="AWS_IAM",
        role_arn=role.arn,
        policy_engine_configuration={"arn": engine.policy_engine_arn, "mode": "ENFORCE"},
    )
    function = _function("math")
    invoke = {"Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function.arn}]}
    aws.iam.RolePolicy("gateway", role=role.id, policy=pulumi.Output.json_dumps(invoke))
    _target("math", gateway, function)
    _permit("good", engine, gateway.gateway_arn.apply(lambda arn: permit("math___add math", ENTITY, arn)))
    _permit("entity", engine, _any_gateway(f"arn:aws:iam::{ACCOUNT}:role/agent", "math___add"))
    _permit("underscores", engine, _any_gateway(ENTITY, "math__add"))
    _permit("absent", engine, _any_gateway(ENTITY, "math___subtract"))
    ToolGateway("bare", role)
    loose = aws.bedrock.AgentcorePolicyEngine("loose", name="shop_loose")
    _permit("stray", loose, _any_gateway(ENTITY, "CallTool"))


def elsewhere() -> None:
    """No AgentCore at all: queues, topics, buckets, functions, and ordinary roles."""
    bucket = aws.s3.Bucket("files")
    queue = aws.sqs.Queue("jobs")
    topic = aws.sns.Topic("news")
    function = _function("worker")
    role = aws.iam.Role("worker", assume_role_policy=json.dumps({"Statement": [
        {"Effect": "Allow", "Principal": {"Service": ["ecs-tasks.amazonaws.com"]}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": ["sts:AssumeRole"]},
    ]}))  # fmt: skip
    allowed = {
        "Statement": [
            statement(["s3:GetObject", "s3:List*"], [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")]),
            statement("sqs:*", queue.arn),
            statement(["logs:CreateLogGroup", "xray:Put*", "ecr:GetAuthorizationToken"], "*"),
            statement("lambda:InvokeFunction", "*"),
        ]
    }
    aws.iam.RolePolicy("worker", role=role.name, policy=pulumi.Output.json_dumps(allowed))
    aws.lambda_.Permission(
        "news",
        action="lambda:InvokeFunction",
        function=function.name,
        principal="sns.amazonaws.com",
        source_arn=topic.arn,
    )


EXPECTED: dict[Callable[[], None], set[tuple[str, str]]] = {
    flat: {
        ("gateway-authorizer-iam", "open"),
        ("service-trust-pinned", "careless"),
        ("model-access-named", "careless-model"),
        ("gateway-role-exact-lambda", "careless-tools"),
        ("agent-cannot-bypass-gateway", "careless-tools"),
    },
    components: {("invoke-gateway-exact-arn", "wide-user")},
    inline: {
        ("model-access-named", "agent"),
        ("model-access-named", "admin"),
        ("gateway-role-exact-lambda", "admin"),
        ("gateway-role-exact-lambda", "functions"),
        ("invoke-gateway-exact-arn", "admin"),
        ("invoke-gateway-exact-arn", "everything"),
    },
    by_tool: {
        ("cedar-names-exist", "entity"),
        ("cedar-names-exist", "underscores"),
        ("cedar-names-exist", "absent"),
        ("policy-engine-attached", "bare-gateway"),
        ("policy-engine-attached", "loose"),
    },
    elsewhere: set(),
}

# What is seen only with the whole stack in view.
AT_THE_END = {
    ("agent-cannot-bypass-gateway", "careless-tools"),
    ("cedar-names-exist", "absent"),
    ("policy-engine-attached", "loose"),
}

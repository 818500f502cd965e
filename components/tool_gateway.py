"""ToolGateway: an AgentCore gateway that authorizes callers by IAM, with its targets."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import arguments, documents, grants, names, place, propagation, tool_forms
from components.grants import Authorization
from components.tool_schema import ToolSchema

# A gateway made without versions spoke only the oldest (facts on `supported_versions`); they cannot be widened later.
PROTOCOL_VERSIONS = ["2025-03-26", "2025-06-18", "2025-11-25"]
# botocore bedrock-agentcore-control GatewayDescription
LONGEST_DESCRIPTION = 200
# AgentCore quotas, "Gateway": concurrent target operations on one gateway.
CONCURRENT_TARGETS = 5


class GatewayTarget(TypedDict):
    """A Lambda function behind the gateway, and the tools it serves."""

    function_arn: pulumi.Input[str]
    """ARN of the function."""
    tools: list[ToolSchema]
    """The tools it serves."""


class GatewayTools(TypedDict):
    """Tools of one gateway, handed to an agent: the grant."""

    gateway_arn: pulumi.Input[str]
    """ARN of the gateway."""
    gateway_url: pulumi.Input[str]
    """The gateway's MCP endpoint."""
    tools: list[str]
    """Full names of the tools."""


class ToolGatewayArgs(TypedDict):
    """A gateway and its targets."""

    targets: dict[str, GatewayTarget]
    """Targets by name; the name is the first part of its tools' full names."""
    authorization: NotRequired[Authorization]
    """What a caller with access may call. Default GATEWAY."""
    description: NotRequired[pulumi.Input[str]]
    """What the gateway is for; 1 to 200 characters."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags for the role and the gateway."""


class ToolGateway(pulumi.ComponentResource):
    """An AgentCore gateway that authorizes callers by IAM, with Lambda targets."""

    gateway_arn: pulumi.Output[str]
    """ARN of the gateway."""
    gateway_url: pulumi.Output[str]
    """The gateway's MCP endpoint; known once every target is there."""

    def __init__(self, name: str, args: ToolGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        where = f"ToolGateway {name!r}"
        arguments.check(args, ToolGatewayArgs, where)
        arguments.within(args.get("description"), 1, LONGEST_DESCRIPTION, f"{where}.description")
        gateway_name = names.gateway(pulumi.get_project(), pulumi.get_stack(), name)
        authorization = Authorization(args.get("authorization", Authorization.GATEWAY))
        self._authorization = grants.supported(authorization, where)
        self._where = where
        self._available = {target: [tool["name"] for tool in it["tools"]] for target, it in args["targets"].items()}
        self._every = grants.full_names(self._available, where)
        # Rules read these; a plain value says more than an enum.
        super().__init__("toolgate:index:ToolGateway", name, {**args, "authorization": authorization.value}, opts)
        hooks = propagation.retry(self, name)
        role, policy = self._role(name, gateway_name, args)
        gateway = aws.bedrock.AgentcoreGateway(
            f"{name}-gateway",
            name=gateway_name,
            description=args.get("description"),
            authorizer_type="AWS_IAM",
            protocol_type="MCP",
            protocol_configuration={"mcp": {"search_type": "SEMANTIC", "supported_versions": PROTOCOL_VERSIONS}},
            role_arn=role.arn,
            tags=args.get("tags"),
            # A replacement cannot be made while the old one holds the name.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy], delete_before_replace=True, hooks=hooks),
        )
        targets = self._targets(name, args["targets"], gateway, policy, hooks)
        self.gateway_arn = gateway.gateway_arn
        # Who uses the URL waits for the tools.
        waits = pulumi.Output.all(gateway.gateway_url, *[target.target_id for target in targets])
        self.gateway_url = waits.apply(lambda values: str(values[0]))
        self.register_outputs({"gateway_arn": self.gateway_arn, "gateway_url": self.gateway_url})

    def tools(self, *asked: str) -> GatewayTools:
        """Tools of this gateway, as an AgentRuntime takes them: handing them over is the grant.

        Args:
            asked: Target names (all their tools) and full tool names; none means every tool.

        Raises:
            UsageError: A name is neither, or less than every tool is asked for and the gateway cannot enforce that.
        """
        chosen = grants.resolve(self._available, asked or self._every, self._authorization, self._where)
        return {"gateway_arn": self.gateway_arn, "gateway_url": self.gateway_url, "tools": chosen}

    def _role(self, name: str, gateway_name: str, args: ToolGatewayArgs) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        child = pulumi.ResourceOptions(parent=self)
        trust = documents.gateway_trust(place.current(self), gateway_name)
        role = aws.iam.Role(
            f"{name}-role", assume_role_policy=pulumi.Output.json_dumps(trust), tags=args.get("tags"), opts=child
        )
        invoke = documents.invoke_functions([target["function_arn"] for target in args["targets"].values()])
        policy = aws.iam.RolePolicy(
            f"{name}-invoke", role=role.name, policy=pulumi.Output.json_dumps(invoke), opts=child
        )
        return role, policy

    def _targets(
        self,
        name: str,
        targets: Mapping[str, GatewayTarget],
        gateway: aws.bedrock.AgentcoreGateway,
        policy: aws.iam.RolePolicy,
        hooks: pulumi.ResourceHookBinding,
    ) -> list[aws.bedrock.AgentcoreGatewayTarget]:
        made: list[aws.bedrock.AgentcoreGatewayTarget] = []
        for target_name, target in targets.items():
            payloads = [tool_forms.inline_payload(tool) for tool in target["tools"]]
            function = {"lambda_arn": target["function_arn"], "tool_schema": {"inline_payloads": payloads}}
            resource = aws.bedrock.AgentcoreGatewayTarget(
                f"{name}-{target_name}",
                name=target_name,
                gateway_identifier=gateway.gateway_id,
                credential_provider_configuration={"gateway_iam_role": {}},
                target_configuration={"mcp": {"lambda_": function}},
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=[policy, *_before(made)], delete_before_replace=True, hooks=hooks
                ),
            )
            made.append(resource)
        return made


def _before[T](made: list[T]) -> list[T]:
    """What the next target waits for: the one as many places before it as may be under way at once."""
    return [made[-CONCURRENT_TARGETS]] if len(made) >= CONCURRENT_TARGETS else []

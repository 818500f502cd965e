"""ToolGateway: an AgentCore gateway that authorizes callers by IAM or by token, with its targets."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, identifiers, names, tags
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_permits, inbound, tool_grants
from toolgate.components.grants.cedar_schema import Tools
from toolgate.components.grants.inbound import Inbound
from toolgate.components.grants.tool_grants import Authorization, Available, GatewayTools
from toolgate.components.iam import component_role, iam_documents, iam_propagation
from toolgate.components.interceptors import gateway_interceptors, interceptor_function
from toolgate.components.interceptors.gateway_interceptors import GatewayInterceptors, OfGateway
from toolgate.components.interceptors.interceptor_function import GatewayInterceptor
from toolgate.components.interceptors.interceptor_function import Wanted as InterceptorWanted
from toolgate.components.observability import monitoring
from toolgate.components.observability.alarms import Alarms
from toolgate.components.observability.log_delivery import LogDelivery
from toolgate.components.observability.metrics import Monitored
from toolgate.components.targets import credential_providers, gateway_targets, inner_gateway, kinds
from toolgate.components.targets.kind import GatewayRole
from toolgate.components.targets.kinds import GatewayTarget

# A gateway made without versions speaks only 2025-03-26 (seen live: mrwersa/agentmandate), and they cannot be widened
# later (aws/aws-cli#10346).
PROTOCOL_VERSIONS = ["2025-03-26", "2025-06-18", "2025-11-25"]
# What AWS fixes when it makes a gateway, and the provider would send as an update. The search cannot be switched on
# later (AgentCore developer guide, "Create a gateway", note on semantic search), and nobody says that leaving it out
# switches it off: with authorization 'tool' it would go on showing tools that are denied. Versions cannot be widened.
FIXED_AT_CREATION = ["protocolConfiguration.mcp.searchType", "protocolConfiguration.mcp.supportedVersions"]
# botocore bedrock-agentcore-control GatewayDescription
LONGEST_DESCRIPTION = 200


class ExceptionLevel(enum.Enum):
    """How much callers are told about errors (botocore bedrock-agentcore-control ExceptionLevel)."""

    DEBUG = "DEBUG"
    """What went wrong, in detail. Not for callers that must not know what is behind the gateway."""


class ToolGatewayArgs(TypedDict):
    """A gateway and its targets."""

    targets: dict[str, GatewayTarget]
    """Targets by name; the name is the first part of its tools' full names."""
    authorization: NotRequired[Authorization]
    """What a caller with access may call. Default GATEWAY."""
    inbound: NotRequired[Inbound]
    """Whose tokens it takes: in Python the `inbound` of a TokenIssuer, or a foreign issuer written out. Default: it
    takes requests that an IAM role signs."""
    interceptors: NotRequired[GatewayInterceptors]
    """Functions that it asks about each request and each answer. Default: none."""
    search: NotRequired[bool]
    """Whether it has the tool search, which shows whoever asks the tools that fit a text. True with authorization TOOL
    takes a response interceptor that filters them by caller. Default: true with GATEWAY, false with TOOL."""
    shown_tools: NotRequired[list[str]]
    """For interceptors that ask for the caller where callers sign their requests, and cannot be told apart: targets and
    full tool names that every caller may call. Default: with authorization GATEWAY every tool."""
    description: NotRequired[pulumi.Input[str]]
    """What the gateway is for; 1 to 200 characters."""
    exception_level: NotRequired[ExceptionLevel]
    """How much callers are told about errors. Default: a general message."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that encrypts the gateway, its engine and its delivered logs. Default: a key of AWS's own."""
    role_arn: NotRequired[pulumi.Input[str]]
    """ARN of an existing role for the gateway, instead of one of its own. It must let AgentCore assume it; what the
    gateway may do is written into it, and whatever else it may do is its owner's affair. No agent may have it."""
    permissions_boundary: NotRequired[pulumi.Input[str]]
    """ARN of the managed policy that is the boundary of the role that is made for it. Default: none."""
    logs: NotRequired[LogDelivery]
    """Delivery of its application logs, which may hold the tools' arguments and results. Default: none."""
    traces: NotRequired[bool]
    """Whether its spans go to X-Ray; takes CloudWatch Transaction Search. Default: false."""
    alarms: NotRequired[Alarms]
    """Alarms on its errors and throttling. Default: none."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags for whatever is made for it that takes tags."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked.

    Attributes:
        where: The component, for messages.
        name: The gateway's name in AWS.
        authorization: What a caller with access may call.
        engine_name: The policy engine's name in AWS, if there is one.
        exception_level: In AWS's word, if it is not the default.
        tools: The tools of each target; an Output where a program in another language gave them as one.
        interceptors: The functions that it asks.
        searches: Whether it has the tool search.
        table: Where its interceptors read who a caller is, if one asks and callers have tokens.
        inputs: The component's inputs. Rules read them, and a plain value says more than an enum.
    """

    where: str
    name: str
    authorization: Authorization
    engine_name: str | None
    exception_level: str | None
    tools: Tools | pulumi.Output[Tools]
    interceptors: Sequence[InterceptorWanted]
    searches: bool
    table: str | None
    inputs: dict[str, Any]


class ToolGateway(pulumi.ComponentResource):
    """An AgentCore gateway that authorizes callers by IAM or by token, with its targets."""

    gateway_arn: pulumi.Output[str]
    """ARN of the gateway."""
    gateway_url: pulumi.Output[str]
    """The gateway's MCP endpoint; known once every target is there."""
    tool_names: pulumi.Output[list[str]]
    """Full names of its tools."""
    policy_engine_id: pulumi.Output[str] | None
    """Id of its policy engine, with authorization 'tool'; known once every target is there."""
    scope: pulumi.Output[str] | None
    """The scope that its callers' tokens need, where its issuer is the stack's own."""
    callers: pulumi.Output[str] | None
    """Where its interceptors read who a caller is, if one asks for that: the beginning of an SSM parameter's name."""

    def __init__(self, name: str, args: ToolGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._wanted = wanted = _checked(name, args, opts)
        super().__init__("toolgate:index:ToolGateway", name, wanted.inputs, opts)
        here = iam_documents.current_environment(self)
        hooks = iam_propagation.retry(self, name, here)
        engine = self._engine(name, args, hooks)
        interceptors = interceptor_function.make(self, wanted.interceptors)
        its_targets = credential_providers.make(self, name, wanted.name, args["targets"], args.get("tags"))
        args = {**args, "targets": its_targets}
        role, policies = self._role(name, args, here, engine, interceptors)
        self.scope = self._scope(name, args.get("inbound"))
        gateway = aws.bedrock.AgentcoreGateway(
            f"{name}-gateway",
            name=wanted.name,
            description=args.get("description"),
            authorizer_type="CUSTOM_JWT" if "inbound" in args else "AWS_IAM",
            authorizer_configuration=inbound.authorizer(args["inbound"], self.scope) if "inbound" in args else None,
            protocol_type="MCP",
            protocol_configuration={"mcp": _protocol(searches=wanted.searches)},
            interceptor_configurations=interceptor_function.configurations(wanted.interceptors, interceptors),
            policy_engine_configuration=_enforced(engine),
            exception_level=wanted.exception_level,
            kms_key_arn=args.get("kms_key_arn"),
            role_arn=role.arn,
            tags=args.get("tags"),
            # A replacement cannot be made while the old one holds the name.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=policies,
                delete_before_replace=True,
                replace_on_changes=FIXED_AT_CREATION,
                hooks=hooks,
            ),
        )
        observed = Monitored("gateway", wanted.name, gateway.gateway_arn, args.get("tags"), args.get("kms_key_arn"))
        monitoring.watch(self, name, observed, args)
        self._inbound = args.get("inbound")
        ready = component_role.replaceable(self).merge(pulumi.ResourceOptions(depends_on=policies, hooks=hooks))
        at = gateway_targets.At(gateway, GatewayRole(role.arn, wanted.name, here), ready)
        targets = gateway_targets.make(name, args["targets"], wanted.tools, at)
        self.gateway_arn = gateway.gateway_arn
        # Who uses the URL waits for the tools; and a policy cannot come before the tools that it names.
        self.gateway_url = _after(targets, gateway.gateway_url)
        self.callers = None if wanted.table is None else pulumi.Output.from_input(wanted.table)
        self.policy_engine_id = _after(targets, engine.policy_engine_id) if engine else None
        self.tool_names = gateway_targets.as_output(wanted.tools).apply(
            lambda known: gateway_targets.full_names(known, wanted.where)
        )
        self.register_outputs(
            {
                "gateway_arn": self.gateway_arn,
                "gateway_url": self.gateway_url,
                "tool_names": self.tool_names,
                "policy_engine_id": self.policy_engine_id,
                # Of a gateway without one nothing is said: its outputs are what they were before there were any.
                **({} if self.scope is None else {"scope": self.scope}),
                **({} if self.callers is None else {"callers": self.callers}),
            }
        )

    def tools(self, *asked: str, when: str | None = None) -> GatewayTools:
        """Tools of this gateway, as an AgentRuntime takes them: handing them over is the grant.

        Args:
            asked: Target names (all their tools as they are now) and full tool names. None means every tool, also those
                that the gateway's targets get later.
            when: A condition on each call's arguments, in Cedar: what stands between the braces of `when { ... }`, such
                as `context.input.amount < 1000`. Takes authorization 'tool'.

        Raises:
            UsageError: A name is neither, less than every tool is asked for and the gateway cannot enforce that, the
                condition does not fit the tools' arguments, or the gateway's tools were given as an Output.
        """
        where, known = f"{self._wanted.where}.tools", self._wanted.tools
        if isinstance(known, pulumi.Output):
            raise UsageError(f"{where}: the gateway's tools are an Output. Write the grant out, with `tool_names`.")
        available = gateway_targets.available(known)
        authorization = self._wanted.authorization
        chosen = tool_grants.resolve(available, asked or tool_grants.full_names(available, where), authorization, where)
        self._check_shown(chosen, available, where)
        handed: GatewayTools = {"gateway_arn": self.gateway_arn, "gateway_url": self.gateway_url, "tools": chosen}
        if when is not None:
            arguments.check(when, str, f"{where}: when")
            handed["when"] = when
        if self._inbound is not None:
            handed["bearer"] = inbound.bearer(self._inbound, self.scope)
        if self._wanted.table is not None:
            handed["callers"] = self._wanted.table
        if self.policy_engine_id is not None:
            handed["policy_engine_id"] = self.policy_engine_id
        if "policy_engine_id" in handed or "callers" in handed:
            handed["actions"] = chosen if asked else list(available)
        if self.policy_engine_id is None and when is not None:
            raise UsageError(f"{where}: a condition cannot be enforced with authorization 'gateway'. Use 'tool'.")
        cedar_permits.check(handed, chosen, where, known)
        return handed

    def target(self, *asked: str, when: str | None = None) -> GatewayTarget:
        """Tools of this gateway, as another ToolGateway takes them behind a target of its own: that is the grant.

        They are called `<target>___<this gateway's target>___<tool>` there, and the other gateway's role may call them.

        Args:
            asked: As of `tools`.
            when: As of `tools`.

        Raises:
            UsageError: As of `tools`.
        """
        handed = self.tools(*asked, when=when)
        known: Any = self._wanted.tools  # no Output, or the line above had raised
        full: dict[str, Any] = {}
        for target, its_tools in known.items():
            full |= {
                name: {**tool, "name": name} for tool in its_tools for name in [names.full_tool(target, tool["name"])]
            }
        chosen: Any = handed["tools"]
        return {"gateway": handed, "tools": [full[name] for name in chosen]}

    def _check_shown(self, chosen: Sequence[str], available: Available, where: str) -> None:
        """Whoever is handed less than what every caller is said to be handed would be shown what it may not call."""
        shown = self._wanted.inputs.get("shown_tools", [])
        named = tool_grants.resolve(available, shown, Authorization.TOOL, where) if shown else []
        if missing := [tool for tool in named if tool not in chosen]:
            raise UsageError(
                f"{where}: does not hand over {', '.join(missing)}, which 'shown_tools' says every caller may call. "
                "Hand it over as well, or take it out there."
            )

    def _scope(self, name: str, given: Inbound | None) -> pulumi.Output[str] | None:
        """Make the gateway's scope, where its issuer is the stack's own; with it a token opens no other gateway."""
        if given is None or "user_pool_id" not in given:
            return None
        server = aws.cognito.ResourceServer(
            f"{name}-scope",
            identifier=self._wanted.name,
            name=self._wanted.name,
            user_pool_id=given["user_pool_id"],
            scopes=[{"scope_name": inbound.SCOPE, "scope_description": "To call tools of this gateway"}],
            opts=component_role.replaceable(self),
        )
        return pulumi.Output.concat(server.identifier, "/", inbound.SCOPE)

    def _engine(
        self, name: str, args: ToolGatewayArgs, hooks: pulumi.ResourceHookBinding
    ) -> aws.bedrock.AgentcorePolicyEngine | None:
        if self._wanted.engine_name is None:
            return None
        return aws.bedrock.AgentcorePolicyEngine(
            f"{name}-engine",
            name=self._wanted.engine_name,
            encryption_key_arn=args.get("kms_key_arn"),
            tags=args.get("tags"),
            # An engine that a gateway has cannot be deleted: the new one comes first, then the gateway takes it.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False, hooks=hooks),
        )

    def _role(
        self,
        name: str,
        args: ToolGatewayArgs,
        here: iam_documents.AwsEnvironment,
        engine: aws.bedrock.AgentcorePolicyEngine | None,
        interceptors: Sequence[GatewayInterceptor],
    ) -> tuple[component_role.Role, list[aws.iam.RolePolicy]]:
        gateway_name = self._wanted.name
        role = component_role.made_or_given(self, name, iam_documents.gateway_trust(here, gateway_name), args)
        asked = [it.function_arn for it in interceptors]
        invoked = gateway_targets.grants(args["targets"], asked, GatewayRole(role.arn, gateway_name, here))
        written = {"invoke": invoked} if invoked else {}
        if engine:
            written["authorize"] = iam_documents.authorize_tools(here, gateway_name, engine.policy_engine_arn)
        if key_arn := args.get("kms_key_arn"):
            written["encrypt"] = iam_documents.encrypt_gateway(key_arn)
        return role, component_role.write(self, name, role, written)


def _checked(name: str, args: ToolGatewayArgs, opts: pulumi.ResourceOptions | None) -> _Wanted:
    """Derive all that can be wrong, before anything is made but for what interceptors' `settings.py` make.

    Raises:
        UsageError: AWS would refuse a value or a name, or the targets' tools are not ones that agents can be handed.
    """
    where = f"ToolGateway {name!r}"
    arguments.check(gateway_targets.without_tools(args), ToolGatewayArgs, where)
    kinds.check(args["targets"], f"{where}.targets")
    arguments.within(args.get("description"), 1, LONGEST_DESCRIPTION, f"{where}.description")
    monitoring.check(args, where)
    tags.check(args.get("tags"), f"{where}.tags")
    identifiers.check(identifiers.KMS_KEY, args.get("kms_key_arn"), f"{where}.kms_key_arn")
    component_role.check(args, where)
    component_role.check_only_user(args, where)
    if "inbound" in args:
        inbound.check(args["inbound"], f"{where}.inbound")
    level = ExceptionLevel(args["exception_level"]).value if "exception_level" in args else None
    authorization = Authorization(args.get("authorization", Authorization.GATEWAY))
    project, stack = pulumi.get_project(), pulumi.get_stack()
    gateway_name, engine_name = names.gateway(project, stack, name), None
    credential_providers.check(args["targets"], gateway_name)
    inner_gateway.check_names(args["targets"], name)
    if authorization is Authorization.TOOL:
        engine_name = names.policy_engine(project, stack, name, own_key="kms_key_arn" in args)
    claim = inbound.client_claim(inbound.bearer(args["inbound"], None)) if "inbound" in args else None
    of_gateway = OfGateway(gateway_name, authorization, claim, args.get("search"), args.get("shown_tools"))
    read = gateway_interceptors.read(args["interceptors"], f"{where}.interceptors") if "interceptors" in args else []
    gateway_interceptors.check(read, of_gateway, where)

    def checked_tools(known: Tools) -> None:
        gateway_interceptors.check_tools(read, args.get("shown_tools"), gateway_targets.available(known), where)

    tools = gateway_targets.read(args["targets"], where, checked_tools)
    interceptors = interceptor_function.wanted(name, read, of_gateway, args, opts)
    plain = {"authorization": authorization.value, **({"exception_level": level} if level else {})}
    inputs = {**args, "targets": gateway_targets.shown(args["targets"], tools), **plain}
    return _Wanted(
        where,
        gateway_name,
        authorization,
        engine_name,
        level,
        tools,
        interceptors,
        of_gateway.searches,
        gateway_interceptors.table(read, of_gateway),
        inputs,
    )


def _enforced(engine: aws.bedrock.AgentcorePolicyEngine | None) -> dict[str, pulumi.Input[str]] | None:
    return {"arn": engine.policy_engine_arn, "mode": "ENFORCE"} if engine else None


def _protocol(*, searches: bool) -> dict[str, object]:
    protocol: dict[str, object] = {"supported_versions": PROTOCOL_VERSIONS}
    return protocol | {"search_type": "SEMANTIC"} if searches else protocol


def _after(resources: Sequence[pulumi.CustomResource], value: pulumi.Output[str]) -> pulumi.Output[str]:
    """The value, for whose users the resources are there already."""
    return pulumi.Output.all(value, *[it.id for it in resources]).apply(lambda values: str(values[0]))

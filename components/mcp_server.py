"""McpServer: an MCP server in AgentCore Runtime, whose tools are read from the server itself when it is planned."""

import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, identifiers, names, tags
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import component_role, iam_documents, iam_propagation, role_statements
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.observability import monitoring
from toolgate.components.observability.alarms import Alarms
from toolgate.components.observability.log_delivery import LogDelivery
from toolgate.components.observability.metrics import Monitored
from toolgate.components.runtime import agentcore_runtime, artifact, code_bucket, network
from toolgate.components.runtime.agent_bundle import Bundle
from toolgate.components.runtime.agentcore_runtime import (
    DEFAULT_LIFECYCLE,
    LONGEST_DESCRIPTION,
    MOST_VARIABLES,
    Lifecycle,
    PlatformVersion,
    Runtime,
)
from toolgate.components.runtime.network import Network
from toolgate.components.servers import listing, server_bundle, server_folder, server_settings, tool_schemas
from toolgate.components.servers.listing import Listing
from toolgate.components.servers.server_settings import Undecided
from toolgate.components.targets import listed_tools
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.targets.mcp_server import McpServerTarget
from toolgate.components.tools import target_settings
from toolgate.components.tools.listed_schema import ToolSchema

OURS = ("AWS_REGION", "HOST", "PORT")
"""Environment variables that the component writes, or that say where the server is to be found."""
PROTOCOL = "MCP"
"""botocore bedrock-agentcore-control ServerProtocol."""


class McpServerArgs(TypedDict):
    """An MCP server's folder, and what it runs with."""

    directory: str
    """Folder with the server's `server.py`, relative to the program. What its `target.py` says is used where an
    argument does not say otherwise; that, its `tests/` and what is hidden are not shipped."""
    undecided: NotRequired[list[Undecided]]
    """What it serves besides tools and is accepted all the same: with a policy engine each caller of the gateway gets
    prompts and resources, whatever its permits say. Default: none, and a server that has any is refused."""
    description: NotRequired[pulumi.Input[str]]
    """What the server is for."""
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables. Whoever may read the runtime reads them: what is secret goes under `secrets`."""
    statements: NotRequired[list[RoleStatement]]
    """What the server may do, besides writing its log. Never a way to a gateway, an agent, a model or a function.
    Default: nothing."""
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """By environment variable: ARN of a Secrets Manager secret or an SSM parameter that the server may read. The
    variable holds the ARN; in the server `secret("NAME")` of `secret_values` gives the value."""
    platform_version: NotRequired[PlatformVersion]
    """The platform it runs on. Default V1."""
    lifecycle: NotRequired[Lifecycle]
    """How long its sessions live. Default: AWS's, 900 s without a request and 28800 s in any case."""
    network: NotRequired[Network]
    """The VPC that it reaches things through. Default: the internet."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that encrypts its code in S3 and its delivered logs. Default: keys of AWS's own."""
    role_arn: NotRequired[pulumi.Input[str]]
    """ARN of an existing role, instead of one of its own. It must let AgentCore Runtime assume it; what the server may
    do is written into it, and whatever else it may do is its owner's affair. Nothing else may have it."""
    permissions_boundary: NotRequired[pulumi.Input[str]]
    """ARN of the managed policy that is the boundary of the role that is made for it. Default: none."""
    logs: NotRequired[LogDelivery]
    """Delivery of its application logs, which hold requests and answers. Default: none."""
    traces: NotRequired[bool]
    """Whether AgentCore's own spans of it go to X-Ray; takes CloudWatch Transaction Search. Default: false."""
    alarms: NotRequired[Alarms]
    """Alarms on its errors and throttling. Default: none."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags for whatever is made for it that takes tags. Its code in S3 has none where there are more than 10."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked.

    Attributes:
        where: The component, for messages.
        name: The runtime's name in AWS.
        platform: Its platform, in AWS's word.
        lifecycle: How long its sessions live, as the provider takes it.
        bundle: Its zip.
        listing: Its tools as it lists them, as JSON.
        tools: The same as a ToolGateway takes them.
        inputs: The component's inputs. Rules read them, and a plain value says more than an enum.
    """

    where: str
    name: str
    platform: str
    lifecycle: pulumi.Input[list[dict[str, int]]]
    bundle: Bundle
    listing: str
    tools: list[ToolSchema]
    inputs: dict[str, Any]


class McpServer(pulumi.ComponentResource):
    """An MCP server in AgentCore Runtime: its role, its runtime, and its tools for a gateway."""

    runtime_arn: pulumi.Output[str]
    """ARN of the runtime."""
    role_arn: pulumi.Output[str]
    """ARN of its role."""
    endpoint: pulumi.Output[str]
    """The server's URL, for requests that are signed for `bedrock-agentcore`."""
    listing: str
    """Its tools as it lists them, as JSON."""
    tools: list[ToolSchema]
    """The tools it serves."""

    def __init__(self, name: str, args: McpServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args = _with_settings(name, args, opts)
        wanted = _checked(name, args)
        super().__init__("toolgate:index:McpServer", name, wanted.inputs, opts)
        here = iam_documents.current_environment(self)
        code = code_bucket.upload(self, name, wanted.bundle.path, wanted.bundle.digest, args)
        hooked = pulumi.ResourceOptions(parent=self, hooks=iam_propagation.retry(self, name, here))
        role = component_role.made_or_given(self, name, iam_documents.runtime_trust(here, wanted.name), args)
        minimum = iam_documents.runtime_minimum(here, wanted.name, iam_documents.read_code(code.arn))
        written = {"policy": minimum, **agentcore_runtime.decrypt(here, args, code)}
        if statements := args.get("statements"):
            written["statements"] = role_statements.document(statements, "Server")
        if secrets := args.get("secrets"):
            written["secrets"] = iam_documents.read_secrets(list(secrets.values()))
        hosted = Runtime(
            wanted.name,
            role.arn,
            artifact.configuration({"entry_points": [server_folder.SERVE]}, code),
            {"AWS_REGION": here.region, **args.get("environment", {}), **args.get("secrets", {})},
            wanted.lifecycle,
            wanted.platform,
            PROTOCOL,
        )
        ready = pulumi.ResourceOptions(depends_on=component_role.write(self, name, role, written))
        runtime = agentcore_runtime.make(name, hosted, args, hooked.merge(ready))
        self.runtime_arn = runtime.agent_runtime_arn
        self.role_arn = role.arn
        self.endpoint = _endpoint(here, self.runtime_arn)
        self.listing, self.tools = wanted.listing, wanted.tools
        self._undecided = [Undecided(it) for it in wanted.inputs.get("undecided", [])]
        observed = Monitored("runtime", wanted.name, self.runtime_arn, args.get("tags"), args.get("kms_key_arn"))
        monitoring.watch(self, name, observed, args)
        self.register_outputs(
            {
                "runtime_arn": self.runtime_arn,
                "role_arn": self.role_arn,
                "endpoint": self.endpoint,
                "listing": self.listing,
                "tools": self.tools,
            }
        )

    @property
    def target(self) -> GatewayTarget:
        """What a ToolGateway takes as one of its targets; no other gateway can have it as well."""
        server: McpServerTarget = {
            "endpoint": self.endpoint,
            "runtime_arn": self.runtime_arn,
            "listing": self.listing,
        }
        if self._undecided:
            server["undecided"] = self._undecided
        return {"mcp_server": server, "tools": self.tools}


def _endpoint(here: iam_documents.AwsEnvironment, runtime_arn: pulumi.Output[str]) -> pulumi.Output[str]:
    """The URL of a runtime's default endpoint, in which its ARN is one part.

    AgentCore developer guide, "MCP server targets".
    """
    quoted = runtime_arn.apply(lambda arn: urllib.parse.quote(arn, safe=""))
    query = f"qualifier={iam_documents.RUNTIME_ENDPOINT}"
    return pulumi.Output.concat(
        "https://", here.host("bedrock-agentcore"), "/runtimes/", quoted, "/invocations?", query
    )


def _with_settings(name: str, args: McpServerArgs, opts: pulumi.ResourceOptions | None) -> McpServerArgs:
    """The arguments over what the server's own `target.py` says, which makes what the server needs.

    Raises:
        UsageError: An argument is unknown or of another type, or `target.py` is not as it must be.
    """
    arguments.check(args, McpServerArgs, f"McpServer {name!r}")
    read = server_settings.read(Path(args["directory"]))
    return target_settings.overridden(read(target_settings.beside(opts)), args)


def _checked(name: str, args: McpServerArgs) -> _Wanted:
    """Derive all that can be wrong, before anything is made.

    Raises:
        UsageError: AWS would refuse a value or a name, the server cannot be read, or it serves what no policy decides.
    """
    where = f"McpServer {name!r}"
    _check_values(args, where)
    runtime_name = names.runtime(pulumi.get_project(), pulumi.get_stack(), name)
    folder = server_folder.read(Path(args["directory"]))
    read = listing.read(folder)
    undecided = [Undecided(it).value for it in args.get("undecided", [])]
    _check_undecided(read, undecided, where)
    tools = tool_schemas.listed(read.tools, name, str(folder.path / server_folder.SERVER))
    bundle = server_bundle.build(folder)
    given = args.get("lifecycle", DEFAULT_LIFECYCLE)
    life = arguments.derived(given, Lifecycle, f"{where}.lifecycle", lambda it: agentcore_runtime.lifecycle(it, where))
    platform = agentcore_runtime.platform(args)
    inputs = {**args, "platform_version": platform, **({"undecided": undecided} if undecided else {})}
    return _Wanted(
        where,
        runtime_name,
        platform,
        life,
        bundle,
        listed_tools.payload(read.tools),
        tools,
        inputs,
    )


def _check_values(args: McpServerArgs, where: str) -> None:
    """Check what a type cannot say.

    Raises:
        UsageError: A value is out of AWS's bounds, or two of them contradict each other.
    """
    network.check(args.get("network"), f"{where}.network")
    identifiers.check(identifiers.KMS_KEY, args.get("kms_key_arn"), f"{where}.kms_key_arn")
    component_role.check(args, where)
    component_role.check_only_user(args, where)
    arguments.within(args.get("description"), 1, LONGEST_DESCRIPTION, f"{where}.description")
    monitoring.check(args, where)
    role_statements.check_of_agent(args.get("statements", []), f"{where}.statements")
    tags.check(args.get("tags"), f"{where}.tags")
    environment, secrets = args.get("environment", {}), args.get("secrets", {})
    for key, arn in secrets.items():
        identifiers.check(identifiers.SECRET, arn, f"{where}.secrets.{key}")
        if key in environment:
            raise UsageError(f"{where}.environment: {key} is a secret's variable. Remove it, or rename one.")
    agentcore_runtime.check_environment({**environment, **secrets}, OURS, MOST_VARIABLES - len(OURS), where)


def _check_undecided(read: Listing, accepted: list[str], where: str) -> None:
    """Check that what no policy decides was accepted by name.

    With a policy engine prompts and resources are always allowed (AgentCore developer guide, "Use a gateway with
    policy").
    """
    has = {"prompts": read.prompts, "resources": read.resources}
    for kind, its in has.items():
        if its and kind not in accepted:
            raise UsageError(
                f"{where}: serves {kind} ({', '.join(its[:5])}), and no policy decides them: whoever comes to the "
                f"gateway gets them. Make tools of them, or accept it: 'undecided': [{kind!r}]."
            )
        if not its and kind in accepted:
            raise UsageError(f"{where}.undecided: it serves no {kind}. Remove {kind!r}.")

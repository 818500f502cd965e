"""LambdaTools: one Lambda function built from a folder of typed Python functions."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, identifiers, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import tool_grants
from toolgate.components.iam import component_role, iam_documents, iam_propagation
from toolgate.components.observability import log_delivery
from toolgate.components.runtime import wheels
from toolgate.components.tool_gateway import GatewayTarget
from toolgate.components.tools import provider_tool_schema
from toolgate.components.tools.tool_schema import CheckedTool, ToolSchema, read_target

DISPATCHER = "dispatch.py"
SHIPPED_DISPATCHER = Path(__file__).parents[1] / "lambdas" / DISPATCHER
"""Not there where only this folder was installed, as the package for other languages can be."""
_OURS = (DISPATCHER, "tools.json")
TESTS = "tests"
"""Folder beside the tools with their tests, which are not shipped."""


class FunctionLogLevel(enum.Enum):
    """The lowest level of a tool's own log lines that are kept (Lambda API reference, ApplicationLogLevel)."""

    DEBUG = "DEBUG"
    """Everything, also what the libraries that a tool uses say for their developers."""
    INFO = "INFO"
    """What happened."""
    WARN = "WARN"
    """What may be wrong."""
    ERROR = "ERROR"
    """What went wrong."""


class LambdaToolsArgs(TypedDict):
    """A target's function."""

    directory: str
    """Folder with the target's `tools.py`, relative to the program; its `tests/` and what is hidden are left out."""
    description: NotRequired[pulumi.Input[str]]
    """What the function is for. Default: the names of its tools."""
    memory_size: NotRequired[pulumi.Input[int]]
    """Memory in MB. Default 256."""
    timeout: NotRequired[pulumi.Input[int]]
    """Longest run in seconds. Default 30."""
    log_retention_days: NotRequired[pulumi.Input[int]]
    """Days to keep the function's log. Default 30."""
    log_level: NotRequired[FunctionLogLevel]
    """The lowest level of the tools' own log lines that are kept. Default INFO."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that encrypts the log; it must let CloudWatch Logs use it. Default: a key of AWS's own."""
    permissions_boundary: NotRequired[pulumi.Input[str]]
    """ARN of the managed policy that is the boundary of the function's role. Default: none."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags for the role, the log group and the function."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked.

    Attributes:
        name: The function's name in AWS.
        log_level: In AWS's word.
        tools: The tools it serves.
        warnings: What the tools' author should know.
        code: Its zip.
        inputs: The component's inputs. Rules read them, and a plain value says more than an enum.
    """

    name: str
    log_level: str
    tools: list[ToolSchema]
    warnings: list[str]
    code: pulumi.AssetArchive
    inputs: dict[str, Any]


class LambdaTools(pulumi.ComponentResource):
    """A Lambda function whose typed Python functions are tools behind a gateway."""

    function_arn: pulumi.Output[str]
    """ARN of the function."""
    tools: list[ToolSchema]
    """The tools it serves."""

    def __init__(self, name: str, args: LambdaToolsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        wanted = _checked(name, args)
        super().__init__("toolgate:index:LambdaTools", name, wanted.inputs, opts)
        for warning in wanted.warnings:
            pulumi.warn(warning, self)
        role, ready = self._role(name, wanted.name, args)
        function = aws.lambda_.Function(
            f"{name}-function",
            name=wanted.name,
            description=args.get("description", _description(wanted.tools)),
            role=role.arn,
            runtime=wheels.LAMBDA_RUNTIME,
            architectures=["arm64"],
            handler="dispatch.handler",
            code=wanted.code,
            memory_size=args.get("memory_size", 256),
            timeout=args.get("timeout", 30),
            # A level takes JSON (Lambda developer guide, "Log and filter your function logs").
            logging_config={"log_format": "JSON", "application_log_level": wanted.log_level},
            tags=args.get("tags"),
            # The first call may come at once: its log must have somewhere to go.
            opts=pulumi.ResourceOptions(parent=self, depends_on=ready, hooks=iam_propagation.retry(self, name)),
        )
        self.function_arn = function.arn
        self.tools = wanted.tools
        self.register_outputs({"function_arn": self.function_arn, "tools": self.tools})

    @property
    def target(self) -> GatewayTarget:
        """What a ToolGateway takes as one of its targets."""
        return {"function_arn": self.function_arn, "tools": self.tools}

    def _role(self, name: str, function_name: str, args: LambdaToolsArgs) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        """The function's role, and what must be there before the function is: its log and the right to write it."""
        role = component_role.make(self, name, iam_documents.function_trust(), args)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{function_name}",
            retention_in_days=args.get("log_retention_days", log_delivery.DEFAULT_RETENTION_DAYS),
            # The only thing of the function that is encrypted with it: it has no environment variables, and its package
            # is this repository's source code.
            kms_key_id=args.get("kms_key_arn"),
            tags=args.get("tags"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role, [*component_role.write(self, name, role, {"logs": iam_documents.function_logs(logs.arn)}), logs]


def _checked(name: str, args: LambdaToolsArgs) -> _Wanted:
    """Derive all that can be wrong, before anything is made.

    Raises:
        UsageError: AWS would refuse a value or a name, or a tool cannot be expressed.
    """
    where = f"LambdaTools {name!r}"
    arguments.check(args, LambdaToolsArgs, where)
    log_delivery.check_retention(args.get("log_retention_days"), f"{where}.log_retention_days")
    identifiers.check(identifiers.KMS_KEY, args.get("kms_key_arn"), f"{where}.kms_key_arn")
    identifiers.check(identifiers.MANAGED_POLICY, args.get("permissions_boundary"), f"{where}.permissions_boundary")
    level = FunctionLogLevel(args.get("log_level", FunctionLogLevel.INFO)).value
    directory = Path(args["directory"])
    target = read_target(directory / "tools.py")
    tool_grants.full_names({name: [tool["name"] for tool in target.tools]}, where)
    function_name = names.function(pulumi.get_project(), pulumi.get_stack(), name)
    inputs = {**args, "log_level": level}
    return _Wanted(function_name, level, target.tools, target.warnings, _code(directory, target.checked), inputs)


def _code(directory: Path, tools: list[CheckedTool]) -> pulumi.AssetArchive:
    """The function's zip: the folder's files but its tests, the dispatcher, and the schema it checks arguments against.

    Raises:
        UsageError: The folder has a file of a name that is ours, or no dispatcher lies beside it.
    """
    beside = directory.parent / DISPATCHER
    dispatcher = beside if beside.is_file() else SHIPPED_DISPATCHER
    if not dispatcher.is_file():
        raise UsageError(f"{beside}: is missing. The dispatcher lies beside the targets' folders.")
    assets: dict[str, pulumi.Asset | pulumi.Archive] = {}
    for path in sorted(directory.rglob("*")):
        inside = path.relative_to(directory).as_posix()
        parts = inside.split("/")
        if not path.is_file() or any(part == "__pycache__" or part.startswith(".") for part in parts):
            continue
        if len(parts) > 1 and parts[0] == TESTS:
            continue
        if inside in _OURS:
            raise UsageError(f"{path}: that name is taken by the dispatcher. Rename the file.")
        assets[inside] = pulumi.FileAsset(path.as_posix())
    assets[DISPATCHER] = pulumi.FileAsset(dispatcher.as_posix())
    assets["tools.json"] = pulumi.StringAsset(provider_tool_schema.tools_json(tools))
    return pulumi.AssetArchive(assets)


def _description(tools: list[ToolSchema]) -> str:
    """At most 256 characters (Lambda API reference, CreateFunction, Description)."""
    return f"Tools: {', '.join(tool['name'] for tool in tools)}"[:256]

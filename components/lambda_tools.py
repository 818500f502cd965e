"""LambdaTools: one Lambda function built from a folder of typed Python functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import tool_grants
from toolgate.components.iam import role_statements
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.runtime import function_package, python_function
from toolgate.components.runtime.network import Network
from toolgate.components.runtime.python_function import Function, FunctionLogLevel
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.tools import provider_tool_schema, target_folder, target_settings
from toolgate.components.tools.target_folder import TARGET
from toolgate.components.tools.tool_schema import CheckedTool, ToolSchema, read_target

SHIPPED_FROM = Path(__file__).parents[1] / "lambdas"
"""Where what is shipped with every function lies, unless there is a file of that name beside the targets' folders. Not
there where only this folder was installed, as the package for other languages can be."""


class LambdaToolsArgs(TypedDict):
    """A target's function."""

    directory: str
    """Folder with the target's `tools.py`, relative to the program. What its `target.py` says is used where an argument
    does not say otherwise; that, its `tests/` and what is hidden are not shipped."""
    description: NotRequired[pulumi.Input[str]]
    """What the function is for. Default: the names of its tools."""
    memory_size: NotRequired[pulumi.Input[int]]
    """Memory in MB, 128 to 10240. Default 256."""
    timeout: NotRequired[pulumi.Input[int]]
    """Longest run in seconds, 1 to 900. Default 30."""
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables. Whoever may read the function reads them: what is secret goes under `secrets`."""
    statements: NotRequired[list[RoleStatement]]
    """What the tools may do, besides writing their log. Default: nothing."""
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """By environment variable: ARN of a Secrets Manager secret or an SSM parameter that the function may read. The
    variable holds the ARN; in a tool `secret("NAME")` of `secret_values` gives the value."""
    network: NotRequired[Network]
    """The VPC that it reaches things through. Default: the internet."""
    reserved_concurrency: NotRequired[pulumi.Input[int]]
    """So many may run at once, and so many of the account's are kept for it. Default: the account's."""
    role_arn: NotRequired[pulumi.Input[str]]
    """ARN of an existing role, instead of one of its own; it must let the function write its log and read its secrets,
    and have what a network takes."""
    log_retention_days: NotRequired[pulumi.Input[int]]
    """Days to keep the function's log. Default 30."""
    log_level: NotRequired[FunctionLogLevel]
    """The lowest level of the tools' own log lines that are kept. Default INFO."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that encrypts the log; it must let CloudWatch Logs use it. Default: a key of AWS's own."""
    permissions_boundary: NotRequired[pulumi.Input[str]]
    """ARN of the managed policy that is the boundary of the role that is made for it. Default: none."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags for the role, the log group and the function."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked.

    Attributes:
        function: The function.
        tools: The tools it serves.
        warnings: What the tools' author should know.
        inputs: The component's inputs. Rules read them, and a plain value says more than an enum.
    """

    function: Function
    tools: list[ToolSchema]
    warnings: list[str]
    inputs: dict[str, Any]


class LambdaTools(pulumi.ComponentResource):
    """A Lambda function whose typed Python functions are tools behind a gateway."""

    function_arn: pulumi.Output[str]
    """ARN of the function."""
    function_name: pulumi.Output[str]
    """Name of the function."""
    role_arn: pulumi.Output[str]
    """ARN of its role."""
    role_name: pulumi.Output[str]
    """Name of its role."""
    tools: list[ToolSchema]
    """The tools it serves."""

    def __init__(self, name: str, args: LambdaToolsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args = _with_settings(name, args, opts)
        wanted = _checked(name, args)
        super().__init__("toolgate:index:LambdaTools", name, wanted.inputs, opts)
        for warning in wanted.warnings:
            pulumi.warn(warning, self)
        made = python_function.make(self, name, wanted.function, args)
        self.function_arn = made.function.arn
        self.function_name = made.function.name
        self.role_arn = made.role_arn
        self.role_name = made.role_name
        self.tools = wanted.tools
        self.register_outputs(
            {
                "function_arn": self.function_arn,
                "function_name": self.function_name,
                "role_arn": self.role_arn,
                "role_name": self.role_name,
                "tools": self.tools,
            }
        )

    @property
    def target(self) -> GatewayTarget:
        """What a ToolGateway takes as one of its targets."""
        return {"function_arn": self.function_arn, "tools": self.tools}


def _with_settings(name: str, args: LambdaToolsArgs, opts: pulumi.ResourceOptions | None) -> LambdaToolsArgs:
    """The arguments over what the target's own `target.py` says, which makes what the tools need.

    Raises:
        UsageError: An argument is unknown or of another type, or `target.py` is not as it must be.
    """
    arguments.check(args, LambdaToolsArgs, f"LambdaTools {name!r}")
    settings = target_settings.read(Path(args["directory"]))
    return target_settings.overridden(settings(target_settings.beside(opts)), args)


def _checked(name: str, args: LambdaToolsArgs) -> _Wanted:
    """Derive all that can be wrong, before anything is made.

    Raises:
        UsageError: AWS would refuse a value or a name, or a tool cannot be expressed.
    """
    where = f"LambdaTools {name!r}"
    of_function: Any = {key: value for key, value in args.items() if key not in ("directory", "description")}
    python_function.check(of_function, where)
    environment = python_function.environment(of_function, where)
    level = python_function.log_level(of_function)
    directory = Path(args["directory"])
    target = read_target(directory / target_folder.TOOLS)
    tool_grants.full_names({name: [tool["name"] for tool in target.tools]}, where)
    files = _files(directory, target.checked, secrets="secrets" in args)
    statements = args.get("statements")
    function = Function(
        name=names.function(pulumi.get_project(), pulumi.get_stack(), name),
        handler="dispatch.handler",
        description=args.get("description", _description(target.tools)),
        memory_size=args.get("memory_size", 256),
        timeout=args.get("timeout", 30),
        code=function_package.code(name, files, target.packages),
        environment=environment,
        log_level=level,
        documents={"tools": role_statements.document(statements, "Tools")} if statements else {},
    )
    return _Wanted(function, target.tools, target.warnings, {**args, "log_level": level})


def _files(directory: Path, tools: list[CheckedTool], *, secrets: bool) -> Mapping[str, pulumi.Asset]:
    """What the function's zip holds besides packages, by place.

    That is the folder's files but its tests and its settings, what is shipped with them, and the tools' schema.

    Raises:
        UsageError: The folder has a file of a name that is ours or one for another machine, or what is to be shipped
            with it is nowhere.
    """
    files = python_function.own_files(directory, TARGET, [target_folder.SCHEMA])
    for name, needed in ((target_folder.DISPATCHER, True), (target_folder.SECRET_VALUES, secrets)):
        if file := python_function.beside(name, [directory.parent, SHIPPED_FROM]):
            files[name] = file
        elif needed:
            raise UsageError(f"{directory.parent / name}: is missing. It lies beside the targets' folders.")
    files[target_folder.SCHEMA] = pulumi.StringAsset(provider_tool_schema.tools_json(tools))
    return files


def _description(tools: list[ToolSchema]) -> str:
    return f"Tools: {', '.join(tool['name'] for tool in tools)}"[: python_function.LONGEST_DESCRIPTION]

"""LambdaTools: one Lambda function built from a folder of typed Python functions."""

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, identifiers, names, tags
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import tool_grants
from toolgate.components.iam import component_role, iam_documents, iam_propagation, role_statements
from toolgate.components.iam.iam_documents import Document
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.observability import log_delivery
from toolgate.components.runtime import function_package, network, wheels
from toolgate.components.runtime.network import Network
from toolgate.components.tool_gateway import GatewayTarget
from toolgate.components.tools import provider_tool_schema, target_folder, target_settings
from toolgate.components.tools.tool_schema import CheckedTool, ToolSchema, read_target

SHIPPED_FROM = Path(__file__).parents[1] / "lambdas"
"""Where what is shipped with every function lies, unless there is a file of that name beside the targets' folders. Not
there where only this folder was installed, as the package for other languages can be."""
LONGEST_ENVIRONMENT = 4096
"""Bytes of the names and values of all variables (Lambda developer guide, "Lambda quotas")."""
_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
"""botocore lambda EnvironmentVariableName."""
# Lambda developer guide, "Defined runtime environment variables": those that begin otherwise.
_RESERVED = re.compile(r"AWS_(?!LAMBDA_LOG_|XRAY_).*|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR|_.*")


class FunctionLogLevel(enum.Enum):
    """The lowest level of a tool's own log lines that are kept (Lambda API reference, ApplicationLogLevel)."""

    DEBUG = "DEBUG"
    """Everything, also what the libraries that a tool uses say for their developers; but for boto3's, which would say
    credentials."""
    INFO = "INFO"
    """What happened."""
    WARN = "WARN"
    """What may be wrong."""
    ERROR = "ERROR"
    """What went wrong."""


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
        name: The function's name in AWS.
        log_level: In AWS's word.
        tools: The tools it serves.
        warnings: What the tools' author should know.
        code: Its zip.
        environment: Its variables.
        inputs: The component's inputs. Rules read them, and a plain value says more than an enum.
    """

    name: str
    log_level: str
    tools: list[ToolSchema]
    warnings: list[str]
    code: pulumi.Archive
    environment: dict[str, pulumi.Input[str]]
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
        ready = self._role(name, wanted, args)
        settings: dict[str, Any] = {}
        if wanted.environment:
            settings["environment"] = {"variables": wanted.environment}
        if place := args.get("network"):
            settings["vpc_config"] = {"subnet_ids": place["subnets"], "security_group_ids": place["security_groups"]}
        function = aws.lambda_.Function(
            f"{name}-function",
            name=wanted.name,
            description=args.get("description", _description(wanted.tools)),
            role=self.role_arn,
            runtime=wheels.LAMBDA_RUNTIME,
            architectures=["arm64"],
            handler="dispatch.handler",
            code=wanted.code,
            memory_size=args.get("memory_size", 256),
            timeout=args.get("timeout", 30),
            reserved_concurrent_executions=args.get("reserved_concurrency"),
            # A level takes JSON (Lambda developer guide, "Log and filter your function logs").
            logging_config={"log_format": "JSON", "application_log_level": wanted.log_level},
            tags=args.get("tags"),
            # The first call may come at once: its log must have somewhere to go.
            opts=pulumi.ResourceOptions(parent=self, depends_on=ready, hooks=iam_propagation.retry(self, name)),
            **settings,
        )
        self.function_arn = function.arn
        self.function_name = function.name
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

    def _role(self, name: str, wanted: _Wanted, args: LambdaToolsArgs) -> list[pulumi.Resource]:
        """Set the function's role; return what must be there before the function is: its log, and its permissions."""
        given = args.get("role_arn")
        role = None if given is not None else component_role.make(self, name, iam_documents.function_trust(), args)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{wanted.name}",
            retention_in_days=args.get("log_retention_days", log_delivery.DEFAULT_RETENTION_DAYS),
            # The only thing of the function that is encrypted with it: its package is this repository's source code,
            # and its variables are no secrets.
            kms_key_id=args.get("kms_key_arn"),
            tags=args.get("tags"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        if role is None:
            self.role_arn = pulumi.Output.from_input(given).apply(str)
            self.role_name = component_role.name_in(self.role_arn)
            return [logs]
        self.role_arn, self.role_name = role.arn, role.name
        documents = dict(self._documents(wanted.name, logs.arn, args))
        return [*component_role.write(self, name, role, documents), logs]

    def _documents(
        self, function_name: str, log_group_arn: pulumi.Output[str], args: LambdaToolsArgs
    ) -> Iterator[tuple[str, Document]]:
        yield "logs", iam_documents.function_logs(log_group_arn)
        if statements := args.get("statements"):
            yield "tools", role_statements.document(statements, "Tools")
        if secrets := args.get("secrets"):
            yield "secrets", iam_documents.read_secrets(list(secrets.values()))
        if "network" in args:
            here = iam_documents.current_environment(self)
            yield "network", iam_documents.function_network(here.arn("lambda", f"function:{function_name}"))


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
    log_delivery.check_retention(args.get("log_retention_days"), f"{where}.log_retention_days")
    identifiers.check(identifiers.KMS_KEY, args.get("kms_key_arn"), f"{where}.kms_key_arn")
    identifiers.check(identifiers.MANAGED_POLICY, args.get("permissions_boundary"), f"{where}.permissions_boundary")
    # Lambda API reference, CreateFunction: MemorySize, Timeout.
    arguments.within(args.get("memory_size"), 128, 10240, f"{where}.memory_size")
    arguments.within(args.get("timeout"), 1, 900, f"{where}.timeout")
    arguments.within(args.get("reserved_concurrency"), 0, 1_000_000, f"{where}.reserved_concurrency")
    network.check(args.get("network"), f"{where}.network", network.MOST_GROUPS_OF_FUNCTION)
    tags.check(args.get("tags"), f"{where}.tags")
    role_statements.check(args.get("statements", []), f"{where}.statements")
    _check_role(args, where)
    environment = _environment(args, where)
    level = FunctionLogLevel(args.get("log_level", FunctionLogLevel.INFO)).value
    directory = Path(args["directory"])
    target = read_target(directory / target_folder.TOOLS)
    tool_grants.full_names({name: [tool["name"] for tool in target.tools]}, where)
    files = _files(directory, target.checked, secrets="secrets" in args)
    return _Wanted(
        name=names.function(pulumi.get_project(), pulumi.get_stack(), name),
        log_level=level,
        tools=target.tools,
        warnings=target.warnings,
        code=function_package.code(name, files, target.packages),
        environment=environment,
        inputs={**args, "log_level": level},
    )


def _check_role(args: LambdaToolsArgs, where: str) -> None:
    identifiers.check(identifiers.ROLE, args.get("role_arn"), f"{where}.role_arn")
    if "role_arn" in args and "statements" in args:
        raise UsageError(f"{where}: an existing role has its own permissions. Remove 'statements', or 'role_arn'.")


def _environment(args: LambdaToolsArgs, where: str) -> dict[str, pulumi.Input[str]]:
    """The function's variables, those that point to secrets among them."""
    own, secrets = args.get("environment", {}), args.get("secrets", {})
    for key, arn in secrets.items():
        identifiers.check(identifiers.SECRET, arn, f"{where}.secrets.{key}")
        if key in own:
            raise UsageError(f"{where}.environment: {key} is a secret's variable. Remove it, or rename one.")
    variables = {**own, **secrets}
    for key in variables:
        part = "secrets" if key in secrets else "environment"
        if not _VARIABLE.fullmatch(key):
            allowed = "at least two letters, digits and underscores, a letter first"
            raise UsageError(f"{where}.{part}: {key!r} is no name of a variable: {allowed}.")
        if _RESERVED.fullmatch(key):
            raise UsageError(f"{where}.{part}: {key} is Lambda's own. Rename it.")
    size = sum(len(f"{key}{value}".encode()) for key, value in variables.items() if isinstance(value, str))
    if size > LONGEST_ENVIRONMENT:
        raise UsageError(
            f"{where}.environment: {size} bytes; Lambda takes {LONGEST_ENVIRONMENT} in all. Put long values into a "
            "file of the folder, or into an SSM parameter."
        )
    return variables


def _files(directory: Path, tools: list[CheckedTool], *, secrets: bool) -> Mapping[str, pulumi.Asset]:
    """What the function's zip holds besides packages, by place.

    That is the folder's files but its tests and its settings, what is shipped with them, and the tools' schema.

    Raises:
        UsageError: The folder has a file of a name that is ours or one for another machine, or what is to be shipped
            with it is nowhere.
    """
    files: dict[str, pulumi.Asset] = {}
    beside = ((target_folder.DISPATCHER, True), (target_folder.SECRET_VALUES, secrets))
    taken = {target_folder.SCHEMA, *(name for name, _ in beside)}
    for path in target_folder.shipped(directory):
        inside = path.relative_to(directory).as_posix()
        try:
            inside.encode()
        except UnicodeEncodeError as error:  # bytes of another encoding: neither Pulumi nor a zip takes them
            raise UsageError(f"{str(path)!a}: the file's name is not UTF-8. Rename it.") from error
        if inside in taken:
            raise UsageError(f"{path}: that name is taken by what is shipped with the tools. Rename the file.")
        function_package.check_machine(path)
        files[inside] = pulumi.FileAsset(path.as_posix())
    for name, needed in beside:
        own = directory.parent / name
        file = own if own.is_file() else SHIPPED_FROM / name
        if file.is_file():
            files[name] = pulumi.FileAsset(file.as_posix())
        elif needed:
            raise UsageError(f"{own}: is missing. It lies beside the targets' folders.")
    files[target_folder.SCHEMA] = pulumi.StringAsset(provider_tool_schema.tools_json(tools))
    return files


def _description(tools: list[ToolSchema]) -> str:
    """At most 256 characters (Lambda API reference, CreateFunction, Description)."""
    return f"Tools: {', '.join(tool['name'] for tool in tools)}"[:256]

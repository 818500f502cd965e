"""A Lambda function of Python: what LambdaTools and a gateway's interceptors have alike."""

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, identifiers, tags
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import component_role, iam_documents, iam_propagation, role_statements
from toolgate.components.iam.iam_documents import Document
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.observability import log_delivery
from toolgate.components.runtime import function_package, network, wheels
from toolgate.components.runtime.network import Network
from toolgate.components.tools import target_folder
from toolgate.components.tools.target_folder import Kind

LONGEST_ENVIRONMENT = 4096
"""Bytes of the names and values of all variables (Lambda developer guide, "Lambda quotas")."""
LONGEST_DESCRIPTION = 256
"""Lambda API reference, CreateFunction, Description."""
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


class FunctionArgs(TypedDict):
    """What of a component's arguments is about its function; each component says what it means there."""

    memory_size: NotRequired[pulumi.Input[int]]
    timeout: NotRequired[pulumi.Input[int]]
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    statements: NotRequired[list[RoleStatement]]
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    network: NotRequired[Network]
    reserved_concurrency: NotRequired[pulumi.Input[int]]
    role_arn: NotRequired[pulumi.Input[str]]
    log_retention_days: NotRequired[pulumi.Input[int]]
    log_level: NotRequired[FunctionLogLevel]
    kms_key_arn: NotRequired[pulumi.Input[str]]
    permissions_boundary: NotRequired[pulumi.Input[str]]
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]


@dataclass(frozen=True)
class Function:
    """A function that is to be made, checked.

    Attributes:
        name: Its name in AWS.
        handler: What Lambda calls.
        description: What it is for.
        memory_size: Its memory in MB.
        timeout: Its longest run in seconds.
        code: Its zip.
        environment: Its variables.
        log_level: In AWS's word.
        documents: What its role may do, by suffix of the policy, besides what each such function needs.
    """

    name: str
    handler: str
    description: pulumi.Input[str]
    memory_size: pulumi.Input[int]
    timeout: pulumi.Input[int]
    code: pulumi.Archive
    environment: Mapping[str, pulumi.Input[str]]
    log_level: str
    documents: Mapping[str, Document] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """A function that was made.

    Attributes:
        function: The function.
        role_arn: ARN of its role.
        role_name: Name of its role.
    """

    function: aws.lambda_.Function
    role_arn: pulumi.Output[str]
    role_name: pulumi.Output[str]


def check(args: FunctionArgs, where: str) -> None:
    """Check what the types cannot say.

    Raises:
        UsageError: AWS would refuse a value, or a role that is not made here is to have statements.
    """
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
    identifiers.check(identifiers.ROLE, args.get("role_arn"), f"{where}.role_arn")
    if "role_arn" in args and "statements" in args:
        raise UsageError(f"{where}: an existing role has its own permissions. Remove 'statements', or 'role_arn'.")


def log_level(args: FunctionArgs) -> str:
    """The lowest level of the function's own log lines, in AWS's word."""
    return FunctionLogLevel(args.get("log_level", FunctionLogLevel.INFO)).value


def environment(args: FunctionArgs, where: str, ours: Mapping[str, str] | None = None) -> dict[str, pulumi.Input[str]]:
    """The function's variables, those that point to secrets among them.

    Args:
        args: The component's arguments.
        where: The component, for messages.
        ours: What the component writes itself.

    Raises:
        UsageError: AWS would refuse a name or all of them together, or two would have one name.
    """
    own, secrets, ours = args.get("environment", {}), args.get("secrets", {}), ours or {}
    for key, arn in secrets.items():
        identifiers.check(identifiers.SECRET, arn, f"{where}.secrets.{key}")
        if key in own:
            raise UsageError(f"{where}.environment: {key} is a secret's variable. Remove it, or rename one.")
    for key in (*own, *secrets):
        part = "secrets" if key in secrets else "environment"
        if not _VARIABLE.fullmatch(key):
            allowed = "at least two letters, digits and underscores, a letter first"
            raise UsageError(f"{where}.{part}: {key!r} is no name of a variable: {allowed}.")
        if _RESERVED.fullmatch(key):
            raise UsageError(f"{where}.{part}: {key} is Lambda's own. Rename it.")
        if key in ours:
            raise UsageError(f"{where}.{part}: {key} is written by the component. Rename it.")
    variables = {**own, **secrets, **ours}
    size = sum(len(f"{key}{value}".encode()) for key, value in variables.items() if isinstance(value, str))
    if size > LONGEST_ENVIRONMENT:
        raise UsageError(
            f"{where}.environment: {size} bytes; Lambda takes {LONGEST_ENVIRONMENT} in all. Put long values into a "
            "file of the folder, or into an SSM parameter."
        )
    return variables


def own_files(folder: Path, kind: Kind, also: Sequence[str] = ()) -> dict[str, pulumi.Asset]:
    """The folder's own files of the function's zip, by place.

    Args:
        folder: The folder.
        kind: What is in it.
        also: Further names that are taken.

    Raises:
        UsageError: A file has a name that is ours, or one that is no text, or is for another machine.
    """
    files: dict[str, pulumi.Asset] = {}
    for path in target_folder.shipped(folder, kind):
        inside = path.relative_to(folder).as_posix()
        try:
            inside.encode()
        except UnicodeEncodeError as error:  # bytes of another encoding: neither Pulumi nor a zip takes them
            raise UsageError(f"{str(path)!a}: the file's name is not UTF-8. Rename it.") from error
        if inside in kind.beside or inside in also:
            raise UsageError(
                f"{path}: that name is taken by what is shipped with the {Path(kind.code).stem}. Rename the file."
            )
        function_package.check_machine(path)
        files[inside] = pulumi.FileAsset(path.as_posix())
    return files


def beside(name: str, places: Sequence[Path]) -> pulumi.Asset | None:
    """A file that is shipped with the folder's own; None where no place has it.

    Args:
        name: The file's name.
        places: The folders that it may lie in; the first that has it counts.
    """
    found = next((place / name for place in places if (place / name).is_file()), None)
    return pulumi.FileAsset(found.as_posix()) if found else None


def make(component: pulumi.ComponentResource, name: str, wanted: Function, args: FunctionArgs) -> Made:
    """Make the function, its role and its log.

    Args:
        component: Their parent.
        name: The component's name.
        wanted: The function.
        args: The component's arguments.
    """
    role, role_name, ready = _role(component, name, wanted, args)
    settings: dict[str, Any] = {}
    if wanted.environment:
        settings["environment"] = {"variables": wanted.environment}
    if place := args.get("network"):
        settings["vpc_config"] = {"subnet_ids": place["subnets"], "security_group_ids": place["security_groups"]}
    function = aws.lambda_.Function(
        f"{name}-function",
        name=wanted.name,
        description=wanted.description,
        role=role,
        runtime=wheels.LAMBDA_RUNTIME,
        architectures=["arm64"],
        handler=wanted.handler,
        code=wanted.code,
        memory_size=wanted.memory_size,
        timeout=wanted.timeout,
        reserved_concurrent_executions=args.get("reserved_concurrency"),
        # A level takes JSON (Lambda developer guide, "Log and filter your function logs").
        logging_config={"log_format": "JSON", "application_log_level": wanted.log_level},
        tags=args.get("tags"),
        # The first call may come at once: its log must have somewhere to go.
        opts=pulumi.ResourceOptions(parent=component, depends_on=ready, hooks=iam_propagation.retry(component, name)),
        **settings,
    )
    return Made(function, role, role_name)


def _role(
    component: pulumi.ComponentResource, name: str, wanted: Function, args: FunctionArgs
) -> tuple[pulumi.Output[str], pulumi.Output[str], list[pulumi.Resource]]:
    """The role's ARN and name, and what must be there before the function is: its log, and its permissions."""
    given = args.get("role_arn")
    role = None if given is not None else component_role.make(component, name, iam_documents.function_trust(), args)
    logs = aws.cloudwatch.LogGroup(
        f"{name}-logs",
        name=f"/aws/lambda/{wanted.name}",
        retention_in_days=args.get("log_retention_days", log_delivery.DEFAULT_RETENTION_DAYS),
        # The only thing of the function that is encrypted with it: its package is this repository's source code,
        # and its variables are no secrets.
        kms_key_id=args.get("kms_key_arn"),
        tags=args.get("tags"),
        opts=pulumi.ResourceOptions(parent=component),
    )
    if role is None:
        arn = pulumi.Output.from_input(given).apply(str)
        return arn, component_role.name_in(arn), [logs]
    documents = dict(_documents(component, wanted, logs.arn, args))
    return role.arn, role.name, [*component_role.write(component, name, role, documents), logs]


def _documents(
    component: pulumi.ComponentResource, wanted: Function, log_group_arn: pulumi.Output[str], args: FunctionArgs
) -> Iterator[tuple[str, Document]]:
    yield "logs", iam_documents.function_logs(log_group_arn)
    yield from wanted.documents.items()
    if secrets := args.get("secrets"):
        yield "secrets", iam_documents.read_secrets(list(secrets.values()))
    if "network" in args:
        here = iam_documents.current_environment(component)
        yield "network", iam_documents.function_network(here.arn("lambda", f"function:{wanted.name}"))

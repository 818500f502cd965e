"""What a target's own `target.py` says about the function of its tools.

It is the one file of a target that may import Pulumi and toolgate, and it is never shipped. Its function `settings`
makes what the tools need, such as a table, and says what they may do with it:

    def settings(opts: pulumi.ResourceOptions) -> TargetSettings:
        table = aws.dynamodb.Table("orders", ..., opts=opts)
        return {"environment": {"TABLE": table.name}, "statements": [{"actions": [...], "resources": [table.arn]}]}

Whatever makes the target's LambdaTools gets it; an argument of that goes before it.
"""

import importlib.machinery
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.runtime.network import Network
from toolgate.components.tools.target_folder import TARGET, Kind

FUNCTION = "settings"


class TargetSettings(TypedDict):
    """What a target says about its function; `LambdaToolsArgs` has the meaning of each key."""

    description: NotRequired[pulumi.Input[str]]
    """What the function is for."""
    memory_size: NotRequired[pulumi.Input[int]]
    """Memory in MB."""
    timeout: NotRequired[pulumi.Input[int]]
    """Longest run in seconds."""
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables."""
    statements: NotRequired[list[RoleStatement]]
    """What the tools may do."""
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """By environment variable: ARN of what may be read."""
    network: NotRequired[Network]
    """The VPC that it reaches things through."""
    reserved_concurrency: NotRequired[pulumi.Input[int]]
    """So many may run at once."""
    role_arn: NotRequired[pulumi.Input[str]]
    """ARN of an existing role."""


type Settings = Callable[[pulumi.ResourceOptions], Any]
"""Makes what a target needs with these options, and says what its function is to have."""


def read(directory: Path, kind: Kind = TARGET, said: type = TargetSettings) -> Settings:
    """The settings of a target, not asked for yet: `target.py` is imported, and makes nothing.

    Args:
        directory: The target's folder; without a `target.py` it has no settings of its own.
        kind: How its settings' file is named.
        said: The TypedDict of what it may say.

    Raises:
        UsageError: The file cannot be imported, or has no function `settings` that takes resource options, nor what its
            kind may say without one.
    """
    path = directory / kind.settings
    if not path.is_file():
        return lambda _opts: {}
    imported = _imported(path)
    function = getattr(imported, FUNCTION, None)
    if function is None and kind.constant and hasattr(imported, kind.constant):
        return lambda _opts: {}
    example = f"Write `def {FUNCTION}(opts: pulumi.ResourceOptions) -> {said.__name__}:`."
    if not inspect.isfunction(function):
        raise UsageError(f"{path}: has no function `{FUNCTION}`. {example}")
    here = f"{path}:{function.__code__.co_firstlineno}: `{FUNCTION}`"
    if inspect.iscoroutinefunction(function):
        raise UsageError(f"{here} is asynchronous. {example}")
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise UsageError(f"{here} takes the resource options, and nothing else. {example}") from None

    def settings(opts: pulumi.ResourceOptions) -> Any:
        told = function(opts)
        if told is None:
            raise UsageError(
                f"{here} returns nothing. Write `return {{}}` at its end, or what the function is to have."
            )
        arguments.check(told, said, f"{path}: {FUNCTION}()")
        return told

    return settings


def constant(directory: Path, kind: Kind) -> Any:
    """What a settings' file says outside of its function; None where it does not.

    Raises:
        UsageError: The file cannot be imported.
    """
    path = directory / kind.settings
    return getattr(_imported(path), kind.constant or "", None) if path.is_file() else None


def beside(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """Options of what a target makes: its place, provider and protection are those of the component that it is for."""
    given = opts or pulumi.ResourceOptions()
    providers = given.providers
    return pulumi.ResourceOptions(
        parent=given.parent,
        provider=given.provider,
        providers=providers if isinstance(providers, Mapping) else list(providers or []),
        protect=given.protect,
        retain_on_delete=given.retain_on_delete,
    )


def overridden[Args: Mapping[str, Any]](settings: Mapping[str, Any], by: Args) -> Args:
    """A component's arguments over the settings: variable by variable, and key by key for all else."""
    merged: dict[str, Any] = {**settings, **by}
    for key in ("environment", "secrets"):
        if key in settings and key in by:
            merged[key] = {**settings[key], **by[key]}
    return cast("Args", merged)


class _Source(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Compile what is there: bytecode goes by size and second, and `toolgate up` imports each edit."""
        path = self.get_filename(fullname)
        return compile(self.get_data(path), path, "exec", dont_inherit=True)


def _imported(path: Path) -> ModuleType:
    name = f"toolgate_{path.stem}_{path.parent.name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Source(name, str(path)))
    assert spec is not None  # noqa: S101  # a path that ends in .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    try:
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except UsageError:
        raise
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno or 1}: is not valid Python: {error.msg}.") from error
    except Exception as error:
        own = [it.lineno for it in traceback.extract_tb(error.__traceback__) if it.filename == str(path)]
        line = f":{own[-1]}" if own else ""
        raise UsageError(f"{path}{line}: cannot be imported: {type(error).__name__}: {error}.") from error
    return module

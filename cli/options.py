"""What several sub-commands take, and the one error that they end with."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolgate.cli.output import say

if TYPE_CHECKING:
    from toolgate.local.engine.pack_config import PackConfig
    from toolgate.local.plan import Plan

OK, VIOLATIONS, FAILED = 0, 1, 2
"""Exit codes; `endings.py` has those of what breaks, and docs/versions.md has all."""
PROJECT_FILE = "Pulumi.yaml"
_PROJECT_FILES = (PROJECT_FILE, "Pulumi.yml", "Pulumi.json")


class CommandError(click.ClickException):
    """The command cannot do what was asked; the text says what is wrong and what to do."""

    exit_code = FAILED


class _PolicyType(click.ParamType[dict[str, Any]]):
    name = "ARN=FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """The managed policy as a resource of a deployment."""
        from toolgate.access.deployment.supplied_policies import SuppliedPolicyError, supplied

        try:
            return supplied(str(value))
        except SuppliedPolicyError as error:
            self.fail(str(error), param, ctx)


class _Json(click.ParamType[dict[str, Any]]):
    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """The JSON object."""
        from toolgate.access.deployment.text_file import TextFileError, json_of

        try:
            parsed = json_of(value)
        except TextFileError as error:
            self.fail(str(error), param, ctx)
        if not isinstance(parsed, dict):
            self.fail(f"{value} is not a JSON object", param, ctx)
        return parsed


class _Setting(click.ParamType[tuple[str, str]]):
    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The key and the text of its value, which may have further equals signs."""
        key, sign, text = str(value).partition("=")
        if not sign or not key.strip():
            self.fail(f"{value} is no setting: write KEY=VALUE, such as toolgate:authorization=tool", param, ctx)
        return key.strip(), text


class _Stack(click.ParamType[str]):
    name = "stack"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """The stack's own name: Pulumi's CLI, and CI with it, also writes `org/stack` and `org/project/stack`."""
        return str(value).rpartition("/")[2]


def _program(_ctx: click.Context, _param: click.Parameter, given: Path | None) -> Path:
    """The program's folder: the one that was named, or like Pulumi the nearest one that has a project."""
    if given is not None:
        if not _has_project(given):
            raise CommandError(f"{given} has no {PROJECT_FILE}; name a Pulumi program's folder by --program")
        return given.resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if _has_project(folder)), here)


def _has_project(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _PROJECT_FILES)


FILE = click.Path(path_type=Path)
JSON = _Json()
STACK = _Stack()
program = click.option(
    "--program",
    type=FILE,
    callback=_program,
    metavar="DIR",
    help="the Pulumi program's folder (default: this one, or the nearest above that has a Pulumi.yaml)",
)
stack = click.option("--stack", type=STACK, default="dev", show_default=True, help="whose Pulumi.<stack>.yaml to take")
rules = click.option(
    "--policy-pack-config", "rules", type=FILE, metavar="FILE", help="the rules' configuration, as for `pulumi preview`"
)
config = click.option(
    "--config",
    "-c",
    multiple=True,
    type=_Setting(),
    help="a setting that goes before the stack's file, as for `pulumi up`; nothing is written there",
)
policies = click.option(
    "--policy",
    "policies",
    multiple=True,
    type=_PolicyType(),
    help="the document of a managed policy that the deployment only names, such as a permissions boundary",
)


def planned(program: Path, stack: str, rules: Path | None, settings: Mapping[str, str] | None = None) -> "Plan":
    """Plan a stack, showing that it goes on.

    Args:
        program: The program's folder.
        stack: The stack.
        rules: The file with the rules' configuration.
        settings: Settings that go before those of the stack's file.

    Raises:
        CommandError: The program or the pack cannot be run.
    """
    from toolgate.local.plan import PackError, ProgramError, plan
    from toolgate.local.progress import waiting_for

    config = pack_config(rules)
    try:
        with waiting_for("the program and the policy pack"):
            return plan(stack, config=settings, rules=config, root=program)
    except (ProgramError, PackError) as error:
        raise CommandError(str(error)) from error


def pack_config(file: Path | None) -> "PackConfig | None":
    """The rules' configuration in a file; None where none is given.

    Raises:
        CommandError: It is none.
    """
    from toolgate.local.engine.pack_config import PackConfigError, load

    try:
        return load(file) if file else None
    except PackConfigError as error:
        raise CommandError(str(error)) from error


def deployment_of(file: Path, policies: tuple[Mapping[str, Any], ...] = ()) -> Mapping[str, Any]:
    """A deployment file's content, with the supplied policies.

    Raises:
        CommandError: It is no deployment.
    """
    from toolgate.access.deployment.deployment import read
    from toolgate.access.deployment.stack_export import DeploymentError, load
    from toolgate.access.deployment.supplied_policies import with_policies

    try:
        read(file, policies)  # what is wrong with the file is said with its name
        return with_policies(load(file), policies)
    except DeploymentError as error:
        raise CommandError(str(error)) from error


def written(what: Callable[[Path], object], file: Path, option: str) -> None:
    """Let `what` write a file, in a folder that is made when it is not there.

    Raises:
        CommandError: It cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        what(file)
    except OSError as error:
        raise CommandError(f"{file} cannot be written ({error.strerror}); give another {option}") from error


def opened(address: str) -> None:
    """Open a console in the browser; where there is none to be started, its address has been told."""
    import webbrowser

    if not webbrowser.open(address):
        say("no browser could be started: open the console's address yourself", err=True)


console_port = click.option(
    "--console-port", type=click.IntRange(0, 65535), default=0, help="the console's port (default: a free one)"
)
open_console = click.option("--open", "opened", is_flag=True, help="open the console in the browser")

"""`toolgate lock`, `toolgate fetch`: the packages of tools, interceptors, servers and agents."""

import os
from pathlib import Path

import click

from toolgate.cli import options
from toolgate.cli.options import CommandError
from toolgate.cli.output import say

LAMBDAS, INTERCEPTORS, SERVERS = Path("lambdas"), Path("interceptors"), Path("servers")


@click.command()
@options.program
@click.argument("targets", nargs=-1)
@click.option("--upgrade", is_flag=True, help="let versions that are locked already change, too")
def lock(program: Path, targets: tuple[str, ...], upgrade: bool) -> None:
    """Lock the packages of TARGETS: lambdas/<target>/requirements.in -> requirements.txt, with hashes.

    Likewise interceptors/<name>, servers/<name> and an agent's folder, named so. Without TARGETS those of all that have
    any.
    """
    from toolgate.components.checks.arguments import UsageError
    from toolgate.components.runtime.function_package import lock as lock_target
    from toolgate.components.tools.target_folder import LOCK, REQUIREMENTS

    os.chdir(program)
    folders = [_folder(name) for name in targets] or _with(REQUIREMENTS)
    for folder in folders:
        if not (folder / REQUIREMENTS).is_file():
            raise CommandError(f"{folder / REQUIREMENTS} is missing: name in it what its code imports, one a line")
    try:
        for folder in folders:
            lock_target(folder, upgrade=upgrade)
            say(folder / LOCK)
        _fetch(folders)
    except UsageError as error:
        raise CommandError(str(error)) from error
    if not folders:
        say(f"no target and no agent has a {REQUIREMENTS}")


@click.command()
@options.program
def fetch(program: Path) -> None:
    """Download what tools and agents lock, for AWS and for this machine: afterwards nothing needs the network."""
    from toolgate.components.checks.arguments import UsageError
    from toolgate.components.tools.target_folder import LOCK

    os.chdir(program)
    try:
        _fetch(_with(LOCK))
    except UsageError as error:
        raise CommandError(str(error)) from error


def _folder(name: str) -> Path:
    path = Path(name)
    return path if path.parent in (INTERCEPTORS, SERVERS) or _is_agents(path) else LAMBDAS / name


def _is_agents(folder: Path) -> bool:
    return (folder / "main.py").is_file()


def _with(file: str) -> list[Path]:
    """The folders that have such a file."""
    from toolgate.local.function_packages import agents

    functions = [it.parent for kind in (LAMBDAS, INTERCEPTORS, SERVERS) for it in sorted(kind.glob(f"*/{file}"))]
    return [*functions, *(it for it in agents(Path()) if (it / file).is_file())]


def _fetch(folders: list[Path]) -> None:
    from toolgate.components.runtime.agent_bundle import build, own_lock
    from toolgate.components.runtime.function_package import packages as for_lambda
    from toolgate.components.servers import server_folder
    from toolgate.components.servers.server_bundle import build as build_server
    from toolgate.local.function_packages import PackagesError, packages

    try:
        for folder in folders:
            if _is_agents(folder):
                build(folder, own_lock(folder))
            elif folder.parent == SERVERS:
                build_server(server_folder.read(folder))
            else:
                for_lambda(folder)
            packages(folder, Path())
    except PackagesError as error:
        raise CommandError(str(error)) from error

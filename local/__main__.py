"""`python -m local plan|up|demo|review`: the deployment on this machine.

What a command needs is imported when it runs: Pulumi's SDK and the servers cost up to a second each.
"""

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from access.given_policies import add_option, with_policies

if TYPE_CHECKING:
    from local.engine.pack_config import PackConfig
    from local.plan import Plan

OK, VIOLATIONS, FAILED = 0, 1, 2
ANNOUNCEMENT = Path(".local", "serving.json")
"""Where `ask.py --local` finds what is being served, from the project's folder."""


class UsageError(Exception):
    """The command cannot do what was asked; the text says what is wrong and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    options = _parser().parse_args(arguments)
    # As an exception the signal ends what was started on the way out; the default would leave the policy pack running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    commands = {"plan": _plan, "up": _up, "demo": _demo, "review": _review}
    try:
        return commands[options.command](options)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    plan = commands.add_parser(
        "plan", help="run the program and the policy pack; exit code 0 ok, 1 violations, 2 the program failed"
    )
    plan.add_argument("--stack", default="dev", help="whose Pulumi.<stack>.yaml to take (default: dev)")
    plan.add_argument("--out", type=Path, help="write the planned deployment here")
    _add_rules(plan)
    up = commands.add_parser("up", help="serve a deployment until Ctrl-C")
    up.add_argument("--deployment", type=Path, help="a deployment file; without it, one is planned")
    up.add_argument("--stack", default="dev", help="the stack to plan (default: dev)")
    _add_rules(up)
    up.add_argument("--port", type=_port, default=0, help="the port (default: a free one)")
    add_option(up)
    demo = commands.add_parser("demo", help="the whole thing, shown")
    demo.add_argument(
        "--stack", choices=("dev", "agents"), default="dev", help="one agent, or two with tools of their own"
    )
    review = commands.add_parser(
        "review", help="what a change does, as a comment; exit code 0 ok, 1 violations, 2 a stack cannot be planned"
    )
    review.add_argument("--base", required=True, help="the revision to compare the working tree with, such as main")
    review.add_argument("--stack", action="append", default=[], help="a stack to compare (default: all)")
    review.add_argument("--out", type=Path, help="write the comment here, short enough for GitHub")
    _add_rules(review)
    review.add_argument("--summary", type=Path, help="write the counts here, as JSON")
    return parser


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy-pack-config", type=Path, metavar="FILE", help="the rules' configuration, as `pulumi preview` takes it"
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; give a number up to 65535, or 0 for a free one")
    return int(text)


def _plan(options: argparse.Namespace) -> int:
    from local.plan import describe, write  # noqa: PLC0415

    planned = _planned(options)
    print(describe(planned))
    if options.out:
        try:
            write(planned.deployment, options.out)
        except OSError as error:
            raise UsageError(f"{options.out} cannot be written ({error.strerror}); give another --out") from error
        print(f"Deployment written to {options.out}")
    return VIOLATIONS if planned.mandatory else OK


def _planned(options: argparse.Namespace) -> "Plan":
    from local.plan import PackError, ProgramError, plan  # noqa: PLC0415
    from local.progress import waiting_for  # noqa: PLC0415

    rules = _rules(options)
    try:
        with waiting_for("the program and the policy pack"):
            return plan(options.stack, rules=rules)
    except (ProgramError, PackError) as error:
        raise UsageError(str(error)) from error


def _rules(options: argparse.Namespace) -> "PackConfig":
    from local.engine.pack_config import PackConfigError, load  # noqa: PLC0415

    try:
        return load(options.policy_pack_config) if options.policy_pack_config else {}
    except PackConfigError as error:
        raise UsageError(str(error)) from error


def _up(options: argparse.Namespace) -> int:
    if options.deployment:
        return _serve(_read(options.deployment, options.policy), options.port)
    from local.plan import describe  # noqa: PLC0415

    planned = _planned(options)
    if planned.mandatory:
        print(describe(planned), file=sys.stderr)
        return VIOLATIONS
    return _serve(with_policies(planned.deployment, options.policy), options.port)


def _read(path: Path, policies: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    from access.deployment import read  # noqa: PLC0415
    from access.export import DeploymentError, load  # noqa: PLC0415

    try:
        read(path, policies)  # what is wrong with the file is said with its name
        return with_policies(load(path), policies)
    except DeploymentError as error:
        raise UsageError(str(error)) from error


def _serve(deployment: Mapping[str, Any], port: int) -> int:
    from access.export import DeploymentError  # noqa: PLC0415
    from local.progress import waiting_for  # noqa: PLC0415
    from local.serve.agent_process import AgentStartError  # noqa: PLC0415
    from local.serve.announcement import announced  # noqa: PLC0415
    from local.serve.server import ROOT, PortInUseError, serve  # noqa: PLC0415

    stop = threading.Event()
    with ExitStack() as stack:
        try:
            with waiting_for("gateways and agents"):
                serving = stack.enter_context(serve(deployment, port=port))
        except (AgentStartError, DeploymentError, PortInUseError) as error:
            raise UsageError(str(error)) from error
        stack.enter_context(announced(serving, ROOT / ANNOUNCEMENT))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        for name, value in serving.environment.items():
            print(f"export {name}={shlex.quote(value)}")
        for note in serving.notes:
            print(f"# {note}")
        print(f"# {serving.url} serves {', '.join(serving.agents)}; Ctrl-C ends it", flush=True)
        # A signal that comes just before an endless wait begins would not be seen: Python's handler runs after it.
        while not stop.wait(1.0):
            pass
    return OK


def _demo(options: argparse.Namespace) -> int:
    from access.export import DeploymentError  # noqa: PLC0415
    from local.demo import main as demo  # noqa: PLC0415
    from local.plan import PackError, ProgramError  # noqa: PLC0415
    from local.serve.agent_process import AgentStartError  # noqa: PLC0415

    try:
        return demo(options.stack)
    except (AgentStartError, DeploymentError, PackError, ProgramError) as error:
        raise UsageError(str(error)) from error


def _review(options: argparse.Namespace) -> int:
    from local.plan import ROOT  # noqa: PLC0415
    from local.review.command import review  # noqa: PLC0415
    from local.review.revisions import RevisionError  # noqa: PLC0415

    _rules(options)  # what is wrong with the file is said before anything is planned
    try:
        return review(ROOT, options.base, options.stack, options.out, options.summary, rules=options.policy_pack_config)
    except RevisionError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written ({error.strerror}); give another file") from error


if __name__ == "__main__":
    sys.exit(main())

"""`make demo`: the whole thing on this machine, told as a newcomer would want to see it.

What is shown is the product's own work: the real program, the real policy pack, the deployment it planned, the shipped
agent, the real handlers. This module only asks and prints.
"""

import json
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.table import as_table
from toolgate.local import refusals
from toolgate.local.plan import Plan, describe, plan
from toolgate.local.progress import waiting_for
from toolgate.local.questions import asks
from toolgate.local.terminal import readable, say

WIDTH = 110
"""Characters of a line; fixed, so that the recording in docs/demo.md is the same on every terminal."""


def main(stack: str, root: Path) -> int:
    """Run the demo of a stack of the program in folder `root`.

    Returns:
        The exit code: 0 when everything came out as it must, 1 otherwise.
    """
    started = time.monotonic()
    say("toolgate: an agent whose IAM role is its only credential, and its tools. All of it on this machine:")
    say("no AWS account; the account 123456789012 is made up.")
    planned = _show_plan(stack, root)
    if planned.mandatory:
        return 1
    deployment = parse(planned.deployment)
    with _chapter("Who may call what, computed from the planned documents"):
        _show(as_table(matrix(deployment)))
    answered = _show_answers(planned.deployment, deployment, root)
    held = _show_locks(planned.deployment, deployment, root)
    say(f"\nDone in {time.monotonic() - started:.1f} s; nothing is left running.")
    say("Next: `.venv/bin/toolgate up` keeps it running for questions of your own (README.md, Try it).")
    return 0 if answered and held else 1


@contextmanager
def _chapter(title: str) -> Iterator[None]:
    say(f"\n== {title}")
    started = time.monotonic()
    yield
    say(f"   [{time.monotonic() - started:.1f} s]")


def _show(text: str) -> None:
    say("\n".join(_wrapped(f"   {line}".rstrip()) for line in readable(text).splitlines()))


def _wrapped(line: str) -> str:
    """Long lines go on under their own beginning; an ARN stays whole, to be copied."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )


def _show_plan(stack: str, root: Path) -> Plan:
    with _chapter("Plan: the real Pulumi program against a stand-in for AWS, judged by the policy pack"):
        with waiting_for("the program and the policy pack"):
            planned = plan(stack, root=root)
        _show(describe(planned, planned.mandatory))
        if planned.violations:
            _show("(A mandatory violation stops a deployment; `toolgate plan` tells the advice of the others.)")
    return planned


def _way_in(deployment: Deployment) -> str:
    """How agents come to their gateways, in a few words."""
    ways = {"signed gateway" if it.jwt is None else "Identity -> gateway with a token" for it in deployment.gateways}
    return " or ".join(sorted(ways, reverse=True))


def _show_answers(raw: Mapping[str, Any], deployment: Deployment, root: Path) -> bool:
    from toolgate.local.invoke_agent import ask  # noqa: PLC0415  # boto3 and the servers: while the reader reads the plan
    from toolgate.local.serve.server import serve  # noqa: PLC0415

    complete = True
    with _chapter(f"Ask: boto3 -> runtime -> agent -> {_way_in(deployment)} -> Lambda handler"), ExitStack() as stack:
        _show("(The model is a script on this machine; the agent, the handlers and the decisions are the real ones.)")
        with waiting_for("the gateway and the agent to start"):
            serving = stack.enter_context(serve(raw, root))
        for one in asks(deployment):
            made = len(serving.calls)
            started = time.monotonic()
            answer = ask(serving.environment, serving.agents[one.agent], one.question)
            seconds = time.monotonic() - started
            calls = serving.calls[made:]
            complete = complete and bool(calls) is one.calls_a_tool
            _show(f"> {one.question}   ({one.agent})")
            for call in calls:
                _show(f"  tool   {call.tool} {json.dumps(dict(call.arguments))}  {call.milliseconds:.0f} ms")
            _show("\n".join(f"  {line}" for line in answer.splitlines()) + f"\n  [{seconds:.2f} s]")
    return complete


def _show_locks(raw: Mapping[str, Any], deployment: Deployment, root: Path) -> bool:
    held = True
    with _chapter("The locks are real: each of these is refused"):
        for attempt in refusals.attempts(raw, deployment, root):
            _show(f"{'refused' if attempt.refused else 'LET IN '}  {attempt.who}\n         {attempt.message}")
            held = held and attempt.refused
    return held

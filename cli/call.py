"""`toolgate call`: one tool of what is served here, called as an agent would, with what was decided and by what."""

import difflib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolgate.access.deployment.text_file import TextFileError, json_of, text_of
from toolgate.cli import options
from toolgate.cli.options import CommandError
from toolgate.cli.output import say
from toolgate.local.serve import access_log
from toolgate.local.serve.serving_file import Caller, NotServedError, Served, read, serving_file

if TYPE_CHECKING:
    from toolgate.local.offers import Offer

_FAILED = 1
_EXAMPLE = """Write an object in single quotes, such as '{"name": "value"}'"""
_SEPARATOR = "___"


@click.command()
@click.argument("tool", required=False)
@click.argument("arguments", metavar="[JSON]", required=False)
@options.program
@click.option("--as", "agent", metavar="NAME", help="who calls (default: the first agent that may call it)")
@click.option("--list", "listed", is_flag=True, help="show the tools, and which agents are offered them")
def call(program: Path, tool: str | None, arguments: str | None, agent: str | None, listed: bool) -> int:
    """Call a tool of what `toolgate up` serves.

    JSON is an object with the arguments, or - for standard input. The result goes to standard output; what was decided,
    and by what, to standard error. Ends with 0, with 1 if the call was refused or the tool failed, with 2 if no call
    was made.
    """
    if listed == (tool is not None):
        raise click.UsageError("name a tool, or give --list to see which there are")
    given = _arguments(arguments)
    served = served_here(program)
    caller_of(served, agent)
    offers = list(_offers(served))
    if tool is None:
        return _list(offers, agent)
    return _call(served, _chosen(served, offers, _full_name(offers, tool), agent), given)


def served_here(program: Path) -> Served:
    """What `toolgate up` serves of a program.

    Raises:
        CommandError: It serves nothing, or nobody in whose place tools could be called.
    """
    try:
        served = read(serving_file(program))
    except NotServedError as error:
        raise CommandError(str(error)) from error
    if not served.callers:
        raise CommandError("what is served has no agent and no client, in whose place tools could be called")
    return served


def caller_of(served: Served, agent: str | None) -> Caller | None:
    """The agent or client that is meant; None where none is named.

    Raises:
        CommandError: There is none of this name.
    """
    if agent is not None and agent not in served.callers:
        raise CommandError(f"there is no agent or client {agent!r}. There are: {', '.join(sorted(served.callers))}")
    return served.callers[agent] if agent else None


def _arguments(text: str | None) -> dict[str, Any]:
    try:
        if text == "-":
            text = text_of(sys.stdin.buffer.read())
        given = json_of(text) if text else {}
        # What Python reads and JSON has not: NaN, a number beyond a double, half a surrogate pair.
        json.dumps(given, allow_nan=False, ensure_ascii=False).encode()
    except TextFileError as error:
        raise CommandError(f"what is given as arguments {error}. {_EXAMPLE}") from None
    except ValueError as error:
        raise CommandError(f"the arguments are not JSON ({error}). {_EXAMPLE}") from None
    if not isinstance(given, dict):
        raise CommandError(f"the arguments are JSON, but not an object. {_EXAMPLE}")
    return given


def _offers(served: Served) -> Iterator["Offer"]:
    from toolgate.local.gateway_client import UnreachableError
    from toolgate.local.offers import offers

    try:
        yield from offers(served.callers, served.environment["AWS_REGION"])
    except UnreachableError as error:
        raise _unreachable(error) from error


def _unreachable(error: Exception) -> CommandError:
    return CommandError(f"nothing answers at {error}. Start it again with `toolgate up`.")


def _list(offers: Sequence["Offer"], agent: str | None) -> int:
    agents: dict[str, list[str]] = {}
    for offer in offers:
        agents.setdefault(offer.name, []).append(offer.agent)
    shown = {tool: who for tool, who in agents.items() if agent is None or agent in who}
    descriptions = {offer.name: offer.description.strip().partition("\n")[0] for offer in offers}
    # By target, and within it by tool: whoever asks first, and in whatever order its gateway answers.
    rows = [(tool, ", ".join(sorted({*shown[tool]})), descriptions[tool]) for tool in sorted(shown, key=_by_target)]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for tool, who, description in rows:
        say(f"{tool:{widths[0]}}  {who:{widths[1]}}  {description}".rstrip())
    if not rows:
        say("no agent is offered any tool" if agent is None else f"{agent} is offered no tool", err=True)
    return options.OK


def _by_target(tool: str) -> list[str]:
    return tool.split(_SEPARATOR)


def _full_name(offers: Sequence["Offer"], wanted: str) -> str:
    names = list(dict.fromkeys(offer.name for offer in offers))
    meant = [name for name in names if name == wanted] or [
        name for name in names if name.partition(_SEPARATOR)[2] == wanted
    ]
    if len(meant) > 1:
        raise CommandError(f"several tools are called {wanted}: {', '.join(meant)}. Name one in full")
    if not meant:
        short = {name.partition(_SEPARATOR)[2] or name: name for name in names}
        near = [short.get(it, it) for it in difflib.get_close_matches(wanted, [*names, *short], 1)]
        hint = f"Did you mean {near[0]}?" if near else "`toolgate call --list` shows which there are"
        raise CommandError(f"no agent is offered a tool {wanted!r}. {hint}")
    return meant[0]


def _chosen(served: Served, offers: Sequence["Offer"], tool: str, agent: str | None) -> "Offer":
    """The offer to take: one to this agent; where there is none, the agent asks for what others are offered."""
    found = [offer for offer in offers if offer.name == tool]
    own = [offer for offer in found if offer.agent == agent] if agent else found
    if own:
        return own[0]
    # Its own way to the gateway: others may come with tokens of theirs.
    mine = {it.id: it for it in served.callers[agent].gateways} if agent else {}
    shared = [offer for offer in found if offer.gateway.id in mine]
    other = (shared or found)[0]
    gateway = mine.get(other.gateway.id, replace(other.gateway, token=None))
    return replace(other, agent=agent or other.agent, gateway=gateway)


def _call(served: Served, offer: "Offer", arguments: Mapping[str, Any]) -> int:
    from toolgate.local.gateway_client import GatewayClient, UnreachableError

    caller = served.callers[offer.agent]
    client = GatewayClient(offer.gateway, caller.credentials, served.environment["AWS_REGION"])
    try:
        answer = client.ask("tools/call", {"name": offer.name, "arguments": arguments})
    except UnreachableError as error:
        raise _unreachable(error) from error
    line = access_log.find(served.access_log, answer.request_id) or {}
    result = answer.message.get("result")
    if isinstance(result, dict):
        say(_shown(result))
    decision = line.get("decision", "not in the access log" if answer.reached else "denied before the gateway")
    say(f"{offer.agent}: {decision}. {access_log.why(line.get('decided_by', ()))}".rstrip(), err=True)
    refusal = answer.refusal
    failed = bool(refusal) or not isinstance(result, dict) or result.get("isError") or line.get("status", "ok") != "ok"
    if refusal:
        say(f"refused: {refusal}", err=True)
    # A call that an interceptor denied after the tool had answered has the tool's status in the log.
    status = None if decision == access_log.DENIED else line.get("status")
    ended = status or ("refused" if refusal else "failed" if failed else "ok")
    log = f", log: {served.access_log.with_name(line['log'])}" if failed and "log" in line else ""
    say(f"{ended}, {line.get('milliseconds', '?')} ms, request {answer.request_id}{log}", err=True)
    return _FAILED if failed else options.OK


def _shown(result: Mapping[str, Any]) -> str:
    """The result as JSON; what is no JSON as it came."""
    texts = [part.get("text", "") for part in result.get("content", ()) if part.get("type") == "text"]
    text = "\n".join(texts)
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text

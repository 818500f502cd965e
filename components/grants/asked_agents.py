"""Agents that an agent may ask: handing one over is the grant, on exactly its runtime and that runtime's endpoint."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import Document

VARIABLE = "ASKED_AGENTS"
"""Environment variable with the agents that an agent may ask, as `agent/asking` reads it."""
MOST_DEPTH = 3
"""Agents in a row of which each asks the next. Ours: each waits, and is paid for, as long as all behind it think."""
# The model calls the tool `ask_<name>`, and Bedrock takes 64 characters (botocore's bedrock-runtime model, ToolName).
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,60}")
LONGEST_DESCRIPTION = 1000
"""Characters that say what an agent is asked for. Ours: they are part of a prompt."""
_TOO_DEEP = (
    "{depth} agents would ask each other in a row; the most is "
    f"{MOST_DEPTH}, as each waits for all behind it. Hand over what the next one asks instead of that one."
)


class AskedAgent(TypedDict):
    """An agent that another one may ask. In Python made by `agent.ask(...)`."""

    name: str
    """What the agent that asks calls it: 1 to 60 letters, digits, `_` and `-`."""
    runtime_arn: pulumi.Input[str]
    """ARN of its runtime."""
    description: str
    """What it is asked for: the model reads it."""
    depth: NotRequired[int]
    """How many agents in a row there are from it on, itself among them. Default: 1, as if it asked nobody."""


def check(asked: Sequence[AskedAgent], where: str) -> int:
    """Check what an agent is handed of other agents.

    Agents cannot ask in a circle: one is handed over once it is made.

    Returns:
        How many agents in a row there are from this one on.

    Raises:
        UsageError: A name is refused or there twice, a description is empty, or the row is too long.
    """
    seen: set[str] = set()
    for index, agent in enumerate(asked):
        here = f"{where}.agents[{index}]"
        if not _NAME.fullmatch(agent["name"]):
            raise UsageError(f"{here}.name: {agent['name']!r} is not 1 to 60 letters, digits, `_` and `-`.")
        # The agent's library takes no two tools whose names differ in these two only (agent/toolset/offer.py).
        key = agent["name"].replace("-", "_")
        if key in seen:
            raise UsageError(f"{here}.name: {agent['name']!r} is handed over twice. Hand each agent over once.")
        seen.add(key)
        arguments.within(agent["description"].strip(), 1, LONGEST_DESCRIPTION, f"{here}.description")
        arguments.within(agent.get("depth", 1), 1, MOST_DEPTH, f"{here}.depth")
    depth = 1 + max((agent.get("depth", 1) for agent in asked), default=0)
    if depth > MOST_DEPTH:
        raise UsageError(f"{where}.agents: {_TOO_DEEP.format(depth=depth)}")
    return depth


def document(asked: Sequence[AskedAgent]) -> Document:
    """The agent asks exactly these agents."""
    runtimes = [agent["runtime_arn"] for agent in asked]
    return iam_documents.document(*iam_documents.invoke_runtimes("AskAgents", runtimes))


def variable(asked: Sequence[AskedAgent], longest: int, where: str) -> pulumi.Output[str]:
    """What `VARIABLE` holds.

    Args:
        asked: The agents.
        longest: The most characters that AWS takes.
        where: Whose variable it is, for messages.
    """

    def written(arns: Sequence[str]) -> str:
        entries = [
            {"name": agent["name"], "arn": arn, "description": agent["description"].strip()}
            for agent, arn in zip(asked, arns, strict=True)
        ]
        text = json.dumps(entries, ensure_ascii=False)
        arguments.within(text, 1, longest, f"{where}.agents: as JSON")
        return text

    return pulumi.Output.all(*[agent["runtime_arn"] for agent in asked]).apply(written)


def order(asks: Mapping[str, Sequence[str]], where: str) -> list[str]:
    """Agents' names, each after those that it asks.

    Args:
        asks: By agent: whom it asks.
        where: The agents' place in the configuration, for messages.

    Raises:
        UsageError: One asks an agent that there is not, one twice, or itself; several ask each other in a circle, or
            too many in a row.
    """
    for name, others in asks.items():
        for other in others:
            if other not in asks:
                raise UsageError(f"{where}.{name}.agents: {other!r} is no agent. Agents: {', '.join(asks)}.")
            if others.count(other) > 1:
                raise UsageError(f"{where}.{name}.agents: {other!r} is there twice. Name each agent once.")
    depths: dict[str, int] = {}

    def visit(name: str, row: tuple[str, ...]) -> int:
        if name in row:
            circle = " asks ".join((*row[row.index(name) :], name))
            raise UsageError(f"{where}: {circle}: that never ends. Take one of them out of `agents`.")
        if name not in depths:
            depth = 1 + max((visit(other, (*row, name)) for other in asks[name]), default=0)
            if depth > MOST_DEPTH:
                raise UsageError(f"{where}.{name}.agents: {_TOO_DEEP.format(depth=depth)}")
            depths[name] = depth
        return depths[name]

    for name in asks:
        visit(name, ())
    return list(depths)

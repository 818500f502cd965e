"""What a demo asks: what the agents' tools can answer, whichever tools those are.

The scripted model decides what it would do with a question, so a question is asked only of an agent that can answer it;
with several agents, each is also asked something that only another one can.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local import examples
from toolgate.local.serve.model.scripted_model import SPOKEN, ToolUse, reply

MOST = 3
"""Questions to the only agent that call its tools; a demo is to be read in a minute."""
WHICH = "Tell me what I can do with these tools"


@dataclass(frozen=True)
class Ask:
    """A question to an agent, and whether one of its tools must be called for the answer."""

    agent: str
    question: str
    calls_a_tool: bool = True


def asks(deployment: Deployment) -> list[Ask]:
    """The questions, agent by agent."""
    specs = {
        name: {"toolSpec": {"name": name, "description": tool.description, "inputSchema": {"json": tool.input_schema}}}
        for target in deployment.targets
        for tool in target.tools or ()
        for name in [target.full_name(tool)]
    }
    own: dict[str, list[str]] = {runtime.agent: [] for runtime in deployment.agents}
    for entry in matrix(deployment).entries:
        if entry.agent in own and entry.tool in specs and entry.decision is Access.ALLOW:
            own[entry.agent].append(entry.tool)
    answered = {agent: _questions([specs[tool] for tool in tools]) for agent, tools in own.items()}
    if len(own) == 1:
        [(agent, questions)] = answered.items()
        searches = any(gateway.search for gateway in deployment.gateways) and bool(own[agent])
        return [*(Ask(agent, it) for it in questions[:MOST]), Ask(agent, WHICH, calls_a_tool=searches)]
    # Where an engine decides about each tool, what a search shows is worth seeing.
    filtered = any(gateway.search and gateway.policy_engine for gateway in deployment.gateways)
    found: list[Ask] = []
    for agent, tools in own.items():
        offered = [specs[tool] for tool in tools]
        foreign = [it for questions in answered.values() for it in questions if _call(it, offered) is None]
        found += [Ask(agent, it) for it in answered[agent][:1]]
        found += [Ask(agent, it, calls_a_tool=False) for it in foreign[-1:]]
        found += [Ask(agent, WHICH)] if filtered and tools else []
    return found


def _questions(specs: Sequence[Mapping[str, Any]]) -> list[str]:
    """A question for each tool: in words where the model understands them, else by the tool's name."""
    found: dict[str, str] = {}
    for question in SPOKEN:
        if call := _call(question, specs):
            found.setdefault(call.name, question)
    for tool in (it["toolSpec"] for it in specs):
        given = examples.arguments(tool["inputSchema"]["json"])
        found.setdefault(tool["name"], f"Call {tool['name']} with {json.dumps(given)}")
    return list(found.values())


def _call(question: str, specs: Sequence[Mapping[str, Any]]) -> ToolUse | None:
    """The call that the scripted model makes of a question when these tools are offered."""
    said = reply([{"role": "user", "content": [{"text": question}]}], {"tools": specs})
    return said if isinstance(said, ToolUse) else None

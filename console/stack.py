"""The source of a stack on AWS: its documents are those of its export, its agents are asked with one's own credentials.

Nothing else of AWS is called. What happens there nobody tells us, and to call tools as an agent would take its role:
both are unavailable, and say so.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from toolgate.access.deployment.deployment import parse
from toolgate.console import what_if
from toolgate.console.asked import Asked, checked
from toolgate.console.deployed import Deployed
from toolgate.console.source import Asking, Call, Change, Json, Question, Unavailable
from toolgate.policy.language.arns import region_in

UNAVAILABLE = {
    "events": "what happens in a stack on AWS is told by its logs and traces in CloudWatch, and not here",
    "tools/call": "to call a tool of a stack takes its agent's role, which only AgentCore Runtime can be",
    "logs": "the logs of a stack are in CloudWatch: docs/observability.md says where",
    "calls": "the calls of a stack are in its gateways' logs in CloudWatch",
}
"""By what the page asks, why it is not answered."""


class Stack:
    """A stack on AWS, as it was when the console was started."""

    live = None

    def __init__(self, program: Path, stack: str, export: Mapping[str, Any], agents: Mapping[str, str]) -> None:
        """Read it.

        Args:
            program: The program's folder.
            stack: The stack's name.
            export: Its export.
            agents: The runtimes' ARNs by the agents' names.

        Raises:
            DeploymentError: The export is none.
        """
        self._program = program
        self._stack = stack
        self._deployed = Deployed(parse(export))
        self._agents = agents

    def overview(self) -> Json:
        """See `Source`."""
        runtimes = self._deployed.deployment.runtimes
        arns = [*self._agents.values(), *(it.arn for it in self._deployed.deployment.gateways)]
        models = {it.environment[_MODEL] for it in runtimes if _MODEL in it.environment}
        return {
            "program": str(self._program),
            "stack": self._stack,
            "region": next(map(region_in, arns), ""),
            "model": ", ".join(sorted(models)),
            "live": False,
            "agents": self._deployed.agents(),
            "callers": [],
            "gateways": self._deployed.gateways({}),
            "notes": [],
            "unavailable": UNAVAILABLE,
            "generation": 1,
        }

    def access(self) -> str:
        """See `Source`."""
        return self._deployed.access

    def picture(self) -> str:
        """See `Source`."""
        return self._deployed.picture

    def explained(self, principal: str, tool: str, memory: str) -> str:
        """See `Source`."""
        return self._deployed.explained(principal, tool, memory)

    def tools(self) -> Sequence[Json]:
        """See `Source`; a tool is offered to whom its deployment lets call it."""
        arns = {it.id: it.arn for it in self._deployed.deployment.gateways}
        callers = self._deployed.callers
        return [
            {**tool, "offered_to": list(callers.get((arns[gateway], name), ())), "log": None}
            for (gateway, name), tool in self._deployed.schemas.items()
        ]

    def ask(self, question: Question) -> Asking:
        """See `Source`; it costs what the agent's model costs."""
        return Asked(*checked(question, self._agents), {})

    def call(self, _call: Call) -> NoReturn:
        """See `Source`.

        Raises:
            Unavailable: Always.
        """
        raise Unavailable(UNAVAILABLE["tools/call"])

    def logs(self, _of: str, _lines: int) -> NoReturn:
        """See `Source`.

        Raises:
            Unavailable: Always.
        """
        raise Unavailable(UNAVAILABLE["logs"])

    def calls(self, _tool: str, _limit: int) -> NoReturn:
        """See `Source`.

        Raises:
            Unavailable: Always.
        """
        raise Unavailable(UNAVAILABLE["calls"])

    def what_if(self, change: Change) -> Json:
        """See `Source`."""
        return what_if.what_if(self._program, self._stack, change.give, change.take)


_MODEL = "BEDROCK_MODEL_ID"

"""What a deployment's own documents say of it, as the page asks for it: each thing is made once."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from toolgate.access.deployment.agentcore_resources import Gateway, Runtime
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.memories import VARIABLE
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.output import explanation
from toolgate.access.output.memory_explanation import explain_memory
from toolgate.access.output.picture import picture
from toolgate.access.output.svg import as_svg
from toolgate.console.source import Mistake


class Deployed:
    """A deployment as the page sees it.

    Attributes:
        deployment: The deployment.
    """

    def __init__(self, deployment: Deployment) -> None:
        """Nothing is made before it is asked for.

        Args:
            deployment: The deployment.
        """
        self.deployment = deployment
        self._lock = threading.Lock()

    @cached_property
    def _made(self) -> Matrix:
        return matrix(self.deployment)

    @property
    def _matrix(self) -> Matrix:
        with self._lock:  # who asks meanwhile waits, and makes no second one
            return self._made

    @cached_property
    def access(self) -> str:
        """Who may call what, as JSON."""
        return self._matrix.as_json()

    @cached_property
    def picture(self) -> str:
        """The picture of that, as SVG."""
        return as_svg(picture(self.deployment, self._matrix))

    def explained(self, principal: str, tool: str, memory: str) -> str:
        """Why somebody may or may not call a tool, or else use a memory.

        Raises:
            Mistake: There is nobody or nothing of this name.
        """
        if not principal or not (tool or memory):
            raise Mistake("`principal` says whose access to explain, `tool` or `memory` access to what")
        try:
            if memory:
                return explain_memory(self.deployment, principal, memory)
            is_agent = any(it.agent == principal for it in self.deployment.agents)
            of_tool = explanation.explain if is_agent else explanation.explain_principal
            return of_tool(self.deployment, principal, tool)
        except DeploymentError as error:
            raise Mistake(str(error)) from error

    @cached_property
    def schemas(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """By gateway and full name, the tools whose schemas the deployment has."""
        return dict(self._schemas())

    def _schemas(self) -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
        for gateway in self.deployment.gateways:
            for target in self.deployment.targets_of(gateway):
                for tool in target.tools or ():
                    name = target.full_name(tool)
                    described = {
                        "tool": name,
                        "gateway": gateway.id,
                        "target": target.name,
                        "description": tool.description,
                        "inputSchema": tool.input_schema,
                    }
                    yield (gateway.id, name), described

    def log_of(self, gateway: str, tool: str) -> str | None:
        """What the log of the tool's far side is called by: the function, the server, or the target; None of none."""
        for target in self.deployment.targets:
            if target.gateway_id == gateway and tool.startswith(f"{target.name}___"):
                function = self.deployment.function(target.function_arn or "")
                return function.name if function else target.name
        return None

    def gateways(self, urls: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        """The gateways.

        Args:
            urls: Where each is reached, by its id.
        """
        return [_gateway(it, urls.get(it.id, it.url)) for it in self.deployment.gateways]

    @cached_property
    def callers(self) -> Mapping[tuple[str, str], Sequence[str]]:
        """By a gateway's ARN and a tool's full name the agents that may call it, if only under conditions."""
        found: dict[tuple[str, str], list[str]] = {}
        for entry in self._matrix.entries:
            if entry.agent and entry.decision is not Access.DENY:
                # Agents with one role are one principal, named for all of them.
                found.setdefault((entry.gateway, entry.tool), []).extend(entry.agent.split(", "))
        return found

    def agents(self) -> Sequence[Mapping[str, Any]]:
        """The agents, and how many tools each may call, if only under conditions."""
        may = Counter(agent for agents in self.callers.values() for agent in agents)
        return [_agent(it, may[it.agent]) for it in self.deployment.agents]


def _gateway(gateway: Gateway, url: str) -> Mapping[str, Any]:
    return {
        "id": gateway.id,
        "arn": gateway.arn,
        "name": gateway.name,
        "url": url,
        "authorization": "tool" if gateway.policy_engine else "gateway",
        "inbound": "jwt" if gateway.jwt else "iam",
    }


def _agent(runtime: Runtime, tools: int) -> Mapping[str, Any]:
    return {
        "name": runtime.agent,
        "runtime_arn": runtime.arn,
        "tools": tools,
        "memory": VARIABLE in runtime.environment,
    }

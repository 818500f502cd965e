"""What AgentCore says of a runtime; where it cannot be asked, the deployment says."""

from collections.abc import Mapping
from typing import Any

from tests.aws.world import NotReproducedError, World
from toolgate.access.deployment.agentcore_resources import Runtime

CONTROL = "bedrock-agentcore-control"


def described(world: World, runtime: Runtime) -> Mapping[str, Any]:
    """GetAgentRuntime.

    Raises:
        NotReproducedError: There is nobody to ask.
    """
    answer: Mapping[str, Any] = world.service(CONTROL).get_agent_runtime(agentRuntimeId=runtime.id)
    return answer


def variables(world: World, runtime: Runtime) -> Mapping[str, str]:
    """The environment variables of a runtime."""
    try:
        found: Mapping[str, str] = described(world, runtime)["environmentVariables"]
    except NotReproducedError:
        return runtime.environment
    return found

"""A Lambda function of the deployment: the real handler in a process of its own, by localcore-gateway's native backend.

Written by hand: what that backend gets wrong or leaves open. The process has the function's own environment and its
role's credentials instead of the developer's; the context holds the function's ARN and the target's id.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localcore_gateway.config import LambdaFunctionConfig
from localcore_gateway.lambda_emu.base import InvokeResult

from toolgate.access.deployment.agentcore_resources import Function
from toolgate.local.serve.gateway.localcore_seams import FunctionProcess


class LocalFunction(FunctionProcess):
    """Invokes one function on behalf of one target."""

    def __init__(self, function: Function, *, target_id: str, code: Path, environment: Mapping[str, str]) -> None:
        """Prepare the function; its process starts at the first call.

        Args:
            function: The function.
            target_id: The gateway target that calls it.
            code: The folder with its code.
            environment: The whole environment of its process.
        """
        settings = LambdaFunctionConfig(
            handler=function.handler, function_name=function.name, timeout_sec=function.timeout_seconds
        )
        of_lambda = {
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "LAMBDA_TASK_ROOT": str(code),
        }
        super().__init__(settings, code=code, environment={**environment, **of_lambda}, arn=function.arn)
        self._target_id = target_id

    async def invoke(self, event: Any, *, client_context: dict[str, Any] | None = None) -> InvokeResult:
        """Call the handler; see the base class."""
        context = {**(client_context or {}), "bedrockAgentCoreTargetId": self._target_id}
        return await super().invoke(event, client_context=context)

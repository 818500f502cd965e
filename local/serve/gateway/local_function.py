"""A Lambda function of the deployment as a gateway's target calls it: the real handler, in a process of its own."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localcore_gateway.lambda_emu.base import InvokeResult, LambdaInvoker

from toolgate.access.deployment.agentcore_resources import Function
from toolgate.local.serve.access_log import ENTRY
from toolgate.local.serve.bounded_file import BoundedFile
from toolgate.local.serve.gateway.function_process import FunctionProcess
from toolgate.local.serve.gateway.localcore_seams import current_request
from toolgate.local.serve.guards.iam_guard import REQUEST_ID


class AbsentFunction(LambdaInvoker):  # type: ignore[misc]  # localcore-gateway has no types
    """A function that the deployment does not hold: its code is not here, so that each call fails and says so."""

    def __init__(self, arn: str) -> None:
        """Take the place of the function with this ARN."""
        self._arn = arn

    async def invoke(self, event: Any, *, client_context: dict[str, Any] | None = None) -> InvokeResult:
        """Answer that it is not here."""
        text = f"{self._arn} is not in the deployment, so that it cannot be called on this machine"
        return InvokeResult({"errorMessage": text, "errorType": "NotInDeployment"}, "Unhandled")


class LocalFunction(LambdaInvoker):  # type: ignore[misc]  # localcore-gateway has no types
    """Invokes one function on behalf of one target."""

    def __init__(
        self, function: Function, *, target_id: str, code: Path, environment: Mapping[str, str], log: BoundedFile
    ) -> None:
        """Prepare the function; its process starts at the first call.

        Args:
            function: The function.
            target_id: The gateway target that calls it.
            code: The folder with its code.
            environment: The whole environment of its process, but for what Lambda itself sets.
            log: Where its output goes.
        """
        self._log = log.path
        self._process = FunctionProcess(function, code=code, environment=environment, log=log)
        self._target_id = target_id

    async def invoke(self, event: Any, *, client_context: dict[str, Any] | None = None) -> InvokeResult:
        """Call the handler.

        Its request id is the gateway's, which AWS tells in the client context only: a Lambda function there has an id
        of its own for each call.
        """
        scope = current_request()
        if scope:
            scope[ENTRY].log = self._log
        of_request = scope[REQUEST_ID] if scope else str(uuid.uuid4())
        context = {
            **(client_context or {}),
            "bedrockAgentCoreTargetId": self._target_id,
            "bedrockAgentCoreAwsRequestId": of_request,
        }
        return await self._process.call(event, context, of_request)

    async def replace(self, files: Mapping[str, bytes]) -> None:
        """Replace files of the code by place; the next call meets a new process."""
        await self._process.replace(files)

    async def aclose(self) -> None:
        """End the process."""
        await self._process.aclose()

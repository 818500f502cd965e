"""A Lambda function of the deployment as a gateway calls it: the right of its role, and the handler in its process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolgate.access.deployment.agentcore_resources import Function
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Decision, IamRequest, decide
from toolgate.access.iam.policies import Policy
from toolgate.local.serve.bounded_file import BoundedFile
from toolgate.local.serve.gateway.function_process import FunctionProcess, Outcome
from toolgate.policy.language import target_rights


class AbsentFunction:
    """A function that the deployment does not hold: its code is not here, so that each call fails and says so."""

    log: Path | None = None

    def __init__(self, arn: str) -> None:
        """Take the place of the function with this ARN."""
        self._arn = arn

    async def invoke(self, _event: Any, _told: Mapping[str, str], _request_id: str) -> Outcome:
        """Answer that it is not here."""
        text = f"{self._arn} is not in the deployment, so that it cannot be called on this machine"
        return Outcome({"errorMessage": text, "errorType": "NotInDeployment"}, failed=True)

    async def aclose(self) -> None:
        """There is nothing to end."""


class LocalFunction:
    """Invokes one function on behalf of one target, or as one gateway's interceptor."""

    def __init__(self, function: Function, *, code: Path, environment: Mapping[str, str], log: BoundedFile) -> None:
        """Prepare the function; its process starts at the first call.

        Args:
            function: The function.
            code: The folder with its code.
            environment: The whole environment of its process, but for what Lambda itself sets.
            log: Where its output goes.
        """
        self.function = function
        self.log: Path | None = log.path
        self._process = FunctionProcess(function, code=code, environment=environment, log=log)

    @property
    def throttled(self) -> bool:
        """Whether nobody may call it: Lambda has reserved no call for it (developer guide, "Reserved concurrency")."""
        return self.function.reserved_concurrency == 0

    async def invoke(self, event: Any, told: Mapping[str, str], request_id: str) -> Outcome:
        """Call the handler.

        Args:
            event: Its event.
            told: What the gateway tells it of the call, as `context.client_context.custom`.
            request_id: `context.aws_request_id`. It is the gateway's, which AWS tells in the client context only: a
                Lambda function there has an id of its own for each call.
        """
        if self.throttled:
            return Outcome({"errorMessage": "Rate Exceeded.", "errorType": "TooManyRequestsException"}, failed=True)
        return await self._process.call(event, told, request_id)

    async def replace(self, files: Mapping[str, bytes]) -> None:
        """Replace files of the code by place; the next call meets a new process."""
        await self._process.replace(files)

    async def aclose(self) -> None:
        """End the process."""
        await self._process.aclose()


@dataclass(frozen=True)
class InvokeRight:
    """What a gateway's role may invoke; it hangs on nothing that one call has, so that it is decided once.

    Source: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-prerequisites-permissions.html

    Attributes:
        role: The role.
        policy: Gives the policy on a function by the function's ARN, whatever its qualifier.
    """

    role: Role
    policy: Callable[[str], Policy | None]
    _decided: dict[str, Decision] = field(default_factory=dict)

    def decision(self, function_arn: str) -> Decision:
        """The decision on the function with this ARN."""
        if function_arn not in self._decided:
            [right] = target_rights.of_function(function_arn)
            asked = IamRequest(self.role, right.action, function_arn, right.facts, self.policy(function_arn))
            self._decided[function_arn] = decide(asked)
        return self._decided[function_arn]

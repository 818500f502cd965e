"""A Lambda function behind a target: AgentCore's event and client context, and the right of the gateway's role."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.agentcore_resources import Target
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.gateway.backend import Call, Called, text_result
from toolgate.local.serve.gateway.function_process import Outcome
from toolgate.local.serve.gateway.lambda_log import last_words
from toolgate.local.serve.gateway.local_function import AbsentFunction, InvokeRight, LocalFunction
from toolgate.policy.language.agentcore_facts import INVOKE_FUNCTION

_TOOL_FAILED = "tool_failed"  # of lambdas/dispatch.py: the tool raised, and its log says what
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")  # a code is a word; what else stands there may be anybody's data
_NOT_INVOKED = (
    "Access denied while invoking Lambda function {}. Check the permissions on the Lambda function and"
    " Gateway execution role, and retry the request."
)


@dataclass(frozen=True)
class LambdaBackend:
    """A target's function.

    Attributes:
        gateway_id: The gateway that asks.
        target: The target.
        function: The function behind it.
        right: What the gateway's role may invoke.
    """

    gateway_id: str
    target: Target
    function: LocalFunction | AbsentFunction
    right: InvokeRight

    async def call(self, call: Call, entry: Entry) -> Called:
        """Invoke the function, if the gateway's role may."""
        arn = self.target.function_arn or ""
        # Nobody here knows the policy of a function that is not in the deployment; nor is it called.
        decision = self.right.decision(arn) if isinstance(self.function, LocalFunction) else None
        if decision and not decision.allowed:
            why = "the gateway's role may not invoke the function"
            entry.decided(INVOKE_FUNCTION, decision, why, self.right.role.arn)
            return Called(text_result(_NOT_INVOKED.format(arn), failed=True), made=False)
        entry.log = self.function.log
        outcome = await self.function.invoke(call.arguments, self._told(call, entry), entry.request_id)
        _note_outcome(entry, outcome)
        structured = any(tool.name == call.tool and tool.output_schema for tool in self.target.tools or ())
        return Called(_answer(outcome, structured=structured), outcome.failed)

    async def aclose(self) -> None:
        """End the function's process."""
        await self.function.aclose()

    def _told(self, call: Call, entry: Entry) -> dict[str, str]:
        """What a function is told of the call (AgentCore developer guide, "Lambda function targets")."""
        return {
            "bedrockAgentCoreMessageVersion": "1.0",
            "bedrockAgentCoreMcpMessageId": str(uuid.uuid4()),
            "bedrockAgentCoreGatewayId": self.gateway_id,
            "bedrockAgentCoreToolName": call.name,
            "bedrockAgentCoreTargetId": self.target.id,
            "bedrockAgentCoreAwsRequestId": entry.request_id,
        }


def _note_outcome(entry: Entry, outcome: Outcome) -> None:
    payload = outcome.payload
    error = payload.get("error") if isinstance(payload, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if outcome.failed:
        entry.status, entry.error_type = "function_failed", payload["errorType"]
        entry.last_words = f"{payload['errorType']}: {payload['errorMessage']}"
    elif isinstance(code, str) and _CODE.fullmatch(code):
        entry.status = code
    else:
        entry.status = "ok"
    if code == _TOOL_FAILED:
        entry.last_words = last_words(outcome.lines)


def _answer(outcome: Outcome, *, structured: bool) -> Mapping[str, Any]:
    payload = outcome.payload
    if outcome.failed and isinstance(payload, dict):  # a stack trace is nobody's business but the log's
        payload = {key: payload[key] for key in ("errorMessage", "errorType") if key in payload}
    # The client gets the function's answer as it came, as JSON text; AWS was not seen to add "structuredContent", but
    # MCP wants it from a tool with an output schema.
    both = payload if structured and isinstance(payload, dict) and not outcome.failed else None
    return text_result(json.dumps(payload, ensure_ascii=False), failed=outcome.failed, structured=both)

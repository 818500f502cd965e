"""Errors of AgentCore's data plane, as the service's model has them."""

import json

from starlette.types import Send

FIELD_VALIDATION_FAILED = "FieldValidationFailed"


async def refuse_with_reason(
    send: Send, status: int, code: str, message: str, reason: str = FIELD_VALIDATION_FAILED
) -> None:
    """Answer with an error; a ValidationException says its reason, too (botocore bedrock-agentcore)."""
    more = {"reason": reason} if code == "ValidationException" else {}
    body = json.dumps({"message": message, **more}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-errortype", code.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

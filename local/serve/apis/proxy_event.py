"""What a function is told of a request by a Lambda proxy integration, and what API Gateway makes of its answer.

Source: API Gateway developer guide, "Set up Lambda proxy integrations in API Gateway": input format, output format.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

MALFORMED = 502, {"message": "Internal server error"}
"""What the caller gets of a function that fails, or whose answer is none (the same page)."""


@dataclass(frozen=True)
class Request:
    """A request to a method.

    Attributes:
        method: Its method.
        template: The path's template in the document.
        path: Its path, without the stage.
        parameters: The path's parameters, as they were sent.
        query: Its query, as it was sent.
        headers: Its headers, in their order.
        body: Its body.
    """

    method: str
    template: str
    path: str
    parameters: Mapping[str, str]
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Context:
    """Where and by whom it was made.

    Attributes:
        account: The account.
        api_id: The API.
        stage: The stage.
        variables: Its variables.
        request_id: The request's id.
        caller: ARN of the session that signed it; None of a method that takes no signature.
    """

    account: str
    api_id: str
    stage: str
    variables: Mapping[str, Any]
    request_id: str
    caller: str | None


def event_of(request: Request, context: Context) -> dict[str, Any]:
    """The function's event. What is made up of the caller here and on AWS is somebody's own is left empty."""
    headers, query = _grouped(request.headers), _grouped(parse_qsl(request.query, keep_blank_values=True))
    now = datetime.now(UTC)
    return {
        "resource": request.template,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": headers or None,
        "queryStringParameters": _last(query),
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {name: unquote(value) for name, value in request.parameters.items()} or None,
        "stageVariables": dict(context.variables) or None,
        "requestContext": {
            "accountId": context.account,
            "apiId": context.api_id,
            "stage": context.stage,
            "resourcePath": request.template,
            "path": f"/{context.stage}{request.path}",
            "httpMethod": request.method,
            "protocol": "HTTP/1.1",
            "requestId": context.request_id,
            "extendedRequestId": context.request_id,
            "requestTime": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
            "requestTimeEpoch": int(now.timestamp() * 1000),
            "identity": {
                "accountId": context.account if context.caller else None,
                "userArn": context.caller,
                "sourceIp": "127.0.0.1",
                "userAgent": headers.get("user-agent", [None])[-1],
            },
        },
        "body": request.body.decode(errors="replace") or None,
        "isBase64Encoded": False,
    }


def answer_of(payload: Any) -> tuple[int, list[tuple[str, str]], bytes] | None:
    """Status, headers and body of a function's answer; None where it does not have the format.

    Args:
        payload: What the function returned.
    """
    if not isinstance(payload, Mapping):
        return None
    status, body = payload.get("statusCode"), payload.get("body")
    number = int(status) if isinstance(status, str) and status.isdigit() else status
    if not isinstance(number, int) or isinstance(number, bool) or not 100 <= number <= 599:
        return None
    if not (body is None or isinstance(body, str)):
        return None
    single, several = payload.get("headers") or {}, payload.get("multiValueHeaders") or {}
    if not isinstance(single, Mapping) or not isinstance(several, Mapping):
        return None
    headers = {str(name).lower(): [_text(value)] for name, value in single.items()}
    for name, values in several.items():
        if not isinstance(values, list):
            return None
        headers[str(name).lower()] = [_text(value) for value in values]
    # API Gateway's own default (the same page).
    headers.setdefault("content-type", ["application/json"])
    listed = [(name, value) for name, values in headers.items() if name not in _BY_THE_SERVER for value in values]
    return number, listed, (body or "").encode()


_BY_THE_SERVER = frozenset({"content-length", "transfer-encoding", "connection"})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _last(grouped: Mapping[str, Sequence[str]]) -> dict[str, str] | None:
    """Of several values the last, as API Gateway has it."""
    return {name: values[-1] for name, values in grouped.items()} or None

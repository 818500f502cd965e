"""Errors as each service's protocol writes them."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from xml.sax.saxutils import escape

from starlette.types import Send

from toolgate.local.serve.aws.protocols import JSON_TARGETS, MALFORMED, NOT_REPRODUCED, QUERY_VERSIONS
from toolgate.local.serve.guards.iam_guard import Refuse

# The guard's codes in each protocol's own words. Sources: S3 API reference, "Error responses"; SNS API reference,
# "Common errors", and AuthorizationError under Publish; SQS developer guide, on its JSON protocol, which gives the old
# protocol's codes in a header of their own.
_S3_CODES = {
    "AccessDeniedException": "AccessDenied",
    "ExpiredTokenException": "ExpiredToken",
    "IncompleteSignatureException": "AuthorizationHeaderMalformed",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "MissingAuthenticationTokenException": "AccessDenied",
    "UnrecognizedClientException": "InvalidAccessKeyId",
    "ValidationException": "EntityTooLarge",
    MALFORMED: "MalformedXML",
    NOT_REPRODUCED: "NotImplemented",
}
_QUERY_CODES = {
    "AccessDeniedException": "AuthorizationError",
    "ExpiredTokenException": "ExpiredToken",
    "IncompleteSignatureException": "IncompleteSignature",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ValidationException": "ValidationError",
    MALFORMED: "MalformedQueryString",
    NOT_REPRODUCED: "InvalidAction",
}
# Of what AWS's own framework refuses before a service sees it, DynamoDB and SQS say so in the type.
_FRAMEWORK = "com.amazon.coral.service#"
_FRAMED = frozenset({"dynamodb", "sqs"})
_SQS_CODES = {"AccessDeniedException": "AccessDenied"}


def refuse_as(service: str) -> Refuse:
    """How a service writes an error."""
    if service == "s3":
        return _refusing("application/xml", _s3_error)
    if service in QUERY_VERSIONS:
        return _refusing("text/xml", lambda code, message: _query_error(service, code, message))
    return _refusing(
        f"application/x-amz-json-{JSON_TARGETS[service][1]}",
        lambda code, message: _json_error(service, code, message),
    )


type _Written = tuple[str, dict[str, str]]


def _refusing(content_type: str, write: Callable[[str, str], _Written]) -> Refuse:
    """Who may not is told so with status 400 in AWS JSON, and with 403 in the others.

    DynamoDB developer guide, "Error handling with DynamoDB"; Secrets Manager API reference, "Common errors".
    """

    async def refuse(send: Send, status: int, code: str, message: str) -> None:
        text, more = write(code, message)
        if "json" in content_type and status == HTTPStatus.FORBIDDEN:
            status = HTTPStatus.BAD_REQUEST
        body = text.encode()
        headers = {"content-type": content_type, "content-length": str(len(body)), **more}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    return refuse


def _json_error(service: str, code: str, message: str) -> _Written:
    kind = f"{_FRAMEWORK}{code}" if service in _FRAMED else code
    query_compatible = {"x-amzn-query-error": f"{_SQS_CODES.get(code, code)};Sender"} if service == "sqs" else {}
    return json.dumps({"__type": kind, "Message": message, "message": message}), query_compatible


def _query_error(service: str, code: str, message: str) -> _Written:
    error = _elements({"Type": "Sender", "Code": _QUERY_CODES.get(code, code), "Message": message})
    namespace = f"http://{service}.amazonaws.com/doc/{QUERY_VERSIONS[service]}/"
    return f'<ErrorResponse xmlns="{namespace}"><Error>{error}</Error></ErrorResponse>', {}


def _s3_error(code: str, message: str) -> _Written:
    error = _elements({"Code": _S3_CODES.get(code, code), "Message": message})
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{error}</Error>', {}


def _elements(values: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())

"""Which operation a request means, and its parameters, as AWS JSON and AWS Query say it.

What was read is written anew for the emulator (`Forwarded`): it cannot understand a request in another way than the one
that IAM decided on. What only one of the two would read is refused.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from toolgate.local.serve.guards.iam_guard import RequestRefused
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.json_body import NotJsonError, read_json

JSON_TARGETS = {
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "secretsmanager": ("secretsmanager", "1.1"),
    "sqs": ("AmazonSQS", "1.0"),
    "ssm": ("AmazonSSM", "1.1"),
}
"""Services that speak AWS JSON: what `X-Amz-Target` begins with, and the version (botocore's service models)."""
QUERY_VERSIONS = {"sns": "2010-03-31"}
"""Services that speak AWS Query, and the version of their API (botocore's service models)."""

NOT_REPRODUCED = "UnknownOperationException"
MALFORMED = "SerializationException"

type Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Forwarded:
    """A request as the emulator gets it: the path undecoded, without the caller's signature."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Call:
    """What a request asks for."""

    service: str
    operation: str
    parameters: Parameters = field(repr=False)
    forwarded: Forwarded = field(repr=False)


def not_reproduced(what: str) -> RequestRefused:
    """The refusal of what nobody here can do as AWS does."""
    return RequestRefused(501, NOT_REPRODUCED, f"The local deployment does not reproduce {what} (docs/local.md)")


def malformed(text: str) -> RequestRefused:
    """The refusal of a request that does not have its protocol's form."""
    return RequestRefused(400, MALFORMED, text)


def read_post(service: str, request: Received) -> Call:
    """What a request to a service asks for that speaks AWS JSON or AWS Query.

    Raises:
        RequestRefused: It does not have the protocol's form, or has something that is not read here.
    """
    if request.method != "POST" or request.query:
        raise not_reproduced(f"a request to {service} other than a POST without a query")
    if request.header("content-encoding"):
        raise not_reproduced(f"a compressed request to {service}")
    return _json(service, request) if service in JSON_TARGETS else _query(service, request)


def _json(service: str, request: Received) -> Call:
    prefix, version = JSON_TARGETS[service]
    target, _, operation = request.header("x-amz-target").rpartition(".")
    if target != prefix or not re.fullmatch(r"[A-Za-z]+", operation):
        raise not_reproduced(f"a request to {service} whose X-Amz-Target is not '{prefix}.' and an operation")
    try:
        parameters = read_json(request.body or b"{}")
    except NotJsonError as error:
        raise malformed(str(error)) from None
    if not isinstance(parameters, dict):
        raise malformed("The body is not a JSON object")
    headers = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": f"{prefix}.{operation}"}
    body = json.dumps(parameters).encode()
    return Call(service, operation, parameters, Forwarded("POST", "/", "", headers, body))


def _query(service: str, request: Received) -> Call:
    try:
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise malformed("The body is not a form") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise malformed("A parameter is given more than once")
    operation = parameters.pop("Action", "")
    if not re.fullmatch(r"[A-Za-z]+", operation) or parameters.pop("Version", None) != QUERY_VERSIONS[service]:
        text = f"an Action of the API version {QUERY_VERSIONS[service]}"
        raise not_reproduced(f"a request to {service} that does not name {text}")
    form = {"Action": operation, "Version": QUERY_VERSIONS[service], **parameters}
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    forwarded = Forwarded("POST", "/", "", headers, urlencode(form).encode())
    return Call(service, operation, parameters, forwarded)

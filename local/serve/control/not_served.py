"""The answer for what is not here, in the form of the service that was meant: no SDK has to say `invalid XML`."""

from functools import cache

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from starlette.types import Receive, Scope, Send

from toolgate.local.serve.control.error_forms import refuser
from toolgate.local.serve.guards.iam_guard import signed_for

CODE = "UnknownOperationException"


async def not_served(scope: Scope, _receive: Receive, send: Send) -> None:
    """Refuse a request that no service takes."""
    meant = signed_for(scope)
    of = f" of {meant}" if meant else ""
    text = f"The local deployment has no such operation{of}: docs/local.md lists those that it has"
    await refuser(_protocol(scope, meant or ""))(send, 404, CODE, text)


def _protocol(scope: Scope, meant: str) -> str:
    """Most protocols show in the request; the REST ones do not, and EC2's looks like Query."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    if headers.get(b"smithy-protocol") == "rpc-v2-cbor":
        return "smithy-rpc-v2-cbor"
    if b"x-amz-target" in headers:
        return "json"
    if headers.get(b"content-type", "").startswith("application/x-www-form-urlencoded"):
        return "ec2" if meant == "ec2" else "query"
    return "s3" if meant == "s3" else _protocol_of(meant)


@cache
def _protocol_of(signing_name: str) -> str:
    """By botocore's model of the service with this name; those with REST and XML are signed for their own names."""
    try:
        model = Loader().load_service_model(signing_name, "service-2")
    except UnknownServiceError:
        return "rest-json"
    return str(ServiceModel(model, signing_name).resolved_protocol)

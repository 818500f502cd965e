"""Which operation of S3 a request means, and its parameters: S3 says so by method, path, query and headers.

How each operation's request looks is botocore's service model's to say.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from toolgate.local.serve.aws.protocols import Call, Forwarded, malformed, not_reproduced
from toolgate.local.serve.guards.iam_guard import RequestRefused
from toolgate.local.serve.guards.sigv4 import Received

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Of the signature and the transport, or written anew.
_S3_DROPPED = frozenset(
    {
        *("authorization", "connection", "content-length", "expect", "host", "te", "transfer-encoding"),
        *("x-amz-date", "x-amz-security-token", "x-amz-user-agent"),
    }
)
_S3_OF_THE_BODY = frozenset({"x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-trailer"})


@dataclass(frozen=True)
class _S3Operation:
    """An operation of S3 and how a request for it looks, by botocore's service model.

    Attributes:
        name: Its name.
        method: Its HTTP method.
        level: How many of bucket and key its path has.
        fixed: What its query always has.
        query: Parameters in the query by their names there.
        headers: Parameters in headers by their names there, in lower case.
        required: Those of `query` and `headers` that it cannot be without.
        prefixes: What headers begin with that hold a map.
    """

    name: str
    method: str
    level: int
    fixed: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    required: frozenset[str]
    prefixes: tuple[str, ...]

    def fits(self, method: str, level: int, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Whether a request may be meant for it."""
        fixed = all(query.get(name) == value for name, value in self.fixed.items())
        return (method, level) == (self.method, self.level) and fixed and self.required <= query.keys() | headers.keys()


@cache
def _s3_operations() -> tuple[_S3Operation, ...]:
    model = ServiceModel(Loader().load_service_model("s3", "service-2"), "s3")
    return tuple(_s3_operation(model.operation_model(name)) for name in model.operation_names)


def _s3_operation(operation: OperationModel) -> _S3Operation:
    path, _, query = operation.http["requestUri"].partition("?")
    located: dict[str, dict[str, str]] = {"querystring": {}, "header": {}, "headers": {}}
    shape = operation.input_shape
    required = set()
    for name, member in shape.members.items() if shape else ():
        where, there = member.serialization.get("location"), member.serialization.get("name", name)
        if where in located:
            located[where][there.lower() if where != "querystring" else there] = name
            if name in shape.required_members:
                required.add(there.lower() if where != "querystring" else there)
    return _S3Operation(
        name=operation.name,
        method=operation.http["method"],
        level=path.count("{"),
        fixed=dict(parse_qsl(query, keep_blank_values=True)),
        query=located["querystring"],
        headers=located["header"],
        required=frozenset(required),
        prefixes=tuple(located["headers"]),
    )


def read_s3(request: Received) -> Call:
    """What a request to S3 asks for.

    Raises:
        RequestRefused: It does not have S3's form, or has something that is not read here.
    """
    headers = {name.lower(): value for name, value in request.headers}
    if len(headers) != len(request.headers):
        raise malformed("A header is given more than once")
    pairs = parse_qsl(request.query, keep_blank_values=True)
    query = dict(pairs)
    if len(query) != len(pairs):
        raise malformed("A parameter of the query is given more than once")
    query.pop("x-id", None)  # some SDKs write the operation's name into it
    names = _bucket_and_key(request.path)
    fitting = [it for it in _s3_operations() if it.fits(request.method, len(names), query, headers)]
    if not fitting:
        raise not_reproduced(f"this {request.method} request to S3")
    operation = max(fitting, key=lambda it: (len(it.fixed), len(it.required)))
    parameters: dict[str, Any] = {**names, **_located(operation, query, headers)}
    if operation.name == "DeleteObjects":
        parameters["Delete"] = _objects(request.body)
    path = "/" + "/".join(quote(part, safe="/~") for part in names.values())
    kept = {name: value for name, value in headers.items() if name not in _S3_DROPPED}
    if "CopySource" in parameters:
        parameters["CopySource"] = source = _copy_source(parameters["CopySource"])
        version = f"?versionId={quote(source['VersionId'])}" if "VersionId" in source else ""
        kept["x-amz-copy-source"] = quote(f"{source['Bucket']}/{source['Key']}", safe="/~") + version
    body = request.body
    if request.header("x-amz-content-sha256").startswith("STREAMING-"):
        body = _unchunked(body)
        encodings = [it for it in kept.pop("content-encoding", "").split(",") if it.strip() not in {"", "aws-chunked"}]
        kept |= {"content-encoding": ",".join(encodings)} if encodings else {}
    kept = {name: value for name, value in kept.items() if name not in _S3_OF_THE_BODY}
    forwarded = Forwarded(request.method, path, urlencode(query, quote_via=quote), kept, body)
    return Call("s3", operation.name, parameters, forwarded)


def _located(operation: _S3Operation, query: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, str]:
    """The parameters in query and headers; what the operation does not have there is refused."""
    parameters = {}
    for name, value in query.items():
        if name not in operation.fixed and name not in operation.query:
            raise not_reproduced(f"'{name}' in the query of {operation.name}")
        if name in operation.query:
            parameters[operation.query[name]] = value
    for name, value in headers.items():
        if name in operation.headers:
            parameters[operation.headers[name]] = value
        elif name.startswith("x-moto") or (name.startswith("x-amz-") and not _known(name, operation)):
            raise not_reproduced(f"the header '{name}' of {operation.name}")
    return parameters


def _known(name: str, operation: _S3Operation) -> bool:
    # A checksum may be of any kind, whichever the model lists for the operation.
    return name in _S3_DROPPED | _S3_OF_THE_BODY or name.startswith((*operation.prefixes, "x-amz-checksum-"))


def _bucket_and_key(path: str) -> dict[str, str]:
    bucket, _, key = path.removeprefix("/").partition("/")
    try:
        names = {"Bucket": unquote(bucket, errors="strict"), "Key": unquote(key, errors="strict")}
    except UnicodeDecodeError:
        raise malformed("The path is not UTF-8") from None
    found = {name: value for name, value in names.items() if value}
    if "Bucket" in found and not _BUCKET.fullmatch(found["Bucket"]):
        raise RequestRefused(400, "InvalidBucketName", "The specified bucket is not valid.")
    if "Key" in found and "Bucket" not in found:
        raise malformed("The path has no bucket")
    return found


def _unchunked(body: bytes) -> bytes:
    """A body without the marks of its chunks, and without the checksum behind it, which is not compared here.

    S3 API reference, "Signature Calculations for the Authorization Header: Transferring a Payload in Multiple Chunks".
    """
    content: list[bytes] = []
    while True:
        size, mark, body = body.partition(b"\r\n")
        if not mark or not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size):
            raise malformed("The body is not in chunks")
        length = int(size, 16)
        if length == 0:
            return b"".join(content)
        content.append(body[:length])
        if body[length : length + 2] != b"\r\n":
            raise malformed("A chunk of the body has another length")
        body = body[length + 2 :]


def _copy_source(header: str) -> dict[str, str]:
    """The object that `x-amz-copy-source` names (S3 API reference, CopyObject)."""
    path, _, query = header.partition("?")
    names = _bucket_and_key("/" + path.removeprefix("/"))
    version = dict(parse_qsl(query, keep_blank_values=True))
    if len(names) != 2 or version.keys() - {"versionId"}:
        raise not_reproduced("a copy source other than a bucket, a key and a version")
    return names | ({"VersionId": version["versionId"]} if version else {})


def _objects(body: bytes) -> list[dict[str, str]]:
    """The keys, and versions if any, that a DeleteObjects names."""
    if b"<!" in body:  # neither a document type nor entities: nothing that needs care to be read
        raise malformed("The XML you provided was not well-formed")
    try:
        root = ET.fromstring(body.decode())  # noqa: S314  # see above
    except (ET.ParseError, UnicodeDecodeError):
        raise malformed("The XML you provided was not well-formed") from None
    parts = ({_local(part.tag): part.text or "" for part in it} for it in root.iter() if _local(it.tag) == "Object")
    objects = [part for part in parts if part.get("Key")]
    if not objects or len(objects) != sum(_local(it.tag) == "Key" for it in root.iter()):
        raise malformed("The XML you provided does not name objects, each with one key")
    return objects


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]

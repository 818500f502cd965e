"""An error as each of AWS's protocols writes it, so that every SDK reads its code and its message.

The code also stands in `x-amzn-errortype`, whatever the protocol.
Source: Smithy specification, "AWS protocols": awsJson1_0 and 1_1, restJson1, awsQuery, ec2Query, restXml (S3's has no
wrapping), rpcv2Cbor.
"""

import json
from collections.abc import Awaitable, Callable
from xml.sax.saxutils import escape

from starlette.types import Send

type _Body = Callable[[str, str], bytes]


def refuser(protocol: str) -> Callable[[Send, int, str, str], Awaitable[None]]:
    """What refuses a request in a protocol.

    Args:
        protocol: botocore's name of it: `json`, `rest-json`, `query`, `ec2`, `rest-xml`, `smithy-rpc-v2-cbor`; or `s3`,
            which writes XML of its own.
    """
    content_type, body_of = _FORMS.get(protocol, _FORMS["rest-json"])
    more = [(b"smithy-protocol", b"rpc-v2-cbor")] if protocol == "smithy-rpc-v2-cbor" else []

    async def refuse(send: Send, status: int, code: str, message: str) -> None:
        body = body_of(code, message)
        headers = [
            (b"content-type", content_type),
            (b"content-length", str(len(body)).encode()),
            (b"x-amzn-errortype", code.encode()),
            *more,
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return refuse


def _json(code: str, message: str) -> bytes:
    return json.dumps({"__type": code, "message": message}).encode()


def _rest_json(_code: str, message: str) -> bytes:
    return json.dumps({"message": message}).encode()


def _xml(code: str, message: str) -> str:
    return f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"


def _query(code: str, message: str) -> bytes:
    return f"<ErrorResponse><Error><Type>Sender</Type>{_xml(code, message)}</Error></ErrorResponse>".encode()


def _s3(code: str, message: str) -> bytes:
    return f"<Error>{_xml(code, message)}</Error>".encode()


def _ec2(code: str, message: str) -> bytes:
    return f"<Response><Errors><Error>{_xml(code, message)}</Error></Errors></Response>".encode()


def _cbor(code: str, message: str) -> bytes:
    pairs = (("__type", code), ("message", message))
    return b"\xa2" + b"".join(_cbor_text(text) for pair in pairs for text in pair)  # a map of two


def _cbor_text(text: str) -> bytes:
    encoded = text.encode()
    return b"\x79" + len(encoded).to_bytes(2) + encoded  # a text whose length has two bytes (RFC 8949)


_FORMS: dict[str, tuple[bytes, _Body]] = {
    "json": (b"application/x-amz-json-1.0", _json),
    "rest-json": (b"application/json", _rest_json),
    "query": (b"text/xml", _query),
    "rest-xml": (b"application/xml", _query),
    "s3": (b"application/xml", _s3),
    "ec2": (b"text/xml", _ec2),
    "smithy-rpc-v2-cbor": (b"application/cbor", _cbor),
}

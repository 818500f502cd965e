"""Images in tools' results, as Bedrock takes them."""

from typing import Any

# What files of Bedrock's formats begin with (botocore's bedrock-runtime model, shape ImageFormat).
_BEGINS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF87a": "gif", b"GIF89a": "gif"}
# Bedrock user guide, "Using the Converse API": each image has at most 3.75 MB.
_MOST = 3_750_000


def block(data: bytes) -> Any | None:
    """The image as a block of content; None if Bedrock would refuse it, and the whole request with it.

    Its format is what its bytes say: tools name another one, and models refuse such an image.
    """
    webp = "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
    kind = next((kind for begin, kind in _BEGINS.items() if data.startswith(begin)), webp)
    return {"image": {"format": kind, "source": {"bytes": data}}} if kind and len(data) <= _MOST else None

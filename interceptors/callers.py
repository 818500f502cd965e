"""Who a caller is and what it was handed: shipped beside `intercept.py` where a function asks for a `Caller`.

The components write a parameter of Parameter Store for each agent and client that was handed tools of the gateway:
`{"name": "...", "tools": ["math___add_numbers", "orders___*"]}`. boto3 is part of Lambda's Python (Lambda developer
guide, "Building Lambda functions with Python", runtime-included SDK versions).
"""

import functools
import json
import logging
import os
import re
import time
from collections.abc import Mapping
from typing import Any

from intercept import Caller

SECONDS = 60.0
"""How long an answer is kept: what a caller is no longer handed it does not see after that."""

_CLIENT = re.compile(r"[A-Za-z0-9_.-]{1,128}")

# With DEBUG, which the function's log level may be, botocore logs what it signs with.
logging.getLogger("botocore").setLevel(logging.INFO)

_kept: dict[str, tuple[float, Caller | None]] = {}


class UnknownCallerError(Exception):
    """Nobody was handed anything by that name; the text names the client."""


def caller_of(claims: Mapping[str, Any], claim: str, prefix: str) -> Caller:
    """Who a token's client is.

    Args:
        claims: The token's claims; the gateway has verified them.
        claim: The claim that names the client; the gateway's issuer says which it is, and no other is believed.
        prefix: The path of the gateway's callers in Parameter Store, `/.../`.

    Raises:
        UnknownCallerError: The token names no client, or one that was handed nothing.
        botocore.exceptions.ClientError: AWS refuses to say.
    """
    asking = claims.get(claim)
    if not isinstance(asking, str) or not _CLIENT.fullmatch(asking):  # it becomes a part of a path
        raise UnknownCallerError("The token names no client that could be looked up.")
    path = prefix + asking
    until, caller = _kept.get(path, (0.0, None))
    if time.monotonic() >= until:
        caller = _read(path)
        _kept[path] = time.monotonic() + SECONDS, caller
    if caller is None:
        raise UnknownCallerError(f"The client {asking} was handed no tools of this gateway.")
    return caller


def _read(path: str) -> Caller | None:
    store = client()
    try:
        value = json.loads(store.get_parameter(Name=path)["Parameter"]["Value"])
    except store.exceptions.ParameterNotFound:
        return None
    name, tools = value["name"], value["tools"]
    if not isinstance(name, str) or not isinstance(tools, list) or not all(isinstance(it, str) for it in tools):
        raise TypeError(f"{path} does not say what its caller may call.")
    return Caller(name, tuple(tools))


@functools.cache
def client() -> Any:
    """Parameter Store. The first time this may take longer than a call may: a second and more of Lambda's processor."""
    import boto3  # noqa: PLC0415 takes its time: not before it is needed

    return boto3.client("ssm", region_name=os.environ["AWS_REGION"])

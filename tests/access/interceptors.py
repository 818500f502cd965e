"""An interceptor `limits` for cases: its function, and how a gateway names it."""

import json
from collections.abc import Mapping
from typing import Any

from tests.access.conftest import ACCOUNT

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:limits"

type Part = tuple[str, str, Mapping[str, Any]]


def interceptor(*points: str, arn: str = ARN, headers: bool = False) -> dict[str, Any]:
    """A gateway's entry for it."""
    return {
        "interceptionPoints": list(points),
        "interceptor": {"lambda": {"arn": arn}},
        "inputConfiguration": {"passRequestHeaders": headers},
    }


def asked(*points: str, **more: Any) -> dict[str, Any]:
    """A gateway's properties with it."""
    return {"interceptorConfigurations": [interceptor(*points, **more)]}


def function(name: str = "limits", timeout: int = 10, **declared: Any) -> Part:
    """Its function, with a declaration."""
    properties = {
        **{"name": name, "arn": ARN.replace("limits", name), "role": f"arn:aws:iam::{ACCOUNT}:role/{name}"},
        **{"handler": "intercept.handler", "timeout": timeout},
        "environment": {"variables": {"INTERCEPTS": json.dumps(declared), "LIMIT": "100"}},
    }
    return "aws:lambda/function:Function", name, properties

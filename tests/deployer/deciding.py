"""What the deployer's document allows, decided by `access`."""

import re
from collections.abc import Mapping
from typing import Any

from toolgate.access.iam.evaluation import IamRequest, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy

ACCOUNT, REGION = "123456789012", "us-east-1"
AGENTCORE = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}"


def allowed(document: Mapping[str, Any], action: str, resource: str, **facts: str) -> bool:
    """The same with condition keys as words, `_` for `:`."""
    return decided(document, action, resource, {key.replace("_", ":"): value for key, value in facts.items()})


def decided(document: Mapping[str, Any], action: str, resource: str, facts: Mapping[str, str | None]) -> bool:
    """Whether whoever has this document and nothing else may do it; a fact that is None is absent from the request."""
    role = Identity(
        arn=f"arn:aws:iam::{ACCOUNT}:role/deployer", name="deployer", policies=(Policy("deployer", document),)
    )
    return decide(IamRequest(role, action, resource, {"aws:RequestedRegion": REGION, **facts})).allowed


def covers(pattern: str, arn: str) -> bool:
    """Whether a statement's resource means this ARN; `*` alone stands for an action that takes no resource."""
    if pattern == "*":
        return arn == "*"
    return re.fullmatch(re.escape(pattern).replace(r"\?", ".").replace(r"\*", ".*"), arn) is not None

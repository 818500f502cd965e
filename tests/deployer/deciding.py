"""What the deployer's document allows, decided by `access`."""

from collections.abc import Mapping
from typing import Any

from toolgate.access.iam.evaluation import IamRequest, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy

ACCOUNT, REGION = "123456789012", "us-east-1"
AGENTCORE = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}"


def allowed(document: Mapping[str, Any], action: str, resource: str, **facts: str) -> bool:
    role = Identity(
        arn=f"arn:aws:iam::{ACCOUNT}:role/deployer", name="deployer", policies=(Policy("deployer", document),)
    )
    known = {"aws:RequestedRegion": REGION} | {key.replace("_", ":"): value for key, value in facts.items()}
    return decide(IamRequest(role, action, resource, known)).allowed

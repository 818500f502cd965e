"""Who calls a gateway: somebody who signs as a role, or somebody who comes with a token."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from toolgate.access.cedar.cedar_policies import CedarPrincipal, iam_entity
from toolgate.access.cedar.tools_schema import OAUTH_USER
from toolgate.local.serve.access_log import CLIENT_CLAIMS
from toolgate.policy.language.agentcore_facts import entity_id


@dataclass(frozen=True)
class GatewayCaller:
    """A caller.

    Attributes:
        owner: Whose its MCP sessions are: what stays the same from one credential or token to the next.
        cedar: How a policy engine's policies know it.
    """

    owner: str
    cedar: CedarPrincipal


@lru_cache(maxsize=256)
def by_role(role_arn: str) -> GatewayCaller:
    """Who signs as a role."""
    return GatewayCaller(role_arn, iam_entity(entity_id(role_arn)))


def by_token(claims: Mapping[str, Any]) -> GatewayCaller:
    """Who comes with a token of these claims.

    Its claims are its tags (AgentCore developer guide, "policy-conditions"). What becomes of a claim that is no text is
    not documented: here it is its JSON.
    """
    tags = tuple((name, _text(value)) for name, value in sorted(claims.items()))
    clients = [claims.get(name) for name in CLIENT_CLAIMS]
    owner = json.dumps([claims.get("iss"), claims["sub"], next((it for it in clients if it), None)])
    return GatewayCaller(owner, CedarPrincipal(OAUTH_USER, claims["sub"], tags))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

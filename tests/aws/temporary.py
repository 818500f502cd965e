"""Policies and gateways that a question makes by the way, through AgentCore's own API, and takes away again."""

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from tests.aws.waiting import until

SECONDS = 300.0
_UNDER_WAY = {"CREATING", "UPDATING", "DELETING"}


@contextlib.contextmanager
def policy(control: Any, engine_id: str, statement: str) -> Iterator[str]:
    """A Cedar policy for as long as the block runs; gives `ACTIVE`, or the refusal.

    Args:
        control: A client of bedrock-agentcore-control.
        engine_id: The policy engine.
        statement: The policy.
    """
    try:
        made = control.create_policy(
            name=f"probe_{uuid.uuid4().hex[:8]}",
            policyEngineId=engine_id,
            definition={"cedar": {"statement": statement}},
            validationMode="FAIL_ON_ANY_FINDINGS",
        )
    except ClientError as error:
        yield refusal(error)
        return
    its = {"policyEngineId": engine_id, "policyId": made["policyId"]}
    try:
        yield _outcome(lambda: control.get_policy(**its))
    finally:
        _gone(lambda: control.delete_policy(**its), lambda: control.get_policy(**its))


def gateway(control: Any, name: str, role_arn: str, *settings: Mapping[str, Any]) -> str:
    """What becomes of a gateway: `READY`, or the refusal; it is gone afterwards.

    Args:
        control: A client of bedrock-agentcore-control.
        name: The gateway's name.
        role_arn: A role that trusts a gateway of this name.
        settings: What it is told of MCP: when it is made, and what it is changed to then. With a change the answer also
            says what the gateway has afterwards.
    """
    first, *changes = settings
    its = {"name": name, "roleArn": role_arn, "authorizerType": "AWS_IAM", "protocolType": "MCP"}
    try:
        made = control.create_gateway(**its, protocolConfiguration={"mcp": first})
    except ClientError as error:
        return refusal(error)
    known = {"gatewayIdentifier": made["gatewayId"]}
    try:
        outcome = _outcome(lambda: control.get_gateway(**known))
        for change in changes:
            control.update_gateway(**known, **its, protocolConfiguration={"mcp": change})
            outcome = _outcome(lambda: control.get_gateway(**known))
            outcome += has(control.get_gateway(**known)["protocolConfiguration"]["mcp"])
    except ClientError as error:
        return refusal(error)
    finally:
        _gone(lambda: control.delete_gateway(**known), lambda: control.get_gateway(**known))
    return outcome


def has(mcp: Mapping[str, Any]) -> str:
    """What a gateway has that only its creation decides."""
    return f", {mcp.get('searchType') or 'no'} search, {' '.join(sorted(mcp.get('supportedVersions') or ()))}"


def refusal(error: ClientError) -> str:
    """AWS's code and message."""
    said = error.response.get("Error", {})
    return f"{said.get('Code')}: {said.get('Message')}"


def _outcome(get: Callable[[], Any]) -> str:
    """The status once nothing is under way any more, and its reasons."""

    def ended() -> Any:
        now = get()
        return None if now["status"] in _UNDER_WAY else now

    seen = until("a status", ended, SECONDS)
    return ": ".join([seen["status"], *seen.get("statusReasons", [])])


def _gone(delete: Callable[[], Any], get: Callable[[], Any]) -> None:
    delete()

    def missing() -> bool:
        try:
            get()
        except ClientError as error:
            return bool(error.response["Error"]["Code"] == "ResourceNotFoundException")
        return False

    until("its deletion", missing, SECONDS)

"""The Cedar permits we write, and what is checked of them before anything is deployed.

A permit names one caller, exactly the tools that were handed over, and one gateway. AgentCore developer guide, "Policy
scope": the id of a caller by IAM is the role's ARN as its sessions show it, without the session's name; a caller by
token is an `OAuthUser` whose tags are the token's claims, and the claim that names its client tells it from others. An
action is `<target>___<tool>`, or the target for all of its tools; naming actions takes the gateway's exact ARN.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import cedarpy
import pulumi

from toolgate.components.checks import identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam.iam_documents import AwsEnvironment

# botocore bedrock-agentcore-control Statement
SHORTEST_STATEMENT, LONGEST_STATEMENT = 35, 10_000
# AgentCore developer guide, "Limitations" of Policy and "Quotas", Policy: policies per engine, and the policies' size
# per resource, in bytes.
MOST_POLICIES = 1000
LARGEST_OF_GATEWAY = 200_000


@dataclass(frozen=True)
class IamRole:
    """A caller that signs its requests.

    Attributes:
        entity: The role's entity id, as `role_entity` gives it.
    """

    entity: str


@dataclass(frozen=True)
class OAuthClient:
    """A caller that has a token.

    Attributes:
        claim: The claim that names the client.
        value: The client's id.
    """

    claim: str
    value: str


Caller = IamRole | OAuthClient


@dataclass(frozen=True)
class Scope:
    """Whom a permit is for, and where: both are known only once they are made.

    Attributes:
        caller: The caller.
        gateway: The gateway's ARN.
    """

    caller: Caller
    gateway: str


# Stand-ins for a scope that is not known yet. The longest: IAM API reference, RoleName (64); botocore
# DefaultClientIdType (256), and GatewayArn (a Region of 20 characters; 48 are a gateway's name in all).
_ACCOUNT = "0" * 12
_LONGEST_ROLE = IamRole(f"arn:aws-us-gov:sts::{_ACCOUNT}:assumed-role/{'r' * 64}")
_LONGEST_CLIENT = "c" * 256
_LONGEST_GATEWAY = f"arn:aws-us-gov:bedrock-agentcore:{'r' * 20}:{_ACCOUNT}:gateway/{'g' * 48}-{'0' * 10}"
_SHORTEST_ROLE = IamRole(f"arn:aws:sts::{_ACCOUNT}:assumed-role/r")
_SHORTEST_GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{_ACCOUNT}:gateway/g-{'0' * 10}"


def role_entity(env: AwsEnvironment, role_name: pulumi.Input[str]) -> pulumi.Output[str]:
    """The entity id of a role's sessions.

    AgentCore developer guide, "Policy conditions": `arn:<partition>:sts::<account>:assumed-role/<role name>`. Neither
    the role's own ARN nor its path appears.
    """
    return env.arn("sts", pulumi.Output.concat("assumed-role/", role_name), region="")


def given_role_entity(role_arn: pulumi.Output[str]) -> pulumi.Output[str]:
    """The same of a role of which only the ARN is known."""

    def entity(arn: str) -> str:
        _, partition, _, _, account, resource = arn.split(":", 5)
        return f"arn:{partition}:sts::{account}:assumed-role/{resource.rpartition('/')[2]}"

    return role_arn.apply(entity)


def permit(scope: Scope, actions: Sequence[str], when: str | None = None) -> str:
    """The statement of one policy: the caller may call these tools of this gateway, and no other.

    Args:
        scope: The caller and the gateway.
        actions: Full tool names, and targets for all of their tools.
        when: A condition in Cedar that must hold for each call, such as `context.input.amount < 1000`.

    Raises:
        UsageError: A client's id is not one, and might end the text that it stands in.
    """
    principal, conditions = _principal(scope.caller)
    listed = ",\n".join(f'    AgentCore::Action::"{action}"' for action in actions)
    # The condition has lines of its own: one that ends in a comment must not hide what follows it.
    conditions = [*conditions, *([] if when is None else [f"when {{\n{when}\n}}"])]
    return (
        f"permit(\n  principal {principal},\n"
        f"  action in [\n{listed}\n  ],\n"
        f'  resource == AgentCore::Gateway::"{scope.gateway}"\n{"\n".join([")", *conditions])};\n'
    )


def _principal(caller: Caller) -> tuple[str, list[str]]:
    """What the permit's head says of the caller, and the conditions that say the rest."""
    if isinstance(caller, IamRole):
        return f'== AgentCore::IamEntity::"{caller.entity}"', []
    identifiers.check(identifiers.CLIENT, caller.value, "the client of a Cedar permit")
    # Without `hasTag` Cedar's validation refuses `getTag`: a token may lack the claim.
    named = f'principal.hasTag("{caller.claim}") && principal.getTag("{caller.claim}") == "{caller.value}"'
    return "is AgentCore::OAuthUser", [f"when {{ {named} }}"]


def smallest(actions: Sequence[str], when: str | None = None, claim: str | None = None) -> int:
    """The bytes that the permit has at least, whatever caller and gateway it will name.

    Args:
        actions: Full tool names and targets.
        when: The condition, if there is one.
        claim: The claim that names the client, where the caller has a token.
    """
    caller = OAuthClient(claim, "c") if claim else _SHORTEST_ROLE
    return len(permit(Scope(caller, _SHORTEST_GATEWAY), actions, when).encode())


def sample(actions: Sequence[str], when: str | None = None, claim: str | None = None) -> str:
    """The permit for a caller and a gateway that are not known yet, as long as it can become.

    Args:
        actions: Full tool names and targets.
        when: The condition, if there is one.
        claim: The claim that names the client, where the caller has a token.
    """
    caller = OAuthClient(claim, _LONGEST_CLIENT) if claim else _LONGEST_ROLE
    return permit(Scope(caller, _LONGEST_GATEWAY), actions, when)


def check(actions: Sequence[str], when: str | None, where: str, claim: str | None = None) -> None:
    """Check that the permit is one that AWS takes, and the one that is meant.

    Args:
        actions: Full tool names and targets, each of a name that AgentCore takes.
        when: The condition, if there is one.
        where: Who hands the tools over, for messages.
        claim: The claim that names the client, where the caller has a token.

    Raises:
        UsageError: The condition is not one Cedar expression, or the statement may become too long.
    """
    if when is not None:
        _check_condition(when, where)
    characters = len(sample(actions, when, claim))
    if not SHORTEST_STATEMENT <= characters <= LONGEST_STATEMENT:
        raise UsageError(
            f"{where}: the Cedar statement of this grant may have {characters} characters; AgentCore takes "
            f"{SHORTEST_STATEMENT} to {LONGEST_STATEMENT}. Hand the tools over in several `gateway.tools(...)`, or "
            "all of the gateway's tools with `gateway.tools()`."
        )


def _check_condition(when: str, where: str) -> None:
    """Raise unless the condition is one expression: text that closes the braces would write policies of its own."""
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(sample(["t___t"], when)))
    except ValueError as error:
        raise UsageError(f"{where}: the condition {when!r} is not Cedar: {error}.") from error
    policies = list(parsed["staticPolicies"].values())
    if parsed["templates"] or len(policies) != 1 or [it["kind"] for it in policies[0]["conditions"]] != ["when"]:
        raise UsageError(
            f"{where}: the condition {when!r} is more than one expression. Write what stands between the braces of "
            "`when { ... }`."
        )

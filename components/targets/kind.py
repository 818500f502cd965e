"""What a kind of target says of itself: how AgentCore is told of it, and what the gateway's role may do for it.

A target is of the kind whose key it has. `kinds` has all of them; a ToolGateway knows none by name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from toolgate.components.iam.iam_documents import AwsEnvironment, Statement
from toolgate.components.tools.listed_schema import ToolSchema

type Given = Mapping[str, Any]
"""A target as a ToolGateway was given it; its leaves may be Outputs."""


@dataclass(frozen=True)
class GatewayRole:
    """The role that a gateway calls its targets with.

    Attributes:
        arn: Its ARN.
        gateway_name: The gateway's name in AWS.
        here: Where the stack is deployed.
    """

    arn: pulumi.Output[str]
    gateway_name: str
    here: AwsEnvironment


@dataclass(frozen=True)
class Beside:
    """What a kind needs besides its target, and makes after the gateway's role and before the target.

    Attributes:
        name: The name of the target's resource: what is made is called by it.
        role: The gateway's role.
        opts: Parent and hooks.
    """

    name: str
    role: GatewayRole
    opts: pulumi.ResourceOptions


def _nothing(_target: Given, _where: str) -> None:
    """Nothing to check besides types."""


def _none(_target: Given, _beside: Beside) -> list[pulumi.Resource]:
    """Nothing to make."""
    return []


@dataclass(frozen=True)
class Kind:
    """A kind of target.

    Attributes:
        key: The key of a GatewayTarget by which it is known.
        what: What stands behind it, in words, for messages.
        configuration: The member `mcp` of its `target_configuration`, from the target and its tools.
        credentials: Its `credential_provider_configuration`, or None where it takes none.
        grants: What the gateway's role may do for all targets of this kind, by their names.
        check: Checks what the target's type does not say; it may raise UsageError. It is told the target's place.
        make: Makes what it needs besides, which the target waits for.
    """

    key: str
    what: str
    configuration: Callable[[Given, Sequence[ToolSchema]], dict[str, Any]]
    credentials: Callable[[Given], dict[str, Any] | None]
    grants: Callable[[Mapping[str, Given], GatewayRole], list[Statement]]
    check: Callable[[Given, str], None] = _nothing
    make: Callable[[Given, Beside], list[pulumi.Resource]] = _none

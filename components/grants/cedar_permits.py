"""An agent's Cedar permits: one policy for each grant of a gateway that authorizes tools, in that gateway's engine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import names
from toolgate.components.checks.errors import UsageError
from toolgate.components.grants import cedar_text
from toolgate.components.tool_gateway import GatewayTools


@dataclass
class _Written:
    policies: int = 0
    bytes: int = 0


# By the engine's id, which every grant of one gateway shares. A program in another language hands over ids that are
# no longer the same object; there AWS counts.
_written: WeakKeyDictionary[pulumi.Output[str], _Written] = WeakKeyDictionary()


def check(handed: Sequence[GatewayTools], tools: Sequence[list[str]], agent: str, where: str) -> None:
    """Check what an agent is handed, before anything of it is made.

    Args:
        handed: The grants.
        tools: The tools of each grant.
        agent: The agent's runtime name; its policies are named after it.
        where: Whose grants they are, for messages.

    Raises:
        UsageError: A grant names no tool or is no valid Cedar, has a condition that nothing would enforce, or the
            engine would hold more than AgentCore takes.
    """
    for number, (grant, its_tools) in enumerate(zip(handed, tools, strict=True)):
        here = f"{where}.tools[{number}]"
        if not its_tools:
            raise UsageError(f"{here}: names no tool. Leave the grant out.")
        for action in (*its_tools, *_actions(grant, its_tools)):
            names.checked(names.FULL_TOOL, action, advice="Hand tools over with `gateway.tools(...)`.")
        if "policy_engine_id" in grant:
            cedar_text.check(_actions(grant, its_tools), grant.get("when"), here)
        elif "when" in grant:
            raise UsageError(f"{here}: a condition holds only with authorization 'tool' on the gateway.")
    for number, index in _with_engine(handed):
        names.policy(agent, number)
        _count(handed[index], tools[index], where)


def write(
    name: str, agent: str, role: pulumi.Input[str], handed: Sequence[GatewayTools], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Write one permit for each grant that needs one; there are no others.

    Args:
        name: The component's name.
        agent: The agent's runtime name.
        role: The role's entity id, as `cedar.role_entity` gives it.
        handed: The grants, their tools as `check` has seen them.
        opts: The policies' parent and hooks.
    """
    made: list[pulumi.Resource] = []
    for number, index in _with_engine(handed):
        policy = aws.bedrock.AgentcorePolicy(
            names.numbered(f"{name}-tools", "-", number),
            name=names.policy(agent, number),
            policy_engine_id=handed[index].get("policy_engine_id"),
            definition={"cedar": {"statement": _statement(role, handed[index])}},
            validation_mode="FAIL_ON_ANY_FINDINGS",
            # A replacement cannot be made while the old one holds the name.
            opts=opts.merge(pulumi.ResourceOptions(delete_before_replace=True, protect=False)),
        )
        made.append(policy)
    return made


def _statement(role: pulumi.Input[str], grant: GatewayTools) -> pulumi.Output[str]:
    def write_permit(known: list[Any]) -> str:
        role_entity, gateway, tools = known
        return cedar_text.permit(cedar_text.Scope(role_entity, gateway), _actions(grant, tools), grant.get("when"))

    return pulumi.Output.all(role, grant["gateway_arn"], grant["tools"]).apply(write_permit)


def _actions(grant: GatewayTools, tools: list[str]) -> list[str]:
    return grant.get("actions", tools)


def _with_engine(handed: Sequence[GatewayTools]) -> Iterator[tuple[int, int]]:
    """The places of the grants that need a permit, numbered from one."""
    return enumerate((index for index, grant in enumerate(handed) if "policy_engine_id" in grant), start=1)


def _count(grant: GatewayTools, tools: list[str], where: str) -> None:
    engine = grant.get("policy_engine_id")
    if not isinstance(engine, pulumi.Output):
        return
    written = _written.setdefault(engine, _Written())
    written.policies += 1
    written.bytes += cedar_text.smallest(_actions(grant, tools), grant.get("when"))
    if written.policies > cedar_text.MOST_POLICIES:
        raise UsageError(
            f"{where}.tools: would be Cedar policy number {written.policies} on this gateway; an engine takes "
            f"{cedar_text.MOST_POLICIES}. Hand an agent its tools in one grant, or serve some agents from a second "
            "gateway."
        )
    if written.bytes > cedar_text.LARGEST_OF_GATEWAY:
        raise UsageError(
            f"{where}.tools: the Cedar policies of this gateway would have {written.bytes} bytes; AgentCore takes "
            f"{cedar_text.LARGEST_OF_GATEWAY} per gateway. Hand over all tools with `gateway.tools()`, which names "
            "targets only, or serve some agents from a second gateway."
        )

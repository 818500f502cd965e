"""What a caller is handed: its grants checked, and a Cedar policy for each that a gateway's policy engine decides."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_schema, cedar_text, inbound
from toolgate.components.grants.cedar_schema import Tools
from toolgate.components.grants.cedar_text import Caller
from toolgate.components.grants.tool_grants import GatewayTools


@dataclass(frozen=True)
class Handed:
    """The grants of one agent or client.

    Attributes:
        grants: As they were handed over.
        tools: The tools of each grant, once they are known and every grant is found right. Each document is made of
            them, so that a grant that is found wrong only then is not written.
        policy_name: The name of its Cedar policy of a number.
    """

    grants: Sequence[GatewayTools]
    tools: pulumi.Output[list[list[str]]]
    policy_name: Callable[[int], str]

    def signed(self) -> list[GatewayTools]:
        """The grants of gateways that take requests which the role signs."""
        return [grant for grant in self.grants if "bearer" not in grant]

    def gateway_arns(self) -> pulumi.Output[list[str]]:
        """The ARNs of the gateways that take signed requests, each once."""
        arns = pulumi.Output.all(*[grant["gateway_arn"] for grant in self.signed()])
        return pulumi.Output.all(arns, self.tools).apply(lambda known: list(dict.fromkeys(known[0])))

    def names(self) -> pulumi.Output[list[str]]:
        """The full names of all the tools."""
        return self.tools.apply(lambda known: [tool for tools in known for tool in tools])


def check(grant: GatewayTools, tools: Sequence[str], where: str, of_gateway: Tools | None = None) -> None:
    """Check one grant.

    `ToolGateway.tools` asks, so that the error is where the grant is made; and `handed` asks of every grant, as one may
    have been written out or changed by hand.

    Args:
        grant: The grant.
        tools: Its tools.
        where: Whose it is, for messages.
        of_gateway: The gateway's tools, where their schemas are known: a condition must fit them.

    Raises:
        UsageError: It names no tool or is no valid Cedar, or has a condition that nothing would enforce.
    """
    if not tools:
        raise UsageError(f"{where}: names no tool. Leave the grant out.")
    claim = inbound.client_claim(grant.get("bearer"))
    actions, when = _actions(grant, tools), grant.get("when")
    for action in (*tools, *actions):
        names.checked(names.FULL_TOOL, action, advice="Hand tools over with `gateway.tools(...)`.")
    if "callers" in grant and "bearer" not in grant:
        raise UsageError(f"{where}: has 'callers', which names clients, and its gateway takes no tokens. Remove it.")
    if "policy_engine_id" not in grant:
        if "when" in grant:
            raise UsageError(f"{where}: a condition holds only with authorization 'tool' on the gateway.")
        return
    if of_gateway is None:
        cedar_text.check(actions, when, where, claim)
    else:
        cedar_schema.check(actions, when, of_gateway, where, claim)


def handed(grants: Sequence[GatewayTools], policy_name: Callable[[int], str], where: str) -> Handed:
    """The grants of an agent or client, checked: before anything is made, or as soon as their tools are known.

    Args:
        grants: The grants.
        policy_name: The name of its Cedar policy of a number; it refuses what AWS would refuse.
        where: Whose grants they are, for messages.

    Raises:
        UsageError: A tool is handed over twice, a grant cannot be written, or an engine would hold more than AgentCore
            takes.
    """

    def checked(tools: list[list[str]]) -> list[list[str]]:
        every = [tool for its_tools in tools for tool in its_tools]
        if twice := sorted({tool for tool in every if every.count(tool) > 1}):
            raise UsageError(f"{where}.tools: {', '.join(twice)} handed over twice. Hand each tool over once.")
        for index, (grant, its_tools) in enumerate(zip(grants, tools, strict=True)):
            check(grant, its_tools, f"{where}.tools[{index}]")
        for number, index in _with_engine(grants):
            policy_name(number)
            _count(grants[index], tools[index], where)
        return tools

    given = [grant["tools"] for grant in grants]
    tools = arguments.derived(given, list[list[str]], f"{where}.tools", checked)
    return Handed(grants, pulumi.Output.from_input(tools), policy_name)


def write(
    name: str, handed: Handed, caller: Callable[[GatewayTools], pulumi.Output[Caller]], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Write one permit for each grant that needs one; there are no others.

    Args:
        name: The component's name.
        handed: The grants.
        caller: As whom the grant's gateway knows the agent or client.
        opts: The policies' parent and hooks.
    """
    return [
        aws.bedrock.AgentcorePolicy(
            names.numbered(f"{name}-tools", "-", number),
            name=handed.policy_name(number),
            policy_engine_id=handed.grants[index].get("policy_engine_id"),
            definition={"cedar": {"statement": _statement(caller(handed.grants[index]), handed, index)}},
            validation_mode="FAIL_ON_ANY_FINDINGS",
            # A replacement cannot be made while the old one holds the name.
            opts=opts.merge(pulumi.ResourceOptions(delete_before_replace=True, protect=False)),
        )
        for number, index in _with_engine(handed.grants)
    ]


def _statement(caller: pulumi.Output[Caller], handed: Handed, index: int) -> pulumi.Output[str]:
    grant = handed.grants[index]

    def permit(known: list[Any]) -> str:
        who, gateway, tools = known
        return cedar_text.permit(cedar_text.Scope(who, gateway), _actions(grant, tools[index]), grant.get("when"))

    return pulumi.Output.all(caller, grant["gateway_arn"], handed.tools).apply(permit)


def _actions(grant: GatewayTools, tools: Sequence[str]) -> Sequence[str]:
    return grant.get("actions", tools)


def _with_engine(grants: Sequence[GatewayTools]) -> Iterator[tuple[int, int]]:
    """The indices of the grants that need a permit, numbered from one."""
    return enumerate((index for index, grant in enumerate(grants) if "policy_engine_id" in grant), start=1)


@dataclass
class _Written:
    """What this program writes into one policy engine."""

    policies: int = 0
    bytes: int = 0


def _count(grant: GatewayTools, tools: Sequence[str], where: str) -> None:
    engine = grant.get("policy_engine_id")
    # A program in another language hands over ids that are no longer the same object; there AWS counts.
    if not isinstance(engine, pulumi.Output):
        return
    # The count is kept on the gateway's engine id, an object that all of the gateway's grants share, and ends with it.
    # By `vars`: any other attribute of an Output is one of its value.
    written: _Written = vars(engine).setdefault("_toolgate_written", _Written())
    written.policies += 1
    claim = inbound.client_claim(grant.get("bearer"))
    written.bytes += cedar_text.smallest(_actions(grant, tools), grant.get("when"), claim)
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

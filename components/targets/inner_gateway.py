"""A gateway behind a gateway: the outer one's role calls the inner one's tools, and no others of it.

Both gateways decide: the outer one whether its caller may call `<target>___<inner target>___<tool>`, the inner one
whether the outer one's role may call `<inner target>___<tool>` (seen live by others: awslabs/nx-plugin-for-aws#802).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pulumi

from toolgate.components.checks import identifiers, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_permits, cedar_text
from toolgate.components.grants.cedar_text import IamRole
from toolgate.components.grants.tool_grants import GatewayTools
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import Statement
from toolgate.components.targets import listed_tools
from toolgate.components.targets.kind import Beside, GatewayRole, Kind
from toolgate.components.tools.listed_schema import ToolSchema

KEY = "gateway"
SERVICE = "bedrock-agentcore"
"""What requests to a gateway are signed for (AgentCore developer guide, "Set up outbound authorization")."""


def check_names(targets: Mapping[str, Mapping[str, Any]], name: str) -> None:
    """Check the names of the permits that are written for the gateway's role.

    Args:
        targets: The gateway's targets.
        name: The gateway's component.

    Raises:
        UsageError: AWS would refuse one.
    """
    for target_name, target in targets.items():
        if KEY in target and "policy_engine_id" in target[KEY]:
            _policy_name(f"{name}-{target_name}", 1)


def _policy_name(resource: str, number: int) -> str:
    return names.gateway_policy(pulumi.get_project(), pulumi.get_stack(), resource, number)


def _check(target: Mapping[str, Any], where: str) -> None:
    grant, place = target[KEY], f"{where}.{KEY}"
    identifiers.check(identifiers.GATEWAY, grant["gateway_arn"], f"{place}.gateway_arn")
    if "bearer" in grant:
        raise UsageError(
            f"{place}: it takes tokens, and a gateway signs its requests to another one. Let it take requests that a "
            "role signs: leave 'inbound' out there."
        )
    given, tools = grant["tools"], target["tools"]
    if not isinstance(given, pulumi.Output):
        cedar_permits.check(grant, given, place)
        unknown = [name for name in _names(tools) if name not in given]
        if unknown:
            raise UsageError(f"{where}.tools: {unknown[0]!r} is not handed over by '{KEY}'. Hand it over, or leave it.")


def _names(tools: Any) -> list[str]:
    """The tools' names, as far as they are known."""
    if isinstance(tools, pulumi.Output):
        return []
    return [str(tool.get("name")) for tool in tools if isinstance(tool, Mapping)]


def _configuration(target: Mapping[str, Any], tools: Sequence[ToolSchema]) -> dict[str, Any]:
    return listed_tools.configuration(target[KEY]["gateway_url"], tools, tools)


def _credentials(target: Mapping[str, Any]) -> dict[str, Any]:
    region = pulumi.Output.from_input(target[KEY]["gateway_arn"]).apply(lambda arn: str(arn.split(":")[3]))
    return {"gateway_iam_role": {"service": SERVICE, "region": region}}


def _grants(targets: Mapping[str, Mapping[str, Any]], _role: GatewayRole) -> list[Statement]:
    arns = pulumi.Output.all(*[target[KEY]["gateway_arn"] for target in targets.values()])
    once = arns.apply(lambda known: list(dict.fromkeys(known)))
    return [iam_documents.allow("InvokeGateways", iam_documents.INVOKE_GATEWAY, once)]


def _make(target: Mapping[str, Any], beside: Beside) -> list[pulumi.Resource]:
    """Write the inner gateway's permit for the outer one's role, where it decides tool by tool."""
    handed = cedar_permits.handed([_served(target)], partial(_policy_name, beside.name), f"target {beside.name!r}")
    role = cedar_text.given_role_entity(beside.role.arn)
    return cedar_permits.write(beside.name, handed, lambda _grant: role.apply(IamRole), beside.opts)


def _served(target: Mapping[str, Any]) -> GatewayTools:
    """The grant for the tools that the outer gateway serves, which may be fewer than were handed over."""
    grant: GatewayTools = target[KEY]
    served = _names(target["tools"])
    if isinstance(target["tools"], pulumi.Output) or set(served) == set(_list(grant["tools"])):
        return grant
    less: GatewayTools = {**grant, "tools": served}
    if "actions" in less:
        less["actions"] = served
    return less


def _list(tools: Any) -> list[str]:
    return [] if isinstance(tools, pulumi.Output) else [*tools]


KIND = Kind(
    key=KEY,
    what="another gateway",
    configuration=_configuration,
    credentials=_credentials,
    grants=_grants,
    check=_check,
    make=_make,
)

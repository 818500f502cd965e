"""What an alias keeps of a gateway, and what it cannot: its name in AWS is made of the component's."""

import re
from collections.abc import Callable

import pulumi
import pytest
from pulumi import automation as auto

from toolgate import ToolGateway, ToolGatewayArgs

from .conftest import Engine, Start

TOOLS: ToolGatewayArgs = {
    "targets": {
        "crm": {
            "function_arn": "arn:aws:lambda:us-east-1:123456789012:function:crm",
            "tools": [
                {"name": "find", "description": "Find.", "inputSchema": {"type": "object", "properties": {}}},
            ],
        }
    }
}


class Platform(pulumi.ComponentResource):
    """A program's own place for its gateways."""

    def __init__(self) -> None:
        super().__init__("program:index:Platform", "platform")


Options = Callable[[], pulumi.ResourceOptions]


def test_an_alias_keeps_a_gateway_under_another_parent_and_not_one_of_another_name(start: Start) -> None:
    as_now: list[tuple[str, Options]] = [("tools", pulumi.ResourceOptions)]

    def program() -> None:
        name, options = as_now[-1]
        ToolGateway(name, TOOLS, options())

    def moved() -> pulumi.ResourceOptions:
        aliases = [pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]
        return pulumi.ResourceOptions(parent=Platform(), aliases=aliases, protect=True)

    def renamed() -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=Platform(), aliases=[pulumi.Alias(name="tools")], protect=True)

    engine = start(program)
    engine.up()
    made = ids(engine)

    as_now.append(("tools", moved))
    assert engine.up().get("create") == 1  # the new parent
    assert ids(engine) == made

    as_now.append(("crm", renamed))
    with pytest.raises(auto.CommandError) as refused:
        engine.stack.preview()
    replaced = re.findall(r'unable to replace resource "\S+::(\S+)"', str(refused.value))
    assert set(replaced) == {"crm-gateway"}


def ids(engine: Engine) -> set[str]:
    """Of what is in the state."""
    return {it["id"] for it in engine.resources() if "id" in it}

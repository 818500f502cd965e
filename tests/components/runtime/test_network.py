from typing import Any

import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import network

SUBNET, GROUP = "subnet-0123456789abcdef0", "sg-0123456789abcdef0"


def test_without_a_network_the_runtime_is_public() -> None:
    network.check(None, "here")
    assert network.configuration(None) == {"network_mode": "PUBLIC"}


def test_a_network_is_a_vpc() -> None:
    given: network.Network = {"subnets": [SUBNET, pulumi.Output.from_input("x")], "security_groups": [GROUP] * 16}
    network.check(given, "here")
    assert network.configuration(given) == {"network_mode": "VPC", "network_mode_config": given}


@pytest.mark.parametrize(
    ("subnets", "groups", "message"),
    [
        ([], [GROUP], "here.subnets: number of ids: is 0; 1 to 16 are allowed."),
        ([SUBNET], [GROUP] * 17, "here.security_groups: number of ids: is 17; 1 to 16 are allowed."),
        ([SUBNET, "subnet-1"], [GROUP], "here.subnets[1]: 'subnet-1' is no subnet id. Write one like subnet-"),
        ([SUBNET], [SUBNET], "here.security_groups[0]: 'subnet-0123456789abcdef0' is no security group id."),
    ],
)
def test_what_is_wrong_is_named_with_its_place(subnets: Any, groups: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        network.check({"subnets": subnets, "security_groups": groups}, "here")
    assert str(raised.value).startswith(message)

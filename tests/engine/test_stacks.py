"""Each stack of the sample with a real engine: made, and nothing to change at a second update or after a refresh."""

import pytest
from pulumi import automation as auto

from tests.planning import SAMPLE
from toolgate.local.engine.stack_config import stack_config

from .conftest import Start

HERE = {"toolgate:bundle": "sources", "toolgate:protect": "false"}
"""The stand-in runs no zip, and what is protected is another test's."""


@pytest.mark.parametrize("stack", ["dev", "agents", "gateways", "jwt", "prod"])
def test_a_second_update_and_a_refresh_change_nothing(start: Start, stack: str) -> None:
    engine = start()
    settings = dict(stack_config(SAMPLE, stack, HERE).values)
    settings.pop("pulumi:autonaming")  # it cannot be given as a text
    engine.stack.set_all_config({key: auto.ConfigValue(value) for key, value in settings.items()})
    assert set(engine.up()) == {"create"}
    assert set(engine.up()) == {"same"}
    engine.stack.refresh(expect_no_changes=True)
    assert set(engine.up()) == {"same"}
    engine.stack.destroy()
    assert engine.account() == []

"""Names by `pulumi:autonaming`."""

import json
import re
from typing import Any

import pytest

from toolgate.local.engine.autonaming import KEY, Autonaming, read
from toolgate.local.engine.stack_config import ConfigError


def by(setting: Any) -> Autonaming:
    return read({KEY: json.dumps(setting)}, "shop", "prod")


def test_without_the_setting_a_name_is_the_resources_and_seven_digits() -> None:
    assert re.fullmatch(r"tools-role-[0-9a-f]{7}", read({}, "shop", "prod").name("tools-role", "seed"))


def test_a_pattern_puts_project_and_stack_before_it() -> None:
    naming = by({"pattern": "${project}-${stack}-${name}-${hex(5)}"})
    assert re.fullmatch(r"shop-prod-tools-role-[0-9a-f]{5}", naming.name("tools-role", "seed"))


def test_a_seed_gives_one_name() -> None:
    naming = by({"pattern": "${name}-${hex(7)}"})
    assert naming.name("role", "a") == naming.name("role", "a") != naming.name("role", "b")


def test_a_name_in_the_program_is_never_read_as_a_pattern() -> None:
    assert by({"pattern": "x-${name}"}).name("${hex(3)}", "seed") == "x-${hex(3)}"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"mode": "verbatim"}, "only `pattern`"),
        ({"pattern": "${name}", "enforce": True}, "only `pattern`"),
        ({"pattern": "${name}", "providers": {}}, "only `pattern`"),
        ({"pattern": 1}, "only `pattern`"),
        (["${name}"], "only `pattern`"),
        ({"pattern": "${name}-${uuid}"}, "${uuid} is not followed"),
        ({"pattern": "${config.owner}-${name}"}, "${config.owner} is not followed"),
        ({"pattern": "${name}-${hex(x)}"}, "${hex(x)} is not followed"),
    ],
)
def test_what_is_not_followed_is_refused(setting: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{KEY}: ")) as raised:
        by(setting)
    assert said in str(raised.value)


def test_a_setting_that_is_no_map_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be a map"):
        read({KEY: "${name}"}, "shop", "prod")

"""Names of resources that the program leaves to Pulumi, by the setting `pulumi:autonaming`.

A real engine reads the setting itself and proposes each name to the provider. Here the test runtime has no engine, so
the same is done for it (pulumi/pulumi pkg/cmd/pulumi/autonaming, pkg/resource/autonaming).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from toolgate.local.engine.stack_config import ConfigError

KEY = "pulumi:autonaming"
DEFAULT = "${name}-${hex(7)}"
"""What Pulumi's AWS provider does without the setting."""
_HEX = re.compile(r"\$\{hex\((\d+)\)\}")


@dataclass(frozen=True)
class Autonaming:
    """How resources are named.

    Attributes:
        pattern: The name, with `${name}` for the resource's name in the program and `${hex(N)}` for N hexadecimal
            digits.
    """

    pattern: str = DEFAULT

    def name(self, logical: str, seed: str) -> str:
        """The name for a resource.

        Args:
            logical: Its name in the program.
            seed: Decides the digits; one seed gives one name.
        """
        digits = hashlib.sha256(seed.encode()).hexdigest()
        return _HEX.sub(lambda found: digits[: int(found[1])], self.pattern).replace("${name}", logical)


def read(config: Mapping[str, str], project: str, stack: str) -> Autonaming:
    """How a stack names its resources.

    Args:
        config: The stack's configuration, `namespace:key` -> text.
        project: The project's name.
        stack: The stack's name.

    Raises:
        ConfigError: The setting is malformed, or asks for more than a pattern of `${project}`, `${stack}`,
            `${name}` and `${hex(N)}`.
    """
    if KEY not in config:
        return Autonaming()
    try:
        setting = json.loads(config[KEY])
    except ValueError as error:
        raise ConfigError(f"{KEY}: must be a map with a `pattern` ({error})") from error
    if not isinstance(setting, dict) or setting.keys() != {"pattern"} or not isinstance(setting["pattern"], str):
        raise ConfigError(f"{KEY}: only `pattern` is followed here, and no other key beside it")
    pattern = setting["pattern"].replace("${project}", project).replace("${stack}", stack)
    if left := re.findall(r"\$\{[^}]*\}", _HEX.sub("", pattern.replace("${name}", ""))):
        raise ConfigError(
            f"{KEY}: {left[0]} is not followed here. Use ${{project}}, ${{stack}}, ${{name}} and ${{hex(N)}}."
        )
    return Autonaming(pattern)

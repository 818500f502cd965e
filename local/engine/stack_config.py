"""A stack's configuration, read as the Pulumi CLI reads it: from `Pulumi.yaml` and `Pulumi.<stack>.yaml`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

_SETTINGS = re.compile(r"Pulumi\.([A-Za-z0-9_.-]+)\.yaml")  # the names that Pulumi takes (pkg tokens.IsName)


class ConfigError(Exception):
    """The configuration cannot be used; the text says which file and key."""


@dataclass(frozen=True)
class StackConfig:
    """A stack's configuration as the program will see it.

    Attributes:
        values: `namespace:key` -> text (JSON for maps and lists).
        secrets: The keys whose values are secrets.
    """

    values: dict[str, str]
    secrets: frozenset[str]


def stacks_of(root: Path) -> list[str]:
    """The stacks that a program has settings for."""
    found = (_SETTINGS.fullmatch(file.name) for file in root.glob("Pulumi.*.yaml"))
    return sorted(match[1] for match in found if match)


def project_name(root: Path) -> str:
    """The project's name.

    Raises:
        ConfigError: `Pulumi.yaml` is missing or has no name.
    """
    name = _read(root / "Pulumi.yaml").get("name")
    if not isinstance(name, str):
        raise ConfigError("Pulumi.yaml: `name` is missing; write the project's name there")
    return name


def stack_config(root: Path, stack: str, overrides: Mapping[str, str]) -> StackConfig:
    """The stack's configuration.

    Args:
        root: The folder of the files.
        stack: The stack's name.
        overrides: Values that go before those of the files.

    Raises:
        ConfigError: A file is missing or malformed, or a value is encrypted and not overridden.
    """
    file = root / f"Pulumi.{stack}.yaml"
    if not file.exists():
        known = sorted(path.name.split(".")[1] for path in root.glob("Pulumi.*.yaml"))
        raise ConfigError(f"no stack `{stack}`: {file.name} is missing; there are: {', '.join(known) or 'none'}")
    project = project_name(root)
    declared = _section(root / "Pulumi.yaml")
    given = _section(file)
    config: dict[str, str] = {}
    secrets = set()
    for key, entry in declared.items():
        value = entry.get("value", entry.get("default")) if isinstance(entry, dict) else entry
        if value is not None:
            config[_qualified(project, key)] = _text(value)
    for key, value in given.items():
        name = _qualified(project, key)
        if isinstance(value, dict) and "secure" in value:
            secrets.add(name)
            if name not in overrides:
                raise ConfigError(
                    f"{file.name}: {name} is encrypted and cannot be read here; leave it out or override it"
                )
        elif value is not None:
            config[name] = _text(value)
    return StackConfig(config | dict(overrides), frozenset(secrets))


def _section(file: Path) -> dict[str, Any]:
    section = _read(file).get("config") or {}
    if not isinstance(section, dict):
        raise ConfigError(f"{file.name}: `config` must be a map of `namespace:key` to a value")
    return section


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text())
    except OSError as error:
        raise ConfigError(f"{file.name}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file.name}: is not YAML ({str(error).splitlines()[0]})") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigError(f"{file.name}: must be a map")
    return content or {}


def _qualified(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)

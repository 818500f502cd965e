"""A stack's configuration, read as the Pulumi CLI reads it: from `Pulumi.yaml` and `Pulumi.<stack>.yaml`.

Every key of the two files that changes what the program sees is followed, or is an error (pulumi
`sdk/go/common/workspace/project.go`, `loaders.go` and `paths.go`, `pkg/workspace/config.go`); `settings_keys.py` has
all of them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolgate.local.engine import settings_keys
from toolgate.local.engine.provider_config import refused
from toolgate.local.engine.settings_file import ConfigError, read

__all__ = [
    "PROJECT_FILES",
    "ConfigError",
    "StackConfig",
    "program_folder",
    "project_name",
    "settings_file",
    "stack_config",
    "stacks_of",
]

PROJECT_FILES = ("Pulumi.json", "Pulumi.yaml", "Pulumi.yml")
"""The project's file, in the order in which Pulumi looks for it (`encoding.Exts`)."""

_SETTINGS = re.compile(r"Pulumi\.([A-Za-z0-9_.-]+)\.(?:json|yaml|yml)")  # the names that Pulumi takes (tokens.IsName)
_DECLARATION = {"type", "items", "description", "secret", "default", "value"}
_TYPES = ("string", "integer", "boolean", "array", "object")


@dataclass(frozen=True)
class StackConfig:
    """A stack's configuration as the program will see it.

    Attributes:
        values: `namespace:key` -> text (JSON for maps and lists).
        secrets: The keys whose values are secrets.
    """

    values: dict[str, str]
    secrets: frozenset[str]


@dataclass(frozen=True)
class _Project:
    file: Path
    name: str
    settings: Path
    declared: Mapping[str, Any]
    main: str


def stacks_of(root: Path) -> list[str]:
    """The stacks that a program has settings for; those beside the project's file where that cannot be read."""
    try:
        project = _project(root)
    except ConfigError:
        return _names(root, ".yaml")
    return _names(project.settings, project.file.suffix)


def project_name(root: Path) -> str:
    """The project's name.

    Raises:
        ConfigError: The project's file is missing, has no name, or is not for a Python program.
    """
    return _project(root).name


def program_folder(root: Path) -> Path:
    """Where the program is, and what its relative paths are relative to: `main` of the project, or its own folder.

    Raises:
        ConfigError: There is no such folder.
    """
    project = _project(root)
    folder = (root / project.main).resolve()
    if folder.name == "__main__.py":
        folder = folder.parent
    if not folder.is_dir():
        raise ConfigError(
            f"{project.file.name}: `main` is {project.main}, which is no folder; write the folder with `__main__.py`"
        )
    return folder


def settings_file(root: Path, stack: str) -> Path:
    """The file with a stack's configuration, whether or not it is there.

    Raises:
        ConfigError: The project's file cannot be used.
    """
    return _settings(_project(root), stack)


def _settings(project: _Project, stack: str) -> Path:
    return project.settings / f"Pulumi.{stack}{project.file.suffix}"


def stack_config(root: Path, stack: str, overrides: Mapping[str, str]) -> StackConfig:
    """The stack's configuration.

    Args:
        root: The folder of the project's file.
        stack: The stack's name.
        overrides: Values that go before those of the files; a key without a namespace is the project's own.

    Raises:
        ConfigError: A file is missing or malformed, a value is encrypted and not overridden or is not of its declared
            type, or a key changes what the program sees in a way that cannot be followed here.
    """
    project = _project(root)
    overrides = {_qualified(project.name, key): text for key, text in overrides.items()}
    file = _settings(project, stack)
    if not file.exists():
        known = ", ".join(_names(project.settings, project.file.suffix)) or "none"
        raise ConfigError(f"no stack `{stack}`: {file.name} is missing; there are: {known}")
    content = read(file, settings_keys.STACK)
    if content.get("environment"):
        raise ConfigError(
            f"{file.name}: `environment` takes values from Pulumi ESC, which cannot be read here; "
            "write those that the program needs under `config:` of a stack that has no `environment`"
        )
    values, secrets = _given(file, content, project, overrides)
    where = dict.fromkeys(values, file.name)
    for name, entry in _declared(project).items():
        given_here = name in values or name in overrides
        default = entry.get("value", entry.get("default"))
        if not given_here and default is not None:
            values[name] = default
            where[name] = project.file.name
        elif not given_here and name.startswith(f"{project.name}:"):
            raise ConfigError(f"{file.name}: {name} is missing, which {project.file.name} declares without a default")
        if "type" in entry and name not in overrides:
            _check_type(where[name], name, entry, values[name])
        if entry.get("secret"):
            secrets.add(name)
            if "type" in entry and name not in overrides:
                text = f"{where[name]}: {name} must be encrypted: {project.file.name} declares it a secret"
                raise ConfigError(f"{text}; leave it out and override it")
    for key in (name for name, it in settings_keys.ENGINE.items() if it is settings_keys.Treatment.REFUSED):
        if values.get(key) or key in overrides:
            raise ConfigError(f"{where.get(key, 'the configuration')}: {key} is not reproduced here; leave it out")
    followed = {name: _text(value) for name, value in values.items()} | dict(overrides)
    of_the_provider = {name.removeprefix("aws:"): text for name, text in followed.items() if name.startswith("aws:")}
    for key, reason in sorted(refused(of_the_provider).items()):
        raise ConfigError(f"{where.get(f'aws:{key}', 'the configuration')}: aws:{key} {reason}")
    return StackConfig(followed, frozenset(secrets))


def _given(
    file: Path, content: Mapping[str, Any], project: _Project, overrides: Mapping[str, str]
) -> tuple[dict[str, Any], set[str]]:
    """The values of the stack's file, and which of its keys are secrets."""
    values, secrets = {}, set()
    for key, value in _section(file, content).items():
        name = _qualified(project.name, key)
        if _holds_secret(value):
            secrets.add(name)
            if name not in overrides:
                raise ConfigError(
                    f"{file.name}: {name} is encrypted and cannot be read here; leave it out or override it"
                )
        elif value is None:
            # loaders.go, checkForEmptyConfig: an empty text today, and something else in a future version.
            raise ConfigError(f'{file.name}: {key} has no value; write one ("" for an empty text), or remove the key')
        else:
            values[name] = value
    return values, secrets


def _project(root: Path) -> _Project:
    file = next((root / name for name in PROJECT_FILES if (root / name).is_file()), root / "Pulumi.yaml")
    content = read(file, settings_keys.PROJECT)
    name = content.get("name")
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{file.name}: `name` is missing; write the project's name there")
    runtime = content.get("runtime")
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if language not in {None, "python"}:
        raise ConfigError(
            f"{file.name}: `runtime` is {language}, and only a Python program can be run here; "
            "take an export of its stack instead (`pulumi stack export`, --deployment)"
        )
    folder, declared = content.get("stackConfigDir"), content.get("config")
    if isinstance(declared, str):  # what `stackConfigDir` was called before
        if folder:
            raise ConfigError(
                f"{file.name}: `config` names a folder, and so does `stackConfigDir`; write only the latter"
            )
        folder, declared = declared, None
    for key, value in {"stackConfigDir": folder, "main": content.get("main")}.items():
        if value is not None and not isinstance(value, str):
            raise ConfigError(f"{file.name}: `{key}` must be a path")
    section = _section(file, {"config": declared})
    return _Project(file, name, root / (folder or "."), section, content.get("main") or ".")


def _names(settings: Path, suffix: str) -> list[str]:
    found = (_SETTINGS.fullmatch(file.name) for file in settings.glob(f"Pulumi.*{suffix}"))
    return sorted(match[1] for match in found if match)


def _declared(project: _Project) -> dict[str, Mapping[str, Any]]:
    """The project's declarations, written out, and checked as Pulumi checks them."""
    found: dict[str, Mapping[str, Any]] = {}
    for key, entry in project.declared.items():
        name = _qualified(project.name, key)
        own = name.startswith(f"{project.name}:")
        written = entry if isinstance(entry, dict) else {"default" if own else "value": entry}
        where = f"{project.file.name}: config.{key}"
        unknown = sorted(set(written) - _DECLARATION)
        if unknown:
            raise ConfigError(f"{where}: unknown {', '.join(unknown)}; a map goes below `default` or `value`")
        if "default" in written and "value" in written:
            raise ConfigError(f"{where} has both `default` and `value`; write one of them")
        if not own and ("type" in written or "default" in written or written.get("value") is None):
            raise ConfigError(f"{where} is not the project's own: it takes a `value`, and no `type` or `default`")
        if "type" in written:
            _check_declared(where, written)
        found[name] = written
    return found


def _check_declared(where: str, entry: Mapping[str, Any]) -> None:
    if entry["type"] not in _TYPES:
        raise ConfigError(f"{where}: unknown type {entry['type']}; there are {', '.join(_TYPES)}")
    if entry["type"] == "array" and not isinstance(entry.get("items"), dict):
        raise ConfigError(f"{where} is an array: write the type of its items below `items`")


def _check_type(file: str, name: str, entry: Mapping[str, Any], value: Any) -> None:
    # Pulumi compares what it has stored, and that is text but for maps and lists.
    stored = value if isinstance(value, dict | list) else _text(value)
    if not _is_of(entry["type"], entry.get("items"), stored):
        raise ConfigError(f"{file}: {name} must be of type {_type_name(entry)}")


def _is_of(kind: str, items: Any, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            whole = isinstance(value, int) and not isinstance(value, bool)
            return whole or (isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]+", value) is not None)
        case "boolean":
            return isinstance(value, bool) or value in ("true", "false")
        case "object":
            return isinstance(value, dict)
        case _:
            each = items if isinstance(items, dict) else {}
            return isinstance(value, list) and all(_is_of(each.get("type", ""), each.get("items"), it) for it in value)


def _type_name(entry: Mapping[str, Any]) -> str:
    items = entry.get("items")
    return f"array<{_type_name(items)}>" if isinstance(items, dict) else str(entry.get("type"))


def _holds_secret(value: Any) -> bool:
    """Whether a value is encrypted, or holds one that is, at any depth."""
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(_holds_secret(item) for item in value.values())
    return isinstance(value, list) and any(_holds_secret(item) for item in value)


def _section(file: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    section = content.get("config") or {}
    if not isinstance(section, dict):
        raise ConfigError(f"{file.name}: `config` must be a map of `namespace:key` to a value")
    return section


def _qualified(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)

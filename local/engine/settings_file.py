"""A file of settings, a project's or a stack's, read as Pulumi reads it: YAML 1.2 or JSON."""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from toolgate.access.deployment.text_file import checked, json_of, read_text
from toolgate.local.engine import settings_keys


class ConfigError(Exception):
    """The configuration cannot be used; the text says which file and key."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML as Pulumi's library reads it: `on` and `1:30` are text (YAML 1.2), and a key that stands twice is wrong."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 PyYAML's own attribute

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that is no text, or stands twice."""
        seen = set()
        for key, _ in node.value:
            if key.tag not in {"tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"}:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} must be text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} is twice", key.start_mark)
            seen.add(key.value)
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made

    def construct_number(self, node: Any) -> float:
        """Go writes a whole number without a point, however it was written."""
        number = float(node.value)
        if math.isinf(number):
            raise yaml.constructor.ConstructorError(
                None, None, f"the number {node.value} is too large", node.start_mark
            )
        return int(number) if number.is_integer() else number


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("merge", r"<<", "<"),
):
    _firsts = ["" if letter == "\0" else letter for letter in _first]
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _firsts)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_number)


def read(file: Path, known: Mapping[str, settings_keys.Treatment]) -> dict[str, Any]:
    """The file's content; an empty one is an empty map.

    Args:
        file: The file; by its ending it is YAML or JSON.
        known: The keys that such a file has.

    Raises:
        ConfigError: It cannot be read, is no map, or has a key that was meant as one of those.
    """
    try:
        text = read_text(file)
        content = json_of(text) if file.suffix == ".json" else checked(yaml.load(text, _Loader))  # noqa: S506 a SafeLoader
    except RecursionError as error:
        raise ConfigError(f"{file.name}: is nested too deeply") from error
    except yaml.constructor.ConstructorError as error:
        raise ConfigError(f"{file.name}: line {error.problem_mark.line + 1}: {error.problem}") from error
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{file.name}: {_place(error)}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file.name}: is not YAML ({str(error).splitlines()[0]})") from error
    except ValueError as error:  # a TextFileError; a number with more digits than Python takes
        raise ConfigError(f"{file.name}: {error}") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigError(f"{file.name}: must be a map")
    for key in content or {}:
        if wrong := settings_keys.misplaced(key, known):
            raise ConfigError(f"{file.name}: {wrong}")
    return content or {}


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # yaml ships no types
    """Writes YAML that both sorts of readers take alike: what one of them takes for no text gets quotes."""

    yaml_implicit_resolvers = {  # noqa: RUF012 PyYAML's own attribute
        letter: [
            *yaml.SafeDumper.yaml_implicit_resolvers.get(letter, []),
            *_Loader.yaml_implicit_resolvers.get(letter, []),
        ]
        for letter in {*yaml.SafeDumper.yaml_implicit_resolvers, *_Loader.yaml_implicit_resolvers}
    }

    def ignore_aliases(self, _data: Any) -> bool:
        """Write out what stands twice."""
        return True


def written(values: Mapping[str, Any], *, as_json: bool = False) -> str:
    """Settings as a file has them, to be read by people: lists of names in one line each.

    Args:
        values: The settings.
        as_json: Whether the file is JSON.
    """
    if as_json:
        return json.dumps(values, indent=2, ensure_ascii=False)
    text: str = yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120
    )
    return text


def lines(file: Path, path: Sequence[Collection[str]]) -> list[int]:
    """The lines, from 1, in which the keys along a path stand: as many as are there, none of a file that is no map.

    Args:
        file: The file. JSON is read as YAML, of which it is a part.
        path: For each key the names that it may have.
    """
    try:
        node = yaml.compose(read_text(file), _Loader)
    except (ValueError, RecursionError, yaml.YAMLError):  # as an editor leaves it half written
        return []
    found: list[int] = []
    for names in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        key, node = next(((key, value) for key, value in pairs if key.value in names), (None, None))
        if key is None:
            break
        found.append(key.start_mark.line + 1)
    return found


def _place(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem or error.context)
    if problem.startswith("but "):
        problem = f"{error.context} {problem}"
    tab, sign = r"'\t'" in problem, re.search(r"character '([@`%])'", problem)
    hint = "; indent with spaces" if tab else "; put the text in quotes" if sign else ""
    mark = error.problem_mark or error.context_mark
    line = f"line {mark.line + 1}: " if mark else ""
    return f"is not YAML: {line}{problem}{hint}"

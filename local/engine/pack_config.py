"""The policy pack's configuration: what `pulumi preview --policy-pack-config` takes, read as the engine reads it.

Source: pulumi `pkg/resource/analyzer/config.go`. The engine passes over a name that no rule, or no setting of the rule,
has; here that is an error, because what is misspelt would do nothing. Environments of Pulumi ESC cannot be had offline.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from jsonschema import Draft7Validator
from pulumi.runtime.proto import analyzer_pb2 as pb

from toolgate.access.deployment.text_file import TextFileError, json_of, read_text

ALL = "all"
"""In the place of a rule's name: a level for all rules."""
LEVELS = {
    "advisory": pb.ADVISORY,
    "mandatory": pb.MANDATORY,
    "remediate": pb.REMEDIATE,
    "disabled": pb.DISABLED,
}


class PackConfigError(Exception):
    """The configuration cannot be used; the text says where and what to write instead."""


@dataclass(frozen=True)
class RuleConfig:
    """What is configured for one rule.

    Attributes:
        level: A key of `LEVELS`; None keeps the rule's own.
        properties: The rule's own settings.
    """

    level: str | None
    properties: Mapping[str, Any]


type PackConfig = Mapping[str, RuleConfig]
"""By rule, or `ALL`."""


def load(path: Path) -> PackConfig:
    """Read a configuration file; an empty one configures nothing.

    Raises:
        PackConfigError: The file cannot be read, or is no such configuration.
    """
    try:
        text = read_text(path)
        return parse(json_of(text)) if text.strip() else {}
    except (PackConfigError, TextFileError) as error:
        raise PackConfigError(f"{path}: {error}") from error


def of_stack(root: Path, stack: str) -> PackConfig:
    """What a program keeps for one of its stacks in `policy/<stack>.json`; where there is no such file, nothing.

    A stack that is to be what a rule forbids says so once, in a file that reviewers see, and not at each command.

    Raises:
        PackConfigError: The file is no such configuration.
    """
    file = root / "policy" / f"{stack}.json"
    return load(file) if file.is_file() else {}


def parse(content: Any) -> PackConfig:
    """Read a configuration: an object of `"rule": "level"` or `"rule": {"enforcementLevel": "level", ...settings}`.

    Raises:
        PackConfigError: It is no such object.
    """
    if not isinstance(content, Mapping):
        raise PackConfigError('write an object, such as {"logs-delivered": "mandatory"}')
    if "environments" in content:
        raise PackConfigError("environments of Pulumi ESC are not read on this machine; leave `environments` out")
    return {name: _rule(name, given) for name, given in content.items()}


def _rule(name: str, given: Any) -> RuleConfig:
    if name == ALL and not isinstance(given, str):
        raise PackConfigError(f"{ALL}: write a level; settings belong to one rule")
    settings = {"enforcementLevel": given} if isinstance(given, str) else given
    if not isinstance(settings, Mapping):
        raise PackConfigError(f"{name}: write a level, or an object with the rule's settings")
    level = settings.get("enforcementLevel")
    if "enforcementLevel" in settings and (not isinstance(level, str) or level not in LEVELS):
        raise PackConfigError(f"{name}: {json.dumps(level)} is no level; write one of {', '.join(LEVELS)}")
    return RuleConfig(level, {key: value for key, value in settings.items() if key != "enforcementLevel"})


def reconcile(info: pb.AnalyzerInfo, given: PackConfig) -> dict[str, pb.PolicyConfig]:
    """The configuration that the engine gives a pack.

    A rule's own level and its schema's defaults; over them what the pack's author set at first, over that what the user
    gave: each time a level for all rules, then level and properties of the rule.

    Raises:
        PackConfigError: What the user gave names a rule that is not there, or does not fit a rule's schema.
    """
    names = {policy.name for policy in info.policies}
    if strangers := sorted(given.keys() - names - {ALL}):
        raise PackConfigError(f"the pack has no rule {', '.join(strangers)}; it has {', '.join(sorted(names))}")
    result = {policy.name: _own(policy) for policy in info.policies}
    initial = {name: _initial(config) for name, config in info.initialConfig.items()}
    for config in (initial, given):
        _apply(config, result)
    faults = [fault for policy in info.policies for fault in _faults(policy, result[policy.name])]
    if faults:
        raise PackConfigError("; ".join(faults))
    return result


def _own(policy: pb.PolicyInfo) -> pb.PolicyConfig:
    own = pb.PolicyConfig(enforcementLevel=policy.enforcementLevel)
    for name, schema in policy.configSchema.properties.fields.items():
        if "default" in schema.struct_value.fields:
            own.properties.fields[name].CopyFrom(schema.struct_value.fields["default"])
    return own


def _initial(config: pb.PolicyConfig) -> RuleConfig:
    level = next((name for name, number in LEVELS.items() if number == config.enforcementLevel), None)
    return RuleConfig(level, MessageToDict(config.properties))


def _apply(config: PackConfig, result: Mapping[str, pb.PolicyConfig]) -> None:
    for name in result:
        for given in (config.get(ALL), config.get(name)):
            if given and given.level:
                result[name].enforcementLevel = LEVELS[given.level]
        if name in config:
            result[name].properties.update(config[name].properties)


def _faults(policy: pb.PolicyInfo, config: pb.PolicyConfig) -> Iterator[str]:
    schema = {
        "type": "object",
        "properties": MessageToDict(policy.configSchema.properties),
        "required": list(policy.configSchema.required),
        "additionalProperties": False,
    }
    for error in Draft7Validator(schema).iter_errors(MessageToDict(config.properties)):
        where = ".".join([policy.name, *(str(step) for step in error.path)])
        yield f"{where}: {error.message}"

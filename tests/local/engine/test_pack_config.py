"""The policy pack's configuration file: what is taken, as the engine takes it, and what is said of what is not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2 as pb

from toolgate.local.engine.pack_config import LEVELS, PackConfigError, RuleConfig, load, parse, reconcile


@pytest.fixture
def info() -> Callable[..., pb.AnalyzerInfo]:
    """A pack of two rules: `plain` takes no settings, `settled` a number that is 7 by default and must be above 5."""

    def make(**initial: pb.PolicyConfig) -> pb.AnalyzerInfo:
        properties = Struct()
        properties.update({"limit": {"type": "number", "default": 7, "exclusiveMinimum": 5}})
        schema = pb.PolicyConfigSchema(properties=properties)
        return pb.AnalyzerInfo(
            policies=[
                pb.PolicyInfo(name="plain", enforcementLevel=pb.ADVISORY),
                pb.PolicyInfo(name="settled", enforcementLevel=pb.MANDATORY, configSchema=schema),
            ],
            initialConfig=initial,
        )

    return make


def levels(config: dict[str, pb.PolicyConfig]) -> dict[str, str]:
    names = {number: name for name, number in LEVELS.items()}
    return {rule: names[found.enforcementLevel] for rule, found in config.items()}


def limit(config: dict[str, pb.PolicyConfig]) -> Any:
    return MessageToDict(config["settled"].properties).get("limit")


def test_nothing_given_leaves_what_the_rules_have(info: Callable[..., pb.AnalyzerInfo]) -> None:
    found = reconcile(info(), {})
    assert levels(found) == {"plain": "advisory", "settled": "mandatory"}
    assert limit(found) == 7


@pytest.mark.parametrize(
    ("given", "plain", "settled", "number"),
    [
        ({"plain": "mandatory"}, "mandatory", "mandatory", 7),
        ({"all": "disabled"}, "disabled", "disabled", 7),
        ({"all": "disabled", "settled": "remediate"}, "disabled", "remediate", 7),
        ({"settled": "advisory", "all": "mandatory"}, "mandatory", "advisory", 7),
        ({"settled": {"limit": 9}}, "advisory", "mandatory", 9),
        ({"settled": {"limit": 9, "enforcementLevel": "advisory"}}, "advisory", "advisory", 9),
        ({"settled": {}}, "advisory", "mandatory", 7),
    ],
)
def test_what_is_given_goes_over_the_rules_own(
    given: dict[str, Any], plain: str, settled: str, number: int, info: Callable[..., pb.AnalyzerInfo]
) -> None:
    found = reconcile(info(), parse(given))
    assert levels(found) == {"plain": plain, "settled": settled}
    assert limit(found) == number


def test_what_is_given_goes_over_what_the_packs_author_set(info: Callable[..., pb.AnalyzerInfo]) -> None:
    properties = Struct()
    properties.update({"limit": 20})
    authors = info(
        all=pb.PolicyConfig(enforcementLevel=pb.DISABLED),
        settled=pb.PolicyConfig(enforcementLevel=pb.REMEDIATE, properties=properties),
    )
    alone = reconcile(authors, {})
    assert (levels(alone), limit(alone)) == ({"plain": "disabled", "settled": "remediate"}, 20)
    over = reconcile(authors, parse({"all": "advisory", "settled": {"limit": 21}}))
    assert (levels(over), limit(over)) == ({"plain": "advisory", "settled": "advisory"}, 21)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"plaim": "mandatory"}, "the pack has no rule plaim; it has plain, settled"),
        ({"settled": {"limit": 3}}, "settled.limit: 3.0 is less than or equal to the minimum of 5.0"),
        ({"settled": {"limits": 9}}, "settled: Additional properties are not allowed ('limits' was unexpected)"),
        ({"plain": {"limit": 9}}, "plain: Additional properties are not allowed ('limit' was unexpected)"),
    ],
)
def test_what_does_not_fit_the_pack_is_said(
    given: dict[str, Any], words: str, info: Callable[..., pb.AnalyzerInfo]
) -> None:
    with pytest.raises(PackConfigError) as raised:
        reconcile(info(), parse(given))
    assert str(raised.value) == words


def test_a_setting_that_a_rule_must_have_is_asked_for(info: Callable[..., pb.AnalyzerInfo]) -> None:
    pack = info()
    pack.policies[1].configSchema.required.append("owner")
    pack.policies[1].configSchema.properties.update({"owner": {"type": "string"}})
    with pytest.raises(PackConfigError, match="settled: 'owner' is a required property"):
        reconcile(pack, {})
    assert reconcile(pack, parse({"settled": {"owner": "me"}}))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], 'write an object, such as {"logs-delivered": "mandatory"}'),
        ({"plain": "loud"}, 'plain: "loud" is no level; write one of advisory, mandatory, remediate, disabled'),
        ({"plain": {"enforcementLevel": 1}}, "plain: 1 is no level; write one of"),
        ({"plain": {"enforcementLevel": ["advisory"]}}, 'plain: ["advisory"] is no level'),
        ({"plain": None}, "plain: write a level, or an object with the rule's settings"),
        ({"all": {"limit": 9}}, "all: write a level; settings belong to one rule"),
        ({"environments": ["x"]}, "environments of Pulumi ESC are not read on this machine"),
    ],
)
def test_what_is_no_configuration_is_said(content: Any, words: str) -> None:
    with pytest.raises(PackConfigError, match=r".") as raised:
        parse(content)
    assert words in str(raised.value)


def test_a_file_is_read_and_an_empty_one_configures_nothing(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"settled": {"enforcementLevel": "advisory", "limit": 9}}))
    assert load(file) == {"settled": RuleConfig("advisory", {"limit": 9})}
    file.write_text(" \n")
    assert load(file) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is no JSON ("),
        (b"\xff", "is no text in UTF-8 or UTF-16"),
        (b"[]", "write an object"),
        (None, "cannot be read (No such"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(content: bytes | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PackConfigError) as raised:
        load(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)

"""docs/policies.md says what the rules' metadata say, and its snippets do what it says."""

import json
import re
from typing import Any

import pytest

from tests.policy import driver, recording
from tests.policy.driver import Pack
from toolgate.policy.pack import RULES
from toolgate.policy.rule import Rule

PAGE = (driver.POLICY.parent / "docs" / "policies.md").read_text()
RULE_PART = PAGE.partition("## The rules\n")[2].partition("## Adding a rule")[0]
BEFORE, *SECTIONS = re.split(r"^### ", RULE_PART, flags=re.MULTILINE)
SECTION = {section.split("\n", 1)[0]: section for section in SECTIONS}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def said(text: str) -> str:
    return " ".join(text.split())


def test_there_is_a_section_for_each_rule_in_order() -> None:
    assert list(SECTION) == [rule.name for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_section_says_what_the_metadata_say(rule: Rule) -> None:
    section = said(SECTION[rule.name])
    for text in (
        f"{rule.description} *{rule.level.value}, {rule.severity.value}*",
        f"**Why.** {rule.why}",
        f"**Instead.** {rule.fix}",
        f"[{rule.framework.name}, {rule.framework.specification}]({rule.framework.reference})",
    ):
        assert text in section
    row = f"| [{rule.name}](#{rule.name}) | {rule.level.value} | {rule.severity.value} | {rule.description} |"
    assert row in PAGE


def configuration(rule: Rule) -> dict[str, Any]:
    found = blocks(SECTION[rule.name], "json")
    return dict(json.loads(found[0])) if found else {}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_section_shows_every_setting_of_its_rule(rule: Rule) -> None:
    shown = configuration(rule)
    assert set(shown.get(rule.name, {})) == set(rule.settings)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_snippets_do_what_the_page_says(pack: Pack, rule: Rule) -> None:
    pack.configure(configuration(rule))
    violating, passing = blocks(SECTION[rule.name], "python")
    assert rule.name in judged(pack, violating)
    # Advice of other rules on a snippet is beside its point.
    assert not judged(pack, passing) - ({"logs-delivered", "undecided-in-preview"} - {rule.name})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_passes_passes_in_an_update_too(pack: Pack, rule: Rule) -> None:
    """There every document is known."""
    pack.configure(configuration(rule))
    _, passing = blocks(SECTION[rule.name], "python")
    assert not judged(pack, passing, preview=False) - {"logs-delivered"}


def judged(pack: Pack, snippet: str, *, preview: bool = True) -> set[str]:
    """The rules a snippet violates, with the page's first lines before it, that those lines do not."""
    (first,) = blocks(BEFORE, "python")
    program = compile(f"{first}\n{snippet}", "docs/policies.md", "exec")
    resources = recording.record(lambda: exec(program, {}), preview=preview)
    ours = {"tools", "agent", "caller"}
    return {found.rule for found in pack.run(resources) if found.urn.rpartition("::")[2] not in ours}


def test_the_configuration_on_the_page_is_accepted(pack: Pack) -> None:
    """Every key of it is a rule, and every setting is in the rule's schema."""
    schemas = {policy.name: set(policy.configSchema.properties.keys()) for policy in pack.info.policies}
    found = [json.loads(block) for block in blocks(PAGE, "json")]
    assert found
    for config in found:
        for name, entry in config.items():
            settings = set(entry) - {"enforcementLevel"} if isinstance(entry, dict) else set()
            assert settings <= schemas[name], name


@pytest.mark.parametrize("name", ["strict.json", "jwt.json"])
def test_the_configurations_beside_the_pack_name_rules_and_their_settings(name: str) -> None:
    settings = {rule.name: {"enforcementLevel", "exceptions", *rule.settings} for rule in RULES}
    for rule, entry in json.loads((driver.POLICY / name).read_text()).items():
        assert isinstance(entry, str) or set(entry) <= settings[rule]
        assert rule in settings


def test_what_is_said_beside_prowler_is_said_of_rules() -> None:
    table = PAGE.partition("### Beside Prowler\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    for _, here, why in rows[2:]:
        assert here or why
        assert set(re.findall(r"\[([a-z-]+)\]", here)) <= {rule.name for rule in RULES}
    assert len(rows) > 15

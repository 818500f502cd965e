"""The pack as a whole: metadata, and that it runs from any folder with nothing beside it."""

import re
import shutil
from pathlib import Path

import pytest
from pulumi.runtime.proto import analyzer_pb2

from tests.policy import driver, making
from tests.policy.driver import Pack, rules
from toolgate.policy.pack import NAME, RULES


def test_the_pack_says_what_it_is(pack: Pack) -> None:
    assert pack.info.name == NAME == "agentcore-guardrails"
    assert [policy.name for policy in pack.info.policies] == [rule.name for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_its_metadata(pack: Pack, rule: object) -> None:
    (info,) = [policy for policy in pack.info.policies if policy is not None and policy.name == getattr(rule, "name")]  # noqa: B009
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", info.name)
    for text in (info.description, info.remediation_steps, info.framework.name, info.framework.specification):
        assert text.strip() == text
        assert text
    assert info.description.endswith(".")
    assert info.framework.reference.startswith("https://")
    assert info.severity != analyzer_pb2.POLICY_SEVERITY_UNSPECIFIED
    assert "exceptions" in info.configSchema.properties


def test_the_levels_are_the_documented_ones(pack: Pack) -> None:
    advisory = {policy.name for policy in pack.info.policies if policy.enforcementLevel == driver.ADVISORY}
    assert advisory == {
        "agent-role-exact",
        "agent-image-by-digest",
        "grant-has-effect",
        "server-beyond-policy-engine",
        "interceptor-sees-answers",
        "user-pool-closed",
        "undecided-in-preview",
        "no-debug-outside-dev",
        "logs-delivered",
        "customer-managed-key",
        "runtime-in-vpc",
    }


def test_each_rule_is_a_module_of_its_name() -> None:
    modules = {path.stem for path in (driver.POLICY / "rules").glob("*.py")}
    assert modules == {rule.name.replace("-", "_") for rule in RULES}


@pytest.mark.parametrize("name", ["policy", "agentcore-guardrails-0.1.0", "policy.d"])
def test_a_published_copy_runs_alone(tmp_path: Path, name: str) -> None:
    """`pulumi policy publish` ships this folder only, and unpacks it under a name of its own."""
    folder = tmp_path / name
    shutil.copytree(driver.POLICY, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with driver.running(folder) as pack:
        pack.configure({})
        assert rules(pack.analyze(making.gateway(authorizerType="NONE"))) == ["gateway-authorizer-iam"]


def test_the_stack_is_not_needed_from_the_environment() -> None:
    """An executable pack and `pulumi policy analyze` get none."""
    with driver.running(stack="") as pack:
        pack.configure({"no-debug-outside-dev": {"devStacks": []}})
        assert rules(pack.analyze(making.gateway(exceptionLevel="DEBUG"))) == ["no-debug-outside-dev"]


def test_nothing_of_the_pack_needs_the_rest_of_the_project() -> None:
    for path in driver.POLICY.rglob("*.py"):
        imported = re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
        assert not {"components", "local", "access", "agent", "lambdas", "tests", "pulumi_aws"} & set(imported), path

"""The pack under the real engine: previews, updates, configurations and the analysis of an export."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation as auto

from tests.policy import driver, echo_provider, programs
from tests.policy.echo_provider import EchoProvider

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        shutil.which("pulumi") is None,
        reason="no `pulumi` on PATH: install its CLI to run the tests with a real engine",
    ),
]


class Engine:
    """Runs programs with the pack, and keeps what the pack said."""

    def __init__(self, folder: Path, provider: EchoProvider, port: int) -> None:
        self.folder, self.provider = folder, provider
        self.said: list[tuple[str, str, str]] = []
        self.environment = {
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DEBUG_PROVIDERS": f"aws:{port}",
        }

    def stack(self, program: Callable[[], None]) -> auto.Stack:
        options = auto.LocalWorkspaceOptions(env_vars=self.environment, work_dir=str(self.folder))
        return auto.create_or_select_stack("dev", project_name="shop", program=program, opts=options)

    def hear(self, event: auto.EngineEvent) -> None:
        found = event.policy_event
        if found is not None:
            self.said.append(
                (found.enforcement_level, found.policy_name, (found.resource_urn or "").rpartition("::")[2])
            )

    def mandatory(self) -> set[tuple[str, str]]:
        return {(rule, name) for level, rule, name in self.said if level == "mandatory"}

    def configuration(self, config: dict[str, Any]) -> list[str]:
        path = self.folder / "policy-config.json"
        path.write_text(json.dumps(config))
        return [str(path)]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with echo_provider.serving() as (provider, port):
        yield Engine(tmp_path, provider, port)


PACK = [str(driver.POLICY)]


@pytest.mark.parametrize("program", programs.EXPECTED, ids=lambda program: program.__name__)
def test_a_first_preview_finds_what_violates_and_nothing_else(engine: Engine, program: Callable[[], None]) -> None:
    stack = engine.stack(program)
    if programs.EXPECTED[program]:
        with pytest.raises(auto.CommandError):
            stack.preview(policy_packs=PACK, on_event=engine.hear)
    else:
        stack.preview(policy_packs=PACK, on_event=engine.hear)
    assert engine.mandatory() == programs.EXPECTED[program]
    assert len(engine.said) == len(set(engine.said)), "said twice"


def test_an_update_stops_before_the_resource_is_created(engine: Engine) -> None:
    with pytest.raises(auto.CommandError):
        engine.stack(programs.components).up(policy_packs=PACK, on_event=engine.hear)
    assert engine.mandatory() == {("invoke-gateway-exact-arn", "wide-user")}
    assert ("User", "wide-user") in engine.provider.created
    assert ("UserPolicy", "wide-user") not in engine.provider.created


def test_a_role_s_policy_is_refused_before_it_is_created(engine: Engine) -> None:
    """The rule needs to know the role's trust policy, which another resource holds."""
    with pytest.raises(auto.CommandError):
        engine.stack(programs.flat).up(
            policy_packs=PACK,
            policy_pack_configs=engine.configuration(
                {
                    "gateway-authorizer-iam": "advisory",
                    "service-trust-pinned": "advisory",
                    "model-access-named": "disabled",
                }
            ),
            on_event=engine.hear,
        )
    assert ("gateway-role-exact-lambda", "careless-tools") in engine.mandatory()
    assert ("Role", "careless") in engine.provider.created
    assert ("RolePolicy", "careless-tools") not in engine.provider.created


def test_an_update_stops_before_the_piece_that_completes_a_violation(engine: Engine) -> None:
    """The URL is in order until its function is a tool's: an update is told of the target, which is the last piece."""
    with pytest.raises(auto.CommandError):
        engine.stack(programs.url_before_target).up(policy_packs=PACK, on_event=engine.hear)
    assert engine.mandatory() == {("function-url-signed", "orders-target")}
    assert ("FunctionUrl", "orders-url") in engine.provider.created
    assert ("AgentcoreGatewayTarget", "orders-target") not in engine.provider.created


def test_a_preview_tells_of_the_resource_that_is_wrong(engine: Engine) -> None:
    with pytest.raises(auto.CommandError):
        engine.stack(programs.url_before_target).preview(policy_packs=PACK, on_event=engine.hear)
    assert engine.mandatory() == {("function-url-signed", "orders-url")}


def test_a_clean_program_goes_up_and_its_export_is_analyzed(engine: Engine) -> None:
    stack = engine.stack(programs.elsewhere)
    stack.up(policy_packs=PACK, on_event=engine.hear)
    assert engine.said == []
    export = engine.folder / "export.json"
    deployment = stack.export_stack()
    export.write_text(json.dumps({"version": deployment.version, "deployment": deployment.deployment}))
    assert analyze(export).returncode == 0


def analyze(export: Path) -> subprocess.CompletedProcess[str]:
    command = ["pulumi", "policy", "analyze", "--file", str(export), "--policy-pack", str(driver.POLICY)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_export_that_violates_is_analyzed(tmp_path: Path) -> None:
    urn = "urn:pulumi:dev::shop::aws:bedrock/agentcoreGateway:AgentcoreGateway::open"
    provider = "urn:pulumi:dev::shop::pulumi:providers:aws::default"
    resources = [
        {"urn": "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev", "custom": False, "type": "pulumi:pulumi:Stack"},
        {"urn": provider, "custom": True, "id": "p", "type": "pulumi:providers:aws", "inputs": {}, "outputs": {}},
        {
            "urn": urn,
            "custom": True,
            "id": "g",
            "type": "aws:bedrock/agentcoreGateway:AgentcoreGateway",
            "inputs": {"authorizerType": "NONE"},
            "outputs": {"authorizerType": "NONE"},
            "provider": f"{provider}::p",
        },
    ]
    manifest = {"time": "2026-01-01T00:00:00Z", "magic": "", "version": ""}
    export = tmp_path / "export.json"
    export.write_text(json.dumps({"version": 3, "deployment": {"manifest": manifest, "resources": resources}}))
    done = analyze(export)
    assert done.returncode == 1
    assert "[mandatory]" in done.stdout
    assert "gateway-authorizer-iam" in done.stdout


def test_a_configuration_without_a_level_keeps_the_rule_s_own(engine: Engine) -> None:
    config = {"gateway-authorizer-iam": {"allowedAuthorizers": ["CUSTOM_JWT"]}, "invoke-gateway-exact-arn": "advisory"}
    with pytest.raises(auto.CommandError):
        engine.stack(programs.flat).preview(
            policy_packs=PACK, policy_pack_configs=engine.configuration(config), on_event=engine.hear
        )
    assert ("gateway-authorizer-iam", "open") in engine.mandatory()
    assert ("gateway-authorizer-iam", "tools") in engine.mandatory()


def test_an_exception_and_the_strict_configuration(engine: Engine) -> None:
    reason = "the demo of ticket 7, until March"
    excepted = {"invoke-gateway-exact-arn": {"exceptions": [{"resource": "wide-user", "reason": reason}]}}
    engine.stack(programs.components).preview(
        policy_packs=PACK, policy_pack_configs=engine.configuration(excepted), on_event=engine.hear
    )
    assert engine.mandatory() == set()
    with pytest.raises(auto.CommandError):
        engine.stack(programs.flat).preview(
            policy_packs=PACK, policy_pack_configs=[str(driver.POLICY / "strict.json")], on_event=engine.hear
        )
    assert ("undecided-in-preview", "careful") in engine.mandatory()


def test_a_malformed_exception_is_refused_by_the_engine(engine: Engine) -> None:
    config = engine.configuration({"gateway-authorizer-iam": {"exceptions": [{"resource": "open"}]}})
    with pytest.raises(auto.CommandError, match="reason"):
        engine.stack(programs.flat).preview(policy_packs=PACK, policy_pack_configs=config)

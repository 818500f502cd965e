import functools
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.planning import SAMPLE, copy_project
from toolgate.local.engine.pack_config import parse
from toolgate.local.plan import PackError, Plan, ProgramError, Violation, describe, write
from toolgate.local.plan import plan as plan_of

plan = functools.partial(plan_of, root=SAMPLE)

DEPLOYMENT: dict[str, Any] = {
    "deployment": {
        "resources": [
            {"urn": "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev", "type": "pulumi:pulumi:Stack", "custom": False},
            {
                "urn": "urn:pulumi:dev::p::pulumi:providers:aws::default",
                "type": "pulumi:providers:aws",
                "custom": True,
                "parent": "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev",
            },
            {
                "urn": "urn:pulumi:dev::p::p:index:Group::group",
                "type": "p:index:Group",
                "custom": False,
                "parent": "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev",
            },
            {
                "urn": "urn:pulumi:dev::p::p:index:Group$aws:iam/role:Role::role",
                "type": "aws:iam/role:Role",
                "custom": True,
                "parent": "urn:pulumi:dev::p::p:index:Group::group",
            },
            {
                "urn": "urn:pulumi:dev::p::aws:iam/role:Role::other",
                "type": "aws:iam/role:Role",
                "custom": True,
                "parent": "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev",
            },
        ]
    }
}
TREE = """\
pulumi:pulumi:Stack  p-dev
├─ p:index:Group     group
│  └─ aws:iam:Role   role
└─ aws:iam:Role      other"""


@pytest.fixture(scope="module")
def planned() -> Plan:
    """The sample, planned."""
    return plan("dev")


def resources(planned: Plan) -> Iterator[dict[str, Any]]:
    yield from planned.deployment["deployment"]["resources"]


def test_the_projects_program_is_planned_whole_and_without_mandatory_violations(planned: Plan) -> None:
    assert planned.mandatory == ()
    kinds = {resource["type"] for resource in resources(planned)}
    assert {
        "aws:bedrock/agentcoreGateway:AgentcoreGateway",
        "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget",
        "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime",
        "aws:lambda/function:Function",
    } <= kinds
    assert "04da6b54-80e4-46f7-96ec-b56ff0331ba9" not in json.dumps(planned.deployment)


def test_a_plan_depends_on_the_program_alone(planned: Plan) -> None:
    assert json.dumps(plan("dev").deployment) == json.dumps(planned.deployment)


def test_no_path_of_this_machine_is_in_a_plan(planned: Plan) -> None:
    assert str(Path.cwd()) not in json.dumps(planned.deployment)


def test_a_preview_knows_no_arn(planned: Plan) -> None:
    previewed = plan("dev", preview=True)
    assert [item["urn"] for item in resources(previewed)] == [item["urn"] for item in resources(planned)]
    gateway_arn = r"gateway/toolgate-dev-tools-[a-z0-9]{10}"
    assert re.search(gateway_arn, json.dumps(planned.deployment))
    assert not re.search(gateway_arn, json.dumps(previewed.deployment))
    assert previewed.mandatory == ()


def test_configuration_can_be_overridden() -> None:
    other = plan("dev", config={"toolgate:modelId": "global.anthropic.claude-haiku-4-5-20251001-v1:0"})
    [runtime] = [item for item in resources(other) if item["type"].endswith("AgentRuntime") and item["custom"]]
    assert runtime["inputs"]["environmentVariables"]["BEDROCK_MODEL_ID"].startswith("global.")


def test_the_rules_can_be_configured(planned: Plan) -> None:
    quiet = plan("dev", rules=parse({"all": "disabled", "runtime-in-vpc": {"required": True}}))
    assert quiet.violations == ()
    loud = plan(
        "dev", rules=parse({"all": "disabled", "runtime-in-vpc": {"enforcementLevel": "mandatory", "required": True}})
    )
    assert [violation.rule for violation in loud.mandatory] == ["runtime-in-vpc"]
    assert planned.mandatory == ()


def test_a_configuration_that_does_not_fit_the_pack_is_one_clear_error() -> None:
    with pytest.raises(PackError, match=r"^the policy pack's configuration: the pack has no rule no-such-rule; it has"):
        plan("dev", rules=parse({"no-such-rule": "mandatory"}))


@pytest.mark.parametrize(
    ("stack", "config", "text"),
    [
        ("nowhere", {}, "no stack `nowhere`"),
        (
            "dev",
            {"toolgate:modelId": "eu.anthropic.claude"},
            "cannot be called from us-east-1",
        ),
        ("dev", {"toolgate:notASetting": "1"}, "notASetting"),
    ],
)
def test_what_cannot_be_deployed_is_one_clear_error(stack: str, config: dict[str, str], text: str) -> None:
    with pytest.raises(ProgramError, match=text) as caught:
        plan(stack, config=config)
    assert "Traceback" not in str(caught.value)


def test_the_program_is_run_where_main_says(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("{name: p, main: infra}")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {'aws:region': eu-west-1}")
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "__main__.py").write_text("raise ValueError(open('beside').read())")
    (tmp_path / "infra" / "beside").write_text("found")
    with pytest.raises(ProgramError, match=r"ValueError: found \(__main__\.py, line 1\)"):
        plan(root=tmp_path)


def test_the_tree_and_the_verdict() -> None:
    assert describe(Plan(DEPLOYMENT, ())) == f"{TREE}\n\n2 resources. Policy pack: no violation."
    violations = (
        Violation("rule-a", "mandatory", "urn:pulumi:dev::p::aws:iam/role:Role::other", "Wrong.\nWrite this."),
        Violation("rule-b", "advisory", "urn:pulumi:dev::p::p:index:Group::group", "Odd."),
    )
    assert describe(Plan(DEPLOYMENT, violations)).removeprefix(TREE).splitlines() == [
        "",
        "",
        "2 resources. Policy pack: 1 mandatory, 1 advisory.",
        "[mandatory] rule-a: other",
        "    Wrong.",
        "    Write this.",
        "[advisory] rule-b: group",
        "    Odd.",
    ]
    assert Plan(DEPLOYMENT, violations).mandatory == violations[:1]
    more = (*violations, Violation("rule-b", "advisory", "urn:pulumi:dev::p::aws:iam/role:Role::role", "Odd, too."))
    assert describe(Plan(DEPLOYMENT, more), more[:1]).splitlines()[-4:] == [
        "[mandatory] rule-a: other",
        "    Wrong.",
        "    Write this.",
        "[advisory] rule-b: group, role",
    ]


def test_a_deployment_is_written_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "deployment.json"
    write({"version": 3}, file)
    assert json.loads(file.read_text()) == {"version": 3}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_deployment_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "deployment.json"
    write({"version": 3}, file)
    with pytest.raises(TypeError):
        write({"version": object()}, file)
    assert json.loads(file.read_text()) == {"version": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["deployment.json"]


def test_a_stack_may_have_a_configuration_of_the_pack_of_its_own(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    assert plan_of("jwt", root=project).mandatory == ()
    own = project / "policy" / "jwt.json"
    given = parse(json.loads(own.read_text()))
    own.unlink()
    assert [it.rule for it in plan_of("jwt", root=project).mandatory] == ["gateway-authorizer-iam"]
    assert plan_of("jwt", root=project, rules=given).mandatory == ()
    # What is given goes in the place of it, also where it configures nothing.
    own.write_text(json.dumps({"gateway-authorizer-iam": "disabled"}))
    assert [it.rule for it in plan_of("jwt", root=project, rules={}).mandatory] == ["gateway-authorizer-iam"]
    own.write_text('{"gateway-authorizer-iam": "none"}')
    with pytest.raises(PackError, match=r'policy/jwt\.json: .*"none" is no level'):
        plan_of("jwt", root=project)
    assert plan_of("jwt", root=project, rules=given).mandatory == ()
    assert plan_of("agents", root=project).mandatory == ()

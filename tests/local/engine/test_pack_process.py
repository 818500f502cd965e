import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.shell_variables import lead_nowhere
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.engine.export_writer import export
from toolgate.local.engine.pack_process import PackError, Violation, running

from .conftest import Run

type Folder = Callable[[dict[str, str]], Path]

MANIFEST = "runtime: python\nversion: 0.1.0\n"
START = """
    import os
    from pulumi_policy import *

    def describe(args, report):
        if args.resource_type == "aws:iam/role:Role":
            level = args.get_config().get("limit")
            report(f"{args.name} {args.props['description']} {level} {os.environ['PULUMI_STACK']} {args.opts.parent}")

    def late(args, report):
        if args.resource_type == "aws:iam/role:Role" and args.props["arn"] == "x":
            report("never")

    def whole(args, report):
        for resource in args.resources:
            if resource.resource_type == "aws:iam/rolePolicy:RolePolicy":
                [role] = resource.property_dependencies["role"]
                report(f"{resource.name} of {role.name} {role.props.get('arn')}", resource.urn)
        if len(args.resources) > 100:
            report("many")

    rules = [
        ResourceValidationPolicy("describe", "Describes.", describe, EnforcementLevel.MANDATORY,
                                 PolicyConfigSchema({"limit": {"type": "number", "default": 7}})),
        ResourceValidationPolicy("off", "Never.", describe, EnforcementLevel.DISABLED),
        StackValidationPolicy("whole", "Looks at all.", whole, EnforcementLevel.ADVISORY),
    ]
"""
PROGRAM = """
    role = aws.iam.Role("role", name="role", assume_role_policy=TRUST, description=pulumi.Output.secret("hush"))
    aws.iam.RolePolicy("policy", role=role.name, policy=role.arn.apply(
        lambda arn: json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "iam:GetRole", "Resource": arn}]})))
"""


@pytest.fixture
def deployment(run: Run) -> dict[str, Any]:
    """A role and its policy."""
    return export(run(PROGRAM), CloudEnvironment())


@pytest.fixture
def pack(folder: Folder) -> Callable[[str], Path]:
    """A pack that is started by the given last lines."""

    def write(start: str) -> Path:
        folder({"pack/PulumiPolicy.yaml": MANIFEST, "pack/__main__.py": START + start})
        return folder({}) / "pack"

    return write


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The ids of the processes that were started; none may be left."""
    ids: list[int] = []
    start = subprocess.Popen

    def noted(*args: Any, **more: Any) -> Any:
        process = start(*args, **more)
        ids.append(process.pid)
        return process

    monkeypatch.setattr(subprocess, "Popen", noted)
    yield ids
    assert ids
    for number in ids:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def findings(folder: Path, deployment: dict[str, Any], *, preview: bool = False) -> list[Violation]:
    with running(folder, "project", "dev", {}) as rules:
        return rules.violations(deployment, preview=preview)


def test_rules_see_inputs_config_and_dependencies_whatever_the_shell_says(
    pack: Callable[[str], Path], deployment: dict[str, Any], started: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_nowhere(monkeypatch)
    found = findings(pack('    PolicyPack("tiny", rules)'), deployment)
    assert [(item.rule, item.level, item.urn.rpartition("::")[2]) for item in found] == [
        ("describe", "mandatory", "role"),
        ("whole", "advisory", "policy"),
    ]
    assert "role hush 7.0 dev urn:pulumi:dev::project::pulumi:pulumi:Stack::project-dev" in found[0].message
    assert "policy of role arn:aws:iam::123456789012:role/role" in found[1].message


def test_the_packs_initial_configuration_counts(pack: Callable[[str], Path], deployment: dict[str, Any]) -> None:
    initial = (
        '{"describe": {"enforcementLevel": EnforcementLevel.ADVISORY, "limit": 9}, "whole": EnforcementLevel.DISABLED}'
    )
    found = findings(pack(f'    PolicyPack("tiny", rules, initial_config={initial})'), deployment)
    assert [(item.rule, item.level) for item in found] == [("describe", "advisory")]
    assert "hush 9.0" in found[0].message


def test_a_level_for_all_rules_counts_before_that_of_a_rule(
    pack: Callable[[str], Path], deployment: dict[str, Any]
) -> None:
    initial = '{"all": EnforcementLevel.DISABLED, "whole": EnforcementLevel.MANDATORY}'
    found = findings(pack(f'    PolicyPack("tiny", rules, initial_config={initial})'), deployment)
    assert [(item.rule, item.level) for item in found] == [("whole", "mandatory")]


def test_what_a_preview_does_not_know_is_said(pack: Callable[[str], Path], run: Run) -> None:
    unknown = export(run(PROGRAM, preview=True), CloudEnvironment())
    start = '    PolicyPack("tiny", [StackValidationPolicy("late", "L.", lambda args, report: [r.props["arn"] for r in'
    start += " args.resources if r.resource_type.endswith('Role')] and None, EnforcementLevel.MANDATORY)])"
    [found] = findings(pack(start), unknown, preview=True)
    assert found.level == "advisory"
    assert "can't be known during preview" in found.message


def test_a_rule_that_would_rewrite_stops_the_plan(pack: Callable[[str], Path], deployment: dict[str, Any]) -> None:
    start = """
    def rewrite(args):
        if args.resource_type == "aws:iam/role:Role":
            return {**args.props, "path": "/x/"}
    PolicyPack("tiny", [ResourceValidationPolicy("rewrite", "R.", enforcement_level=EnforcementLevel.REMEDIATE,
                                                 remediate=rewrite)])
    """
    [found] = findings(pack(start), deployment)
    assert (found.rule, found.level) == ("rewrite", "mandatory")
    assert "would rewrite this resource" in found.message


@pytest.mark.parametrize(
    ("start", "text"),
    [
        ('    raise SystemExit("broken here")', "did not start.*\n.*broken here"),
        ('    print("hello"); PolicyPack("tiny", rules)', "its first line was: hello"),
        (
            '    PolicyPack("tiny", [ResourceValidationPolicy("r", "R.", lambda args, report: 1 / 0)])',
            "failed: Exception calling application: division by zero",
        ),
    ],
)
def test_a_broken_pack_is_an_error_and_leaves_no_process(
    start: str, text: str, pack: Callable[[str], Path], deployment: dict[str, Any], started: list[int]
) -> None:
    with pytest.raises(PackError, match=f"(?s){text}"):
        findings(pack(start), deployment)


def test_a_failure_beside_it_leaves_no_process(pack: Callable[[str], Path], started: list[int]) -> None:
    with pytest.raises(KeyboardInterrupt), running(pack('    PolicyPack("tiny", rules)'), "project", "dev", {}):
        raise KeyboardInterrupt


def test_a_folder_without_a_pack_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no policy pack in"), running(tmp_path, "project", "dev", {}):
        pass

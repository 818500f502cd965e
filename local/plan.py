"""Program and policy pack -> what would be deployed, and what the rules have against it."""

import gc
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.stack_export import DeploymentError, write
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.inference_profiles import NOT_KNOWN, not_known, note
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine import pack_config, pack_process
from toolgate.local.engine.export_writer import export
from toolgate.local.engine.pack_config import PackConfig, PackConfigError
from toolgate.local.engine.pack_process import PackError, Violation
from toolgate.local.engine.recorder import Program, ProgramError, record
from toolgate.local.engine.stack_config import ConfigError, program_folder, project_name, stack_config

__all__ = [
    "PackError",
    "Plan",
    "ProgramError",
    "Violation",
    "as_json",
    "describe",
    "judge",
    "plan",
    "short_type",
    "write",
]

# As all that botocore knows; a zone, or letters in another order, would be refused by each service in its own words.
_REGION = re.compile(
    r"[a-z]{2,4}(-[a-z]{2,4})?-(central|east|north|northeast|northwest|south|southeast|southwest|west)-[0-9]"
)
PACK = Path(__file__).parents[1] / "policy"
LOCAL_CONFIG = {"toolgate:bundle": "sources"}
"""The local runtime runs the agent from the project's environment, so its zip needs no wheels."""


@dataclass(frozen=True)
class Plan:
    """What would be deployed.

    Attributes:
        deployment: What `pulumi stack export` would print afterwards (version 3).
        violations: What the policy pack has against it.
    """

    deployment: dict[str, Any]
    violations: tuple[Violation, ...]

    @property
    def mandatory(self) -> tuple[Violation, ...]:
        """The violations that stop a deployment."""
        return tuple(violation for violation in self.violations if violation.level == "mandatory")


def plan(
    stack: str = "dev",
    *,
    config: Mapping[str, str] | None = None,
    rules: PackConfig | None = None,
    preview: bool = False,
    root: Path | None = None,
) -> Plan:
    """Run the program and the policy pack.

    Args:
        stack: Whose configuration to take: `Pulumi.<stack>.yaml`.
        config: Values that go before those of the files, such as `{"toolgate:modelId": "..."}`; a key without a
            namespace is the project's own.
        rules: The policy pack's configuration (`toolgate.local.engine.pack_config.load`); when left out, the one that
            the program keeps for the stack (`of_stack`).
        preview: Leave what only AWS can tell unknown, as the first preview of a stack does.
        root: The folder of the project's file; the current one when left out.

    Raises:
        ProgramError: The program or its configuration cannot be deployed.
        PackError: The policy pack could not be run, or does not take its configuration.
    """
    root = (root or Path()).resolve()
    try:
        settings = stack_config(root, stack, LOCAL_CONFIG | dict(config or {}))
        project, folder = project_name(root), program_folder(root)
        rules = pack_config.of_stack(root, stack) if rules is None else rules
    except ConfigError as error:
        raise ProgramError(str(error)) from error
    except PackConfigError as error:
        raise PackError(str(error)) from error
    region = settings.values.get("aws:region")
    if region is None:
        raise ProgramError(f"no Region: write `aws:region: us-east-1` under `config:` in Pulumi.{stack}.yaml")
    if not _REGION.fullmatch(region):
        raise ProgramError(f"aws:region: {region!r} is no Region of AWS; write one, such as us-east-1")
    plane = ControlPlane(CloudEnvironment(region=region), MemoryStore(), {})
    with _collector_paused(), pack_process.running(PACK, project, stack, settings.values, rules) as judging:
        recording = record(Program(folder, project, stack, settings.values, settings.secrets), plane, preview=preview)
        deployment = export(recording, plane.env)
        return Plan(deployment, tuple(judging.violations(deployment, preview=preview)))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """While the block runs, cycles are not looked for: a plan leaves few, and grows by what would be looked through.

    A fifth of the CPU of a large plan otherwise, for 3 % less memory (bench/plan.py's 100 gateways x 100 tools).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def judge(deployment: Mapping[str, Any], *, rules: PackConfig | None = None) -> Plan:
    """What the policy pack has against a deployment, whoever made it.

    Args:
        deployment: A stack export.
        rules: The policy pack's configuration.

    Raises:
        PackError: The policy pack could not be run, or does not take its configuration.
    """
    urn: str = next((it["urn"] for it in deployment["deployment"]["resources"]), "urn:pulumi:stack::project")
    _, _, stack, _, project, *_ = f"{urn}::".split(":")
    with pack_process.running(PACK, project, stack, {}, rules) as judging:
        return Plan(dict(deployment), tuple(judging.violations(deployment)))


def describe(planned: Plan) -> str:
    """The planned resources as a tree, and the rules' verdict, for a person to read."""
    resources = planned.deployment["deployment"]["resources"]
    return "\n".join([*_tree(resources), "", *_given(planned.deployment), *_verdict(planned)])


def as_json(planned: Plan) -> str:
    """What the rules say, for programs: `violations`, and how many `resources` there are.

    A violation has its `rule`, `level` and `message`, and of whom it tells `resource`, the name, and `urn`. `notes` are
    the sentences about what nobody here can know.
    """
    resources = planned.deployment["deployment"]["resources"]
    told = [
        {"rule": it.rule, "level": it.level, "resource": _name(it.urn), "urn": it.urn, "message": it.message}
        for it in planned.violations
    ]
    notes = [*_given(planned.deployment), *_not_known(resources)]
    return json.dumps({"resources": _count(resources), "violations": told, "notes": notes})


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _count(resources: Iterable[Mapping[str, Any]]) -> int:
    return sum(1 for it in resources if it["custom"] and not it["type"].startswith("pulumi:providers:"))


def short_type(token: str) -> str:
    """The type token `aws:iam/role:Role` as `aws:iam:Role`, the way `pulumi preview` shows it."""
    package, module, name = token.split(":")
    return f"{package}:{module.partition('/')[0]}:{name}"


def _tree(resources: list[dict[str, Any]]) -> Iterator[str]:
    shown = [resource for resource in resources if not resource["type"].startswith("pulumi:providers:")]
    children: dict[str, list[dict[str, Any]]] = {}
    for resource in shown:
        children.setdefault(resource.get("parent", ""), []).append(resource)
    rows = [row for top in children.get("", []) for row in _branch(top, children, "", "")]
    width = max((len(left) for left, _ in rows), default=0)
    yield from (f"{left.ljust(width)}  {name}" for left, name in rows)


def _branch(
    resource: Mapping[str, Any], children: Mapping[str, list[dict[str, Any]]], indent: str, branch: str
) -> Iterator[tuple[str, str]]:
    yield f"{indent}{branch}{short_type(resource['type'])}", _name(resource["urn"])
    below = children.get(resource["urn"], [])
    deeper = indent + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
    for index, child in enumerate(below):
        yield from _branch(child, children, deeper, "└─ " if index == len(below) - 1 else "├─ ")


def _given(export: Mapping[str, Any]) -> Iterator[str]:
    """A line for each role and function that others made: nobody here can know what they are like."""
    try:
        deployment = parse(export)
    except DeploymentError:  # one that does not know its ARNs yet
        return
    named = [
        *((it.role_arn, it.label) for it in deployment.gateways),
        *((it.role_arn, it.label) for it in deployment.runtimes),
        *((it.role_arn, it.label) for it in deployment.functions),
        *((it.function_arn, it.label) for it in deployment.targets if it.function_arn),
    ]
    made = {role.arn for role in deployment.roles} | {function.arn for function in deployment.functions}
    for arn, label in named:
        if arn not in made:
            yield f"Taken as given: {arn}, of {label}"


def _verdict(planned: Plan) -> Iterator[str]:
    resources = planned.deployment["deployment"]["resources"]
    yield from _not_known(resources)
    count = _count(resources)
    if not planned.violations:
        yield f"{count} resources. Policy pack: no violation."
        return
    advisory = len(planned.violations) - len(planned.mandatory)
    yield f"{count} resources. Policy pack: {len(planned.mandatory)} mandatory, {advisory} advisory."
    yield from violations(planned.violations)


def _not_known(resources: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each inference profile that leads where nobody here knows."""
    texts = (item.get("inputs", {}).get("policy") for item in resources if item["type"].startswith("aws:iam/"))
    documents = [json.loads(text) for text in texts if isinstance(text, str) and NOT_KNOWN in text]
    for profile, region in dict.fromkeys(it for document in documents for it in not_known(document)):
        yield f"Note: {note(profile, region)}."


def violations(found: Iterable[Violation]) -> Iterator[str]:
    """Violations for a person to read, line by line."""
    for violation in found:
        yield f"[{violation.level}] {violation.rule}: {violation.urn.rpartition('::')[2]}"
        yield from (f"    {line}" for line in violation.message.splitlines())

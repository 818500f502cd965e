"""The table of carriers holds every type of pulumi_aws that speaks of identity policies."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolgate.policy.language import coverage
from toolgate.policy.language.carriers import CARRIERS

KNOWN = CARRIERS.keys()


def resources(module: str) -> Iterator[tuple[str, set[str]]]:
    """The resource types of a module of pulumi_aws, each with the Python names of its inputs and outputs.

    Read from the source: an import of one of its modules would take the place of the lazy ones.
    """
    spec = importlib.util.find_spec("pulumi_aws")
    assert spec
    assert spec.origin
    for path in sorted((Path(spec.origin).parent / module).glob("*.py")):
        if not path.name.startswith(("_", "get_", "outputs")):
            yield from _resources(ast.parse(path.read_text("utf-8")))


def _resources(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    for kind in tree.body:
        calls = kind.decorator_list if isinstance(kind, ast.ClassDef) else []
        tokens = [ast.literal_eval(it.args[0]) for it in calls if isinstance(it, ast.Call) and _is(it, "type_token")]
        for token in tokens:
            assert isinstance(kind, ast.ClassDef)
            functions = [it for it in kind.body if isinstance(it, ast.FunctionDef)]
            yield token, {it.name for it in functions if any(_is(by, "getter") for by in it.decorator_list)}


def _is(decorator: ast.expr, name: str) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr == name


def speaks_of_policies(names: set[str]) -> bool:
    return any("polic" in name for name in names - {"policy_id"})


@pytest.mark.parametrize("module", ["iam", "ssoadmin"])
def test_a_type_that_speaks_of_policies_is_a_carrier_or_opens_nothing(module: str) -> None:
    found = {kind for kind, names in resources(module) if speaks_of_policies(names)}
    assert len(found) > 4
    assert {kind for kind in found - KNOWN if coverage.not_judged(kind, {}, ())} == set()


@pytest.mark.parametrize("module", ["iam", "lambda_", "ssoadmin"])
def test_every_type_of_the_guarded_services_was_looked_at(module: str) -> None:
    """What is left is read by nobody, and reported where it stands."""
    judged_elsewhere = {"aws:lambda/function:Function", "aws:lambda/functionUrl:FunctionUrl"}
    judged_elsewhere |= {"aws:lambda/permission:Permission"}
    left = {kind for kind, _ in resources(module) if coverage.not_judged(kind, {}, KNOWN | judged_elsewhere)}
    assert left == ({"aws:lambda/resourcePolicy:ResourcePolicy"} if module == "lambda_" else set())


def test_where_each_carrier_has_its_properties() -> None:
    """Those that only CloudFormation's resources have are of four types."""
    native = {"aws:iam/role:Role", "aws:iam/user:User", "aws:iam/group:Group", "aws:iam/policy:Policy"}
    native |= {"aws:ssoadmin/permissionSet:PermissionSet"}
    properties = {kind: names for module in ("iam", "ssoadmin") for kind, names in resources(module)}
    for kind, carrier in CARRIERS.items():
        first = [path[0] for path in (carrier.document, carrier.attached) if path]
        named = [carrier.named] if carrier.named else []
        wanted = {_snake(name) for name in (*first, *named, *carrier.holders.values())}
        assert kind in native or wanted <= properties[kind], kind


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)

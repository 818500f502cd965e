"""The table of carriers holds every type of pulumi_aws that speaks of identity policies."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pulumi
import pytest

from toolgate.policy.language import coverage
from toolgate.policy.language.carriers import BY_NAME, CARRIERS

KNOWN = CARRIERS.keys() | BY_NAME


def resources(module: str) -> Iterator[tuple[str, set[str]]]:
    """The resource types of a module of pulumi_aws, each with its inputs and outputs."""
    package = importlib.import_module(f"pulumi_aws.{module}")
    for found in pkgutil.iter_modules(package.__path__):
        if found.name.startswith(("_", "get_", "outputs")):
            continue
        for _, kind in inspect.getmembers(importlib.import_module(f"{package.__name__}.{found.name}"), inspect.isclass):
            if issubclass(kind, pulumi.CustomResource) and kind is not pulumi.CustomResource:
                names = {name for name, it in inspect.getmembers(kind) if isinstance(it, property)}
                yield vars(kind)["pulumi_type"], names


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
        wanted = {_snake(name) for name in (*first, *carrier.holders.values())}
        assert kind in native or wanted <= properties[kind], kind


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)

"""examples/orders with a real engine: made, unchanged by a second update, changed by its stack, and gone."""

import json
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation as auto

from .conftest import ROOT, Engine, an_engine

EXAMPLE = ROOT / "examples" / "orders"


def program() -> None:
    runpy.run_path(str(EXAMPLE / "__main__.py"), run_name="__main__")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Engine]:
    """The example in a copy of its folder, which is the current one."""
    folder = tmp_path / "examples" / "orders"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".local", ".cache", "dist", "__pycache__"))
    for name in ("agent", "requirements"):
        (tmp_path / name).symlink_to(ROOT / name)
    with an_engine(tmp_path, program, folder=folder) as engine:
        yield engine


def the(engine: Engine, kind: str) -> dict[str, Any]:
    [found] = [it for it in engine.resources() if it["type"] == kind]
    return found


def updated(shop: Engine) -> set[str]:
    """The names of what an update changes."""
    shop.events.clear()
    shop.up()
    made = [it.resource_pre_event.metadata for it in shop.events if it.resource_pre_event]
    return {it.urn.rpartition("::")[2] for it in made if it.op == auto.OpType.UPDATE}


def test_it_is_made_stays_as_it_is_changes_and_goes(shop: Engine) -> None:
    assert shop.up().keys() == {"create"}
    table, function = the(shop, "aws:dynamodb/table:Table"), the(shop, "aws:lambda/function:Function")
    variables = function["inputs"]["environment"]["variables"]
    assert variables["ORDERS_TABLE"] == table["outputs"]["name"]
    assert variables["RECEIPT_KEY"] == the(shop, "aws:secretsmanager/secret:Secret")["outputs"]["arn"]
    [tools] = [it for it in shop.resources() if it["urn"].endswith("::orders-tools")]
    [statement] = json.loads(tools["inputs"]["policy"])["Statement"]
    assert statement["Resource"] == [table["outputs"]["arn"]]
    assert "swordfish" not in json.dumps(shop.stack.export_stack().deployment)

    assert shop.up().keys() == {"same"}
    assert (shop.stack.refresh().summary.resource_changes or {}).keys() == {"same"}

    # A body that is edited changes its function, and nothing else.
    tools_file = Path("lambdas/orders/tools.py")
    tools_file.write_text(tools_file.read_text() + "\n# Edited.\n")
    assert updated(shop) == {"orders-function"}

    # What takes the table from the tools takes it from their role.
    settings = Path("lambdas/orders/target.py")
    settings.write_text(settings.read_text().replace('"dynamodb:PutItem", ', ""))
    assert updated(shop) == {"orders", "orders-tools"}  # the component with its statements, and the policy

    shop.stack.destroy()
    assert shop.account() == []


def test_a_wildcard_without_a_reason_stops_it_before_anything_is_made(shop: Engine) -> None:
    settings = Path("lambdas/orders/target.py")
    settings.write_text(settings.read_text().replace('"dynamodb:PutItem"', '"dynamodb:*"'))
    with pytest.raises(auto.CommandError, match=r"the action 'dynamodb:\*' allows more than one thing"):
        shop.stack.preview()
    assert shop.account() == []


def test_a_reason_beside_a_wildcard_is_known_to_the_rules(shop: Engine) -> None:
    settings = Path("lambdas/orders/target.py")
    wide = '"reason": "The shop looks into its table by every attribute.",\n                "actions": ["dynamodb:*", '
    settings.write_text(settings.read_text().replace('"actions": [', wide))
    assert shop.up(policy_packs=[str(ROOT / "policy")]).keys() == {"create"}
    [tools] = [it for it in shop.resources() if it["urn"].endswith("::orders-tools")]
    assert "dynamodb:*" in tools["inputs"]["policy"]

"""Interceptors under a real engine: added, changed and taken away in place, search switched on and off, and gone."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import ROOT, Engine, Start
from tests.engine.test_agents import GATEWAY, POLICY, RUNTIME, configure, done, the, two_agents

FUNCTION = "aws:lambda/function:Function"
PARAMETER = "aws:ssm/parameter:Parameter"
PACK = {"policy_packs": [str(ROOT / "policy")]}
JWT_PACK = {**PACK, "policy_pack_configs": [str(ROOT / "policy" / "jwt.json")]}


def with_folders(engine: Engine) -> Path:
    """The shipped interceptors in the program's folder."""
    for name in ("limits", "redact", "shown_tools"):
        shutil.copytree(ROOT / "interceptors" / name, engine.folder / "interceptors" / name, dirs_exist_ok=True)
    return engine.folder / "interceptors"


def asked(engine: Engine) -> dict[str, str]:
    """What the gateway asks at each point: the function's name."""
    configurations = the(engine, GATEWAY)["outputs"].get("interceptorConfigurations") or []
    return {
        point: it["interceptor"]["lambda"]["arn"].rpartition(":")[2]
        for it in configurations
        for point in it["interceptionPoints"]
    }


def test_added_changed_and_taken_away_in_place(start: Start) -> None:
    engine, settings = start(), two_agents()
    folders = with_folders(engine)
    configure(engine, settings)
    engine.up(**PACK)
    gateway, before = the(engine, GATEWAY)["id"], sorted(engine.account())

    def update(**interceptors: str) -> list[tuple[str, str]]:
        configure(engine, {**settings, "toolgate:interceptors": json.dumps(interceptors)})
        engine.events.clear()
        engine.up(**PACK)
        assert the(engine, GATEWAY)["id"] == gateway
        engine.stack.preview(expect_no_changes=True)
        steps = done(engine)
        assert not [step for step in steps if "replace" in step[0]]
        assert {kind for operation, kind in steps if kind in (POLICY, RUNTIME)} == set()
        return steps

    # The function is there, and may be invoked, before the gateway asks it.
    steps = update(request="limits")
    assert list(asked(engine)) == ["REQUEST"]
    assert steps.index(("create", FUNCTION)) < steps.index(("update", GATEWAY))

    steps = update(request="limits", response="redact")
    assert list(asked(engine)) == ["REQUEST", "RESPONSE"]
    assert len(set(asked(engine).values())) == 2

    limits = folders / "limits" / "limits.json"
    limits.write_text(limits.read_text().replace("1000000", "10"))
    assert update(request="limits", response="redact") == [("update", FUNCTION)]

    # The gateway does not ask it any more before the function goes.
    steps = update(response="redact")
    assert list(asked(engine)) == ["RESPONSE"]
    assert steps.index(("update", GATEWAY)) < steps.index(("delete", FUNCTION))

    update()
    assert asked(engine) == {}
    assert sorted(engine.account()) == before
    engine.stack.destroy()
    assert engine.account() == []


@pytest.mark.parametrize("way", ["iam", "jwt"])
def test_search_replaces_the_gateway_and_a_table_of_callers_goes_with_it(start: Start, way: str) -> None:
    engine, settings = start(), two_agents()
    with_folders(engine)
    agents: dict[str, Any] = settings["toolgate:agents"]
    agents["greeter"]["tools"] = ["math___greeting", "math___add_numbers"]  # by IAM both are shown what both have
    off = {**settings, "toolgate:inbound": way, "toolgate:search": "false"}
    off["toolgate:interceptors"] = json.dumps({"request": "limits"})
    on = {**off, "toolgate:search": "true"}
    on["toolgate:interceptors"] = json.dumps({"request": "limits", "response": "shown_tools"})
    pack = PACK if way == "iam" else JWT_PACK
    configure(engine, off)
    engine.up(**pack)
    ids = [the(engine, GATEWAY)["id"]]
    for stack, searches in ((on, True), (off, False), (on, True)):
        configure(engine, stack)
        engine.up(**pack)
        gateway = the(engine, GATEWAY)
        ids.append(gateway["id"])
        assert ("searchType" in gateway["inputs"]["protocolConfiguration"]["mcp"]) == searches
        assert engine.account().count(GATEWAY) == 1
        assert engine.account().count(PARAMETER) == (2 if way == "jwt" and searches else 0)
        assert len(asked(engine)) == (2 if searches else 1)
        engine.stack.preview(expect_no_changes=True)
    assert len(set(ids)) == 4
    engine.stack.destroy()
    assert engine.account() == []

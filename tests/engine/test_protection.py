"""A protected stack: everyday updates go through, and nothing that has an identity or keeps data is deleted."""

import json
from collections import Counter
from typing import Any

import pytest
from pulumi import automation as auto

from .conftest import Engine, Start
from .test_agents import ADD, GATEWAY, MULTIPLY, POLICY, RUNTIME, allowed, configure, done

ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
PROD = {"toolgate:authorization": "tool", "toolgate:kmsKey": "create", "toolgate:protect": "true"}


def agents(*tools: str) -> dict[str, Any]:
    return {"toolgate:agents": json.dumps({"calculator": {"tools": list(tools)}})}


@pytest.fixture
def engine(start: Start) -> Engine:
    engine = start()
    configure(engine, PROD | agents(ADD, MULTIPLY))
    engine.up()
    return engine


def test_what_changes_every_day_is_not_stopped(engine: Engine) -> None:
    main = engine.folder / "agent" / "main.py"
    main.write_text(main.read_text() + "\n# changed\n")
    engine.events.clear()
    engine.up()
    # The key of the code in S3 names its digest.
    assert Counter(done(engine)) == {
        ("create-replacement", OBJECT): 1,
        ("update", ROLE_POLICY): 1,
        ("update", RUNTIME): 1,
        ("replace", OBJECT): 1,
        ("delete-replaced", OBJECT): 1,
    }

    configure(engine, agents(ADD))
    engine.up()
    assert allowed(engine) == {"calculator": {ADD}}
    configure(engine, agents())
    engine.events.clear()
    engine.up()
    assert Counter(done(engine)) == {("delete", ROLE_POLICY): 1, ("delete", POLICY): 1, ("update", RUNTIME): 1}


def test_nothing_is_deleted_until_the_protection_is_lifted(engine: Engine) -> None:
    before = engine.account()
    with pytest.raises(auto.CommandError) as refused:
        engine.stack.destroy()
    assert "protect" in str(refused.value)
    assert engine.account() == before

    configure(engine, {"toolgate:protect": "false"})
    assert not {"create", "delete", "replace"} & set(changed := engine.up())
    assert changed["update"] == 1  # the bucket, which may be emptied from now on
    engine.stack.destroy()
    assert engine.account() == []


def test_a_protected_gateway_is_not_replaced(engine: Engine) -> None:
    configure(engine, {"toolgate:agents": "{}"})
    with pytest.raises(auto.CommandError):
        engine.up()
    assert any("protect" in message for message in engine.messages())
    assert GATEWAY in engine.account()

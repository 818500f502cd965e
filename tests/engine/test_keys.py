"""A stack that gets a key of its own, and gives it back: what AWS cannot change in place is made anew without a gap."""

import pytest
from pulumi import automation as auto

from .conftest import Start
from .test_agents import ADD, GATEWAY, GREETING, MULTIPLY, POLICY, POLICY_ENGINE, allowed, configure, done, the

KEY = "aws:kms/key:Key"
SOMEBODYS = "arn:aws:kms:us-east-1:123456789012:key/{}1234abc-12ab-34cd-56ef-1234567890ab"
EVERY = {"assistant": {ADD, MULTIPLY, GREETING}}


def test_an_engine_gets_a_key_by_being_made_anew_and_the_gateway_never_lacks_one(start: Start) -> None:
    engine = start()
    configure(engine, {"toolgate:authorization": "tool"})
    engine.up()
    gateway, plain = the(engine, GATEWAY), the(engine, POLICY_ENGINE)
    assert "kmsKeyArn" not in gateway["inputs"]

    configure(engine, {"toolgate:kmsKey": "create"})
    engine.events.clear()
    engine.up()
    arn = the(engine, KEY)["outputs"]["arn"]
    assert the(engine, GATEWAY)["id"] == gateway["id"]
    assert the(engine, GATEWAY)["inputs"]["kmsKeyArn"] == arn
    keyed = the(engine, POLICY_ENGINE)
    assert keyed["id"] != plain["id"]
    assert keyed["inputs"]["encryptionKeyArn"] == arn
    attached = the(engine, GATEWAY)["inputs"]["policyEngineConfiguration"]["arn"]
    assert attached == keyed["outputs"]["policyEngineArn"]
    steps = done(engine)
    order = [
        ("create", KEY),
        ("create-replacement", POLICY_ENGINE),
        ("update", GATEWAY),
        ("create-replacement", POLICY),
        ("delete-replaced", POLICY_ENGINE),
    ]
    assert sorted(order, key=steps.index) == order
    assert allowed(engine) == EVERY

    engine.stack.remove_config("toolgate:kmsKey")
    engine.events.clear()
    engine.up()
    assert the(engine, GATEWAY)["inputs"] == gateway["inputs"] | {
        "policyEngineConfiguration": the(engine, GATEWAY)["inputs"]["policyEngineConfiguration"]
    }
    assert "encryptionKeyArn" not in the(engine, POLICY_ENGINE)["inputs"]
    steps = done(engine)
    assert steps.index(("update", GATEWAY)) < steps.index(("delete-replaced", POLICY_ENGINE))
    assert steps[-1] == ("delete", KEY)
    assert allowed(engine) == EVERY
    engine.stack.destroy()
    assert engine.account() == []


def test_one_key_for_another_is_refused_before_anything_is_taken_away(start: Start) -> None:
    engine = start()
    configure(engine, {"toolgate:authorization": "tool", "toolgate:kmsKey": SOMEBODYS.format("a")})
    engine.up()
    before = the(engine, GATEWAY)["inputs"]
    configure(engine, {"toolgate:kmsKey": SOMEBODYS.format("b")})
    with pytest.raises(auto.CommandError):
        engine.up()
    assert any(
        "A policy engine with the name 'toolgate_dev_tools_cmk' already exists" in it for it in engine.messages()
    )
    assert the(engine, GATEWAY)["inputs"] == before
    assert allowed(engine) == EVERY

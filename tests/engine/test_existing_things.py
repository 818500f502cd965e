"""A stack that gets tags, a role, a function and a gateway that others made, and gives them back."""

import json

from tests.planning import SAMPLE

from .conftest import Start
from .test_agents import GATEWAY, RUNTIME, configure, the

AGENT, GATE = (f"arn:aws:iam::111122223333:role/platform/{name}" for name in ("librarian", "gate"))
SHARED = "arn:aws:bedrock-agentcore:us-east-1:111122223333:gateway/shared-a1b2c3d4e5"
URL = "https://shared-a1b2c3d4e5.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
TABLE = "arn:aws:dynamodb:us-east-1:111122223333:table/notes"
STATEMENTS = [{"actions": ["dynamodb:GetItem"], "resources": [TABLE]}]
AGENTS = {
    "assistant": {
        "roleArn": AGENT,
        "statements": STATEMENTS,
        "gateways": [{"arn": SHARED, "url": URL, "tools": ["crm___find"]}],
    }
}
ORDERS = {"functionArn": "arn:aws:lambda:us-east-1:111122223333:function:orders", "tools": "orders.json"}
GIVEN = {
    "toolgate:tags": json.dumps({"team": "agents"}),
    "toolgate:gatewayRoleArn": GATE,
    "toolgate:agents": json.dumps(AGENTS),
    "toolgate:targets": json.dumps({"orders": ORDERS}),
}


def test_what_others_made_is_taken_up_and_given_back(start: Start) -> None:
    engine = start()
    (engine.folder / "orders.json").write_text((SAMPLE / "orders.json").read_text())
    configure(engine, {"toolgate:authorization": "tool"})
    engine.up()
    gateway, runtime, made = the(engine, GATEWAY), the(engine, RUNTIME), engine.account()

    configure(engine, GIVEN)
    engine.up()
    assert the(engine, GATEWAY)["inputs"]["roleArn"] == GATE
    assert the(engine, RUNTIME)["inputs"]["roleArn"] == AGENT
    assert {the(engine, GATEWAY)["id"], the(engine, RUNTIME)["id"]} == {gateway["id"], runtime["id"]}
    assert the(engine, RUNTIME)["inputs"]["tags"] == {"team": "agents"}
    assert engine.account().count("aws:iam/role:Role") == made.count("aws:iam/role:Role") - 2
    assert engine.up().keys() == {"same"}

    for key in GIVEN:
        engine.stack.remove_config(key)
    engine.up()
    assert engine.account() == made
    assert the(engine, RUNTIME)["id"] == runtime["id"]
    engine.stack.destroy()
    assert engine.account() == []

from typing import Any

from toolgate.access.deployment.deployment import parse
from toolgate.local.serve.callers import callers
from toolgate.local.serve.guards.credentials import Sessions

TOOLS, OTHER = "handmade-tools-abcdefghij", "handmade-other-abcdefghij"
URLS = {TOOLS: "http://tools", OTHER: "http://other"}


def test_an_agents_credentials_are_its_roles_and_reach_its_own_gateways(handmade: dict[str, Any]) -> None:
    sessions = Sessions()
    (found,) = callers(parse(handmade), sessions, URLS).items()
    name, caller = found
    (gateway,) = caller.gateways
    assert (name, gateway.id, gateway.url, gateway.version) == ("assistant", TOOLS, "http://tools", "2025-11-25")
    assert not gateway.sessions
    principal = sessions.principal(caller.credentials["AWS_ACCESS_KEY_ID"])
    assert principal.arn == "arn:aws:sts::123456789012:assumed-role/assistant-role/toolgate-call"
    assert caller.credentials["AWS_SECRET_ACCESS_KEY"] not in repr(caller)


def test_a_gateway_that_its_role_may_not_invoke_is_not_named(handmade: dict[str, Any]) -> None:
    for entry in handmade["deployment"]["resources"]:
        if entry["urn"].endswith("::assistant-tools"):
            for properties in (entry["inputs"], entry["outputs"]):
                properties["policy"] = properties["policy"].replace("handmade-tools", "handmade-other")
    (caller,) = callers(parse(handmade), Sessions(), URLS).values()
    assert [(gateway.id, gateway.sessions) for gateway in caller.gateways] == [(OTHER, True)]

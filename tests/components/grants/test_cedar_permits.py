"""What AgentRuntime writes into a gateway's policy engine."""

from pathlib import Path
from typing import Any

import pulumi
import pytest

from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_text
from toolgate.components.tool_gateway import ToolGateway

ROLE = "helper-role-1234567"
SCHEMA = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}


def gateway(name: str, authorization: str = "tool", **targets: list[str]) -> ToolGateway:
    listed: Any = {
        target: {
            "function_arn": f"arn:aws:lambda:us-east-1:123456789012:function:{target}",
            "tools": [{"name": tool, "description": "Does it.", "inputSchema": SCHEMA} for tool in tools],
        }
        for target, tools in targets.items()
    }
    return ToolGateway(name, {"targets": listed, "authorization": authorization})  # type: ignore[typeddict-item]


def shop(name: str = "one") -> ToolGateway:
    return gateway(name, shop=["order", "refund"], people=["greet"])


@pytest.fixture
def agent(tmp_path: Path) -> Any:
    """Make an agent that is handed these grants."""
    (tmp_path / "agent.zip").write_bytes(b"a zip")

    def making(*handed: Any, name: str = "helper") -> AgentRuntime:
        return AgentRuntime(
            name, {"code": str(tmp_path / "agent.zip"), "model_id": "amazon.nova-lite-v1:0", "tools": list(handed)}
        )

    return making


def arn(name: str) -> str:
    return f"arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/toolgate-dev-{name}-a1b2c3d4e5"


def statements_of(recorded: Any, engine: str = "one") -> list[str]:
    return [
        it.inputs["definition"]["cedar"]["statement"]
        for it in recorded.resources
        if it.type.endswith(":AgentcorePolicy") and it.inputs["policyEngineId"] == f"toolgate_dev_{engine}-a1b2c3d4e5"
    ]


def test_a_grant_is_one_permit_for_the_agents_role_and_these_tools(run: Any, agent: Any, permits: Any) -> None:
    recorded = run(lambda: agent(shop().tools("shop___order", "people")))
    policy = recorded.one("AgentcorePolicy", "helper-tools")
    assert policy.parent == "helper"
    assert policy.hooks == ["AgentRuntime-helper-propagation"]
    assert {key: value for key, value in policy.inputs.items() if key != "definition"} == {
        "name": "toolgate_dev_helper_tools",
        "policyEngineId": "toolgate_dev_one-a1b2c3d4e5",
        "validationMode": "FAIL_ON_ANY_FINDINGS",
    }
    statements = statements_of(recorded)
    assert len(statements) == 1
    for tool, allowed in (("shop___order", True), ("shop___refund", False), ("people___greet", True)):
        assert permits(statements, ROLE, tool, arn("one"), amount=1) is allowed
        assert not permits(statements, "another-role", tool, arn("one"), amount=1)
        assert not permits(statements, ROLE, tool, arn("two"), amount=1)


def test_every_tool_is_granted_by_target(run: Any, agent: Any, permits: Any) -> None:
    statements = statements_of(run(lambda: agent(shop().tools())))
    for tool in ("shop___order", "shop___refund", "people___greet", "shop___later"):
        assert permits(statements, ROLE, tool, arn("one"), amount=1)
    assert not permits(statements, ROLE, "warehouse___empty", arn("one"))


def test_a_condition_holds_for_the_tools_of_its_grant_only(run: Any, agent: Any, permits: Any) -> None:
    def program() -> None:
        one = shop()
        agent(one.tools("shop___order"), one.tools("shop___refund", when="context.input.amount < 1000"))

    recorded = run(program)
    names = [it.inputs["name"] for it in recorded.resources if it.type.endswith(":AgentcorePolicy")]
    assert sorted(names) == ["toolgate_dev_helper_tools", "toolgate_dev_helper_tools_2"]
    assert recorded.one("AgentcorePolicy", "helper-tools-2").inputs["name"] == "toolgate_dev_helper_tools_2"
    statements = statements_of(recorded)
    assert permits(statements, ROLE, "shop___order", arn("one"), amount=5000)
    assert permits(statements, ROLE, "shop___refund", arn("one"), amount=999)
    assert not permits(statements, ROLE, "shop___refund", arn("one"), amount=1000)


def test_each_gateways_permit_is_in_its_own_engine(run: Any, agent: Any, permits: Any) -> None:
    def program() -> None:
        plain = gateway("plain", "gateway", mail=["send"])
        agent(shop().tools("people"), plain.tools(), gateway("two", stock=["count", "empty"]).tools("stock___count"))

    recorded = run(program)
    assert len([it for it in recorded.resources if it.type.endswith(":AgentcorePolicy")]) == 2
    assert permits(statements_of(recorded, "one"), ROLE, "people___greet", arn("one"), amount=1)
    assert permits(statements_of(recorded, "two"), ROLE, "stock___count", arn("two"), amount=1)
    assert not permits(statements_of(recorded, "two"), ROLE, "stock___empty", arn("two"), amount=1)
    assert statements_of(recorded, "plain") == []


def test_the_permit_comes_after_the_tools_it_names_and_before_the_agent(run: Any, agent: Any) -> None:
    recorded = run(lambda: agent(shop().tools("shop")), preview=True)
    policy = recorded.one("AgentcorePolicy", "helper-tools")
    assert {"one-gateway", "one-shop", "one-people", "one-engine", "helper-role"} <= policy.dependencies
    assert "helper-runtime" not in policy.dependencies
    assert "helper-tools" in recorded.one("AgentcoreAgentRuntime", "helper-runtime").dependencies
    assert "AgentcorePolicy" in recorded.one("AgentcoreAgentRuntime", "helper-runtime").dependency_types


def test_what_was_made_in_another_language_is_checked_as_far_as_it_can_be(run: Any, agent: Any, permits: Any) -> None:
    written: Any = {
        "gateway_arn": arn("one"),
        "gateway_url": "https://one/mcp",
        "policy_engine_id": "toolgate_dev_one-a1b2c3d4e5",
        "tools": ["shop___order"],
    }
    statements = statements_of(run(lambda: agent(written)))
    assert permits(statements, ROLE, "shop___order", arn("one"))

    def refused() -> None:
        for more, message in (
            ({"when": "true } unless { false"}, r"AgentRuntime 'helper'.tools\[0\]: the condition .* more than one"),
            ({"tools": []}, r"tools\[0\]: names no tool"),
            ({"tools": ['x"]; permit(principal']}, "full tool name .* is refused"),
            ({"actions": ['x", AgentCore::Action::"Mcp']}, "full tool name .* is refused"),
            ({"actions": [f"t___{'x' * 50}{number:03}" for number in range(150)]}, "may have .* characters"),
        ):
            with pytest.raises(UsageError, match=message):
                agent({**written, **more})
        without: Any = {key: value for key, value in written.items() if key != "policy_engine_id"}
        with pytest.raises(UsageError, match="a condition holds only with authorization 'tool'"):
            agent({**without, "when": "true"})

    assert run(refused).resources == []


def test_an_agent_whose_policy_could_have_no_name_is_refused(run: Any, agent: Any) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=r"policy name .* has 49 characters; at most 48"):
            agent(shop().tools(), name="h" * 30)

    assert not [it for it in run(program).resources if it.name.startswith("h")]


@pytest.mark.parametrize(
    ("quota", "most", "message"),
    [
        ("MOST_POLICIES", 3, "would be Cedar policy number 4 on this gateway; an engine takes 3"),
        ("LARGEST_OF_GATEWAY", 900, "the Cedar policies of this gateway would have [0-9]+ bytes; AgentCore takes 900"),
    ],
)
def test_an_engine_takes_so_many_policies_and_each_gateway_counts_its_own(
    run: Any, agent: Any, monkeypatch: pytest.MonkeyPatch, *, quota: str, most: int, message: str
) -> None:
    monkeypatch.setattr(cedar_text, quota, most)

    def program() -> None:
        one, two = shop("one"), shop("two")
        grant = one.tools("shop___order")
        for number in range(3):
            agent(grant, name=f"a{number}")
            agent(two.tools("shop___order"), name=f"b{number}")
        with pytest.raises(UsageError, match=f"AgentRuntime 'a3'.tools: {message}"):
            agent(grant, name="a3")

    recorded = run(program)
    assert ("AgentRuntime", "a3") not in recorded.types()


def test_a_grant_that_is_written_out_counts_with_its_gateway(
    run: Any, agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cedar_text, "MOST_POLICIES", 1)

    def program() -> None:
        one = shop()
        agent(one.tools("shop___order"), name="a")
        written: Any = {"gateway_arn": one.gateway_arn, "gateway_url": one.gateway_url, "tools": ["people___greet"]}
        agent(written, name="b")
        with pytest.raises(UsageError, match=r"AgentRuntime 'c'.tools: would be Cedar policy number 2"):
            agent({**written, "policy_engine_id": one.policy_engine_id}, name="c")

    assert ("AgentRuntime", "c") not in run(program).types()


def test_a_condition_that_was_put_to_a_grant_later_is_checked_too(run: Any, agent: Any) -> None:
    def program() -> None:
        grant = shop().tools("shop___order")
        grant["when"] = "true }; permit(principal, action, resource) when { true"
        with pytest.raises(UsageError, match=r"AgentRuntime 'helper'.tools\[0\]: the condition .* more than one"):
            agent(grant)

    run(program)


def test_the_permits_of_a_preview_are_unknown_and_still_there(run: Any, agent: Any) -> None:
    recorded = run(lambda: agent(shop().tools("shop")), preview=True)
    policy = recorded.one("AgentcorePolicy", "helper-tools")
    assert policy.property_dependencies["definition"] == {"one-gateway", "helper-role"}
    known = recorded.one("AgentRuntime", "helper").inputs["tools"][0]
    assert known["actions"] == ["shop___order", "shop___refund"]
    assert known["policy_engine_id"] == pulumi.runtime.rpc.UNKNOWN

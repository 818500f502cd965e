"""Whatever agents and gateways a program declares: the documents it writes allow the declared pairs, and no other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.grants.tool_grants import GatewayTools
from toolgate.components.tool_gateway import ToolGateway

ACCOUNT, REGION = "123456789012", "us-east-1"
AGENTS = ("a", "a-1", "b")
GATEWAYS = ("g", "g-1")
LIMIT = 1000


@dataclass(frozen=True)
class Grant:
    """What an agent is handed of one gateway; no name stands for every tool."""

    gateway: str
    asked: tuple[str, ...]
    bounded: bool


@dataclass(frozen=True)
class Program:
    """Gateways with their targets' tools, which of them authorize tools, and who is handed what."""

    gateways: dict[str, dict[str, list[str]]]
    by_tool: frozenset[str]
    handed: dict[str, list[Grant]]

    def tools(self, gateway: str) -> list[str]:
        return [f"{target}___{tool}" for target, tools in self.gateways[gateway].items() for tool in tools]

    def declared(self) -> dict[tuple[str, str, str], bool]:
        """Agent, gateway and tool of every pair, and whether its calls are bounded by a condition."""
        return {
            (agent, grant.gateway, tool): grant.bounded
            for agent, grants in self.handed.items()
            for grant in grants
            for tool in self.tools(grant.gateway)
            if not grant.asked or tool in grant.asked or tool.split("___")[0] in grant.asked
        }


@st.composite
def programs(draw: st.DrawFn) -> Program:
    # Tool names are the gateway's own: an agent that is handed one name twice is refused.
    gateways = {
        gateway: {
            target: [f"{gateway[-1]}_{target}_{tool}" for tool in tools]
            for target, tools in draw(
                st.dictionaries(
                    st.sampled_from(["t", "t-1", "u"]),
                    st.lists(st.sampled_from(["x", "x_1", "y"]), min_size=1, unique=True),
                    min_size=1,
                )
            ).items()
        }
        for gateway in GATEWAYS
    }
    by_tool = draw(st.frozensets(st.sampled_from(GATEWAYS)))
    handed: dict[str, list[Grant]] = {}
    for agent in AGENTS:
        handed[agent] = []
        for gateway in draw(st.lists(st.sampled_from(GATEWAYS), unique=True)):
            tools = [f"{target}___{tool}" for target, its in gateways[gateway].items() for tool in its]
            every = st.lists(st.sampled_from([*tools, *gateways[gateway]]), unique=True)
            asked = tuple(draw(every)) if gateway in by_tool else ()
            handed[agent].append(Grant(gateway, asked, gateway in by_tool and draw(st.booleans())))
    return Program(gateways, by_tool, handed)


def deploy(program: Program, code: Path) -> None:
    schema = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
    gateways: dict[str, ToolGateway] = {}
    for name, targets in program.gateways.items():
        args: Any = {
            "targets": {
                target: {
                    "function_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{target}",
                    "tools": [{"name": tool, "description": "Does it.", "inputSchema": schema} for tool in tools],
                }
                for target, tools in targets.items()
            },
            "authorization": "tool" if name in program.by_tool else "gateway",
        }
        gateways[name] = ToolGateway(name, args)
    for agent, grants in program.handed.items():
        handed: list[GatewayTools] = [
            gateways[it.gateway].tools(*it.asked, when=f"context.input.amount < {LIMIT}" if it.bounded else None)
            for it in grants
        ]
        AgentRuntime(agent, {"code": str(code), "model_id": "amazon.nova-lite-v1:0", "tools": handed})


def written(recorded: Any, allows: Any, permits: Any) -> Any:
    """A decision made of the recorded documents alone: the role's IAM policies, the gateway's engine, its policies."""

    def deciding(agent: str, gateway: str, tool: str, amount: int) -> bool:
        role = f"{agent}-role-1234567"
        made = recorded.one("AgentcoreGateway", f"{gateway}-gateway").inputs
        arn = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:gateway/{made['name']}-a1b2c3d4e5"
        policies = [it for it in recorded.resources if it.type.endswith(":RolePolicy") and it.inputs["role"] == role]
        if not any(allows(it.document(), "bedrock-agentcore:InvokeGateway", arn) for it in policies):
            return False
        attached = made.get("policyEngineConfiguration")
        if attached is None:
            return True
        assert attached["mode"] == "ENFORCE"
        statements = [
            it.inputs["definition"]["cedar"]["statement"]
            for it in recorded.resources
            if it.type.endswith(":AgentcorePolicy") and attached["arn"].endswith(f"/{it.inputs['policyEngineId']}")
        ]
        return bool(permits(statements, role, tool, arn, amount=amount))

    return deciding


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "agent.zip").write_bytes(b"a zip")
    return tmp_path / "agent.zip"


@settings(
    max_examples=25,
    # Each example is a whole run of its own; the fixtures hold nothing of the one before.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # A smaller example of the same failure would take minutes to find.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(program=programs())
def test_only_declared_pairs_exist(run: Any, code: Path, allows: Any, permits: Any, program: Program) -> None:
    decided = written(run(lambda: deploy(program, code)), allows, permits)
    declared = program.declared()
    for agent in AGENTS:
        for gateway in GATEWAYS:
            for tool in program.tools(gateway):
                pair = (agent, gateway, tool)
                assert decided(*pair, LIMIT - 1) is (pair in declared), pair
                assert decided(*pair, LIMIT) is (pair in declared and not declared[pair]), pair

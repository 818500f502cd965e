"""Two agents behind one gateway, each with its own tools: the real program, its own policies, the real Cedar engine.

Once with signatures and once with tokens.
"""

import asyncio
import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.credentials import Credentials
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import McpError
from mcp_proxy_for_aws.client import aws_iam_streamablehttp_client  # type: ignore[import-untyped]

from tests.e2e.ways_in import IAM, Bearer, access_token, planned_agents
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local.engine import pack_config, pack_process
from toolgate.local.invoke_agent import ask
from toolgate.local.plan import Plan, plan
from toolgate.local.serve.server import Serving

Export = dict[str, Any]
Served = Callable[[Export], AbstractContextManager[Serving]]

ROOT = Path(__file__).resolve().parents[2]
GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
POLICY = "aws:bedrock/agentcorePolicy:AgentcorePolicy"
RUNTIME = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
ENGINE = "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine"

ADD, MULTIPLY, GREETING = (f"math___{name}" for name in ("add_numbers", "multiply_numbers", "greeting"))
SEARCH = "x_amz_bedrock_agentcore_search"
OWN = {"calculator": {ADD, MULTIPLY}, "greeter": {GREETING}}
ARGUMENTS: dict[str, dict[str, Any]] = {ADD: {"a": 1, "b": 2}, MULTIPLY: {"a": 2, "b": 3}, GREETING: {"name": "Alice"}}
REFUSED = "Tool Execution Denied: Tool call not allowed due to policy enforcement [{}]"
BY_DEFAULT = REFUSED.format("No policy applies to the request (denied by default).")


@pytest.fixture(scope="module")
def agents_plan(way: str) -> Plan:
    return planned_agents(way)


@pytest.fixture
def agents(agents_plan: Plan) -> Export:
    """The two agents' deployment, to change."""
    return copy.deepcopy(agents_plan.deployment)


@pytest.fixture(scope="module")
def two_agents(agents_plan: Plan, served: Served) -> Iterator[Serving]:
    with served(agents_plan.deployment) as serving:
        yield serving


class Caller:
    """The role of an agent as an MCP client; what any other program with the role's credentials could do."""

    def __init__(self, serving: Serving, export: Export, agent: str) -> None:
        deployment = parse(export)
        [runtime] = [runtime for runtime in deployment.runtimes if runtime.agent == agent]
        issued = serving.session(runtime.role_arn)
        self._url = serving.gateway_url(deployment.gateways[0].id)
        self._credentials = Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token)
        by_token = deployment.gateways[0].jwt is not None
        self._token = access_token(serving, runtime) if by_token else None

    def tools(self) -> set[str]:
        return {tool.name for tool in self._run(lambda session: session.list_tools()).tools}

    def refusal(self, tool: str, arguments: dict[str, Any]) -> tuple[int, str] | None:
        """Code and message of the gateway's refusal of a call; None where it was made."""
        try:
            assert not self._run(lambda session: session.call_tool(tool, arguments)).isError
        except McpError as refused:
            return refused.error.code, refused.error.message
        return None

    def _transport(self) -> Any:
        if self._token is None:
            return aws_iam_streamablehttp_client(
                self._url, "bedrock-agentcore", aws_region="us-east-1", credentials=self._credentials
            )
        client = httpx.AsyncClient(auth=Bearer(self._token), trust_env=False, timeout=None)
        return streamable_http_client(self._url, http_client=client)

    def _run(self, use: Callable[[ClientSession], Any]) -> Any:
        async def run() -> Any:
            async with self._transport() as streams, ClientSession(streams[0], streams[1]) as session:
                await session.initialize()
                try:
                    return await use(session)
                except McpError as refused:  # raised outside: inside, groups of exceptions would wrap it
                    return refused

        answer = asyncio.run(run())
        if isinstance(answer, McpError):
            raise answer
        return answer


def test_the_stack_is_in_order(agents_plan: Plan) -> None:
    assert agents_plan.mandatory == ()


@pytest.mark.parametrize("agent", OWN)
def test_each_agent_is_shown_its_own_tools_and_nothing_else(two_agents: Serving, agents: Export, agent: str) -> None:
    assert Caller(two_agents, agents, agent).tools() == OWN[agent]


@pytest.mark.parametrize("agent", OWN)
@pytest.mark.parametrize("tool", ARGUMENTS)
def test_each_agent_may_call_its_own_tools_and_is_refused_the_others(
    two_agents: Serving, agents: Export, agent: str, tool: str
) -> None:
    made = len(two_agents.calls)
    refusal = Caller(two_agents, agents, agent).refusal(tool, ARGUMENTS[tool])
    if tool in OWN[agent]:
        assert refusal is None
        assert [call.tool for call in two_agents.calls[made:]] == [tool]
    else:
        assert refusal == (-32002, BY_DEFAULT)
        assert len(two_agents.calls) == made


@pytest.mark.parametrize(
    ("agent", "question", "tool", "says"),
    [
        ("calculator", "What is 100 + 12?", ADD, "112"),
        ("calculator", "Greet Alice", None, "no tool for greetings"),
        ("greeter", "Greet Alice", GREETING, "Alice"),
        ("greeter", "What is 100 + 12?", None, "no tool for this calculation"),
    ],
)
def test_the_shipped_agents_work_within_their_tools(
    two_agents: Serving, agent: str, question: str, tool: str | None, says: str
) -> None:
    made = len(two_agents.calls)
    assert says in ask(two_agents.environment, two_agents.agents[agent], question)
    assert [call.tool for call in two_agents.calls[made:]] == ([tool] if tool else [])


def allowed(export: Export) -> dict[str, set[str]]:
    """The tools that each agent may call by the access matrix."""
    found: dict[str, set[str]] = {agent: set() for agent in OWN}
    for entry in matrix(parse(export)).entries:
        assert entry.agent in found, f"somebody else may call something: {entry}"
        if entry.decision is Access.ALLOW:
            found[entry.agent].add(entry.tool)
    return found


def test_the_matrix_says_the_same(agents: Export) -> None:
    assert allowed(agents) == OWN


def test_a_condition_holds_at_its_edges_and_the_agent_survives_the_refusal(
    way: str, project: Path, served: Served
) -> None:
    program = project / "__main__.py"
    grant = "gateways[it].tools(*named or [])"
    condition = 'context.input.a.lessThan(decimal("100.0"))'
    assert grant in program.read_text()
    conditional = f"{grant[:-1]}, when={condition!r} if name == 'calculator' else None)"
    program.write_text(program.read_text().replace(grant, conditional))
    changed = plan("agents" if way == IAM else "jwt", root=project)
    assert changed.mandatory == ()
    with served(changed.deployment) as serving:
        calculator = Caller(serving, changed.deployment, "calculator")
        assert calculator.tools() - {SEARCH} == OWN["calculator"]  # some arguments are allowed
        for a in (99.9999, 99, -1):
            assert calculator.refusal(ADD, {"a": a, "b": 1000}) is None
        for a in (100, 100.0, 99.99999):
            assert calculator.refusal(ADD, {"a": a, "b": 0}) == (-32002, BY_DEFAULT)
        assert Caller(serving, changed.deployment, "greeter").refusal(GREETING, ARGUMENTS[GREETING]) is None
        runtime, denied = serving.agents["calculator"], len(serving.denials)
        assert "failed" in ask(serving.environment, runtime, "What is 100 + 12?")
        assert len(serving.denials) == denied + 1
        assert "111" in ask(serving.environment, runtime, "What is 99 + 12?")
    judged = {
        entry.tool: entry.decision for entry in matrix(parse(changed.deployment)).entries if entry.agent == "calculator"
    }
    assert judged == {ADD: Access.CONDITIONAL, MULTIPLY: Access.CONDITIONAL, GREETING: Access.DENY}


def of_type(export: Export, kind: str) -> list[dict[str, Any]]:
    return [resource for resource in export["deployment"]["resources"] if resource["type"] == kind]


def detach(export: Export) -> None:
    for gateway in of_type(export, GATEWAY):
        for side in ("inputs", "outputs"):
            del gateway[side]["policyEngineConfiguration"]


def only_log(export: Export) -> None:
    for gateway in of_type(export, GATEWAY):
        for side in ("inputs", "outputs"):
            gateway[side]["policyEngineConfiguration"]["mode"] = "LOG_ONLY"


def rewrite(old: str, new: str) -> Callable[[Export], None]:
    def change(export: Export) -> None:
        for policy in of_type(export, POLICY):
            for side in ("inputs", "outputs"):
                cedar = policy[side]["definition"]["cedar"]
                changed = cedar["statement"].replace(old, new)
                assert changed != cedar["statement"]
                cedar["statement"] = changed

    return change


def misname(export: Export) -> None:
    """A caller of the wrong form, and one of the kind that does not come to this gateway."""
    if parse(export).gateways[0].jwt is None:
        rewrite("sts::123456789012:assumed-role/", "iam::123456789012:role/")(export)
    else:
        rewrite("principal is AgentCore::OAuthUser", "principal is AgentCore::IamEntity")(export)


NOTHING: dict[str, set[str]] = {agent: set() for agent in OWN}
EVERYTHING = {agent: set(ARGUMENTS) for agent in OWN}


@pytest.mark.parametrize(
    ("spoil", "rule", "then"),
    [
        (detach, "policy-engine-attached", EVERYTHING),
        (only_log, "policy-engine-enforces", EVERYTHING),
        (misname, "cedar-names-exist", NOTHING),
        (rewrite("math___", "math__"), "cedar-names-exist", NOTHING),
    ],
    ids=["no engine", "LOG_ONLY", "a caller who is none", "two underscores"],
)
def test_each_broken_part_is_noticed_by_pack_matrix_and_gateway(
    agents: Export, served: Served, spoil: Callable[[Export], None], rule: str, then: dict[str, set[str]]
) -> None:
    spoil(agents)
    assert rule in broken_rules(agents)
    assert allowed(agents) == then
    with served(without_agents(agents)) as serving:
        for agent in OWN:
            caller = Caller(serving, agents, agent)
            assert caller.tools() - {SEARCH} == then[agent]
            assert {tool for tool in ARGUMENTS if caller.refusal(tool, ARGUMENTS[tool]) is None} == then[agent]


def broken_rules(export: Export) -> set[str]:
    """The rules of the policy pack that would stop this deployment."""
    stack = parse(export).stack
    config = pack_config.of_stack(ROOT, stack)
    with pack_process.running(ROOT / "policy", "toolgate", stack, {"aws:region": "us-east-1"}, config) as rules:
        return {found.rule for found in rules.violations(export) if found.level == "mandatory"}


def without_agents(export: Export) -> Export:
    """The deployment without its runtimes, so that no agent is started: the tests call as the agents' roles."""
    smaller = copy.deepcopy(export)
    resources = smaller["deployment"]["resources"]
    smaller["deployment"]["resources"] = [r for r in resources if r["type"] != RUNTIME]
    return smaller


def test_the_intact_deployment_breaks_no_rule(agents: Export) -> None:
    assert broken_rules(agents) == set()


def test_an_engine_that_is_not_there_is_no_open_door(agents: Export, served: Served) -> None:
    resources = agents["deployment"]["resources"]
    agents["deployment"]["resources"] = [resource for resource in resources if resource["type"] != ENGINE]
    judged = matrix(parse(agents))
    assert {entry.decision for entry in judged.entries if entry.agent} == {Access.UNDECIDED}
    assert any("policy engine" in reason and "is not in the deployment" in reason for reason in judged.unsupported)
    with pytest.raises(DeploymentError, match=r"policy engine .* is not in the deployment"), served(agents):
        pass

"""Why an agent may or may not call a tool: the statements and policies that decided, and what a denial lacks."""

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.access.cedar.cedar_decision import ToolDecision, ToolEngine, decide_tool, tool_engine
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.iam.evaluation import Access, Decision, Outcome
from toolgate.access.iam.identities import Identity
from toolgate.access.matrix.access_matrix import tools_of
from toolgate.access.matrix.inbound import OPEN, Inbound, inbound
from toolgate.access.matrix.principals import Caller, agents
from toolgate.access.matrix.tool_access import AccessCheck, call, cedar_name
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY

Arguments = Mapping[str, Any] | None


def explain(deployment: Deployment, agent: str, tool: str, arguments: Arguments = None) -> str:
    """Why the agent may or may not call the tool, at every gateway that offers it.

    Args:
        deployment: The deployment.
        agent: The agent's name.
        tool: The tool's full name.
        arguments: The call's arguments; None for a call of which they are not known.

    Raises:
        DeploymentError: There is no such agent or no such tool; the text lists those that there are.
    """
    callers = [caller for caller in agents(deployment) if caller.agent == agent]
    if not callers:
        names = sorted({caller.agent or "" for caller in agents(deployment)})
        raise DeploymentError(f"there is no agent '{agent}'; the deployment has {_listed(names)}")
    gateways = [gateway for gateway in deployment.gateways if tool in tools_of(deployment, gateway)]
    if not gateways:
        names = sorted({name for gateway in deployment.gateways for name in tools_of(deployment, gateway)})
        raise DeploymentError(f"there is no tool '{tool}'; the deployment has {_listed(names)}")
    return "\n".join(
        line
        for caller in callers
        for gateway in gateways
        for line in _lines(deployment, gateway, caller, tool, arguments)
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _lines(deployment: Deployment, gateway: Gateway, caller: Caller, tool: str, arguments: Arguments) -> Iterator[str]:
    who = caller.identity
    engine = tool_engine(deployment, gateway)
    inbound_decision = inbound(deployment, gateway, who)
    cell = call(AccessCheck(gateway, engine, who, inbound_decision), tool, arguments)
    yield f"{cell.decision}: {caller.agent} ({who.arn}) calling {tool} at {gateway.arn}"
    yield from (f"  {line}" for line in _inbound(gateway, who, inbound_decision))
    if inbound_decision.access is not Access.DENY and engine is not None:
        yield from (f"  {line}" for line in _engine(engine, gateway, who, tool, arguments))
    if inbound_decision.access is not Access.DENY and gateway.interceptors:
        yield "  interceptors: they may refuse or rewrite the call; they are not judged"


def _inbound(gateway: Gateway, who: Identity, inbound_decision: Inbound) -> Iterator[str]:
    decision = inbound_decision.decision
    if decision is None:
        means = OPEN.get(gateway.authorizer, "whom it lets in is not judged")
        yield f"inbound: authorizer {gateway.authorizer}: {means}"
        return
    yield f"inbound: IAM {INVOKE_GATEWAY}: {decision.outcome}"
    for statement in decision.statements:
        conditions = f", if {'; '.join(statement.conditions)}" if statement.conditions else ""
        yield f"  {statement.effect} in {_KINDS[statement.kind]} '{statement.policy}' ({statement.sid}){conditions}"
    yield from (f"  not known: {unread}" for unread in who.unknowns if decision.outcome is Outcome.UNDECIDED)
    yield from (f"  missing: {text}" for text in _missing(decision, gateway, who))


_KINDS = {"identity": "identity policy", "boundary": "permissions boundary", "resource": "resource policy"}


def _missing(decision: Decision, gateway: Gateway, who: Identity) -> Iterator[str]:
    if decision.outcome is Outcome.IMPLICIT_DENY:
        lacking = "; or in ".join(" and in ".join(_WHOSE[sort] for sort in way) for way in decision.missing)
        yield f"an Allow of {INVOKE_GATEWAY} on {gateway.arn} in {lacking.format(who=who.name, gateway=gateway.id)}"


_WHOSE = {
    "identity policy": "an identity policy of {who}",
    "permissions boundary": "the permissions boundary of {who}",
    "resource policy": "the resource policy of {gateway}",
}


def _engine(engine: ToolEngine, gateway: Gateway, who: Identity, tool: str, arguments: Arguments) -> Iterator[str]:
    decided = decide_tool(engine, cedar_name(who), tool, arguments)
    mode = "ENFORCE" if engine.enforce else "LOG_ONLY, which lets every call through; ENFORCE would come to"
    told = decided.logged or decided
    yield f"policy engine ({mode}): {told.outcome}"
    yield from (f"  {line}" for line in _policies(engine, told))
    if told.reason:
        yield f"  because {told.reason}"
    elif told.outcome is Access.DENY and not told.policies:
        yield (
            f'  missing: a Cedar policy that permits AgentCore::IamEntity::"{cedar_name(who)}"'
            f' the action AgentCore::Action::"{tool}" on AgentCore::Gateway::"{gateway.arn}"'
        )


def _policies(engine: ToolEngine, told: ToolDecision) -> Iterator[str]:
    for policy in engine.policies:
        if policy.name in told.policies:
            condition = f", {policy.condition}" if policy.conditional else ""
            yield f"{policy.effect} in Cedar policy '{policy.name}'{condition}"

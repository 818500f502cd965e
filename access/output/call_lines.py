"""One call of a tool at one gateway in lines: inbound authorization, the policy engine, interceptors, the function."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.access.cedar.cedar_decision import ToolDecision, ToolEngine, decide_tool, tool_engine
from toolgate.access.chain import hops
from toolgate.access.chain.tool_functions import ToolFunction
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import Identity
from toolgate.access.matrix.inbound import OPEN, Inbound, inbound, requests
from toolgate.access.matrix.tool_access import AccessCheck, ToolAccess, call, cedar_principal
from toolgate.access.output.witness_lines import answered, check_lines
from toolgate.policy.language.agentcore_facts import INVOKE_FUNCTION, INVOKE_GATEWAY, target_of

Arguments = Mapping[str, Any] | None


@dataclass(frozen=True)
class Call:
    """A tool at a gateway, and the arguments if they are known; `function` is the one behind it, if there is one."""

    deployment: Deployment
    gateway: Gateway
    tool: str
    arguments: Arguments = None
    function: ToolFunction | None = None

    def access(self, who: Identity) -> ToolAccess:
        """Whether somebody may make the call."""
        engine = tool_engine(self.deployment, self.gateway)
        let_in = inbound(self.deployment, self.gateway, who)
        return call(AccessCheck(self.gateway, engine, who, let_in), self.tool, self.arguments)

    def lines(self, who: Identity) -> Iterator[str]:
        """What decides it."""
        engine = tool_engine(self.deployment, self.gateway)
        let_in = inbound(self.deployment, self.gateway, who)
        yield from self._inbound(who, let_in)
        if let_in.access is Access.DENY:
            return
        if engine is not None:
            yield from _engine(engine, self, who)
        if self.gateway.interceptors:
            yield "interceptors: they may refuse or rewrite the call; they are not judged"
        if self.access(who).decision is not Access.DENY:
            yield from self._invoked()

    def _inbound(self, who: Identity, let_in: Inbound) -> Iterator[str]:
        if let_in.decision is None:
            authorizer = self.gateway.authorizer
            yield f"inbound: authorizer {authorizer}: {OPEN.get(authorizer, 'whom it lets in is not judged')}"
            return
        yield f"inbound: IAM {INVOKE_GATEWAY}: {let_in.decision.outcome}"
        for asked in requests(self.deployment, self.gateway, who):
            yield from (f"  {line}" for line in check_lines(answered(asked)))

    def _invoked(self) -> Iterator[str]:
        """The last hop, where the deployment holds the role with which the gateway makes it."""
        role = self.deployment.role(self.gateway.role_arn)
        targets = [it for it in self.deployment.targets_of(self.gateway) if it.name == target_of(self.tool)]
        if role and self.function and targets:
            # The target may name an alias, and the role may be granted no more.
            hop = hops.invoke(role, self.function, targets[0].function_arn or self.function.arn)
            yield f"function: IAM {INVOKE_FUNCTION} as {role.name}, the gateway's role: {hop.decision}"
            yield from (f"  {line}" for it in hop.checks for line in check_lines(it))


def _engine(engine: ToolEngine, asked: Call, who: Identity) -> Iterator[str]:
    decided = decide_tool(engine, cedar_principal(who), asked.tool, asked.arguments)
    mode = "ENFORCE" if engine.enforce else "LOG_ONLY, which lets every call through; ENFORCE would come to"
    told = decided.logged or decided
    yield f"policy engine ({mode}): {told.outcome}"
    yield from (f"  {line}" for line in _policies(engine, told))
    if told.reason:
        yield f"  because {told.reason}"
    elif told.outcome is Access.DENY and not told.policies:
        yield (
            f'  missing: a Cedar policy that permits AgentCore::IamEntity::"{cedar_principal(who).id}"'
            f' the action AgentCore::Action::"{asked.tool}" on AgentCore::Gateway::"{asked.gateway.arn}"'
        )


def _policies(engine: ToolEngine, told: ToolDecision) -> Iterator[str]:
    for policy in engine.policies:
        if policy.name in told.policies:
            condition = f", {policy.condition}" if policy.conditional else ""
            yield f"{policy.effect} in Cedar policy '{policy.name}'{condition}"

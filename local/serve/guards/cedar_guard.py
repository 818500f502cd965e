"""A policy engine in front of a gateway's tools: which of them tools/list shows, which tools/call is carried out.

The decisions are `toolgate.access.cedar.cedar_decision`'s, by the real Cedar engine. Written by hand: what the gateway
makes of them. As seen live and published: a list without what the caller may not call; JSON-RPC error -32002 (HTTP 200)
for a call; and a tool search that is asked no policy, so that it shows every tool.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from toolgate.access.cedar.cedar_decision import ToolDecision, ToolEngine, decide_tool, tool_engine
from toolgate.access.cedar.cedar_policies import CedarPrincipal
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Access, IamRequest, decide
from toolgate.local.cloud.types.engine_attachment import permissions
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.gateway import search
from toolgate.local.serve.gateway.records import Denial
from toolgate.policy.language.agentcore_facts import AUTHORIZE_CALL, AUTHORIZE_LIST

log = logging.getLogger(__name__)

DENIED = -32002
"""JSON-RPC code of a refused call."""

_MESSAGE = "Tool Execution Denied: Tool call not allowed due to policy enforcement [{}]"
_BY_DEFAULT = "No policy applies to the request (denied by default)."
_BY_POLICIES = "Policy evaluation denied due to {}"


@dataclass(frozen=True)
class ToolAuthorization:
    """What a gateway asks its policy engine.

    Attributes:
        engine: The engine.
        policy_ids: The policies' ids by their names; AWS's message names ids.
        powerless: The actions that the gateway's role lacks: without them the gateway gets no decision, and so refuses.
        record: Called with each decision against a call.
        tags: The tags that its policies ask for; None where they may ask for any.
    """

    engine: ToolEngine
    policy_ids: Mapping[str, str]
    powerless: frozenset[str]
    record: Callable[[Denial], None]
    tags: frozenset[str] | None = None

    def lists(self, caller: CedarPrincipal, tool: str) -> bool:
        """Whether the tool is shown to a caller: whether there is any call of it that it may make."""
        if not self.engine.enforce:
            return True
        if AUTHORIZE_LIST in self.powerless:
            return False
        return decide_tool(self.engine, self._asked_about(caller), tool).outcome in {Access.ALLOW, Access.CONDITIONAL}

    def refusal(
        self, caller: CedarPrincipal, tool: str, arguments: Mapping[str, Any], entry: Entry | None = None
    ) -> str | None:
        """The message with which the call is refused, or None when it is carried out; our own log says more.

        Args:
            caller: The caller.
            tool: The tool's full name.
            arguments: The call's arguments.
            entry: The exchange, which learns what decided.
        """
        if tool == search.NAME:
            return None
        principal, now = self._asked_about(caller), datetime.now(UTC)
        decision = self._decide(principal, tool, arguments, now)
        counted = decision.logged or decision
        policies = self._ids(counted)
        enforced = decision.logged is None
        mode = "" if enforced else "LOG_ONLY"
        if counted.outcome is Access.ALLOW:
            if entry:
                entry.allow(by="cedar", effect="allow", policies=list(policies), mode=mode)
            return None
        why = _why(counted, policies)
        if entry:
            note = entry.deny if enforced else entry.allow
            note(by="cedar", effect="deny", policies=list(policies), reason=why, mode=mode)
        told = self._told(counted, principal, tool, now)
        message = _MESSAGE.format(_why(told, self._ids(told)))
        log.info("%s %s: %s%s", principal.id, tool, _MESSAGE.format(why), "" if enforced else " (LOG_ONLY)")
        self.record(Denial(self.engine.gateway, principal.id or "", tool, arguments, policies, message, enforced))
        return message if enforced else None

    def _told(self, decision: ToolDecision, principal: CedarPrincipal, tool: str, now: datetime) -> ToolDecision:
        """Of a denial what the caller is told.

        That is the denial itself where some other arguments would be allowed. Where none are, it is the denial of every
        call: whoever may not call a tool finds out nothing of its arguments by trying. AWS's words are not known.
        """
        whatever = self._decide(principal, tool, None, now)
        whatever = whatever.logged or whatever
        return decision if whatever.outcome in {Access.ALLOW, Access.CONDITIONAL} else whatever

    def _ids(self, decision: ToolDecision) -> tuple[str, ...]:
        return tuple(self.policy_ids.get(name, name) for name in decision.policies)

    def _asked_about(self, caller: CedarPrincipal) -> CedarPrincipal:
        """The caller with the tags that can decide something: a token has others, such as its id, each its own."""
        if self.tags is None:
            return caller
        return replace(caller, tags=tuple(it for it in caller.tags if it[0] in self.tags))

    def _decide(
        self, principal: CedarPrincipal, tool: str, arguments: Mapping[str, Any] | None, now: datetime
    ) -> ToolDecision:
        if AUTHORIZE_CALL in self.powerless:
            denied = ToolDecision(Access.DENY, reason=f"The gateway's role may not perform {AUTHORIZE_CALL}")
            return denied if self.engine.enforce else ToolDecision(Access.ALLOW, logged=denied)
        return decide_tool(self.engine, principal, tool, arguments, now)


def tool_authorization(
    deployment: Deployment, gateway: Gateway, role: Role, record: Callable[[Denial], None]
) -> ToolAuthorization | None:
    """What the gateway asks its policy engine; None when it has none.

    Args:
        deployment: The gateway's deployment.
        gateway: The gateway.
        role: Its role.
        record: Called with each decision against a call.
    """
    engine = tool_engine(deployment, gateway)
    if engine is None or gateway.policy_engine is None:
        return None
    arn = gateway.policy_engine.arn
    policies = [policy for found in deployment.policy_engines if found.arn == arn for policy in found.policies]
    return ToolAuthorization(
        engine=engine,
        policy_ids={policy.name: policy.id for policy in policies},
        tags=_tags(engine),
        powerless=frozenset(
            action
            for action, resource in permissions(arn, gateway.arn)
            if not decide(IamRequest(role, action, resource)).allowed
        ),
        record=record,
    )


def _tags(engine: ToolEngine) -> frozenset[str] | None:
    asked = frozenset(tag for policy in engine.policies for tag in policy.tags)
    named = frozenset(tag for tag in asked if tag is not None)
    return named if len(named) == len(asked) else None


def _why(decision: ToolDecision, policies: tuple[str, ...]) -> str:
    if decision.reason:
        return decision.reason
    return _BY_POLICIES.format(", ".join(policies)) if policies else _BY_DEFAULT

"""What a gateway's policy engine decides about one tool call: the one place that evaluates Cedar policies.

Source of the rules (default deny, forbid over permit, what an entity's id is, LOG_ONLY):
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/policy-understanding-cedar.html, policy-conditions.html
and botocore bedrock-agentcore-control `GatewayPolicyEngineConfiguration`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import cedarpy

from toolgate.access.cedar.cedar_policies import CedarPrincipal, ScopedPolicy, Scopes, policy_set, read_statement
from toolgate.access.cedar.cedar_values import ArgumentError, is_known, to_cedar, unknown
from toolgate.access.cedar.json_schema import typed
from toolgate.access.cedar.tools_schema import ACTION, EVERY_TOOL, GATEWAY, IAM_ENTITY, OAUTH_USER, groups_of
from toolgate.access.deployment.agentcore_resources import ACTIVE, LOG_ONLY, Gateway, PolicyEngine, Target, Tool
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Access

ANY_CALLER = CedarPrincipal(IAM_ENTITY, None)
"""A caller about whom nothing is known but that it signs its requests."""
ANY_TOKEN = CedarPrincipal(OAUTH_USER, None)
"""A caller about whom nothing is known but that it has a token of the gateway's issuer."""


@dataclass(frozen=True)
class ToolDecision:
    """What comes of one tool call.

    Attributes:
        outcome: What the gateway does; `conditional` where it depends on arguments or time that were not given.
        policies: Names of the policies that decided, or that could. A denial without any is the default deny.
        reason: Why there was nothing to decide on: the arguments, or what the deployment does not show; else empty.
        logged: With LOG_ONLY, what ENFORCE would have come to; the outcome itself is then `allow`.
    """

    outcome: Access
    policies: tuple[str, ...] = ()
    reason: str = ""
    logged: "ToolDecision | None" = None


@dataclass
class ToolEngine:
    """A policy engine as one gateway asks it; make it once per gateway with `tool_engine`, it remembers decisions.

    Attributes:
        gateway: The gateway's ARN.
        enforce: Whether the gateway heeds the decisions (`ENFORCE`) or only logs them.
        tools: Input schemas by the tools' full names.
        policies: The engine's policies that have a say and can be judged.
        unread: Why others cannot, a sentence each.
    """

    gateway: str
    enforce: bool
    tools: Mapping[str, Mapping[str, Any]]
    policies: tuple[ScopedPolicy, ...]
    unread: tuple[str, ...]
    scopes: Scopes = field(init=False)
    sets: dict[tuple[str, ...], cedarpy.PolicySet] = field(default_factory=dict)
    known: dict[tuple[str, ...], ToolDecision] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scopes = Scopes(self.policies, self.gateway, self.tools)


def tool_engine(deployment: Deployment, gateway: Gateway) -> ToolEngine | None:
    """The engine that decides on the gateway's tool calls, or None when it has none attached."""
    if gateway.policy_engine is None:
        return None
    arn = gateway.policy_engine.arn
    engine = next((engine for engine in deployment.policy_engines if engine.arn == arn), None)
    policies, unread = ([], [f"policy engine {arn} is not in the deployment"]) if engine is None else _read(engine)
    targets = deployment.targets_of(gateway)
    return ToolEngine(
        gateway=gateway.arn,
        enforce=gateway.policy_engine.mode == "ENFORCE",
        tools={target.full_name(tool): input_types(target, tool) for target in targets for tool in target.tools or ()},
        policies=tuple(policies),
        unread=tuple(unread),
    )


def input_types(target: Target, tool: Tool) -> Mapping[str, Any]:
    """The input schema of a target's tool as Cedar's types come from it: of a function it has none but these."""
    return tool.input_schema if target.kind == "mcp.lambda" else typed(tool.input_schema)


def _read(engine: PolicyEngine) -> tuple[list[ScopedPolicy], list[str]]:
    policies: list[ScopedPolicy] = []
    unread: list[str] = []
    for policy in engine.policies:
        if policy.mode == LOG_ONLY:
            continue
        if policy.mode != ACTIVE:
            unread.append(f"{policy.label}: its enforcement mode {policy.mode} is not known here")
        elif policy.statement is None:
            unread.append(f"{policy.label}: its definition is not one in Cedar")
        else:
            try:
                policies.append(read_statement(policy.name, policy.statement))
            except ValueError as error:
                unread.append(f"{policy.label}: {error}")
    return policies, unread


def decide_tool(
    engine: ToolEngine,
    caller: CedarPrincipal,
    tool: str,
    arguments: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> ToolDecision:
    """Whether the engine lets the principal call the tool.

    Args:
        engine: The engine.
        caller: The caller; `ANY_CALLER` is anybody who can sign a request, `ANY_TOKEN` anybody who has a token.
        tool: The tool's full name.
        arguments: The call's arguments, parsed from JSON; None while they are not known.
        now: The time of the call; None while it is not known.
    """
    decided = _decided(engine, caller, tool, arguments, now)
    return decided if engine.enforce else ToolDecision(Access.ALLOW, logged=decided)


def decide_tools(engine: ToolEngine, caller: CedarPrincipal) -> dict[str, ToolDecision]:
    """What `decide_tool` says of each of the gateway's tools while arguments and time are not known.

    Tools that are not in the answer are denied by default. The answer is made by looking at those tools only that some
    policy concerns.
    """
    everything = not engine.enforce or bool(engine.unread)
    return {
        tool: decide_tool(engine, caller, tool)
        for tool in (engine.tools if everything else engine.scopes.tools(caller))
    }


def _decided(
    engine: ToolEngine, caller: CedarPrincipal, tool: str, arguments: Mapping[str, Any] | None, now: datetime | None
) -> ToolDecision:
    found = engine.scopes.find(caller, tool)
    try:
        given = None if arguments is None else to_cedar(arguments, engine.tools.get(tool, {}))
    except ArgumentError as error:
        return ToolDecision(Access.DENY, reason=f"the arguments fit no policy: {error}")
    decided = _whatever_tags(engine, found, _Call(caller, tool, given, now))
    forbidden = decided.outcome is Access.DENY and decided.policies
    if engine.unread and not forbidden:  # whatever is not known may permit or forbid
        return replace(decided, outcome=Access.UNDECIDED, reason="; ".join(engine.unread))
    return decided


@dataclass(frozen=True)
class _Call:
    caller: CedarPrincipal
    tool: str
    given: dict[str, Any] | None
    now: datetime | None


def _whatever_tags(engine: ToolEngine, found: tuple[ScopedPolicy, ...], call: _Call) -> ToolDecision:
    """The decision, where policies that ask for tags that are not known may hold or not."""
    caller = call.caller
    if caller.all_tags or caller.id is None:
        return _asked(engine, found, call)
    known = {tag for tag, _ in caller.tags}
    unclear = [policy for policy in found if not policy.tags <= known]
    decided = _asked(engine, tuple(policy for policy in found if policy not in unclear), call)
    if decided.outcome is Access.UNDECIDED or (decided.outcome is Access.DENY and (decided.policies or decided.reason)):
        return decided
    # Further policies can only forbid what is permitted, and permit what nothing forbids.
    changing = {Access.ALLOW: ("forbid",), Access.DENY: ("permit",)}.get(decided.outcome, ("permit", "forbid"))
    names = {policy.name for policy in unclear if policy.effect in changing}
    if not names:
        return decided
    return ToolDecision(Access.CONDITIONAL, tuple(sorted({*decided.policies, *names})))


def _asked(engine: ToolEngine, found: tuple[ScopedPolicy, ...], call: _Call) -> ToolDecision:
    if not found:
        return ToolDecision(Access.DENY)
    names = (_ANYBODY if call.caller.id is None else "", *(policy.name for policy in found))
    key = (_part(found, "principal", _known_as(call.caller)), _part(found, "action", call.tool), *names)
    general = call.given is None and call.now is None
    if general and key in engine.known:
        return engine.known[key]
    if names not in engine.sets:
        engine.sets[names] = policy_set(found, whoever=call.caller.id is None)
    decided = _by_cedar(engine.sets[names], engine.gateway, _filled(found, call))
    if general:
        engine.known[key] = decided
    return decided


_ANYBODY = "*"


def _known_as(caller: CedarPrincipal) -> str | None:
    """The caller as a condition can see it."""
    return caller.id if not caller.tags else json.dumps([caller.id, *caller.tags])


def _part(found: tuple[ScopedPolicy, ...], variable: str, value: str | None) -> str:
    """What a decision depends on beyond which policies are in scope: nothing, unless a condition asks for it."""
    return value or _ANYBODY if any(policy.mentions(variable) for policy in found) else ""


def _filled(found: tuple[ScopedPolicy, ...], call: _Call) -> _Call:
    """The call with something in the place of what is not known but no condition asks for.

    Cedar leaves more open than it must where a part of the context is unknown, whether or not a policy asks for it.
    """
    given, now = call.given, call.now
    if not any(policy.mentions("input") for policy in found):
        given = {}
    if now is None and not any(policy.mentions("system") for policy in found):
        now = datetime.fromtimestamp(0, UTC)
    return replace(call, given=given, now=now)


def _by_cedar(policies: cedarpy.PolicySet, gateway: str, call: _Call) -> ToolDecision:
    request = {
        "action": _uid(ACTION, call.tool),
        "resource": _uid(GATEWAY, gateway),
        "context": {
            "input": unknown("input") if call.given is None else call.given,
            "system": {"now": unknown("now") if call.now is None else _datetime(call.now)},
        },
    }
    if call.caller.id is not None:
        request["principal"] = _uid(call.caller.type, call.caller.id)
    complete = is_known(call.given) and call.given is not None and call.now is not None and call.caller.id is not None
    try:
        if complete:
            return _settled(cedarpy.is_authorized(request, policies, _kept_entities(call.caller, call.tool)))
        return _open(cedarpy.is_authorized_partial(request, policies, _entities(call.caller, call.tool)))
    except ValueError as error:  # a text that Cedar cannot hold
        return ToolDecision(Access.DENY, reason=f"the request fits no policy: {error}")


def _settled(result: cedarpy.AuthzResult) -> ToolDecision:
    if result.decision is cedarpy.Decision.NoDecision:
        return ToolDecision(Access.DENY, reason=f"the request fits no policy: {'; '.join(result.diagnostics.errors)}")
    outcome = Access.ALLOW if result.allowed else Access.DENY
    return ToolDecision(outcome, tuple(sorted(result.diagnostics.reasons)))


def _open(result: cedarpy.PartialAuthzResult) -> ToolDecision:
    if result.decision is cedarpy.Decision.NoDecision:
        if not result.residuals:
            return ToolDecision(Access.UNDECIDED, reason="; ".join(result.diagnostics.errors))
        return ToolDecision(Access.CONDITIONAL, tuple(sorted(result.diagnostics.may_be_determining)))
    outcome = Access.ALLOW if result.allowed else Access.DENY
    return ToolDecision(outcome, tuple(sorted(result.diagnostics.must_be_determining)))


@lru_cache(maxsize=256)  # a gateway's callers and tools come again and again; to read them takes a third of a decision
def _kept_entities(caller: CedarPrincipal, tool: str) -> cedarpy.Entities:
    return cedarpy.Entities.from_json_str(_entities(caller, tool))


def _entities(caller: CedarPrincipal, tool: str) -> str:
    target, *_ = groups_of(tool)
    chain = tuple(dict.fromkeys((tool, target, *EVERY_TOOL)))  # the name of the search tool has no target in it
    principal = (
        [] if caller.id is None else [_entity(caller.type, caller.id, {"id": caller.id}) | {"tags": dict(caller.tags)}]
    )
    actions = [_entity(ACTION, name, {}, parent) for name, parent in zip(chain, (*chain[1:], None), strict=True)]
    return json.dumps([*principal, *actions])


def _entity(type_: str, id_: str, attributes: Mapping[str, Any], parent: str | None = None) -> dict[str, Any]:
    parents = [] if parent is None else [{"type": type_, "id": parent}]
    return {"uid": {"type": type_, "id": id_}, "attrs": dict(attributes), "parents": parents}


def _uid(type_: str, id_: str) -> str:
    return f"{type_}::{json.dumps(id_, ensure_ascii=False)}"


def _datetime(moment: datetime) -> dict[str, Any]:
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"__extn": {"fn": "datetime", "arg": text}}

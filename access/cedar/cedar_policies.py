"""Cedar policies taken apart as far as their scope: which of them concern a principal, a tool and a gateway.

Only the scope is read here, exactly; conditions are left to Cedar. This is what keeps a deployment with thousands of
policies quick to judge: Cedar is asked only where a policy is in scope.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cedarpy

from toolgate.access.cedar.tools_schema import GATEWAY, groups_of

_ANY = ""  # the key of scopes that do not name an action


@dataclass(frozen=True)
class CedarPrincipal:
    """A Cedar principal; `id` None stands for a principal about whom only the type is known."""

    type: str
    id: str | None


@dataclass(frozen=True)
class ScopedPolicy:
    """One Cedar policy.

    Attributes:
        name: The policy's name in its engine.
        effect: `permit` or `forbid`.
        conditional: Whether it has a `when` or an `unless`.
        body: The policy in Cedar's JSON form.
        text: The policy as it is written.
    """

    name: str
    effect: str
    conditional: bool
    body: Mapping[str, Any]
    text: str

    def actions(self) -> tuple[str, ...]:
        """The names of the actions or groups that its scope names; none when it is open to every action."""
        scope = self.body["action"]
        named = scope.get("entities") or [scope.get("entity")]
        return tuple(entity["id"] for entity in named if entity)

    def concerns(self, principal: CedarPrincipal, gateway: str) -> bool:
        """Whether the principal and the gateway (an ARN) are in its scope."""
        return _in_scope(self.body["principal"], principal.type, principal.id) and _in_scope(
            self.body["resource"], GATEWAY, gateway
        )

    @cached_property
    def condition(self) -> str:
        """Its conditions as they are written, in one line and without comments: `when { context.input.a < 5 }`."""
        bare = _COMMENT.sub(lambda found: found[1] or " ", self.text)
        scope = _SCOPE.match(bare)
        return " ".join(bare[scope.end() if scope else 0 :].split()).rstrip("; ")

    def mentions(self, word: str) -> bool:
        """Whether its conditions hold this word, as a variable, as the name of an attribute or as a text."""
        return json.dumps(word) in self._conditions

    @cached_property
    def _conditions(self) -> str:
        return json.dumps(self.body["conditions"])

    def principals(self) -> Iterator[str]:
        """The ids of the principals that its scope names."""
        scope = self.body["principal"]
        entity = scope.get("entity") or scope.get("in", {}).get("entity")
        if entity:
            yield entity["id"]


_STRING = r'"(?:\\.|[^"\\])*"'
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*")
_SCOPE = re.compile(rf'(?:{_STRING}|[^"])*?\b(?:permit|forbid)\s*\((?:{_STRING}|[^")])*\)')


def read_statement(name: str, statement: str) -> ScopedPolicy:
    """The one policy of a statement.

    Raises:
        ValueError: It is not Cedar, or not exactly one policy without slots; the text says why.
    """
    parsed = json.loads(cedarpy.policies_to_json_str(statement))
    bodies = list(parsed["staticPolicies"].values())
    if len(bodies) != 1 or parsed["templates"]:
        raise ValueError("a statement must hold exactly one policy, without slots")
    (body,) = bodies
    return ScopedPolicy(name, body["effect"], bool(body["conditions"]), body, statement)


def policy_set(policies: Iterable[ScopedPolicy], *, whoever: bool) -> cedarpy.PolicySet:
    """The policies as one set whose ids are the policies' names.

    Args:
        policies: The policies.
        whoever: Leave out whom their scopes name; for a caller who is not known, once it is known to be in scope.
    """
    static = {p.name: {**p.body, "principal": {"op": "All"}} if whoever else p.body for p in policies}
    return cedarpy.PolicySet.from_json_str(json.dumps({"templates": {}, "staticPolicies": static, "templateLinks": []}))


class Scopes:
    """An engine's policies for one gateway, found by principal and tool without looking at all of them."""

    def __init__(self, policies: Iterable[ScopedPolicy], gateway: str, tools: Iterable[str]) -> None:
        self._gateway = gateway
        self._named: dict[str, list[ScopedPolicy]] = {}
        self._open: list[ScopedPolicy] = []
        for policy in policies:
            ids = list(policy.principals())
            (self._named.setdefault(ids[0], []) if ids else self._open).append(policy)
        self._members: dict[str, list[str]] = {}
        for tool in tools:
            for key in _keys(tool):
                self._members.setdefault(key, []).append(tool)
        self._of_principal: dict[CedarPrincipal, Mapping[str, list[ScopedPolicy]]] = {}

    def find(self, principal: CedarPrincipal, tool: str) -> tuple[ScopedPolicy, ...]:
        """The policies whose scope the principal's call of the tool (its full name) is in."""
        by_action = self._by_action(principal)
        found = {p.name: p for key in _keys(tool) for p in by_action.get(key, ())} if by_action else {}
        return tuple(found.values())

    def tools(self, principal: CedarPrincipal) -> dict[str, None]:
        """The tools whose call by the principal some policy has in its scope."""
        return {tool: None for key in self._by_action(principal) for tool in self._members.get(key, ())}

    def _by_action(self, principal: CedarPrincipal) -> Mapping[str, list[ScopedPolicy]]:
        known = self._of_principal.get(principal)
        if known is not None:
            return known
        by_action: dict[str, list[ScopedPolicy]] = {}
        for policy in [*self._named.get(principal.id or "", ()), *self._open]:
            if policy.concerns(principal, self._gateway):
                open_to_all = policy.body["action"]["op"] == "All"
                for action in [_ANY] if open_to_all else policy.actions():
                    by_action.setdefault(action, []).append(policy)
        self._of_principal[principal] = by_action
        return by_action


def _keys(tool: str) -> tuple[str, ...]:
    return tool, *groups_of(tool), _ANY


def _in_scope(scope: Mapping[str, Any], type_: str, id_: str | None) -> bool:
    # Neither principals nor gateways have parents, so that `in` is the same as `==`.
    if scope["op"] == "All":
        return True
    if scope["op"] == "is":
        inner = scope.get("in")
        return scope["entity_type"] == type_ and (inner is None or _is(inner["entity"], type_, id_))
    return _is(scope["entity"], type_, id_)


def _is(entity: Mapping[str, str], type_: str, id_: str | None) -> bool:
    return entity["type"] == type_ and entity["id"] == id_

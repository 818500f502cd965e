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

from toolgate.access.cedar.tools_schema import GATEWAY, IAM_ENTITY, groups_of

_ANY = ""  # the key of scopes that do not name an action


@dataclass(frozen=True)
class CedarPrincipal:
    """A Cedar principal.

    Attributes:
        type: Its entity type.
        id: Its id; None stands for somebody whose id is not known, and whom no policy names.
        tags: Its tags: of an OAuthUser the claims of its token. Where the id is not known: what they are, if it has
            them.
        all_tags: Whether it has no others; where the id is not known, nobody knows that.
    """

    type: str
    id: str | None
    tags: tuple[tuple[str, str], ...] = ()
    all_tags: bool = True

    def may_have(self, tag: str, value: str) -> bool:
        """Whether the principal may have this tag with this value."""
        known = dict(self.tags)
        return known[tag] == value if tag in known else not self.all_tags or self.id is None


def iam_entity(entity_id: str) -> CedarPrincipal:
    """The principal that signs its requests and has this entity id (`agentcore_facts.entity_id`)."""
    return CedarPrincipal(IAM_ENTITY, entity_id)


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

    def principals(self, type_: str | None = None) -> Iterator[str]:
        """The ids of the principals that its scope names, of one type or of any."""
        scope = self.body["principal"]
        entity = scope.get("entity") or scope.get("in", {}).get("entity")
        if entity and type_ in (None, entity["type"]):
            yield entity["id"]

    @cached_property
    def pinned_tags(self) -> tuple[tuple[str, str], ...]:
        """Tags that a principal must have, with these values: each is a condition that all others are joined to."""
        bodies = [it["body"] for it in self.body["conditions"] if it["kind"] == "when"]
        return tuple(pin for body in bodies for conjunct in _conjuncts(body) if (pin := _pinned(conjunct)))

    @cached_property
    def tags(self) -> frozenset[str | None]:
        """The tags that its conditions ask for; None among them where one is worked out."""
        return frozenset(_tags(self.body["conditions"]))


_STRING = r'"(?:\\.|[^"\\])*"'
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*")
_SCOPE = re.compile(rf'(?:{_STRING}|[^"])*?\b(?:permit|forbid)\s*\((?:{_STRING}|[^")])*\)')


def _conjuncts(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [body]
    while waiting:
        expression = waiting.pop()
        both = expression.get("&&")
        if both:
            waiting += [both["right"], both["left"]]
        else:
            yield expression


def _pinned(expression: Mapping[str, Any]) -> tuple[str, str] | None:
    sides = expression.get("==")
    for one, other in ((sides["left"], sides["right"]), (sides["right"], sides["left"])) if sides else ():
        asked, value = one.get("getTag"), other.get("Value")
        tag = asked["right"].get("Value") if asked and asked["left"] == _PRINCIPAL else None
        if isinstance(tag, str) and isinstance(value, str):
            return tag, value
    return None


def _tags(part: Any) -> Iterator[str | None]:
    waiting = [part]
    while waiting:
        found = waiting.pop()
        if isinstance(found, Mapping):
            for key in _TAG_OPERATORS & found.keys():
                tag = found[key]["right"].get("Value")
                yield tag if isinstance(tag, str) else None
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


_PRINCIPAL = {"Var": "principal"}
_TAG_OPERATORS = frozenset({"hasTag", "getTag"})


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
        self._pinned: dict[tuple[str, str], list[ScopedPolicy]] = {}
        self._open: list[ScopedPolicy] = []
        for policy in policies:
            ids = list(policy.principals())
            if ids:
                self._named.setdefault(ids[0], []).append(policy)
            elif policy.pinned_tags:
                self._pinned.setdefault(policy.pinned_tags[0], []).append(policy)
            else:
                self._open.append(policy)
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
        for policy in [*self._named.get(principal.id or "", ()), *self._with_tags_of(principal), *self._open]:
            if policy.concerns(principal, self._gateway):
                open_to_all = policy.body["action"]["op"] == "All"
                for action in [_ANY] if open_to_all else policy.actions():
                    by_action.setdefault(action, []).append(policy)
        self._of_principal[principal] = by_action
        return by_action

    def _with_tags_of(self, principal: CedarPrincipal) -> Iterator[ScopedPolicy]:
        if principal.id is not None and principal.all_tags:
            return (policy for tag in principal.tags for policy in self._pinned.get(tag, ()))
        return (it for tag, policies in self._pinned.items() if principal.may_have(*tag) for it in policies)


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

"""IAM policy documents of a deployment, read whole or refused."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from toolgate.access.deployment.stack_export import DeploymentError, Resource
from toolgate.policy.language import documents, grammar, iam
from toolgate.policy.language.documents import Statement, Text
from toolgate.policy.language.evaluation import concerns
from toolgate.policy.language.grammar import IDENTITY_POLICY, RESOURCE_POLICY, Kind
from toolgate.policy.language.matching import Match
from toolgate.policy.language.patterns import HOLE
from toolgate.policy.language.unknown import UNKNOWN


@dataclass(frozen=True)
class Policy:
    """An IAM policy document and the name of the resource that it was written in.

    `only` are the numbers of the statements that count; None for all of them.
    """

    name: str
    document: Mapping[str, Any]
    only: frozenset[int] | None = None
    _concerning: dict[str, tuple[Statement, ...]] = field(default_factory=dict, compare=False, repr=False)
    _granted: dict[str, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The document's statements."""
        found = iam.statements(documents.read(dict(self.document)))
        return found if self.only is None else tuple(s for s in found if s.index in self.only)

    def concerning(self, action: str) -> tuple[Statement, ...]:
        """The statements that may have a say about an action, whatever the resource and the conditions."""
        found = self._concerning.get(action)
        if found is None:
            found = tuple(s for s in self.statements if concerns(s, action) is not Match.NO)
            self._concerning[action] = found
        return found

    def changed(self, action: str, change: Callable[[Statement], Statement]) -> "Policy":
        """The policy with each of its statements that may have a say about an action changed, for that action only."""
        return replace(self, _concerning={action: tuple(map(change, self.concerning(action)))}, _granted={})

    def granted(self, action: str) -> tuple[frozenset[str], frozenset[str]]:
        """On which resources some statement may allow an action: whole names, and what others begin with."""
        if action not in self._granted:
            allows = [s.resources for s in self.concerning(action) if s.allow]
            plain = [it for it in allows if it.given and not it.negated]
            starts = {_prefix(value) for it in plain for value in it.inexact} | ({""} if plain != allows else set())
            self._granted[action] = frozenset[str]().union(*(it.exact for it in plain)), frozenset(starts)
        return self._granted[action]

    def may_allow(self, action: str, resource: str) -> bool:
        """Whether some statement may allow the action on the resource; False is certain, True is not."""
        names, starts = self.granted(action)
        return resource in names or bool(starts)


UNREAD = Policy("not read", {"Version": "2012-10-17", "Statement": []})
"""The policy on a resource that a scan could not read, or not whole: it may allow and deny anything."""

# Where what a resource says literally ends: at a wildcard, a policy variable, or what is not known.
_LITERAL = re.compile(f"[^*?${re.escape(HOLE)}]*")


def _prefix(value: Text) -> str:
    found = None if value is UNKNOWN else _LITERAL.match(value)
    return found.group() if found else ""


def sid(statement: Statement) -> str:
    """How a reader finds a statement in its policy: its Sid, or its number."""
    return statement.sid or f"statement {statement.index + 1}"


def read_policy(resource: Resource, name: str, value: Any, kind: Kind = IDENTITY_POLICY) -> Policy:
    """The policy that a resource's property holds, as JSON text or as an object.

    Args:
        resource: The resource.
        name: What to call the policy.
        value: The property's value.
        kind: What sort of policy it is.

    Raises:
        DeploymentError: The document is missing or hidden, or one that IAM would not accept.
    """
    document = _parsed(resource, "policy", value)
    reason = next(grammar.unreadable(document, kind), None) or _broken(value)
    if reason:
        raise DeploymentError(f"{resource.label}: IAM would not accept policy '{name}': {reason}")
    return Policy(name, document)


def read_resource_policy(resource: Resource) -> Policy:
    """The policy of another resource that this one holds.

    Raises:
        DeploymentError: The document is missing or hidden, or one that no service would accept.
    """
    return read_policy(resource, resource.name, resource.get("policy"), RESOURCE_POLICY)


def read_document(resource: Resource, key: str, value: Any) -> Mapping[str, Any]:
    """An IAM document of any kind, trust policies included.

    Raises:
        DeploymentError: It is missing, hidden, or not JSON with a `Statement` that can be read.
    """
    document = _parsed(resource, key, value)
    if reason := _broken(value):
        raise DeploymentError(f"{resource.label}: IAM would not accept its '{key}': {reason}")
    return document


def read_statements(resource: Resource, key: str) -> tuple[Statement, ...]:
    """The statements of the document that a resource has in a property.

    Raises:
        DeploymentError: As `read_document`.
    """
    return iam.statements(documents.read(dict(read_document(resource, key, resource.get(key)))))


def _parsed(resource: Resource, key: str, value: Any) -> Mapping[str, Any]:
    found = value
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            raise resource.wrong(key, found, "an IAM document in JSON") from None
    if not isinstance(found, Mapping) or not isinstance(found.get("Statement"), Mapping | list):
        raise resource.wrong(key, found, "an IAM document with a 'Statement'")
    return found


def _broken(value: Any) -> str | None:
    read = documents.read(value if isinstance(value, str) else dict(value))
    return f"it {read.reason}" if isinstance(read, documents.Broken) else None

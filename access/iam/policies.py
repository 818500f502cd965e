"""IAM policy documents of a deployment, read whole or refused."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ministack.core.iam_evaluator import (
    EvalContext,
    ParsedStatement,
    evaluate,
    parse_policy_document,
    validate_policy_document,
)

from toolgate.access.deployment.stack_export import DeploymentError, Resource

# A literal dollar, star or question mark is written ${$}, ${*}, ${?}; the evaluator does not read those either.
VARIABLE = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True)
class ReadStatement:
    """One statement of a document: the evaluator's form, its Sid or number, and its principals if it has any."""

    sid: str
    parsed: ParsedStatement
    raw: Mapping[str, Any]

    @cached_property
    def variable(self) -> bool:
        """Whether a resource that it names holds a policy variable."""
        return any(VARIABLE.search(r) for r in (*self.parsed.resources, *self.parsed.not_resources))

    @cached_property
    def widest(self) -> ParsedStatement:
        """What it might concern at most: an Allow without conditions, with a wildcard for each policy variable."""
        return ParsedStatement(
            sid=self.sid,
            effect="Allow",
            actions=self.parsed.actions,
            not_actions=self.parsed.not_actions,
            resources=[VARIABLE.sub("*", r) for r in self.parsed.resources],
            not_resources=[r for r in self.parsed.not_resources if not VARIABLE.search(r)],
        )


@dataclass(frozen=True)
class Policy:
    """An IAM policy document and the name of the resource that it was written in."""

    name: str
    document: Mapping[str, Any]
    _concerning: dict[str, tuple[ReadStatement, ...]] = field(default_factory=dict, compare=False, repr=False)
    _named: dict[str, frozenset[str] | None] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def statements(self) -> tuple[ReadStatement, ...]:
        """The document's statements."""
        listed = self.document["Statement"]
        return tuple(
            ReadStatement(raw.get("Sid") or f"statement {number + 1}", parsed, raw)
            for number, raw in enumerate(listed if isinstance(listed, list) else [listed])
            for parsed in parse_policy_document({"Statement": [raw]})
        )

    def concerning(self, action: str) -> tuple[ReadStatement, ...]:
        """The statements that may have a say about an action, whatever the resource and the conditions."""
        found = self._concerning.get(action)
        if found is None:
            context = EvalContext("", "", "", action, "*", "")
            found = tuple(s for s in self.statements if evaluate(context, [[_anywhere(s.parsed)]]).decision == "Allow")
            self._concerning[action] = found
        return found

    def may_allow(self, action: str, resource: str) -> bool:
        """Whether some statement may allow the action on the resource; False is certain, True is not."""
        if action not in self._named:
            allows = [s.parsed for s in self.concerning(action) if s.parsed.effect == "Allow"]
            plain = all(s.resources and not any(_PATTERN.search(r) for r in s.resources) for s in allows)
            self._named[action] = frozenset(r for s in allows for r in s.resources) if plain else None
        named = self._named[action]
        return named is None or resource in named


_PATTERN = re.compile(r"[*?$]")


def _anywhere(statement: ParsedStatement) -> ParsedStatement:
    return ParsedStatement("", "Allow", actions=statement.actions, not_actions=statement.not_actions, resources=["*"])


def read_policy(resource: Resource, name: str, value: Any) -> Policy:
    """The policy that a resource's property holds, as JSON text or as an object.

    Args:
        resource: The resource.
        name: What to call the policy.
        value: The property's value.

    Raises:
        DeploymentError: The document is missing or hidden, or one that IAM would not accept.
    """
    document = read_document(resource, "policy", value)
    reason = validate_policy_document(dict(document)) or _unreadable(document)
    if reason:
        raise DeploymentError(f"{resource.label}: IAM would not accept policy '{name}': {reason}")
    return Policy(name, document)


def read_document(resource: Resource, key: str, value: Any) -> Mapping[str, Any]:
    """An IAM document of any kind, trust policies included.

    Raises:
        DeploymentError: It is missing, hidden or not JSON with a `Statement`.
    """
    found = value
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            raise resource.wrong(key, found, "an IAM document in JSON") from None
    if not isinstance(found, Mapping) or not isinstance(found.get("Statement"), Mapping | list):
        raise resource.wrong(key, found, "an IAM document with a 'Statement'")
    return found


def _unreadable(document: Mapping[str, Any]) -> str | None:
    """What the evaluator would read as `everything` although IAM would refuse it; None when there is nothing of it."""
    statements = document["Statement"]
    for number, statement in enumerate(statements if isinstance(statements, list) else [statements]):
        for element in ("Action", "NotAction", "Resource", "NotResource"):
            if element in statement and not _texts(statement[element]):
                return f"Statement {number}: '{element}' must be a text or a list of texts"
    return None


def _texts(value: Any) -> bool:
    listed = value if isinstance(value, list) else [value]
    return bool(listed) and all(isinstance(item, str) for item in listed)

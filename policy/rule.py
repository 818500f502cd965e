"""What a rule is: its metadata as data, and one or two plain functions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_policy import EnforcementLevel, PolicyComplianceFramework, Severity

from toolgate.policy.messages import quote
from toolgate.policy.settings import RuleSettings


@dataclass(frozen=True)
class Resource:
    """A resource as a rule sees it, the same in a resource check and in a stack check."""

    type: str
    name: str
    urn: str
    props: Mapping[str, Any]
    """Plain data: inputs in a resource check, outputs in a stack check."""
    parent: str = ""
    """URN of the resource it is a part of."""
    within: "Resource | None" = None
    """That resource as it was registered, in a resource check, where the rule remembers its type."""

    @property
    def label(self) -> str:
        """How a message names it."""
        return f"{self.type.rpartition(':')[2]} {quote(self.name)}"


@dataclass(frozen=True)
class Finding:
    """One violation: where in the resource, and what is wrong there."""

    resource: Resource
    what: str
    place: str = ""


type Check[Subject] = Callable[[Subject, RuleSettings], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """One rule of the pack.

    A rule can be judged at two moments: in the resource check, before the resource is created, as far as one resource
    after another allows, and in the stack check with the whole graph in view.
    """

    name: str
    description: str
    """What must hold, in a sentence."""
    why: str
    """What goes wrong otherwise, in half a sentence."""
    fix: str
    """What to write instead."""
    severity: Severity
    framework: PolicyComplianceFramework
    level: EnforcementLevel = EnforcementLevel.MANDATORY
    types: frozenset[str] = frozenset()
    """Resource types that `check` wants to see."""
    check: Check[Resource] | None = None
    check_stack: Callable[..., Iterable[Finding]] | None = None
    check_so_far: Callable[..., Iterable[Finding]] | None = None
    """Judges a resource with what is registered so far (`Stack`), of the types that the rule remembers.

    A resource is registered before what refers to it, so that much of what the stack check would find is found before
    the last piece is created. There are no dependencies yet: names and ARNs have to tell.
    """
    check_role_documents: Callable[..., Iterable[Finding]] | None = None
    """Judges identity policies (`SourcedDocument`) of the roles that AgentCore may take, at both moments."""
    remembers: frozenset[str] = frozenset()
    """Types whose resources are kept as they were registered, with their inputs, until the run ends."""
    settings: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """JSON schema of each setting of its own, beside `exceptions`."""

    @property
    def judges_resources(self) -> bool:
        """Whether it has something to say before the stack is complete."""
        return any((self.check, self.check_role_documents, self.check_so_far))

    @property
    def judges_stack(self) -> bool:
        """Whether it has something to say of the whole stack."""
        return self.check_stack is not None or self.check_role_documents is not None

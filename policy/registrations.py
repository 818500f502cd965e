"""What has been registered so far in a run, once for all rules: a stack that grows.

The engine asks the pack about each resource when it is registered, and at the end about the whole stack; then another
run may begin in the same process.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs

from toolgate.policy import stack
from toolgate.policy.language import templates
from toolgate.policy.rule import Resource, Rule
from toolgate.policy.stack import Stack


class Registrations:
    """The resources of a run that some rule remembers, and the one that is being registered."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._types = frozenset[str]().union(*(rule.remembers for rule in rules))
        self._of: ResourceValidationArgs | None = None
        self._ended = False
        self.number = 0
        """How many runs came before."""
        self.told: Mapping[str, Resource] = {}
        """By URN: the resource that is being registered, and what a template in it makes."""
        self.remembered: dict[str, Resource] = {}
        self.so_far = Stack((), {})
        self._props: list[Mapping[str, Any]] = []
        self._whole = Stack((), {})

    def see(self, args: ResourceValidationArgs) -> None:
        """Take in a registration; every rule is asked about the same one, and one after another."""
        if self._of is not None and self._of.props is args.props and not self._ended:
            return
        if self._ended:
            self.number += 1
            self.remembered, self._ended = {}, False
        self._of = args
        self._props, self._whole = [], Stack((), {})
        resource = stack.resource(args.resource_type, args.name, args.urn, args.props, args.opts.parent or "")
        resource = replace(resource, within=self.remembered.get(resource.parent))
        self.told = {it.urn: it for it in (resource, *stack.parts(resource))}
        new = {urn: it for urn, it in self.told.items() if it.type in self._types}
        if new:
            self.remembered |= new
            self.so_far = Stack(tuple(self.remembered.values()), {})

    def whole(self, resources: Sequence[PolicyResource], *, registered: bool) -> Stack:
        """The whole stack, read once for the rules that are asked about it one after another.

        It is the same while the properties are the same objects (`unmarshalling.Unread`), which this keeps alive.

        Args:
            resources: As pulumi_policy hands them over.
            registered: Whether what is remembered of the run is about this stack.
        """
        props = [it.props for it in resources]
        kept = self.remembered.values() if registered else ()
        same = len(props) == len(self._props) and all(map(operator.is_, props, self._props))
        if not (same and props and bool(self._whole.registered) == bool(kept)):
            self._props, self._whole = props, stack.of(resources, kept)
        return self._whole

    def end(self) -> None:
        """The whole stack is judged: what is registered next is of another run."""
        self._ended = True

    def wants(self, kind: str) -> bool:
        """Whether a type is to be taken in whichever rule is asked."""
        return kind in self._types or kind in templates.TYPES

"""What IAM is asked about a memory: for each action the requests that there can be, with the policies that have a say.

A memory in a bucket is all objects below a prefix, and IAM knows objects. A statement that names every object of the
memory is about it; one that names some of them, by a pattern, is about the memory on a condition.
"""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from toolgate.access.chain.graph import Things
from toolgate.access.chain.hops import Check, check
from toolgate.access.deployment.data_resources import policies_of, read_data_resources
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.memories import S3, Memory
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy
from toolgate.access.matrix.tool_access import ToolAccess, stricter
from toolgate.access.memories.answers import Answer, answer, joined
from toolgate.access.memories.uses import OBJECTS, ON_OBJECTS, USES, asked, told
from toolgate.policy.language import patterns
from toolgate.policy.language.documents import Condition, Names, Statement
from toolgate.policy.language.patterns import HOLE, Some, chain
from toolgate.policy.language.unknown import UNKNOWN

_KEY = Some("".join(sorted(set(string.printable) - {"*", "?"})), ("-", "zzz"))


@dataclass(frozen=True)
class Questions:
    """All that may be asked about the memories of a deployment."""

    deployment: Deployment
    memories: tuple[Memory, ...]
    _things: dict[str, Things[list[Memory]]] = field(default_factory=dict)

    @cached_property
    def _of_buckets(self) -> Mapping[str, Policy]:
        return policies_of(read_data_resources(self.deployment.data))

    def policies_on(self, memory: Memory) -> tuple[Policy, ...]:
        """The resource policies on a memory, or on its bucket."""
        if memory.kind == S3:
            found = self._of_buckets.get(memory.bucket)
            return (found,) if found else ()
        return self.deployment.policies_on(memory.arn)

    def about(self, caller: Identity, action: str) -> Sequence[Memory]:
        """The memories to which some statement may let the caller by an action; all others are denied."""
        if action in ON_OBJECTS:
            return [it for it in self.memories if it.kind == S3 and self._near(caller, it, action)]
        if action not in self._things:
            self._things[action] = self._concerned(action)
        return [memory for memories in self._things[action].concerning(caller) for memory in memories]

    def _near(self, caller: Identity, memory: Memory, action: str) -> bool:
        """Whether a policy on the bucket, or what the caller is granted, may be about the memory's objects."""
        at = _resource(memory, action)
        on_it = self.policies_on(memory)
        policies = {at: on_it[0]} if on_it else {}
        if any(Things(action, {at: memory}, policies).concerning(caller)):
            return True
        return any(
            any(it.startswith(memory.arn) for it in names)
            or any(it.startswith(memory.arn) or memory.arn.startswith(it) for it in starts)
            for names, starts in (policy.granted(action) for policy in caller.policies)
        )

    def _concerned(self, action: str) -> Things[list[Memory]]:
        places: dict[str, list[Memory]] = {}
        policies: dict[str, Policy] = {}
        for memory in self.memories:
            if any(action in of_use for of_use in USES[memory.kind].values()):
                at = _resource(memory, action)
                places.setdefault(at, []).append(memory)
                if on_it := self.policies_on(memory):
                    policies[at] = _any_of(on_it, action)
        return Things(action, places, policies)

    def checks(
        self, caller: Identity, memory: Memory, action: str, arguments: Mapping[str, Any] | None = None
    ) -> list[list[Check]]:
        """What IAM says of each form of request, under each of the policies on the memory.

        Args:
            caller: Who asks.
            memory: The memory.
            action: For what.
            arguments: The request's members, if they are known; None for any request.
        """
        forms = told(action) if arguments is None else (asked(action, arguments),)
        who = caller if action not in ON_OBJECTS else _about_objects(caller, memory, action)
        policies = self.policies_on(memory)
        if action in ON_OBJECTS:
            policies = tuple(_of_objects(it, memory, action) for it in policies)
        at = _resource(memory, action)
        return [[check(who, action, at, policy, facts) for policy in policies or (None,)] for facts in forms]

    def answer(self, caller: Identity, memory: Memory, action: str) -> Answer:
        """Whether the caller may do something with a memory, and with what of it."""
        return self.of_checks(memory, self.checks(caller, memory, action))

    def of_checks(self, memory: Memory, checks: Sequence[Sequence[Check]]) -> Answer:
        """What comes of what IAM says."""
        found = joined([answer(it, memory.prefix) for it in checks])
        if memory.held or found.access.decision is Access.DENY:
            return found
        return Answer(ToolAccess(stricter(found.access.decision, Access.UNDECIDED)))


def _any_of(policies: Sequence[Policy], action: str) -> Policy:
    """Whom any of several policies names, as one policy."""
    first, *more = policies
    statements = tuple(it for policy in policies for it in policy.concerning(action))
    return replace(first, _concerning={action: statements}) if more else first


def policies(deployment: Deployment) -> list[tuple[Policy, str]]:
    """The policies on the memories of a deployment and on their buckets, each with the ARN of what it is on."""
    questions = Questions(deployment, deployment.memories)
    return [(policy, it.arn) for it in deployment.memories for policy in questions.policies_on(it)]


def _resource(memory: Memory, action: str) -> str:
    """The ARN that IAM is asked for; of a memory's objects one that stands for all of them."""
    if memory.kind != S3:
        return memory.arn
    return f"{memory.arn}any" if action in ON_OBJECTS else memory.bucket


def _about_objects(caller: Identity, memory: Memory, action: str) -> Identity:
    if not caller.policies and not caller.boundary:
        return caller
    boundary = _of_objects(caller.boundary, memory, action) if caller.boundary else None
    return replace(caller, policies=tuple(_of_objects(it, memory, action) for it in caller.policies), boundary=boundary)


def _of_objects(policy: Policy, memory: Memory, action: str) -> Policy:
    """The policy as far as it is about the objects of a memory."""
    return policy.changed(action, partial(_statement, memory, _resource(memory, action)))


def _statement(memory: Memory, one: str, statement: Statement) -> Statement:
    """The statement with one object for all of the memory's, and a condition where it names only some of them."""
    resources = statement.resources
    if not resources.given or UNKNOWN in resources.values or any(HOLE in str(it) for it in resources.values):
        return statement
    family = (chain(memory.arn, _KEY),)
    read = {str(it): patterns.read(str(it)) for it in resources.values}
    if any(it.covers(family) for it in read.values()):
        return replace(statement, resources=Names((one,), resources.negated, given=True))
    some = tuple(text for text, it in read.items() if it.reaches(family))
    if not some:
        return replace(statement, resources=Names(("none",), resources.negated, given=True))
    operator = "StringNotLike" if resources.negated else "StringLike"
    named = Condition(operator.lower(), OBJECTS, some, (operator, "the object's ARN"))
    conditions = statement.conditions if statement.conditions is UNKNOWN else (*statement.conditions, named)
    return replace(statement, resources=Names((one,), given=True), conditions=conditions)

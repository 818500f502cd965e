"""Memory: an AgentCore memory, in which agents keep their conversations and from which they recall."""

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, identifiers, names, tags
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam.memory_documents import ACTOR_VARIABLE
from toolgate.components.memory.agent_memory import AgentMemory

# terraform-provider-aws memory.go, event_expiry_duration; AWS itself takes 3 to 3650 (botocore CreateMemory).
DEFAULT_DAYS, SHORTEST_DAYS, LONGEST_DAYS = 30, 7, 365
# botocore bedrock-agentcore-control Description, Namespace
LONGEST_DESCRIPTION, LONGEST_NAMESPACE = 4096, 512
_NAMESPACE = re.compile(r"/(?:(?:[a-zA-Z0-9_-]|\{[a-zA-Z][a-zA-Z0-9]*\})+/)*")


class MemoryStrategyType(enum.Enum):
    """What AgentCore makes of conversations (botocore MemoryStrategyType), by itself and with models of its own."""

    SEMANTIC = "SEMANTIC"
    """Facts."""
    SUMMARIZATION = "SUMMARIZATION"
    """Summaries of sessions."""
    USER_PREFERENCE = "USER_PREFERENCE"
    """What users prefer."""
    EPISODIC = "EPISODIC"
    """What was done, and what was learnt from it."""


class MemoryStrategy(TypedDict):
    """Long-term records: which ones are made, and where they lie."""

    type: MemoryStrategyType
    """What is made. A memory has one strategy of a type."""
    namespace: str
    """Where its records lie: a path with a slash at its beginning and end, and with variables in it, such as
    `/facts/{actorId}/`. What agents recall lies under `{actorId}`."""
    description: NotRequired[pulumi.Input[str]]
    """What it is for."""


class MemoryArgs(TypedDict):
    """A memory of AgentCore's."""

    expiry_days: NotRequired[pulumi.Input[int]]
    """Days after which an event of a conversation is gone; 7 to 365. Default 30. Long-term records stay."""
    strategies: NotRequired[dict[str, MemoryStrategy]]
    """Long-term records by name. Default: none."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that encrypts it. Another one later is another memory, and an empty one. Default: a key of
    AWS's own."""
    description: NotRequired[pulumi.Input[str]]
    """What it is for."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Its tags."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked: the name in AWS, the days, the strategies, and the component's inputs."""

    name: str
    days: pulumi.Input[int]
    strategies: Mapping[str, MemoryStrategy]
    inputs: Mapping[str, object]


class Memory(pulumi.ComponentResource):
    """An AgentCore memory: events for some days, and what its strategies make of them.

    AgentCore's own strategies run with AgentCore's own rights: it has no role.
    """

    memory_id: pulumi.Output[str]
    """Id of the memory."""
    memory_arn: pulumi.Output[str]
    """ARN of the memory."""

    def __init__(self, name: str, args: MemoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._wanted = wanted = _checked(name, args)
        super().__init__("toolgate:index:Memory", name, {**wanted.inputs}, opts)
        self._name, self._key_arn = name, args.get("kms_key_arn")
        # A replacement cannot be made while the old one holds the name.
        child = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        memory = aws.bedrock.AgentcoreMemory(
            f"{name}-memory",
            name=wanted.name,
            description=args.get("description"),
            event_expiry_duration=wanted.days,
            encryption_key_arn=self._key_arn,
            tags=args.get("tags"),
            opts=child,
        )
        for strategy, wants in wanted.strategies.items():
            aws.bedrock.AgentcoreMemoryStrategy(
                f"{name}-{strategy}",
                memory_id=memory.id,
                name=strategy,
                type=MemoryStrategyType(wants["type"]).value,
                description=wants.get("description"),
                namespace_templates=[wants["namespace"]],
                opts=child,
            )
        self.memory_id = memory.id
        self.memory_arn = memory.arn
        self.register_outputs({"memory_id": self.memory_id, "memory_arn": self.memory_arn})

    def events(self, recall: Sequence[str] = ()) -> AgentMemory:
        """What an agent is handed to keep its conversations here. In another language it is written out.

        Args:
            recall: Names of the strategies whose records it is shown.

        Raises:
            UsageError: One is none of the memory's, or its records do not lie under an actor.
        """
        where = f"Memory {self._name!r}"
        handed: AgentMemory = {"memory_id": self.memory_id, "memory_arn": self.memory_arn}
        if recall:
            handed["recall"] = [recalled(self._wanted.strategies, strategy, where) for strategy in recall]
        if self._key_arn:
            handed["kms_key_arn"] = self._key_arn
        return handed


def recalled(strategies: Mapping[str, MemoryStrategy], name: str, where: str) -> str:
    """The namespace that an agent asks for all records of its actor that a strategy made.

    It is the strategy's own up to the first variable that follows the actor: whoever asks for a namespace's path gets
    what lies under it.

    Args:
        strategies: The memory's strategies.
        name: The one that is asked for.
        where: The memory, for messages.

    Raises:
        UsageError: There is none of that name, or its records do not lie under an actor.
    """
    if name not in strategies:
        known = ", ".join(map(repr, strategies)) or "none"
        raise UsageError(f"{where}: has no strategy {name!r}. Strategies: {known}.")
    namespace = strategies[name]["namespace"]
    before, actor, after = namespace.partition(f"/{ACTOR_VARIABLE}/")
    if not actor or "{" in before:
        raise UsageError(
            f"{where}: strategy {name!r} keeps its records in {namespace!r}, and IAM could not keep an agent to its "
            f"own there. Write {ACTOR_VARIABLE} as a part of the path, and no other variable before it, such as "
            f"'/facts/{ACTOR_VARIABLE}/'."
        )
    parts, variable, _ = after.partition("{")
    return before + actor + (parts[: parts.rfind("/") + 1] if variable else parts)


def _checked(name: str, args: MemoryArgs) -> _Wanted:
    """Derive all that can be wrong, before anything is made.

    Raises:
        UsageError: AWS would refuse a value or a name, or two strategies have one type.
    """
    where = f"Memory {name!r}"
    arguments.check(args, MemoryArgs, where)
    days = args.get("expiry_days", DEFAULT_DAYS)
    arguments.within(days, SHORTEST_DAYS, LONGEST_DAYS, f"{where}.expiry_days")
    arguments.within(args.get("description"), 1, LONGEST_DESCRIPTION, f"{where}.description")
    identifiers.check(identifiers.KMS_KEY, args.get("kms_key_arn"), f"{where}.kms_key_arn")
    tags.check(args.get("tags"), f"{where}.tags")
    strategies = args.get("strategies", {})
    check_strategies(strategies, f"{where}.strategies")
    # Rules read the inputs, and a plain value says more than an enum.
    inputs = {**args}
    if strategies:
        inputs["strategies"] = {
            it: {**wants, "type": MemoryStrategyType(wants["type"]).value} for it, wants in strategies.items()
        }
    memory_name = names.memory(pulumi.get_project(), pulumi.get_stack(), name)
    return _Wanted(memory_name, days, strategies, inputs)


def check_strategies(strategies: Mapping[str, MemoryStrategy], where: str) -> None:
    """Check strategies whose types are right.

    Raises:
        UsageError: AWS would refuse a name or a namespace, or two have one type.
    """
    seen: dict[MemoryStrategyType, str] = {}
    for name, wants in strategies.items():
        names.memory_strategy(name, where)
        kind, namespace = MemoryStrategyType(wants["type"]), wants["namespace"]
        # AWS's guide, and terraform-provider-aws memory_strategy.go: one of each built-in type.
        if kind in seen:
            raise UsageError(f"{where}.{name}: has the type {kind.value} as {seen[kind]!r} has. Remove one.")
        seen[kind] = name
        arguments.within(namespace, 1, LONGEST_NAMESPACE, f"{where}.{name}.namespace")
        if not _NAMESPACE.fullmatch(namespace):
            raise UsageError(
                f"{where}.{name}.namespace: {namespace!r} is refused. Write a path of letters, digits, '-', '_' and "
                f"variables such as {ACTOR_VARIABLE}, with a slash at its beginning and end."
            )
        arguments.within(wants.get("description"), 1, LONGEST_DESCRIPTION, f"{where}.{name}.description")

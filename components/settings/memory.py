"""`toolgate:memory`: where the agents' conversations are kept, for those that keep them beyond a session."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.memory import agentcore_memory
from toolgate.components.memory.agentcore_memory import MemoryStrategy
from toolgate.components.settings.values import NAMESPACE

CONVERSATIONS = "conversations"
"""Name of the program's one bucket or memory."""
_WHERE = f"{NAMESPACE}:memory"


class MemoryKind(enum.Enum):
    """Where an agent keeps its conversations."""

    SESSION = "session"
    """In its process, for as long as its session lives."""
    S3 = "s3"
    """In a bucket of the stack's."""
    AGENTCORE = "agentcore"
    """In an AgentCore memory of the stack's."""


class MemoryConfig(TypedDict):
    """How the stack keeps conversations."""

    expiryDays: NotRequired[int]
    """Days after which what was said is gone; 7 to 365. Default 30."""
    strategies: NotRequired[dict[str, MemoryStrategy]]
    """What AgentCore makes of conversations, by name; for `memory: agentcore`. Default: nothing."""


@dataclass(frozen=True)
class AgentKeeps:
    """What is said of one agent.

    Attributes:
        kind: Where it keeps its conversations.
        recall: The strategies whose records it is shown.
    """

    kind: MemoryKind = MemoryKind.SESSION
    recall: Sequence[str] = ()


@dataclass(frozen=True)
class Conversations:
    """What is said of the stack.

    Attributes:
        days: Days after which what was said is gone.
        strategies: What AgentCore makes of conversations.
    """

    days: int = agentcore_memory.DEFAULT_DAYS
    strategies: Mapping[str, MemoryStrategy] = field(default_factory=dict)


def of_agent(entry: Mapping[str, Any], where: str) -> AgentKeeps:
    """What an entry of `toolgate:agents` says.

    Args:
        entry: It, as configured.
        where: Its place, for messages.

    Raises:
        UsageError: It is to recall without a memory that makes records.
    """
    kind, recall = MemoryKind(entry.get("memory", MemoryKind.SESSION)), entry.get("recall", ())
    if recall and kind is not MemoryKind.AGENTCORE:
        raise UsageError(
            f"{where}.recall: only an AgentCore memory makes records that can be recalled. Write memory: "
            f"{MemoryKind.AGENTCORE.value}, or remove it."
        )
    return AgentKeeps(kind, tuple(recall))


def read(config: Mapping[str, Any], of_agents: Mapping[str, AgentKeeps]) -> Conversations:
    """What the stack says, checked with what its agents say.

    Args:
        config: The stack's configuration.
        of_agents: What each of its agents says.

    Raises:
        UsageError: A value is refused, an agent recalls what is not made, or nobody needs what is said.
    """
    given: MemoryConfig = config.get("memory", {})
    days, strategies = given.get("expiryDays", agentcore_memory.DEFAULT_DAYS), given.get("strategies", {})
    arguments.within(days, agentcore_memory.SHORTEST_DAYS, agentcore_memory.LONGEST_DAYS, f"{_WHERE}.expiryDays")
    agentcore_memory.check_strategies(strategies, f"{_WHERE}.strategies")
    kinds = {it.kind for it in of_agents.values()}
    if "memory" in config and kinds <= {MemoryKind.SESSION}:
        raise UsageError(
            f"{_WHERE}: no agent keeps its conversations. Write memory: agentcore or s3 for one, or remove it."
        )
    if MemoryKind.AGENTCORE in kinds:
        names.memory(pulumi.get_project(), pulumi.get_stack(), CONVERSATIONS)
    elif strategies:
        raise UsageError(f"{_WHERE}.strategies: no agent has memory: agentcore, which they are for. Remove them.")
    for name, keeps in of_agents.items():
        for strategy in keeps.recall:
            agentcore_memory.recalled(strategies, strategy, f"{NAMESPACE}:agents.{name}.recall")
    return Conversations(days, strategies)

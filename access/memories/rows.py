"""Who may use which memory: a row for each principal, memory and use, by itself or by a role that it may act as."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from toolgate.access.chain.graph import Graph
from toolgate.access.chain.principals import everything
from toolgate.access.chain.ways import Path, in_words, paths, through
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.memories import AGENTCORE, Memory, elsewhere
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER, Identity
from toolgate.access.iam.policies import sid
from toolgate.access.matrix.principals import Caller
from toolgate.access.matrix.tool_access import ToolAccess
from toolgate.access.memories.answers import Answer, texts
from toolgate.access.memories.questions import Questions
from toolgate.access.memories.uses import USES, Use
from toolgate.policy.language import patterns
from toolgate.policy.language.agentcore_facts import MEMORY_ARNS
from toolgate.policy.language.principals import other_principals

type _Known = dict[tuple[str, str], list[Answer]]
"""What is known that somebody may do: by memory and action."""


@dataclass(frozen=True)
class MemoryUse:
    """What a principal may do with a memory.

    Attributes:
        principal: Its ARN, or `*`.
        agent: The agent's name, if it is an agent's role.
        memory: The memory.
        use: What it may do.
        actions: By which of the use's actions; all of them have this answer.
        way: How it comes to act as somebody who may, in words; empty where it may by itself.
        answer: Whether it may, and with what of the memory.
    """

    principal: str
    agent: str | None
    memory: Memory
    use: Use
    actions: tuple[str, ...]
    way: str
    answer: Answer


def memory_uses(graph: Graph, callers: Sequence[Caller]) -> Iterator[MemoryUse]:
    """All rows.

    Args:
        graph: The hops of the deployment.
        callers: Whom to look at; `chain.principals.principals`, in which anybody comes first.
    """
    questions = asked_about(graph.deployment, callers)
    public: _Known = {}
    for caller in callers if questions.memories else ():
        who = caller.identity
        known = public if who is ANY_CALLER else {key: list(answers) for key, answers in public.items()}
        yield from _rows(questions, caller, (), who, known)
        for path in paths(graph, who) if not everything(who) else ():
            yield from _rows(questions, caller, path, graph.role_after(path[-1]), known)


def asked_about(deployment: Deployment, callers: Iterable[Caller]) -> Questions:
    """The memories of a deployment, and those that its agents are granted by name."""
    held = {it.arn: it for it in deployment.memories}
    named = (arn for it in callers if it.agent is not None for arn in _granted(it.identity))
    return Questions(deployment, (*held.values(), *(elsewhere(arn) for arn in dict.fromkeys(named) if arn not in held)))


def _granted(agent: Identity) -> Iterator[str]:
    actions = [it for of_use in USES[AGENTCORE].values() for it in of_use]
    names = {name for policy in agent.policies for action in actions for name in policy.granted(action)[0]}
    yield from sorted(it for it in names if patterns.read(it).reaches(MEMORY_ARNS))


def _rows(questions: Questions, caller: Caller, path: Path, at: Identity, known: _Known) -> Iterator[MemoryUse]:
    """What somebody may do by itself, or as whom it acts at the end of a path, and could not do otherwise."""
    found: dict[tuple[str, Use, Answer], list[str]] = {}
    memories = {it.arn: it for it in questions.memories}
    uses = {(use, action): None for kind in USES.values() for use, actions in kind.items() for action in actions}
    for use, action in uses:
        for memory in questions.about(at, action):
            answer = at_the_end(path, questions.answer(at, memory, action))
            before = known.setdefault((memory.arn, action), [])
            if not any(it.covers(answer) for it in before) and answer.access.decision is not Access.DENY:
                before.append(answer)
                found.setdefault((memory.arn, use, answer), []).append(action)
    for (arn, use, answer), by in sorted(found.items(), key=lambda it: list(memories).index(it[0][0])):
        yield MemoryUse(caller.identity.principal, caller.agent, memories[arn], use, tuple(by), in_words(path), answer)


def at_the_end(path: Path, answer: Answer) -> Answer:
    """What comes of all hops of a path and of what follows them."""
    access = through(path, answer.access)
    if access.decision is not Access.CONDITIONAL:
        return Answer(access, answer.scopes if access.decision is Access.ALLOW else ())
    return Answer(ToolAccess(access.decision, tuple(dict.fromkeys((*access.conditions, *texts(answer))))))


def not_judged(deployment: Deployment, found: Iterable[MemoryUse]) -> Iterator[str]:
    """What has a say about memories and is not judged, in a sentence each."""
    for row in found:
        if row.answer.access.decision is Access.UNDECIDED and not row.memory.held and row.agent and not row.way:
            yield f"{row.agent}: may use memory {row.memory.id}, which is not in the deployment, nor is its own policy"
    held = {it.arn for it in deployment.memories if it.held}
    for arn, policy in deployment.resource_policies.items():
        if ":memory/" in arn and arn not in held:
            yield f"Memory {arn}: what '{policy.name}' lets others write, an agent may read; not judged"
    for memory in deployment.memories:
        for policy in deployment.policies_on(memory.arn):
            where = f"{memory.label}: resource policy '{policy.name}'"
            for statement in policy.statements:
                if statement.allow:
                    yield from (
                        f"{where} ({sid(statement)}) allows {it}; not judged" for it in other_principals(statement)
                    )

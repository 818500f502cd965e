"""Why somebody may or may not use a memory: action by action the statements that decided, and what a denial lacks."""

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.access.chain.graph import Graph, graph
from toolgate.access.chain.principals import principals
from toolgate.access.chain.ways import Path, in_words, paths
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.memories import Memory
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER, outsider
from toolgate.access.matrix.principals import Caller
from toolgate.access.memories.answers import Answer
from toolgate.access.memories.questions import Questions, policies
from toolgate.access.memories.rows import asked_about, at_the_end
from toolgate.access.memories.uses import USES
from toolgate.access.output.memory_table import what
from toolgate.access.output.witness_lines import check_lines, hop_lines
from toolgate.policy.language.agentcore_memory import NAMESPACE, NAMESPACE_PATH

type Arguments = Mapping[str, Any] | None


def explain_memory(deployment: Deployment, who: str, memory: str, arguments: Arguments = None) -> str:
    """Why a principal may or may not use a memory.

    Args:
        deployment: The deployment.
        who: An agent's name; a principal's ARN or name; `*` for anybody.
        memory: The memory's name, id or ARN.
        arguments: A request's members, as the API has them (`actorId`, `namespacePath`); None for any request.

    Raises:
        DeploymentError: There is no such principal or no such memory; the text lists those that there are.
    """
    hops = graph(deployment)
    known = list(principals(deployment, hops.functions, hops.interceptors, policies(deployment)))
    callers = [it for it in known if who in (it.identity.arn, it.identity.name, *(it.agent or "").split(", "))]
    if not callers and who.startswith("arn:"):
        callers = [Caller(outsider(who))]
    if not callers:
        names = sorted({it.agent or it.identity.name for it in known})
        raise DeploymentError(f"there is no agent or principal '{who}'; the deployment has {', '.join(names)}")
    questions = asked_about(deployment, known)
    found = [it for it in questions.memories if memory in (it.name, it.id, it.arn)]
    if not found:
        names = sorted({it.name for it in questions.memories})
        raise DeploymentError(f"there is no memory '{memory}'; the deployment has {', '.join(names) or 'none'}")
    return "\n".join(
        line for it in found for caller in callers for line in _explained(hops, questions, (caller, it), arguments)
    )


def _explained(hops: Graph, questions: Questions, of: tuple[Caller, Memory], arguments: Arguments) -> Iterator[str]:
    caller, memory = of
    for path in ((), *paths(hops, caller.identity)):
        at = hops.role_after(path[-1]) if path else caller.identity
        for use, actions in USES[memory.kind].items():
            for action in actions:
                checks = questions.checks(at, memory, action, arguments)
                answer = at_the_end(path, questions.of_checks(memory, checks))
                if path and answer.access.decision is Access.DENY:
                    continue
                does = f"{_told(caller, path)} {what(use, (action,))} at memory {memory.name}"
                yield f"{_decided(answer, arguments)}: {does}"
                yield from (f"  {line}" for hop in path for line in hop_lines(hop))
                for check in (it for form in checks for it in form):
                    forms = f" by {_form(check.request.facts)}" if len(checks) > 1 else ""
                    yield f"  IAM {action} on {check.request.resource}{forms}: {check.decision.outcome}"
                    yield from (f"    {line}" for line in check_lines(check))


def _decided(answer: Answer, arguments: Arguments) -> str:
    label = answer.label if arguments is None else ""
    return f"{answer.access.decision} for {label}" if label else str(answer.access.decision)


def _told(caller: Caller, path: Path) -> str:
    if caller.identity is ANY_CALLER:
        return "anybody"
    by = f", {in_words(path)}:" if path else ""
    return f"{caller.agent or caller.identity.name} ({caller.identity.arn}){by}"


def _form(facts: Mapping[str, Any]) -> str:
    """The parameter of a request for records: whichever key it is not sure to lack."""
    return next((key.partition(":")[2] for key in _FORMS if key not in facts), "neither")


_FORMS = (NAMESPACE, NAMESPACE_PATH)

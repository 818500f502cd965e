"""One hop of a chain: who gets from themselves to what, by which decisions of IAM.

A hop is decided like everything else (`iam.evaluation`), and keeps what decided it: its witness. Where AWS asks for two
things and the second is not granted, though nothing denies it, the hop is undecided, not denied: which of the two AWS
asks for has changed before (function URLs), or its documents contradict each other (endpoints of a runtime).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from toolgate.access.chain.interceptor_functions import InterceptorFunction
from toolgate.access.chain.tool_functions import ToolFunction
from toolgate.access.chain.tool_secrets import ToolSecret
from toolgate.access.chain.tool_servers import ToolServer
from toolgate.access.deployment.agentcore_resources import Runtime
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.function_access import FunctionUrl
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Access, Decision, Outcome, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import UNREAD, Policy
from toolgate.access.iam.statements import IamRequest
from toolgate.access.matrix.inbound import ACCESS
from toolgate.access.matrix.role_takers import RoleTaker
from toolgate.access.matrix.tool_access import ToolAccess, stricter
from toolgate.policy.language.agentcore_facts import (
    ASK_RUNTIME,
    ASSUME_ROLE,
    GET_SECRET,
    INVOKE_FUNCTION,
    INVOKE_FUNCTION_URL,
    INVOKE_RUNTIME,
    RUN_COMMANDS,
)
from toolgate.policy.language.request_facts import Fact

OPENNESS = (Access.DENY, Access.CONDITIONAL, Access.UNDECIDED, Access.ALLOW)
"""Of several ways, the one that lets through most comes last."""


class Step(StrEnum):
    """What somebody does in one hop; the value is how a reader is told."""

    ASK = "asks"
    COMMANDS = "commands in"
    SERVER = "bedrock-agentcore:InvokeAgentRuntime"
    SHELL = "commands in server"
    ASSUME = "assumes"
    INVOKE = "lambda:InvokeFunction"
    URL = "function URL"
    CALL = "calls"
    CHANGE = "changes"
    PROVIDER = "credential provider"
    SECRET = "secret"  # noqa: S105  # a word
    POOL = "user pool"


@dataclass(frozen=True)
class Check:
    """A question to IAM, and the answer."""

    request: IamRequest
    decision: Decision

    @property
    def access(self) -> Access:
        """What the answer means."""
        return ACCESS[self.decision.outcome]


@dataclass(frozen=True)
class Hop:
    """One hop.

    Attributes:
        step: What is done.
        who: The ARN of who does it, or `*`.
        to: The ARN of the runtime, the role, the function or the gateway that it is done to.
        name: How a reader is told of that: an agent's name, a server's, or a role's.
        checks: Its witness: all of them have to be answered with an allow.
        access: What they come to.
    """

    step: Step
    who: str
    to: str
    name: str
    checks: tuple[Check, ...]
    access: ToolAccess

    @property
    def decision(self) -> Access:
        """Whether it can be done."""
        return self.access.decision


def check(caller: Identity, action: str, resource: str, policy: Policy | None, facts: Mapping[str, Fact]) -> Check:
    """Ask IAM."""
    request = IamRequest(caller, action, resource, facts, policy)
    return Check(request, decide(request))


def assume(caller: Identity, role: Role, trust: Policy) -> Hop:
    """The caller takes a role: its trust policy, and the caller's own policies where that names only the account."""
    asked = check(caller, ASSUME_ROLE, role.arn, trust, {})
    return _hop(Step.ASSUME, caller, (role.arn, role.name), (asked,))


def assume_with_token(taker: RoleTaker) -> Hop:
    """Somebody takes a role with a token of an identity provider, which no policy of their own has to allow."""
    role = taker.role
    asked = check(taker.caller, taker.action, role.arn, role.trust_policy, {})
    hop = _hop(Step.ASSUME, taker.caller, (role.arn, role.name), (asked,))
    return replace(hop, who=taker.principal, access=taker.through(ToolAccess(Access.ALLOW)))


def ask(deployment: Deployment, caller: Identity, runtime: Runtime) -> Hop:
    """The caller sends an agent a question."""
    return _at_runtime(deployment.resource_policies, caller, (runtime.arn, runtime.agent), (Step.ASK, ASK_RUNTIME))


def commands(deployment: Deployment, caller: Identity, runtime: Runtime) -> Hop:
    """The caller runs commands in an agent's session, and so acts with the agent's role."""
    step = Step.SHELL if runtime.arn in deployment.server_arns else Step.COMMANDS
    return _at_runtime(deployment.resource_policies, caller, (runtime.arn, runtime.agent), (step, RUN_COMMANDS))


def call_server(deployment: Deployment, caller: Identity, server: ToolServer) -> Hop:
    """The caller sends an MCP server a call itself, and no gateway decides on it."""
    what = Step.SERVER, ASK_RUNTIME
    return _at_runtime(deployment.resource_policies, caller, (server.arn, server.name), what)


def shell(deployment: Deployment, caller: Identity, server: ToolServer) -> Hop:
    """The caller runs commands in a server's machine, and there whatever its tools do."""
    what = Step.SHELL, RUN_COMMANDS
    return _at_runtime(deployment.resource_policies, caller, (server.arn, server.name), what)


def read_secret(caller: Identity, secret: ToolSecret) -> Hop:
    """The caller reads what a gateway signs in with at a target, and may sign in there itself."""
    asked = check(caller, GET_SECRET, secret.arn, secret.policy, {})
    return _hop(Step.SECRET, caller, (secret.arn, GET_SECRET), (asked,))


def serve(deployment: Deployment, caller: Identity, server: ToolServer) -> Hop:
    """A gateway sends an MCP server a call, with its own role; AWS knows what a server elsewhere says of that."""
    places = runtime_places(server.arn)
    policies = deployment.resource_policies if server.runtime else dict.fromkeys(places, UNREAD)
    return _at_runtime(policies, caller, (server.arn, server.name), (Step.SERVER, (INVOKE_RUNTIME,)))


def runtime_places(arn: str) -> tuple[str, str]:
    """The ARNs that AgentCore asks IAM for when a runtime is invoked: its own, and its endpoint's."""
    return arn, f"{arn}/runtime-endpoint/DEFAULT"


def _at_runtime(
    policies: Mapping[str, Policy], caller: Identity, to: tuple[str, str], what: tuple[Step, tuple[str, ...]]
) -> Hop:
    """AgentCore asks on the runtime and on its endpoint (developer guide, "Resource-based policies").

    The guide writes an endpoint's ARN in two ways, so that a grant on the runtime alone is undecided, not denied.
    """
    step, actions = what
    hops: list[Hop] = []
    for action in actions:
        checks = tuple(check(caller, action, at, policies.get(at), {}) for at in runtime_places(to[0]))
        hops.append(_hop(step, caller, to, checks))
        if hops[-1].decision is Access.ALLOW:
            break
    return widest(hops)


_DIRECTLY: Mapping[str, Fact] = {"lambda:invokedviafunctionurl": "false", "lambda:functionurlauthtype": None}


def invoke(caller: Identity, function: ToolFunction, way_in: str) -> Hop:
    """The caller invokes a function by its ARN, an alias's or a version's.

    Whether there is an alias that nothing but a grant names, the deployment does not say.
    """
    asked = check(caller, INVOKE_FUNCTION, way_in, function.policy, _DIRECTLY)
    hop = _hop(Step.INVOKE, caller, (function.arn, way_in), (asked,))
    if way_in in function.ways_in:
        return hop
    return replace(hop, access=ToolAccess(stricter(hop.decision, Access.UNDECIDED)))


def through_url(caller: Identity, function: ToolFunction, url: FunctionUrl) -> Hop:
    """The caller sends a request to a function's URL, which asks for both actions on the function.

    Of URLs made before October 2025 the second was asked from November 2026 (Lambda developer guide, "Control access
    to Lambda function URLs").
    """
    way_in = url.function.qualified(function.arn)
    auth = "NONE" if url.public else "AWS_IAM"
    facts: Mapping[str, Fact] = {"lambda:functionurlauthtype": auth, "lambda:invokedviafunctionurl": "true"}
    actions = (INVOKE_FUNCTION_URL, INVOKE_FUNCTION)
    checks = tuple(check(caller, action, way_in, function.policy, facts) for action in actions)
    return _hop(Step.URL, caller, (function.arn, way_in), checks)


def change(caller: Identity, function: InterceptorFunction, action: str) -> Hop:
    """The caller makes another interceptor of a gateway's, which decides on every call from then on."""
    asked = check(caller, action, function.arn, function.policy, {})
    hop = _hop(Step.CHANGE, caller, (function.arn, function.name), (asked,))
    access = stricter(hop.decision, function.most(action))
    return hop if access is hop.decision else replace(hop, access=ToolAccess(access))


def widest(hops: Iterable[Hop]) -> Hop:
    """The one of several hops that lets through most."""
    return max(hops, key=lambda hop: OPENNESS.index(hop.decision))


def _hop(step: Step, caller: Identity, to: tuple[str, str], checks: tuple[Check, ...]) -> Hop:
    first, *more = checks
    access = first.access
    for further in more:
        missing = further.decision.outcome is Outcome.IMPLICIT_DENY
        access = stricter(access, Access.UNDECIDED if missing else further.access)
    return Hop(step, caller.principal, *to, checks, told(access, checks))


def told(access: Access, checks: tuple[Check, ...]) -> ToolAccess:
    """What checks come to, with the conditions of the statements where it is conditional."""
    if access is not Access.CONDITIONAL:
        return ToolAccess(access)
    conditions = dict.fromkeys(
        f"{s.effect} {it.request.action} if {condition}"
        for it in checks
        for s in it.decision.statements
        for condition in s.conditions
    )
    return ToolAccess(access, tuple(conditions))

"""Who may call what: every agent of a deployment against every tool of its gateways.

Decided from identity policies (denies and permissions boundaries included). Where another feature has a say that is not
judged here, the decision is `undecided` and the feature is named in `unsupported`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from access.deployment import Deployment
from access.evaluation import Decision, Outcome, Request, decide
from access.views import Gateway, Runtime

INVOKE_GATEWAY = "bedrock-agentcore:InvokeGateway"
"""The one action for listing and calling a gateway's tools; it is decided on the gateway's ARN.

Source: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-inbound-auth.html
"""


class Access(StrEnum):
    """Whether a tool may be called: `conditional` depends on the request, `undecided` cannot be judged here."""

    ALLOW = "allow"
    DENY = "deny"
    CONDITIONAL = "conditional"
    UNDECIDED = "undecided"


_ACCESS = {
    Outcome.ALLOW: Access.ALLOW,
    Outcome.IMPLICIT_DENY: Access.DENY,
    Outcome.EXPLICIT_DENY: Access.DENY,
    Outcome.CONDITIONAL: Access.CONDITIONAL,
    Outcome.UNDECIDED: Access.UNDECIDED,
}


@dataclass(frozen=True)
class Entry:
    """One principal and one tool.

    Attributes:
        principal: The ARN of the agent's role.
        agent: The agent's name.
        gateway: The gateway's ARN.
        tool: The tool's full name.
        decision: Whether the principal may call the tool.
        conditions: What a `conditional` decision depends on, as the policy writes it.
    """

    principal: str
    agent: str
    gateway: str
    tool: str
    decision: Access
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Matrix:
    """The entries, and in a sentence each what could not be judged."""

    entries: tuple[Entry, ...]
    unsupported: tuple[str, ...]

    def as_json(self) -> str:
        """The matrix as JSON: `{"entries": [...], "unsupported": [...]}`."""
        return json.dumps({"entries": [vars(entry) for entry in self.entries], "unsupported": self.unsupported})


_Decisions = Mapping[tuple[str, str], Decision | None]


def matrix(deployment: Deployment) -> Matrix:
    """Decide for each agent and each tool of the deployment."""
    decisions = {
        (runtime.arn, gateway.arn): _decision(deployment, runtime, gateway)
        for runtime in deployment.runtimes
        for gateway in deployment.gateways
    }
    return Matrix(
        entries=tuple(_entries(deployment, decisions)),
        unsupported=(*_unsupported_gateways(deployment), *_unsupported_roles(deployment, decisions)),
    )


def _decision(deployment: Deployment, runtime: Runtime, gateway: Gateway) -> Decision | None:
    role = deployment.role(runtime.role_arn)
    if role is None or gateway.authorizer != "AWS_IAM":
        return None
    return decide(Request(role, INVOKE_GATEWAY, gateway.arn))


def _entries(deployment: Deployment, decisions: _Decisions) -> Iterator[Entry]:
    tools = {
        gateway.arn: [target.full_name(t) for target in deployment.targets_of(gateway) for t in target.tools or ()]
        for gateway in deployment.gateways
    }
    for runtime in deployment.runtimes:
        for gateway in deployment.gateways:
            access, conditions = _access(deployment, gateway, decisions[runtime.arn, gateway.arn])
            for tool in tools[gateway.arn]:
                yield Entry(runtime.role_arn, runtime.agent, gateway.arn, tool, access, conditions)


def _access(deployment: Deployment, gateway: Gateway, decision: Decision | None) -> tuple[Access, tuple[str, ...]]:
    if decision is None:
        return Access.UNDECIDED, ()
    denied = decision.outcome is Outcome.IMPLICIT_DENY
    unjudged = gateway.arn in deployment.resource_policies or (
        not denied and (gateway.policy_engine or gateway.interceptors)
    )
    if unjudged and decision.outcome is not Outcome.EXPLICIT_DENY:  # an explicit deny nothing overrides
        return Access.UNDECIDED, ()
    return _ACCESS[decision.outcome], _conditions(decision) if decision.outcome is Outcome.CONDITIONAL else ()


def _conditions(decision: Decision) -> tuple[str, ...]:
    return tuple(
        f"{statement.effect} if {condition}" for statement in decision.statements for condition in statement.conditions
    )


def _unsupported_gateways(deployment: Deployment) -> Iterator[str]:
    for gateway in deployment.gateways:
        if gateway.authorizer != "AWS_IAM":
            yield f"{gateway.label}: callers are authorized by {gateway.authorizer}; only AWS_IAM is judged"
        if gateway.policy_engine:
            yield f"{gateway.label}: its policy engine decides per tool; Cedar policies are not judged"
        if gateway.interceptors:
            yield f"{gateway.label}: interceptors may refuse or rewrite a call; they are not judged"
        if gateway.arn in deployment.resource_policies:
            yield f"{gateway.label}: its resource policy may allow or deny; resource policies are not judged"
    known = {gateway.id for gateway in deployment.gateways}
    for target in deployment.targets:
        if target.tools is None:
            yield f"{target.label}: the deployment does not list its tools ({target.kind})"
        if target.gateway_id not in known:
            yield f"{target.label}: its gateway '{target.gateway_id}' is not in the deployment"


def _unsupported_roles(deployment: Deployment, decisions: _Decisions) -> Iterator[str]:
    for runtime in deployment.runtimes:
        role = deployment.role(runtime.role_arn)
        if role is None:
            yield f"{runtime.label}: its role {runtime.role_arn} is not in the deployment"
            continue
        for arn in role.unread:
            yield f"{runtime.label}: the document of {arn}, attached to its role, is not in the deployment"
        for gateway in deployment.gateways:
            decision = decisions[runtime.arn, gateway.arn]
            if decision and decision.outcome is Outcome.UNDECIDED and not role.unread:
                listed = "; ".join(str(statement) for statement in decision.statements)
                yield f"{runtime.label}: a policy variable or an unknown operator on {gateway.label}: {listed}"

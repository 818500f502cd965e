"""What has a say about who may call what but cannot be judged here, in a sentence each."""

from collections.abc import Iterator, Mapping

from toolgate.access.cedar.cedar_decision import ToolEngine
from toolgate.access.deployment.agentcore_resources import Gateway, Runtime
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Outcome
from toolgate.access.iam.policies import sid
from toolgate.access.matrix.inbound import OPEN, Inbound
from toolgate.access.matrix.principals import Caller
from toolgate.policy.language import documents, trust
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY, SERVICE_PRINCIPAL
from toolgate.policy.language.principals import other_principals


def unsupported(deployment: Deployment, engines: Mapping[str, ToolEngine | None]) -> Iterator[str]:
    """One sentence per feature or document.

    Args:
        deployment: The deployment.
        engines: The gateways' policy engines by the gateways' ARNs.
    """
    for gateway in deployment.gateways:
        yield from _gateway(gateway, engines[gateway.arn])
        yield from _service_principals(deployment, gateway)
    for arn, policies in deployment.rival_policies.items():
        names = ", ".join(f"'{policy.name}'" for policy in policies)
        yield f"{arn}: several resource policies are put on it ({names}); AWS keeps one of them, and which is not known"
    yield from _targets(deployment)
    yield from _roles(deployment)
    yield from deployment.not_judged
    yield from _namesakes(deployment)


def _gateway(gateway: Gateway, engine: ToolEngine | None) -> Iterator[str]:
    if gateway.authorizer == "CUSTOM_JWT" and gateway.jwt is None:
        yield f"{gateway.label}: callers are authorized by CUSTOM_JWT, and the deployment does not say whose tokens"
    elif gateway.authorizer not in {"AWS_IAM", "CUSTOM_JWT", *OPEN}:
        yield f"{gateway.label}: callers are authorized by {gateway.authorizer}, which is not judged"
    if any(not it.function_arn for it in gateway.interceptors):
        yield f"{gateway.label}: it does not say which function an interceptor is; who may change that is not judged"
    if engine is None or not engine.enforce:
        return
    if gateway.authorizer in OPEN:
        yield f"{gateway.label}: its policy engine decides on callers of {gateway.authorizer}, whom Cedar does not name"
    yield from (f"{gateway.label}: {reason}" for reason in engine.unread)


def _service_principals(deployment: Deployment, gateway: Gateway) -> Iterator[str]:
    allowing = [(p, s) for p in deployment.policies_on(gateway.arn) for s in p.statements if s.allow]
    for policy, statement in allowing:
        where = f"{gateway.label}: resource policy '{policy.name}' ({sid(statement)})"
        yield from (f"{where} allows {other}; not judged" for other in other_principals(statement))


def _targets(deployment: Deployment) -> Iterator[str]:
    known = {gateway.id for gateway in deployment.gateways}
    for target in deployment.targets:
        if target.tools is None:
            yield f"{target.label}: the deployment does not list its tools ({target.kind})"
        if target.gateway_id not in known:
            yield f"{target.label}: its gateway '{target.gateway_id}' is not in the deployment"


def _namesakes(deployment: Deployment) -> Iterator[str]:
    """Programs write policies into names, and a name says no account."""
    arns: dict[str, dict[str, None]] = {}
    for role in deployment.roles:
        arns.setdefault(role.name, {})[role.arn] = None
    for name, same in arns.items():
        if len(same) > 1:
            yield f"{name}: what is written into a role of this name is taken for all of {', '.join(same)}"


def _roles(deployment: Deployment) -> Iterator[str]:
    for runtime in deployment.runtimes:
        role = deployment.role(runtime.role_arn)
        if role is None:
            yield f"{runtime.label}: its role {runtime.role_arn} is not in the deployment{_beside(deployment, runtime)}"
            continue
        for arn in role.unread:
            yield f"{runtime.label}: the document of {arn}, attached to its role, is not in the deployment"
        if limit := role.unknown_boundary:
            yield (
                f"{runtime.label}: the document of {limit}, its role's permissions boundary, is not in the deployment; "
                "--policy ARN=FILE gives it"
            )
        if not trust.trusts_agentcore(documents.read(dict(role.trust))):
            lacks = f"does not name {SERVICE_PRINCIPAL}, so that it cannot start"
            yield f"{runtime.label}: the trust policy of its role {lacks}"


def _beside(deployment: Deployment, runtime: Runtime) -> str:
    """What is to be known of a role that others made, where the deployment writes into it."""
    allowed = [
        gateway.label
        for gateway in deployment.gateways
        if any(
            policy.may_allow(INVOKE_GATEWAY, gateway.arn) for policy in deployment.identity(runtime.role_arn).policies
        )
    ]
    if not allowed:
        return ""
    return f"; {', '.join(allowed)} is allowed, unless its permissions boundary or another policy of its denies it"


def undecided(gateway: Gateway, caller: Caller, inbound_decision: Inbound) -> Iterator[str]:
    """Why IAM's documents do not decide about a caller; nothing where they do, or where `unsupported` says it."""
    decision, identity = inbound_decision.decision, caller.identity
    if decision is None or decision.outcome is not Outcome.UNDECIDED:
        return
    unknown = [f"the document of {arn}, attached to it" for arn in identity.unread]
    if identity.unknown_boundary:
        unknown.append(f"the document of {identity.unknown_boundary}, its permissions boundary")
    if identity.beyond:
        unknown.append(identity.beyond)
    who = caller.agent or (identity.arn if identity.beyond else identity.name)
    if not (unknown or inbound_decision.unread):
        listed = "; ".join(str(statement) for statement in decision.statements)
        what = "a policy variable, an unknown operator, an unclear wildcard or one of several policies"
        yield f"{who}: {what} on {gateway.label}: {listed}"
    if caller.agent is None:
        yield from (f"{who}: not known: {what}" for what in unknown)

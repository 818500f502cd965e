"""Policy engines of a deployment, their policies, and which gateway asks which engine."""

from collections.abc import Sequence

from toolgate.access.deployment.agentcore_resources import ACTIVE, CedarPolicy, EngineAttachment, PolicyEngine
from toolgate.access.deployment.stack_export import Hidden, Resource
from toolgate.policy.language.agentcore_facts import CEDAR_POLICY, POLICY_ENGINE


def read_policy_engines(resources: Sequence[Resource]) -> tuple[PolicyEngine, ...]:
    """All policy engines among the resources, each with the policies that name it.

    Raises:
        DeploymentError: An engine or a policy cannot be read.
    """
    policies: dict[str, list[CedarPolicy]] = {}
    for resource in resources:
        if resource.type == CEDAR_POLICY:
            policies.setdefault(resource.text("policyEngineId"), []).append(_policy(resource))
    return tuple(
        PolicyEngine(r.label, r.text("policyEngineArn"), r.text("policyEngineId"), tuple(policies.get(_id(r), ())))
        for r in resources
        if r.type == POLICY_ENGINE
    )


def read_attachment(gateway: Resource) -> EngineAttachment | None:
    """The engine that a gateway's property `policyEngineConfiguration` names.

    Raises:
        DeploymentError: The property is there and says no engine or no mode.
    """
    configuration = gateway.mapping("policyEngineConfiguration")
    if not configuration:
        return None
    arn, mode = configuration.get("arn"), configuration.get("mode")
    if not isinstance(arn, str):
        raise gateway.wrong("policyEngineConfiguration.arn", arn, "an ARN")
    if mode not in {"ENFORCE", "LOG_ONLY"}:
        raise gateway.wrong("policyEngineConfiguration.mode", mode, "ENFORCE or LOG_ONLY")
    return EngineAttachment(arn, str(mode))


def _id(engine: Resource) -> str:
    return engine.text("policyEngineId")


def _policy(resource: Resource) -> CedarPolicy:
    statement = resource.mapping("definition", "cedar").get("statement")
    if isinstance(statement, Hidden) or (statement is not None and not isinstance(statement, str)):
        raise resource.wrong("definition.cedar.statement", statement, "text")
    mode = resource.optional_text("enforcementMode") or ACTIVE
    return CedarPolicy(resource.label, resource.text("policyId"), resource.text("name"), statement, mode)

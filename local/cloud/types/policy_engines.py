"""Policy engines and their Cedar policies."""

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.access.cedar.cedar_decision import input_types
from toolgate.access.cedar.cedar_policies import ScopedPolicy, read_statement
from toolgate.access.cedar.cedar_validation import validate
from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.access.deployment.stack_export import Resource
from toolgate.access.deployment.stages import KIND as STAGE
from toolgate.access.deployment.targets import read_target
from toolgate.local.cloud.api_requests import Member, same
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import (
    FAILED,
    LOWER_ALPHANUMERIC,
    ApiRequest,
    Existing,
    Made,
    Making,
    Record,
    ResourceType,
)
from toolgate.local.cloud.types.key_use import engine_gets_key, key_in_region
from toolgate.local.cloud.values import UNKNOWN, Properties
from toolgate.policy.language.agentcore_facts import CEDAR_POLICY, GATEWAY, POLICY_ENGINE, TARGET, target_of

POLICIES_PER_ENGINE = 1000
"""AgentCore developer guide, "Quotas"."""


def _make_engine(inputs: Properties, making: Making) -> Made:
    engine_id = f"{inputs['name']}-{making.characters(10, LOWER_ALPHANUMERIC)}"
    arn = making.env.arn("bedrock-agentcore", f"policy-engine/{engine_id}")
    return Made(engine_id, {"policyEngineId": engine_id, "policyEngineArn": arn})


def _engine_in_use(engine: Record, existing: Existing) -> Iterator[str]:
    """No policy may be left (botocore, DeletePolicyEngine) and no gateway may have it (guide, "policy-encryption")."""
    policies = [found.inputs["name"] for found in existing(CEDAR_POLICY) if found.inputs["policyEngineId"] == engine.id]
    if policies:
        text = f"Policy engine '{engine.id}' has policies. Delete all policies before deleting it"
        yield f"ConflictException: {text}: {', '.join(sorted(policies))}"
    for gateway in existing(GATEWAY):
        attached = gateway.inputs.get("policyEngineConfiguration")
        if attached and attached["arn"] == engine.outputs["policyEngineArn"]:
            yield f"ConflictException: Policy engine '{engine.id}' is attached to gateway '{gateway.id}'"


ENGINE_TYPE = ResourceType(
    type=POLICY_ENGINE,
    requests=(
        ApiRequest(
            "bedrock-agentcore-control",
            "CreatePolicyEngine",
            same("name", "description", "encryptionKeyArn", "tags"),
        ),
    ),
    make=_make_engine,
    computed=("policyEngineId", "policyEngineArn"),
    # Its key cannot be changed (botocore, UpdatePolicyEngine takes none).
    replaces=frozenset({"name", "encryptionKeyArn"}),
    framework=True,
    auto_name="name",
    needs=(key_in_region("encryptionKeyArn"), engine_gets_key),
    unique=("name",),
    conflict="ConflictException: A policy engine with the name '{name}' already exists",
    in_use=_engine_in_use,
)


def _make_policy(inputs: Properties, making: Making) -> Made:
    engine_id = inputs["policyEngineId"]
    policy_id = f"{inputs['name']}-{making.characters(10, LOWER_ALPHANUMERIC)}"
    arn = making.env.arn("bedrock-agentcore", f"policy-engine/{engine_id}/policy/{policy_id}")
    return Made(f"{engine_id},{policy_id}", {"policyId": policy_id, "policyArn": arn})


def _statement(inputs: Properties) -> Any:
    value: Any = inputs.get("definition")
    for step in ("cedar", "statement"):
        value = value.get(step) if isinstance(value, Mapping) else value
    return value


def _one_policy(inputs: Properties) -> Iterator[Failure]:
    statement = _statement(inputs)
    if statement is UNKNOWN or not isinstance(statement, str):
        return
    try:
        read_statement("statement", statement)
    except ValueError as error:
        yield Failure("definition", f"ValidationException: not one Cedar policy: {error}")


def _engine_takes(inputs: Properties, made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    engine = inputs["policyEngineId"]
    if not any(found.id == engine for found in existing(POLICY_ENGINE)):
        yield f"ResourceNotFoundException: Policy engine with ID '{engine}' not found"
    others = [
        found for found in existing(CEDAR_POLICY) if found.inputs["policyEngineId"] == engine and found.id != made.id
    ]
    if len(others) >= POLICIES_PER_ENGINE:
        yield f"ServiceQuotaExceededException: a policy engine takes at most {POLICIES_PER_ENGINE} policies"


def _fits_the_tools(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    """A policy is validated against the tools of the gateways that it is about (botocore, CreatePolicy)."""
    policy = read_statement(inputs["name"], _statement(inputs))
    scope = policy.body["resource"]
    named = scope["entity"]["id"] if scope["op"] == "==" else None
    gateways = [found for found in existing(GATEWAY) if _concerns(found, named, inputs["policyEngineId"])]
    if named and not gateways:
        yield f"ResourceNotFoundException: Gateway {named} not found"
    for gateway in gateways:
        targets = _targets(gateway, existing)
        # The tools of a server in mode DYNAMIC, say, only AWS knows, and the arguments of a stage's methods: what it
        # would find in a statement about them cannot be said here.
        known_there = {it.name for it in targets if it.tools is None or (policy.conditional and it.kind == STAGE)}
        if known_there.isdisjoint(map(target_of, policy.actions())):
            for finding in validate(_statement(inputs), _view(gateway), _tools(targets)):
                yield f"{FAILED}: {finding}"
    if inputs.get("validationMode", "FAIL_ON_ANY_FINDINGS") == "FAIL_ON_ANY_FINDINGS":
        yield from _permits_the_future(policy)


def _concerns(gateway: Record, named: str | None, engine: str) -> bool:
    if named:
        return bool(gateway.outputs["gatewayArn"] == named)
    attached = gateway.inputs.get("policyEngineConfiguration")
    return bool(attached and attached["arn"].endswith(f":policy-engine/{engine}"))


def _permits_the_future(policy: ScopedPolicy) -> Iterator[str]:
    """Of the service's analyser only the finding that was seen live: a permit for tools that are not there yet."""
    if policy.effect == "permit" and not policy.conditional and policy.body["action"]["op"] == "All":
        yield (
            f"{FAILED}: Overly Permissive: Policy Engine will allow every request for the specified principal,"
            " action (Any Future Tools) and resource"
        )


def _targets(gateway: Record, existing: Existing) -> tuple[Target, ...]:
    found = (it for it in existing(TARGET) if it.inputs["gatewayIdentifier"] == gateway.id)
    return tuple(read_target(Resource("", TARGET, it.inputs, it.outputs)) for it in found)


def _tools(targets: tuple[Target, ...]) -> dict[str, Any]:
    return {it.full_name(tool): input_types(it, tool) for it in targets for tool in it.tools or ()}


def _view(gateway: Record) -> Gateway:
    return Gateway(
        label=gateway.id,
        arn=gateway.outputs["gatewayArn"],
        id=gateway.id,
        url=gateway.outputs["gatewayUrl"],
        name=gateway.inputs["name"],
        role_arn=gateway.inputs["roleArn"],
        authorizer=gateway.inputs["authorizerType"],
        search=False,
        session_seconds=None,
        versions=(),
        policy_engine=None,
        interceptors=(),
    )


POLICY_TYPE = ResourceType(
    type=CEDAR_POLICY,
    requests=(
        ApiRequest(
            "bedrock-agentcore-control",
            "CreatePolicy",
            {
                **same("name", "description", "policyEngineId", "validationMode"),
                "definition": Member("definition", {"cedar": Member("cedar", same("statement"))}),
            },
        ),
    ),
    make=_make_policy,
    computed=("policyId", "policyArn"),
    replaces=frozenset({"name", "policyEngineId"}),
    framework=True,
    auto_name="name",
    rules=(_one_policy,),
    needs=(_engine_takes, _fits_the_tools),
    # Unique in the account, not only in its engine: awslabs/nx-plugin-for-aws #1199.
    unique=("name",),
    conflict="ConflictException: A policy with the name '{name}' already exists",
)

"""AgentCore memories and their strategies.

Source of the provider's rules: hashicorp/terraform-provider-aws, internal/service/bedrockagentcore/memory.go and
memory_strategy.go (014b1c9). It waits until a memory, and with each strategy the memory again, is ACTIVE, and changes
one strategy of a memory after another; here both are so at once.
"""

from collections.abc import Iterator
from typing import Any

from toolgate.local.cloud.api_requests import same
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ALPHANUMERIC, ApiRequest, Existing, Made, Making, Record, ResourceType
from toolgate.local.cloud.types.key_use import key_in_region
from toolgate.local.cloud.types.permissions import role_of, trusts
from toolgate.local.cloud.values import Properties
from toolgate.policy.language.agentcore_facts import MEMORY, MEMORY_STRATEGY, SERVICE_PRINCIPAL

SHORTEST_DAYS, LONGEST_DAYS = 7, 365
"""What the provider takes; AWS itself 3 to 3650 (botocore CreateMemory)."""
STRATEGIES = 6
"""AgentCore developer guide, "Quotas": strategies of a memory."""
_BUILT_IN = {
    "SEMANTIC": "semanticMemoryStrategy",
    "SUMMARIZATION": "summaryMemoryStrategy",
    "USER_PREFERENCE": "userPreferenceMemoryStrategy",
    "EPISODIC": "episodicMemoryStrategy",
}
"""The request's member by the strategy's type."""


def _make_memory(inputs: Properties, making: Making) -> Made:
    memory_id = f"{inputs['name']}-{making.characters(10, ALPHANUMERIC)}"
    return Made(memory_id, {"id": memory_id, "arn": making.env.arn("bedrock-agentcore", f"memory/{memory_id}")})


def _expiry(inputs: Properties) -> Iterator[Failure]:
    days = inputs.get("eventExpiryDuration")
    if isinstance(days, int | float) and not SHORTEST_DAYS <= days <= LONGEST_DAYS:
        text = (
            f"Attribute event_expiry_duration value must be between {SHORTEST_DAYS} and {LONGEST_DAYS}, got: {days:g}"
        )
        yield Failure("eventExpiryDuration", text)


def _role_is_valid(inputs: Properties, made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    arn = inputs.get("memoryExecutionRoleArn")
    role = role_of(arn, existing) if arn else None
    # One that the program does not make is taken as it is given: whom it trusts nobody here can know.
    if role is not None and not trusts(role, SERVICE_PRINCIPAL, made.outputs["arn"], env):
        yield f"ValidationException: Role validation failed for '{arn}'. The role must have a valid trust policy"


def _strategies_of(memory: Record, existing: Existing) -> list[Record]:
    return [it for it in existing(MEMORY_STRATEGY) if it.inputs["memoryId"] == memory.id]


MEMORY_TYPE = ResourceType(
    type=MEMORY,
    requests=(
        ApiRequest(
            "bedrock-agentcore-control",
            "CreateMemory",
            {
                **same("name", "description", "encryptionKeyArn", "memoryExecutionRoleArn", "eventExpiryDuration"),
                **same("tags"),
            },
        ),
    ),
    make=_make_memory,
    computed=("id", "arn"),
    replaces=frozenset({"name", "encryptionKeyArn"}),
    framework=True,
    auto_name="name",
    rules=(_expiry,),
    needs=(key_in_region("encryptionKeyArn"), _role_is_valid),
    unique=("name",),
    # No ConflictException: bedrock-agentcore's MemoryClient looks for these words.
    conflict="ValidationException: Memory with name {name} already exists",
    # AWS deletes what hangs on it.
    takes_along=_strategies_of,
)


def _make_strategy(inputs: Properties, making: Making) -> Made:
    strategy_id = f"{inputs['name']}-{making.characters(10, ALPHANUMERIC)}"
    outputs = {"memoryStrategyId": strategy_id, "namespaces": inputs["namespaceTemplates"]}
    return Made(f"{inputs['memoryId']},{strategy_id}", outputs)


def _added(request: dict[str, Any]) -> dict[str, Any]:
    """A strategy is added by an update of its memory."""
    wanted = {name: it for name, it in request.items() if name not in ("memoryId", "type")}
    member = _BUILT_IN.get(str(request.get("type")))
    if member is None:  # the provider says so (`_type`)
        return {"memoryId": request.get("memoryId")}
    if member == "episodicMemoryStrategy" and "namespaceTemplates" in wanted:
        # What the provider adds where nothing is said of reflections.
        wanted["reflectionConfiguration"] = {"namespaceTemplates": wanted["namespaceTemplates"]}
    return {"memoryId": request.get("memoryId"), "memoryStrategies": {"addMemoryStrategies": [{member: wanted}]}}


def _type(inputs: Properties) -> Iterator[Failure]:
    kind = inputs.get("type")
    if kind == "CUSTOM":
        yield Failure("type", 'Attribute "configuration" must be specified when "type" value is "CUSTOM"')
    elif isinstance(kind, str) and kind not in _BUILT_IN:
        yield Failure("type", f"Attribute type value must be one of {[*_BUILT_IN, 'CUSTOM']}, got: {kind}")


def _namespaces(inputs: Properties) -> Iterator[Failure]:
    if inputs.get("namespaceTemplates") is None:
        text = "Exactly one of these attributes must be configured: [namespaces,namespace_templates]"
        yield Failure("namespaceTemplates", text)


def _memory_takes(inputs: Properties, made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    memory = inputs["memoryId"]
    if not any(it.id == memory for it in existing(MEMORY)):
        yield f"ResourceNotFoundException: Memory not found: {memory}"
    others = [it for it in existing(MEMORY_STRATEGY) if it.inputs["memoryId"] == memory and it.id != made.id]
    for what in ("name", "type"):
        if any(it.inputs[what] == inputs[what] for it in others):
            # AWS's words are not known; that it takes one of a built-in type the provider's page says.
            yield f"ValidationException: Memory {memory} has a strategy with the {what} {inputs[what]} already"
    if len(others) >= STRATEGIES:
        yield f"ServiceQuotaExceededException: a memory takes at most {STRATEGIES} strategies"


MEMORY_STRATEGY_TYPE = ResourceType(
    type=MEMORY_STRATEGY,
    requests=(
        ApiRequest(
            "bedrock-agentcore-control",
            "UpdateMemory",
            same("memoryId", "name", "type", "description", "namespaceTemplates"),
            complete=_added,
        ),
    ),
    make=_make_strategy,
    # AWS gives the templates back under their old name, too.
    computed=("memoryStrategyId", "namespaces"),
    replaces=frozenset({"memoryId", "name", "type"}),
    framework=True,
    auto_name="name",
    unordered=frozenset({"namespaceTemplates"}),
    refreshed=frozenset({"namespaces"}),
    rules=(_type, _namespaces),
    needs=(_memory_takes,),
)

"""Retries what AWS refused only because a new role or policy had not spread yet.

IAM is eventually consistent (IAM user guide, "Changes that I make are not always immediately visible"). Pulumi asks an
error hook whether to repeat a failed operation; ours says yes to the exact phrases below, after a growing wait, for a
bounded time. Whatever else failed is shown at once.
"""

import asyncio
import time

import pulumi

# In lower case. What the service says while a role or a policy is still spreading:
PHRASES = (
    # CreateGatewayTarget, UpdateGatewayTarget: the eager check of lambda:InvokeFunction (aws/aws-cdk#36826)
    "gateway execution role lacks permission",
    # CreateGateway with a policy engine: GenesisPolicyEngineCheck (awslabs/nx-plugin-for-aws#996)
    "does not have the required permissions",
    # CreateAgentRuntime, UpdateAgentRuntime (hashicorp/terraform-provider-aws agent_runtime.go)
    "role validation failed",
    # CreateGatewayTarget with a customer managed key: AgentCore encrypts the target as the gateway's role. Seen live:
    # aws/modern-data-architecture-accelerator, its bedrock-builder.
    "genesismcptargettargetencryption is not authorized to perform",
    # CreateFunction (Lambda API reference, InvalidParameterValueException)
    "the role defined for the function cannot be assumed by lambda",
)
# CreatePolicy, UpdatePolicy: for some minutes the engine may not see a new gateway yet. For good, where the deployer
# lacks bedrock-agentcore:InvokeGateway (AgentCore developer guide, "Policy permissions").
NEW_GATEWAY = "insufficient permissions to call gateway"
NEW_GATEWAY_HINT = (
    "AgentCore cannot check the policy against its gateway. A new gateway can take some minutes: run `pulumi up` "
    "again, which repairs the policy. If it stays so, whoever deploys lacks bedrock-agentcore:InvokeGateway on it."
)
FIRST_DELAY = 2.0
LONGEST_DELAY = 30.0
# Time, not attempts: for some of the phrases the provider itself tries for two minutes before it reports a failure.
LONGEST_WAIT = 180.0

_clock = time.monotonic
_sleep = asyncio.sleep


def is_propagation(error: str, operation: str) -> bool:
    """Whether the service refused what may only be late, and the operation can be repeated as it was.

    Args:
        error: The provider's error.
        operation: What failed: "create", "update" or "delete".
    """
    lowered = error.lower()
    if NEW_GATEWAY in lowered:
        # The policy that could not be created is there, failed, and holds its name: an update repairs it.
        return operation == "update"
    return any(phrase in lowered for phrase in PHRASES)


def delay(failures: int) -> float:
    """Seconds to wait after the given number of failures: doubling, bounded."""
    return min(FIRST_DELAY * 2.0 ** (failures - 1), LONGEST_DELAY)


def retry(component: pulumi.ComponentResource, name: str) -> pulumi.ResourceHookBinding:
    """The hook for a component's resources that AWS may refuse too early.

    Made in the component's constructor: a hook made at import is made before the engine is known.

    Args:
        component: Where the waiting is reported.
        name: The component's name; hook names are unique in a program.
    """
    first_failures: dict[str, float] = {}

    async def on_error(args: pulumi.ErrorHookArgs) -> bool:
        since = _clock() - first_failures.setdefault(args.urn, _clock())
        error = args.errors[0] if args.errors else ""
        if not is_propagation(error, args.failed_operation) or since >= LONGEST_WAIT:
            if NEW_GATEWAY in error.lower():
                pulumi.log.warn(f"{args.name}: {NEW_GATEWAY_HINT}", resource=component)
            return False
        seconds = delay(len(args.errors))
        pulumi.log.info(f"{args.name}: AWS has not caught up yet, next try in {seconds:.0f} s", resource=component)
        await _sleep(seconds)
        return True

    return pulumi.ResourceHookBinding(
        on_error=[pulumi.ErrorHook(f"{type(component).__name__}-{name}-propagation", on_error)]
    )

"""Repeats what AWS refused only because something new had not spread yet, and says what a failed create has left.

IAM is eventually consistent (IAM user guide, "Changes that I make are not always immediately visible"). Pulumi asks an
error hook whether to repeat a failed operation; ours says yes to the exact phrases below, after a growing wait, for a
bounded time. A create that has made the thing is not repeated, as it would only meet the name it has taken: of Cedar
policies the failed one is removed first, of all else the hook names the commands. What else failed is shown at once.
"""

import asyncio
import time
from dataclasses import dataclass

import pulumi

from toolgate.components.iam import leftovers
from toolgate.components.iam.iam_documents import AwsEnvironment
from toolgate.components.iam.leftovers import InUseError, NotRemovedError

# In lower case. What the service says while a role or a policy is still spreading:
PHRASES = (
    # CreateGatewayTarget, UpdateGatewayTarget: the eager check of lambda:InvokeFunction (aws/aws-cdk#36826)
    "gateway execution role lacks permission",
    # CreateGateway with a policy engine: GenesisPolicyEngineCheck (awslabs/nx-plugin-for-aws#996)
    "does not have the required permissions",
    # CreateGateway, UpdateGateway: the provider tries the one for two minutes, the other not at all (its gateway.go).
    # Several public repositories saw the second phrase live, of UpdateGateway.
    "gateway service failed to perform assumerole on gateway role",
    "access denied while calling getpolicyengine on policy engine",
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
# What the hook says before it tries again; for a policy, what it does about it, too.
LATE = "AWS has not caught up yet"
LATE_GATEWAY = f"{LATE} with the new gateway"
FIRST_DELAY = 2.0
LONGEST_DELAY = 30.0
# Time, not attempts: for some of the phrases the provider itself tries for two minutes before it reports a failure.
LONGEST_WAIT = 180.0
# Public reports have a gateway unknown to Policy for three to five minutes; we have not seen it.
LONGEST_WAIT_FOR_GATEWAY = 480.0

_clock = time.monotonic
_sleep = asyncio.sleep


def is_propagation(error: str, operation: str) -> bool:
    """Whether the service refused what may only be late, and the operation can be repeated as it was.

    Args:
        error: The provider's error.
        operation: What failed: "create", "update" or "delete".
    """
    lowered = error.lower()
    if operation == "create" and (NEW_GATEWAY in lowered or leftovers.made(error)):
        # The thing is there, failed, and holds its name.
        return False
    return any(phrase in lowered for phrase in (*PHRASES, NEW_GATEWAY))


def delay(failures: int) -> float:
    """Seconds to wait after the given number of failures: doubling, bounded."""
    return min(FIRST_DELAY * 2.0 ** (failures - 1), LONGEST_DELAY)


@dataclass(frozen=True)
class _Failure:
    """A failed operation of a component's resource.

    Attributes:
        component: The component, where it is reported.
        args: What the engine says of it.
        error: The newest error.
        in_time: Whether AWS may still be late.
        freed: Whether a failed policy was removed for it before.
    """

    component: pulumi.ComponentResource
    args: pulumi.ErrorHookArgs
    error: str
    in_time: bool
    freed: bool

    @property
    def new_gateway(self) -> bool:
        """Whether a policy met a gateway that its engine does not know."""
        return NEW_GATEWAY in self.error.lower()

    async def repeated(self, why: str = LATE) -> bool:
        """Wait, and say so, where there is still time; whether to repeat the operation."""
        if self.in_time:
            seconds = delay(len(self.args.errors))
            text = f"{self.args.name}: {why}, next try in {seconds:.0f} s"
            pulumi.log.info(text, resource=self.component)
            await _sleep(seconds)
        return self.in_time

    def shown(self, *lines: str) -> bool:
        """Say what else there is to say; the operation is not repeated."""
        # The engine shows the provider's error itself, and an exception would hide that.
        pulumi.log.warn("\n".join([f"{self.args.name}: {lines[0]}", *lines[1:]]), resource=self.component)
        return False

    async def commands(self, here: AwsEnvironment) -> list[str]:
        """The commands that find what is left, and delete it."""
        return await leftovers.commands(self.args.type, self.args.new_inputs or {}, self.error, here)


def retry(
    component: pulumi.ComponentResource, name: str, here: AwsEnvironment | None = None
) -> pulumi.ResourceHookBinding:
    """The hook for a component's resources that AWS may refuse too early.

    Made in the component's constructor: a hook made at import is made before the engine is known.

    Args:
        component: Where the waiting is reported.
        name: The component's name; hook names are unique in a program.
        here: Where the component's provider deploys to; a component that makes nothing of AgentCore needs none.
    """
    first_failures: dict[str, float] = {}
    freed: set[str] = set()

    async def on_error(args: pulumi.ErrorHookArgs) -> bool:
        try:
            return await decided(args)
        except Exception:  # whatever it was, the engine would show it instead of the provider's error
            return False

    async def decided(args: pulumi.ErrorHookArgs) -> bool:
        # A preview makes nothing: there is nothing to wait for, and nothing that could be left.
        if pulumi.runtime.is_dry_run():
            return False
        error = args.errors[0] if args.errors else ""
        since = _clock() - first_failures.setdefault(args.urn, _clock())
        longest = LONGEST_WAIT_FOR_GATEWAY if NEW_GATEWAY in error.lower() else LONGEST_WAIT
        failure = _Failure(component, args, error, since < longest, args.urn in freed)
        if is_propagation(error, args.failed_operation):
            return await failure.repeated()
        if args.failed_operation != "create" or args.type not in leftovers.KINDS or here is None:
            return False
        if args.type != leftovers.POLICY:
            return await _left_behind(failure, here)
        again = await (_policy_taken if leftovers.taken(error) else _policy_failed)(failure, here)
        if again:
            freed.add(args.urn)
        return again

    return pulumi.ResourceHookBinding(
        on_error=[pulumi.ErrorHook(f"{type(component).__name__}-{name}-propagation", on_error)]
    )


async def _left_behind(failure: _Failure, here: AwsEnvironment) -> bool:
    noun = leftovers.KINDS[failure.args.type].noun
    if leftovers.made(failure.error):
        said = f"the {noun} was made and then failed. It is in AWS, holds its name, and is not in this stack."
    elif leftovers.taken(failure.error):
        said = f"a {noun} of this name may be in AWS and not in this stack, as an `up` that broke off leaves it."
    else:
        return False
    return failure.shown(
        f"{said} Find it, delete it if it is that, then run `pulumi up`:", *await failure.commands(here)
    )


async def _policy_failed(failure: _Failure, here: AwsEnvironment) -> bool:
    """A policy that was made and failed: removed, and its create repeated if its gateway was too new."""
    if not (failure.new_gateway or leftovers.made(failure.error)):
        return False
    if await _removed(failure, here) is None:
        return False
    if failure.new_gateway:
        return await failure.repeated(f"{LATE_GATEWAY}, the failed policy is removed") or failure.shown(
            "the failed policy is removed. AgentCore still cannot check it against its gateway: whoever deploys lacks "
            "bedrock-agentcore:InvokeGateway on it (`toolgate deployer` has it), or the gateway takes longer than any "
            "that was reported; then run `pulumi up` again."
        )
    return failure.shown("the failed policy is removed. Put right what AWS says of it, then run `pulumi up`.")


async def _policy_taken(failure: _Failure, here: AwsEnvironment) -> bool:
    """A policy whose name is taken: free again if a failed one of an earlier update had it."""
    removed = await _removed(failure, here)
    if removed is None:
        return False
    if failure.freed:  # a name may be free only a moment after the policy is gone
        return await failure.repeated(f"{LATE} with the removal of the failed policy")
    if removed:
        pulumi.log.info(f"{failure.args.name}: an earlier `up` left it failed; that is removed", failure.component)
        return True
    return failure.shown(
        "no policy of this name is in its policy engine. If names are unique in the account, as one report says, "
        "another engine has it: `aws bedrock-agentcore-control list-policy-engines` lists them."
    )


async def _removed(failure: _Failure, here: AwsEnvironment) -> bool | None:
    """Whether there was a failed policy, which is removed now; None where the name is not free, and that is said."""
    args = failure.args
    try:
        return await leftovers.remove_failed_policy(failure.component, args.new_inputs or {}, here)
    except InUseError as it:
        failure.shown(
            f"policy {it.policy_id} has this name and is not in this stack. Its status is {it.status}, so it is left "
            "alone. This takes it over, then run `pulumi up`:",
            await leftovers.import_command(failure.component, args.name, args.new_inputs or {}, it.policy_id),
        )
    except NotRemovedError as why:
        failure.shown(
            f"a failed policy may be left in AWS, where it holds the name. It could not be removed from here: {why}. "
            "Find it, delete it if its status is CREATE_FAILED, then run `pulumi up`:",
            *await failure.commands(here),
        )
    return None

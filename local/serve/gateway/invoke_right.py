"""Whether a gateway's own role may invoke a function."""

from collections.abc import Callable
from dataclasses import dataclass, field

from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Decision, IamRequest, decide
from toolgate.access.iam.policies import Policy
from toolgate.policy.language import target_rights


@dataclass(frozen=True)
class InvokeRight:
    """What a gateway's role may invoke; it hangs on nothing that one call has, so that it is decided once.

    Source: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-prerequisites-permissions.html

    Attributes:
        role: The role.
        policy: Gives the policy on a function by the function's ARN, whatever its qualifier.
    """

    role: Role
    policy: Callable[[str], Policy | None]
    _decided: dict[str, Decision] = field(default_factory=dict)

    def decision(self, function_arn: str) -> Decision:
        """The decision on the function with this ARN."""
        if function_arn not in self._decided:
            [right] = target_rights.of_function(function_arn)
            asked = IamRequest(self.role, right.action, function_arn, right.facts, self.policy(function_arn))
            self._decided[function_arn] = decide(asked)
        return self._decided[function_arn]

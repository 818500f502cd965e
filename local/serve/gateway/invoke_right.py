"""Whether a gateway's own role may invoke a function."""

from dataclasses import dataclass, field

from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Decision, IamRequest, decide
from toolgate.policy.language.agentcore_facts import INVOKE_FUNCTION


@dataclass(frozen=True)
class InvokeRight:
    """What a gateway's role may invoke; it hangs on nothing that one call has, so that it is decided once.

    Source: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-prerequisites-permissions.html

    Attributes:
        role: The role.
    """

    role: Role
    _decided: dict[str, Decision] = field(default_factory=dict)

    def decision(self, function_arn: str) -> Decision:
        """The decision on the function with this ARN."""
        if function_arn not in self._decided:
            self._decided[function_arn] = decide(IamRequest(self.role, INVOKE_FUNCTION, function_arn))
        return self._decided[function_arn]

"""The functions of gateways' interceptors: whoever may change one decides on every call of its gateway.

They see each call's arguments and answer and, where the gateway passes headers, the caller's token; an interceptor at
REQUEST may make another call of it, which the policy engine then decides as the caller's. Whoever may only invoke one
reaches nothing behind the gateway.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from toolgate.access.chain.tool_functions import own_policies
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.function_access import LATEST, UNQUALIFIED, FunctionName, function_name
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.policies import Policy

_OF_FUNCTION = ("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration")
_OF_ALIAS = "lambda:UpdateAlias"
CHANGES = (*_OF_FUNCTION, _OF_ALIAS)
"""The actions that make an interceptor another one; all of them are on the function (Service Authorization Reference,
"AWS Lambda"). A configuration alone can: handler, variables, layers, a timeout so short that calls go through."""


@dataclass(frozen=True)
class InterceptorFunction:
    """A function that a gateway asks.

    Attributes:
        arn: Its unqualified ARN.
        qualifier: The alias or the version that the gateway names; empty for none.
        gateway: The gateway's ARN.
        tools: The full names of the gateway's tools: whatever an interceptor declares, a changed one may touch any.
        policy: The function's own policy, of all its permissions.
        known: Whether the function is in the deployment.
    """

    arn: str
    qualifier: str
    gateway: str
    tools: tuple[str, ...]
    policy: Policy | None
    known: bool

    @property
    def name(self) -> str:
        """How a reader is told of it."""
        named = FunctionName(self.arn.rsplit(":", 1)[-1], self.qualifier)
        return f"{named.qualified(named.name)} of gateway {self.gateway.rsplit('/', 1)[-1]}"

    def most(self, action: str) -> Access:
        """What an action comes to at best, whatever IAM says of it: a published version never changes.

        Which version an alias names its function's owner decides, and it may be `$LATEST`.
        """
        latest = self.qualifier in (UNQUALIFIED, LATEST)
        if action == _OF_ALIAS:
            return Access.DENY if latest or self.qualifier.isdigit() else Access.ALLOW
        if latest:
            return Access.ALLOW
        return Access.DENY if self.qualifier.isdigit() else Access.UNDECIDED


def interceptor_functions(deployment: Deployment) -> tuple[InterceptorFunction, ...]:
    """All of them, each once for each gateway that it is asked by."""
    found = [(gateway, named) for gateway in deployment.gateways for named in _named(gateway)]
    policies = own_policies(deployment, [named.name for _, named in found])
    known = {function.arn for function in deployment.functions}
    return tuple(
        InterceptorFunction(
            arn=named.name,
            qualifier=named.qualifier,
            gateway=gateway.arn,
            tools=tuple(it.full_name(tool) for it in deployment.targets_of(gateway) for tool in it.tools or ()),
            policy=policies[named.name],
            known=named.name in known,
        )
        for gateway, named in found
    )


def _named(gateway: Gateway) -> Iterator[FunctionName]:
    yield from dict.fromkeys(function_name(it.function_arn) for it in gateway.interceptors if it.function_arn)

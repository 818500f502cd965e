"""The secrets that gateways sign in with at their targets: whoever reads one can call the tools with no gateway.

AgentCore reads a provider's secret as its caller, so that no other way to it needs less. In which form AgentCore's own
secrets hold a key or a client's secret, it does not say: whoever reads one is taken to have it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from toolgate.access.chain.tool_functions import GatewayTool
from toolgate.access.chain.tool_servers import offered
from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.access.deployment.client_secrets import read_secrets
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.policies import Policy


@dataclass(frozen=True)
class ToolSecret:
    """A secret of Secrets Manager that a gateway signs in with.

    Attributes:
        arn: Its ARN.
        tools: The tools that it opens, at whichever gateway.
        callers: ARNs of the roles with which those gateways read it, and that nothing else has.
        policy: The policy on it.
    """

    arn: str
    tools: tuple[GatewayTool, ...]
    callers: frozenset[str]
    policy: Policy | None = None


@dataclass(frozen=True)
class ToolSecrets:
    """The secrets behind a deployment's targets.

    Attributes:
        deployment: The deployment.
    """

    deployment: Deployment

    @cached_property
    def known(self) -> tuple[ToolSecret, ...]:
        """Those whose ARN is known."""
        tools: dict[str, list[GatewayTool]] = {}
        callers: dict[str, set[str]] = {}
        for gateway, target in self._signing_in():
            for arn in self._secrets_of(target):
                tools.setdefault(arn, []).extend(offered(gateway, target))
                callers.setdefault(arn, set()).add(gateway.role_arn)
        deployment = self.deployment
        shared = {it.role_arn for it in deployment.runtimes} | {it.role_arn for it in deployment.functions}
        policies = read_secrets(deployment.data).policies if tools else {}
        return tuple(
            ToolSecret(arn, tuple(opened), frozenset(callers[arn] - shared), policies.get(arn))
            for arn, opened in tools.items()
        )

    def not_judged(self) -> Iterator[str]:
        """Targets of which it is not known which secret opens them, in a sentence each."""
        for _, target in self._signing_in():
            if not self._secrets_of(target):
                yield (
                    f"{target.label}: which secret {target.sign_in.provider_arn} keeps, the deployment does not say;"
                    " who may read it, and call the tools past the gateway, is not judged"
                )

    def _signing_in(self) -> Iterator[tuple[Gateway, Target]]:
        gateways = {gateway.id: gateway for gateway in self.deployment.gateways}
        for target in self.deployment.targets:
            gateway = gateways.get(target.gateway_id)
            if gateway is not None and target.sign_in.provider_arn:
                yield gateway, target

    def _secrets_of(self, target: Target) -> tuple[str, ...]:
        arns = (self._arns.get(it, it) for it in self._by_provider.get(target.sign_in.provider_arn or "", ()))
        return tuple(arn for arn in arns if arn.startswith("arn:"))

    @cached_property
    def _by_provider(self) -> Mapping[str, tuple[str, ...]]:
        tokens = self.deployment.tokens
        return {it.arn: it.secret_arns for it in tokens.providers} | {it.arn: it.secret_arns for it in tokens.api_keys}

    @cached_property
    def _arns(self) -> Mapping[str, str]:
        return read_secrets(self.deployment.data).arns

"""What a gateway's own role may do behind it: each call goes on with that role, whoever made it.

The role is asked at each call, so that a right that is taken away after the target was made is missed then. Servers in
a runtime and gateways behind a gateway are judged here, with what they say themselves; what else a target takes is
`far_rights`'. Of a role whose documents are not in the deployment only the former are judged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from toolgate.access.cedar.cedar_decision import ToolEngine
from toolgate.access.chain import hops
from toolgate.access.chain.hops import Hop
from toolgate.access.chain.tool_servers import ToolServer
from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.elsewhere import ANY_TOOL
from toolgate.access.matrix.far_rights import FarRights
from toolgate.access.matrix.inbound import reached
from toolgate.access.matrix.tool_access import (
    DENIED,
    UNDECIDED,
    AccessCheck,
    ToolAccess,
    both,
    cedar_principal,
    decide_access,
)
from toolgate.policy.language.agentcore_facts import full_name
from toolgate.policy.language.target_rights import SIGNS


@dataclass(frozen=True)
class FarSide:
    """What stands behind a deployment's gateways, as those are let in there.

    Attributes:
        deployment: The deployment.
        engines: The gateways' policy engines by the gateways' ARNs.
        servers: The servers behind tools.
    """

    deployment: Deployment
    engines: Mapping[str, ToolEngine | None]
    servers: tuple[ToolServer, ...]

    @cached_property
    def rights(self) -> FarRights:
        """What else the gateways' roles need."""
        return FarRights(self.deployment)

    def cells(self, gateway: Gateway, within: tuple[str, ...] = ()) -> Mapping[str, ToolAccess]:
        """What the gateway's role may do for each tool, by full name, where that is judged.

        Args:
            gateway: The gateway.
            within: The gateways that it stands behind: a circle has no end.
        """
        found: dict[str, ToolAccess] = {}
        for target in self.deployment.targets_of(gateway):
            found |= self._of_target(gateway, target, (*within, gateway.arn))
        asked = self.rights.of_engine(gateway)
        if asked is None or asked.access.decision is Access.ALLOW:
            return found
        # Without an answer of its engine a gateway refuses whatever it is asked.
        names = (full_name(it.name, name) for it in self.deployment.targets_of(gateway) for name in _names(it))
        return {name: both(found.get(name, asked.access), asked.access) for name in names}

    def hop(self, gateway: Gateway, target: Target) -> Hop | None:
        """How the gateway's role is let in at the server behind a target, where there is one."""
        server = next((it for it in self.servers if it.arn == target.place.runtime_arn), None)
        if server is None or target.sign_in.how != SIGNS:
            return None
        return hops.serve(self.deployment, self.deployment.identity(gateway.role_arn), server)

    def not_judged(self) -> Iterator[str]:
        """Where documents do not say whether a gateway's role gets in, in a sentence each."""
        gateways = {gateway.id: gateway for gateway in self.deployment.gateways}
        for target in self.deployment.targets:
            gateway = gateways.get(target.gateway_id)
            hop = self.hop(gateway, target) if gateway else None
            if gateway and hop and hop.decision is Access.UNDECIDED:
                yield (
                    f"{target.label}: whether {gateway.role_arn}, the role of {gateway.label}, may invoke {hop.to} is"
                    " not known"
                )

    def inner(self, target: Target) -> Gateway | None:
        """The gateway behind a target, where it is one of the deployment that takes signatures."""
        signed = (it for it in self.deployment.gateways if it.authorizer == "AWS_IAM")
        at = target.place.gateway_id if target.sign_in.how == SIGNS else None
        return next((it for it in signed if it.id == at), None)

    def _of_target(self, gateway: Gateway, target: Target, within: tuple[str, ...]) -> Mapping[str, ToolAccess]:
        hop, inner = self.hop(gateway, target), self.inner(target)
        if hop is not None:
            return {full_name(target.name, tool): hop.access for tool in _names(target)}
        if inner is not None:
            return dict(self._at_gateway(gateway, target, inner, within)) if inner.arn not in within else {}
        asked = ((name, self.rights.of(gateway, target, name)) for name in _names(target))
        return {full_name(target.name, name): behind.access for name, behind in asked if behind}

    def _at_gateway(
        self, gateway: Gateway, target: Target, inner: Gateway, within: tuple[str, ...]
    ) -> Iterator[tuple[str, ToolAccess]]:
        """The inner gateway decides on the outer one's role: IAM lets it in, and Cedar knows it by its entity id."""
        role = self.deployment.identity(gateway.role_arn)
        let_in = reached(self.deployment, inner, role)
        names = tuple(_names(target))
        asked = AccessCheck(
            inner, self.engines[inner.arn], cedar_principal(inner, role), let_in, self.cells(inner, within)
        )
        cells = decide_access(asked, names)
        for number, name in enumerate(names):
            cell = cells if isinstance(cells, ToolAccess) else cells[number]
            open_ = name == ANY_TOOL and cell is not DENIED
            yield full_name(target.name, name), UNDECIDED if open_ else cell


def _names(target: Target) -> Iterator[str]:
    """The names of a target's tools, or one for all of them where they are not listed."""
    yield from (tool.name for tool in target.tools) if target.tools is not None else (ANY_TOOL,)

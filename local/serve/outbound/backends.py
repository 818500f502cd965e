"""What stands behind each target that is no function: where it is here, how the gateway signs in, where its log is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.roles import Role
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.gateway.backend import Backend, Call, Called, text_result
from toolgate.local.serve.gateway.json_rpc import spoken
from toolgate.local.serve.guards.credentials import Sessions
from toolgate.local.serve.outbound import sign_in
from toolgate.local.serve.outbound.far_side import FarSide, Log
from toolgate.local.serve.outbound.mcp_backend import McpBackend, Server
from toolgate.local.serve.outbound.sign_in import SignIn
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY, INVOKE_RUNTIME


@dataclass(frozen=True)
class Nowhere:
    """A target that leads to nothing on this machine: its tools are listed, and each call fails and says so."""

    why: str

    async def call(self, _call: Call, entry: Entry) -> Called:
        """Answer that it is not here."""
        entry.status, entry.error_type, entry.last_words = "target_failed", "NotHere", self.why
        return Called(text_result(self.why, failed=True), failed=True)

    async def aclose(self) -> None:
        """There is nothing to end."""


@dataclass(frozen=True)
class Outside:
    """What has to be known of where targets lead.

    Attributes:
        deployment: What is served.
        env: Its account and Region.
        url: The local address.
        sessions: Issues credentials of roles.
        places: URLs that targets without a place here lead to, by the targets' names.
        log: The log of a target.
    """

    deployment: Deployment
    env: CloudEnvironment
    url: str
    sessions: Sessions
    places: Mapping[str, str]
    log: Callable[[Target], Log]

    def backend(self, gateway: Gateway, target: Target, role: Role) -> Backend:
        """What stands behind a target of a gateway with this role."""
        here = self._served(target)
        url = here or self.places.get(target.name)
        if url is None:
            return Nowhere(nowhere(target))
        guarded = (INVOKE_RUNTIME if target.place.runtime_arn else INVOKE_GATEWAY, role.arn) if here else None
        version = max(spoken(gateway.versions), default=gateway.versions[-1])
        server = Server(url, version, gateway.name, guarded)
        return McpBackend(server, FarSide(target.name, self.log(target)), self._sign_in(target, role))

    def _served(self, target: Target) -> str | None:
        """The URL of what this deployment itself serves; None of anything else."""
        place = target.place
        if any(it.arn == place.runtime_arn for it in self.deployment.runtimes):
            there = urlsplit(place.endpoint or "")
            return f"{self.url}{there.path}{f'?{there.query}' if there.query else ''}"
        if any(it.id == place.gateway_id for it in self.deployment.gateways):
            return f"{self.url}/gateway/{place.gateway_id}/mcp"
        return None

    def _sign_in(self, target: Target, role: Role) -> SignIn:
        how = target.sign_in
        if how.how == "gatewayIamRole":
            credentials = self.sessions.lasting(role, sign_in.SESSION)
            return sign_in.by_role(credentials, how.service or "", how.region or self.env.region)
        return sign_in.unsigned


def nowhere(target: Target) -> str:
    """The sentence about a target that leads to nothing here."""
    return f"Target {target.name} leads nowhere on this machine: start `toolgate up --target {target.name}=URL`"

"""Where a question is asked: the local deployment or an AWS account, the same for whoever asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.credentials import Credentials

from tests.aws.program.scratch import PATH
from toolgate.access.deployment.agentcore_resources import Gateway, PolicyEngine, Runtime, Target
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.memories import AGENTCORE, Memory
from toolgate.access.deployment.roles import Role
from toolgate.access.deployment.tokens import AppClient, UserPool


class NotReproducedError(Exception):
    """The local deployment has nothing that could answer this; AWS has."""


class MissingError(Exception):
    """What is asked about was not made; the text says why."""


@dataclass(frozen=True)
class Making:
    """How the throw-away resources came to be.

    Attributes:
        seconds: How long each took, by its name in the program, repetitions included.
        repeated: How often the components' hook had to try again because IAM was slow.
        refused: What AWS said to those that were not made.
        late: Policies that AWS refused at first because it did not know their gateway yet.
        settled: Seconds until a caller's rights took effect once everything was made, by caller and gateway; None where
            they had not when the suite stopped waiting.
    """

    seconds: Mapping[str, float] = field(default_factory=dict)
    repeated: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    late: frozenset[str] = frozenset()
    settled: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """A stack that is under test, the throw-away resources beside it, and how to reach both.

    Attributes:
        title: What it is called in the report.
        stack: The stack under test. It is only asked, never changed.
        scratch: The throw-away stack.
        region: The Region of both.
        making: How the throw-away stack came to be; None where nothing is really made.
        runtimes: A boto3 client for InvokeAgentRuntime where a runtime is, with some credentials, or without any with
            those of whoever runs the suite.
        service: A boto3 client of any AWS service for whoever runs the suite; takes its name, and another Region.
        session: Credentials of a role, for a gateway or runtime.
        endpoint: A gateway's MCP endpoint.
        runs: From now on, how often a target of a gateway is run: called with the least number to wait for.
        policy: What becomes of a Cedar policy that is made on a throw-away engine: `ACTIVE`, or the refusal.
        gateway: What becomes of a gateway that is told this of MCP, first when it is made, then as changes: `READY`, or
            the refusal, and after a change what it has.
        discovery: Where a user pool describes itself.
        secret: The secret of a client of the throw-away stack.
        expired: A token of such a client that has run out, given when it has.
    """

    title: str
    stack: Deployment
    scratch: Deployment
    region: str
    making: Making | None
    runtimes: Callable[[Runtime, Credentials | None], Any]
    service: Callable[..., Any]
    session: Callable[[str, Gateway | Runtime], Credentials]
    endpoint: Callable[[Gateway], str]
    runs: Callable[[Gateway, Target], Callable[[int], int]]
    policy: Callable[[PolicyEngine, str], str]
    gateway: Callable[..., str]
    discovery: Callable[[UserPool], str]
    secret: Callable[[AppClient], str]
    expired: Callable[[AppClient], str]

    @property
    def front(self) -> Gateway:
        """The gateway of the stack under test."""
        return self.stack.gateways[0]

    def scratch_gateway(self, name: str) -> Gateway:
        """A gateway of the throw-away stack, by its name in the program.

        Raises:
            MissingError: AWS refused to make it.
            NotReproducedError: The local deployment does not have it.
        """
        found = [it for it in self.scratch.gateways if it.name.endswith(f"-{name}")]
        if not found:
            raise self.missing(f"{name}-gateway")
        return found[0]

    def scratch_runtime(self, name: str) -> Runtime:
        """A runtime of the throw-away stack, by its name in the program; errors as for `scratch_gateway`."""
        found = [it for it in self.scratch.runtimes if it.name.endswith(f"_{name}")]
        if not found:
            raise self.missing(f"{name}-runtime")
        return found[0]

    def scratch_memory(self, name: str) -> Memory:
        """A memory of the throw-away stack, by its name in the program; errors as for `scratch_gateway`."""
        found = [it for it in self.scratch.memories if it.kind == AGENTCORE and f"_{name}-" in it.id]
        if not found:
            raise self.missing(f"{name}-memory")
        return found[0]

    def caller(self, name: str, at: Gateway | Runtime) -> Credentials:
        """Credentials of a caller of the throw-away stack, by its name; errors as for `scratch_gateway`."""
        return self.session(self.caller_role(name).arn, at)

    def caller_role(self, name: str) -> Role:
        """The caller's role; errors as for `scratch_gateway`."""
        found = [it for it in self.callers if it.name.endswith(f"-{name}")]
        if not found:
            raise self.missing(f"{name}-caller")
        return found[0]

    @property
    def engine(self) -> PolicyEngine:
        """The policy engine of the gateways for IAM callers; errors as for `scratch_gateway`."""
        return self.scratch_engine("ruled")

    def scratch_engine(self, name: str) -> PolicyEngine:
        """A policy engine of the throw-away stack, by its name in the program; errors as for `scratch_gateway`."""
        found = [it for it in self.scratch.policy_engines if it.id.rpartition("-")[0].endswith(f"_{name}")]
        if not found:
            raise self.missing(f"{name}-engine")
        return found[0]

    @property
    def pool(self) -> UserPool:
        """The user pool of the throw-away stack; errors as for `scratch_gateway`."""
        if not self.scratch.tokens.user_pools:
            raise self.missing("issuer-pool")
        return self.scratch.tokens.user_pools[0]

    @property
    def client(self) -> AppClient:
        """The one client in it that gets tokens; errors as for `scratch_gateway`."""
        found = [it for it in self.scratch.tokens.clients if it.by_itself]
        if not found:
            raise self.missing("tokened-issuer-client")
        return found[0]

    @property
    def callers(self) -> list[Role]:
        """The roles of the throw-away stack that whoever runs the suite may take."""
        return [role for role in self.scratch.roles if PATH in role.arn]

    def role(self, name: str) -> Role:
        """Another role of the throw-away stack, by its name in the program; errors as for `scratch_gateway`."""
        found = [it for it in self.scratch.roles if it.name.endswith(f"-{name}")]
        if not found:
            raise self.missing(f"{name}-role")
        return found[0]

    def target(self, gateway: Gateway, name: str) -> Target:
        """A gateway's target; errors as for `scratch_gateway`."""
        for deployment in (self.stack, self.scratch):
            for target in deployment.targets_of(gateway):
                if target.name == name:
                    return target
        raise self.missing(f"{gateway.name.rpartition('-')[2]}-{name}")

    def missing(self, resource: str) -> Exception:
        """Why a resource of the throw-away stack is not there."""
        if self.making is None:
            return NotReproducedError(f"{resource} is not there")
        return MissingError(f"{resource}: {self.making.refused.get(resource, 'was not made')}")

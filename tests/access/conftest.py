"""Deployments to judge: one written by hand, not with our components, and small ones made of a case's documents."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_EXPORT = json.loads((Path(__file__).parent / "deployment.json").read_text())

ACCOUNT = "123456789012"
INVOKE = "bedrock-agentcore:InvokeGateway"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
ENGINE = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:policy-engine/tools-abcdefghij"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/agents/caller"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
ENTITY = f"arn:aws:sts::{ACCOUNT}:assumed-role/caller"


@pytest.fixture
def handmade() -> dict[str, Any]:
    """The export; each test may change its own copy."""
    return copy.deepcopy(_EXPORT)


@pytest.fixture
def resource(handmade: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Finds a resource of the export by its name and its type's last word."""

    def find(kind: str, name: str) -> dict[str, Any]:
        found = [
            r
            for r in handmade["deployment"]["resources"]
            if r["type"].endswith(f":{kind}") and r["urn"].endswith(f"::{name}")
        ]
        assert len(found) == 1
        entry: dict[str, Any] = found[0]
        return entry

    return find


@pytest.fixture
def add(handmade: dict[str, Any]) -> Callable[..., None]:
    """Adds a resource to the export."""

    def put(type_: str, name: str, inputs: dict[str, Any], outputs: dict[str, Any] | None = None) -> None:
        handmade["deployment"]["resources"].append(_entry(type_, name, inputs, outputs))

    return put


def _entry(
    type_: str, name: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:dev::case::{type_}::{name}",
        "custom": True,
        "type": type_,
        "inputs": dict(inputs),
        "outputs": {**inputs, **(outputs or {})},
    }


@dataclass
class Case:
    """The documents of one small deployment: an agent `caller`, a gateway with the target `math`, and what they say.

    Attributes:
        identity: Statements of the agent's identity policy.
        boundary: Statements of its permissions boundary; None for no boundary.
        resource: Statements of the gateway's resource policy; None for none.
        cedar: Cedar statements of its policy engine by name; None for no engine attached.
        mode: How the engine is attached.
        engine: Whether the engine itself is in the deployment.
        gateway: Further properties of the gateway.
        role: The agent's role, if it is in the deployment.
        trust: Who may assume the agent's role.
        more: Further resources: type, name, properties.
    """

    identity: Sequence[Mapping[str, Any]] = ()
    boundary: Sequence[Mapping[str, Any]] | None = None
    resource: Sequence[Mapping[str, Any]] | None = None
    cedar: Mapping[str, str] | None = None
    mode: str = "ENFORCE"
    engine: bool = True
    gateway: Mapping[str, Any] = field(default_factory=dict)
    role: str | None = ROLE
    trust: Mapping[str, Any] = field(default_factory=lambda: {"Service": "bedrock-agentcore.amazonaws.com"})
    more: Sequence[tuple[str, str, Mapping[str, Any]]] = ()

    def export(self) -> dict[str, Any]:
        """The deployment as a stack export."""
        parts = [*self._role(), *self._gateway(), *self._engine()]
        parts += [_entry(type_, name, properties) for type_, name, properties in self.more]
        return {"version": 3, "deployment": {"resources": parts}}

    def _role(self) -> list[dict[str, Any]]:
        runtime = {"agentRuntimeName": "caller", "roleArn": self.role or ROLE}
        ids = {"agentRuntimeArn": f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:runtime/c-1", "agentRuntimeId": "c-1"}
        parts = [_entry("aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "caller", runtime, ids)]
        if self.role is None:
            return parts
        trust = {"Effect": "Allow", "Principal": self.trust, "Action": "sts:AssumeRole"}
        role: dict[str, Any] = {"name": "caller", "assumeRolePolicy": _document([trust])}
        if self.boundary is not None:
            role["permissionsBoundary"] = "arn:limit"
            limit = {"policy": _document(self.boundary), "arn": "arn:limit"}
            parts.append(_entry("aws:iam/policy:Policy", "limit", limit))
        parts.append(_entry("aws:iam/role:Role", "caller", role, {"arn": self.role}))
        if self.identity:
            policy = {"role": "caller", "name": "grants", "policy": _document(self.identity)}
            parts.append(_entry("aws:iam/rolePolicy:RolePolicy", "grants", policy))
        return parts

    def _gateway(self) -> list[dict[str, Any]]:
        gateway: dict[str, Any] = {"name": "tools", "authorizerType": "AWS_IAM", "roleArn": "arn:aws:iam::1:role/g"}
        if self.cedar is not None:
            gateway["policyEngineConfiguration"] = {"arn": ENGINE, "mode": self.mode}
        gateway |= self.gateway
        ids = {"gatewayArn": GATEWAY, "gatewayId": "tools-abcdefghij", "gatewayUrl": "https://tools.example/mcp"}
        lambda_ = {"lambdaArn": FUNCTION, "toolSchema": {"inlinePayloads": TOOLS}}
        target = {
            "name": "math",
            "gatewayIdentifier": "tools-abcdefghij",
            "targetConfiguration": {"mcp": {"lambda": lambda_}},
        }
        function = {"name": "f", "role": "arn:aws:iam::1:role/f"}
        parts = [
            _entry("aws:lambda/function:Function", "f", function, {"arn": FUNCTION}),
            _entry("aws:bedrock/agentcoreGateway:AgentcoreGateway", "tools", gateway, ids),
            _entry("aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget", "math", target, {"targetId": "T1"}),
        ]
        if self.resource is not None:
            policy = {"resourceArn": GATEWAY, "policy": _document(self.resource)}
            parts.append(_entry("aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy", "rp", policy))
        return parts

    def _engine(self) -> list[dict[str, Any]]:
        if self.cedar is None or not self.engine:
            return []
        ids = {"policyEngineArn": ENGINE, "policyEngineId": "tools-abcdefghij"}
        parts = [_entry("aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine", "engine", {"name": "tools"}, ids)]
        for name, statement in self.cedar.items():
            definition = {"cedar": {"statement": statement}}
            policy = {"name": name, "policyEngineId": "tools-abcdefghij", "definition": definition, "policyId": name}
            parts.append(_entry("aws:bedrock/agentcorePolicy:AgentcorePolicy", name, policy))
        return parts


def _document(statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _tool(name: str, **arguments: tuple[str, bool]) -> dict[str, Any]:
    properties = [{"name": n, "type": kind, "required": required} for n, (kind, required) in arguments.items()]
    return {"name": name, "description": "A tool.", "inputSchema": {"type": "object", "properties": properties}}


TOOLS = [
    _tool("add", a=("number", True), b=("number", False)),
    _tool("repeat", text=("string", True), times=("integer", True), loud=("boolean", False)),
    _tool("tag", labels=("array", True)),
]


@pytest.fixture
def case() -> Callable[..., Case]:
    """Makes a `Case` of its documents."""
    return Case

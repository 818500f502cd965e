"""What `toolgate up` would serve, and the file by which the other commands find it: hand-made, without agents."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from toolgate.local.serve.server import Serving, serve
from toolgate.local.serve.serving_file import Caller, Endpoint, announced, serving_file

_TESTS = Path(__file__).parents[1]
_CORE = "arn:aws:bedrock-agentcore:us-east-1:123456789012"
_ENGINE = f"{_CORE}:policy-engine/rules-abcdefghij"
TOOLS, OTHER = "handmade-tools-abcdefghij", "handmade-other-abcdefghij"
ROLES = {"calculator": "agents/assistant-role", "greeter": "other-gateway-role", "stranger": "nobody"}
_PERMITS = {"assistant-role": "math___add_numbers", "other-gateway-role": "math___greeting"}


@dataclass(frozen=True)
class _Announced:
    """A deployment that is served, as if it had agents."""

    environment: dict[str, str]
    agents: dict[str, str]
    callers: dict[str, Caller]
    access_log: Path


@dataclass(frozen=True)
class Local:
    """What is served, and the folder of the program that it is of."""

    serving: Serving
    program: Path

    def arguments(self, *words: str) -> list[str]:
        """The command line, for this program."""
        return [*words[:1], "--program", str(self.program), *words[1:]]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """`calculator` may add and `greeter` greet, at the gateway with an engine; `stranger` may nothing."""
    program = tmp_path_factory.mktemp("program")
    (program / "Pulumi.yaml").write_text("name: p\n")
    logs = program / ".local" / "logs"
    with serve(_deployment(), root=_TESTS / "local" / "serve" / "project", logs=logs) as serving:
        tools, other = (
            Endpoint(it, serving.gateway_url(it), "2025-06-18", sessions=it == OTHER) for it in (TOOLS, OTHER)
        )
        reached = {"calculator": (tools,), "greeter": (tools, other), "stranger": ()}
        callers = {
            name: Caller(serving.session(f"arn:aws:iam::123456789012:role/{role}").environment(), reached[name])
            for name, role in ROLES.items()
        }
        with announced(_Announced(serving.environment, {}, callers, serving.access_log), serving_file(program)):
            yield Local(serving, program)


def _deployment() -> dict[str, Any]:
    deployment: dict[str, Any] = copy.deepcopy(json.loads((_TESTS / "access" / "deployment.json").read_text()))
    # Without agents, and with a gateway whose role may not invoke its function.
    without = ("AgentRuntime", "::other-invoke")
    every = deployment["deployment"]["resources"]
    resources = [it for it in every if not any(part in it["urn"] for part in without)]

    def add(kind: str, name: str, /, **outputs: Any) -> None:
        urn = f"urn:pulumi:dev::handmade::{kind}::{name}"
        resources.append({"urn": urn, "type": kind, "inputs": outputs, "outputs": outputs})

    def grant(role: str, *actions: str) -> None:
        statement = {"Effect": "Allow", "Action": [f"bedrock-agentcore:{a}" for a in actions], "Resource": f"{_CORE}:*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        add("aws:iam/rolePolicy:RolePolicy", f"{role}-more", role=role, policy=document)

    engine = _ENGINE.rsplit("/", 1)[-1]
    add("aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine", "e", policyEngineArn=_ENGINE, policyEngineId=engine)
    for role, tool in _PERMITS.items():
        principal = f'AgentCore::IamEntity::"arn:aws:sts::123456789012:assumed-role/{role}"'
        gateway = f'AgentCore::Gateway::"{_CORE}:gateway/{TOOLS}"'
        statement = f'permit(principal == {principal}, action == AgentCore::Action::"{tool}", resource == {gateway});'
        add(
            "aws:bedrock/agentcorePolicy:AgentcorePolicy",
            tool,
            name=tool,
            policyId=f"{tool}-abcdefghij",
            policyEngineId=engine,
            definition={"cedar": {"statement": statement}},
        )
    (tools,) = [it for it in resources if it["urn"].endswith(":AgentcoreGateway::tools")]
    tools["outputs"]["policyEngineConfiguration"] = {"arn": _ENGINE, "mode": "ENFORCE"}
    grant("tools-role", "GetPolicyEngine", "AuthorizeAction", "PartiallyAuthorizeActions")
    grant("other-gateway-role", "InvokeGateway")
    deployment["deployment"]["resources"] = resources
    return deployment

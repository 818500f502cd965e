"""Whatever agents and gateways a program declares: the documents it writes allow the declared pairs, and no other.

A gateway takes requests that a role signs, or tokens of an issuer of the stack's own, or of a foreign one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.grants.tool_grants import GatewayTools
from toolgate.components.token_issuer import TokenIssuer
from toolgate.components.tool_gateway import ToolGateway

ACCOUNT, REGION = "123456789012", "us-east-1"
AGENTS = ("a", "a-1", "b")
GATEWAYS = ("g", "g-1")
WAYS = ("iam", "own", "foreign")
FOREIGN: Any = {
    "issuer": "okta",
    "discovery_url": "https://okta.example/.well-known/openid-configuration",
    "audiences": ["tools"],
    "client_claim": "cid",
}
VAULT = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:token-vault/default"
LIMIT = 1000


@dataclass(frozen=True)
class Grant:
    """What an agent is handed of one gateway; no name stands for every tool."""

    gateway: str
    asked: tuple[str, ...]
    bounded: bool


@dataclass(frozen=True)
class Program:
    """Gateways with their targets' tools, whom they let in, which of them authorize tools, and who is handed what."""

    gateways: dict[str, dict[str, list[str]]]
    ways: dict[str, str]
    by_tool: frozenset[str]
    handed: dict[str, list[Grant]]

    def tools(self, gateway: str) -> list[str]:
        return [f"{target}___{tool}" for target, tools in self.gateways[gateway].items() for tool in tools]

    def abroad(self, agent: str) -> bool:
        """Whether the agent has a client at the foreign issuer."""
        return any(self.ways[grant.gateway] == "foreign" for grant in self.handed[agent])

    def declared(self) -> dict[tuple[str, str, str], bool]:
        """Agent, gateway and tool of every pair, and whether its calls are bounded by a condition."""
        return {
            (agent, grant.gateway, tool): grant.bounded
            for agent, grants in self.handed.items()
            for grant in grants
            for tool in self.tools(grant.gateway)
            if not grant.asked or tool in grant.asked or tool.split("___")[0] in grant.asked
        }


@st.composite
def programs(draw: st.DrawFn) -> Program:
    # Tool names are the gateway's own: an agent that is handed one name twice is refused.
    gateways = {
        gateway: {
            target: [f"{gateway[-1]}_{target}_{tool}" for tool in tools]
            for target, tools in draw(
                st.dictionaries(
                    st.sampled_from(["t", "t-1", "u"]),
                    st.lists(st.sampled_from(["x", "x_1", "y"]), min_size=1, unique=True),
                    min_size=1,
                )
            ).items()
        }
        for gateway in GATEWAYS
    }
    by_tool = draw(st.frozensets(st.sampled_from(GATEWAYS)))
    handed: dict[str, list[Grant]] = {}
    for agent in AGENTS:
        handed[agent] = []
        for gateway in draw(st.lists(st.sampled_from(GATEWAYS), unique=True)):
            tools = [f"{target}___{tool}" for target, its in gateways[gateway].items() for tool in its]
            every = st.lists(st.sampled_from([*tools, *gateways[gateway]]), unique=True)
            asked = tuple(draw(every)) if gateway in by_tool else ()
            handed[agent].append(Grant(gateway, asked, gateway in by_tool and draw(st.booleans())))
    ways = {gateway: draw(st.sampled_from(WAYS)) for gateway in GATEWAYS}
    return Program(gateways, ways, by_tool, handed)


def deploy(program: Program, code: Path) -> None:
    schema = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
    gateways: dict[str, ToolGateway] = {}
    issuer = TokenIssuer("tokens", {})
    inbound = {"iam": {}, "own": {"inbound": issuer.inbound}, "foreign": {"inbound": FOREIGN}}
    for name, targets in program.gateways.items():
        args: Any = {
            "targets": {
                target: {
                    "function_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{target}",
                    "tools": [{"name": tool, "description": "Does it.", "inputSchema": schema} for tool in tools],
                }
                for target, tools in targets.items()
            },
            "authorization": "tool" if name in program.by_tool else "gateway",
            **inbound[program.ways[name]],
        }
        gateways[name] = ToolGateway(name, args)
    for agent, grants in program.handed.items():
        handed: list[GatewayTools] = [
            gateways[it.gateway].tools(*it.asked, when=f"context.input.amount < {LIMIT}" if it.bounded else None)
            for it in grants
        ]
        abroad = any(program.ways[it.gateway] == "foreign" for it in grants)
        credentials: Any = {"credentials": [at_okta(agent)]} if abroad else {}
        agent_args: Any = {"code": str(code), "model_id": "amazon.nova-lite-v1:0", "tools": handed, **credentials}
        AgentRuntime(agent, agent_args)


def at_okta(agent: str) -> dict[str, str]:
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:okta/{agent}-a1B2c3"
    return {"issuer": "okta", "client_id": f"app-{agent}", "secret_arn": secret, "json_key": "secret"}


def apart(ways: dict[str, str]) -> Program:
    """Two gateways without Cedar, of which each agent is handed another part."""
    gateways = {gateway: {"t": [f"{gateway[-1]}_t_x"]} for gateway in GATEWAYS}
    handed = {
        agent: [Grant(it, (), False) for it in its] for agent, its in zip(AGENTS, (["g"], ["g-1"], []), strict=True)
    }
    return Program(gateways, ways, frozenset(), handed)


@dataclass(frozen=True)
class Documents:
    """What a run wrote, and how it is decided."""

    recorded: Any
    allows: Any
    permits: Any
    permits_token: Any

    def lets(self, agent: str, gateway: str, tool: str, amount: int) -> bool:
        """Whether an agent may call a tool, by these documents alone: whichever of its tokens it takes, too."""
        made = self.recorded.one("AgentcoreGateway", f"{gateway}-gateway").inputs
        arn = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:gateway/{made['name']}-a1b2c3d4e5"
        statements = self._statements(made)
        if made["authorizerType"] == "AWS_IAM":
            if not self._may(agent, "bedrock-agentcore:InvokeGateway", arn):
                return False
            return statements is None or bool(self.permits(statements, role(agent), tool, arn, amount=amount))
        lock = made["authorizerConfiguration"]["customJwtAuthorizer"]
        return any(
            statements is None or bool(self.permits_token(statements, claims, tool, arn, amount=amount))
            for claims in self._tokens(agent)
            if self._lets_in(lock, claims)
        )

    def _statements(self, made: Any) -> list[str] | None:
        attached = made.get("policyEngineConfiguration")
        if attached is None:
            return None
        assert attached["mode"] == "ENFORCE"
        return [
            it.inputs["definition"]["cedar"]["statement"]
            for it in self.recorded.resources
            if it.type.endswith(":AgentcorePolicy") and attached["arn"].endswith(f"/{it.inputs['policyEngineId']}")
        ]

    def _may(self, agent: str, action: str, arn: str) -> bool:
        policies = [it for it in self.recorded.resources if it.type.endswith(":RolePolicy")]
        return any(self.allows(it.document(), action, arn) for it in policies if it.inputs["role"] == role(agent))

    def _tokens(self, agent: str) -> Iterator[dict[str, str]]:
        """The claims of every token that the agent's role can take, whosever provider and identity that takes."""
        act = "bedrock-agentcore:GetResourceOauth2Token"
        directory = VAULT.replace("token-vault", "workload-identity-directory")
        identities = [it.inputs["name"] for it in self.recorded.resources if it.type.endswith("WorkloadIdentity")]
        if not any(self._may(agent, act, f"{directory}/workload-identity/{name}") for name in identities):
            return
        for provider in [it.inputs for it in self.recorded.resources if it.type.endswith("Oauth2CredentialProvider")]:
            if self._may(agent, act, f"{VAULT}/oauth2credentialprovider/{provider['name']}"):
                yield self._claims(provider["oauth2ProviderConfig"]["customOauth2ProviderConfig"])

    def _claims(self, config: Any) -> dict[str, str]:
        client, issuer = config["clientId"], config["oauthDiscovery"]["discoveryUrl"].partition("/.well-known")[0]
        if config.get("clientSecretSource") == "EXTERNAL":
            # Whoever runs the issuer gives its clients the audience.
            return {"iss": issuer, "sub": client, "cid": client, "aud": "tools"}
        app = self.recorded.one("UserPoolClient", client.removesuffix("-id")).inputs
        scope = " ".join(app["allowedOauthScopes"])
        return {"iss": issuer, "sub": client, "client_id": client, "token_use": "access", "scope": scope}

    def _lets_in(self, lock: Any, claims: dict[str, str]) -> bool:
        """AgentCore developer guide, "Inbound JWT authorizer": all that are given must hold."""
        audiences, scopes = lock.get("allowedAudiences"), lock.get("allowedScopes")
        assert audiences or scopes
        return (
            claims["iss"] == lock["discoveryUrl"].partition("/.well-known")[0]
            and (audiences is None or claims.get("aud") in audiences)
            and (scopes is None or bool({*scopes} & {*claims.get("scope", "").split()}))
        )


def role(agent: str) -> str:
    return f"{agent}-role-1234567"


@pytest.fixture
def deciding(allows: Any, permits: Any, permits_token: Any) -> Any:
    return allows, permits, permits_token


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "agent.zip").write_bytes(b"a zip")
    return tmp_path / "agent.zip"


@settings(
    max_examples=25,
    # Each example is a whole run of its own; the fixtures hold nothing of the one before.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # A smaller example of the same failure would take minutes to find.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(program=programs())
# Gateways that nothing but a scope tells apart, which is rare among the generated ones.
@example(program=apart({"g": "own", "g-1": "own"}))
@example(program=apart({"g": "own", "g-1": "iam"}))
def test_only_declared_pairs_exist(run: Any, code: Path, deciding: Any, program: Program) -> None:
    documents = Documents(run(lambda: deploy(program, code)), *deciding)
    declared = program.declared()
    for agent in AGENTS:
        for gateway in GATEWAYS:
            for tool in program.tools(gateway):
                pair = (agent, gateway, tool)
                # A foreign issuer's audience lets each of its clients in; only Cedar then tells them apart.
                let_in = program.ways[gateway] == "foreign" and gateway not in program.by_tool and program.abroad(agent)
                assert documents.lets(*pair, LIMIT - 1) is (pair in declared or let_in), pair
                assert documents.lets(*pair, LIMIT) is (let_in or (pair in declared and not declared[pair])), pair

"""Figures of the access matrix: `python -m bench.access`.

Deployments of 100 gateways x 100 tools x 100 agents, a million entries, without and with the chain around them, each
from the file to the whole matrix as JSON, in a process of its own. The reference is the same question asked plainly,
one entry at a time: one decision of IAM and one of Cedar, timed in the same process on a sample of the entries, and
counted up. Ends with 1 if a figure does not hold. Takes about half a minute on two cores.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolgate.access.cedar.cedar_decision import decide_tool, tool_engine
from toolgate.access.cedar.cedar_policies import CedarPrincipal, iam_entity
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment, read
from toolgate.access.deployment.roles import Role
from toolgate.access.matrix.access_matrix import matrix, tools_of
from toolgate.access.matrix.inbound import inbound
from toolgate.access.tokens.callers import machine
from toolgate.access.tokens.takers import Takers
from toolgate.access.tokens.token_inbound import let_in
from toolgate.policy.language.agentcore_facts import entity_id

ACCOUNT, TARGETS, TOOLS = "123456789012", 10, 10
MEGABYTES, SAMPLE = 500.0, 2000
ROWS = "| {:<46} | {:>9} | {:>9} | {:>8} | {:>7} | {:>7} | {:>8} | {:>10} | {:<4} |"


@dataclass(frozen=True)
class Scenario:
    """A deployment to measure.

    Attributes:
        what: What stands in the table.
        size: How many gateways and how many agents.
        granted: The gateways that an agent is granted by IAM.
        most: The most CPU seconds, as a share of those of asking plainly.
        cedar: Whether every gateway has a policy engine, with a permit for each agent that is granted the gateway.
        condition: The condition of each permit.
        chain: Whether each target has a function of its own, half of them with a permission, and as many people as
            agents ask five of these, run commands in one, assume a role of another and invoke ten functions past it.
        tokens: Whether agents come with tokens: each has a client with the scopes of its gateways, a credential
            provider and a workload identity, and the gateways take tokens of one user pool.
        interceptors: Whether each gateway has an interceptor that declares half of its targets.
    """

    what: str
    size: int
    granted: Callable[[int], Iterable[int]]
    most: float
    cedar: bool = False
    condition: str = ""
    chain: bool = False
    tokens: bool = False
    interceptors: bool = False


def _few(size: int) -> Callable[[int], Iterable[int]]:
    return lambda agent: [(agent + step) % size for step in range(5)]


LESS = ' when { context.input.a.lessThan(decimal("5.0")) }'
SCENARIOS = {
    "quarter": Scenario("Cedar, 25 x 100 x 25, 5 gateways per agent", 25, _few(25), 0.1, cedar=True),
    "half": Scenario("Cedar, 50 x 100 x 50, 5 gateways per agent", 50, _few(50), 0.06, cedar=True),
    "iam": Scenario("IAM alone, 5 gateways per agent", 100, _few(100), 0.1),
    "cedar": Scenario("Cedar, 5 gateways per agent", 100, _few(100), 0.03, cedar=True),
    "iam-all": Scenario("IAM alone, every gateway for every agent", 100, lambda _: range(100), 0.1),
    "cedar-all": Scenario(
        "Cedar, a condition for every pair", 100, lambda _: range(100), 0.12, cedar=True, condition=LESS
    ),
    "interceptors": Scenario(
        "IAM alone, every gateway, interceptors", 100, lambda _: range(100), 0.1, interceptors=True
    ),
    "chain": Scenario("IAM alone, 5 gateways per agent, with the chain", 100, _few(100), 0.15, chain=True),
    "chain-cedar": Scenario("Cedar, the same", 100, _few(100), 0.05, cedar=True, chain=True),
    "tokens": Scenario("Tokens, 5 gateways per agent", 100, _few(100), 0.004, tokens=True),
    "tokens-cedar": Scenario("Tokens and Cedar, the same", 100, _few(100), 0.005, cedar=True, tokens=True),
}


def main() -> int:
    """Measure and print; 1 if a figure does not hold."""
    print(
        ROWS.format(
            "from the file to the matrix in JSON", "wall s", "CPU s", "plain s", "ratio", "at most", "MB", "entries", ""
        )
    )
    print("|-")
    held = True
    with tempfile.TemporaryDirectory() as folder:
        for key, scenario in SCENARIOS.items():
            file = Path(folder) / f"{key}.json"
            file.write_text(json.dumps(_export(scenario)), encoding="utf-8")
            command = [sys.executable, "-m", "bench.access", str(file)]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            ratio = told["cpu"] / told["plain"]
            holds = ratio <= scenario.most and told["megabytes"] < MEGABYTES
            held = held and holds
            times = [f"{told['wall']:.2f}", f"{told['cpu']:.2f}", f"{told['plain']:.0f}"]
            figures = [*times, f"{ratio:.3f}", f"{scenario.most:g}", f"{told['megabytes']:.0f}"]
            print(ROWS.format(scenario.what, *figures, told["entries"], "ok" if holds else "NOT"), flush=True)
    return 0 if held else 1


def _measure(file: Path) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    deployment = read(file)
    found = matrix(deployment)
    with Path("/dev/null").open("w", encoding="utf-8") as out:
        out.writelines(found.json_lines())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    entries = sum(len(block.tools) for block in found.blocks) + len(found.asks) + len(found.bypasses)
    return {
        "wall": wall,
        "cpu": cpu,
        "megabytes": megabytes,
        "entries": entries,
        "plain": _plain(deployment) * entries,
    }


def _plain(deployment: Deployment) -> float:
    """CPU seconds of one entry that is asked for by itself."""
    picks = random.Random(0)
    chosen = [(picks.choice(deployment.roles), picks.choice(deployment.gateways)) for _ in range(SAMPLE)]
    engines = {gateway.arn: tool_engine(deployment, gateway) for _, gateway in chosen}
    started = time.process_time()
    for role, gateway in chosen:
        caller = _let_in(deployment, gateway, role)
        engine = engines[gateway.arn]
        if engine is not None:
            arguments = {"a": 1}  # known arguments, so that no answer is remembered
            decide_tool(engine, caller, picks.choice(tools_of(deployment, gateway)), arguments)
    return (time.process_time() - started) / SAMPLE


def _let_in(deployment: Deployment, gateway: Gateway, role: Role) -> CedarPrincipal:
    """Ask whether a role gets in, by signing or with a token of its client, and as whom Cedar knows it then."""
    if gateway.jwt is None:
        inbound(deployment, gateway, role)
        return iam_entity(entity_id(role.arn))
    tokens = deployment.tokens
    [client] = [it for it in tokens.clients if it.name == role.name]
    caller = machine(client, tokens.user_pools[0], client.scopes)
    Takers(deployment).nearest(role, caller.principal)
    let_in(deployment, gateway, caller)
    return caller.cedar


def _export(scenario: Scenario) -> dict[str, Any]:
    granted = {agent: list(scenario.granted(agent)) for agent in range(scenario.size)}
    parts = [part for agent, gateways in granted.items() for part in _agent(agent, gateways, scenario)]
    parts += (
        [part for agent, gateways in granted.items() for part in _client(agent, gateways)] if scenario.tokens else []
    )
    parts += _pool(scenario.size) if scenario.tokens else []
    for gateway in range(scenario.size):
        agents = [agent for agent, gateways in granted.items() if gateway in gateways]
        parts += [*_gateway(gateway, scenario), *(_target(gateway, it, scenario) for it in range(TARGETS))]
        parts += _engine(gateway, agents, scenario) if scenario.cedar else []
        parts += [part for it in range(TARGETS) for part in _function(gateway, it)] if scenario.chain else []
    parts += [part for number in range(scenario.size) for part in _person(number, scenario)] if scenario.chain else []
    return {"version": 3, "deployment": {"resources": parts}}


def _resource(type_: str, name: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::bench::{type_}::{name}"
    return {"urn": urn, "custom": True, "type": type_, "inputs": inputs, "outputs": {**inputs, **outputs}}


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:{kind}/{name}-abcdefghij"


def _document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _agent(number: int, gateways: list[int], scenario: Scenario) -> Iterator[dict[str, Any]]:
    name = f"agent{number}"
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    service = {"Service": "bedrock-agentcore.amazonaws.com"}
    trust = _document({"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"})
    arns = [_arn("gateway", f"gateway{gateway}") for gateway in gateways]
    policy = _document(
        {"Sid": "Logs", "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "arn:aws:logs:*:*:*"},
        {"Sid": "Model", "Effect": "Allow", "Action": "bedrock:InvokeModel*", "Resource": "arn:aws:bedrock:*:*:*"},
        *(_taking(name) if scenario.tokens else [_allow("bedrock-agentcore:InvokeGateway", *arns)]),
    )
    runtime = {"agentRuntimeName": name, "roleArn": role}
    ids = {"agentRuntimeArn": _arn("runtime", name), "agentRuntimeId": f"{name}-abcdefghij"}
    yield _resource("aws:iam/role:Role", name, {"name": name, "assumeRolePolicy": trust}, {"arn": role})
    yield _resource("aws:iam/rolePolicy:RolePolicy", name, {"role": name, "policy": policy}, {"name": name})
    yield _resource("aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", name, runtime, ids)


CORE = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}"
POOL = "us-east-1_AbCdEf123"
ISSUER = f"cognito-idp.us-east-1.amazonaws.com/{POOL}"
DISCOVERY = f"https://{ISSUER}/.well-known/openid-configuration"


def _allow(action: str, *on: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(on)}


def _taking(name: str) -> list[dict[str, Any]]:
    directory, vault = f"{CORE}:workload-identity-directory/default", f"{CORE}:token-vault/default"
    both = directory, f"{directory}/workload-identity/{name}"
    return [
        _allow("bedrock-agentcore:GetWorkloadAccessToken", *both),
        _allow("bedrock-agentcore:GetResourceOauth2Token", *both, vault, f"{vault}/oauth2credentialprovider/{name}"),
        _allow("secretsmanager:GetSecretValue", _secret(name)),
    ]


def _secret(name: str) -> str:
    return f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:bedrock-agentcore-identity!default/oauth2/{name}-AbCdEf"


def _pool(gateways: int) -> Iterator[dict[str, Any]]:
    arn = f"arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{POOL}"
    ids = {"id": POOL, "arn": arn, "endpoint": ISSUER}
    yield _resource("aws:cognito/userPool:UserPool", "pool", {"name": "pool"}, ids)
    domain = {"domain": "bench", "userPoolId": POOL}
    yield _resource("aws:cognito/userPoolDomain:UserPoolDomain", "domain", domain, {})
    for number in range(gateways):
        server = {"identifier": f"gateway{number}", "userPoolId": POOL, "scopes": [{"scopeName": "invoke"}]}
        yield _resource("aws:cognito/resourceServer:ResourceServer", f"gateway{number}", server, {})


def _client(number: int, gateways: list[int]) -> Iterator[dict[str, Any]]:
    name = f"agent{number}"
    client = {
        **{"name": name, "userPoolId": POOL, "generateSecret": True, "allowedOauthFlowsUserPoolClient": True},
        "allowedOauthFlows": ["client_credentials"],
        "allowedOauthScopes": [f"gateway{gateway}/invoke" for gateway in gateways],
    }
    yield _resource("aws:cognito/userPoolClient:UserPoolClient", name, client, {"id": f"client{number}"})
    config = {"clientId": f"client{number}", "oauthDiscovery": {"discoveryUrl": DISCOVERY}}
    provider = {
        **{"name": name, "credentialProviderVendor": "CustomOauth2"},
        "oauth2ProviderConfig": {"customOauth2ProviderConfig": config},
    }
    made = {
        "credentialProviderArn": f"{CORE}:token-vault/default/oauth2credentialprovider/{name}",
        "clientSecretArns": [{"secretArn": _secret(name)}],
    }
    type_ = "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider"
    yield _resource(type_, name, provider, made)
    arn = f"{CORE}:workload-identity-directory/default/workload-identity/{name}"
    type_ = "aws:bedrock/agentcoreWorkloadIdentity:AgentcoreWorkloadIdentity"
    yield _resource(type_, name, {"name": name}, {"workloadIdentityArn": arn})


def _gateway(number: int, scenario: Scenario) -> Iterator[dict[str, Any]]:
    name = f"gateway{number}"
    jwt = {"customJwtAuthorizer": {"discoveryUrl": DISCOVERY, "allowedScopes": [f"{name}/invoke"]}}
    authorizer = {"authorizerType": "CUSTOM_JWT", "authorizerConfiguration": jwt}
    inputs: dict[str, Any] = {
        **{"name": name, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/gateway"},
        **(authorizer if scenario.tokens else {"authorizerType": "AWS_IAM"}),
    }
    attached = {"arn": _arn("policy-engine", name), "mode": "ENFORCE"}
    engine = {"policyEngineConfiguration": attached} if scenario.cedar else {}
    if scenario.interceptors:
        yield from _interceptor(number)
        arn = _interceptor_arn(number)
        inputs["interceptorConfigurations"] = [
            {"interceptionPoints": ["REQUEST"], "interceptor": {"lambda": {"arn": arn}}}
        ]
    ids = {"gatewayArn": _arn("gateway", name), "gatewayId": f"{name}-abcdefghij", "gatewayUrl": "https://gateway/mcp"}
    yield _resource("aws:bedrock/agentcoreGateway:AgentcoreGateway", name, {**inputs, **engine}, ids)


def _interceptor_arn(gateway: int) -> str:
    return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:interceptor{gateway}"


def _interceptor(gateway: int) -> Iterator[dict[str, Any]]:
    name = f"interceptor{gateway}"
    declared = json.dumps({"calls": [f"target{number}___*" for number in range(0, TARGETS, 2)]})
    function = {
        **{"name": name, "role": f"arn:aws:iam::{ACCOUNT}:role/function", "handler": "intercept.handler"},
        "environment": {"variables": {"INTERCEPTS": declared}},
    }
    yield _resource("aws:lambda/function:Function", name, function, {"arn": _interceptor_arn(gateway)})


def _function_arn(gateway: int, number: int) -> str:
    return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f{gateway}-{number}"


def _function(gateway: int, number: int) -> Iterator[dict[str, Any]]:
    name, arn = f"f{gateway}-{number}", _function_arn(gateway, number)
    role = f"arn:aws:iam::{ACCOUNT}:role/function"
    yield _resource("aws:lambda/function:Function", name, {"name": name, "role": role}, {"arn": arn})
    if number % 2:
        given = {
            "function": name,
            "action": "lambda:InvokeFunction",
            "principal": f"arn:aws:iam::{ACCOUNT}:role/agent0",
        }
        yield _resource("aws:lambda/permission:Permission", name, given, {})


def _person(number: int, scenario: Scenario) -> Iterator[dict[str, Any]]:
    name, size = f"person{number}", scenario.size
    trust = _document({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    asked = [f"{_arn('runtime', f'agent{(number + step) % size}')}*" for step in range(5)]
    shell = {"Action": "bedrock-agentcore:InvokeAgentRuntimeCommand", "Resource": asked[:1]}
    next_ = f"arn:aws:iam::{ACCOUNT}:role/person{(number + 1) % size}" if number % 5 else []
    grants = [
        {"Action": "bedrock-agentcore:InvokeAgentRuntime", "Resource": asked},
        shell,
        {"Action": "lambda:InvokeFunction", "Resource": [_function_arn(number, it) for it in range(TARGETS)]},
        *([{"Action": "sts:AssumeRole", "Resource": next_}] if next_ else []),
    ]
    policy = _document(*({"Effect": "Allow", **grant} for grant in grants))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    yield _resource("aws:iam/role:Role", name, {"name": name, "assumeRolePolicy": trust}, {"arn": arn})
    yield _resource("aws:iam/rolePolicy:RolePolicy", name, {"role": name, "policy": policy}, {"name": name})


def _target(gateway: int, number: int, scenario: Scenario) -> dict[str, Any]:
    schema = {"type": "object", "properties": [{"name": "a", "type": "number", "required": True}]}
    tools = [{"name": f"tool{tool}", "description": "A tool.", "inputSchema": schema} for tool in range(TOOLS)]
    arn = _function_arn(gateway, number) if scenario.chain else "arn:aws:lambda:us-east-1:1:function:f"
    function = {"lambdaArn": arn, "toolSchema": {"inlinePayloads": tools}}
    inputs = {
        "name": f"target{number}",
        "gatewayIdentifier": f"gateway{gateway}-abcdefghij",
        "targetConfiguration": {"mcp": {"lambda": function}},
    }
    type_ = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
    return _resource(type_, f"{gateway}-{number}", inputs, {"targetId": "TARGET0001"})


def _engine(gateway: int, agents: list[int], scenario: Scenario) -> Iterator[dict[str, Any]]:
    name = f"gateway{gateway}"
    ids = {"policyEngineArn": _arn("policy-engine", name), "policyEngineId": name}
    yield _resource("aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine", name, {"name": name}, ids)
    actions = 'action in [AgentCore::Action::"target0", AgentCore::Action::"target1___tool3"]'
    for agent in agents:
        who = f'principal == AgentCore::IamEntity::"arn:aws:sts::{ACCOUNT}:assumed-role/agent{agent}"'
        condition = scenario.condition
        if scenario.tokens:
            who = "principal is AgentCore::OAuthUser"
            pin = f'principal.hasTag("client_id") && principal.getTag("client_id") == "client{agent}"'
            condition = f" when {{ {pin} }}{condition}"
        where = f'resource == AgentCore::Gateway::"{_arn("gateway", name)}"'
        statement = f"permit({who}, {actions}, {where}){condition};"
        policy = {"name": f"agent{agent}", "policyEngineId": name, "definition": {"cedar": {"statement": statement}}}
        key = f"{name}-agent{agent}"
        yield _resource("aws:bedrock/agentcorePolicy:AgentcorePolicy", key, policy, {"policyId": key})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_measure(Path(sys.argv[1]))))
        sys.exit(0)
    sys.exit(main())

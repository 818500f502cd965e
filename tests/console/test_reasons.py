"""Why a call was refused: each sentence for a call that was really refused, and changes that are really made."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.credentials import Credentials
from mcp_proxy_for_aws.sigv4_helper import SigV4HTTPXAuth  # type: ignore[import-untyped]  # it ships no types

from tests.e2e.ways_in import Bearer, signed
from tests.interceptor_export import Written, with_interceptors
from tests.planning import SAMPLE, copy_project, planned
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.console.reasons import Reason, reason
from toolgate.local.plan import plan
from toolgate.local.serve.access_log import find
from toolgate.local.serve.server import Serving, serve

type Export = dict[str, Any]

ADD, GREETING = "math___add_numbers", "math___greeting"
ARGUMENTS: Mapping[str, Mapping[str, Any]] = {ADD: {"a": 1, "b": 2}, GREETING: {"name": "Alice"}}
CEDAR_POLICY = "aws:bedrock/agentcorePolicy:AgentcorePolicy"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ACCOUNT = "123456789012"
STRANGER = f"arn:aws:iam::{ACCOUNT}:role/somebody-else"


@dataclass
class World:
    """A deployment that is served, and its program."""

    serving: Serving
    export: Export
    program: Path | None

    @property
    def deployment(self) -> Deployment:
        return parse(self.export)

    def serve(self, export: Export) -> None:
        """Serve another deployment in its place."""
        self.serving.reload(export)
        self.export = export

    def role(self, agent: str) -> str:
        return next(it.role_arn for it in self.deployment.runtimes if it.agent == agent)

    def call(
        self, tool: str, auth: httpx.Auth | None, arguments: Mapping[str, Any] | None = None, gateway: int = 0
    ) -> tuple[bool, Reason | None]:
        """Whether a call was made, and why not."""
        given = ARGUMENTS.get(tool, {}) if arguments is None else arguments
        params = {"name": tool, "arguments": given}
        answer = httpx.post(
            self.serving.gateway_url(self.deployment.gateways[gateway].id),
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            headers={"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"},
            auth=auth,
            trust_env=False,
            timeout=None,
        )
        line = find(self.serving.access_log, answer.headers["x-amzn-requestid"])
        assert line is not None
        made = line["decision"] == "allowed" and line.get("status") == "ok"
        return made, reason(self.deployment, line, self.program)

    def refused(self, tool: str, agent: str, **more: Any) -> Reason:
        """Why a call by an agent's role is refused."""
        made, why = self.call(tool, signed(self.serving, self.role(agent)), **more)
        assert not made
        assert why is not None
        return why


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    export = planned("agents").deployment
    with serve(export, root=SAMPLE, logs=tmp_path_factory.mktemp("logs")) as serving:
        yield World(serving, export, SAMPLE)


@pytest.fixture
def changed(agents: World) -> Iterator[Callable[[Callable[[Export], object]], World]]:
    """The agents' deployment with a change, served until the test is over."""
    before = agents.export

    def change(edit: Callable[[Export], object]) -> World:
        export = copy.deepcopy(before)
        edited = edit(export)
        agents.serve(edited if isinstance(edited, dict) else export)
        return agents

    yield change
    agents.serve(before)


Changed = Callable[[Callable[[Export], object]], World]


def of_type(export: Export, kind: str) -> list[dict[str, Any]]:
    return [it for it in export["deployment"]["resources"] if it["type"] == kind]


def add(export: Export, kind: str, resource: str, /, **values: Any) -> None:
    urn = f"urn:pulumi:agents::toolgate::{kind}::{resource}"
    made = {"urn": urn, "type": kind, "custom": True, "id": resource, "inputs": values, "outputs": values}
    export["deployment"]["resources"].append(made)


def statements(export: Export, policy: str, edit: Callable[[list[dict[str, Any]]], object]) -> None:
    """Edit the statements of a role's policy."""
    [found] = [it for it in of_type(export, ROLE_POLICY) if it["urn"].endswith(f"::{policy}")]
    for side in ("inputs", "outputs"):
        document = json.loads(found[side]["policy"])
        edit(document["Statement"])
        found[side]["policy"] = json.dumps(document)


def line_of(file: str, text: str) -> int:
    """The one line of a settings file of the sample that has this text."""
    [number] = [n for n, it in enumerate((SAMPLE / file).read_text().splitlines(), 1) if text in it]
    return number


# --- one gateway, two agents, a policy engine


def test_no_cedar_policy_permits_it(agents: World) -> None:
    assert agents.refused(ADD, "greeter") == Reason(
        text="greeter may not call math___add_numbers: no Cedar policy permits it",
        missing="cedar",
        change="Hand it over: add math___add_numbers to toolgate:agents.greeter.tools",
        file="Pulumi.agents.yaml",
        line=line_of("Pulumi.agents.yaml", "[math___greeting]"),
        code="      tools: [math___greeting]",
    )


def test_the_change_of_the_line_lets_the_call_through(tmp_path: Path) -> None:
    """The Cedar case, whole: the program is planned from the line that was named, as it was changed."""
    program = copy_project(tmp_path)
    export = plan("agents", root=program).deployment
    with serve(export, root=program, logs=tmp_path / "logs") as serving:
        world = World(serving, export, program)
        why = world.refused(ADD, "greeter")
        apply(program, why, "tools: [", f"tools: [{ADD}, ")
        world.serve(plan("agents", root=program).deployment)
        assert world.call(ADD, signed(serving, world.role("greeter"))) == (True, None)


def apply(program: Path, why: Reason, old: str, new: str) -> None:
    """Edit the line that a reason names, and no other; the reason says what to add."""
    assert why["file"] is not None
    assert why["line"] is not None
    file = program / why["file"]
    lines = file.read_text().splitlines()
    assert lines[why["line"] - 1] == why["code"]
    assert old in lines[why["line"] - 1]
    lines[why["line"] - 1] = lines[why["line"] - 1].replace(old, new)
    file.write_text("\n".join([*lines, ""]))


def test_nobody_has_signed_it(agents: World) -> None:
    made, why = agents.call(ADD, None)
    assert not made
    where = agents.deployment.gateways[0].name
    assert why == Reason(
        text=f"an unknown caller may not use gateway {where}: the request is not signed",
        missing="signature",
        change="Sign it with SigV4, as somebody who may: calculator, greeter",
        file=None,
        line=None,
        code=None,
    )


def test_the_signature_is_somebody_elses(agents: World) -> None:
    issued = agents.serving.session(agents.role("calculator"))
    forged = Credentials(issued.access_key_id, "not-the-secret", issued.session_token)
    made, why = agents.call(ADD, SigV4HTTPXAuth(forged, "bedrock-agentcore", "us-east-1"))
    assert not made
    assert why is not None
    assert (why["missing"], why["line"]) == ("signature", None)
    assert why["text"].startswith(
        "an unknown caller may not call math___add_numbers: its signature is refused (The request signature we"
    )


def test_a_role_that_is_not_in_the_deployment(agents: World) -> None:
    made, why = agents.call(ADD, signed(agents.serving, STRANGER))
    assert not made
    assert why is not None
    assert why["text"].startswith("somebody-else may not call math___add_numbers: this role is not in the deployment")
    assert (why["missing"], why["code"]) == ("iam", "  toolgate:agents:")
    assert why["change"] == "Call it as somebody who may: calculator"


def test_a_role_of_the_deployment_that_is_no_agents(agents: World) -> None:
    [function] = agents.deployment.functions
    made, why = agents.call(ADD, signed(agents.serving, function.role_arn))
    assert not made
    assert why is not None
    assert "it lacks an Allow of bedrock-agentcore:InvokeGateway on arn:" in why["text"]
    assert "in an identity policy of toolgate-agents-math-role-" in why["text"]
    assert why["change"].startswith("Call it as somebody who may: calculator; toolgate-agents-math-role-")


def test_a_tool_that_is_not_there(agents: World) -> None:
    made, why = agents.call("math___subtract", signed(agents.serving, agents.role("calculator")))
    assert not made
    assert why is not None
    assert why["text"] == f"gateway {agents.deployment.gateways[0].name} has no tool math___subtract"
    assert (why["missing"], why["change"]) == (
        "schema",
        "Call one of math___add_numbers, math___multiply_numbers, math___greeting",
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"a": 1}, "b: missing"),
        ({"a": 1, "b": 2, "c": 3}, "c: the tool has no such argument"),
        ({"a": "x", "b": 2}, "a: not a number"),
    ],
)
def test_arguments_that_do_not_fit(agents: World, arguments: Mapping[str, Any], why: str) -> None:
    found = agents.refused(ADD, "calculator", arguments=arguments)
    assert found["text"].startswith(
        f"math___add_numbers cannot be called so: its arguments do not fit its schema ({why}"
    )
    assert (found["missing"], found["change"]) == ("schema", "Give it what its schema asks for: a, b")
    assert found["file"] == "lambdas/math/tools.py"
    assert (found["code"] or "").startswith("def add_numbers(")


def test_what_was_carried_out_has_no_reason(agents: World) -> None:
    assert agents.call(ADD, signed(agents.serving, agents.role("calculator"))) == (True, None)


def test_an_explicit_deny_and_its_place_in_the_program(changed: Changed, tmp_path: Path) -> None:
    def deny(listed: list[dict[str, Any]]) -> None:
        listed.append({"Sid": "NoWay", "Effect": "Deny", "Action": "bedrock-agentcore:*", "Resource": "*"})

    world = changed(lambda export: statements(export, "calculator-policy", deny))
    (tmp_path / "Pulumi.yaml").write_text("name: own\nruntime: python\n")
    (tmp_path / "__main__.py").write_text('policy = [\n    {"Sid": "NoWay", "Effect": "Deny"},\n]\n')
    why = replace(world, program=tmp_path).refused(ADD, "calculator")
    assert re.fullmatch(
        r"calculator may not call math___add_numbers: Deny in identity policy '[\w-]+' \(NoWay\)", why["text"]
    )
    assert (why["missing"], why["file"], why["line"]) == ("iam", "__main__.py", 2)
    assert why["change"].startswith("Take NoWay out of identity policy 'calculator-policy")
    assert replace(world, program=None).refused(ADD, "calculator")["line"] is None


def test_a_permissions_boundary(changed: Changed) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/limit"
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}

    def limited(export: Export) -> None:
        add(export, "aws:iam/policy:Policy", "limit", arn=arn, policy=json.dumps(document), name="limit")
        [role] = [it for it in of_type(export, "aws:iam/role:Role") if it["urn"].endswith("::calculator-role")]
        for side in ("inputs", "outputs"):
            role[side]["permissionsBoundary"] = arn

    why = changed(limited).refused(ADD, "calculator")
    assert "in the permissions boundary of toolgate-agents-calculator-role-" in why["text"]
    assert (why["missing"], why["line"]) == ("iam", None)
    assert why["change"].startswith("Let its permissions boundary allow bedrock-agentcore:InvokeGateway on arn:")


def test_the_gateways_own_policy(changed: Changed) -> None:
    def private(export: Export) -> None:
        arn = parse(export).gateways[0].arn
        deny = {"Sid": "Private", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
        kind = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
        add(export, kind, "private", resourceArn=arn, policy=policy)

    why = changed(private).refused(ADD, "calculator")
    assert why["missing"] == "resource_policy"
    assert re.search(r": Deny in resource policy '[^']+' \(Private\)$", why["text"])


def test_a_cedar_policy_forbids_it(changed: Changed) -> None:
    why = changed(lambda export: _with_cedar(export, "never", f"forbid{_SCOPE};")).refused(ADD, "calculator")
    assert why["text"] == "calculator may not call math___add_numbers: forbid in Cedar policy 'never'"
    assert (why["missing"], why["change"]) == ("cedar", "Change or remove Cedar policy 'never'")


_SCOPE = '(principal, action == AgentCore::Action::"math___add_numbers", resource == AgentCore::Gateway::"{}")'


def _with_cedar(export: Export, name: str, statement: str) -> None:
    text = statement.replace("{}", parse(export).gateways[0].arn, 1)
    [engine] = parse(export).policy_engines
    definition = {"cedar": {"statement": text}}
    values = {"name": name, "policyId": f"{name}-abcdefghij", "policyEngineId": engine.id, "definition": definition}
    add(export, CEDAR_POLICY, name, **values)


def test_a_cedar_policy_permits_other_arguments(changed: Changed) -> None:
    def limited(export: Export) -> None:
        when = 'when { context.input.a.lessThan(decimal("10.0")) }'
        _with_cedar(export, "small", f"permit{_SCOPE}\n{when};")

    world = changed(limited)
    assert world.call(ADD, signed(world.serving, world.role("greeter"))) == (True, None)
    why = world.refused(ADD, "greeter", arguments={"a": 500, "b": 1})
    assert why["text"].startswith(
        "greeter may not call math___add_numbers: no Cedar policy permits it with these arguments: "
        "permit in Cedar policy 'small', when"
    )
    assert why["missing"] == "cedar"


def test_the_gateways_role_may_not_invoke_the_function(changed: Changed) -> None:
    def nothing(listed: list[dict[str, Any]]) -> None:
        listed[0]["Resource"] = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:another"

    why = changed(lambda export: statements(export, "tools-invoke", nothing)).refused(ADD, "calculator")
    assert re.fullmatch(
        r"math___add_numbers cannot be called: the gateway's role toolgate-agents-tools-role-\w+"
        r" may not invoke the function of target math",
        why["text"],
    )
    assert why["change"].startswith("Allow the role lambda:InvokeFunction on arn:aws:lambda:")


def test_an_interceptor_denies_it(changed: Changed) -> None:
    world = changed(lambda export: with_interceptors(export, watcher=Written()))
    body = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "not today"}}
    said = {"transformedGatewayResponse": {"statusCode": 403, "body": body}}
    do = {"REQUEST": {"returns": {"interceptorOutputVersion": "1.0", "mcp": said}}}
    auth = signed(world.serving, world.role("calculator"))
    params = {"name": ADD, "arguments": ARGUMENTS[ADD], "_meta": do}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
    url = world.serving.gateway_url(world.deployment.gateways[0].id)
    answer = httpx.post(url, json=message, headers=headers, auth=auth, trust_env=False, timeout=None)
    line = find(world.serving.access_log, answer.headers["x-amzn-requestid"])
    assert line is not None
    why = reason(world.deployment, line, world.program)
    assert why is not None
    assert why["missing"] == "interceptor"
    assert why["text"].startswith("calculator may not call math___add_numbers: interceptor watcher (REQUEST) denies it")


# --- two gateways, told apart by IAM


def test_iam_and_the_change_of_the_line(tmp_path: Path) -> None:
    program = copy_project(tmp_path)
    export = plan("gateways", root=program).deployment
    with serve(export, root=program, logs=tmp_path / "logs") as serving:
        world = World(serving, export, program)
        greetings = [it.name for it in world.deployment.gateways].index("toolgate-gateways-greetings")
        why = world.refused(GREETING, "calculator", gateway=greetings)
        assert (
            "calculator may not call math___greeting: it lacks an Allow of bedrock-agentcore:InvokeGateway"
            in why["text"]
        )
        assert why["missing"] == "iam"
        assert why["change"] == "Hand it over: add greetings to toolgate:agents.calculator.tools"
        assert (why["file"], why["code"]) == ("Pulumi.gateways.yaml", "      tools: [arithmetic]")
        apply(program, why, "[arithmetic]", "[arithmetic, greetings]")
        world.serve(plan("gateways", root=program).deployment)
        auth = signed(serving, world.role("calculator"))
        assert world.call(GREETING, auth, gateway=greetings) == (True, None)
        # Without a policy engine it is the function that says what does not fit, and the log has no words of it.
        for arguments, said in (
            ({"nom": "Alice"}, "name: missing; nom: the tool has no such argument"),
            ({"name": 7}, "a value is not of the type that the schema says"),
        ):
            why = world.refused(GREETING, "calculator", arguments=arguments, gateway=greetings)
            assert why["text"].endswith(f"its arguments do not fit its schema ({said})")
            assert (why["missing"], why["file"]) == ("schema", "lambdas/math/tools.py")


# --- tokens


CLIENTS = {
    "toolgate:inbound": "jwt",
    "toolgate:interceptors": "{}",
    "toolgate:clients": json.dumps({"partner": {"tools": [GREETING]}}),
    "toolgate:search": "false",
}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    export = planned("jwt", CLIENTS).deployment
    with serve(export, root=SAMPLE, logs=tmp_path_factory.mktemp("logs")) as serving:
        yield World(serving, export, SAMPLE)


def partner(world: World) -> str:
    clients = next(
        it["outputs"]["clients"]
        for it in world.export["deployment"]["resources"]
        if it["type"] == "pulumi:pulumi:Stack"
    )
    return str(clients["partner"]["client_id"])


def bearer(world: World, **claims: Any) -> httpx.Auth:
    return Bearer(world.serving.token(partner(world), **claims))


def test_no_token(tokens: World) -> None:
    made, why = tokens.call(GREETING, None)
    assert not made
    assert why is not None
    assert why["text"] == "an unknown caller may not use gateway toolgate-jwt-tools: the request comes without a token"
    assert why["missing"] == "token"
    assert why["change"].startswith("Come with an access token of https://")


def test_a_signature_where_a_token_is_wanted(tokens: World) -> None:
    made, why = tokens.call(GREETING, signed(tokens.serving, tokens.role("greeter")))
    assert not made
    assert why is not None
    who = "an unknown caller may not use gateway toolgate-jwt-tools"
    assert why["text"] == f"{who}: the request is signed, and this gateway takes tokens"


def test_a_token_that_has_expired(tokens: World) -> None:
    made, why = tokens.call(GREETING, bearer(tokens, exp=1))
    assert not made
    assert why is not None
    assert (
        why["text"] == "partner may not use gateway toolgate-jwt-tools: its token is refused (expiry: it has expired)"
    )


def test_a_token_with_a_scope_too_few(tokens: World) -> None:
    made, why = tokens.call(GREETING, bearer(tokens, scope="another/invoke"))
    assert not made
    assert why is not None
    assert re.match(
        r"partner may not use gateway toolgate-jwt-tools: its token is not for this gateway \(scope is not ",
        why["text"],
    )
    assert why["missing"] == "token"
    assert re.match(r"Ask https://\S+ for a token with the scope \S+/invoke$", why["change"])


def test_a_token_of_a_client_that_was_not_handed_the_tool(tokens: World) -> None:
    made, why = tokens.call(ADD, bearer(tokens))
    assert not made
    assert why is not None
    assert why["text"] == "partner may not call math___add_numbers: no Cedar policy permits it"
    assert why["change"] == "Hand it over: add math___add_numbers to toolgate:clients.partner.tools"
    # The sample's file has no clients (they are this test's own): they would stand below this key.
    assert (why["file"], why["code"]) == ("Pulumi.jwt.yaml", "config:")


def test_a_client_that_the_gateway_does_not_know(tokens: World) -> None:
    """Its authorizer names clients: those of the issuer that it does not name come in vain."""
    before, export = tokens.export, copy.deepcopy(tokens.export)
    [gateway] = of_type(export, "aws:bedrock/agentcoreGateway:AgentcoreGateway")
    for side in ("inputs", "outputs"):
        gateway[side]["authorizerConfiguration"]["customJwtAuthorizer"]["allowedClients"] = ["somebody-else"]
    tokens.serve(export)
    try:
        made, why = tokens.call(GREETING, bearer(tokens))
    finally:
        tokens.serve(before)
    assert not made
    assert why is not None
    told = "partner may not use gateway toolgate-jwt-tools"
    assert why["text"] == f"{told}: its token is not for this gateway (client_id is not somebody-else)"
    assert why["change"] == "Hand it over: add math to toolgate:clients.partner.tools"


# --- a program of somebody's own


OWN = '''"""A program of its own."""

import pulumi

from toolgate import AgentRuntime, Authorization, LambdaTools, ToolGateway, agent_code

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
math = LambdaTools("math", {"directory": "lambdas/math"})
desk = ToolGateway("tools", {"targets": {"math": math.target}, "authorization": Authorization.TOOL})
clerk = AgentRuntime(
    "clerk",
    {
        "code": agent_code("agent"),
        "model_id": MODEL,
        "tools": [desk.tools("math___greeting")],
    },
)
pulumi.export("agents", {"desk-clerk": {"runtime_arn": clerk.runtime_arn, "role_arn": clerk.role_arn}})
'''


def test_a_program_of_its_own_and_the_change_of_its_line(tmp_path: Path) -> None:
    program = copy_project(tmp_path)
    (program / "__main__.py").write_text(OWN)
    export = plan("dev", root=program).deployment
    with serve(export, root=program, logs=tmp_path / "logs") as serving:
        world = World(serving, export, program)
        why = world.refused(ADD, "desk-clerk")
        assert why["text"] == "desk-clerk may not call math___add_numbers: no Cedar policy permits it"
        assert (
            why["change"] == 'Hand it over: add desk.tools("math___add_numbers") to the tools of AgentRuntime("clerk")'
        )
        assert (why["file"], why["code"]) == ("__main__.py", '        "tools": [desk.tools("math___greeting")],')
        # Of one gateway an agent gets its tools in one grant.
        apply(program, why, f'desk.tools("{GREETING}")', f'desk.tools("{GREETING}", "{ADD}")')
        world.serve(plan("dev", root=program).deployment)
        assert world.call(ADD, signed(serving, world.role("desk-clerk"))) == (True, None)


def test_nothing_that_stands_in_a_line_raises(agents: World) -> None:
    gateway = agents.deployment.gateways[0].arn
    for line in (
        {},
        {"resource_arn": "arn:of-another"},
        {"resource_arn": gateway, "decision": "denied", "decided_by": [{"by": "gateway", "effect": "deny"}]},
        {"resource_arn": gateway, "decision": "denied", "decided_by": [{"by": "interceptor", "effect": "deny"}]},
        {"resource_arn": gateway, "decision": "denied", "decided_by": [{"effect": 1}], "tool": 3},
    ):
        assert reason(agents.deployment, line, agents.program) is None

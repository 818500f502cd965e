"""The project's own program: nothing in it violates, and each lock taken off it does."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel

from tests.planning import planned
from tests.policy import making, making_servers
from tests.policy.driver import POLICY, UNKNOWN, Pack, Registration, registrations
from toolgate.access.deployment.stack_export import SECRET, SIGNATURE
from toolgate.policy.pack import RULES

OF_JWT = json.loads((POLICY / "jwt.json").read_text())
"""What the program keeps for the stack."""

type Resources = dict[str, dict[str, Any]]


def registered(stack: str, preview: bool) -> list[dict[str, Any]]:
    """What the program registers, in the project and stack of these tests."""
    made = planned(stack, preview=preview)
    text = json.dumps(made.deployment["deployment"]["resources"])
    return list(json.loads(text.replace(f":{stack}::toolgate::", ":dev::shop::")))


@pytest.fixture(scope="module", params=[True, False], ids=["preview", "up"])
def resources(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return registered("dev", request.param)


@pytest.fixture(scope="module", params=[True, False], ids=["preview", "up"])
def by_tool(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The stack in which a policy engine decides each call."""
    return registered("agents", request.param)


@pytest.fixture(scope="module", params=[True, False], ids=["preview", "up"])
def prod(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The stack in which everything is as strict as it gets without anybody's ids."""
    return registered("prod", request.param)


@pytest.fixture(scope="module", params=[True, False], ids=["preview", "up"])
def by_token(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The stack whose gateway takes tokens, with its secrets as the pack sees them."""
    return [unhidden(it) for it in registered("jwt", request.param)]


def unhidden(value: Any) -> Any:
    """A value of a deployment's file without the marks of what is secret in it."""
    if isinstance(value, dict):
        return (
            json.loads(value["plaintext"])
            if value.get(SIGNATURE) == SECRET
            else {k: unhidden(it) for k, it in value.items()}
        )
    return [unhidden(it) for it in value] if isinstance(value, list) else value


def mandatory(pack: Pack, resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    found = pack.run(registrations(resources))
    return {
        (violation.rule, violation.urn.rpartition("::")[2]) for violation in found if violation.level == "mandatory"
    }


def test_nothing_violates(pack: Pack, resources: list[dict[str, Any]]) -> None:
    assert len(resources) > 10
    found = pack.run(registrations(resources))
    assert {violation.rule for violation in found} <= {"logs-delivered"}, found


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_where_logs_are_delivered_there_is_nothing_to_say(preview: bool) -> None:
    config = {"toolgate:observability": '{"logs": true, "traces": true}'}
    assert planned(config=config, preview=preview).violations == ()


def open_gateway(by_name: Resources) -> tuple[str, str]:
    by_name["tools-gateway"]["inputs"]["authorizerType"] = "NONE"
    return "gateway-authorizer-iam", "tools-gateway"


def any_gateway(by_name: Resources) -> tuple[str, str]:
    grant = {"Effect": "Allow", "Action": "bedrock-agentcore:*", "Resource": "*"}
    by_name["assistant-tools"]["inputs"]["policy"] = json.dumps({"Statement": [grant]})
    return "invoke-gateway-exact-arn", "assistant-tools"


def any_account(by_name: Resources) -> tuple[str, str]:
    trust = json.loads(by_name["assistant-role"]["inputs"]["assumeRolePolicy"])
    del trust["Statement"][0]["Condition"]
    by_name["assistant-role"]["inputs"]["assumeRolePolicy"] = json.dumps(trust)
    return "service-trust-pinned", "assistant-role"


def any_function(by_name: Resources) -> tuple[str, str]:
    grant = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:*:*:function:*"}
    for side in ("inputs", "outputs"):
        by_name["tools-invoke"][side]["policy"] = json.dumps({"Statement": [grant]})
    return "gateway-role-exact-lambda", "tools-invoke"


def shared_role(by_name: Resources) -> tuple[str, str]:
    runtime, gateway = by_name["assistant-runtime"], by_name["tools-gateway"]
    for side in ("inputs", "outputs"):
        runtime[side]["roleArn"] = gateway["inputs"]["roleArn"]
    runtime["propertyDependencies"]["roleArn"] = gateway["propertyDependencies"]["roleArn"]
    return "agent-cannot-bypass-gateway", "assistant-runtime"


def any_caller(by_name: Resources) -> tuple[str, str]:
    trust = json.loads(by_name["assistant-role"]["inputs"]["assumeRolePolicy"])
    trust["Statement"].append({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    for side in ("inputs", "outputs"):
        by_name["assistant-role"][side]["assumeRolePolicy"] = json.dumps(trust)
    return "trust-names-callers", "assistant-role"


SIMPLE_LOCKS = [open_gateway, any_gateway, any_account, any_function, shared_role, any_caller]


@pytest.mark.parametrize("take_off", SIMPLE_LOCKS, ids=lambda it: it.__name__)
def test_each_lock_taken_off_violates(
    pack: Pack, resources: list[dict[str, Any]], take_off: Callable[[Resources], tuple[str, str]]
) -> None:
    copy: list[dict[str, Any]] = json.loads(json.dumps(resources))
    expected = take_off({resource["urn"].rpartition("::")[2]: resource for resource in copy if "inputs" in resource})
    assert expected in mandatory(pack, copy)


OPENED = {
    "function-url-signed": Registration(
        "aws:lambda/functionUrl:FunctionUrl", "opened", {"functionName": UNKNOWN, "authorizationType": "NONE"}
    ),
    "lambda-permission-pinned": Registration(
        "aws:lambda/permission:Permission", "opened", {"function": UNKNOWN, "principal": "sns.amazonaws.com"}
    ),
}


@pytest.mark.parametrize("rule", OPENED)
def test_a_way_past_the_gateway_violates(pack: Pack, resources: list[dict[str, Any]], rule: str) -> None:
    given = registrations(resources)
    function = next(it for it in given if it.type == "aws:lambda/function:Function")
    way = OPENED[rule]
    inputs = {key: function.inputs["name"] if value == UNKNOWN else value for key, value in way.inputs.items()}
    by_name = Registration(way.type, way.name, inputs)
    by_graph = Registration(way.type, way.name, way.inputs, {}, "", {key: [function.urn] for key in way.inputs})
    for opened in (by_name, by_graph):
        found = pack.run([*given, opened])
        assert {(it.rule, it.urn) for it in found if it.level == "mandatory"} == {(rule, opened.urn)}


def test_nothing_violates_where_tools_are_granted_singly(pack: Pack, by_tool: list[dict[str, Any]]) -> None:
    found = pack.run(registrations(by_tool))
    assert {violation.rule for violation in found} <= {"logs-delivered"}, found


def test_prod_has_what_dev_may_lack(pack: Pack, prod: list[dict[str, Any]], resources: list[dict[str, Any]]) -> None:
    """By the rules that ask for nothing unless they are told to: a key, and dev being no development stack."""
    pack.configure({"customer-managed-key": {"required": True}, "no-debug-outside-dev": {"devStacks": ["sandbox"]}})
    found = {violation.rule for violation in pack.run(registrations(prod))}
    assert found <= {"logs-delivered"}
    found = {violation.rule for violation in pack.run(registrations(resources))}
    assert {"customer-managed-key", "no-debug-outside-dev"} <= found


def of_type(resources: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(resource for resource in resources if resource["type"].endswith(f":{kind}"))


def no_engine(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    gateway = of_type(resources, "AgentcoreGateway")
    for side in (gateway["inputs"], gateway["outputs"], gateway["propertyDependencies"]):
        del side["policyEngineConfiguration"]
    return {("policy-engine-attached", "tools-gateway"), ("policy-engine-attached", "tools-engine")}


def log_only(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    gateway = of_type(resources, "AgentcoreGateway")
    for side in ("inputs", "outputs"):
        gateway[side]["policyEngineConfiguration"]["mode"] = "LOG_ONLY"
    return {("policy-engine-enforces", "tools-gateway")}


def rewritten(resources: list[dict[str, Any]], principal: str, action: str) -> set[tuple[str, str]]:
    policy = of_type(resources, "AgentcorePolicy")
    scope = f'principal == AgentCore::IamEntity::"{principal}", action == AgentCore::Action::"{action}"'
    for side in ("inputs", "outputs"):
        statement = f"permit({scope}, resource is AgentCore::Gateway);"
        policy[side]["definition"] = {"cedar": {"statement": statement}}
    return {("cedar-names-exist", policy["urn"].rpartition("::")[2])}


def wrong_entity(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return rewritten(resources, making.ENTITY.replace("sts", "iam").replace("assumed-role", "role"), "math")


def two_underscores(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return rewritten(resources, making.ENTITY, "math__add_numbers")


def no_such_tool(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return rewritten(resources, making.ENTITY, "math___subtract_numbers")


def in_order(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    rewritten(resources, making.ENTITY, "math___add_numbers")
    return set()


def named(resources: list[dict[str, Any]], name: str, kind: str = "") -> dict[str, Any]:
    return next(it for it in resources if it["urn"].endswith(f"::{name}") and it["type"].endswith(kind))


def granted(resources: list[dict[str, Any]], name: str, *entries: dict[str, Any]) -> None:
    """Gives a role policy other statements."""
    policy = named(resources, name, ":RolePolicy")
    for side in ("inputs", "outputs"):
        policy[side]["policy"] = making.document(*entries)


def granted_too(resources: list[dict[str, Any]], name: str, entry: dict[str, Any]) -> None:
    """Gives a role policy one statement more; those of a preview are not known."""
    text = named(resources, name, ":RolePolicy")["outputs"].get("policy", UNKNOWN)
    granted(resources, name, *([] if text == UNKNOWN else json.loads(text)["Statement"]), entry)


def put(resource: dict[str, Any], **properties: Any) -> None:
    for side in ("inputs", "outputs"):
        resource[side] |= properties


def another(resources: list[dict[str, Any]], name: str, new: str, **properties: Any) -> dict[str, Any]:
    """A resource like one that is there."""
    made: dict[str, Any] = json.loads(json.dumps(named(resources, name)))
    made["urn"] = f"{made['urn'].rpartition('::')[0]}::{new}"
    put(made, **properties)
    resources.append(made)
    return made


RUNTIME = f"arn:aws:bedrock-agentcore:us-east-1:{making.ACCOUNT}:runtime"


def shell(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    grant = making.statement("bedrock-agentcore:InvokeAgentRuntime*", f"{RUNTIME}/toolgate_agents_greeter-abcdefghij")
    granted_too(resources, "tools-invoke", grant)
    # The role of a gateway is one that AgentCore may take, so that it is held to have widened itself as well.
    return {("agent-shell-exact", "tools-invoke"), ("agent-cannot-widen-itself", "tools-invoke")}


def ask_everybody(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    granted(resources, "calculator-tools", making.statement("bedrock-agentcore:InvokeAgentRuntime", f"{RUNTIME}/*"))
    return {("agent-callers-named", "calculator-tools")}


def new_rights(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    granted(resources, "calculator-policy", making.statement("iam:PutRolePolicy", "*"))
    return {("agent-cannot-widen-itself", "calculator-policy")}


def new_code(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """A tool that may rewrite itself: its function's name is known in a preview, too."""
    granted(
        resources, "math-logs", making.statement("lambda:UpdateFunctionCode", f"arn:aws:lambda:*:*:function:{NAME}")
    )
    return {("agent-cannot-widen-itself", "math-logs")}


NAME = "toolgate-agents-math"


def whole_service(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    granted(resources, "calculator-policy", making.statement("s3:*", "*"))
    return {("agent-role-exact", "calculator-policy")}


def wide_tool(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    granted(resources, "math-logs", making.statement("s3:*", "*"))
    return {("tool-role-exact", "math-logs")}


def any_model(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    granted(resources, "calculator-policy", making.statement("bedrock:InvokeModel", "*"))
    return {("model-access-named", "calculator-policy")}


def everybodys_memory(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    memory = f"arn:aws:bedrock-agentcore:us-east-1:{making.ACCOUNT}:memory/conversations-abcdefghij"
    granted(resources, "calculator-policy", making.statement("bedrock-agentcore:ListEvents", memory))
    return {("memory-use-limited", "calculator-policy")}


def any_token(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    authorizer = {"discoveryUrl": "https://accounts.google.com/.well-known/openid-configuration"}
    put(named(resources, "greeter-runtime"), authorizerConfiguration={"customJwtAuthorizer": authorizer})
    return {("jwt-callers-named", "greeter-runtime"), ("jwt-issuer-known", "greeter-runtime")}


def strange_interceptor(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    arn = "arn:aws:lambda:us-east-1:444455556666:function:filter"
    interceptor = {"interceptionPoints": ["REQUEST"], "interceptor": {"lambda": {"arn": arn}}}
    put(named(resources, "tools-gateway"), interceptorConfigurations=[interceptor])
    return {("interceptor-in-own-account", "tools-gateway")}


def intercepted(resources: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Puts an interceptor in order in front of the program's gateway; the function is to have these changes."""
    gateway = named(resources, "tools-gateway")
    role, function = making.role("filter", "lambda.amazonaws.com"), making.interceptor(**changes)
    made = "gatewayArn" in gateway["outputs"]
    for it in (role, function):
        outputs = it.outputs if made else {}
        resources.append(
            {"type": it.type, "urn": it.urn, "inputs": dict(it.inputs), "outputs": {**it.inputs, **outputs}}
        )
    put(gateway, interceptorConfigurations=[making.at_point(making.FILTER if made else UNKNOWN)])
    gateway["propertyDependencies"]["interceptorConfigurations"] = [function.urn]
    return gateway


def in_order_too(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    intercepted(resources)
    return set()


def no_margin(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    intercepted(resources, timeout=3)
    return {("interceptor-fails-closed", "filter")}


def only_lock(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    intercepted(resources)
    log_only(resources)
    put(named(resources, "tools-gateway"), authorizerType="AUTHENTICATE_ONLY")
    return {
        ("interceptor-fails-closed", "tools-gateway"),
        ("gateway-authorizer-iam", "tools-gateway"),
        ("policy-engine-enforces", "tools-gateway"),
    }


def headers_for_nothing(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    [entry] = intercepted(resources)["inputs"]["interceptorConfigurations"]
    put(named(resources, "tools-gateway"), interceptorConfigurations=[making.at_point(_arn(entry), headers=True)])
    return {("interceptor-headers-needed", "tools-gateway")}


def _arn(entry: dict[str, Any]) -> str:
    return str(entry["interceptor"]["lambda"]["arn"])


def claims_of_nobody(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    intercepted(resources, variables=making.declaring(claims=True))
    return {("interceptor-headers-needed", "tools-gateway")}


def wide_interceptor(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    intercepted(resources)
    policy = making.document(making.statement("dynamodb:*", "*"))
    new(resources, "aws:iam/rolePolicy:RolePolicy", role="filter", policy=policy)
    return {("tool-role-exact", "new")}


def calls_tools_itself(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    intercepted(resources)
    tool = f"arn:aws:lambda:us-east-1:{making.ACCOUNT}:function:{NAME}"
    policy = making.document(making.statement("lambda:InvokeFunction", tool))
    new(resources, "aws:iam/rolePolicy:RolePolicy", role="filter", policy=policy)
    return {("agent-cannot-bypass-gateway", "new")}


def public_interceptor(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    intercepted(resources)
    new(resources, "aws:lambda/functionUrl:FunctionUrl", functionName="shop-filter", authorizationType="NONE")
    return {("function-url-signed", "new")}


def others_change_it(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    intercepted(resources)
    inputs = {"action": "lambda:UpdateFunctionCode", "function": "shop-filter", "principal": "sns.amazonaws.com"}
    new(resources, "aws:lambda/permission:Permission", **inputs)
    return {("lambda-permission-pinned", "new")}


def everything_permitted(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    statement = "permit(principal, action, resource is AgentCore::Gateway);"
    policy = named(resources, "greeter-tools", ":AgentcorePolicy")
    put(policy, definition={"cedar": {"statement": statement}}, validationMode="IGNORE_ALL_FINDINGS")
    return {("cedar-permit-limited", "greeter-tools")}


def watching(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    statement = "forbid(principal, action, resource is AgentCore::Gateway);"
    policy = named(resources, "greeter-tools", ":AgentcorePolicy")
    put(policy, definition={"cedar": {"statement": statement}}, enforcementMode="LOG_ONLY")
    return {("policy-engine-enforces", "greeter-tools")}


def around_the_engine(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    gateway = another(resources, "tools-gateway", "more")
    for side in (gateway["inputs"], gateway["outputs"], gateway["propertyDependencies"]):
        side.pop("policyEngineConfiguration", None)
    gateway["parent"] = ""
    if "gatewayArn" in gateway["outputs"]:
        put(gateway, gatewayArn=making.GATEWAY)
    target = another(resources, "tools-math", "around")
    if "gatewayArn" in gateway["outputs"]:
        put(target, gatewayIdentifier=making.GATEWAY.rpartition("/")[2])
    target["propertyDependencies"]["gatewayIdentifier"] = [gateway["urn"]]
    return {("policy-engine-attached", "around")}


def new(resources: list[dict[str, Any]], kind: str, **inputs: Any) -> None:
    """A resource beside the program's, called `new`."""
    resources.append({"type": kind, "urn": f"urn:pulumi:dev::shop::{kind}::new", "inputs": inputs, "outputs": {}})


def public_policy(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    grant = making.statement("bedrock-agentcore:InvokeGateway", making.GATEWAY, Principal="*")
    kind = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
    new(resources, kind, resourceArn=making.GATEWAY, policy=making.document(grant))
    return {("resource-policy-private", "new")}


def public_function(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    inputs = {"action": "lambda:InvokeFunction", "function": NAME, "principal": "*"}
    new(resources, "aws:lambda/permission:Permission", **inputs)
    return {("lambda-permission-pinned", "new")}


def public_url(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    new(resources, "aws:lambda/functionUrl:FunctionUrl", functionName=NAME, authorizationType="NONE")
    return {("function-url-signed", "new")}


def searchable(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    put(named(resources, "tools-gateway"), protocolConfiguration={"mcp": {"searchType": "SEMANTIC"}})
    return {("search-hides-denied-tools", "tools-gateway")}


def stranger(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    policy = named(resources, "calculator-tools", ":RolePolicy")
    policy["propertyDependencies"] = {}
    grant = making.statement("bedrock-agentcore:InvokeGateway", making.GATEWAY)
    granted(resources, "calculator-tools", grant)
    return {("grant-matches-graph", "calculator-tools")}


def served(resources: list[dict[str, Any]], *more: Registration) -> None:
    """Puts an MCP server behind the program's gateway, and these beside it."""
    gateway = named(resources, "tools-gateway")
    made = making_servers.mcp_target()
    inputs = {**made.inputs, "gatewayIdentifier": gateway["outputs"].get("gatewayId", UNKNOWN)}
    of = {"gatewayIdentifier": [gateway["urn"]]}
    target = Registration(made.type, made.name, inputs, made.outputs, property_dependencies=of)
    for it in (making_servers.runtime(), target, *more):
        outputs = {**it.inputs, **it.outputs}
        entry = {"type": it.type, "urn": it.urn, "inputs": dict(it.inputs), "outputs": outputs}
        resources.append(entry | {"propertyDependencies": dict(it.property_dependencies)})


def server_for_all(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    served(resources)
    return {("server-called-by-gateway-only", "stock"), ("server-beyond-policy-engine", "stock")}


def server_for_the_gateway(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    role = named(resources, "tools-gateway")["inputs"]["roleArn"]
    served(resources, making_servers.resource_policy(making_servers.denial(role)))
    undecided = {("undecided-in-preview", "private")} if role == UNKNOWN else set()
    return {("server-beyond-policy-engine", "stock"), *undecided}


def any_server(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    grant = making.statement("bedrock-agentcore:InvokeAgentRuntime", f"{RUNTIME}/stock*")
    granted_too(resources, "tools-invoke", grant)
    return {("gateway-role-exact-targets", "tools-invoke")}


def functions_out_of_reach(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """The gateway's role invokes another function; a preview does not know what its other policy allows."""
    known = named(resources, "tools-invoke", ":RolePolicy")["outputs"].get("policy", UNKNOWN) != UNKNOWN
    granted(resources, "tools-invoke", making.statement("lambda:InvokeFunction", making.FUNCTION))
    return {("gateway-role-exact-lambda", "tools-math")} if known else set()


LOCKS = [
    *(server_for_all, server_for_the_gateway, any_server, functions_out_of_reach),
    *(public_policy, public_function, public_url, searchable, stranger),
    *(no_engine, log_only, wrong_entity, two_underscores, no_such_tool, in_order),
    *(shell, ask_everybody, new_rights, new_code, whole_service, wide_tool, any_model, everybodys_memory),
    *(in_order_too, no_margin, only_lock, headers_for_nothing, claims_of_nobody),
    *(wide_interceptor, calls_tools_itself, public_interceptor, others_change_it),
    *(any_token, strange_interceptor, everything_permitted, watching, around_the_engine),
]


def violated(pack: Pack, resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Each rule that is violated, and by what, but for the advice about logs."""
    found = {(it.rule, it.urn.rpartition("::")[2]) for it in pack.run(registrations(resources))}
    return {it for it in found if it[0] != "logs-delivered"}


@pytest.mark.parametrize("take_off", LOCKS, ids=lambda it: it.__name__)
def test_each_lock_of_a_tool_taken_off_violates(
    pack: Pack, by_tool: list[dict[str, Any]], take_off: Callable[[list[dict[str, Any]]], set[tuple[str, str]]]
) -> None:
    copy: list[dict[str, Any]] = json.loads(json.dumps(by_tool))
    expected = take_off(copy)
    assert violated(pack, copy) == expected


def test_nothing_violates_where_tokens_are_taken_and_the_stack_says_so(
    pack: Pack, by_token: list[dict[str, Any]]
) -> None:
    found = {(it.rule, it.urn.rpartition("::")[2]) for it in pack.run(registrations(by_token))}
    assert {it for it in found if it[0] != "logs-delivered"} == {("gateway-authorizer-iam", "tools-gateway")}
    pack.configure(OF_JWT)
    found = {(it.rule, it.urn.rpartition("::")[2]) for it in pack.run(registrations(by_token))}
    assert {it for it in found if it[0] != "logs-delivered"} == set()


def authorizer(resources: list[dict[str, Any]], **changes: Any) -> None:
    gateway = named(resources, "tools-gateway")
    given = {**gateway["inputs"]["authorizerConfiguration"]["customJwtAuthorizer"], **changes}
    put(gateway, authorizerConfiguration={"customJwtAuthorizer": {k: it for k, it in given.items() if it is not None}})


def every_client(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    authorizer(resources, allowedScopes=None)
    return {("jwt-callers-named", "tools-gateway")}


def strange_issuer(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    authorizer(resources, discoveryUrl="https://login.example.com/.well-known/openid-configuration")
    gateway = named(resources, "tools-gateway")
    gateway["propertyDependencies"].pop("authorizerConfiguration", None)
    return {("jwt-issuer-known", "tools-gateway")}


def whoever_has_a_token(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    statement = 'permit(principal is AgentCore::OAuthUser, action == AgentCore::Action::"math___greeting", resource);'
    put(named(resources, "greeter-tools", ":AgentcorePolicy"), definition={"cedar": {"statement": statement}})
    return {("jwt-permit-names-caller", "greeter-tools")}


def users_too(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    put(named(resources, "greeter-tokens-client"), explicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])
    return {("machine-client-only", "greeter-tokens-client")}


def any_provider(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    vault = f"arn:aws:bedrock-agentcore:us-east-1:{making.ACCOUNT}:token-vault/default/oauth2credentialprovider/*"
    granted(resources, "greeter-tokens", making.statement("bedrock-agentcore:GetResourceOauth2Token", vault))
    return {("token-taken-by-owner", "greeter-tokens")}


def secret_told(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    runtime, client = named(resources, "greeter-runtime"), named(resources, "greeter-tokens-client")
    variables = {**runtime["inputs"]["environmentVariables"], "CLIENT_SECRET": "0123456789abcdefghijklmnop"}
    put(runtime, environmentVariables=variables)
    runtime["propertyDependencies"].setdefault("environmentVariables", []).append(client["urn"])
    return {("no-secret-in-environment", "greeter-runtime")}


def whoever_wants(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    put(named(resources, "tokens-pool"), adminCreateUserConfig={"allowAdminCreateUserOnly": False})
    return {("user-pool-closed", "tokens-pool")}


TOKEN_LOCKS = [
    *(every_client, strange_issuer, whoever_has_a_token, users_too, any_provider, secret_told, whoever_wants),
]


@pytest.mark.parametrize("take_off", TOKEN_LOCKS, ids=lambda it: it.__name__)
def test_each_lock_of_tokens_taken_off_violates(
    pack: Pack, by_token: list[dict[str, Any]], take_off: Callable[[list[dict[str, Any]]], set[tuple[str, str]]]
) -> None:
    copy: list[dict[str, Any]] = json.loads(json.dumps(by_token))
    expected = take_off(copy)
    pack.configure(OF_JWT)
    assert violated(pack, copy) == expected


def test_every_mandatory_rule_is_such_a_lock(
    resources: list[dict[str, Any]], by_tool: list[dict[str, Any]], by_token: list[dict[str, Any]]
) -> None:
    """A new rule takes one function, and its name in LOCKS (in TOKEN_LOCKS, where it is about tokens)."""
    simple: list[dict[str, Any]] = json.loads(json.dumps(resources))
    found = {it({one["urn"].rpartition("::")[2]: one for one in simple if "inputs" in one})[0] for it in SIMPLE_LOCKS}
    found |= {rule for take_off in LOCKS for rule, _ in take_off(json.loads(json.dumps(by_tool)))}
    found |= {rule for take_off in TOKEN_LOCKS for rule, _ in take_off(json.loads(json.dumps(by_token)))}
    assert found >= {rule.name for rule in RULES if rule.level == EnforcementLevel.MANDATORY}


def test_documents_are_unknown_before_the_update(
    resources: list[dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    """In a preview the documents are really unknown, so the tests above are about what they say they are."""
    documents = [resource["inputs"]["policy"] for resource in resources if resource["type"].endswith(":RolePolicy")]
    assert (UNKNOWN in documents) == ("preview" in request.node.name)

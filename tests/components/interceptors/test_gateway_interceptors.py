"""A gateway's interceptors: what is made of their folders, and what is refused before anything is."""

import itertools
import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.interceptors import interceptor_function
from toolgate.components.interceptors.code import LIBRARY
from toolgate.components.tool_gateway import ToolGateway
from toolgate.policy.language import interceptors as language

from ..test_tool_gateway import FUNCTION, TARGETS
from .conftest import LIMITED, MASKED, VISIBLE, Folder

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = "arn:aws:iam::123456789012:policy/agents-boundary"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prices-a1B2c3"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/limits"
INBOUND = {"issuer": "okta", "discovery_url": "https://example.com/.well-known/openid-configuration", "scopes": ["a"]}
OWN = FUNCTION + "toolgate-dev-tools-limits"
PARAMETERS = "arn:aws:ssm:us-east-1:123456789012:parameter/toolgate/callers"


def gateway(opts: pulumi.ResourceOptions | None = None, **more: Any) -> ToolGateway:
    args: Any = {"targets": TARGETS, **more}
    return ToolGateway("tools", args, opts)


def both(directory: str, **more: Any) -> Any:
    return {"request": {"directory": directory, **more}, "response": {"directory": directory, **more}}


def declared(recorded: Any, name: str = "tools-limits") -> Any:
    return json.loads(recorded.one("Function", f"{name}-function").inputs["environment"]["variables"]["INTERCEPTS"])


def test_one_folder_at_both_points_is_one_function(run: Any, folder: Folder) -> None:
    recorded = run(lambda: gateway(interceptors=both(folder(LIMITED + MASKED))))
    [configured] = recorded.one("AgentcoreGateway", "tools-gateway").inputs["interceptorConfigurations"]
    assert configured == {
        "interceptionPoints": ["REQUEST", "RESPONSE"],
        "interceptor": {"lambda": {"arn": OWN}},
        "inputConfiguration": {"passRequestHeaders": False},
    }
    function = recorded.one("Function", "tools-limits-function").inputs
    assert function["name"] == "toolgate-dev-tools-limits"
    assert (function["handler"], function["runtime"], function["architectures"]) == (
        "intercept.handler",
        "python3.13",
        ["arm64"],
    )
    assert (function["memorySize"], function["timeout"]) == (512, 10)
    assert function["loggingConfig"] == {"applicationLogLevel": "INFO", "logFormat": "JSON"}
    assert declared(recorded) == {
        "calls": ["math___*"],
        "results": ["*"],
        **dict.fromkeys(("tools", "prompts", "resources", "headers", "claims", "caller"), False),
        "inbound": "iam",
        "seconds": 2.0,
    }
    component = recorded.one("GatewayInterceptor", "tools-limits")
    assert component.parent == "tools"
    assert component.inputs["points"] == ["REQUEST", "RESPONSE"]
    assert component.inputs["declaration"] == declared(recorded)
    assert recorded.one("LogGroup", "tools-limits-logs").inputs["name"] == "/aws/lambda/toolgate-dev-tools-limits"
    for kind in ("Function", "Role", "LogGroup"):
        assert [it.parent for it in recorded.resources if it.type.endswith(f":{kind}") and "limits" in it.name] == [
            "tools-limits"
        ]


def test_two_folders_are_two_functions(run: Any, folder: Folder) -> None:
    asked = {"request": {"directory": folder(LIMITED)}, "response": {"directory": folder(MASKED, "redact")}}
    recorded = run(lambda: gateway(interceptors=asked))
    configured = recorded.one("AgentcoreGateway", "tools-gateway").inputs["interceptorConfigurations"]
    assert [(it["interceptionPoints"], it["interceptor"]["lambda"]["arn"]) for it in configured] == [
        (["REQUEST"], OWN),
        (["RESPONSE"], FUNCTION + "toolgate-dev-tools-redact"),
    ]
    assert declared(recorded)["results"] == []
    assert declared(recorded, "tools-redact")["calls"] == []


def test_the_declaration_is_plain_text_in_a_preview(run: Any, folder: Folder) -> None:
    args = {"environment": {"TABLE": pulumi.Output.from_input("x")}}
    recorded = run(lambda: gateway(interceptors={"request": {"directory": folder(LIMITED), **args}}), preview=True)
    assert declared(recorded)["calls"] == ["math___*"]


def test_the_zip_holds_the_folder_and_the_library(run: Any, folder: Folder) -> None:
    directory = Path(folder(LIMITED, settings="def settings(opts):\n    return {}\n"))
    (directory / "tests").mkdir()
    (directory / "tests" / "test_it.py").write_text("")
    (directory / "words.txt").write_text("")
    recorded = run(lambda: gateway(interceptors={"request": {"directory": str(directory)}}))
    assets = recorded.one("Function", "tools-limits-function").inputs["code"]["assets"]
    assert sorted(assets) == ["intercept.py", "interceptor.py", "mcp_messages.py", "supervised.py", "words.txt"]
    assert assets["intercept.py"]["path"] == str(directory.parent / "intercept.py")


def test_callers_and_secrets_are_shipped_where_they_are_used(run: Any, folder: Folder) -> None:
    directory = folder(VISIBLE)
    args = {"directory": directory, "secrets": {"PRICES": SECRET}}
    recorded = run(lambda: gateway(interceptors={"response": args}))
    function = recorded.one("Function", "tools-limits-function").inputs
    assert function["code"]["assets"].keys() == {*LIBRARY, "callers.py", "interceptor.py", "secret_values.py"}
    assert function["environment"]["variables"]["PRICES"] == SECRET


@pytest.mark.parametrize("missing", ["intercept.py", "supervised.py", "callers.py"])
def test_what_lies_nowhere_is_told(
    run: Any, folder: Folder, missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    directory = Path(folder(VISIBLE))
    (directory.parent / missing).unlink()
    monkeypatch.setattr(interceptor_function, "SHIPPED_FROM", tmp_path / "nowhere")
    text = f"{missing}: is missing. It lies beside the interceptors' folders."
    assert refused(run, interceptors={"response": {"directory": str(directory)}}) == f"{directory.parent}/{text}"
    (tmp_path / "nowhere" / "interceptors").mkdir(parents=True)
    (tmp_path / "nowhere" / "interceptors" / missing).write_text("")
    recorded = run(lambda: gateway(interceptors={"response": {"directory": str(directory)}}))
    assets = recorded.one("Function", "tools-limits-function").inputs["code"]["assets"]
    assert assets[missing]["path"] == str(tmp_path / "nowhere" / "interceptors" / missing)


def test_the_gateway_invokes_exactly_what_it_asks(run: Any, folder: Folder, allows: Any) -> None:
    recorded = run(lambda: gateway(interceptors={"request": {"directory": folder(LIMITED)}}))
    document = recorded.one("RolePolicy", "tools-invoke").document()
    for function in (FUNCTION + "one", FUNCTION + "two", OWN):
        assert allows(document, "lambda:InvokeFunction", function)
    for function in (FUNCTION + "three", f"{OWN}:live", f"{OWN}2", FUNCTION + "toolgate-dev-other-limits"):
        assert not allows(document, "lambda:InvokeFunction", function)


def test_functions_and_rights_then_the_gateway(run: Any, folder: Folder) -> None:
    recorded = run(lambda: gateway(interceptors={"request": {"directory": folder(LIMITED)}}))
    made = recorded.one("AgentcoreGateway", "tools-gateway")
    assert "tools-invoke" in made.dependencies
    assert made.property_dependencies["interceptorConfigurations"] == {"tools-limits-function"}
    # Another function in its place is an update: only what AWS fixes at creation makes a new gateway.
    assert all("interceptor" not in it for it in made.replace_on_changes)
    function = recorded.one("Function", "tools-limits-function")
    assert {"tools-limits-logs"} <= function.dependencies
    assert "tools-limits-function" in recorded.one("RolePolicy", "tools-invoke").dependencies
    assert function.hooks


def test_it_may_do_what_it_says_and_nothing_else(run: Any, folder: Folder, allows: Any) -> None:
    mine = {"actions": ["dynamodb:GetItem"], "resources": [TABLE]}
    args = {"directory": folder(LIMITED), "statements": [mine], "secrets": {"PRICES": SECRET}}
    recorded = run(lambda: gateway(interceptors={"request": args}))
    policies = [it for it in recorded.resources if it.type.endswith(":RolePolicy") and it.parent == "tools-limits"]
    statements = [statement for it in policies for statement in it.document()["Statement"]]
    document = {"Version": "2012-10-17", "Statement": statements}
    logs = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/toolgate-dev-tools-limits:log-stream:a"
    assert allows(document, "logs:PutLogEvents", logs)
    assert allows(document, "dynamodb:GetItem", TABLE)
    assert allows(document, "secretsmanager:GetSecretValue", SECRET)
    for action, resource in (
        ("dynamodb:PutItem", TABLE),
        ("lambda:InvokeFunction", FUNCTION + "one"),
        ("ssm:GetParameter", f"{PARAMETERS}/toolgate-dev-tools/client"),
        ("bedrock-agentcore:InvokeGateway", "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/x"),
    ):
        assert not allows(document, action, resource)
    [trust] = recorded.one("Role", "tools-limits-role").document("assumeRolePolicy")["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_it_reads_callers_of_its_own_gateway_only(run: Any, folder: Folder, allows: Any) -> None:
    told: list[Any] = []

    def program() -> None:
        made = gateway(inbound=INBOUND, interceptors={"response": {"directory": folder(VISIBLE)}})
        assert made.callers is not None
        made.callers.apply(told.append)

    recorded = run(program)
    document = recorded.one("RolePolicy", "tools-limits-callers").document()
    assert allows(document, "ssm:GetParameter", f"{PARAMETERS}/toolgate-dev-tools/client")
    for action, parameter in (
        ("ssm:GetParameter", "toolgate-dev-tools-2/client"),
        ("ssm:GetParameter", "toolgate-dev-tools"),
        ("ssm:GetParametersByPath", "toolgate-dev-tools/"),
        ("ssm:PutParameter", "toolgate-dev-tools/client"),
    ):
        assert not allows(document, action, f"{PARAMETERS}/{parameter}")
    assert told == ["/toolgate/callers/toolgate-dev-tools/"]
    assert declared(recorded)["callers"] == "/toolgate/callers/toolgate-dev-tools/"
    assert declared(recorded)["client"] == "client_id"
    assert "shown" not in declared(recorded)


@pytest.mark.parametrize(
    ("parameters", "inbound", "passed"),
    [
        *(("", it, False) for it in (False, True)),
        *((", headers: Headers", it, True) for it in (False, True)),
        (", claims: Claims", True, True),
        (", caller: Caller", True, True),
        (", caller: Caller", False, False),
    ],
)
def test_headers_are_passed_where_they_are_read(
    run: Any, folder: Folder, parameters: str, inbound: bool, passed: bool
) -> None:
    directory = folder(f"@on_call('*')\ndef f(call: Call{parameters}): ...\n")
    more: Any = {"inbound": INBOUND} if inbound else {}
    recorded = run(lambda: gateway(interceptors={"request": {"directory": directory}}, **more))
    [configured] = recorded.one("AgentcoreGateway", "tools-gateway").inputs["interceptorConfigurations"]
    assert configured["inputConfiguration"] == {"passRequestHeaders": passed}
    assert declared(recorded)["inbound"] == ("jwt" if inbound else "iam")


def test_who_reads_deployments_reads_the_same_declaration(run: Any, folder: Folder) -> None:
    asked = (", headers: Headers", ", claims: Claims", ", caller: Caller")
    for number, chosen in enumerate(itertools.product((False, True), repeat=3)):
        parameters = "".join(it for it, on in zip(asked, chosen, strict=True) if on)
        source = f"@on_call('people___*', 'math___add')\ndef f(call: Call{parameters}): ...\n" + MASKED
        directory = folder(source, f"number{number}")
        recorded = run(lambda: gateway(inbound=INBOUND, interceptors=both(directory, seconds=1.5)))  # noqa: B023  # run at once
        function = recorded.one("Function", f"tools-number{number}-function").inputs
        said = language.read(function["handler"], function["environment"]["variables"])
        assert said == language.Declaration(
            calls=("people___*", "math___add"),
            results=("*",),
            headers=chosen[0],
            claims=chosen[1],
            caller=chosen[2],
            inbound="jwt",
            seconds=1.5,
        )
        [configured] = recorded.one("AgentcoreGateway", "tools-gateway").inputs["interceptorConfigurations"]
        assert configured["inputConfiguration"]["passRequestHeaders"] == said.needs_headers
    assert (interceptor_function.VARIABLE, interceptor_function.HANDLER) == (language.VARIABLE, language.HANDLER)


def test_a_client_is_told_by_the_issuers_own_claim(run: Any, folder: Folder) -> None:
    interceptors = {"response": {"directory": folder(VISIBLE)}}
    assert declared(run(lambda: gateway(inbound=INBOUND, interceptors=interceptors)))["client"] == "client_id"
    azp = {**INBOUND, "client_claim": "azp"}
    assert declared(run(lambda: gateway(inbound=azp, interceptors=interceptors)))["client"] == "azp"


def test_key_boundary_and_tags_are_the_gateways(run: Any, folder: Folder) -> None:
    more: Any = {"kms_key_arn": KEY, "permissions_boundary": BOUNDARY, "tags": {"team": "a"}}
    recorded = run(lambda: gateway(interceptors={"request": {"directory": folder(LIMITED)}}, **more))
    assert recorded.one("LogGroup", "tools-limits-logs").inputs["kmsKeyId"] == KEY
    assert recorded.one("Role", "tools-limits-role").inputs["permissionsBoundary"] == BOUNDARY
    for kind, name in (("Role", "role"), ("LogGroup", "logs"), ("Function", "function")):
        assert recorded.one(kind, f"tools-limits-{name}").inputs["tags"] == {"team": "a"}


def test_a_role_that_is_the_gateways_is_not_its_functions(run: Any, folder: Folder) -> None:
    role = "arn:aws:iam::123456789012:role/gateway"
    recorded = run(lambda: gateway(role_arn=role, interceptors={"request": {"directory": folder(LIMITED)}}))
    assert recorded.one("Function", "tools-limits-function").inputs["role"] != role


def test_arguments_go_before_the_folders_settings(run: Any, folder: Folder) -> None:
    settings = (
        "import pulumi_aws as aws\n"
        "def settings(opts):\n"
        "    table = aws.dynamodb.Table('limits', name='limits', opts=opts)\n"
        "    return {'timeout': 20, 'seconds': 15, 'memory_size': 256, 'reserved_concurrency': 2,\n"
        "            'environment': {'TABLE': table.name, 'MOST': '1'}}\n"
    )
    args = {"directory": folder(LIMITED, settings=settings), "memory_size": 1024, "environment": {"MOST": "2"}}
    recorded = run(lambda: gateway(interceptors={"request": args}))
    function = recorded.one("Function", "tools-limits-function").inputs
    assert (function["timeout"], function["memorySize"], function["reservedConcurrentExecutions"]) == (20, 1024, 2)
    variables = function["environment"]["variables"]
    assert {key: variables[key] for key in ("TABLE", "MOST")} == {"TABLE": "limits", "MOST": "2"}
    assert declared(recorded)["seconds"] == 15.0
    assert recorded.one("Table", "limits").parent != "tools"


def test_removal_protection_leaves_alone_what_updates_replace(run: Any, folder: Folder) -> None:
    interceptors = {"request": {"directory": folder(LIMITED)}}
    recorded = run(lambda: gateway(pulumi.ResourceOptions(protect=True), interceptors=interceptors))
    assert not recorded.one("RolePolicy", "tools-limits-logs").protect
    assert recorded.one("Function", "tools-limits-function").protect


def refused(run: Any, **more: Any) -> str:
    messages: list[str] = []

    def program() -> None:
        with pytest.raises(UsageError) as error:
            gateway(**more)
        messages.append(str(error.value))

    assert run(program).resources == []
    return messages[0]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"seconds": 8},
            "timeout is 10, and a call whose interceptor runs into it is known to go through. Write 11 at",
        ),
        ({"timeout": 4}, "timeout is 4, and a call whose interceptor runs into it is known to go through. Write 5 at"),
        ({"seconds": 0}, "seconds: is 0; 0.1 to 897.0 are allowed."),
        ({"timeout": 901, "seconds": 1}, "timeout: is 901; 1 to 900 are allowed."),
        ({"memory_size": 64}, "memory_size: is 64; 128 to 10240"),
        ({"environment": {"INTERCEPTS": "{}"}}, "environment: INTERCEPTS is written by the component. Rename it."),
        ({"secrets": {"INTERCEPTS": SECRET}}, "secrets: INTERCEPTS is written by the component. Rename it."),
        ({"environment": {"LONG": "x" * 4000}}, "Lambda takes 4096 in all"),
        ({"role_arn": "x"}, "request: unknown key 'role_arn'"),
        ({"statements": [{"actions": ["s3:*"], "resources": [TABLE]}]}, "the action 's3:*'"),
    ],
)
def test_what_cannot_hold_is_refused(run: Any, folder: Folder, more: Any, message: str) -> None:
    assert message in refused(run, interceptors={"request": {"directory": folder(LIMITED), **more}})


def test_what_must_be_known_before_cannot_be_an_output(run: Any, folder: Folder) -> None:
    def program() -> None:
        args = {"directory": folder(LIMITED), "timeout": pulumi.Output.from_input(30)}
        with pytest.raises(UsageError, match=r"request\.timeout: must be a plain value, not an Output"):
            gateway(interceptors={"request": args})

    assert run(program).resources == []


def test_the_margin_may_be_just_enough(run: Any, folder: Folder) -> None:
    args = {"directory": folder(LIMITED), "timeout": 13, "seconds": 10}
    run(lambda: gateway(interceptors={"request": args}))


@pytest.mark.parametrize(
    ("source", "points", "message"),
    [
        (
            LIMITED + MASKED,
            ["request"],
            "masked would not be carried out: what `on_result` says needs the gateway's 'resp",
        ),
        (
            LIMITED + MASKED,
            ["response"],
            "limited would not be carried out: what `on_call` says needs the gateway's 'req",
        ),
        (
            VISIBLE,
            ["request"],
            "visible would not be carried out: what `filter_tools` says needs the gateway's 'response'",
        ),
        (
            LIMITED,
            ["request", "response"],
            "limits: has nothing to do at the gateway's 'response', and each call would",
        ),
        (MASKED, ["request", "response"], "limits: has nothing to do at the gateway's 'request', and each call would"),
        ("@filter_prompts\ndef f(p: Prompt): ...\n", ["response"], "f would not be carried out: what `filter_prompts`"),
        (
            "@filter_resources\ndef f(r: Resource): ...\n",
            ["request"],
            "needs the gateway's 'response'. Write the folder",
        ),
        (
            "@on_call('maths___add')\ndef f(c: Call): ...\n",
            ["request"],
            "matches no tool of ToolGateway 'tools'. Did you",
        ),
        ("@on_call('orders___*')\ndef f(c: Call): ...\n", ["request"], "'orders___*' matches no tool of ToolGateway"),
        ("@on_call('math')\ndef f(c: Call): ...\n", ["request"], "'math' matches no tool"),
        ("@on_call('*search')\ndef f(c: Call): ...\n", ["request"], "'*search' matches no tool"),
        (
            "@on_call('*')\ndef f(c: Call, d: Claims): ...\n",
            ["request"],
            "f asks for Claims, and callers of ToolGateway",
        ),
    ],
)
def test_what_would_not_be_carried_out_is_refused(
    run: Any, folder: Folder, source: str, points: list[str], message: str
) -> None:
    args = {"directory": folder(source)}
    assert message in refused(run, interceptors=dict.fromkeys(points, args))


def test_prompts_and_resources_at_both_points_and_the_search_by_name(run: Any, folder: Folder) -> None:
    source = "@filter_prompts\ndef f(p: Prompt): ...\n@on_call('x_amz_bedrock_agentcore_search')\ndef g(c: Call): ...\n"
    recorded = run(lambda: gateway(interceptors=both(folder(source))))
    assert declared(recorded)["prompts"] is True
    assert declared(recorded)["resources"] is False


def test_folders_are_told_apart(run: Any, folder: Folder, tmp_path: Path) -> None:
    one = folder(LIMITED + MASKED)
    assert "names none" in refused(run, interceptors={})
    differing = {"request": {"directory": one}, "response": {"directory": one, "timeout": 20}}
    assert "limits stands at both points, and is one function." in refused(run, interceptors=differing)
    other = folder(MASKED, "../elsewhere/limits")
    named_alike = {"request": {"directory": folder(LIMITED)}, "response": {"directory": other}}
    assert "have one name. Rename one." in refused(run, interceptors=named_alike)
    longest = folder(LIMITED, "l" * 45)
    run(lambda: gateway(interceptors={"request": {"directory": longest}}))
    assert "at most 64 are allowed" in refused(run, interceptors={"request": {"directory": folder(LIMITED, "l" * 46)}})


def test_tools_that_are_known_later_are_checked_then(run: Any, folder: Folder) -> None:
    def program(source: str) -> None:
        later = {"function_arn": FUNCTION + "one", "tools": pulumi.Output.from_input(TARGETS["math"]["tools"])}
        gateway(targets={"math": later}, interceptors={"request": {"directory": folder(source)}})

    run(lambda: program(LIMITED))
    with pytest.raises(UsageError, match=r"'people___\*' matches no tool of ToolGateway 'tools'"):
        run(lambda: program("@on_call('people___*')\ndef f(c: Call): ...\n"))

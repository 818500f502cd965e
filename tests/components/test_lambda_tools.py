import json
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.planning import ROOT
from toolgate.components import lambda_tools
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.lambda_tools import LambdaTools, LambdaToolsArgs
from toolgate.components.runtime.python_function import FunctionLogLevel

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = "arn:aws:iam::123456789012:policy/agents-boundary"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prices-a1B2c3"
PARAMETER = "arn:aws:ssm:us-east-1:123456789012:parameter/prices/key"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
ROLE = "arn:aws:iam::123456789012:role/team/orders"
SUBNET, GROUP = "subnet-0123456789abcdef0", "sg-0123456789abcdef0"

TOOLS = '''
from typing import Annotated, Literal
def ping(word: Annotated[Literal["a", "b"], "A word"]) -> str:
    """Answer."""
    return word
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dispatch.py").write_text("")
    target = tmp_path / "echo"
    (target / "data" / "__pycache__").mkdir(parents=True)
    (target / "tools.py").write_text(TOOLS)
    (target / "data" / "words.txt").write_text("a b")
    (target / "target.py").write_text("def settings(opts):\n    return {}\n")
    for tests in (target / "tests", target / "data" / "tests"):
        tests.mkdir()
        (tests / "test_tools.py").write_text("")
    (target / "data" / "__pycache__" / "x.pyc").write_text("")
    return target


def test_the_zip_holds_the_folder_the_dispatcher_and_the_schema(run: Any, folder: Path) -> None:
    made: list[LambdaTools] = []
    recorded = run(lambda: made.append(LambdaTools("echo", {"directory": str(folder)})))
    assets = recorded.one("Function", "echo-function").inputs["code"]["assets"]
    shipped = ["dispatch.py", "secret_values.py", "tools.json"]
    assert sorted(assets) == sorted(["data/tests/test_tools.py", "data/words.txt", "tools.py", *shipped])
    assert assets["dispatch.py"]["path"] == str(folder.parent / "dispatch.py")
    [tool] = json.loads(assets["tools.json"]["text"])
    assert tool["name"] == "ping"
    # What the gateway lists is made of what the function checks against.
    assert tool["inputSchema"]["properties"]["word"] == {"type": "string", "enum": ["a", "b"], "description": "A word"}
    assert made[0].tools[0]["inputSchema"]["properties"]["word"] == {
        "type": "string",
        "description": "A word. One of: 'a', 'b'.",
    }


def test_what_the_tools_author_should_know_is_a_warning(
    run: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(lambda: LambdaTools("echo", {"directory": str(folder)}))
    assert caplog.messages == []
    (folder / "tools.py").write_text('def ping(word: str) -> str:\n    """Answer."""\n    return word\n')
    run(lambda: LambdaTools("echo", {"directory": str(folder)}))
    text = "has no description, and the model reads nothing else. Write one into the docstring."
    assert caplog.messages == [f"{folder}/tools.py:1: ping parameter 'word': {text}"]


def test_the_programs_own_paths_are_relative(run: Any) -> None:
    recorded = run(lambda: LambdaTools("math", {"directory": "lambdas/math"}))
    assets = recorded.one("Function", "math-function").inputs["code"]["assets"]
    assert {assets[name]["path"] for name in ("tools.py", "dispatch.py")} == {
        "lambdas/math/tools.py",
        "lambdas/dispatch.py",
    }


def test_the_function_and_its_log(run: Any, folder: Path) -> None:
    args: Any = {
        "directory": str(folder),
        "memory_size": 512,
        "timeout": 60,
        "log_retention_days": 7,
        "log_level": FunctionLogLevel.WARN,
        "kms_key_arn": KEY,
        "permissions_boundary": BOUNDARY,
        "tags": {"a": "b"},
    }
    recorded = run(lambda: LambdaTools("echo", args))
    function = recorded.one("Function", "echo-function").inputs
    assert function["name"] == "toolgate-dev-echo"
    assert (function["handler"], function["runtime"]) == ("dispatch.handler", "python3.13")
    assert (function["architectures"], function["memorySize"], function["timeout"]) == (["arm64"], 512, 60)
    logs = recorded.one("LogGroup", "echo-logs").inputs
    assert (logs["name"], logs["retentionInDays"]) == ("/aws/lambda/toolgate-dev-echo", 7)
    assert logs["kmsKeyId"] == KEY
    assert function["loggingConfig"] == {"applicationLogLevel": "WARN", "logFormat": "JSON"}
    assert recorded.one("Role", "echo-role").inputs["permissionsBoundary"] == BOUNDARY
    [statement] = recorded.one("RolePolicy", "echo-logs").document()["Statement"]
    assert statement["Resource"].endswith(":log-group:/aws/lambda/toolgate-dev-echo:log-stream:*")
    for kind, name in (("Role", "echo-role"), ("LogGroup", "echo-logs"), ("Function", "echo-function")):
        assert recorded.one(kind, name).inputs["tags"] == {"a": "b"}


def test_what_the_tools_may_do_and_nothing_else(run: Any, folder: Path, allows: Any) -> None:
    def program() -> None:
        mine: RoleStatement = {
            "actions": ["dynamodb:GetItem", "dynamodb:Query"],
            "resources": [TABLE, pulumi.Output.concat(TABLE, "/index/*")],
            "conditions": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["public"]}},
        }
        args: LambdaToolsArgs = {
            "directory": str(folder),
            "environment": {"TABLE": "orders"},
            "statements": [mine],
            "secrets": {"PRICES_KEY": SECRET, "OTHER_KEY": pulumi.Output.from_input(PARAMETER)},
            "network": {"subnets": [SUBNET], "security_groups": [GROUP]},
            "reserved_concurrency": 3,
        }
        LambdaTools("echo", args)

    recorded = run(program)
    function = recorded.one("Function", "echo-function").inputs
    assert function["environment"]["variables"] == {"TABLE": "orders", "PRICES_KEY": SECRET, "OTHER_KEY": PARAMETER}
    assert function["vpcConfig"] == {"subnetIds": [SUBNET], "securityGroupIds": [GROUP]}
    assert function["reservedConcurrentExecutions"] == 3
    parts = ("logs", "tools", "secrets", "network")
    documents = [recorded.one("RolePolicy", f"echo-{part}").document() for part in parts]
    whole = {"Version": "2012-10-17", "Statement": [it for document in documents for it in document["Statement"]]}
    allowed = partial(allows, whole)
    assert allowed("dynamodb:Query", f"{TABLE}/index/by-day", dynamodb__LeadingKeys="public")
    assert not allowed("dynamodb:Query", TABLE, dynamodb__LeadingKeys="private")
    assert not allowed("dynamodb:PutItem", TABLE, dynamodb__LeadingKeys="public")
    assert not allowed("dynamodb:GetItem", f"{TABLE}2", dynamodb__LeadingKeys="public")
    assert allowed("secretsmanager:GetSecretValue", SECRET)
    assert not allowed("secretsmanager:GetSecretValue", SECRET[:-1] + "4")
    assert not allowed("secretsmanager:PutSecretValue", SECRET)
    assert allowed("ssm:GetParameter", PARAMETER)
    assert not allowed("ssm:GetParameter", SECRET)
    # Lambda attaches the function as its role; the function's own requests carry its ARN.
    assert allowed("ec2:CreateNetworkInterface", "*")
    own = "arn:aws:lambda:us-east-1:123456789012:function:toolgate-dev-echo"
    assert not allowed("ec2:CreateNetworkInterface", "*", lambda__SourceFunctionArn=own)
    assert allowed("ec2:CreateNetworkInterface", "*", lambda__SourceFunctionArn=f"{own}-2")


def test_a_role_that_is_given_gets_nothing(run: Any, folder: Path) -> None:
    made: list[LambdaTools] = []
    args: LambdaToolsArgs = {"directory": str(folder), "role_arn": ROLE, "secrets": {"PRICES_KEY": SECRET}}
    recorded = run(lambda: made.append(LambdaTools("echo", args)))
    assert [it.type for it in recorded.resources if ":iam/" in it.type] == []
    assert recorded.one("Function", "echo-function").inputs["role"] == ROLE


def test_its_role_and_name_are_told(run: Any, folder: Path) -> None:
    told: list[Any] = []

    def program() -> None:
        for name, more in (("own", {}), ("given", {"role_arn": ROLE})):
            args: Any = {"directory": str(folder), **more}
            made = LambdaTools(name, args)
            pulumi.Output.all(made.function_name, made.role_arn, made.role_name).apply(told.append)

    run(program)
    own, given = sorted(told, key=lambda it: it[0], reverse=True)
    assert own[0] == "toolgate-dev-own"
    assert own[1].endswith(f":role/{own[2]}")
    assert given == ["toolgate-dev-given", ROLE, "orders"]


def test_removal_protection_leaves_alone_what_updates_replace(run: Any, folder: Path) -> None:
    recorded = run(lambda: LambdaTools("echo", {"directory": str(folder)}, pulumi.ResourceOptions(protect=True)))
    free = [(it.type.split(":")[-1], it.name) for it in recorded.resources if not it.protect]
    assert free == [("RolePolicy", "echo-logs")]


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("echo", {}, "LambdaTools 'echo': missing 'directory'"),
        (
            "echo",
            {"directory": "lambdas/math", "log_level": "WARNING"},
            "'WARNING' is not one of 'DEBUG', 'INFO', 'WARN'",
        ),
        ("echo", {"directory": "lambdas/math", "kms_key_arn": "x"}, "'x' is no ARN of a KMS key"),
        ("echo", {"directory": "lambdas/math", "permissions_boundary": "x"}, "'x' is no ARN of a managed policy"),
        ("echo", {"directory": "lambdas/math", "tags": {"a&b": "x"}}, "the key 'a&b' is refused"),
        ("echo", {"directory": "lambdas/math", "memory": 1}, "unknown key 'memory'. Did you mean 'memory_size'"),
        ("echo", {"directory": "nowhere"}, "nowhere/tools.py: cannot be read"),
        (
            "echo",
            {"directory": "lambdas/math", "log_retention_days": 2},
            r"'echo'\.log_retention_days: 2 is not one of",
        ),
        *(
            ("echo", {"directory": "lambdas/math", **wrong}, message)
            for wrong, message in (
                ({"memory_size": 64}, r"memory_size: is 64; 128 to 10240"),
                ({"timeout": 901}, r"timeout: is 901; 1 to 900"),
                ({"reserved_concurrency": -1}, r"reserved_concurrency: is -1"),
                ({"environment": {"A": "x"}}, r"environment: 'A' is no name of a variable"),
                ({"environment": {"9A": "x"}}, r"environment: '9A' is no name of a variable"),
                ({"environment": {"AWS_REGION": "x"}}, r"environment: AWS_REGION is Lambda's own"),
                ({"environment": {"LONG": "x" * 4093}}, r"environment: 4097 bytes; Lambda takes 4096"),
                ({"environment": {"KEY": "x"}, "secrets": {"KEY": SECRET}}, r"environment: KEY is a secret's variable"),
                ({"secrets": {"KEY": "swordfish"}}, r"secrets\.KEY: 'swordfish' is no ARN of a Secrets Manager secret"),
                ({"secrets": {"KEY": SECRET[:-7]}}, r"secrets\.KEY: .* is no ARN of a Secrets Manager secret"),
                ({"network": {"subnets": ["subnet-1"], "security_groups": []}}, "'subnet-1' is no subnet id"),
                ({"network": {"subnets": [SUBNET], "security_groups": [GROUP] * 6}}, "is 6; 1 to 5 are allowed"),
                ({"role_arn": "orders"}, "'orders' is no ARN of a role"),
                ({"role_arn": ROLE, "statements": []}, "an existing role has its own permissions"),
                ({"statements": [{"actions": ["s3:*"], "resources": [TABLE]}]}, r"statements\[0\]: the action 's3:\*'"),
            )
        ),
        ("my_target", {"directory": "lambdas/math"}, "target name 'my_target' is refused"),
        ("t" * 60, {"directory": "lambdas/math"}, "full tool name .* at most 64"),
        ("t" * 52, {"directory": "lambdas/math"}, "full tool name|function name"),
    ],
)
def test_nothing_is_made_of_what_is_wrong(run: Any, name: str, args: Any, message: str) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=message):
            LambdaTools(name, args)

    assert run(program).resources == []


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: (folder / "dispatch.py").write_text(""), "name is taken by what is shipped"),
        (lambda folder: (folder / "secret_values.py").write_text(""), "name is taken by what is shipped"),
        (lambda folder: (folder / "tools.json").write_text(""), "name is taken by what is shipped"),
        (lambda folder: (folder / "gr\udcfc\udcdfe.txt").write_text(""), r"gr\\udcfc.*: the file's name is not UTF-8"),
        (lambda folder: (folder / "tools.py").write_text(""), "has no tool"),
    ],
)
def test_a_folder_that_is_no_target_is_refused(run: Any, folder: Path, break_it: Any, message: str) -> None:
    break_it(folder)

    def program() -> None:
        with pytest.raises(UsageError, match=message):
            LambdaTools("echo", {"directory": str(folder)})

    assert run(program).resources == []


def test_without_a_dispatcher_beside_the_folder_the_shipped_one_goes_in(run: Any, folder: Path) -> None:
    (folder.parent / "dispatch.py").unlink()
    made = run(lambda: LambdaTools("echo", {"directory": str(folder)}))
    code = made.one("Function", "echo-function").inputs["code"]
    assert Path(code["assets"]["dispatch.py"]["path"]).resolve() == ROOT / "lambdas" / "dispatch.py"


def test_where_there_is_none_at_all_that_is_said(run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "dispatch.py").unlink()
    monkeypatch.setattr(lambda_tools, "SHIPPED_FROM", folder)

    def program() -> None:
        with pytest.raises(UsageError, match=r"dispatch\.py: is missing"):
            LambdaTools("echo", {"directory": str(folder)})

    assert run(program).resources == []

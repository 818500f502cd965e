import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deployer.deciding import ACCOUNT, AGENTCORE, REGION, allowed
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.cli import options
from toolgate.cli.main import main
from toolgate.deployer import deployer_policy
from toolgate.local.plan import Plan

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("which", ["dev", "tool", "prod", "jwt"])
def test_each_role_may_be_passed_to_the_service_that_takes_it_and_to_no_other(
    which: str, request: pytest.FixtureRequest
) -> None:
    deployment = request.getfixturevalue(which)
    document = deployer_policy.permissions(deployment)
    takers = {"aws:lambda/function:Function": ("role", "lambda")} | {
        f"aws:bedrock/agentcore{kind}:Agentcore{kind}": ("roleArn", "bedrock-agentcore")
        for kind in ("Gateway", "AgentRuntime")
    }
    passed = 0
    for resource in deployment["deployment"]["resources"]:
        if resource["type"] in takers:
            key, service = takers[resource["type"]]
            for other in ("lambda", "bedrock-agentcore", "ec2", "glue"):
                fact = f"{other}.amazonaws.com"
                arn = resource["outputs"][key]
                assert allowed(document, "iam:PassRole", arn, iam_PassedToService=fact) is (other == service)
            passed += 1
    assert passed == {"dev": 3, "tool": 4, "prod": 3, "jwt": 5}[which]


def test_what_is_made_anew_under_another_suffix_is_still_the_stacks(document: dict[str, Any]) -> None:
    assert allowed(document, "iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/toolgate-dev-math-role-0123abc")
    assert allowed(document, "s3:PutObject", "arn:aws:s3:::toolgate-dev-assistant-code-0123abc/assistant/00.zip")
    gateway = f"{AGENTCORE}:gateway/toolgate-dev-tools-0123456789"
    assert allowed(document, "bedrock-agentcore:GetGateway", gateway)


def test_what_takes_no_resource_is_allowed_in_the_stacks_region_only(document: dict[str, Any]) -> None:
    assert allowed(document, "bedrock-agentcore:CreateGateway", "*")
    assert not allowed(document, "bedrock-agentcore:CreateGateway", "*", aws_RequestedRegion="eu-west-1")


def test_only_agentcores_own_service_linked_role_may_be_made(document: dict[str, Any]) -> None:
    service = "runtime-identity.bedrock-agentcore.amazonaws.com"
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/AWSServiceRoleForBedrockAgentCoreRuntimeIdentity"
    action = "iam:CreateServiceLinkedRole"
    assert allowed(document, action, role, iam_AWSServiceName=service)
    assert not allowed(document, action, role, iam_AWSServiceName="ops.apigateway.amazonaws.com")


def test_the_read_only_document_reads_everything_and_changes_nothing(
    dev: dict[str, Any], document: dict[str, Any]
) -> None:
    reading = deployer_policy.permissions(dev, read_only=True)
    for statement in document["Statement"]:
        facts = {"iam_AWSServiceName": "x", "iam_PassedToService": "lambda.amazonaws.com"}
        for action in statement["Action"]:
            reads = re.search(":(Get|List|Describe)", action) is not None
            for resource in statement["Resource"]:
                assert allowed(reading, action, resource, **facts) is reads, action


def test_a_wildcard_stands_only_where_the_statement_says_why(document: dict[str, Any]) -> None:
    for statement in document["Statement"]:
        assert not any("*" in action for action in statement["Action"])
        if "*" in statement["Resource"]:
            assert statement["Sid"] == "ActionsWithoutResource"
            assert statement["Condition"] == {"StringEquals": {"aws:RequestedRegion": REGION}}
    sids = [statement["Sid"] for statement in document["Statement"]]
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)
    assert len(set(sids)) == len(sids)


def test_the_printed_example_is_that_of_the_stack_dev(dev: dict[str, Any]) -> None:
    written = json.loads((ROOT / "docs/deployer-policy.json").read_text())
    assert written == deployer_policy.permissions(dev)


def test_what_a_provider_answers_where_nothing_was_given_changes_nothing(dev: dict[str, Any]) -> None:
    deployment = json.loads(json.dumps(dev))
    nothing = {
        "kmsKeyArn": "",
        "kmsKeyId": "",
        "reservedConcurrentExecutions": -1,
        "permissionsBoundary": "",
        "tags": {},
    }
    for resource in deployment["deployment"]["resources"]:
        resource["outputs"] = {**nothing, **resource.get("outputs", {})}
    assert deployer_policy.permissions(deployment) == deployer_policy.permissions(dev)


def test_another_account_is_put_everywhere(dev: dict[str, Any]) -> None:
    text = json.dumps(deployer_policy.permissions(dev, "111122223333"))
    assert ":111122223333:" in text
    assert ACCOUNT not in text


def test_a_type_that_nobody_has_written_down_is_an_error(dev: dict[str, Any]) -> None:
    vpc = {"urn": "urn:pulumi:dev::toolgate::aws:ec2/vpc:Vpc::own", "type": "aws:ec2/vpc:Vpc"}
    deployment = {"version": 3, "deployment": {"resources": [*dev["deployment"]["resources"], vpc]}}
    with pytest.raises(deployer_policy.DeployerError, match=r"^Vpc 'own': .* deployer/actions\.py"):
        deployer_policy.permissions(deployment)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("aws-native:iam:Role", {"roleName": "r"}),
        ("aws:cloudcontrol/resource:Resource", {"typeName": "AWS::IAM::Role", "desiredState": "{}"}),
    ],
)
def test_another_way_to_make_a_role_takes_other_calls(dev: dict[str, Any], kind: str, given: dict[str, str]) -> None:
    """Cloud Control's, which nobody has written down."""
    role = {"urn": f"urn:pulumi:dev::toolgate::{kind}::own", "type": kind, "inputs": given}
    deployment = {"version": 3, "deployment": {"resources": [*dev["deployment"]["resources"], role]}}
    with pytest.raises(
        deployer_policy.DeployerError, match=rf"^Role 'own': what deploying a {kind} calls is not known"
    ):
        deployer_policy.permissions(deployment)


def test_a_part_of_something_that_is_not_there_is_an_error(dev: dict[str, Any]) -> None:
    resources = [it for it in dev["deployment"]["resources"] if not it["urn"].endswith("::tools-gateway")]
    with pytest.raises(
        deployer_policy.DeployerError, match=r"^AgentcoreGatewayTarget 'tools-math': what it is a part of"
    ):
        deployer_policy.permissions({"version": 3, "deployment": {"resources": resources}})


def test_a_resource_without_its_arn_is_an_error(dev: dict[str, Any]) -> None:
    text = json.dumps(dev).replace('"gatewayArn"', '"other"')
    with pytest.raises(DeploymentError, match="AgentcoreGateway 'tools-gateway': 'arn' is missing"):
        deployer_policy.permissions(json.loads(text))


def test_the_command_prints_the_document_of_a_deployment_file(
    tmp_path: Path, dev: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deployment.json"
    file.write_text(json.dumps(dev))
    assert main(["deployer", "--deployment", str(file), "--account", "111122223333"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == deployer_policy.permissions(dev, "111122223333")
    assert printed.err == ""


def test_a_document_too_large_for_one_policy_says_what_to_do(
    tmp_path: Path, tool: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    file, folder = tmp_path / "deployment.json", tmp_path / "policies"
    file.write_text(json.dumps(tool))
    assert main(["deployer", "--deployment", str(file)]) == 0
    assert "--folder" in capsys.readouterr().err
    assert main(["deployer", "--deployment", str(file), "--folder", str(folder)]) == 0
    written = [folder / "deployer-1.json", folder / "deployer-2.json"]
    assert capsys.readouterr().out.split() == [str(path) for path in written]
    sids = [one["Sid"] for path in written for one in json.loads(path.read_text())["Statement"]]
    assert sorted(sids) == sorted(one["Sid"] for one in deployer_policy.permissions(tool)["Statement"])


def test_a_stack_too_large_for_a_role_is_an_error(
    tmp_path: Path, dev: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    resources = dev["deployment"]["resources"]
    role = next(it for it in resources if it["type"] == "aws:iam/role:Role")
    others = [
        json.loads(json.dumps(role).replace(role["urn"].rpartition("::")[2], f"role{number:030}"))
        for number in range(600)
    ]
    file = tmp_path / "deployment.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": [*resources, *others]}}))
    assert main(["deployer", "--deployment", str(file), "--folder", str(tmp_path / "policies")]) == 2
    assert "IAM takes 10 in a role. Split the stack." in capsys.readouterr().err
    assert not (tmp_path / "policies").exists()


@pytest.mark.parametrize(
    ("replaced", "said"),
    [("toolgate:stack", "knows it by its tag toolgate:stack"), ("other:stack", "names every key of the account")],
)
def test_how_a_planned_key_is_known_is_said(
    prod: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], replaced: str, said: str
) -> None:
    deployment = json.loads(json.dumps(prod).replace("toolgate:stack", replaced))
    monkeypatch.setattr(options, "planned", lambda *_: Plan(deployment, ()))
    assert main(["deployer"]) == 0
    assert said in capsys.readouterr().err


def test_of_a_key_that_is_there_nothing_is_said(
    tmp_path: Path, prod: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deployment.json"
    file.write_text(json.dumps(prod))
    assert main(["deployer", "--deployment", str(file)]) == 0
    assert "KMS key" not in capsys.readouterr().err


def test_reading_what_is_encrypted_takes_its_key(prod: dict[str, Any]) -> None:
    reading = deployer_policy.permissions(prod, read_only=True)
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    own = {"aws_ResourceTag/toolgate:stack": "toolgate/prod"}
    through = {"kms_ViaService": f"bedrock-agentcore.{REGION}.amazonaws.com"}
    assert allowed(reading, "kms:Decrypt", key, **own, **through)
    assert not allowed(reading, "kms:Decrypt", key, **own)
    assert not allowed(reading, "kms:Decrypt", key, **through)
    assert not allowed(reading, "kms:GenerateDataKey", key, **own, kms_ViaService=f"s3.{REGION}.amazonaws.com")


def test_what_cannot_be_read_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deployer", "--deployment", str(tmp_path / "none.json")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("account", ["12345678901", "1234567890123", "12345678901x", "*"])
def test_an_account_has_twelve_digits(account: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deployer", "--account", account]) == 2
    assert "give 12 digits" in capsys.readouterr().err

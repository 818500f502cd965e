import hashlib
import re
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from toolgate.access.iam.evaluation import IamRequest, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy
from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime.agentcore_runtime import PlatformVersion
from toolgate.components.runtime.artifact import _given
from toolgate.components.tool_gateway import ToolGateway

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = "arn:aws:iam::123456789012:policy/agents-boundary"
GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/gr1"
GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/"


def grant(name: str, *tools: str) -> Any:
    return {"gateway_arn": f"{GATEWAY}{name}-a1b2c3d4e5", "gateway_url": f"https://{name}/mcp", "tools": list(tools)}


@pytest.fixture
def args(tmp_path: Path) -> Any:
    (tmp_path / "agent.zip").write_bytes(b"a zip")
    return {"code": str(tmp_path / "agent.zip"), "model_id": "amazon.nova-lite-v1:0"}


def runtime_of(recorded: Any) -> Any:
    return recorded.one("AgentcoreAgentRuntime", "helper-runtime").inputs


def test_the_runtime(run: Any, args: Any) -> None:
    recorded = run(lambda: AgentRuntime("helper", args))
    digest = hashlib.sha256(b"a zip").hexdigest()
    assert runtime_of(recorded) == {
        "agentRuntimeName": "toolgate_dev_helper",
        "roleArn": "arn:aws:iam::123456789012:role/helper-role-1234567",
        "agentRuntimeArtifact": {
            "codeConfiguration": {
                "code": {
                    "s3": {"bucket": "helper-code-1234567", "prefix": f"helper/{digest}.zip", "versionId": "version-1"}
                },
                "entryPoints": ["main.py"],
                "runtime": "PYTHON_3_13",
            }
        },
        "environmentVariables": {
            "AWS_REGION": "us-east-1",
            "BEDROCK_MODEL_ID": "amazon.nova-lite-v1:0",
            "GATEWAY_URL": "",
        },
        # Always given, so that taking the setting back is a change: the provider keeps the last numbers where none are.
        "lifecycleConfigurations": [{"idleRuntimeSessionTimeout": 900, "maxLifetime": 28_800}],
        "networkConfiguration": {"networkMode": "PUBLIC"},
        "platformVersion": "V1",
    }


def test_a_model_of_another_region_than_the_providers_is_refused(run: Any, args: Any) -> None:
    """Whatever Region the stack's configuration names: the component may have a provider of its own."""
    model: Any = {**args, "model_id": "eu.amazon.nova-lite-v1:0"}
    with pytest.raises(UsageError, match=r"AgentRuntime 'helper'\.model_id: 'eu.amazon.* called from us-east-1, which"):
        run(lambda: AgentRuntime("helper", model), {"aws:region": "eu-central-1"})


def test_a_new_zip_is_a_new_key(run: Any, args: Any) -> None:
    before = run(lambda: AgentRuntime("helper", args)).one("BucketObjectv2", "helper-code").inputs["key"]
    Path(args["code"]).write_bytes(b"another zip")
    after = run(lambda: AgentRuntime("helper", args)).one("BucketObjectv2", "helper-code").inputs["key"]
    assert before != after


def test_its_bucket_is_private(run: Any, args: Any) -> None:
    recorded = run(lambda: AgentRuntime("helper", args))
    block = recorded.one("BucketPublicAccessBlock", "helper-code").inputs
    assert {key: value for key, value in block.items() if key != "bucket"} == {
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    owned = recorded.one("BucketOwnershipControls", "helper-code").inputs
    assert owned["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    waits = recorded.one("BucketObjectv2", "helper-code").dependency_types
    assert {"BucketPublicAccessBlock", "BucketOwnershipControls", "BucketVersioning", "BucketPolicy"} <= waits
    assert run(lambda: AgentRuntime("My_Agent", args)).one("Bucket", "my-agent-code")


def test_its_bucket_takes_no_plain_http_from_anybody(run: Any, args: Any) -> None:
    on_bucket = run(lambda: AgentRuntime("helper", args)).one("BucketPolicy", "helper-code").document()
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    arn = "arn:aws:iam::123456789012:role/admin"
    admin = Identity(arn=arn, name="admin", policies=(Policy("all", anything),))
    for resource in ("arn:aws:s3:::helper-code-1234567", "arn:aws:s3:::helper-code-1234567/helper/x.zip"):
        for secure in ("true", "false"):
            facts = {"aws:SecureTransport": secure}
            request = IamRequest(admin, "s3:GetObject", resource, facts, Policy("on", on_bucket))
            assert decide(request).allowed is (secure == "true")


def test_what_is_put_over_its_zip_is_another_version(run: Any, args: Any) -> None:
    recorded = run(lambda: AgentRuntime("helper", args))
    versioning = recorded.one("BucketVersioning", "helper-code").inputs
    assert versioning == {"bucket": "helper-code-1234567", "versioningConfiguration": {"status": "Enabled"}}


def test_a_zip_from_before_its_bucket_had_versions_is_named_without_one() -> None:
    """The provider has an empty text then, and AWS takes 3 characters at least."""
    assert _given("") is None
    assert _given(None) is None
    assert _given("version-1") == "version-1"


@pytest.mark.parametrize("protect", [True, False])
def test_only_without_protection_its_bucket_is_emptied_when_it_goes(run: Any, args: Any, protect: bool) -> None:
    class Parent(pulumi.ComponentResource):
        """Protected, as its children are then."""

        def __init__(self) -> None:
            super().__init__("own:index:Parent", "parent", None, pulumi.ResourceOptions(protect=protect))

    for options in (
        lambda: pulumi.ResourceOptions(protect=protect),
        lambda: pulumi.ResourceOptions(parent=Parent()),
    ):
        recorded = run(lambda of=options: AgentRuntime("helper", args, of()))
        assert recorded.one("Bucket", "helper-code").inputs["forceDestroy"] is not protect


def test_handing_over_tools_is_the_grant(run: Any, args: Any, allows: Any) -> None:
    args["tools"] = [grant("one", "a___x"), grant("two", "b___y")]
    named: list[str] = []
    recorded = run(lambda: AgentRuntime("helper", args).tool_names.apply(named.extend))
    document = recorded.one("RolePolicy", "helper-tools").document()
    for name, allowed in (("one", True), ("two", True), ("three", False)):
        assert allows(document, "bedrock-agentcore:InvokeGateway", f"{GATEWAY}{name}-a1b2c3d4e5") is allowed
    assert runtime_of(recorded)["environmentVariables"]["GATEWAY_URL"] == "https://one/mcp https://two/mcp"
    assert named == ["a___x", "b___y"]


def test_two_grants_of_one_gateway_are_one_gateway(run: Any, args: Any) -> None:
    args["tools"] = [grant("one", "a___x"), grant("one", "a___y"), grant("two", "b___z")]
    recorded = run(lambda: AgentRuntime("helper", args))
    [statement] = recorded.one("RolePolicy", "helper-tools").document()["Statement"]
    assert statement["Resource"] == [f"{GATEWAY}one-a1b2c3d4e5", f"{GATEWAY}two-a1b2c3d4e5"]
    assert runtime_of(recorded)["environmentVariables"]["GATEWAY_URL"] == "https://one/mcp https://two/mcp"


def test_without_tools_there_is_no_grant(run: Any, args: Any, allows: Any) -> None:
    recorded = run(lambda: AgentRuntime("helper", args))
    policies = [it.document() for it in recorded.resources if it.type.endswith("RolePolicy")]
    assert len(policies) == 1
    assert not allows(policies[0], "bedrock-agentcore:InvokeGateway", f"{GATEWAY}one-a1b2c3d4e5")


def test_its_role_reads_its_own_code_only(run: Any, args: Any, allows: Any) -> None:
    recorded = run(lambda: AgentRuntime("helper", args))
    document = recorded.one("RolePolicy", "helper-policy").document()
    key = recorded.one("BucketObjectv2", "helper-code").inputs["key"]
    assert allows(document, "s3:GetObject", f"arn:aws:s3:::helper-code-1234567/{key}")
    assert allows(document, "s3:GetObjectVersion", f"arn:aws:s3:::helper-code-1234567/{key}")
    for action in ("s3:GetObject", "s3:GetObjectVersion"):
        assert not allows(document, action, "arn:aws:s3:::helper-code-1234567/helper/other.zip")


def test_settings_reach_the_runtime(run: Any, args: Any) -> None:
    def program() -> None:
        more: Any = {
            "system_prompt": "Be brief.",
            "environment": {"LOG_LEVEL": "DEBUG", "LATER": pulumi.Output.from_input("x" * 6000)},
            "entry_points": ["opentelemetry-instrument", "main.py"],
            "platform_version": PlatformVersion.V2,
            "lifecycle": {"idle_timeout": 300, "max_lifetime": 3600},
            "description": "Helps",
            "tags": {"team": "a"},
        }
        AgentRuntime("helper", args | more)

    recorded = run(program)
    runtime = runtime_of(recorded)
    assert runtime["environmentVariables"]["SYSTEM_PROMPT"] == "Be brief."
    assert runtime["environmentVariables"]["LOG_LEVEL"] == "DEBUG"
    assert runtime["agentRuntimeArtifact"]["codeConfiguration"]["entryPoints"][0] == "opentelemetry-instrument"
    assert runtime["platformVersion"] == "V2"
    assert runtime["lifecycleConfigurations"] == [{"idleRuntimeSessionTimeout": 300, "maxLifetime": 3600}]
    assert runtime["description"] == "Helps"
    for kind, name in (("Bucket", "helper-code"), ("Role", "helper-role"), ("AgentcoreAgentRuntime", "helper-runtime")):
        assert recorded.one(kind, name).inputs["tags"] == {"team": "a"}


def test_a_lifecycle_that_is_known_late_is_checked_then(run: Any, args: Any) -> None:
    lives = {"idle_timeout": pulumi.Output.from_input(901), "max_lifetime": 900}
    with pytest.raises(UsageError, match="lifecycle: idle_timeout is 901, more than max_lifetime, which is 900"):
        run(lambda: AgentRuntime("helper", args | {"lifecycle": lives}))


def test_its_code_is_encrypted_with_a_given_key_and_decrypted_where_s3_reads_it(
    run: Any, args: Any, allows: Any
) -> None:
    recorded = run(lambda: AgentRuntime("helper", args | {"kms_key_arn": KEY}))
    encryption = recorded.one("BucketServerSideEncryptionConfiguration", "helper-code")
    assert encryption.inputs["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {"kmsMasterKeyId": KEY, "sseAlgorithm": "aws:kms"},
            "bucketKeyEnabled": True,
            "blockedEncryptionTypes": ["SSE-C"],
        }
    ]
    assert "BucketServerSideEncryptionConfiguration" in recorded.one("BucketObjectv2", "helper-code").dependency_types
    document = recorded.one("RolePolicy", "helper-decrypt").document()
    through = {
        "kms__ViaService": "s3.us-east-1.amazonaws.com",
        "kms__EncryptionContext__aws__s3__arn": "arn:aws:s3:::helper-code-1234567",
    }
    assert allows(document, "kms:Decrypt", KEY, **through)
    assert not allows(document, "kms:Decrypt", KEY)
    assert not allows(document, "kms:Decrypt", KEY, **through | {"kms__ViaService": "ssm.us-east-1.amazonaws.com"})
    other = {"kms__EncryptionContext__aws__s3__arn": "arn:aws:s3:::another"}
    assert not allows(document, "kms:Decrypt", KEY, **through | other)
    assert not allows(document, "kms:Decrypt", KEY.replace("1234abcd", "abcd1234"), **through)
    assert not allows(document, "kms:GenerateDataKey", KEY, **through)
    assert "helper-decrypt" in recorded.one("AgentcoreAgentRuntime", "helper-runtime").dependencies


def test_it_is_put_into_a_vpc_and_within_a_boundary(run: Any, args: Any) -> None:
    inside = {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]}
    more = {"network": inside, "permissions_boundary": BOUNDARY}
    recorded = run(lambda: AgentRuntime("helper", args | more))
    assert runtime_of(recorded)["networkConfiguration"] == {
        "networkMode": "VPC",
        "networkModeConfig": {"subnets": inside["subnets"], "securityGroups": inside["security_groups"]},
    }
    assert recorded.one("Role", "helper-role").inputs["permissionsBoundary"] == BOUNDARY


def test_removal_protection_leaves_alone_what_updates_replace(run: Any, args: Any) -> None:
    args |= {"tools": [grant("one", "a___x") | {"policy_engine_id": "e", "actions": ["a"]}], "kms_key_arn": KEY}
    recorded = run(lambda: AgentRuntime("helper", args, pulumi.ResourceOptions(protect=True)))
    free = {(it.type.split(":")[-1], it.name) for it in recorded.resources if not it.protect}
    assert free == {
        ("BucketObjectv2", "helper-code"),
        ("AgentcorePolicy", "helper-tools"),
        *(("RolePolicy", f"helper-{name}") for name in ("policy", "tools", "decrypt")),
    }
    assert not any(it.protect for it in run(lambda: AgentRuntime("helper", args)).resources)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"code": "nowhere.zip"}, r"code: nowhere.zip cannot be read .* `make bundle` builds it"),
        ({"model_id": "claude"}, "model_id: 'claude' is no model id"),
        ({"gateways": []}, "unknown key 'gateways'"),
        ({"tools": ["math"]}, r"tools\[0\]: must be a map, not 'math'"),
        ({"tools": [grant("one", "a___x"), grant("two", "a___x")]}, "a___x handed over twice"),
        ({"environment": {"GATEWAY_URL": "x"}}, "GATEWAY_URL is written by the component"),
        ({"environment": {"": "x"}}, "name '': has 0 characters; 1 to 100"),
        ({"environment": {"A": "x" * 5001}}, r"environment\.A: has 5001 characters"),
        ({"environment": {f"V{number}": "x" for number in range(47)}}, "number of variables: is 47; 0 to 46"),
        ({"environment": {"A": 1}}, r"environment\.A: must be a string"),
        ({"lifecycle": {"idle_timeout": 300}}, "lifecycle: missing 'max_lifetime'"),
        ({"lifecycle": {"idle_timeout": 59, "max_lifetime": 60}}, r"lifecycle\.idle_timeout: is 59; 60 to 1209600"),
        ({"lifecycle": {"idle_timeout": 901, "max_lifetime": 900}}, "lifecycle: idle_timeout is 901, more than max"),
        ({"platform_version": "V3"}, "'V3' is not one of 'V1', 'V2'"),
        ({"network": {"subnets": []}}, "network: missing 'security_groups'"),
        ({"network": {"subnets": [], "security_groups": []}}, "network.subnets: number of ids: is 0"),
        ({"kms_key_arn": "alias/data"}, "kms_key_arn: 'alias/data' is no ARN of a KMS key"),
        ({"permissions_boundary": "limit"}, "permissions_boundary: 'limit' is no ARN of a managed policy"),
        ({"role_arn": "helper"}, "role_arn: 'helper' is no ARN of a role"),
        (
            {"role_arn": "arn:aws:iam::123456789012:role/r", "permissions_boundary": BOUNDARY},
            "an existing role has its own boundary, or none. Remove 'permissions_boundary', or 'role_arn'",
        ),
        ({"tags": {f"key{number}": "" for number in range(50)}}, "tags: number of tags: is 50; 0 to 49"),
        ({"tags": {"aws:x": ""}}, "tags: 'aws:x' begins with 'aws:'"),
        (
            {"statements": [{"actions": ["bedrock:InvokeModel"], "resources": ["arn:aws:bedrock:::x"]}]},
            r"statements\[0\]\.actions: 'bedrock:InvokeModel' is not for statements",
        ),
        ({"guardrail": {"version": "1"}}, "guardrail: write either 'arn' or 'id', beside 'version'"),
        ({"guardrail": {"id": "gr1", "arn": GUARDRAIL, "version": "1"}}, "guardrail: write either 'arn' or 'id'"),
        ({"guardrail": {"arn": GUARDRAIL}}, "guardrail: missing 'version'"),
        ({"guardrail": {"arn": "gr1", "version": "1"}}, r"guardrail\.arn: 'gr1' is no ARN of a guardrail"),
        ({"guardrail": {"id": "*", "version": "1"}}, r"guardrail\.id: '\*' is no id of a guardrail"),
        ({"guardrail": {"id": "gr1", "version": "latest"}}, r"guardrail\.version: 'latest' is no version"),
        ({"guardrail": {"id": "gr1", "version": 1}}, r"guardrail\.version: must be a string"),
        ({"fallback_model_ids": ["claude"]}, r"fallback_model_ids\[0\]: 'claude' is no model id"),
        ({"fallback_model_ids": ["amazon.nova-lite-v1:0"]}, r"fallback_model_ids\[0\]: .* is asked before"),
        ({"fallback_model_ids": ["a.b", "a.c", "a.b"]}, r"fallback_model_ids\[2\]: 'a.b' is asked before"),
        ({"fallback_model_ids": ["a.1", "a.2", "a.3", "a.4", "a.5"]}, "number of models: is 5; 0 to 4"),
        (
            {"prompt_caching": True},
            "prompt_caching: 'amazon.nova-lite-v1:0' takes no cache points, or caches by itself",
        ),
        ({"environment": {"GUARDRAIL": "{}"}}, "GUARDRAIL is written by the component"),
        (
            {"prompt_caching": False, "environment": {f"V{number}": "x" for number in range(46)}},
            "number of variables: is 46; 0 to 45",
        ),
        ({"description": ""}, "description: has 0 characters"),
        ({"system_prompt": ""}, "system_prompt: has 0 characters"),
    ],
)
def test_nothing_is_made_of_what_is_wrong(run: Any, args: Any, more: Any, message: str) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=message):
            AgentRuntime("helper", args | more)

    assert run(program).resources == []


def test_two_agents_with_one_role_are_refused(run: Any, args: Any) -> None:
    """Each could do what the other was handed; a gateway with an agent's role likewise."""
    role: Any = {"role_arn": "arn:aws:iam::123456789012:role/shared"}
    later: Any = {"role_arn": pulumi.Output.from_input(role["role_arn"])}
    tool = {"name": "f", "description": "F.", "inputSchema": {"type": "object"}}
    function = "arn:aws:lambda:us-east-1:123456789012:function:f"
    gateway: Any = {"targets": {"t": {"function_arn": function, "tools": [tool]}}}
    message = "arn:aws:iam::123456789012:role/shared is the role of AgentRuntime 'a' as well. Give each one"

    def program(second: Any) -> None:
        AgentRuntime("a", args | role)
        second()

    for who, second in (
        ("AgentRuntime 'b'", lambda: AgentRuntime("b", args | role)),
        ("AgentRuntime 'b'", lambda: AgentRuntime("b", args | later)),
        ("ToolGateway 'b'", lambda: ToolGateway("b", gateway | role)),
    ):
        with pytest.raises(UsageError, match=re.escape(f"{who}.role_arn: {message}")):
            run(lambda second=second: program(second))
    run(lambda: AgentRuntime("a", args | role))


def test_everything_is_asked_and_made_where_its_provider_is(run: Any, args: Any) -> None:
    args["model_id"] = "us.anthropic.claude-haiku-4-5-20251001-v1:0"

    def program() -> None:
        europe = aws.Provider("europe", region="eu-west-1")
        AgentRuntime("helper", args, pulumi.ResourceOptions(providers=[europe]))

    recorded = run(program)
    assert len(recorded.invokes) == 4
    assert all("::europe::" in provider for provider in recorded.providers)


def test_a_name_aws_would_refuse_is_refused(run: Any, args: Any) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=r"runtime name .* has 49 characters; at most 48"):
            AgentRuntime("h" * 36, args)

    assert run(program).resources == []

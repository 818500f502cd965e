"""The program through its life: made, unchanged, changed, gone."""

from collections import Counter

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import automation as auto

from toolgate.components import tool_gateway
from toolgate.components.observability import monitoring
from toolgate.components.observability.metrics import Monitored
from toolgate.policy.language.unknown import UNKNOWN_TEXT

from .conftest import ROOT, Start, planned

GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
TARGET = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
RUNTIME = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
RESOURCE_POLICY = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
TRUST = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
 "Principal": {"Service": "bedrock-agentcore.amazonaws.com"}}]}"""


def test_made_unchanged_changed_and_gone(start: Start) -> None:
    engine = start()
    made = engine.up(policy_packs=[str(ROOT / "policy")])
    assert set(made) == {"create"}
    kinds = [item["type"] for item in planned() if item["custom"]]
    assert Counter(engine.account()) == Counter(kind for kind in kinds if not kind.startswith("pulumi:"))
    assert engine.up() == {"same": made["create"]}

    tools = engine.folder / "lambdas" / "math" / "tools.py"
    tools.write_text(tools.read_text().replace('"""Add two numbers', '"""Add any two numbers'))
    changed = engine.up()
    assert changed == {"same": made["create"] - 2, "update": 2}  # function and target
    assert engine.up() == {"same": made["create"]}

    engine.stack.destroy()
    assert engine.account() == []


def test_a_preview_makes_nothing_and_knows_names(start: Start) -> None:
    engine = start()
    engine.stack.preview(on_event=engine.events.append)
    assert engine.account() == []
    previewed = [event.resource_pre_event.metadata for event in engine.events if event.resource_pre_event]
    inputs = {item.type: (item.new.inputs if item.new else None) or {} for item in previewed}
    assert inputs[GATEWAY]["name"] == "toolgate-dev-tools"
    assert inputs[TARGET]["gatewayIdentifier"] == UNKNOWN_TEXT


def test_drift_is_found_and_repaired(start: Start) -> None:
    engine = start()
    engine.up()
    with engine.provider.store.transaction() as account:
        [target] = [key for key in account["resources"] if key.startswith(TARGET)]
        del account["resources"][target]
        [gateway] = [key for key in account["resources"] if key.startswith(GATEWAY)]
        account["resources"][gateway]["inputs"]["description"] = "by hand"
    engine.stack.refresh()
    assert TARGET not in {item["type"] for item in engine.resources()}
    repaired = engine.up()
    assert repaired["create"] == 1
    assert TARGET in engine.account()
    [record] = [item for item in engine.resources() if item["type"] == GATEWAY]
    assert "description" not in record["inputs"]


def test_a_gateway_is_replaced_by_deleting_it_first(start: Start) -> None:
    name = "first"

    def program() -> None:
        role = aws.iam.Role("role", name="role", assume_role_policy=TRUST)
        aws.bedrock.AgentcoreGateway(
            "gateway",
            name="fixed",
            role_arn=role.arn,
            authorizer_type="AWS_IAM" if name == "first" else "AUTHENTICATE_ONLY",
            opts=pulumi.ResourceOptions(delete_before_replace=True),
        )

    engine = start(program)
    engine.up()
    [before] = [item["id"] for item in engine.resources() if item["type"] == GATEWAY]
    name = "second"
    assert engine.up()["replace"] == 1
    [after] = [item["id"] for item in engine.resources() if item["type"] == GATEWAY]
    assert before != after
    assert engine.account().count(GATEWAY) == 1


@pytest.mark.parametrize("change", ["search", "versions"])
def test_what_aws_fixes_at_creation_replaces_the_gateway(
    start: Start, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = start()
    engine.up()
    before = {item["type"]: item["outputs"] for item in engine.resources() if item["type"] in (GATEWAY, RUNTIME)}
    if change == "search":
        engine.stack.set_config("toolgate:authorization", auto.ConfigValue("tool"))
    else:
        monkeypatch.setattr(tool_gateway, "PROTOCOL_VERSIONS", [*tool_gateway.PROTOCOL_VERSIONS, "2026-07-28"])
    # The preview says it: by the gateway's own line, and by an URL that is not known any more.
    engine.events.clear()
    engine.stack.preview(on_event=engine.events.append)
    steps = [event.resource_pre_event.metadata for event in engine.events if event.resource_pre_event]
    assert [str(it.op.value) for it in steps if it.type == GATEWAY] == [
        "delete-replaced",
        "replace",
        "create-replacement",
    ]
    engine.up()
    after = {item["type"]: item["outputs"] for item in engine.resources() if item["type"] in (GATEWAY, RUNTIME)}
    assert before[GATEWAY]["gatewayId"] != after[GATEWAY]["gatewayId"]
    assert after[RUNTIME]["environmentVariables"]["GATEWAY_URL"] == after[GATEWAY]["gatewayUrl"]
    assert before[RUNTIME]["agentRuntimeArn"] == after[RUNTIME]["agentRuntimeArn"]
    assert engine.account().count(GATEWAY) == 1
    assert engine.account().count(TARGET) == 1
    assert set(engine.up()) == {"same"}


def test_a_resource_policy_is_made_unchanged_changed_and_gone(start: Start) -> None:
    sid = "First"

    def program() -> None:
        role = aws.iam.Role("role", name="role", assume_role_policy=TRUST)
        gateway = aws.bedrock.AgentcoreGateway("gateway", role_arn=role.arn, authorizer_type="AWS_IAM")
        statement = {
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "bedrock-agentcore:InvokeGateway",
            "Resource": gateway.gateway_arn,
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": role.arn}},
        }
        aws.bedrock.AgentcoreResourcePolicy(
            "policy",
            resource_arn=gateway.gateway_arn,
            policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    engine = start(program)
    made = engine.up()
    assert engine.account().count(RESOURCE_POLICY) == 1
    assert engine.up() == {"same": made["create"]}
    sid = "Second"
    assert engine.up() == {"same": made["create"] - 1, "update": 1}
    engine.stack.refresh(expect_no_changes=True)
    engine.stack.destroy()
    assert engine.account() == []


def test_a_gateway_that_is_replaced_delivers_as_before(start: Start) -> None:
    authorizer = "AWS_IAM"

    def program() -> None:
        role = aws.iam.Role("role", name="role", assume_role_policy=TRUST)
        gateway = aws.bedrock.AgentcoreGateway(
            "gateway",
            name="fixed",
            role_arn=role.arn,
            authorizer_type=authorizer,
            opts=pulumi.ResourceOptions(delete_before_replace=True),
        )
        component = pulumi.ComponentResource("toolgate:index:It", "it")
        observed = Monitored("gateway", "fixed", gateway.gateway_arn)
        monitoring.watch(component, "it", observed, {"logs": {}, "traces": True, "alarms": {}})

    def ends() -> dict[str, str]:
        return {item["type"]: item["id"] for item in engine.resources() if "::it-logs" in item["urn"]}

    engine = start(program)
    engine.up()
    before = ends()
    authorizer = "AUTHENTICATE_ONLY"
    # The gateway, and both sources and deliveries; of the alarms only the dimensions change.
    assert engine.up() == {"replace": 5, "update": 3, "same": len(engine.resources()) - 9}
    after = ends()
    assert {kind for kind, made in after.items() if before[kind] != made} == {"aws:cloudwatch/logDelivery:LogDelivery"}
    [gateway] = [item["outputs"]["gatewayArn"] for item in engine.resources() if item["type"] == GATEWAY]
    sources = [item for item in engine.resources() if item["type"].endswith(":LogDeliverySource")]
    assert [item["inputs"]["resourceArn"] for item in sources] == [gateway, gateway]


def test_what_aws_would_refuse_is_refused_before_anything_is_made(start: Start) -> None:
    def program() -> None:
        aws.bedrock.AgentcoreGateway(
            "gateway", name="a-" * 30, role_arn="arn:aws:iam::123456789012:role/r", authorizer_type="AWS_IAM"
        )

    engine = start(program)
    with pytest.raises(auto.CommandError):
        engine.up()
    assert any("Member must have length less than or equal to 48" in message for message in engine.messages())
    assert engine.account() == []


def test_a_mandatory_violation_stops_the_deployment(start: Start) -> None:
    def program() -> None:
        role = "arn:aws:iam::123456789012:role/role"
        aws.bedrock.AgentcoreGateway("gateway", name="open", role_arn=role, authorizer_type="NONE")

    engine = start(program)
    with pytest.raises(auto.CommandError):
        engine.up(policy_packs=[str(ROOT / "policy")])
    violations = {event.policy_event.policy_name for event in engine.events if event.policy_event}
    assert "gateway-authorizer-iam" in violations
    assert engine.account() == []

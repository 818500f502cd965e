"""What AWS refuses at first succeeds a moment later, and what a failed create leaves is removed or said."""

from collections.abc import Iterator

import pytest
from pulumi import automation as auto

from toolgate.components.iam import iam_propagation

from .conftest import Engine, Start
from .control_api import POLICY, ControlApi, served

TARGET = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
ENGINE = "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine"
SLOW = "ValidationException: Gateway execution role lacks permission to invoke Lambda function x"
TOO_NEW = "CREATE_FAILED: Insufficient permissions to call gateway with ID toolgate-dev-tools-a1b2c3d4e5"
FINDINGS = "CREATE_FAILED: Overly Permissive: the policy allows every request"


def test_a_target_refused_while_iam_is_slow_is_tried_again(start: Start) -> None:
    engine = start()
    engine.provider.refusals = {TARGET: [SLOW]}
    assert set(engine.up()) == {"create"}
    assert any("retrying create due to on-error hook request" in message for message in engine.messages())
    assert TARGET in engine.account()


def test_another_refusal_is_shown_at_once(start: Start) -> None:
    engine = start()
    engine.provider.refusals = {TARGET: ["ServiceQuotaExceededException: too many targets", "not reached"]}
    with pytest.raises(auto.CommandError):
        engine.up()
    assert any("ServiceQuotaExceededException: too many targets" in message for message in engine.messages())
    assert not any("retrying" in message for message in engine.messages())
    assert engine.provider.refusals == {TARGET: ["not reached"]}


@pytest.fixture
def tool(start: Start, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Engine, ControlApi]]:
    """A stack with Cedar policies, an account that keeps what failed, and its control API for whoever asks boto3."""
    engine = start()
    engine.stack.set_config("toolgate:authorization", auto.ConfigValue("tool"))
    api = ControlApi(engine.provider.store)
    monkeypatch.setattr(iam_propagation, "delay", lambda failures: 0.1 * failures)
    with served(api):
        for name, value in api.environment().items():
            monkeypatch.setenv(name, value)
        yield engine, api


def said(engine: Engine) -> str:
    return "\n".join(engine.messages())


def test_a_policy_of_a_gateway_that_is_too_new_is_removed_and_made_again_until_it_holds(
    tool: tuple[Engine, ControlApi],
) -> None:
    engine, api = tool
    engine.provider.refusals = {POLICY: [TOO_NEW, TOO_NEW]}
    made = engine.up()
    assert set(made) == {"create"}
    assert [it.partition(" ")[0] for it in api.asked if "POST" not in it] == ["GET", "DELETE", "GET"] * 2
    assert said(engine).count("with the new gateway, the failed policy is removed, next try in") == 2
    assert engine.account().count(POLICY) == 1
    assert engine.up() == {"same": made["create"]}
    engine.stack.destroy()
    assert engine.account() == []


def test_a_policy_with_findings_leaves_nothing_and_the_next_update_makes_it(
    tool: tuple[Engine, ControlApi],
) -> None:
    engine, _ = tool
    engine.provider.refusals = {POLICY: [FINDINGS]}
    with pytest.raises(auto.CommandError):
        engine.up()
    assert FINDINGS.partition(": ")[2] in said(engine)
    assert "the failed policy is removed. Put right what AWS says of it" in said(engine)
    assert "retrying" not in said(engine)
    assert POLICY not in engine.account()
    assert engine.up()["create"] >= 1
    assert POLICY in engine.account()


def test_what_an_earlier_update_left_failed_is_removed_and_what_it_made_is_left_alone(
    tool: tuple[Engine, ControlApi],
) -> None:
    engine, api = tool
    api.denied = True
    engine.provider.refusals = {POLICY: [FINDINGS]}
    with pytest.raises(auto.CommandError):
        engine.up()
    [engine_id] = [it["outputs"]["policyEngineId"] for it in engine.resources() if it["type"] == ENGINE]
    [left] = api.policies(engine_id)
    # The commands that repair it, where the deployer may not.
    where = f"--policy-engine-id {engine_id}"
    assert "AccessDeniedException" in said(engine)
    assert f"aws bedrock-agentcore-control list-policies {where} --region us-east-1" in said(engine)
    assert f"aws bedrock-agentcore-control delete-policy {where} --policy-id POLICY_ID --region us-east-1" in said(
        engine
    )
    # A healthy policy of that name is nobody's to delete.
    api.denied = False
    key = f"{POLICY}|{engine_id},{left['policyId']}"
    with engine.provider.store.transaction() as account:
        reason = account["resources"][key].pop("failed")
    engine.events.clear()
    with pytest.raises(auto.CommandError):
        engine.up()
    assert f"pulumi import {POLICY} assistant-tools {engine_id},{left['policyId']} --parent 'assistant=" in said(engine)
    assert [it["policyId"] for it in api.policies(engine_id)] == [left["policyId"]]
    # The failed one goes, and the update does the rest by itself.
    with engine.provider.store.transaction() as account:
        account["resources"][key]["failed"] = reason
    assert engine.up()["create"] >= 1
    assert [it["status"] for it in api.policies(engine_id)] == ["ACTIVE"]


def test_credentials_of_another_account_delete_nothing(tool: tuple[Engine, ControlApi]) -> None:
    engine, api = tool
    api.account = "999999999999"
    engine.provider.refusals = {POLICY: [TOO_NEW]}
    with pytest.raises(auto.CommandError):
        engine.up()
    assert "the credentials found here are of account 999999999999, the provider deploys to 123456789012" in said(
        engine
    )
    assert "delete-policy" in said(engine)
    assert not any("DELETE" in it for it in api.asked)
    assert POLICY in engine.account()


def test_a_create_that_made_the_thing_is_not_repeated(start: Start) -> None:
    engine = start()
    made = f"ID: A1B2C3D4E5\nCause: While waiting, unexpected state 'FAILED', wanted target 'READY'. last error: {SLOW}"
    engine.provider.refusals = {TARGET: [made]}
    with pytest.raises(auto.CommandError):
        engine.up()
    assert "retrying" not in said(engine)
    assert "the target was made and then failed" in said(engine)
    assert "--target-id A1B2C3D4E5 --region us-east-1" in said(engine)

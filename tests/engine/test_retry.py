"""IAM is slow: what AWS refuses at first succeeds a moment later."""

import pytest
from pulumi import automation as auto

from .conftest import Start

TARGET = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
SLOW = "ValidationException: Gateway execution role lacks permission to invoke Lambda function x"


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

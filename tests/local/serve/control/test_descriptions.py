"""Resources as a stack on AWS exports them: with nulls, empty texts, and more than the stand-in knows."""

from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest

from tests.local.cloud.types.targets.conftest import KINDS, given
from toolgate.access.deployment.stack_export import ENCRYPTED, Resource
from toolgate.local.serve.control import descriptions
from toolgate.policy.language.agentcore_facts import API_KEY_PROVIDER, GATEWAY, RUNTIME, TARGET

SINCE = datetime(2026, 11, 29, tzinfo=UTC)
TIMES = dict.fromkeys(("createdAt", "updatedAt", "lastUpdatedAt"), "2026-11-29T00:00:00.000Z")


def _resource(kind: str, **outputs: Any) -> Resource:
    return Resource(f"urn:pulumi:s::p::{kind}::n", kind, {"__defaults": [], "name": "n"}, outputs)


def test_what_is_not_written_is_left_out() -> None:
    described = descriptions.gateway(
        _resource(
            GATEWAY,
            gatewayId="n-abcdefghij",
            gatewayArn="arn",
            authorizerType="AWS_IAM",
            description="",
            kmsKeyArn=None,
            exceptionLevel=ENCRYPTED,
            interceptorConfigurations=[],
            protocolConfiguration={"mcp": {"instructions": "", "searchType": "SEMANTIC", "newIn2027": True}},
            workloadIdentityDetails=[{"workloadIdentityArn": "w"}],
            timeouts=None,
        ),
        "http://here",
        SINCE,
    )
    assert described == {
        "name": "n",
        "authorizerType": "AWS_IAM",
        "protocolConfiguration": {"mcp": {"searchType": "SEMANTIC"}},
        "gatewayId": "n-abcdefghij",
        "gatewayArn": "arn",
        "gatewayUrl": "http://here",
        "workloadIdentityDetails": {"workloadIdentityArn": "w"},
        "status": "READY",
        "statusReasons": [],
        **TIMES,
    }


def test_a_gateway_tells_its_interceptors() -> None:
    configured = {
        "interceptionPoints": ["REQUEST"],
        "interceptor": {"lambda": {"arn": "arn"}},
        "inputConfiguration": {"passRequestHeaders": True},
    }
    resource = _resource(GATEWAY, gatewayId="n", gatewayArn="arn", interceptorConfigurations=[configured])
    assert descriptions.gateway(resource, "http://here", SINCE)["interceptorConfigurations"] == [configured]


def test_a_runtime_is_as_long_lived_as_its_deployment_says() -> None:
    lives = [{"idleRuntimeSessionTimeout": 60}]
    resource = _resource(RUNTIME, agentRuntimeId="n-ABCDEFGHIJ", agentRuntimeArn="arn", lifecycleConfigurations=lives)
    assert descriptions.runtime(resource, {}, SINCE)["lifecycleConfiguration"] == {"idleRuntimeSessionTimeout": 60}
    tagged = _resource(RUNTIME, tags={"a": "b", "hidden": ENCRYPTED})
    assert descriptions.tags(tagged) == {"a": "b"}
    assert descriptions.tags(_resource(RUNTIME)) == {}


MODEL = botocore.session.get_session().get_service_model("bedrock-agentcore-control")


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_is_told_in_the_words_of_the_model(kind: str) -> None:
    """Whatever the file has for nothing, and in the form in which the target was asked for."""
    inputs = given(kind, description="", hidden=ENCRYPTED, newIn2027=True)
    resource = _resource(TARGET, targetId="ABCDEFGHIJ", gatewayIdentifier="n-abcdefghij", description=None, **inputs)
    told = descriptions.target(resource, "arn", SINCE)
    [(member, settings)] = told["targetConfiguration"]["mcp"].items()
    union = MODEL.shape_for("McpTargetConfiguration")
    assert member == kind
    assert settings.keys() <= union.members[kind].members.keys()
    assert set(union.members[kind].required_members) <= settings.keys()
    assert told["targetType"] in MODEL.shape_for("TargetType").enum
    shown = MODEL.shape_for("GetGatewayTargetResponse")
    assert set(shown.required_members) <= told.keys()
    assert "description" not in told


def test_a_target_of_a_kind_that_nobody_knows_here_is_told_without_its_configuration() -> None:
    resource = _resource(
        TARGET, targetId="ABCDEFGHIJ", gatewayIdentifier="n", targetConfiguration={"mcp": {"smithyModel": {"a": 1}}}
    )
    assert "targetType" not in descriptions.target(resource, "arn", SINCE)


def test_an_api_key_is_told_to_nobody() -> None:
    resource = _resource(
        API_KEY_PROVIDER, apiKey="the key", credentialProviderArn="arn", apiKeySecretArns=[{"secretArn": "secret"}]
    )
    told = descriptions.key_provider(resource, SINCE)
    assert "the key" not in str(told)
    assert (told["credentialProviderArn"], told["apiKeySecretArn"]) == ("arn", {"secretArn": "secret"})

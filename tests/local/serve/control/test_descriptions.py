"""Resources as a stack on AWS exports them: with nulls, empty texts, and more than the stand-in knows."""

from datetime import UTC, datetime
from typing import Any

from toolgate.access.deployment.stack_export import ENCRYPTED, Resource
from toolgate.local.serve.control import descriptions
from toolgate.policy.language.agentcore_facts import GATEWAY, RUNTIME

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

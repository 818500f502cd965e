import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.observability import metrics

AGENTCORE = "arn:aws:bedrock-agentcore:us-east-1:123456789012:"
FUNCTION = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:toolgate-dev-math"


def test_a_gateways_metrics_are_found_by_operation_protocol_and_arn() -> None:
    arn = f"{AGENTCORE}gateway/toolgate-dev-tools-a1b2c3d4e5"
    assert metrics.of_gateway(arn) == {"Operation": "InvokeGateway", "Protocol": "MCP", "Resource": arn}


@pytest.mark.parametrize("name", ["toolgate_dev_assistant", "a"])
def test_a_runtimes_metrics_are_found_by_operation_endpoint_and_arn(name: str) -> None:
    arn = f"{AGENTCORE}runtime/{name}-A1b2C3d4E5"
    dimensions = {"Operation": "InvokeAgentRuntime", "Name": f"{name}::DEFAULT", "Resource": arn}
    assert metrics.of_runtime(arn) == dimensions


def test_a_functions_metrics_are_found_by_its_name() -> None:
    assert metrics.of_function(FUNCTION) == {"FunctionName": "toolgate-dev-math"}


@pytest.mark.parametrize(
    ("kind", "arn", "what"),
    [
        ("gateway", f"{AGENTCORE}runtime/a-A1b2C3d4E5", "a gateway"),
        ("gateway", "tools", "a gateway"),
        ("gateway", f"{AGENTCORE}gateway/a-a1b2c3d4e5/target/x", "a gateway"),
        ("runtime", f"{AGENTCORE}gateway/a-a1b2c3d4e5", "a runtime"),
        ("runtime", f"{AGENTCORE}runtime/a-A1b2C3d4E5/runtime-endpoint/DEFAULT", "a runtime"),
        ("runtime", f"{AGENTCORE}runtime/short-1", "a runtime"),
        ("function", f"{FUNCTION}:live", "a function"),
        ("function", "toolgate-dev-math", "a function"),
    ],
)
def test_what_is_no_arn_of_the_kind_is_refused(kind: str, arn: str, what: str) -> None:
    with pytest.raises(UsageError, match=f"is not the ARN of {what}"):
        metrics.DIMENSIONS[kind](arn)

"""The outputs a provider computes, for the resource types the tests' programs use: ARNs in AWS's own shape."""

from collections.abc import Mapping
from typing import Any

from tests.policy.making import ACCOUNT

NAME_KEYS = ("name", "functionName", "agentRuntimeName")

AUTO_NAMED = ("aws:iam/role:Role", "aws:iam/policy:Policy", "aws:iam/group:Group", "aws:iam/user:User")


def checked(kind: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs after a provider's Check: with the name it gives where the program gives none."""
    return {"name": f"{name}-1a2b3c4", **inputs} if kind in AUTO_NAMED else dict(inputs)


def outputs(kind: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a resource once it exists."""
    called = str(next((inputs[key] for key in NAME_KEYS if isinstance(inputs.get(key), str)), f"{name}-1a2b3c4"))
    agentcore = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}"
    computed: dict[str, dict[str, Any]] = {
        "aws:iam/role:Role": {"arn": f"arn:aws:iam::{ACCOUNT}:role/{called}"},
        "aws:iam/policy:Policy": {"arn": f"arn:aws:iam::{ACCOUNT}:policy/{called}"},
        "aws:lambda/function:Function": {"arn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{called}"},
        "aws:bedrock/agentcoreGateway:AgentcoreGateway": {
            "gatewayArn": f"{agentcore}:gateway/{called}-abcdefghij",
            "gatewayId": f"{called}-abcdefghij",
            "gatewayUrl": f"https://{called}-abcdefghij.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp",
        },
        "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime": {
            "agentRuntimeArn": f"{agentcore}:runtime/{called}-abcdefghij"
        },
        "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine": {
            "policyEngineArn": f"{agentcore}:policy-engine/{called}-abcdefghij",
            "policyEngineId": f"{called}-abcdefghij",
        },
        "aws:cognito/userPool:UserPool": {
            "id": "us-east-1_AbCdEf123",
            "arn": f"arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/us-east-1_AbCdEf123",
            "endpoint": "cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123",
        },
        "aws:cognito/userPoolClient:UserPoolClient": {
            "id": "3n4b5urk1ft4fl3mg5e62d9ado",
            "clientSecret": "51ujn5j5hqtqcb7lj2gsbcsn4ipbdgo8p0ue5ql0d9m3s2k1a7v",
        },
        "aws:s3/bucket:Bucket": {"arn": f"arn:aws:s3:::{called}", "bucket": called},
        "aws:sqs/queue:Queue": {"arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{called}"},
        "aws:sns/topic:Topic": {"arn": f"arn:aws:sns:us-east-1:{ACCOUNT}:{called}"},
    }
    return {"id": called, "name": called, **computed.get(kind, {})}

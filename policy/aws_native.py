"""The provider `aws-native` says the same with CloudFormation's names; rules see both in the words of `aws`.

Source: the resources' inputs in pulumi_aws_native, which are the CloudFormation schemas' properties.
"""

from collections.abc import Mapping
from typing import Any

from toolgate.policy import policy_sources
from toolgate.policy.language import agentcore_facts

_IAM = {"policyDocument": "policy", "policies": "inlinePolicies", "assumeRolePolicyDocument": "assumeRolePolicy"}

# Type in aws-native: type in aws, and the properties that are called otherwise there.
_TYPES: dict[str, tuple[str, dict[str, str]]] = {
    "aws-native:bedrockagentcore:Gateway": (agentcore_facts.GATEWAY, {}),
    "aws-native:bedrockagentcore:GatewayTarget": (agentcore_facts.TARGET, {}),
    "aws-native:bedrockagentcore:Policy": (agentcore_facts.CEDAR_POLICY, {}),
    "aws-native:bedrockagentcore:PolicyEngine": (agentcore_facts.POLICY_ENGINE, {}),
    "aws-native:bedrockagentcore:ResourcePolicy": (agentcore_facts.RESOURCE_POLICY, {}),
    "aws-native:bedrockagentcore:Runtime": (agentcore_facts.RUNTIME, {}),
    "aws-native:iam:Group": (policy_sources.GROUP_POLICIES, _IAM),
    "aws-native:iam:GroupPolicy": (agentcore_facts.GROUP_POLICY, _IAM),
    # It carries its document and attaches itself, which is what an inline policy does.
    "aws-native:iam:ManagedPolicy": (agentcore_facts.ROLE_POLICY, {**_IAM, "roles": "role"}),
    "aws-native:iam:Role": (agentcore_facts.ROLE, {**_IAM, "roleName": "name"}),
    "aws-native:iam:RolePolicy": (agentcore_facts.ROLE_POLICY, {**_IAM, "roleName": "role"}),
    "aws-native:iam:User": (policy_sources.USER_POLICIES, _IAM),
    "aws-native:iam:UserPolicy": (agentcore_facts.USER_POLICY, _IAM),
    "aws-native:lambda:Function": (agentcore_facts.FUNCTION, {"functionName": "name"}),
    "aws-native:lambda:Permission": (agentcore_facts.LAMBDA_PERMISSION, {"functionName": "function"}),
    "aws-native:logs:Delivery": (agentcore_facts.LOG_DELIVERY, {}),
    "aws-native:logs:DeliverySource": (agentcore_facts.LOG_DELIVERY_SOURCE, {}),
}


def type_of(kind: str) -> str:
    """The type as `aws` calls it."""
    return _TYPES[kind][0] if kind in _TYPES else kind


def property_of(kind: str, name: str) -> str:
    """The property as `aws` calls it."""
    return _TYPES[kind][1].get(name, name) if kind in _TYPES else name


def properties_of(kind: str, properties: Any) -> Any:
    """Plain properties with their names, and those of the blocks among them, as `aws` calls them."""
    if kind not in _TYPES or not isinstance(properties, Mapping):
        return properties
    return {property_of(kind, name): _blocks(kind, value) for name, value in properties.items()}


def _blocks(kind: str, value: Any) -> Any:
    return [properties_of(kind, block) for block in value] if isinstance(value, list) else value

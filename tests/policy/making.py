"""Registrations and IAM documents for the tests, short enough to read in a table."""

import json
from typing import Any

from tests.policy.driver import Registration

ACCOUNT = "123456789012"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/shop-dev-tools-abcdefghij"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:shop-math"
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0"
PROFILE = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0"


def statement(actions: Any, resources: Any, **more: Any) -> dict[str, Any]:
    """One Allow statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def document(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(*principals: str, condition: Any = None, **more: Any) -> str:
    """A trust policy for services."""
    entry: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": list(principals)}, "Action": "sts:AssumeRole"}
    return document({**entry, **({"Condition": condition} if condition is not None else {}), **more})


PINNED = {
    "StringEquals": {"aws:SourceAccount": ACCOUNT},
    "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/shop-dev-tools-*"},
}
AGENTCORE = "bedrock-agentcore.amazonaws.com"


def role(name: str = "agent", trusted: str = AGENTCORE, **inputs: Any) -> Registration:
    """A role that a service may take, well pinned."""
    props = {"name": name, "assumeRolePolicy": trust(trusted, condition=PINNED), **inputs}
    outputs = {"arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"}
    return Registration("aws:iam/role:Role", name, props, outputs)


def role_policy(policy: Any, of: str = "agent", name: str = "policy") -> Registration:
    return Registration("aws:iam/rolePolicy:RolePolicy", name, {"role": of, "policy": policy})


def gateway(name: str = "tools", **inputs: Any) -> Registration:
    props = {"name": name, "authorizerType": "AWS_IAM", "roleArn": f"arn:aws:iam::{ACCOUNT}:role/gateway", **inputs}
    return Registration("aws:bedrock/agentcoreGateway:AgentcoreGateway", name, props, {"gatewayArn": GATEWAY})


FILTER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:shop-filter"
FILTER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/filter"


def declaring(**said: Any) -> dict[str, str]:
    """The variables of an interceptor that has the library and says this of itself."""
    return {"INTERCEPTS": json.dumps({"inbound": "iam", "seconds": 2.0, **said})}


def interceptor(name: str = "filter", variables: Any = None, **inputs: Any) -> Registration:
    """A function that a gateway may ask, with time enough for what it declares."""
    given = declaring() if variables is None else variables
    function = {"name": f"shop-{name}", "role": FILTER_ROLE, "handler": "intercept.handler", "timeout": 10, **inputs}
    props = {**function, "environment": {"variables": given}}
    arn = FILTER.replace("filter", name)
    return Registration("aws:lambda/function:Function", name, props, {"arn": arn})


def at_point(arn: Any = FILTER, *points: str, headers: Any = None) -> dict[str, Any]:
    """One entry of a gateway's interceptors."""
    passed = {} if headers is None else {"inputConfiguration": {"passRequestHeaders": headers}}
    return {"interceptionPoints": list(points) or ["REQUEST"], "interceptor": {"lambda": {"arn": arn}}, **passed}


def intercepted(*entries: Any, **inputs: Any) -> Registration:
    """A gateway with these interceptors."""
    return gateway(interceptorConfigurations=list(entries or [at_point()]), **inputs)


ENGINE = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:policy-engine/shop_tools-abcdefghij"
ENGINE_ID = ENGINE.rpartition("/")[2]
ENTITY = f"arn:aws:sts::{ACCOUNT}:assumed-role/agent"


def permit(actions: str, principal: str = ENTITY, gateway: str = GATEWAY) -> str:
    """A Cedar statement for the named actions, separated by blanks."""
    listed = ", ".join(f'AgentCore::Action::"{action}"' for action in actions.split())
    scope = f'principal == AgentCore::IamEntity::"{principal}", action in [{listed}]'
    return f'permit({scope}, resource == AgentCore::Gateway::"{gateway}");'


def engine(name: str = "engine") -> Registration:
    kind = "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine"
    return Registration(kind, name, {"name": "shop_tools"}, {"policyEngineArn": ENGINE})


def cedar(statement: Any, name: str = "permit", engine_id: Any = ENGINE_ID, **dependencies: list[str]) -> Registration:
    props = {"name": name, "policyEngineId": engine_id, "definition": {"cedar": {"statement": statement}}}
    kind = "aws:bedrock/agentcorePolicy:AgentcorePolicy"
    return Registration(kind, name, props, property_dependencies=dependencies)


def target(name: Any = "math", tools: Any = ("add", "greeting"), gateway: Any = None, **more: Any) -> Registration:
    """A Lambda target with these tools; `tools` may be anything else, too."""
    payloads = [{"name": tool} for tool in tools] if isinstance(tools, tuple) else tools
    function = {"lambdaArn": FUNCTION, "toolSchema": {"inlinePayloads": payloads}}
    identifier = GATEWAY.rpartition("/")[2] if gateway is None else gateway
    props = {"name": name, "gatewayIdentifier": identifier, "targetConfiguration": {"mcp": {"lambda": function}}}
    return Registration("aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget", f"tools-{name}", props, **more)

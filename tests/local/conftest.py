import json
from typing import Any

import pytest

from tests.planning import planned
from toolgate.deployer import deployer_policy

AGENTS = {"adder": {"tools": ["math___add_numbers"]}, "greeter": {"tools": ["math___greeting"]}}
TOOL = {"toolgate:authorization": "tool", "toolgate:agents": json.dumps(AGENTS)}

TOPIC = "arn:aws:sns:us-east-1:123456789012:oncall"
SEEN = {"logs": True, "traces": True, "alarms": True, "alarmTopics": [TOPIC], "dashboard": True}
WATCHED = {"toolgate:observability": json.dumps(SEEN)}
BOUNDARY = "arn:aws:iam::123456789012:policy/agents-boundary"
NETWORK = {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}
INSIDE = {"toolgate:network": json.dumps(NETWORK), "toolgate:permissionsBoundary": BOUNDARY}


@pytest.fixture(scope="session")
def dev() -> dict[str, Any]:
    return planned().deployment


@pytest.fixture(scope="session")
def tool() -> dict[str, Any]:
    """Two agents, each with its own tools, authorized by a policy engine."""
    return planned(config=TOOL).deployment


@pytest.fixture(scope="session")
def watched() -> dict[str, Any]:
    """Logs and traces delivered, alarms, a dashboard."""
    return planned(config=WATCHED).deployment


@pytest.fixture(scope="session")
def prod() -> dict[str, Any]:
    """The stack prod, its agents in a VPC and its roles within a boundary."""
    return planned("prod", INSIDE).deployment


@pytest.fixture(scope="session")
def jwt() -> dict[str, Any]:
    """The stack jwt: two agents whose gateway takes tokens of the stack's own issuer."""
    return planned("jwt").deployment


@pytest.fixture(scope="session")
def document(dev: dict[str, Any]) -> dict[str, Any]:
    return deployer_policy.permissions(dev)

"""The control plane of the planned sample, on loopback, without gateways and agents."""

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.agent.loopback import Loopback
from tests.local.cloud.conftest import API_KEY_PROVIDER, GOOD
from tests.token_export import with_tokens
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.roles import Role
from toolgate.access.deployment.stack_export import resources
from toolgate.access.iam.policies import Policy
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.serve.control import control_api, sts_api
from toolgate.local.serve.control.not_served import not_served
from toolgate.local.serve.guards.credentials import Sessions
from toolgate.local.serve.guards.iam_guard import Authority, authorized

ENV = CloudEnvironment()
LOCAL = "http://127.0.0.1:4242/gateway/x/mcp"
STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "bedrock-agentcore:InvokeGateway", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
SINCE = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture(scope="session")
def served(tool: dict[str, Any]) -> control_api.Served:
    """Two agents behind a policy engine; the gateway is tagged and has a resource policy. Tokens are made beside."""
    export = copy.deepcopy(tool)
    listed = export["deployment"]["resources"]
    made = ("Oauth2CredentialProvider", "WorkloadIdentity")
    listed += [it for it in with_tokens(tool)["deployment"]["resources"] if it["type"].endswith(made)]
    key = ControlPlane(ENV, MemoryStore(), {}).create(API_KEY_PROVIDER, GOOD[API_KEY_PROVIDER])
    urn = f"urn:pulumi:dev::p::{API_KEY_PROVIDER}::key"
    listed.append({"urn": urn, "type": API_KEY_PROVIDER, "inputs": GOOD[API_KEY_PROVIDER], "outputs": key.outputs})
    gateway = next(it for it in listed if it["type"].endswith(":AgentcoreGateway"))
    gateway["outputs"]["tagsAll"] = {"team": "tools"}
    own = {"resourceArn": gateway["outputs"]["gatewayArn"], "policy": POLICY}
    of = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
    listed.append({"urn": f"urn:pulumi:dev::p::{of}::own", "type": of, "inputs": own, "outputs": own})
    deployment = parse(export)
    urls = {it.url: LOCAL for it in deployment.gateways}
    return control_api.Served(deployment, resources(export), ENV, urls, SINCE)


ClientOf = Callable[..., Any]


@pytest.fixture(scope="session")
def client_as(served: control_api.Served) -> Iterator[ClientOf]:
    """A boto3 client of a service, for a role with these statements."""
    sessions = Sessions()
    services = [control_api.service(served), sts_api.service({ENV.global_arn("iam", "role/known"): "AROAKNOWN"})]
    server = Loopback(authorized(services, Authority(sessions, ENV.region), not_served))
    server.start()

    def make(service: str, *statements: dict[str, Any], name: str = "reader") -> Any:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        arn = ENV.global_arn("iam", f"role/{name}")
        role = Role(arn=arn, name=name, trust={}, policies=(Policy("p", document),))
        keys = {key.lower(): value for key, value in sessions.assume(role, "s").environment().items()}
        config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
        return boto3.client(service, endpoint_url=server.url, region_name=ENV.region, config=config, **keys)

    yield make
    server.stop()

"""A deployment as a live account: AgentCore as `toolgate up` serves it, the rest by moto, filled from the file."""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.access.scan.fake_account import SECRET
from tests.agent.loopback import Loopback
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.roles import Role
from toolgate.access.deployment.stack_export import Resource, resources
from toolgate.access.iam.policies import Policy
from toolgate.access.scan.scan import permissions
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.control import control_api
from toolgate.local.serve.guards.credentials import Sessions
from toolgate.local.serve.guards.iam_guard import Authority, authorized

ENV = CloudEnvironment()
SCANNER = ENV.global_arn("iam", "role/scanner")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes a deployment the account that boto3 talks to while a block runs."""

    @contextmanager
    def live(export: Mapping[str, Any]) -> Iterator[boto3.Session]:
        deployment = parse(export)
        urls = {it.url: it.url for it in deployment.gateways}
        served = control_api.Served(deployment, resources(export), ENV, urls, datetime(2026, 11, 29, tzinfo=UTC))
        sessions = Sessions()
        # The local control plane decides IAM: the scan has the permissions that it asks for, and no others.
        allowed = Policy("scan", permissions((ENV.region,)))
        keys = sessions.assume(Role(arn=SCANNER, name="scanner", trust={}, policies=(allowed,)), "s").environment()
        server = Loopback(authorized([control_api.service(served)], Authority(sessions, ENV.region)))
        server.start()
        for name, value in keys.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_DEFAULT_REGION", ENV.region)
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL", server.url)
        try:
            with mock_aws(config={"core": {"mock_credentials": False}}):
                _fill(resources(export))
                yield _session(resources(export))
        finally:
            server.stop()

    return live


def _fill(found: tuple[Resource, ...]) -> None:
    """The deployment's IAM and Lambda resources, made in moto: what others name comes first."""
    clients = {"iam": boto3.client("iam"), "lambda": boto3.client("lambda")}
    for type_, fill in _MADE.items():
        for it in found:
            if it.type == type_:
                fill(clients[type_.split(":")[1].partition("/")[0]], it)


def _role(iam: Any, it: Resource) -> None:
    name, boundary = it.text("name"), it.optional_text("permissionsBoundary")
    limit = {"PermissionsBoundary": boundary} if boundary else {}
    path = it.optional_text("path") or "/"
    iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=it.text("assumeRolePolicy"), **limit)
    for policy in it.get("inlinePolicies") or ():
        iam.put_role_policy(RoleName=name, PolicyName=policy["name"], PolicyDocument=policy["policy"])
    for arn in it.get("managedPolicyArns") or ():
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)


def _user(iam: Any, it: Resource) -> None:
    iam.create_user(UserName=it.text("name"), Path=it.optional_text("path") or "/")


def _inline(kind: str) -> Callable[[Any, Resource], None]:
    def put(iam: Any, it: Resource) -> None:
        own = {f"{kind.title()}Name": it.text(kind), "PolicyName": it.optional_text("name") or it.name}
        getattr(iam, f"put_{kind}_policy")(**own, PolicyDocument=it.text("policy"))

    return put


def _attached(kind: str) -> Callable[[Any, Resource], None]:
    def attach(iam: Any, it: Resource) -> None:
        getattr(iam, f"attach_{kind}_policy")(**{f"{kind.title()}Name": it.text(kind)}, PolicyArn=it.text("policyArn"))

    return attach


def _attached_to_all(iam: Any, it: Resource) -> None:
    for role in it.get("roles") or ():
        iam.attach_role_policy(RoleName=role, PolicyArn=it.text("policyArn"))


def _memberships(iam: Any, it: Resource) -> None:
    for group in it.get("groups"):
        iam.add_user_to_group(UserName=it.text("user"), GroupName=group)


def _function(functions: Any, it: Resource) -> None:
    functions.create_function(
        FunctionName=it.text("name"),
        Role=it.text("role"),
        Runtime=it.text("runtime"),
        Handler=it.text("handler"),
        Code={"ZipFile": _zip()},
        Environment={"Variables": {"TOKEN": SECRET}},
    )


def _deliveries(found: tuple[Resource, ...]) -> dict[str, dict[str, Any]]:
    """The deployment's log deliveries as CloudWatch Logs lists them: moto knows none of AgentCore's."""
    sources = [it for it in found if it.type == "aws:cloudwatch/logDeliverySource:LogDeliverySource"]
    deliveries = [it for it in found if it.type == "aws:cloudwatch/logDelivery:LogDelivery"]
    listed = [
        {"name": it.text("name"), "resourceArns": [it.text("resourceArn")], "logType": it.text("logType")}
        for it in sources
    ]
    return {
        "DescribeDeliverySources": {"deliverySources": listed},
        "DescribeDeliveries": {
            "deliveries": [{"id": it.name, "deliverySourceName": it.text("deliverySourceName")} for it in deliveries]
        },
    }


def _session(found: tuple[Resource, ...]) -> boto3.Session:
    made = boto3.Session()
    for operation, answer in _deliveries(found).items():
        of = f"before-call.cloudwatch-logs.{operation}"
        made.events.register(of, lambda answer=answer, **_: (SimpleNamespace(status_code=200), answer))
    return made


def _permission(functions: Any, it: Resource) -> None:
    given = {"SourceArn": it.optional_text("sourceArn"), "SourceAccount": it.optional_text("sourceAccount")}
    functions.add_permission(
        FunctionName=it.text("function"),
        StatementId=it.text("statementId"),
        Action=it.text("action"),
        Principal=it.text("principal"),
        **{name: value for name, value in given.items() if value},
    )


_MADE: dict[str, Callable[[Any, Resource], None]] = {
    "aws:iam/policy:Policy": lambda iam, it: iam.create_policy(
        PolicyName=it.text("arn").rpartition("/")[2], PolicyDocument=it.text("policy")
    ),
    "aws:iam/group:Group": lambda iam, it: iam.create_group(GroupName=it.text("name")),
    "aws:iam/role:Role": _role,
    "aws:iam/user:User": _user,
    "aws:iam/rolePolicy:RolePolicy": _inline("role"),
    "aws:iam/userPolicy:UserPolicy": _inline("user"),
    "aws:iam/groupPolicy:GroupPolicy": _inline("group"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _attached("role"),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": _attached("user"),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": _attached("group"),
    "aws:iam/policyAttachment:PolicyAttachment": _attached_to_all,
    "aws:iam/userGroupMembership:UserGroupMembership": _memberships,
    "aws:lambda/function:Function": _function,
    "aws:lambda/permission:Permission": _permission,
}


def _zip() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        packed.writestr("dispatch.py", "")
    return written.getvalue()

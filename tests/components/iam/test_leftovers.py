from collections.abc import Mapping
from typing import Any

import botocore.session
import pulumi
import pytest
from botocore import xform_name

from toolgate.components.iam import leftovers, provider_session
from toolgate.components.iam.iam_documents import AwsEnvironment
from toolgate.components.iam.leftovers import InUseError, NotRemovedError
from toolgate.components.iam.provider_session import NoSessionError

ENGINE = "engine-a1b2c3d4e5"
INPUTS = {"policyEngineId": ENGINE, "name": "agent"}
HERE = AwsEnvironment("aws", "eu-west-1", "123456789012", "amazonaws.com")


class NotFoundError(Exception):
    """What boto3 says of a thing that is gone."""


class Aws:
    """AWS as far as removal sees it: the policies of the engine, and what it refuses.

    Attributes:
        policies: Status by policy, each as (id, name).
        account: Whose the credentials are.
        lingers: How often a policy that is being deleted is still listed.
        raises: What DeletePolicy raises.
        deleted: Ids that were asked to go.
    """

    class exceptions:  # noqa: N801  # boto3's name
        ResourceNotFoundException = NotFoundError

    def __init__(self, policies: Mapping[tuple[str, str], str]) -> None:
        self.policies = dict(policies)
        self.account, self.lingers = "123456789012", 1
        self.raises: Exception | None = None
        self.deleted: list[str] = []
        self.region = ""

    def __call__(self, _settings: Any, region: str) -> "Aws":
        self.region = region
        return self

    def client(self, _service: str) -> "Aws":
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": self.account}

    def get_paginator(self, _operation: str) -> "Aws":
        return self

    def paginate(self, **request: str) -> list[dict[str, Any]]:
        assert request == {"policyEngineId": ENGINE}
        for key in [key for key, status in self.policies.items() if status == "DELETING"]:
            if self.lingers == 0:
                del self.policies[key]
            else:
                self.lingers -= 1
        found = [{"policyId": id, "name": name, "status": status} for (id, name), status in self.policies.items()]
        return [{"policies": found[:1]}, {"policies": found[1:]}]

    def delete_policy(self, **request: str) -> None:
        if self.raises:
            raise self.raises
        self.deleted.append(request["policyId"])
        self.policies = {
            key: "DELETING" if key[0] == request["policyId"] else status for key, status in self.policies.items()
        }


@pytest.fixture
def remove(run: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def removing(aws: Aws) -> Any:
        now: list[float] = [0.0]
        outcome: list[Any] = []

        async def settings(_component: Any) -> dict[str, str]:
            return {}

        async def sleeping(seconds: float) -> None:
            now[0] += seconds

        async def removed() -> None:
            try:
                component = pulumi.ComponentResource("toolgate:index:Component", "c")
                outcome.append(await leftovers.remove_failed_policy(component, INPUTS, HERE))
            except (InUseError, NotRemovedError) as error:
                outcome.append(error)

        with monkeypatch.context() as patched:
            if isinstance(aws, Aws):
                patched.setattr(provider_session, "settings", settings)
            patched.setattr(leftovers, "Session", aws)
            patched.setattr(leftovers, "_sleep", sleeping)
            patched.setattr(leftovers, "_clock", lambda: now[0])
            run(lambda: pulumi.Output.all(removed()))
        return outcome[0]

    return removing


OTHERS = {("agent_2-1", "agent_2"): "CREATE_FAILED", ("other-1", "other"): "ACTIVE"}


def test_only_the_failed_policy_of_exactly_that_name_goes(remove: Any) -> None:
    aws = Aws({**OTHERS, ("agent-1", "agent"): "CREATE_FAILED"})
    assert remove(aws) is True
    assert (aws.deleted, aws.policies, aws.region) == (["agent-1"], OTHERS, "eu-west-1")


def test_where_there_is_none_nothing_is_deleted(remove: Any) -> None:
    aws = Aws(OTHERS)
    assert remove(aws) is False
    assert aws.deleted == []


@pytest.mark.parametrize("status", ["ACTIVE", "CREATING", "UPDATING", "UPDATE_FAILED", "DELETE_FAILED"])
def test_a_policy_that_did_not_fail_to_be_made_is_left_alone(remove: Any, status: str) -> None:
    aws = Aws({("agent-1", "agent"): status, ("agent-2", "agent"): "CREATE_FAILED"})
    assert remove(aws) == InUseError("agent-1", status)
    assert aws.deleted == []


def test_one_that_is_going_already_is_waited_for(remove: Any) -> None:
    aws = Aws({("agent-1", "agent"): "DELETING"})
    aws.lingers = 3
    assert remove(aws) is True
    assert aws.deleted == []


def test_the_wait_ends(remove: Any) -> None:
    aws = Aws({("agent-1", "agent"): "CREATE_FAILED"})
    aws.lingers = 1000
    assert "AWS takes more than 60 s to delete it" in str(remove(aws))


def test_one_that_somebody_else_deleted_meanwhile_is_gone(remove: Any) -> None:
    aws = Aws({("agent-1", "agent"): "CREATE_FAILED"})
    aws.raises = NotFoundError()
    aws.lingers = 0
    key = ("agent-1", "agent")

    def gone(**_: str) -> None:
        aws.policies.pop(key)
        raise NotFoundError

    aws.delete_policy = gone  # type: ignore[method-assign]
    assert remove(aws) is True


def test_another_account_is_not_touched(remove: Any) -> None:
    aws = Aws({("agent-1", "agent"): "CREATE_FAILED"})
    aws.account = "999999999999"
    assert "of account 999999999999, the provider deploys to 123456789012" in str(remove(aws))
    assert aws.deleted == []


def test_a_refusal_is_said(remove: Any) -> None:
    aws = Aws({("agent-1", "agent"): "CREATE_FAILED"})
    aws.raises = RuntimeError("not authorized to perform: bedrock-agentcore:DeletePolicy")
    assert str(remove(aws)) == "RuntimeError: not authorized to perform: bedrock-agentcore:DeletePolicy"


def test_without_the_providers_credentials_nothing_is_asked(remove: Any) -> None:
    def none(_settings: Any, _region: str) -> Any:
        raise NoSessionError("boto3 is not installed beside the program")

    assert str(remove(none)) == "boto3 is not installed beside the program"


@pytest.mark.parametrize(
    ("error", "known"),
    [
        ("ID: agent-f123456789\nCause: While waiting, unexpected state", "agent-f123456789"),
        ('ID: "agent"\nCause: operation error', "POLICY_ID"),
        ("", "POLICY_ID"),
    ],
)
def test_the_commands_name_the_id_where_the_error_has_it(run: Any, error: str, known: str) -> None:
    found: list[str] = []

    async def asked() -> None:
        found.extend(await leftovers.commands(leftovers.POLICY, INPUTS, error, HERE))

    run(lambda: pulumi.Output.all(asked()))
    assert found[1].split("--policy-id ")[1] == f"{known} --region eu-west-1"


def test_each_command_is_one_that_the_aws_cli_has() -> None:
    """It names its commands and options after botocore's operations and their members."""
    control = botocore.session.get_session().get_service_model(leftovers.CONTROL)
    commands = {xform_name(name, "-"): control.operation_model(name) for name in control.operation_names}
    for kind in leftovers.KINDS.values():
        for written in (kind.listed, kind.deleted):
            command, *words = written.split()
            options = {word.removeprefix("--") for word in words if word.startswith("--")}
            shape = commands[command].input_shape
            assert options <= {xform_name(member, "-") for member in shape.members}, written
            assert {xform_name(member, "-") for member in shape.required_members} <= options, written

"""What a failed create left in AWS and not in Pulumi's state: how it is found, and a failed Cedar policy removed.

AgentCore makes a thing first and says later that it failed. The AWS provider then knows its id, and Pulumi's bridge to
the provider throws that away with the error (pulumi/pulumi-terraform-bridge#1495): the thing stays in AWS, holds its
name, and the next create meets a ConflictException. Nobody of us has seen this on AWS; it is read in the sources.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from toolgate.components.iam import provider_session
from toolgate.components.iam.iam_documents import AwsEnvironment
from toolgate.components.iam.provider_session import NoSessionError, Session

CONTROL = "bedrock-agentcore-control"
POLICY = "aws:bedrock/agentcorePolicy:AgentcorePolicy"


@dataclass(frozen=True)
class Kind:
    """A kind of thing that may be left, as the AWS CLI has it.

    Attributes:
        noun: What it is called.
        listed: The command that lists it, a template of the resource's inputs.
        deleted: The command that deletes it, a template of the inputs and of `id`.
        identifier: What stands for an id, or a name, that is not known.
    """

    noun: str
    listed: str
    deleted: str
    identifier: str


KINDS = {
    POLICY: Kind(
        "policy",
        "list-policies --policy-engine-id {policyEngineId}",
        "delete-policy --policy-engine-id {policyEngineId} --policy-id {id}",
        "POLICY_ID",
    ),
    "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine": Kind(
        "policy engine", "list-policy-engines", "delete-policy-engine --policy-engine-id {id}", "ENGINE_ID"
    ),
    "aws:bedrock/agentcoreGateway:AgentcoreGateway": Kind(
        "gateway", "list-gateways", "delete-gateway --gateway-identifier {id}", "GATEWAY_ID"
    ),
    "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget": Kind(
        "target",
        "list-gateway-targets --gateway-identifier {gatewayIdentifier}",
        "delete-gateway-target --gateway-identifier {gatewayIdentifier} --target-id {id}",
        "TARGET_ID",
    ),
    "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime": Kind(
        "runtime", "list-agent-runtimes", "delete-agent-runtime --agent-runtime-id {id}", "RUNTIME_ID"
    ),
    # These two have no id but their name.
    "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider": Kind(
        "credential provider",
        "list-oauth2-credential-providers",
        "delete-oauth2-credential-provider --name {name}",
        "PROVIDER_NAME",
    ),
    "aws:bedrock/agentcoreWorkloadIdentity:AgentcoreWorkloadIdentity": Kind(
        "workload identity", "list-workload-identities", "delete-workload-identity --name {name}", "IDENTITY_NAME"
    ),
}
# What the provider's waiters say of a thing that it has made (hashicorp/terraform-provider-aws internal/retry/error.go
# UnexpectedStateError, TimeoutError; internal/service/smarterr.hcl, its subactions), and a policy's status. In lower
# case.
MADE = ("unexpected state", "while waiting", "while finding", "create_failed")
# botocore bedrock-agentcore-control ConflictException; and what the service says instead of a credential provider and
# of a workload identity, seen live by public repositories. In lower case.
TAKEN = ("conflictexception", "credential provider with name:", "workloadidentity with name '")
# What the provider calls the thing: its id once it is made, its name in quotes before (the same smarterr.hcl).
_ID = re.compile(r"\bID: ([A-Za-z0-9][A-Za-z0-9_-]*)(?=\s|$)")
# botocore bedrock-agentcore-control PolicyStatus
FAILED, GOING = "CREATE_FAILED", "DELETING"
LONGEST_REMOVAL = 60.0
BETWEEN_LOOKS = 2.0

_sleep = asyncio.sleep
_clock = time.monotonic


class NotRemovedError(Exception):
    """A failed policy is not removed; the text says why."""


@dataclass
class InUseError(Exception):
    """The name is held by a policy that did not fail.

    Attributes:
        policy_id: Its id.
        status: Its status.
    """

    policy_id: str
    status: str


def made(error: str) -> bool:
    """Whether a create failed after AWS had made the thing."""
    return any(phrase in error.lower() for phrase in MADE)


def taken(error: str) -> bool:
    """Whether a create failed because something in AWS holds the name."""
    return any(phrase in error.lower() for phrase in TAKEN)


async def commands(kind: str, inputs: Mapping[str, Any], error: str, here: AwsEnvironment) -> list[str]:
    """The commands that find a thing and delete it.

    Args:
        kind: Its type, one of `KINDS`.
        inputs: The resource's inputs.
        error: The provider's error, which may name its id.
        here: Where it is.
    """
    it, values = KINDS[kind], dict(inputs)
    known = {name: await _known(values.get(name, "")) for name in ("policyEngineId", "gatewayIdentifier")}
    known["id"] = found.group(1) if (found := _ID.search(error)) else it.identifier
    known["name"] = await _known(values.get("name") or it.identifier)
    tail = f" --region {await _known(here.region)}"
    if profile := pulumi.Config("aws").get("profile"):
        tail += f" --profile {profile}"
    return [f"aws {CONTROL} {command.format_map(known)}{tail}" for command in (it.listed, it.deleted)]


async def import_command(
    component: pulumi.ComponentResource, name: str, inputs: Mapping[str, Any], policy_id: str
) -> str:
    """The command that takes a policy over into the stack, where the program has it.

    Args:
        component: The policy's parent.
        name: Its name in the program.
        inputs: Its inputs.
        policy_id: Its id in AWS.
    """
    parent = await _known(component.urn)
    what = f"{POLICY} {name} {await _known(inputs.get('policyEngineId'))},{policy_id}"
    return f"pulumi import {what} --parent '{parent.rpartition('::')[2]}={parent}'"


async def remove_failed_policy(
    component: pulumi.ComponentResource, inputs: Mapping[str, Any], here: AwsEnvironment
) -> bool:
    """Remove the policy that a failed create left, and wait until its name is free.

    Only a policy of exactly this name in exactly this engine, and only one that AWS gave up making: nothing was ever
    decided by it.

    Args:
        component: The policy's parent, for its provider.
        inputs: The policy's inputs.
        here: Where the provider deploys to.

    Returns:
        Whether there was one.

    Raises:
        InUseError: A policy that did not fail has the name; it is left alone.
        NotRemovedError: AWS cannot be asked as the provider asks it, refuses, or takes too long.
    """
    engine, name = [await _known(inputs.get(key)) for key in ("policyEngineId", "name")]
    region, account = await _known(here.region), await _known(here.account)
    try:
        settings = await provider_session.settings(component)
        # boto3 blocks; another thread lets the other hooks and the program go on.
        control = await asyncio.to_thread(_control, settings, region, account)
        found = await asyncio.to_thread(_policies, control, engine, name)
        for policy in found:
            if policy["status"] not in (FAILED, GOING):
                raise InUseError(policy["policyId"], policy["status"])
        for policy in found:
            if policy["status"] == FAILED:
                await asyncio.to_thread(_delete, control, engine, policy["policyId"])
        until = _clock() + LONGEST_REMOVAL
        while await asyncio.to_thread(_policies, control, engine, name):
            if _clock() >= until:
                raise NotRemovedError(f"AWS takes more than {LONGEST_REMOVAL:.0f} s to delete it")
            await _sleep(BETWEEN_LOOKS)
    except (InUseError, NotRemovedError):
        raise
    except NoSessionError as error:
        raise NotRemovedError(str(error)) from error
    except Exception as error:  # boto3's errors have two roots, and whatever it was, the commands are what helps
        raise NotRemovedError(f"{type(error).__name__}: {error}") from error
    return bool(found)


def _control(settings: provider_session.Settings, region: str, account: str) -> Any:
    session = Session(settings, region)
    found = session.client("sts").get_caller_identity()["Account"]
    if found != account:
        raise NotRemovedError(f"the credentials found here are of account {found}, the provider deploys to {account}")
    return session.client(CONTROL)


def _policies(control: Any, engine: str, name: str) -> list[Mapping[str, Any]]:
    pages = control.get_paginator("list_policies").paginate(policyEngineId=engine)
    return [policy for page in pages for policy in page["policies"] if policy["name"] == name]


def _delete(control: Any, engine: str, policy_id: str) -> None:
    try:
        control.delete_policy(policyEngineId=engine, policyId=policy_id)
    except control.exceptions.ResourceNotFoundException:
        return


async def _known(value: Any) -> Any:
    return await pulumi.Output.from_input(value).future()

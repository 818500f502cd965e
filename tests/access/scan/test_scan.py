"""A scan of an account says what the deployment that the account was made of says."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import boto3
import pytest

from tests.access.scan.fake_account import SECRET
from tests.access.scan.token_answers import TokenAnswers
from tests.planning import planned
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.scan.scan import scan
from toolgate.local.plan import judge

Account = Callable[[Mapping[str, Any]], AbstractContextManager[boto3.Session]]
Cell = tuple[str, str, str]


def _cells(export: Mapping[str, Any]) -> dict[Cell, tuple[str, tuple[str, ...]]]:
    entries = matrix(parse(export)).entries
    return {(it.principal, it.gateway, it.tool): (str(it.decision), it.conditions) for it in entries}


def _chain(export: Mapping[str, Any]) -> set[tuple[Any, ...]]:
    """Who may ask which agent, and every way around a gateway; a way's words have the names of the program."""
    judged = matrix(parse(export))
    return {
        *((it.principal, it.runtime, it.how, it.access) for it in judged.asks),
        *((it.principal, it.target, it.tools, it.access) for it in judged.bypasses),
    }


@pytest.mark.parametrize("stack", ["dev", "agents", "gateways", "jwt", "prod"])
def test_every_cell_of_the_scan_is_that_of_the_deployment(account: Account, stack: str) -> None:
    deployment = planned(stack).deployment
    with account(deployment) as session:
        found = scan(TokenAnswers(deployment).before(session), (), lambda _: None)
    assert _cells(found) == _cells(deployment)
    assert _cells(found)
    assert _chain(found) == _chain(deployment)
    assert SECRET not in json.dumps(found)


INVOKE = "bedrock-agentcore:InvokeGateway"


def _document(effect: str, resource: str, **more: Any) -> str:
    statement = {"Effect": effect, "Action": INVOKE, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_users_groups_boundaries_and_resource_policies_as_well(
    account: Account, handmade: dict[str, Any], add: Callable[..., None]
) -> None:
    tools = next(it.arn for it in parse(handmade).gateways if it.name == "handmade-tools")
    root = "arn:aws:iam::123456789012"
    add("aws:iam/policy:Policy", "invoke", {"policy": _document("Allow", tools)}, {"arn": f"{root}:policy/invoke"})
    add("aws:iam/group:Group", "staff", {"name": "staff"})
    staff = {"group": "staff", "policyArn": f"{root}:policy/invoke"}
    add("aws:iam/groupPolicyAttachment:GroupPolicyAttachment", "staff", staff)
    for name in ("ann", "eve"):
        add("aws:iam/user:User", name, {"name": name, "path": "/people/"}, {"arn": f"{root}:user/people/{name}"})
        add("aws:iam/userGroupMembership:UserGroupMembership", name, {"user": name, "groups": ["staff"]})
    refused = {"user": "eve", "name": "refused", "policy": _document("Deny", "*")}
    add("aws:iam/userPolicy:UserPolicy", "refused", refused)
    stranger = _document("Allow", tools, Principal={"AWS": "arn:aws:iam::999999999999:role/stranger"})
    own = {"resourceArn": tools, "policy": stranger}
    add("aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy", "own", own)
    with account(handmade) as session:
        found = scan(session, (), lambda _: None)
    cells = _cells(found)
    assert _chain(found) == {it for it in _chain(handmade) if ":group/" not in it[0]}
    # Who else is in a group, a program does not know, and an account does.
    assert cells == {key: cell for key, cell in _cells(handmade).items() if ":group/" not in key[0]}
    decided = {who.rpartition("/")[2]: cell[0] for (who, gateway, _), cell in cells.items() if gateway == tools}
    assert decided["ann"] == "allow"
    assert decided["stranger"] == "undecided"
    assert "eve" not in decided


def test_permissions_of_functions_are_ways_around_as_in_the_deployment(
    account: Account, handmade: dict[str, Any], add: Callable[..., None]
) -> None:
    [function] = {it.arn: it for it in parse(handmade).functions}.values()
    account_of_others = {"principal": "arn:aws:iam::999999999999:root"}
    bucket = {"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::b", "sourceAccount": "123456789012"}
    for name, given in (("others", account_of_others), ("bucket", bucket)):
        of = {"function": function.name, "statementId": name, "action": "lambda:InvokeFunction", **given}
        add("aws:lambda/permission:Permission", name, of)
    with account(handmade) as session:
        found = scan(session, (), lambda _: None)
    assert _chain(found) == _chain(handmade)
    assert {principal for principal, *_ in _chain(found)} >= {"arn:aws:iam::999999999999:root"}


def test_the_rules_say_of_the_scan_what_they_say_of_the_deployment(account: Account) -> None:
    planned_ = planned("prod")
    with account(planned_.deployment) as session:
        found = scan(session, (), lambda _: None)
    told = {(it.rule, it.level) for it in judge(found).violations}
    # What the local control plane does not list is the one difference.
    assert told - {("undecided-in-preview", "advisory")} == {(it.rule, it.level) for it in planned_.violations}

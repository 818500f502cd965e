"""An account's roles, users, groups and managed policies, all of them from one paginated call.

Roles of Identity Center's permission sets are roles like others (`AWSReservedSSO_...`); what a session of theirs is
held to besides, nobody can read here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.access.deployment.not_read import IDENTITY_POLICIES, NotRead
from toolgate.access.scan.calls import ACCOUNT_DETAILS
from toolgate.access.scan.reader import Reader, UnreadError
from toolgate.access.scan.resources import Found, document, note
from toolgate.policy.language.agentcore_facts import (
    GROUP,
    GROUP_ATTACHMENT,
    GROUP_POLICY,
    GROUPS_OF_USER,
    MANAGED_POLICY,
    ROLE,
    ROLE_ATTACHMENT,
    ROLE_POLICY,
    USER,
    USER_ATTACHMENT,
    USER_POLICY,
)

type _Detail = Mapping[str, Any]

_PAGE = 1000
"""The largest page (botocore)."""
_KINDS = {
    "Group": (GROUP, GROUP_POLICY, GROUP_ATTACHMENT),
    "Role": (ROLE, ROLE_POLICY, ROLE_ATTACHMENT),
    "User": (USER, USER_POLICY, USER_ATTACHMENT),
}
"""By the word that the members of a detail begin with: the types of it, its inline and its attached policies."""
_LISTS = ("Policies", *(f"{kind}DetailList" for kind in _KINDS))


def identities(reader: Reader, account: str) -> Iterator[Found]:
    """Managed policies that somebody has, then groups, roles and users with their policies.

    Args:
        reader: Asks IAM.
        account: The ARN that stands for the whole account (`arn:aws:iam::<account>:root`).
    """
    lists: dict[str, list[_Detail]] = {name: [] for name in _LISTS}
    try:
        for page in reader.pages(ACCOUNT_DETAILS, PaginationConfig={"PageSize": _PAGE}):
            for name in _LISTS:
                lists[name] += page.get(name) or ()
    except UnreadError as error:
        what = "a part of the roles, users, groups and managed policies of the account"
        yield note(NotRead(what, str(error), account, IDENTITY_POLICIES))
    else:
        _add_members(lists)
    details = [(kind, detail) for kind in _KINDS for detail in lists[f"{kind}DetailList"]]
    used = {arn for _, detail in details for arn in (*_attached(detail), _boundary(detail))}
    # AWS lists all of its own policies, too, or those in use: it does not say which.
    yield from (_managed(policy) for policy in lists["Policies"] if policy["Arn"] in used)
    for kind, detail in details:
        yield from _identity(kind, detail)
    groups = {detail["GroupName"] for detail in lists["GroupDetailList"]}
    for user in lists["UserDetailList"]:
        yield from _memberships(user, groups)


def _add_members(lists: dict[str, list[_Detail]]) -> None:
    """Who is in a group, once all users are read: then nobody else is in it."""
    users = lists["UserDetailList"]
    lists["GroupDetailList"] = [
        {**group, "Members": [it["UserName"] for it in users if group["GroupName"] in _groups(it)]}
        for group in lists["GroupDetailList"]
    ]


def _groups(user: _Detail) -> list[str]:
    return list(user.get("GroupList") or ())


def _managed(policy: _Detail) -> Found:
    text = next((it.get("Document") for it in policy["PolicyVersionList"] if it.get("IsDefaultVersion")), None)
    ours = policy["Arn"].split(":")[4] != "aws"
    name = policy["Arn"].rpartition("/")[2]
    inputs = {"name": name, "path": policy.get("Path"), "policy": document(text)}
    if not ours:  # no program writes it: by its ARN the rules know whose it is
        inputs["arn"] = policy["Arn"]
    return Found(MANAGED_POLICY, name if ours else f"aws/{name}", inputs, {"arn": policy["Arn"]})


def _identity(kind: str, detail: _Detail) -> Iterator[Found]:
    of, inline, attachment = _KINDS[kind]
    name, arn, who = detail[f"{kind}Name"], detail["Arn"], kind.lower()
    inputs = {
        "name": name,
        "path": detail.get("Path"),
        "permissionsBoundary": _boundary(detail),
        "tags": {tag["Key"]: tag["Value"] for tag in detail.get("Tags") or ()} or None,
    }
    if kind == "Role":
        inputs["assumeRolePolicy"] = document(detail.get("AssumeRolePolicyDocument"))
    outputs = {"arn": arn, "uniqueId": detail.get(f"{kind}Id"), "members": detail.get("Members")}
    yield Found(of, name, inputs, outputs, arn, IDENTITY_POLICIES)
    for policy in detail.get(f"{kind}PolicyList") or ():
        own = {who: name, "name": policy["PolicyName"], "policy": document(policy.get("PolicyDocument"))}
        yield Found(inline, f"{name}/{policy['PolicyName']}", own, {}, arn, IDENTITY_POLICIES)
    for given in _attached(detail):
        yield Found(attachment, f"{name}/{given.rpartition('/')[2]}", {who: name, "policyArn": given}, {})


def _memberships(user: _Detail, groups: set[str]) -> Iterator[Found]:
    name, listed = user["UserName"], _groups(user)
    if listed:
        yield Found(GROUPS_OF_USER, name, {"user": name, "groups": listed}, {})
    for group in sorted({*listed} - groups):
        missing = NotRead(f"group '{group}' of user '{name}'", "IAM did not list it", user["Arn"], IDENTITY_POLICIES)
        yield note(missing)


def _attached(detail: _Detail) -> list[str]:
    return [it["PolicyArn"] for it in detail.get("AttachedManagedPolicies") or ()]


def _boundary(detail: _Detail) -> str | None:
    boundary: str | None = (detail.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    return boundary

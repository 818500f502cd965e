"""What the person or pipeline that deploys a stack must be allowed, as an IAM document.

It follows from what the program creates: a plan (or a stack's export) says which resources there are and how they are
named, `actions` what is called for each type. Nothing else is in it, and no name of another stack.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.stack_export import Resource, resources
from toolgate.access.iam.policies import read_statements
from toolgate.deployer.actions import KEY, OF_STACK, STACK_TAG, TYPES
from toolgate.deployer.grants import ANYTHING, Grant
from toolgate.local.cloud.cloud_environment import dns_suffix
from toolgate.policy.language.agentcore_facts import ROLE, ROLE_POLICY, USER_POOL

# What AWS or Pulumi puts to a name to make it unique, at the end of an ARN or of a part of it.
_AGENTCORE_SUFFIX = re.compile(r"(?<=-)[0-9a-zA-Z]{10}(?=/|$)")
_PULUMI_SUFFIX = re.compile(r"(?<=-)[0-9a-f]{7}$")
# What AWS draws by lot, with nothing beside it in the ARN that says whose it is: a KMS key's id, and of a user pool's
# what follows the Region.
_DRAWN = {KEY: re.compile(r"(?<=/)[0-9a-z-]{36}$"), USER_POOL: re.compile(r"(?<=_)[0-9a-zA-Z]+$")}
STILL_UNMADE = {"KMS key": re.compile(r":kms:.*/\?{36}$"), "user pool": re.compile(r":cognito-idp:.*_\?+$")}
"""How a document names what is still to be made."""
_SECRET_SUFFIX = re.compile(r"(?<=-)[0-9a-zA-Z]{6}$")
_ARN_KEYS = (
    *("arn", "gatewayArn", "agentRuntimeArn", "policyEngineArn", "dashboardArn", "resourceArn"),
    *("workloadIdentityArn", "credentialProviderArn"),
)
# What a client of a gateway was handed, by the client's id, which Cognito draws by lot (components/interceptors).
_CALLER = re.compile(r"(?<=/)[0-9a-z]{26}$")
_CALLERS = ":parameter/toolgate/callers/"
# AgentCore puts nothing to these names.
_OF_IDENTITY = re.compile(r":(?:workload-identity-directory|token-vault)/")
_PROFILE = re.compile(r"arn:[^:]+:bedrock:[^:]+:[0-9]*:(?:application-)?inference-profile/.+")

# What is encrypted is decrypted for whoever reads it.
_READS = re.compile(r"[a-z0-9-]+:(Describe|Get|List)|(kms:Decrypt|apigateway:GET)$")


@dataclass(frozen=True)
class _Unmade:
    """What is still to be made, and whose ARN will be another one."""

    arn: str
    """With `?` for what AWS draws by lot."""
    stack: str | None
    """Whose its tag says that it is."""


class DeployerError(Exception):
    """No document can be written; the text says why and what to do."""


def permissions(
    export: Mapping[str, Any], account: str | None = None, *, read_only: bool = False, planned: bool = True
) -> dict[str, Any]:
    """The IAM document for whoever deploys this.

    Args:
        export: A deployment: `{"version": 3, "deployment": {"resources": [...]}}`.
        account: The account it goes to, 12 digits; without it, the deployment's own.
        read_only: For a preview and a drift check, which change nothing.
        planned: Whether the deployment is still to be made: AWS then gives its KMS keys and user pools other ids than
            they have here, and nothing else in their ARNs says whose they are. One with the stack's tag is known by it.

    Raises:
        DeploymentError: The deployment cannot be read.
        DeployerError: It holds a resource type of which nobody has written what its deployment calls.
    """
    found = resources(export)
    unmade = {it.text("arn"): _unmade(it) for it in found if planned and it.type in _DRAWN}
    every = _reading(_statements(found, unmade)) if read_only else _statements(found, unmade)
    statements = _merged(_merged(every, "Action", "Resource"), "Resource", "Action")
    document = {"Version": "2012-10-17", "Statement": list(_counted(statements))}
    if account:
        document = _moved(document, _account(found), account)
    return document


def _merged(statements: Iterable[dict[str, Any]], same: str, joined: str) -> list[dict[str, Any]]:
    """One statement for all that are alike in `same` and in their condition; their `joined` are put together."""
    by_key: dict[str, dict[str, Any]] = {}
    for statement in statements:
        key = json.dumps([statement[same], statement.get("Condition")])
        first = by_key.setdefault(key, {**statement, joined: []})
        first[joined] = sorted({*first[joined], *statement[joined]})
    return list(by_key.values())


def _counted(statements: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The statements under names of their own: not all resources of a type need the same."""
    seen: Counter[str] = Counter()
    for statement in statements:
        sid = statement["Sid"]
        seen[sid] += 1
        yield statement if seen[sid] == 1 else {**statement, "Sid": f"{sid}{seen[sid]}"}


def _reading(statements: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for statement in statements:
        if actions := [action for action in statement["Action"] if _READS.match(action)]:
            yield statement | {"Action": actions}


def _statements(found: Sequence[Resource], unmade: Mapping[str, _Unmade]) -> Iterator[dict[str, Any]]:
    for resource in found:
        if (resource.written or resource.type).startswith(("aws:", "aws-native:")):
            for grant in _grants(resource):
                if not grant.when(resource) or (grant.unmade and resource.get("arn") not in unmade):
                    continue
                owners = grant.of(resource, found)
                if not owners:
                    raise DeployerError(
                        f"{resource.label}: what it is a part of or names ({grant.sid}) is neither in the deployment "
                        "nor named by its ARN."
                    )
                yield from (_statement(grant, owner, unmade) for owner in owners)
        if resource.type == ROLE_POLICY:
            yield from _profiles(resource)


def _unmade(resource: Resource) -> _Unmade:
    tag = resource.mapping("tags").get(STACK_TAG)
    arn = _DRAWN[resource.type].sub(lambda drawn: "?" * len(drawn[0]), resource.text("arn"))
    return _Unmade(arn, tag if isinstance(tag, str) else None)


def _grants(resource: Resource) -> Sequence[Grant]:
    written = resource.written or resource.type
    if written not in TYPES:
        raise DeployerError(
            f"{resource.label}: what deploying a {written} calls is not known. Add the type to deployer/actions.py."
        )
    return TYPES[written]


def _statement(grant: Grant, owner: Resource | str, unmade: Mapping[str, _Unmade]) -> dict[str, Any]:
    arn = owner if isinstance(owner, str) else _lasting_arn(owner)
    to_be_made = unmade.get(arn)
    stack = to_be_made.stack if to_be_made else None
    conditions = [grant.condition or {}]
    if to_be_made:
        arn = to_be_made.arn
        conditions += [{"StringEquals": OF_STACK}] if stack and ANYTHING not in grant.on else []
    _, partition, service, region, account, rest = arn.split(":", 5)
    words = {
        "arn": arn,
        "place": f"arn:{partition}:{service}:{region}:{account}",
        "partition": partition,
        "region": region,
        "dns_suffix": dns_suffix(region),
        "account": account,
        "stack": stack,
        "name": rest.rpartition("/")[2].removesuffix("-" + "?" * 10),
    }
    boundary = owner.get("permissionsBoundary") if grant.bounded and isinstance(owner, Resource) else None
    if boundary:
        conditions.append({"StringEquals": {"iam:PermissionsBoundary": boundary}})
    if ANYTHING in grant.on:
        conditions.append({"StringEquals": {"aws:RequestedRegion": region}})
    # A role that others made is bounded by them.
    sid = "GivenRoles" if grant.bounded and isinstance(owner, str) else grant.sid
    made = {"Sid": sid, "Effect": "Allow", "Action": list(grant.actions)}
    made["Resource"] = [template.format_map(words) for template in grant.on]
    condition = _all(conditions, words)
    return made | ({"Condition": condition} if condition else {})


def _all(conditions: Iterable[Mapping[str, Mapping[str, str]]], words: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """One condition that holds where all of these hold."""
    joined: dict[str, dict[str, str]] = {}
    for condition in conditions:
        for operator, keys in condition.items():
            filled = {key: value.format_map(words) for key, value in keys.items()}
            joined.setdefault(operator, {}).update(filled)
    return joined


def _lasting_arn(resource: Resource) -> str:
    """The resource's ARN with `?` for each character that would be another one if it were made anew."""
    arn = resource.text(next((key for key in _ARN_KEYS if resource.get(key) is not None), "arn"))
    if ":bedrock-agentcore:" in arn and not _OF_IDENTITY.search(arn):
        return _AGENTCORE_SUFFIX.sub("?" * 10, arn)
    if ":secretsmanager:" in arn:
        name = _SECRET_SUFFIX.sub("", arn).removesuffix("-")
        return (_PULUMI_SUFFIX.sub("?" * 7, name) if f"{resource.name}-" in name else name) + "-" + "?" * 6
    if _CALLERS in arn:
        return _CALLER.sub("?" * 26, arn)
    return _PULUMI_SUFFIX.sub("?" * 7, arn) if f"{resource.name}-" in arn else arn


def _profiles(policy: Resource) -> Iterator[dict[str, Any]]:
    """Looking up the inference profiles whose models the program grants."""
    for statement in read_statements(policy, "policy"):
        named = () if statement.resources.negated else statement.resources.values
        if profiles := [arn for arn in named if isinstance(arn, str) and _PROFILE.fullmatch(arn)]:
            sid, action = "InferenceProfiles", "bedrock:GetInferenceProfile"
            yield {"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": profiles}


def _account(found: Sequence[Resource]) -> str:
    accounts = {it.text("arn").split(":")[4] for it in found if it.type == ROLE}
    if not found:
        return ""
    if len(accounts) != 1:
        raise DeployerError("the deployment has no role, or roles of several accounts. Leave --account out.")
    return accounts.pop()


def _moved(value: Any, old: str, new: str) -> Any:
    """The document for another account."""
    if isinstance(value, dict):
        return {key: _moved(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, old, new) for item in value]
    return value.replace(f":{old}:", f":{new}:")

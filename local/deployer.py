"""`python -m local.deployer`: what the person or pipeline that deploys a stack must be allowed, as an IAM document.

It follows from what the program creates: a plan (or a stack's export) says which resources there are and how they are
named, `deployer_actions` what is called for each type. Nothing else is in it, and no name of another stack.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from access.export import DeploymentError, Resource, load, resources
from access.policies import read_document
from local import managed_policies
from local.deployer_actions import KEY, ROLE, ROLE_POLICY, TYPES
from local.deployer_grants import ANYTHING, Grant

OK, FAILED = 0, 2

# What AWS or Pulumi puts to a name to make it unique, at the end of an ARN or of a part of it.
_AGENTCORE_SUFFIX = re.compile(r"(?<=-)[0-9a-zA-Z]{10}(?=/|$)")
_PULUMI_SUFFIX = re.compile(r"(?<=-)[0-9a-f]{7}$")
# A KMS key's id: 36 characters, all of AWS's choice.
UNMADE_KEY = "{}/" + "?" * 36
_ARN_KEYS = ("arn", "gatewayArn", "agentRuntimeArn", "policyEngineArn", "dashboardArn", "resourceArn")
_PROFILE = re.compile(r"arn:[^:]+:bedrock:[^:]+:[0-9]*:(?:application-)?inference-profile/.+")

# What is encrypted is decrypted for whoever reads it.
_READS = re.compile(r"[a-z0-9-]+:(Describe|Get|List)|kms:Decrypt$")


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
        planned: Whether the deployment is still to be made: AWS then gives its KMS key another id than it has here, and
            nothing in a key's ARN but its id says whose it is.

    Raises:
        DeploymentError: The deployment cannot be read.
        DeployerError: It holds a resource type of which nobody has written what its deployment calls.
    """
    found = resources(export)
    unmade = {it.text("arn") for it in found if planned and it.type == KEY}
    every = _reading(_statements(found, unmade)) if read_only else _statements(found, unmade)
    statements = _merged(_merged(every, "Action", "Resource"), "Resource", "Action")
    sids = [statement["Sid"] for statement in statements]
    if twice := sorted({sid for sid in sids if sids.count(sid) > 1}):
        raise DeployerError(
            f"the resources lie in several Regions or partitions ({', '.join(twice)}). Split the stack."
        )
    document = {"Version": "2012-10-17", "Statement": statements}
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


def _reading(statements: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for statement in statements:
        if actions := [action for action in statement["Action"] if _READS.match(action)]:
            yield statement | {"Action": actions}


def _statements(found: Sequence[Resource], unmade: Set[str]) -> Iterator[dict[str, Any]]:
    for resource in found:
        if resource.type.startswith("aws:"):
            for grant in _grants(resource):
                if not grant.when(resource):
                    continue
                owners = grant.of(resource, found)
                if not owners:
                    raise DeployerError(
                        f"{resource.label}: what it is a part of ({grant.sid}) is not in the deployment."
                    )
                yield from (_statement(grant, owner, unmade) for owner in owners)
        if resource.type == ROLE:
            yield from _passing(resource)
        elif resource.type == ROLE_POLICY:
            yield from _profiles(resource)


def _grants(resource: Resource) -> Sequence[Grant]:
    if resource.type not in TYPES:
        raise DeployerError(
            f"{resource.label}: what deploying a {resource.type} calls is not known. "
            "Add the type to local/deployer_actions.py."
        )
    return TYPES[resource.type]


def _statement(grant: Grant, owner: Resource | str, unmade: Set[str]) -> dict[str, Any]:
    arn = owner if isinstance(owner, str) else _lasting_arn(owner)
    if arn in unmade:
        arn = UNMADE_KEY.format(arn.rpartition("/")[0])
    _, partition, service, region, account, rest = arn.split(":", 5)
    words = {
        "arn": arn,
        "place": f"arn:{partition}:{service}:{region}:{account}",
        "partition": partition,
        "region": region,
        "account": account,
        "name": rest.rpartition("/")[2].removesuffix("-" + "?" * 10),
    }
    made = {"Sid": grant.sid, "Effect": "Allow", "Action": list(grant.actions)}
    condition = _filled(grant.condition, words)
    boundary = owner.get("permissionsBoundary") if grant.bounded and isinstance(owner, Resource) else None
    if boundary:
        condition = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    if ANYTHING in grant.on:
        condition = {**(condition or {}), "StringEquals": {"aws:RequestedRegion": region}}
    made["Resource"] = [template.format_map(words) for template in grant.on]
    return made | ({"Condition": condition} if condition else {})


def _filled(condition: Mapping[str, Mapping[str, str]] | None, words: Mapping[str, str]) -> dict[str, Any] | None:
    if condition is None:
        return None
    return {
        operator: {key: value.format_map(words) for key, value in keys.items()} for operator, keys in condition.items()
    }


def _lasting_arn(resource: Resource) -> str:
    """The resource's ARN with `?` for each character that would be another one if it were made anew."""
    arn = resource.text(next((key for key in _ARN_KEYS if resource.get(key) is not None), "arn"))
    if ":bedrock-agentcore:" in arn:
        return _AGENTCORE_SUFFIX.sub("?" * 10, arn)
    return _PULUMI_SUFFIX.sub("?" * 7, arn) if f"{resource.name}-" in arn else arn


def _passing(role: Resource) -> Iterator[dict[str, Any]]:
    """Handing the role to the services that its trust policy names, and to no other."""
    for statement in _listed(read_document(role, "assumeRolePolicy", role.get("assumeRolePolicy"))["Statement"]):
        principal = statement.get("Principal")
        for service in _listed(principal.get("Service", []) if isinstance(principal, Mapping) else []):
            yield {
                "Sid": "PassTo" + "".join(word.capitalize() for word in re.split(r"[.-]", service.partition(".")[0])),
                "Effect": "Allow",
                "Action": ["iam:PassRole"],
                "Resource": [_lasting_arn(role)],
                "Condition": {"StringEquals": {"iam:PassedToService": service}},
            }


def _profiles(policy: Resource) -> Iterator[dict[str, Any]]:
    """Looking up the inference profiles whose models the program grants."""
    for statement in _listed(read_document(policy, "policy", policy.get("policy"))["Statement"]):
        if profiles := [arn for arn in _listed(statement.get("Resource", [])) if _PROFILE.fullmatch(arn)]:
            sid, action = "InferenceProfiles", "bedrock:GetInferenceProfile"
            yield {"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": profiles}


def _listed(value: Any) -> list[Any]:
    """IAM writes one of something without a list."""
    return value if isinstance(value, list) else [value]


def _account(found: Sequence[Resource]) -> str:
    accounts = {it.text("arn").split(":")[4] for it in found if it.type == ROLE}
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the document; what there is to say about it goes to standard error."""
    options = _parser().parse_args(arguments)
    try:
        export = load(options.deployment) if options.deployment else _planned(options.stack)
        planned = options.deployment is None
        document = permissions(export, options.account, read_only=options.read_only, planned=planned)
        _note_unmade_key(document)
        if options.folder:
            _write(document, options.folder)
            return OK
    except (DeployerError, DeploymentError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    print(json.dumps(document, indent=2))
    taken = managed_policies.size(document)
    if taken > managed_policies.LARGEST:
        print(
            f"{taken} characters: too large for one managed policy ({managed_policies.LARGEST}). Write several with "
            "--folder FOLDER.",
            file=sys.stderr,
        )
    return OK


def _note_unmade_key(document: Mapping[str, Any]) -> None:
    if "?" * 36 in json.dumps(document):
        print(
            "The stack's KMS key has no id yet, so the document names every key of the account in the Region. After "
            "the first deployment print it anew from the stack's export: --deployment FILE.",
            file=sys.stderr,
        )


def _write(document: Mapping[str, Any], folder: Path) -> None:
    """Write managed policies into a folder and print their paths."""
    try:
        parts = managed_policies.split(document)
    except managed_policies.TooLargeError as error:
        raise DeployerError(f"{error}. Split the stack.") from error
    folder.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(parts, 1):
        file = folder / f"deployer-{number}.json"
        file.write_text(json.dumps(part, indent=2) + "\n", encoding="utf-8")
        print(file)


def _planned(stack: str) -> Mapping[str, Any]:
    # Pulumi's SDK costs half a second, and a given file needs none of it.
    from local.plan import PackError, ProgramError, plan  # noqa: PLC0415

    try:
        return plan(stack).deployment
    except (ProgramError, PackError) as error:
        raise DeployerError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.deployer", description="What deploying a stack must allow.")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--stack", default="dev", help="the stack to plan (default: dev)")
    source.add_argument("--deployment", type=Path, help="a deployment file (`pulumi stack export`) instead of a plan")
    parser.add_argument("--account", type=_account_id, help="the account it goes to (default: the deployment's own)")
    parser.add_argument("--folder", type=Path, help="write managed policies there (deployer-1.json, ...), do not print")
    parser.add_argument("--read-only", action="store_true", help="only what a preview and a drift check call")
    return parser


def _account_id(text: str) -> str:
    if not re.fullmatch(r"\d{12}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text} is no account id; give 12 digits")
    return text


if __name__ == "__main__":
    sys.exit(main())

"""Secrets of Secrets Manager, as far as they say who may read a client's: their policies, and what is in them.

What a secret holds an export hides. That it is made of a client it tells: Pulumi notes of each property whose outputs
went into it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from toolgate.access.deployment.data_resources import SECRET, service_of
from toolgate.access.deployment.stack_export import DeploymentError, Resource
from toolgate.access.iam.policies import UNREAD, Policy, read_policy
from toolgate.policy.language.grammar import RESOURCE_POLICY

SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105  # a type
SECRET_POLICY = "aws:secretsmanager/secretPolicy:SecretPolicy"  # noqa: S105  # a type
_CONTENT = ("secretString", "secretStringWo", "secretBinary")


@dataclass(frozen=True)
class Secrets:
    """What is known of secrets.

    Attributes:
        policies: The policy on each that has one, by its ARN; `UNREAD` where it cannot be read.
        made_of: URNs of the resources that a secret's value is made of, by its ARN.
        arns: The ARNs of the deployment's own by what else names them: their names.
    """

    policies: Mapping[str, Policy]
    made_of: Mapping[str, frozenset[str]]
    arns: Mapping[str, str]

    def holding(self, urn: str) -> Iterator[str]:
        """ARNs of those whose value is made of a resource."""
        return (arn for arn, urns in self.made_of.items() if urn in urns)


def read_secrets(data: Sequence[Resource]) -> Secrets:
    """The secrets among the resources that keep data."""
    of_service = [it for it in data if service_of(it.type) == "secretsmanager"]
    secrets = [it for it in of_service if it.type == SECRET and isinstance(it.get("arn"), str)]
    arns = {
        name: str(it.get("arn")) for it in secrets for name in (it.get("id"), it.get("name")) if isinstance(name, str)
    }
    policies = {str(it.get("arn")): _policy(it) for it in secrets if it.inputs.get("policy")}
    made_of: dict[str, frozenset[str]] = {}
    for it in of_service:
        arn = _named(it, arns)
        if it.type == SECRET_POLICY and arn:
            policies[arn] = _policy(it)
        elif it.type == SECRET_VERSION and arn:
            urns = frozenset(urn for key in _CONTENT for urn in it.made_of.get(key, ()))
            made_of[arn] = made_of.get(arn, frozenset()) | urns
    return Secrets(policies, made_of, arns)


def _named(resource: Resource, arns: Mapping[str, str]) -> str | None:
    """The ARN of the secret that a policy or a version is of; Secrets Manager takes the name as well."""
    name = resource.get("secretArn" if resource.type == SECRET_POLICY else "secretId")
    return arns.get(name, name) if isinstance(name, str) else None


def _policy(resource: Resource) -> Policy:
    try:
        return read_policy(resource, resource.name, resource.get("policy"), RESOURCE_POLICY)
    except DeploymentError:
        return UNREAD

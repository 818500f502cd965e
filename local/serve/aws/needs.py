"""What a call needs to be allowed: the parts that the table of operations is made of."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.aws.protocols import Parameters, malformed, not_reproduced
from toolgate.local.serve.guards.iam_guard import NeededPermission
from toolgate.policy.language.request_facts import Fact

ANYTHING = "*"
"""What an action that takes no resource is asked on."""


@dataclass(frozen=True)
class DataAccount:
    """What has to be known of the account's resources to decide.

    Attributes:
        env: The account and Region.
        hash_keys: Tables' partition keys by the tables' names.
        secrets: The secrets' ARNs.
        keys: Customer managed KMS keys by the ARNs of what is encrypted with them.
    """

    env: CloudEnvironment
    hash_keys: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class On:
    """A resource that an operation is about, the condition keys of it, and whose policy has a say about it."""

    arn: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    policy_of: str | None = None


type Resources = Callable[[Parameters, DataAccount], Iterable[On]]
type Needs = Callable[[Parameters, DataAccount], Iterator[NeededPermission]]


@dataclass(frozen=True)
class Operation:
    """A row of the table: every action that the operation may need, and which it needs in a request, on what."""

    actions: frozenset[str]
    needs: Needs


def needs(action: str, resources: Resources, kms: tuple[str, ...] = ()) -> Operation:
    """The action on each resource, and what is asked of the resource's customer managed key besides."""

    def asked(parameters: Parameters, account: DataAccount) -> Iterator[NeededPermission]:
        for on in resources(parameters, account):
            yield NeededPermission(action, on.arn, on.facts, on.policy_of)
            yield from of_key(on.policy_of or on.arn, kms, account)

    return Operation(frozenset({action}), asked)


def of_key(arn: str, actions: tuple[str, ...], account: DataAccount) -> Iterator[NeededPermission]:
    """What is asked of the customer managed key, if there is one, of the resource with this ARN."""
    if key := account.keys.get(arn):
        through = account.env.host(arn.split(":")[2])
        facts: dict[str, Fact] = {"kms:ViaService": through, "kms:CallerAccount": account.env.account}
        yield from (NeededPermission(action, key, facts) for action in actions)


def all_of(*several: Operation) -> Operation:
    """What all of them need."""

    def asked(parameters: Parameters, account: DataAccount) -> Iterator[NeededPermission]:
        for each in several:
            yield from each.needs(parameters, account)

    return Operation(frozenset().union(*(each.actions for each in several)), asked)


def anything(parameters_: Parameters, _account: DataAccount) -> Iterator[On]:
    """What takes no resource."""
    yield On(ANYTHING)


def text(parameters: Any, name: str) -> str:
    """A parameter that must be a text."""
    value = parameters.get(name) if isinstance(parameters, Mapping) else None
    if not isinstance(value, str) or not value:
        raise malformed(f"{name} must be a text")
    return value


def entries(parameters: Parameters, name: str) -> list[Any]:
    """A parameter that must be a list that is not empty."""
    value = parameters.get(name)
    if not isinstance(value, list) or not value:
        raise malformed(f"{name} must be a list that is not empty")
    return value


def own(arn: str, account: DataAccount, service: str) -> str:
    """The resource part of an ARN of this account, Region and service."""
    place = account.env.arn(service, "")
    if not arn.startswith(place) or len(arn) == len(place):
        raise not_reproduced(f"{arn}: what is not of {service} in this account and Region")
    return arn.removeprefix(place)

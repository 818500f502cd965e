"""The stand-in control plane: check, create, read, update and delete resources, and answer look-ups, as AWS would."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.local.cloud import provider_state
from toolgate.local.cloud.catalogue import resource_type
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import NOT_REPRODUCED, Failure, NotReproducedError, RefusalError
from toolgate.local.cloud.lookups import answer
from toolgate.local.cloud.request_validation import violations
from toolgate.local.cloud.resource_type import FAILED, Existing, Made, Making, Record, ResourceType
from toolgate.local.cloud.store import Account, Store
from toolgate.local.cloud.values import UNKNOWN, Properties


@dataclass(frozen=True)
class ControlPlane:
    """An account in a Region of the stand-in AWS.

    Attributes:
        env: The account and Region.
        store: Keeps what exists.
        refusals: Errors to answer instead of making a resource of the type, first to last, once each: what a real
            account does while it is slow. With one that begins with `FAILED` the resource is made, and stays failed.
            Tests set it.
    """

    env: CloudEnvironment
    store: Store
    refusals: Mapping[str, list[str]]

    def fill(self, token: str, name: str, inputs: Properties) -> dict[str, Any]:
        """The inputs after the provider's check: with what it writes for those that the program leaves out.

        Args:
            token: The type.
            name: The name to give where the program gives none and Pulumi's AWS provider would.
            inputs: The resource's inputs.
        """
        return provider_state.checked(resource_type(token), name, inputs)

    def check(self, token: str, inputs: Properties) -> list[Failure]:
        """What AWS would refuse on sight. `UNKNOWN` inputs are passed over."""
        kind = resource_type(token)
        unknown = [name for name in inputs if not kind.reproduces(name)]
        unknown += [name for name in kind.fixed if inputs.get(name) not in (None, kind.defaults[name])]
        if unknown:
            return [Failure(name, NOT_REPRODUCED.format(f"{name} of {token}")) for name in sorted(unknown)]
        failures = [*_model_failures(kind, inputs)]
        return failures or [failure for rule in kind.rules for failure in rule(inputs)]

    def preview(self, token: str, inputs: Properties, old: Properties | None = None) -> dict[str, Any]:
        """The state as far as a preview knows it.

        Args:
            token: The type.
            inputs: The inputs after the check.
            old: The state so far, when the resource exists already.
        """
        kind = resource_type(token)
        lasting = inputs if old is None else provider_state.lasting(kind, inputs, old)
        if old is None:
            computed: dict[str, Any] = dict.fromkeys(kind.computed, UNKNOWN)
        else:
            computed = {name: UNKNOWN if name in kind.refreshed else old.get(name) for name in kind.computed}
        return provider_state.state(kind, provider_state.held(kind, lasting), Made("", computed), self.env)

    def create(self, token: str, inputs: Properties) -> Made:
        """Make a resource; its outputs are the provider's whole state of it.

        Raises:
            RefusalError: AWS would refuse it.
        """
        kind = resource_type(token)
        with self.store.transaction() as account:
            asked = self.refusals.get(token)
            refused = asked.pop(0) if asked else ""
            if refused and not refused.startswith(FAILED):
                raise RefusalError(refused)
            name = _identity(kind, inputs)
            turn = account["made"].get(name, 0)
            making = Making(self.env, f"{name}|{turn}", existing=_existing(account))
            made = kind.make(inputs, making)
            failure = refused or self._refusal(kind, inputs, made, account)
            account["made"][name] = turn + 1
            kept = _keep(account, kind, inputs, made, making)
            if failure:
                account["resources"][f"{kind.type}|{made.id}"]["failed"] = failure
        # Outside: what failed stays in the account.
        if failure:
            raise RefusalError(_waited(failure))
        return kept

    def read(self, token: str, resource_id: str) -> Record | None:
        """The resource with this id, or None when it does not exist."""
        with self.store.transaction() as account:
            record = account["resources"].get(f"{token}|{resource_id}")
        return _record(record) if record else None

    def update(self, token: str, resource_id: str, inputs: Properties) -> Made:
        """Give a resource new inputs; its outputs are the provider's whole state of it.

        Raises:
            RefusalError: AWS would refuse it.
        """
        kind = resource_type(token)
        with self.store.transaction() as account:
            old = account["resources"].get(f"{token}|{resource_id}")
            if old is None:
                raise RefusalError(f"ResourceNotFoundException: {token} {resource_id} not found")
            inputs = provider_state.lasting(kind, inputs, old["inputs"])
            # Tags have calls of their own, which make no new version.
            new_version = _untagged(provider_state.held(kind, inputs)) != _untagged(old["inputs"])
            making = Making(self.env, old["seed"], old["version"] + new_version, _existing(account))
            made = kind.make(inputs, making)
            _raise_first(text for change in kind.changes for text in change(_record(old), inputs))
            failure = self._refusal(kind, inputs, made, account, updating=True)
            if failure:
                raise RefusalError(_waited(failure.replace("CREATE", "UPDATE", 1)))
            return _keep(account, kind, inputs, made, making)

    def delete(self, token: str, resource_id: str) -> None:
        """Delete a resource; one that is gone already is no error.

        Raises:
            RefusalError: Others hang on it.
        """
        kind = resource_type(token)
        with self.store.transaction() as account:
            record = account["resources"].get(f"{token}|{resource_id}")
            if record is None:
                return
            if kind.in_use:
                _raise_first(kind.in_use(_record(record), _existing(account)))
            for other in kind.takes_along(_record(record), _existing(account)):
                del account["resources"][f"{other.type}|{other.id}"]
            del account["resources"][f"{token}|{resource_id}"]

    def invoke(self, token: str, arguments: Properties) -> dict[str, Any]:
        """Answer a look-up.

        Raises:
            RefusalError: AWS would refuse it, or the stand-in does not know it.
        """
        try:
            return answer(token, arguments, self.env)
        except NotReproducedError as error:
            raise RefusalError(NOT_REPRODUCED.format(error)) from error

    def _refusal(
        self, kind: ResourceType, inputs: Properties, made: Made, account: Account, *, updating: bool = False
    ) -> str:
        """Why the resource, which is made, fails; "" where it does not.

        Raises:
            RefusalError: It is not made at all.
        """
        taken = [record.inputs for record in _existing(account)(kind.type)]
        if kind.unique and not updating and any(_same(kind.unique, inputs, other) for other in taken):
            raise RefusalError(kind.conflict.format_map(inputs))
        try:
            found = (text for need in kind.needs for text in need(inputs, made, self.env, _existing(account)))
            first = next(found, "")
        except NotReproducedError as error:
            raise RefusalError(NOT_REPRODUCED.format(error)) from error
        if first and not first.startswith(FAILED):
            raise RefusalError(first)
        return first


def _waited(failure: str) -> str:
    """What the provider says when it has waited in vain (hashicorp/terraform-provider-aws, internal/retry)."""
    status, _, reason = failure.partition(": ")
    return f"unexpected state '{status}', wanted target 'ACTIVE'. last error: {reason}"


def _untagged(held: Properties) -> dict[str, Any]:
    return {name: value for name, value in held.items() if name != "tags"}


def _keep(account: Account, kind: ResourceType, inputs: Properties, made: Made, making: Making) -> Made:
    held = provider_state.held(kind, inputs)
    state = provider_state.state(kind, held, made, making.env)
    account["resources"][f"{kind.type}|{made.id}"] = {
        "type": kind.type,
        "id": made.id,
        "inputs": held,
        "outputs": state,
        "seed": making.seed,
        "version": making.version,
    }
    return Made(made.id, state)


def _model_failures(kind: ResourceType, inputs: Properties) -> Iterator[Failure]:
    for request in kind.requests:
        try:
            made = request.made_of(inputs)
        except NotReproducedError as error:
            yield Failure(str(error).partition(".")[0], NOT_REPRODUCED.format(f"{error} of {kind.type}"))
            continue
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            yield Failure("", f"ValidationException: the inputs of {kind.type} do not have its form: {error!r}")
            continue
        if made is None:
            continue
        for path, reason in violations(request.service, request.operation, made):
            yield Failure(_property_of(request.table, path), f"{request.operation}: {reason}")


def _property_of(table: Mapping[str, Any], path: str) -> str:
    for name, member in table.items():
        target = member if isinstance(member, str) else member.name
        if path == target or path.startswith(f"{target}."):
            return name
    return path.partition(".")[0]


def _identity(kind: ResourceType, inputs: Properties) -> str:
    """What a resource is told apart by, so that it has the same id in a plan whatever was made before it.

    A name that can be changed counts too: a resource that is there keeps its id.
    """
    names = kind.replaces | ({kind.auto_name} if kind.auto_name else set())
    fixed = [f"{name}={inputs[name]}" for name in sorted(names) if inputs.get(name) is not None]
    return "|".join([kind.type, *fixed])


def _record(record: Mapping[str, Any]) -> Record:
    return Record(record["type"], record["id"], record["inputs"], record["outputs"])


def _existing(account: Account) -> Existing:
    def of_type(token: str) -> list[Record]:
        return [_record(record) for record in account["resources"].values() if record["type"] == token]

    return of_type


def _same(names: Sequence[str], one: Properties, other: Properties) -> bool:
    return all(one[name] == other[name] for name in names)


def _raise_first(texts: Iterator[str]) -> None:
    for text in texts:
        raise RefusalError(text)

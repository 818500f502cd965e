"""What the stand-in control plane knows of one AWS resource type."""

import hashlib
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from toolgate.local.cloud.api_requests import Table, translate
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.values import Properties

MADE_AT = "2026-01-01T00:00:00Z"
"""When everything here was made: the same program gives the same account."""
LOWER_ALPHANUMERIC = string.ascii_lowercase + string.digits
ALPHANUMERIC = string.ascii_letters + string.digits


@dataclass(frozen=True)
class ApiRequest:
    """An API request that the AWS provider sends to make the resource.

    Attributes:
        service: botocore's name of the service.
        operation: The operation.
        table: The request's members by Pulumi property.
        when: The input without which the request is not sent.
        unless: The value of that input with which it is not sent either.
        complete: What the request still lacks, where a member follows from several properties.
    """

    service: str
    operation: str
    table: Table
    when: str | None = None
    unless: Any = None
    complete: Callable[[dict[str, Any]], dict[str, Any]] = dict

    def made_of(self, inputs: Properties) -> dict[str, Any] | None:
        """The request that these inputs make, or None where it is not sent.

        Raises:
            NotReproducedError: A property within one of the inputs is not in the table.
        """
        if self.when is not None and inputs.get(self.when) in (None, self.unless):
            return None
        return self.complete(translate(self.table, {name: it for name, it in inputs.items() if name in self.table}))


@dataclass(frozen=True)
class Making:
    """What a resource is made with, besides its inputs.

    Attributes:
        env: The account and Region.
        seed: What random-looking parts of ids are derived from, so that the same program gives the same ids.
        version: 1 when made, one more with every update.
        existing: What the account has besides.
    """

    env: CloudEnvironment
    seed: str
    version: int = 1
    existing: "Existing" = field(default=lambda _type: [])

    def characters(self, count: int, alphabet: str, purpose: str = "id") -> str:
        """`count` characters that look random and are always the same for the same seed and purpose."""
        number = int.from_bytes(hashlib.sha512(f"{purpose}\0{self.seed}".encode()).digest())
        drawn = []
        for _ in range(count):
            number, index = divmod(number, len(alphabet))
            drawn.append(alphabet[index])
        return "".join(drawn)


@dataclass(frozen=True)
class Made:
    """What AWS gives back for a resource: the id that Pulumi keeps, and the outputs that are no inputs."""

    id: str
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """A resource that exists in the stand-in account."""

    type: str
    id: str
    inputs: Properties
    outputs: Properties


FAILED = "CREATE_FAILED"
"""The status of what could not be made and stays for all that: it keeps its name (botocore PolicyStatus)."""

type Existing = Callable[[str], list[Record]]
"""The resources of a type that exist in the account."""


@dataclass(frozen=True)
class ResourceType:
    """An AWS resource type.

    Attributes:
        type: Pulumi's type token.
        requests: The requests that make it.
        make: The outputs that AWS gives, from known inputs.
        computed: The names of the outputs that a preview cannot know.
        replaces: The inputs whose change makes a new resource.
        replaced_by: Further inputs whose change makes a new resource, given the state and the new inputs.
        framework: Whether it is of the provider's newer half (see `provider_state`).
        kept: The inputs that the provider keeps to itself: they are in no request.
        auto_name: The property that Pulumi's AWS provider names after the resource when the program does not.
        auto_name_form: What the provider makes of such a name.
        defaults: What the provider writes for inputs left out.
        fixed: Those of the defaults beside which the stand-in reproduces no other value.
        reported: What AWS reports for inputs left out, given the others. Taking such an input back changes nothing.
        refreshed: Those of `computed` that an update changes.
        secrets: The inputs and outputs that the provider marks as secrets, each by its path: what its schema calls
            sensitive, at any depth and on either side (pulumi-terraform-bridge, MarkSchemaSecrets).
        unordered: The lists, by their names at any depth, whose order means nothing.
        documents: The JSON texts whose layout means nothing.
        rules: What AWS refuses on sight although the service model does not say so.
        changes: What AWS refuses of an update: error texts, given the resource and its new inputs.
        needs: What AWS refuses because of other resources: error texts, given the inputs, what would be made, and the
            account's resources. One that begins with `FAILED` is found out after the call: what was made stays, failed.
        unique: The inputs of which no two resources of the type may have the same; none where a second request
            overwrites.
        conflict: AWS's error when they do.
        read_back: The inputs once AWS has given them back.
        imported: The id of what `pulumi import` is told of, where the provider takes more than an id there.
        in_use: AWS's errors when it is deleted while others hang on it, given the record and the account's resources.
        takes_along: What the provider deletes with it.
    """

    type: str
    requests: tuple[ApiRequest, ...]
    make: Callable[[Properties, Making], Made]
    computed: tuple[str, ...]
    replaces: frozenset[str]
    replaced_by: Callable[[Properties, Properties], Iterator[str]] = field(default=lambda _known, _inputs: iter(()))
    framework: bool = False
    kept: frozenset[str] = frozenset()
    auto_name: str | None = None
    auto_name_form: Callable[[str], str] = str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    reported: Callable[[Properties], Mapping[str, Any]] = field(default=lambda _inputs: {})
    refreshed: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    unordered: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    rules: tuple[Callable[[Properties], Iterator[Failure]], ...] = ()
    changes: tuple[Callable[[Record, Properties], Iterator[str]], ...] = ()
    needs: tuple[Callable[[Properties, Made, CloudEnvironment, Existing], Iterator[str]], ...] = ()
    unique: tuple[str, ...] = ()
    conflict: str = ""
    read_back: Callable[[Properties], Properties] = field(default=lambda inputs: inputs)
    imported: Callable[[str], str] = str
    in_use: Callable[[Record, Existing], Iterator[str]] | None = None
    takes_along: Callable[[Record, Existing], list[Record]] = field(default=lambda _record, _existing: [])

    @cached_property
    def inputs(self) -> frozenset[str]:
        """The inputs that the stand-in knows."""
        return self.kept | self.fixed | {name for request in self.requests for name in request.table}

    def reproduces(self, name: str) -> bool:
        """Whether the stand-in knows what AWS does with the input `name`."""
        return name in self.inputs

"""What a scan finds, as the resources of a stack export: types and properties of Pulumi's AWS provider."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolgate.access.deployment.deployment import STACK, parse
from toolgate.access.deployment.not_read import NotRead
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.scan.reader import one_line
from toolgate.policy.language.agentcore_facts import NOT_READ

PROJECT = "scan"
"""The project of a scan's URNs; the stack is the account's id."""


@dataclass(frozen=True)
class Found:
    """A resource.

    Attributes:
        type: The provider's type token.
        name: What a person knows it by, the Region first where it has one: `us-east-1/tools`.
        inputs: What a program would have written.
        outputs: What AWS gave it besides.
        about: For a policy that is part of something else: the ARN of that.
        part: Which part of that it is, as `NotRead` has it.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    about: str | None = None
    part: str | None = None


def note(noted: NotRead) -> Found:
    """What was not read, as a resource."""
    told = replace(noted, what=one_line(noted.what), why=one_line(noted.why))
    return Found(NOT_READ, told.what, told.properties(), {})


def export(found: Iterable[Found], account: str, about_the_scan: Mapping[str, Any]) -> dict[str, Any]:
    """A deployment file's content.

    A resource that `access` cannot use, such as a policy document that it does not understand, would make the whole
    file useless: it is left out, and noted.

    Args:
        found: The resources; what others refer to comes first.
        account: The account's id.
        about_the_scan: When and where, the outputs of the file's stack.
    """
    stack = _entry(Found(STACK, f"{PROJECT}-{account}", {}, about_the_scan), account, "")
    listed, names = [stack], {stack["urn"]}
    for it in found:
        for entry in _usable(it, account, stack["urn"]):
            entry["urn"] = _unique(entry["urn"], names)
            listed.append(entry)
    return {"version": 3, "deployment": {"manifest": {}, "resources": listed}}


def notes(made: Mapping[str, Any]) -> Iterator[NotRead]:
    """What a scan's file notes as not read."""
    for it in made["deployment"]["resources"]:
        if it["type"] == NOT_READ:
            yield NotRead(**it["inputs"])


def without_values(variables: Mapping[str, Any] | None) -> dict[str, None]:
    """The names of environment variables and the like: their values may be secrets, and nothing here needs them."""
    return dict.fromkeys(variables or ())


def plain(value: Any) -> Any:
    """A value as JSON has it; a union's member that this botocore does not know is there by its name alone."""
    if isinstance(value, Mapping):
        unknown = value.get("SDK_UNKNOWN_MEMBER")
        if isinstance(unknown, Mapping):
            return {str(unknown.get("name")): {}}
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _usable(found: Found, account: str, stack: str) -> Iterator[dict[str, Any]]:
    entry = _entry(found, account, stack)
    try:
        parse({"version": 3, "deployment": {"resources": [entry]}})
    except DeploymentError as error:
        noted = NotRead(f"{found.type.rpartition(':')[2]} '{found.name}'", str(error), found.about, found.part)
        yield _entry(note(noted), account, stack)
    else:
        yield entry


def _entry(found: Found, account: str, parent: str) -> dict[str, Any]:
    inputs = {key: plain(value) for key, value in found.inputs.items() if value is not None}
    outputs = {**inputs, **{key: plain(value) for key, value in found.outputs.items() if value is not None}}
    return {
        "urn": f"urn:pulumi:{account}::{PROJECT}::{found.type}::{found.name.replace('::', ':')}",
        "custom": found.type.startswith("aws:"),
        "type": found.type,
        **({"parent": parent} if parent else {}),
        "inputs": inputs,
        "outputs": outputs,
    }


def _unique(urn: str, taken: set[str]) -> str:
    number, free = 1, urn
    while free in taken:
        number += 1
        free = f"{urn} ({number})"
    taken.add(free)
    return free


def document(value: Any) -> str:
    """An IAM document as text: botocore parses some, and leaves others as they came."""
    return value if isinstance(value, str) else json.dumps(value)

"""Pulumi's stack export (version 3, or 4 with features) as resources with plain values.

The file marks what JSON cannot say: secrets, assets, archives and values that a preview does not know yet. This module
takes the marks off, so that its callers see text, numbers, lists, mappings and, where a value cannot be read, `Hidden`.
Source of the marks: pulumi's `sdk/python/lib/pulumi/runtime/rpc.py`.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolgate.access.deployment.text_file import TextFileError, read_json
from toolgate.policy.language import spellings
from toolgate.policy.language.unknown import SENTINELS

VERSIONS = (3, 4)
"""Version 4 is version 3 with a list of features that its reader has to know.

Source: pulumi `pkg/resource/stack/deployment.go`.
"""
FEATURES = frozenset({"hooks", "refreshBeforeUpdate", "replaceWith", "taint"})
"""Those that say how a resource is updated, and change nothing of what it is. A stack of our components has `hooks`."""
HOW_TO_MAKE_ONE = "make one with `toolgate plan --out FILE` or `pulumi stack export --file FILE`"

# The key of a marked value, and what it marks; the engine's wire has the same.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  # the name of a mark, not a secret
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
DEFAULTS = "__defaults"
"""The key under which the AWS provider notes, in a resource's inputs, which of them it wrote itself."""


class DeploymentError(Exception):
    """The deployment cannot be used; the text is one line for the person who named the file."""


@dataclass(frozen=True)
class Hidden:
    """A value that the file does not show; `why` completes the sentence `... is <why>`."""

    why: str


UNKNOWN = Hidden("not known yet: this is a preview; export the stack once it is applied, or use `toolgate plan`")
ENCRYPTED = Hidden("encrypted: export with `pulumi stack export --show-secrets`")


@dataclass(frozen=True)
class Asset:
    """One file: its text, or where it lies (a path, relative to the program's folder, or a URL)."""

    text: str | None = None
    path: str | None = None
    uri: str | None = None


@dataclass(frozen=True)
class Archive:
    """Several files: named assets and archives, or where they lie (a folder or a zip)."""

    assets: Mapping[str, "Asset | Archive"] | None = None
    path: str | None = None
    uri: str | None = None


@dataclass(frozen=True)
class Resource:
    """One resource of a deployment, in the words of the provider `aws` however it was written.

    Attributes:
        urn: Pulumi's name of the resource, unique in the deployment.
        type: Type token, e.g. `aws:iam/role:Role`.
        inputs: What the program wrote.
        outputs: What the provider answered.
        written: The type token that the program wrote; empty where it is `type`.
        unread: Whether only its type is known: its properties are one text that cannot be read.
        made_of: By property, the URNs of the resources that the program made its value of.
    """

    urn: str
    type: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    written: str = ""
    unread: bool = False
    made_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def label(self) -> str:
        """How a message names the resource: its type's last word and its name."""
        return f"{self.type.rsplit(':', 1)[-1]} '{self.name}'"

    def get(self, key: str) -> Any:
        """The property's value: the provider's answer, or else what the program wrote, or None."""
        output = self.outputs.get(key)
        if output is None or isinstance(output, Hidden):
            written = self.inputs.get(key)
            return output if written is None else written
        return output

    def text(self, key: str) -> str:
        """The property as text.

        Raises:
            DeploymentError: The property is missing, hidden, or not text.
        """
        value = self.optional_text(key)
        if value is None:
            raise DeploymentError(f"{self.label}: '{key}' is missing; {HOW_TO_MAKE_ONE}")
        return value

    def optional_text(self, key: str) -> str | None:
        """The property as text, or None when it is not there.

        Raises:
            DeploymentError: The property is hidden or not text.
        """
        value = self.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(key, value, "text")

    def mapping(self, *path: str) -> Mapping[str, Any]:
        """The object at a path of properties; empty when it is not there.

        Raises:
            DeploymentError: It is hidden or not an object.
        """
        value = self.get(path[0])
        for step in path[1:]:
            value = value.get(step) if isinstance(value, Mapping) else value
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.wrong(".".join(path), value, "an object")
        return value

    def texts(self, what: str, value: Any) -> tuple[str, ...]:
        """A value as a list of texts; empty when it is None.

        Raises:
            DeploymentError: It is hidden or not a list of texts; `what` names it.
        """
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(what, value, "a list of texts")
        return tuple(value)

    def wrong(self, what: str, value: Any, wanted: str) -> DeploymentError:
        """The error for a value that is hidden or is not what it should be."""
        reason = value.why if isinstance(value, Hidden) else f"not {wanted}"
        return DeploymentError(f"{self.label}: '{what}' is {reason}")


def load(path: Path) -> Mapping[str, Any]:
    """The parsed file; a stack without resources has an empty list of them, which Pulumi leaves out.

    Raises:
        DeploymentError: The file cannot be read or is not JSON.
    """
    try:
        parsed = read_json(path)
    except TextFileError as error:
        raise DeploymentError(f"{path}: {error}; {HOW_TO_MAKE_ONE}") from error
    if not isinstance(parsed, dict):
        raise DeploymentError(f"{path}: not a deployment (a JSON {type(parsed).__name__}); {HOW_TO_MAKE_ONE}")
    # sdk/go/common/apitype/core.go: the list is left out where it is empty, the manifest never.
    if isinstance(deployment := parsed.get("deployment"), dict) and "manifest" in deployment:
        deployment.setdefault("resources", [])
    return parsed


def write(deployment: Mapping[str, Any], path: Path) -> None:
    """Write a deployment file whole or not at all; only its owner may read it (it may hold secrets).

    Its folder is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(deployment, file, indent=2)
            file.write("\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def resources(export: Mapping[str, Any]) -> tuple[Resource, ...]:
    """The live resources of an export, in its order.

    Args:
        export: The parsed file: `{"version": 3, "deployment": {"resources": [...]}}`.

    Raises:
        DeploymentError: This is no export of these versions and features.
    """
    version, features = export.get("version"), export.get("features", [])
    if version not in VERSIONS or not isinstance(features, list):
        raise DeploymentError(f"not a deployment: 'version' is {version!r}, not 3 or 4; {HOW_TO_MAKE_ONE}")
    if unread := [str(feature) for feature in features if feature not in FEATURES]:
        raise DeploymentError(f"the deployment needs features that are not read here: {', '.join(sorted(unread))}")
    deployment = export.get("deployment")
    listed = deployment.get("resources") if isinstance(deployment, Mapping) else None
    if not isinstance(listed, list):
        raise DeploymentError(f"not a deployment: no list 'deployment.resources'; {HOW_TO_MAKE_ONE}")
    return tuple(_resources(listed))


def _resources(listed: list[Any]) -> Iterator[Resource]:
    for number, entry in enumerate(listed):
        if not isinstance(entry, Mapping) or not all(isinstance(entry.get(key), str) for key in ("urn", "type")):
            raise DeploymentError(f"not a deployment: resource number {number} has no 'urn' and 'type'")
        if entry.get("delete"):  # waits for its deletion after a replacement: no longer what the stack means
            continue
        yield _resource(entry)


def _resource(entry: Mapping[str, Any]) -> Resource:
    written, inputs, outputs = entry["type"], _properties(entry, "inputs"), _properties(entry, "outputs")
    kind = spellings.type_of(written, {**inputs, **outputs})
    views = [spellings.properties_of(written, given) for given in (inputs, outputs)]
    given = [view for view, properties in zip(views, (inputs, outputs), strict=True) if properties]
    return Resource(
        urn=entry["urn"],
        type=kind,
        inputs=views[0] or {},
        outputs=views[1] or {},
        written=written if written != kind else "",
        unread=bool(given) and all(view is None for view in given),
        made_of=_made_of(entry),
    )


def _made_of(entry: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    found = entry.get("propertyDependencies")
    known = found if isinstance(found, Mapping) else {}
    return {
        key: tuple(it for it in urns if isinstance(it, str)) for key, urns in known.items() if isinstance(urns, list)
    }


def _properties(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = entry.get(key) or {}
    if not isinstance(value, Mapping):
        raise DeploymentError(f"not a deployment: '{key}' of {entry['urn']} is not an object")
    return _map(value)


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value in SENTINELS:
        return UNKNOWN
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return _marked(value) if SIGNATURE in value else _map(value)
    return value


def _map(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(item) for key, item in value.items() if key != DEFAULTS}


def _marked(value: Mapping[str, Any]) -> Any:
    match value[SIGNATURE]:
        case mark if mark == SECRET:
            return _secret(value)
        case mark if mark == ASSET:
            return Asset(value.get("text"), value.get("path"), value.get("uri"))
        case mark if mark == ARCHIVE:
            return Archive(_plain(value.get("assets")), value.get("path"), value.get("uri"))
        case _:
            return {key: _plain(item) for key, item in value.items() if key != SIGNATURE}


def _secret(value: Mapping[str, Any]) -> Any:
    plaintext = value.get("plaintext")
    if not isinstance(plaintext, str):
        return ENCRYPTED
    try:
        return _plain(json.loads(plaintext))
    except ValueError:
        raise DeploymentError("not a deployment: the plaintext of a secret is not JSON") from None

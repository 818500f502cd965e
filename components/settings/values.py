"""The raw values of the namespace `toolgate`, as Pulumi hands them over."""

import difflib
import json
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pulumi.runtime import config as pulumi_config

from toolgate.components.checks.arguments import UsageError

NAMESPACE = "toolgate"


def read(known: Container[str], shapes: Mapping[str, str]) -> Mapping[str, Any]:
    """The values by key, without the namespace.

    Pulumi hands every value over as text, what is no text as JSON.

    Args:
        known: The keys that there are.
        shapes: Of each key whose value is no text: what it is, in words.

    Raises:
        UsageError: A value is a secret or no JSON, or stands in a namespace that is almost ours.
    """
    everything = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    prefix = f"{NAMESPACE}:"
    values = {key.removeprefix(prefix): value for key, value in everything.items() if key.startswith(prefix)}
    for key in everything:
        namespace, _, name = key.partition(":")
        near = difflib.get_close_matches(namespace, [NAMESPACE], cutoff=0.8)
        if namespace != NAMESPACE and near and name in known:
            raise UsageError(f"{key}: nothing reads the namespace {namespace!r}. Did you mean {prefix}{name}?")
    for key in values:
        if pulumi_config.is_config_secret(prefix + key) or prefix + key in pulumi_config.get_config_secret_keys_env():
            raise UsageError(f"{prefix}{key}: cannot be a secret: it is written into plans and documents as it is.")
    for key, shape in shapes.items():
        if isinstance(text := values.get(key), str):
            try:
                values[key] = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise UsageError(f"{prefix}{key}: must be {shape} ({error}).") from error
    return values


@contextmanager
def as_written(keys: Mapping[str, str]) -> Iterator[None]:
    """While the block runs, errors of components tell of keys as the stack's file has them.

    Args:
        keys: In a stack's configuration -> of the components.
    """
    try:
        yield
    except UsageError as error:
        text = str(error)
        for written, of_component in keys.items():
            text = text.replace(of_component, written)
        raise UsageError(text) from None

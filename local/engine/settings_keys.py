"""Every key of a project's and a stack's file, and what becomes of it here.

From pulumi `sdk/go/common/workspace/project.json` and `project.go` (`Project`, `ProjectStack`; a stack's file has no
schema of its own), and what the engine itself reads of the configuration. A test holds the lists against Pulumi's.
"""

import difflib
from collections.abc import Mapping
from enum import Enum, auto


class Treatment(Enum):
    """What becomes of a key."""

    FOLLOWED = auto()
    """The program sees what it would see of Pulumi; what cannot be followed of its values is an error."""
    REFUSED = auto()
    """It changes what the program sees or what is deployed, and cannot be followed: an error."""
    NO_EFFECT = auto()
    """It says where the state is, who runs the program, or what Pulumi shows: nothing that is planned depends on it."""


PROJECT: Mapping[str, Treatment] = {
    "name": Treatment.FOLLOWED,
    "main": Treatment.FOLLOWED,
    "stackConfigDir": Treatment.FOLLOWED,
    "config": Treatment.FOLLOWED,
    "config.type": Treatment.FOLLOWED,
    "config.items": Treatment.FOLLOWED,
    "config.default": Treatment.FOLLOWED,
    "config.value": Treatment.FOLLOWED,
    "config.secret": Treatment.FOLLOWED,
    "config.description": Treatment.NO_EFFECT,
    "runtime": Treatment.FOLLOWED,  # every other than Python is refused
    "runtime.name": Treatment.FOLLOWED,
    "runtime.options": Treatment.NO_EFFECT,  # which Python runs the program: here the one that runs toolgate
    "description": Treatment.NO_EFFECT,
    "author": Treatment.NO_EFFECT,
    "website": Treatment.NO_EFFECT,
    "license": Treatment.NO_EFFECT,
    "backend": Treatment.NO_EFFECT,
    "backend.url": Treatment.NO_EFFECT,
    "options": Treatment.NO_EFFECT,
    "options.refresh": Treatment.NO_EFFECT,  # of a state, which a plan has none of
    "template": Treatment.NO_EFFECT,  # read by `pulumi new`
    "packages": Treatment.NO_EFFECT,  # read by `pulumi install`; the program imports what that wrote
    "plugins": Treatment.NO_EFFECT,  # where plugins are: here the stand-in answers for the provider
    "plugins.providers": Treatment.NO_EFFECT,
    "plugins.analyzers": Treatment.NO_EFFECT,
    "plugins.languages": Treatment.NO_EFFECT,
    "requiredPulumiVersion": Treatment.NO_EFFECT,
}
STACK: Mapping[str, Treatment] = {
    "config": Treatment.FOLLOWED,
    "environment": Treatment.REFUSED,
    "secretsprovider": Treatment.NO_EFFECT,
    "encryptedkey": Treatment.NO_EFFECT,
    "encryptionsalt": Treatment.NO_EFFECT,
}
ENGINE: Mapping[str, Treatment] = {
    "pulumi:autonaming": Treatment.FOLLOWED,  # autonaming.py
    "pulumi:disable-default-providers": Treatment.REFUSED,
    "pulumi:tags": Treatment.NO_EFFECT,  # of the stack itself, at Pulumi's service
    "pulumi:template": Treatment.NO_EFFECT,
}
"""Keys of a configuration that are for the engine (pulumi `pkg/resource/deploy/default_providers.go`, `pkg/cmd`)."""


def misplaced(key: str, known: Mapping[str, Treatment]) -> str | None:
    """What is wrong with a key at the top of a file; None for one that is known, and for one of somebody's own.

    Pulumi passes over what it does not know, so that what was meant as a setting would do nothing.
    """
    if key in known:
        return None
    if ":" in key:
        return f"`{key}` stands beside `config:`, where nobody reads it; indent it below `config:`"
    top = {name.casefold(): name for name in known if "." not in name}
    near = difflib.get_close_matches(key.casefold(), top, n=1, cutoff=0.8)
    return f"there is no key `{key}`; did you mean `{top[near[0]]}`?" if near else None

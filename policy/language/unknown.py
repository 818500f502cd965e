"""The one value that stands for everything a preview cannot know, and the texts that Pulumi writes for it."""

import enum
from typing import Any, Final


class Unknown(enum.Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


class _NothingKnown(dict[str, Any]):
    """Has whatever it is asked for, and that is UNKNOWN."""

    def get(self, key: str, default: Any = None) -> Any:
        return UNKNOWN


NOTHING_KNOWN: Final = _NothingKnown()
"""The properties of a resource of which a preview knows the type only."""

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

# What the engine sends for an unknown value, by the value's type. Written out here, because the module that has them
# (`pulumi_policy.proxy`) loads Pulumi's SDK and gRPC; a test compares. Source: pulumi, plugin/rpc.go.
SENTINELS = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)

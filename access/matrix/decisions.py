"""The one set of words for whether a tool may be called."""

from enum import StrEnum


class Access(StrEnum):
    """Whether a tool may be called: `conditional` depends on the request, `undecided` cannot be judged here."""

    ALLOW = "allow"
    DENY = "deny"
    CONDITIONAL = "conditional"
    UNDECIDED = "undecided"

"""What the stand-in control plane says when it will not do something."""

from dataclasses import dataclass

NOT_REPRODUCED = "the stand-in for AWS does not reproduce {} (docs/local.md lists what it does)"


@dataclass(frozen=True)
class Failure:
    """One property that AWS would not take.

    Attributes:
        property: The Pulumi property (camelCase), or "" where the fault is not in one property.
        reason: What is wrong, in AWS's words where it has some.
    """

    property: str
    reason: str

    def __str__(self) -> str:
        return f"{self.property}: {self.reason}" if self.property else self.reason


class RefusalError(Exception):
    """AWS took the request's form but refuses to carry it out; the text starts with AWS's error code."""


class NotReproducedError(Exception):
    """The stand-in does not know how AWS would act here; the text says what is not known."""

"""What a scan could not read of an account, noted in its deployment file: whoever reads the file has to reckon with it.

A deployment that a program made has none of it. The notes are resources of a type of ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.stack_export import Resource
from toolgate.policy.language.agentcore_facts import NOT_READ

IDENTITY_POLICIES = "identityPolicies"
"""Of a role or a user; of an account (`arn:aws:iam::<account>:root`), that roles and users of it are missing."""
OWN_POLICY = "resourcePolicy"
"""Of a gateway, a runtime, an endpoint, a memory or a function: the policy on it, or a statement of that."""
URLS = "urls"
"""Of a function: the URLs at which it can be called."""


@dataclass(frozen=True)
class NotRead:
    """One thing that was not read.

    Attributes:
        what: What it is, as a sentence names it.
        why: What the call said, or why the file cannot hold it.
        about: The ARN of what it has a say about, if that is in the file.
        part: Which part of that is not known, one of the names of this module; None for all of it.
    """

    what: str
    why: str
    about: str | None = None
    part: str | None = None

    def properties(self) -> dict[str, Any]:
        """It as the properties of its resource."""
        found = {"what": self.what, "why": self.why, "about": self.about, "part": self.part}
        return {key: value for key, value in found.items() if value is not None}


def read_not_read(resources: Sequence[Resource]) -> Iterator[NotRead]:
    """All of a deployment.

    Raises:
        DeploymentError: One is not written as `NotRead.properties` writes it.
    """
    for it in resources:
        if it.type == NOT_READ:
            yield NotRead(it.text("what"), it.text("why"), it.optional_text("about"), it.optional_text("part"))

"""What may stand in the headers of InvokeAgentRuntime and StopRuntimeSession: each is a member of the request.

Names and bounds are those of botocore's model. That AWS takes printable ASCII only is a guess: what it answers to other
bytes nobody has seen.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.loaders import Loader
from botocore.model import ServiceModel

_BEYOND_PRINTABLE = "\t"  # HTTP's own white space


@dataclass(frozen=True)
class _Member:
    name: str
    shortest: int
    longest: int

    def misfit(self, value: str) -> str:
        """The constraint that a value does not meet; empty when it meets all."""
        if not all(" " <= character <= "~" or character in _BEYOND_PRINTABLE for character in value):
            return "Member must consist of printable ASCII characters"
        if len(value) < self.shortest:
            return f"Member must have length greater than or equal to {self.shortest}"
        return f"Member must have length less than or equal to {self.longest}" if len(value) > self.longest else ""


@functools.cache
def _members(operation: str) -> Mapping[str, _Member]:
    """The operation's members that stand in headers, by the headers' names in lower case."""
    model = ServiceModel(Loader().load_service_model("bedrock-agentcore", "service-2"), "bedrock-agentcore")
    shape = model.operation_model(operation).input_shape
    return {
        member.serialization["name"].lower(): _Member(name, member.metadata["min"], member.metadata["max"])
        for name, member in shape.members.items()
        if member.serialization.get("location") == "header"
    }


def misfit(operation: str, headers: Mapping[str, str]) -> str:
    """The message with which the service refuses a request's headers; empty when they are as they must be.

    Args:
        operation: `InvokeAgentRuntime` or `StopRuntimeSession`.
        headers: The request's headers, with names in lower case.
    """
    members = _members(operation)
    wrong = [
        f"Value '{value}' at '{members[name].name}' failed to satisfy constraint: {why}"
        for name, value in headers.items()
        if name in members and (why := members[name].misfit(value))
    ]
    counted = f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected: "
    return counted + "; ".join(wrong) if wrong else ""

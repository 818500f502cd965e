"""What AgentCore Runtime bills for invocations: the published prices, and the sum.

Source: https://aws.amazon.com/bedrock/agentcore/pricing/, "Runtime", read in November 2026 (prices of platform version
1 in us-east-1; the later version 2 costs more of both). CPU is billed as it is used, memory by its peak so far, both
for each second of a session, with 128 MB of memory at least. What the machine itself takes is billed too, and nobody
has said how much that is: it is not in here.
"""

from dataclasses import dataclass

USD_PER_VCPU_HOUR = 0.0895
USD_PER_GB_HOUR = 0.00945
LEAST_MEGABYTES = 128
SESSION_SECONDS = 5.0
"""Taken for how long an invocation keeps its session's machine; most of it waits for the model, which costs no CPU."""
_HOUR = 3600


@dataclass(frozen=True)
class Used:
    """What a process uses: milliseconds of CPU for one invocation, and resident megabytes."""

    milliseconds: float
    megabytes: float


def per_thousand(used: Used) -> float:
    """US dollars for 1,000 invocations, one after another in sessions that nobody leaves idle."""
    processor = used.milliseconds / 1000 / _HOUR * USD_PER_VCPU_HOUR
    memory = max(used.megabytes, LEAST_MEGABYTES) / 1024 * SESSION_SECONDS / _HOUR * USD_PER_GB_HOUR
    return 1000 * (processor + memory)

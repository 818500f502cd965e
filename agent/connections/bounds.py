"""What a connection may take."""

import resource
from dataclasses import dataclass

# Half of the files that a process may usually open (1,024): the other half is for connections to gateways and model.
_MOST_CONNECTIONS = min(512, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


@dataclass(frozen=True)
class Bounds:
    """What a connection may take.

    Attributes:
        header_bytes: Largest header. AgentCore passes on 20 headers of 4 KB
            (developer guide, "Pass custom headers"), and adds its own.
        header_lines: Most lines of a header, which h11 parses in one go, some microseconds for each.
        header_seconds: Longest wait for a whole header.
        body_seconds: Longest wait for the rest of the body, where the application has no shorter one.
        rest_seconds: The same, once the answer is out.
        unsent_seconds: How long the peer may take to read what was written at once.
        asked_seconds: When a caller that sends no more is asked for the second time whether it still reads.
        connections: Most connections.
    """

    header_bytes: int = 128 * 1024
    header_lines: int = 256
    header_seconds: float = 20.0
    body_seconds: float = 75.0
    rest_seconds: float = 5.0
    unsent_seconds: float = 60.0
    asked_seconds: float = 1.0
    connections: int = _MOST_CONNECTIONS

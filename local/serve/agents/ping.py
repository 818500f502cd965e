"""What an agent says of itself at `GET /ping`.

Source: AgentCore developer guide, "HTTP protocol contract"; that `HealthyBusy` counts for nothing without
`time_of_last_update` was measured on AWS (fastagent-sh/fastagent#314, aws/bedrock-agentcore-sdk-python#471).
"""

from dataclasses import dataclass

from toolgate.local.serve.json_body import NotJsonError, read_json

_BUSY = "HealthyBusy"


@dataclass(frozen=True)
class Ping:
    """An answer.

    Attributes:
        status: `Healthy` or `HealthyBusy`; empty where it says none.
        stamp: When it last changed, in seconds since 1970; None where it does not say.
    """

    status: str = ""
    stamp: float | None = None

    @property
    def busy(self) -> bool:
        """Whether it keeps its sessions."""
        return self.status == _BUSY and self.stamp is not None

    @property
    def unstamped(self) -> bool:
        """Whether it would keep its sessions, if only it said since when."""
        return self.status == _BUSY and self.stamp is None


def read_ping(body: bytes) -> Ping:
    """The answer in a body; one that says nothing where it is another one."""
    try:
        said = read_json(body)
    except NotJsonError:
        return Ping()
    if not isinstance(said, dict):
        return Ping()
    status, stamp = said.get("status"), said.get("time_of_last_update")
    if isinstance(stamp, bool) or not isinstance(stamp, int | float) or stamp < 0:
        stamp = None
    return Ping(status if isinstance(status, str) else "", stamp)

"""What a gateway lets a request in for: an AWS signature (`signing.py`) or a token (`bearer.py`)."""

import re
from typing import Any, Protocol

import httpx

_DENIED = re.compile(
    r"User: (?P<role>\S+) is not authorized to perform: (?P<action>\S+) on resource: (?P<resource>\S+)"
)


class Authorization(Protocol):
    """The way in to a gateway. Times are those of the running event loop."""

    async def authorize(self, request: httpx.Request, until: float) -> None:
        """Put into `request` what shows who sends it.

        Raises:
            ContractError: If there is nothing that does by `until`.
        """

    async def renew(self, request: httpx.Request, until: float) -> bool:
        """Authorize a request anew that was answered with 401; False where sending it again is pointless.

        Raises:
            ContractError: As `authorize` does.
        """

    def diagnosis(self, request: httpx.Request, response: httpx.Response, text: str) -> dict[str, Any]:
        """What a refusal (`text` is what the body says) tells about who may not do what, and what to look at."""


def denied(text: str) -> dict[str, str]:
    """Role, action and resource of an AccessDenied of AWS's, as far as it says so."""
    found = _DENIED.search(text)
    return {key: value.rstrip('."\\,}') for key, value in found.groupdict().items()} if found else {}

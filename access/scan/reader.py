"""Runs the calls of a scan: pages, throttling, and what a call that fails says.

Whoever calls decides what the failure of a read means; nothing here passes it over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from toolgate.access.scan.calls import Call

WORKERS = 8
"""Calls at a time. AgentCore's and Lambda's reads are throttled at a few a second: more would only wait."""
ATTEMPTS = 8
SECONDS_TO_CONNECT = 10
_LONGEST_LINE = 300
_FAILURES = (ClientError, BotoCoreError, ResponseParserError)
"""What a call can end with: the service's error, no answer, or one that is not in the service's form."""


class UnreadError(Exception):
    """A call failed; the text says how, in one line. `gone` where what was asked for does not exist."""

    def __init__(self, why: str, *, gone: bool = False) -> None:
        super().__init__(why)
        self.gone = gone


@dataclass(frozen=True)
class Listed:
    """The items of a list, and why the rest of it could not be read."""

    items: tuple[Mapping[str, Any], ...]
    unread: UnreadError | None = None

    def missing(self, what: str) -> str:
        """What was not read, of what the list is of."""
        return f"a part of {what}" if self.items else what


@dataclass(frozen=True)
class Reader:
    """Asks the services of one Region; for what has no Region, those of any."""

    region: str
    clients: Mapping[str, Any]

    def one(self, call: Call, **parameters: Any) -> Mapping[str, Any]:
        """A call's answer.

        Raises:
            UnreadError: There is none.
        """
        client = self.clients[call.service]
        try:
            answer: Mapping[str, Any] = getattr(client, _method(client, call))(**parameters)
        except _FAILURES as error:
            raise _unread(call, error) from error
        return answer

    def pages(self, call: Call, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """A call's answers, page by page.

        Raises:
            UnreadError: A page cannot be read.
        """
        client = self.clients[call.service]
        try:
            yield from client.get_paginator(_method(client, call)).paginate(**parameters)
        except _FAILURES as error:
            raise _unread(call, error) from error

    def several(self, call: Call, **parameters: Any) -> Listed:
        """The items of all pages, as far as they can be read."""
        items: list[Mapping[str, Any]] = []
        try:
            for page in self.pages(call, PaginationConfig={"PageSize": call.page}, **parameters):
                items += page.get(call.items or "") or ()
        except UnreadError as error:
            return Listed(tuple(items), error)
        return Listed(tuple(items))


def readers(session: Any, regions: tuple[str, ...], services: Mapping[str, bool]) -> dict[str, Reader]:
    """A reader for each Region.

    Args:
        session: A boto3 session.
        regions: The Regions.
        services: botocore's names of the services, and whether each is asked in every Region or in the first alone.
    """
    # Adaptive: the client itself slows down when it is throttled, for all of its threads.
    config = Config(
        retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
        max_pool_connections=WORKERS,
        connect_timeout=SECONDS_TO_CONNECT,
        user_agent_extra="toolgate-access-scan",
    )

    def client(service: str, region: str) -> Any:
        return session.client(service, region_name=region, config=config)

    everywhere = {name: client(name, regions[0]) for name, regional in services.items() if not regional}
    return {
        region: Reader(
            region, {**everywhere, **{name: client(name, region) for name, regional in services.items() if regional}}
        )
        for region in regions
    }


def _method(client: Any, call: Call) -> str:
    methods: Mapping[str, str] = client.meta.method_to_api_mapping
    return next(name for name, operation in methods.items() if operation == call.operation)


def _unread(call: Call, error: Exception) -> UnreadError:
    """What a failure says."""
    if not isinstance(error, ClientError):
        return UnreadError(one_line(f"{call.operation}: {error}"))
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "")), str(told.get("Message", ""))
    return UnreadError(one_line(f"{call.operation}: {code}: {message}"), gone=code.startswith("ResourceNotFound"))


def one_line(text: str) -> str:
    """One line that a terminal can show, whatever a service wrote."""
    printable = "".join(it if it.isprintable() else " " for it in text).strip()
    return printable if len(printable) <= _LONGEST_LINE else f"{printable[:_LONGEST_LINE]}…"

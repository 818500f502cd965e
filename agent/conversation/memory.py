"""A memory: what keeps conversations when the process is gone. Its calls block; they run in threads."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError

import contract
import logs
from contract import ContractError, Fault
from gateway.authorization import denied
from settings import Settings

from .keys import Key
from .window import Turn

_CONNECT_SECONDS = 2.0
_READ_SECONDS = 5.0
_ATTEMPTS = 2
# Of a request that may go well the next time; any other 4xx says that it will not.
_BUSY = {408, 409, 429}
_BUSY_CODES = {
    "ThrottledException",
    "ThrottlingException",
    "ServiceQuotaExceededException",
    "RetryableConflictException",
}
# Their words are about permissions and names; others' may quote the conversation.
_TELLING = {"AccessDenied", "AccessDeniedException", "ResourceNotFoundException", "NoSuchBucket"}


@dataclass(frozen=True)
class Stored:
    """What a memory has of a conversation.

    Attributes:
        turns: Whole turns, oldest first; at least the latest of them that the bounds allow.
        place: Where the next turn goes, in the memory's own terms.
    """

    turns: list[Turn] = field(default_factory=list)
    place: int = 0


class Memory(Protocol):
    """Where conversations are kept beyond the process.

    Attributes:
        recalls: Whether it has long-term records for this agent.
    """

    recalls: bool

    def load(self, key: Key) -> Stored:
        """Read a conversation; one that is not there is empty.

        Raises:
            ContractError: If the memory cannot be read.
        """

    def append(self, key: Key, turn: Turn, place: int, before: int) -> int:
        """Write a turn, all of it or nothing that would be read.

        Args:
            key: The conversation.
            turn: The turn.
            place: Where it goes.
            before: How many messages before it are in the window.

        Returns:
            Where the next one goes.

        Raises:
            ContractError: If it is not certain that it is written.
        """

    def recall(self, key: Key, prompt: str) -> list[str]:
        """Long-term records that fit the prompt, the best first.

        Raises:
            ContractError: If they cannot be read.
        """


def client(session: boto3.Session, service: str, settings: Settings) -> Any:
    """A client whose calls end within seconds.

    Args:
        session: Where credentials come from.
        service: botocore's name of the service.
        settings: How many calls there are at once.
    """
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=settings.concurrency,
        tcp_keepalive=True,
    )
    return session.client(service, config=config)


@contextmanager
def told(**where: str) -> Iterator[None]:
    """Turn what fails in here into a fault of the contract, and say in the log what it was.

    Args:
        **where: What names the memory and the call.

    Raises:
        ContractError: If anything fails.
    """
    try:
        yield
    except Exception as error:
        fault, diagnosis = _diagnosis(error)
        logs.event("memory_failed", level=logging.WARNING, code=fault.code, **where, **diagnosis)
        raise ContractError(fault) from error


def _diagnosis(error: Exception) -> tuple[Fault, dict[str, Any]]:
    if isinstance(error, NoCredentialsError):  # a defect here, as where a gateway's request is signed
        return contract.INTERNAL, {"check": "the process has no AWS credentials"}
    if not isinstance(error, ClientError):
        check = "the memory can be reached from here; in a VPC by an endpoint for it"
        return contract.MEMORY_UNAVAILABLE, {**logs.origin(error), "check": check}
    found = error.response.get("Error", {})
    code, reason = found.get("Code", ""), found.get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = {"aws_error": code, **(_denial(reason) if code in _TELLING else {})}
    if status >= 500 or status in _BUSY or code in _BUSY_CODES:
        return contract.MEMORY_UNAVAILABLE, said
    return contract.MEMORY_REFUSED, {
        **said,
        "check": "the memory exists in this account and Region; the role may do this action on it, for this agent's "
        "own folder or actor; an encrypted one's key allows it",
    }


def _denial(reason: str) -> dict[str, str]:
    """S3 sets the resource in quotation marks."""
    return {**{name: text.strip('"') for name, text in denied(reason).items()}, "reason": reason[:500]}

"""The file by which other commands find the local deployment that is running."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from toolgate.access.deployment.text_file import json_of, text_of


def serving_file(program: Path) -> Path:
    """Where it is, for the program in this folder."""
    return program / ".local" / "serving.json"


@dataclass(frozen=True)
class AgentToken:
    """A token that AgentCore Identity gives to an agent: what it is asked for."""

    identity: str
    provider: str
    scopes: tuple[str, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ClientToken:
    """A token that an issuer gives to a client for its secret."""

    token_endpoint: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str


@dataclass(frozen=True)
class Endpoint:
    """A gateway as a caller reaches it.

    Attributes:
        id: The gateway's id.
        url: Its URL here.
        version: The newest protocol version.
        sessions: Whether it has sessions.
        token: By which token the caller comes; None where it signs its requests.
    """

    id: str
    url: str
    version: str
    sessions: bool
    token: AgentToken | ClientToken | None = None


@dataclass(frozen=True)
class Caller:
    """An agent, or a client outside of AgentCore, in whose place one may call tools.

    Attributes:
        credentials: The variables with the credentials of an agent's role; none of a client.
        gateways: The gateways that are its own.
        variables: What leads an agent to gateways that take tokens.
    """

    credentials: Mapping[str, str] = field(repr=False)
    gateways: tuple[Endpoint, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


class Announceable(Protocol):
    """What there is to say about a running local deployment."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Endpoint and credential variables."""

    @property
    def agents(self) -> Mapping[str, str]:
        """Agents' names and their runtimes' ARNs."""

    @property
    def callers(self) -> Mapping[str, Caller]:
        """The agents and clients in whose place one may call tools, by their names."""

    @property
    def access_log(self) -> Path:
        """The gateways' access log."""


class AlreadyServedError(Exception):
    """Another process serves this program; the text says where, and what to do."""


class NotServedError(Exception):
    """Nothing is served; the text says what to do."""


@dataclass(frozen=True)
class Served:
    """What the file says of a running local deployment.

    Attributes:
        environment: Endpoint and credential variables of its operator.
        callers: The agents and clients by their names.
        access_log: The gateways' access log.
    """

    environment: Mapping[str, str] = field(repr=False)
    callers: Mapping[str, Caller]
    access_log: Path


@contextmanager
def reserved(path: Path) -> Iterator[None]:
    """Keep the file, and the logs beside it, for this process as long as the block runs.

    Two at a time would each write the other's logs anew, and the first to end would take away what leads to both.

    Args:
        path: The file; its folder is made when it is not there.

    Raises:
        AlreadyServedError: Another process has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A lock of the kernel's: it ends with the process, however that ends.
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = ""
            with suppress(NotServedError):
                where = f", at {read(path).environment['AWS_ENDPOINT_URL']}"
            text = f"this program is served already{where}. End that first, or name another folder by --program"
            raise AlreadyServedError(text) from None
        yield


@contextmanager
def announced(serving: Announceable, path: Path) -> Iterator[Callable[[], None]]:
    """Write `{"environment", "agents", "callers", "access_log"}` for as long as the block runs.

    The block gets what writes it again, once something else is served.

    The file holds credentials of the local deployment: only its owner can read it.

    Args:
        serving: What `toolgate.local.serve.server.serve` yields.
        path: The file; its folder is made when it is not there.
    """
    _announce(serving, path)
    try:
        yield lambda: _announce(serving, path)
    finally:
        path.unlink(missing_ok=True)


def _announce(serving: Announceable, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(_content(serving), indent=2)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
    new.replace(path)


def _content(serving: Announceable) -> dict[str, Any]:
    return {
        "environment": dict(serving.environment),
        "agents": dict(serving.agents),
        "callers": {name: asdict(caller) for name, caller in serving.callers.items()},
        "access_log": str(serving.access_log),
    }


def read(path: Path) -> Served:
    """What is served.

    Raises:
        NotServedError: Nothing is, or the file is damaged.
    """
    try:
        content = json_of(text_of(path.read_bytes()))
        callers = {
            name: Caller(dict(caller["credentials"]), tuple(map(_endpoint, caller["gateways"])), caller["variables"])
            for name, caller in content["callers"].items()
        }
        return Served(content["environment"], callers, Path(content["access_log"]))
    except FileNotFoundError:
        raise NotServedError("nothing is served on this machine. Start it with `toolgate up`.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotServedError(f"{path} is damaged. Start again with `toolgate up`.") from None


def _endpoint(said: Mapping[str, Any]) -> Endpoint:
    given = said["token"]
    token: AgentToken | ClientToken | None = None
    if given:
        of_agent = "provider" in given
        token = AgentToken(**given | {"scopes": tuple(given["scopes"])}) if of_agent else ClientToken(**given)
    return Endpoint(**{**said, "token": token})

"""Serve the console: a port of its own on loopback, in a thread, with a token for this start."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from toolgate.console.app import console_app
from toolgate.console.guard import Guard, new_token
from toolgate.console.source import Source
from toolgate.local.serve.loopback_server import HOST, listening, running


@dataclass(frozen=True)
class Console:
    """A console that is served.

    Attributes:
        url: Its address, `http://127.0.0.1:<port>`.
        token: What its page needs to know.
    """

    url: str
    token: str = field(repr=False)

    @property
    def address(self) -> str:
        """Where to open it. What stands after `#` a browser sends to nobody."""
        return f"{self.url}/#token={self.token}"


@contextmanager
def console(source: Source, port: int = 0) -> Iterator[Console]:
    """Serve a console until the block ends; then nothing of it is left running.

    Args:
        source: Answers what the page asks.
        port: The port, or 0 for a free one.

    Raises:
        PortInUseError: Another program listens on the port.
    """
    token = new_token()
    with listening(port) as listener:
        at = listener.getsockname()[1]
        with running(Guard(console_app(source), at, token), listener, "console"):
            try:
                yield Console(f"http://{HOST}:{at}", token)
            finally:
                if source.live:
                    source.live.close()  # else the streams of events would hold up the end

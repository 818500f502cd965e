"""An OpenTelemetry collector on loopback that keeps what it is told."""

import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

PATIENCE_SECONDS, QUIET_SECONDS = 30.0, 2.0


class Collector:
    """Serves while it is entered; takes OTLP over HTTP.

    Attributes:
        url: Its address.
    """

    def __init__(self) -> None:
        self._told: list[bytes] = []
        self._news = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector._take(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Begin to serve."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def _take(self, body: bytes) -> None:
        with self._news:
            self._told.append(body)
            self._news.notify_all()

    def spoken(self, *expected: str) -> bytes:
        """All that came since the last call, once it holds what is expected and nothing more comes.

        Raises:
            TimeoutError: Something expected did not come.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._news:
            while self._news.wait(QUIET_SECONDS) or self._missing(expected):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no telemetry of {', '.join(self._missing(expected))}")
            whole = b"".join(self._told)
            self._told.clear()
            return whole

    def _missing(self, expected: tuple[str, ...]) -> list[str]:
        whole = b"".join(self._told)
        return [name for name in expected if name.encode() not in whole]

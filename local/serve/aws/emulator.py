"""moto in this process: what answers once a call is decided. No port, no network, nothing of the caller's signature.

moto keeps its state for the whole process, by account: one emulator at a time can run in a process.
"""

import io
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.aws.protocols import Forwarded

log = logging.getLogger(__name__)

_RUNNING = threading.Lock()

type _Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class NotEmulatedError(Exception):
    """moto does not know this, or failed at it."""


@dataclass(frozen=True)
class Answer:
    """A service's answer: status, headers, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


class Emulator:
    """The services of one account in one Region; its data live until it is closed."""

    def __init__(self, env: CloudEnvironment) -> None:
        self._env = env
        self._apps: dict[str, _Wsgi] = {}
        self._holds = False
        self._lock = threading.Lock()

    def load(self, services: Iterable[str]) -> None:
        """Load the services: a second and more of imports, which no call should wait for."""
        for service in sorted(services):
            self._app(service)

    def answer(self, service: str, request: Forwarded) -> Answer:
        """What a service answers to a request that may be made.

        Raises:
            NotEmulatedError: moto does not have the operation, or failed at it.
        """
        app = self._app(service)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
            started.append((status, headers))

        try:
            body = b"".join(app(self._environ(service, request), start_response))
        except Exception as error:
            # Its message may hold what was sent.
            log.warning("moto failed at a request to %s: %s", service, type(error).__name__)
            raise NotEmulatedError(service) from error
        status, headers = int(started[0][0].split()[0]), started[0][1]
        if status >= 500:
            raise NotEmulatedError(service)
        return Answer(status, tuple(headers), body)

    def client(self, service: str) -> Any:
        """A botocore client of a service that asks here, and nowhere else."""
        from botocore.awsrequest import AWSResponse  # noqa: PLC0415  # with moto
        from botocore.config import Config  # noqa: PLC0415

        from toolgate.local.loopback_client import open_client  # noqa: PLC0415

        def send(request: Any, **_event: Any) -> Any:
            url = urlsplit(request.url)
            content = request.body.read() if hasattr(request.body, "read") else request.body or b""
            content = content.encode() if isinstance(content, str) else content
            headers = {name.lower(): _text(value) for name, value in request.headers.items()}
            kept = {name: value for name, value in headers.items() if name not in {"authorization", "expect"}}
            answer = self.answer(service, Forwarded(request.method, url.path or "/", url.query, kept, content))
            return AWSResponse(request.url, answer.status, dict(answer.headers), _Raw(answer.body))

        client = open_client(
            service,
            {
                "AWS_ENDPOINT_URL": f"https://{self._host(service)}",
                "AWS_REGION": self._env.region,
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",  # signs nothing that anybody checks
            },
            Config(
                s3={"addressing_style": "path", "payload_signing_enabled": True},
                request_checksum_calculation="when_required",
            ),
        )
        client.meta.events.register("before-send", send)
        return client

    def name_secret(self, name: str, arn: str) -> None:
        """Have the secret of this name get this ARN when it is made; moto would draw its last six characters by lot."""
        kind = _of_moto("secretsmanager.utils").SecretsManagerSecretIdentifier
        identifier = kind(self._env.account, self._env.region, name)
        _of_moto("utilities.id_generator").moto_id_manager.set_custom_id(identifier, arn[-6:])

    def close(self) -> None:
        """Forget all data."""
        with self._lock:
            if not self._holds:
                return
            for service in self._apps:
                backends = _of_moto("backends").get_backend(service)
                if self._env.account in backends:
                    backends[self._env.account].reset()
                    del backends[self._env.account]
            self._apps.clear()
            self._holds = False
            _RUNNING.release()

    def _app(self, service: str) -> _Wsgi:
        with self._lock:
            if not self._holds and not _RUNNING.acquire(blocking=False):
                text = "another deployment with AWS services is being served by this process"
                raise DeploymentError(f"{text}; moto keeps its state by process: end that one first")
            self._holds = True
            if service not in self._apps:
                # Not moto's own dispatcher: that one also answers under /moto-api, whoever asks.
                self._apps[service] = _of_moto("moto_server.werkzeug_app").create_backend_app(service)
            return self._apps[service]

    def _host(self, service: str) -> str:
        return self._env.host(service)

    def _environ(self, service: str, request: Forwarded) -> dict[str, Any]:
        """The WSGI environment (PEP 3333). moto reads account and Region from the two headers that are written here."""
        credential = f"local/20260101/{self._env.region}/{service}/aws4_request"
        scope = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"
        headers = {**request.headers, "authorization": scope, "x-moto-account-id": self._env.account}
        raw = f"{request.path}?{request.query}" if request.query else request.path
        return {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
            "QUERY_STRING": request.query,
            "RAW_URI": raw,
            "REQUEST_URI": raw,
            "SERVER_NAME": self._host(service),
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "HTTP_HOST": self._host(service),
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }


def _of_moto(module: str) -> Any:
    """A module of moto: a second of imports, and nothing that a type checker need read."""
    return import_module(f"moto.{module}")


class _Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_options: Any) -> Iterator[bytes]:
        yield self.read()


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)

"""A deployment with what tools keep data in, made by the stand-in, and clients that ask it in this process."""

import asyncio
import io
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from tests.local.cloud.conftest import (
    BUCKET,
    GOOD,
    OBJECT,
    PARAMETER,
    QUEUE,
    SECRET,
    SECRET_VERSION,
    TABLE,
    TOPIC,
    VERSIONING,
)
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.policies import Policy
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.cloud.values import Package
from toolgate.local.serve.aws.aws_services import AwsServices
from toolgate.local.serve.guards.credentials import Credentials, Sessions
from toolgate.local.serve.guards.iam_guard import Authority, authorized
from toolgate.policy.language.agentcore_facts import FUNCTION, ROLE, ROLE_POLICY

ENV = CloudEnvironment("210987654321", "eu-central-1")
PLACE = "{}:eu-central-1:210987654321"
ROLE_ARN = f"arn:aws:iam::{ENV.account}:role/"
SERVICES = ("dynamodb", "s3", "sqs", "sns", "secretsmanager", "ssm")
FOUND_SECRET = ENV.arn("secretsmanager", "secret:by-hand/token-AbCdE1")
FOUND_PARAMETER = ENV.arn("ssm", "parameter/by-hand/token")
MARK = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17"}
"""How an export marks a file or text."""

type Resources = list[dict[str, Any]]


def allow(actions: str | Sequence[str], on: str | Sequence[str] = "*", **more: Any) -> dict[str, Any]:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": actions, "Resource": on, **more}


def resource(token: str, name: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    """A resource as an export has it."""
    urn = f"urn:pulumi:dev::orders::{token}::{name}"
    return {"urn": urn, "type": token, "inputs": dict(inputs), "outputs": {**inputs, **outputs}}


def role(name: str, *statements: Mapping[str, Any]) -> Resources:
    """A role of an export with its policy."""
    arn = f"{ROLE_ARN}{name}"
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    trust = {"Version": "2012-10-17", "Statement": []}
    return [
        resource(ROLE, name, {"name": name, "assumeRolePolicy": trust}, {"arn": arn}),
        resource(ROLE_POLICY, name, {"name": "own", "role": name, "policy": policy}, {}),
    ]


def function(role_name: str, **variables: str) -> dict[str, Any]:
    """A function with variables, for what they lead to."""
    arn = ENV.arn("lambda", "function:orders")
    inputs = {"name": "orders", "role": f"{ROLE_ARN}{role_name}", "environment": {"variables": variables}}
    return resource(FUNCTION, "orders", inputs, {"arn": arn})


def made(*kinds: tuple[str, Mapping[str, Any]]) -> Resources:
    """Resources of these types, as the stand-in makes them."""
    plane = ControlPlane(ENV, MemoryStore(), {})
    found: Resources = []
    for number, (token, inputs) in enumerate(kinds):
        given = dict(inputs)
        if token == SECRET_VERSION:
            given["secretId"] = next(it["outputs"]["arn"] for it in reversed(found) if it["type"] == SECRET)
        sent = {**given, "source": Package("digest")} if token == OBJECT else given
        found.append(resource(token, f"r{number}", given, {**plane.create(token, sent).outputs, "source": None}))
    return found


def data() -> Resources:
    """One of each, and a function that is led to a secret and a parameter that somebody made by hand."""
    content = {"bucket": "orders-data", "key": "seed/1.json", "source": {**MARK, "text": "[1]"}}
    return [
        *role("user", *(allow(f"{service}:*") for service in SERVICES)),
        *made(
            (TABLE, GOOD[TABLE]),
            (BUCKET, {"bucket": "orders-data"}),
            (VERSIONING, GOOD[VERSIONING] | {"bucket": "orders-data"}),
            (OBJECT, content),
            (QUEUE, GOOD[QUEUE]),
            (TOPIC, GOOD[TOPIC]),
            (SECRET, GOOD[SECRET]),
            (SECRET_VERSION, GOOD[SECRET_VERSION]),
            (PARAMETER, GOOD[PARAMETER]),
            (PARAMETER, {"name": "plain", "type": "SecureString", "value": "11"}),
        ),
        function("user", TOKEN=FOUND_SECRET, OTHER=FOUND_PARAMETER),
    ]


def parsed(resources: Resources) -> Deployment:
    """The deployment of these resources."""
    return parse({"version": 3, "deployment": {"resources": resources}})


def arn_of(resources: Resources, token: str) -> str:
    """The ARN of the first resource of a type."""
    return str(next(it["outputs"]["arn"] for it in resources if it["type"] == token))


class Asking:
    """The services behind the guard, asked through botocore without a network."""

    def __init__(self, services: AwsServices) -> None:
        self._sessions = Sessions()
        self._session = botocore.session.Session()
        self._session.set_credentials("none", "none", "none")
        self._clients: dict[str, Any] = {}
        self._services = services
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def client(
        self,
        service: str,
        *statements: Mapping[str, Any],
        endpoint_url: str = "http://127.0.0.1:1",
        alone: bool = False,
    ) -> Any:
        """A client of somebody who may do what the statements say; `alone` if a test hangs something on its events."""
        policy = Policy("own", {"Version": "2012-10-17", "Statement": list(statements)})
        whose = Role(arn=f"{ROLE_ARN}caller", name="caller", trust={}, policies=(policy,) if statements else ())
        made = None if alone else self._clients.get(service)
        if made is None:
            made = self._session.create_client(
                service,
                region_name=ENV.region,
                endpoint_url=endpoint_url,
                config=Config(retries={"total_max_attempts": 1}),
            )
            made.meta.events.register("before-send", self.send)
        if not alone:
            self._clients[service] = made
        return _Caller(made, self._session.get_credentials(), self._sessions.assume(whose, "tool"))

    def send(self, request: Any, **_event: Any) -> AWSResponse:
        """The answer to a request as botocore has prepared it."""
        url = urlsplit(request.url)
        body = request.body.read() if hasattr(request.body, "read") else request.body or b""
        given = [(name, it.decode() if isinstance(it, bytes) else str(it)) for name, it in request.headers.items()]
        scope = {
            "type": "http",
            "method": request.method,
            "raw_path": (url.path or "/").encode(),
            "query_string": url.query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in [("host", url.netloc), *given]],
        }
        return AWSResponse(
            request.url, *self._run(self._exchange(scope, body.encode() if isinstance(body, str) else body))
        )

    async def _exchange(self, scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, str], "_Raw"]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        authority = Authority(self._sessions, ENV.region, self._services.policies)
        await authorized(self._services.services(), authority)(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        content = b"" if scope["method"] == "HEAD" else b"".join(it["body"] for it in sent[1:])
        return sent[0]["status"], headers, _Raw(content)

    def _run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


class _Raw(io.BytesIO):
    def stream(self, **_options: Any) -> Iterator[bytes]:
        yield self.read()


class _Caller:
    """One of several who share a client, since making one takes longer than a call: each signs for itself."""

    def __init__(self, client: Any, signing: Any, keys: Credentials) -> None:
        self._client, self._signing, self._keys = client, signing, keys

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "meta":
            return found

        def call(*args: Any, **parameters: Any) -> Any:
            self._signing.access_key = self._keys.access_key_id
            self._signing.secret_key = self._keys.secret_access_key
            self._signing.token = self._keys.session_token
            return found(*args, **parameters)

        return call


@pytest.fixture(scope="module")
def resources() -> Resources:
    return data()


@pytest.fixture(scope="module")
def services(resources: Resources, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServices]:
    running = AwsServices(ENV, tmp_path_factory.mktemp("program"))
    try:
        running.load(parsed(resources))
        running.wait()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def asking(services: AwsServices) -> Iterator[Asking]:
    """Clients of the services."""
    asking = Asking(services)
    yield asking
    asking.close()


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, int], Path]:
    """A program's folder with a file of values of this text and mode."""

    def make(text: str, mode: int = 0o600) -> Path:
        file = tmp_path / ".local" / "secrets.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return tmp_path

    return make

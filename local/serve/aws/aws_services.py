"""The six services behind the guard: each call is read, decided with the caller's role, and then answered by moto."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.access.deployment.data_resources import DATA_SERVICES
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.policies import Policy
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.aws import plain_parameters
from toolgate.local.serve.aws.emulator import Answer, Emulator, NotEmulatedError
from toolgate.local.serve.aws.error_answers import refuse_as
from toolgate.local.serve.aws.needs import DataAccount
from toolgate.local.serve.aws.operations import needed
from toolgate.local.serve.aws.protocols import Call, not_reproduced, read_post
from toolgate.local.serve.aws.s3_requests import read_s3
from toolgate.local.serve.aws.seeding import Seeds, Sower, Values, seeds
from toolgate.local.serve.guards.iam_guard import NeededPermission, Service, received
from toolgate.local.serve.guards.sigv4 import Received

MAX_BODY = 64 * 2**20
"""Bytes: a request is held in memory. S3 takes objects of 5 GB at once; larger ones than this can be sent in parts."""
_AT_ONCE = 64
"""Calls that may wait at the same time: those for messages of a queue wait up to 20 seconds."""
# The guard answers with an id of its own; whom a browser may tell the answer is nobody's question here.
_DROPPED = ("x-amzn-requestid", "access-control-", "connection", "server", "date")


class AwsServices:
    """The services of one `serve`: made once, and told of each deployment that it serves in turn."""

    def __init__(self, env: CloudEnvironment, root: Path) -> None:
        self._env = env
        self._emulator = Emulator(env)
        self._sower = Sower(self._emulator)
        self._values = Values(root)
        self._seeds = Seeds(frozenset(), (), DataAccount(env), {})
        self._before = self._seeds
        self._sowing: threading.Thread | None = None
        self._failure: Exception | None = None
        self._asleep = self._woken = False
        self._waking = threading.Lock()
        self._left: tuple[str, ...] = ()
        self._limiter: anyio.CapacityLimiter | None = None

    @property
    def policies(self) -> Mapping[str, Policy]:
        """The policies on tables, buckets, queues, topics and secrets by ARN."""
        return self._seeds.policies

    @property
    def account(self) -> DataAccount:
        """What has to be known of the resources to decide."""
        return self._seeds.account

    @property
    def notes(self) -> tuple[str, ...]:
        """In a sentence each: values that are made up, changes that wait for the next start."""
        return (*self._seeds.notes, *self._left)

    def load(self, deployment: Deployment, issued: Mapping[str, str] | None = None) -> None:
        """Begin to make the deployment's resources; those that are there keep their data. Nothing is waited for.

        Args:
            deployment: The deployment.
            issued: What secrets hold that are made on this machine, by ARN.

        Raises:
            DeploymentError: A resource, or the file with secrets' values, is not as it must be.
        """
        self.wait()
        found = seeds(deployment, self._env, replace(self._values, issued=issued or {}))
        self._before, self._seeds = self._seeds, found
        self._asleep = self._seeds.by_others and not self._woken
        if self._seeds.services and not self._asleep:  # without, no call can be allowed, and moto need not be loaded
            self._begin()

    def _begin(self) -> None:
        self._woken = True
        self._sowing = threading.Thread(target=self._sow, args=(self._seeds,), name="aws-services", daemon=True)
        self._sowing.start()

    def wait(self) -> None:
        """Wait until the resources are there.

        Raises:
            DeploymentError: One could not be made; what is decided is decided as before.
        """
        if self._sowing:
            self._sowing.join()
            self._sowing = None
        if self._failure:
            failure, self._failure = self._failure, None
            self._seeds = self._before
            raise failure

    def close(self) -> None:
        """Forget all data."""
        if self._sowing:
            self._sowing.join()
        self._emulator.close()

    def services(self) -> list[Service]:
        """The services for the guard, told by what a request is signed for."""
        methods = {"s3": frozenset({"DELETE", "GET", "HEAD", "POST", "PUT"})}
        return [
            Service(
                name=name,
                path=re.compile(r"/.*"),
                methods=methods.get(name, frozenset({"POST"})),
                permissions=self._permissions(name),
                app=self._app(name),
                max_body=MAX_BODY,
                refuse=refuse_as(name),
                by_path=False,
            )
            for name in sorted(DATA_SERVICES)
        ]

    def _sow(self, of: Seeds) -> None:
        try:
            self._emulator.load(of.services)
            self._left = self._sower.sow(of)
        except Exception as error:
            self._failure = error

    def _permissions(self, service: str) -> Callable[[re.Match[str], Received], list[NeededPermission]]:
        return lambda _match, request: needed(_read(service, request), self._seeds.account)

    def _app(self, service: str) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            message = await receive()
            call = _read(service, received(scope, message["body"]))
            if service not in self._seeds.services:
                await self._refuse(send, call, f"calls to {service} by a role that no function or agent has")
                return
            self._limiter = self._limiter or anyio.CapacityLimiter(_AT_ONCE)
            try:
                answer = await anyio.to_thread.run_sync(self._answer, call, limiter=self._limiter)
            except NotEmulatedError:
                await self._refuse(send, call, f"what {call.service}:{call.operation} asks for here")
                return
            await _give(answer, send)

        return app

    async def _refuse(self, send: Send, call: Call, what: str) -> None:
        refusal = not_reproduced(what)
        await refuse_as(call.service)(send, refusal.status, refusal.code, str(refusal))

    def _answer(self, call: Call) -> Answer:
        with self._waking:
            if self._asleep and (told := plain_parameters.read(call, [it for it in self._seeds.requests if it.plain])):
                return told
            if self._asleep:
                self._asleep = False
                self._begin()
            sowing = self._sowing
        if sowing:
            sowing.join()
        if self._failure:
            raise NotEmulatedError(str(self._failure))
        return self._emulator.answer(call.service, call.forwarded)


def _read(service: str, request: Received) -> Call:
    return read_s3(request) if service == "s3" else read_post(service, request)


async def _give(answer: Answer, send: Send) -> None:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in answer.headers
        if not name.lower().startswith(_DROPPED)
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})

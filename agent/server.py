"""The agent's HTTP server and its application, which takes AgentCore's contract from the SDK."""

import asyncio
import math
import os
import signal
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import replace
from types import FrameType
from typing import Any

import boto3
from bedrock_agentcore.runtime import BedrockAgentCoreApp, BedrockAgentCoreContext, PingStatus, RequestContext
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from uvicorn.config import Config
from uvicorn.server import Server

import asking
import connections
import contract
import conversation
import gateway
import logs
import model
import traces
from contract import ContractError, Request, TaskRequest
from door import Door
from edge import LEFT, ORIGIN, USER_HEADER, Edge
from health import Health
from invocation import Invocation
from service import Service
from settings import Settings
from tasks import Tasks, Turn

# How often it is seen whether a task still runs, once the process was told to end (uvicorn, Server.shutdown).
_LOOK_SECONDS = 0.1


class _Server(Server):
    """Takes over from the door, and tells the service about a signal to end as soon as it comes."""

    def __init__(self, config: Config, service: Service, tasks: Tasks, door: Door) -> None:
        super().__init__(config)
        self._service = service
        self._tasks = tasks
        self._door = door

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.stop()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        waiting = self._door.hand_over()
        await super().startup(sockets)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(self._connection, connection)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A task has no connection that would be waited for. The service ends it by then, as it does an invocation.
        await super().shutdown(sockets)
        end = time.monotonic() + (self.config.timeout_graceful_shutdown or 0)
        while self._tasks.running and not self.force_exit and time.monotonic() < end:
            await asyncio.sleep(_LOOK_SECONDS)

    def _connection(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def build_service(wanted: Settings) -> Service:
    """Make the service; no connection and no credentials are made or asked for yet."""
    session = boto3.Session(region_name=wanted.region)
    return Service(
        wanted,
        gateway.handed(session, wanted, asking.handed(session, wanted)),
        lambda: model.build(session, wanted),
        conversation.kept(session, wanted),
    )


def build_app(service: Service, wanted: Settings, health: Health | None = None) -> BedrockAgentCoreApp:
    """Make the HTTP application of AgentCore's contract around the service.

    Args:
        service: What answers.
        wanted: Bounds of a request.
        health: What `/ping` says; a new one where none is given.
    """
    health = health or Health()
    app = BedrockAgentCoreApp(middleware=[Middleware(Edge, settings=wanted, health=health)])
    # Not `get_async_task_info`: it walks through the tasks, which another thread adds to.
    health.tasks = lambda: app.get_current_ping_status() is PingStatus.HEALTHY_BUSY
    app.state.tasks = tasks = Tasks(app.add_async_task, app.complete_async_task)

    @app.entrypoint
    async def invoke(payload: dict[str, Any], context: RequestContext) -> Response | AsyncIterator[dict[str, Any]]:
        request_id = BedrockAgentCoreContext.get_request_id() or str(uuid.uuid4())
        user = context.request.headers.get(USER_HEADER) if context.request else None
        invocation = Invocation(request_id, context.session_id, user, LEFT.get(), origin_request_id=ORIGIN.get())
        owner = conversation.key(invocation.session_id, invocation.user)
        try:
            if "task" in payload:
                return JSONResponse(await tasks.answer(owner, TaskRequest(**payload)))
            request = Request(**payload)
            if request.background:
                if service.stopping:
                    raise ContractError(contract.SHUTTING_DOWN)
                return JSONResponse(tasks.start(owner, _outliving(service, request, invocation)))
            tasks.check(owner)
        except ContractError as error:
            invocation.log(error.fault.status, error.fault.code)
            return JSONResponse(contract.failure(error.fault), error.fault.status)
        if request.stream:
            return service.events(request, invocation)
        status, body = await service.answer(request, invocation)
        return JSONResponse(body, status)

    return app


def _outliving(service: Service, request: Request, invocation: Invocation) -> Turn:
    """The turn of a request that does not end with its caller, only when it is cancelled."""

    async def turn(task: str, cancelled: Future[None]) -> dict[str, Any]:
        _, body = await service.answer(request, replace(invocation, task=task, left=cancelled))
        return body

    return turn


def run(wanted: Settings, door: Door, health: Health) -> None:
    """Serve until told to end.

    Args:
        wanted: What the environment says.
        door: Has served until now.
        health: What it has told until now.
    """
    logs.configure(wanted.log_level, wanted.log_content)
    traces.configure(os.environ, wanted.log_content)
    service = build_service(wanted)
    app = build_app(service, wanted, health)
    config = Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        # An invocation's body has its bound at the edge, which comes first and answers in the contract's words.
        **connections.options(connections.Bounds(body_seconds=wanted.invocation_seconds + 1)),
        # The service ends what runs by then; the second more is for the answer to get out.
        timeout_graceful_shutdown=math.ceil(wanted.shutdown_seconds) + 1,
    )
    _Server(config, service, app.state.tasks, door).run(door.listeners)

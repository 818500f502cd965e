"""The agent: `GET /ping` and `POST /invocations`, run as `python main.py` by AgentCore Runtime."""

import math
import os
import sys
import uuid
from collections.abc import AsyncIterator
from types import FrameType
from typing import Any

import boto3
import uvicorn
from bedrock_agentcore.runtime import BedrockAgentCoreApp, BedrockAgentCoreContext, RequestContext
from starlette.middleware import Middleware
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

import connections
import gateway
import logs
import model
import settings
import traces
from contract import Request
from edge import LEFT, Edge
from invocation import Invocation
from service import Service
from settings import Settings, SettingsError


class _Server(uvicorn.Server):
    """Tells the service about a signal to end as soon as it comes."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.stop()
        super().handle_exit(sig, frame)


def build_service(wanted: Settings) -> Service:
    """Make the service; no connection and no credentials are made or asked for yet."""
    session = boto3.Session(region_name=wanted.region)
    return Service(wanted, gateway.handed(session, wanted), lambda: model.build(session, wanted))


def build_app(service: Service, wanted: Settings) -> BedrockAgentCoreApp:
    """Make the HTTP application of AgentCore's contract around the service."""
    app = BedrockAgentCoreApp(middleware=[Middleware(Edge, settings=wanted)])
    app.router.routes[:] = [_in_the_loop(route) for route in app.router.routes]

    @app.entrypoint
    async def invoke(payload: dict[str, Any], context: RequestContext) -> Response | AsyncIterator[dict[str, Any]]:
        request = Request(**payload)
        request_id = BedrockAgentCoreContext.get_request_id() or str(uuid.uuid4())
        invocation = Invocation(request_id, context.session_id, LEFT.get())
        if request.stream:
            return service.events(request, invocation)
        status, body = await service.answer(request, invocation)
        return JSONResponse(body, status)

    return app


def _in_the_loop(route: BaseRoute) -> BaseRoute:
    """The route; `/ping` without a thread, because beside a busy event loop a thread waits for its turn for seconds."""
    if not isinstance(route, Route) or route.path != "/ping":
        return route
    answer = route.endpoint

    async def ping(request: HttpRequest) -> Response:
        found: Response = answer(request)
        return found

    return Route(route.path, ping, methods=["GET"])


def main() -> int:
    """Serve until told to end."""
    try:
        wanted = settings.read(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure(wanted.log_level, wanted.log_content)
    traces.configure(os.environ, wanted.log_content)
    service = build_service(wanted)
    config = uvicorn.Config(
        build_app(service, wanted),
        host=wanted.host,
        port=wanted.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        # An invocation's body has its bound at the edge, which comes first and answers in the contract's words.
        **connections.options(connections.Bounds(body_seconds=wanted.invocation_seconds + 1)),
        # The service ends what runs by then; the second more is for the answer to get out.
        timeout_graceful_shutdown=math.ceil(wanted.shutdown_seconds) + 1,
    )
    _Server(config, service).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

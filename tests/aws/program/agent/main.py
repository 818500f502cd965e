"""An agent without a model, which tells where it runs and answers with the HTTP status that it is asked for.

AgentCore Runtime's contract by the standard library alone, so that its zip is one file; only where it is asked to take
a token it uses boto3, and its zip has the packages of the shipped agent.
"""

import http.client
import itertools
import json
import os
import select
import socket
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
METADATA_HOST = "169.254.169.254"
METADATA_SECONDS = 2.0
PROCESS = uuid.uuid4().hex
"""Tells this process from another one that serves the same session."""
BUSY = {"since": 0.0, "until": 0.0}
LEFT: list[bool] = []
"""Of each request that waited for it, whether its caller's connection ended."""


class Handler(BaseHTTPRequestHandler):
    """`GET /ping` and `POST /invocations`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say that the agent is there, and whether it is busy."""
        busy = time.time() < BUSY["until"]
        stamp = BUSY["since"] if busy else BUSY["until"]
        self._answer(200, {"status": "HealthyBusy" if busy else "Healthy", "time_of_last_update": int(stamp)})

    def do_POST(self) -> None:
        """Answer `{"status": N}` with it; else do or tell what is asked for; else say the Region."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "status" in asked:
            error = {"code": "on_purpose", "message": "The caller asked for this status."}
            self._answer(int(asked["status"]), {"status": "error", "error": error})
        elif "metadata" in asked:
            self._answer(200, {"metadata_without_token": metadata_status()})
        elif "token" in asked:
            self._answer(200, taken(asked["token"]))
        elif "user" in asked:
            self._answer(200, {"user": self.headers.get(USER)})
        elif "busy" in asked:
            BUSY.update(since=time.time(), until=time.time() + asked["busy"])
            self._answer(200, {"process": PROCESS})
        elif "wait" in asked:
            LEFT.append(has_left(self.connection, asked["wait"]))
            self._answer(200, {"left": LEFT})
        elif "left" in asked:
            self._answer(200, {"left": LEFT})
        else:
            self._answer(200, {"region": os.environ.get("AWS_REGION")})

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the log empty: requests are no news."""

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def has_left(connection: socket.socket, seconds: float) -> bool:
    """Whether the other end of a connection ends it within some seconds."""
    readable, _, _ = select.select([connection], [], [], seconds)
    try:
        return bool(readable) and not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True


def metadata_status() -> int | None:
    """The status with which the metadata service answers who brings no token; None where there is none."""
    connection = http.client.HTTPConnection(METADATA_HOST, timeout=METADATA_SECONDS)
    try:
        connection.request("GET", "/latest/meta-data/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def taken(forced: list[bool]) -> dict[str, Any]:
    """How it went to take tokens by `TOKEN_GATEWAYS`: seconds, and how many are another one; the tokens are not told.

    Args:
        forced: For each access token whether it is asked for with `forceAuthentication`.
    """
    import boto3  # noqa: PLC0415  # only one of the runtimes has it
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    told = json.loads(os.environ["TOKEN_GATEWAYS"])
    [source] = told["tokens"]
    client = boto3.client("bedrock-agentcore", region_name=os.environ["AWS_REGION"])
    times, tokens = [time.monotonic()], set()
    try:
        workload = client.get_workload_access_token(workloadName=told["identity"])["workloadAccessToken"]
        times.append(time.monotonic())
        for force in forced:
            given = client.get_resource_oauth2_token(
                workloadIdentityToken=workload,
                resourceCredentialProviderName=source["provider"],
                scopes=source["scopes"],
                oauth2Flow="M2M",
                **({"forceAuthentication": True} if force else {}),
            )
            tokens.add(given["accessToken"])
            times.append(time.monotonic())
    except (BotoCoreError, ClientError) as error:
        return {"refused": f"{type(error).__name__}: {error}"}
    return {"seconds": [after - before for before, after in itertools.pairwise(times)], "different": len(tokens)}


if __name__ == "__main__":
    address = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8080"))
    ThreadingHTTPServer(address, Handler).serve_forever()

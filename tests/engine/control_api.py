"""The part of AgentCore's control API that removes a failed policy, on this machine, over the stand-in's account.

Only what a component's error hook asks: ListPolicies, DeletePolicy, and GetCallerIdentity of STS, in botocore's words.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from toolgate.local.cloud.store import Store

POLICY = "aws:bedrock/agentcorePolicy:AgentcorePolicy"
ACCOUNT = "123456789012"
_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::{0}:user/tester</Arn><UserId>AIDA</UserId><Account>{0}</Account></GetCallerIdentityResult>"
    "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)


@dataclass
class ControlApi:
    """What it holds and was asked.

    Attributes:
        store: The stand-in's account; a policy with `failed` in its record is CREATE_FAILED, any other ACTIVE.
        account: Whose credentials the caller has.
        denied: Whether DeletePolicy is refused.
        asked: The requests, by method and path.
        url: Its address.
    """

    store: Store
    account: str = ACCOUNT
    denied: bool = False
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def environment(self) -> dict[str, str]:
        """The variables that lead boto3 here, with credentials and past any proxy."""
        caller = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "none"}
        return {**caller, "AWS_ENDPOINT_URL": self.url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    def policies(self, engine: str) -> list[dict[str, Any]]:
        """The engine's policies, as ListPolicies has them."""
        with self.store.transaction() as account:
            return [
                {
                    "policyId": record["id"].partition(",")[2],
                    "policyArn": f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:policy-engine/{engine}",
                    "name": record["inputs"]["name"],
                    "policyEngineId": engine,
                    "status": "CREATE_FAILED" if record.get("failed") else "ACTIVE",
                    "statusReasons": [record["failed"]] if record.get("failed") else [],
                }
                for record in account["resources"].values()
                if record["type"] == POLICY and record["inputs"]["policyEngineId"] == engine
            ]

    def delete(self, engine: str, policy_id: str) -> None:
        """Delete a policy."""
        with self.store.transaction() as account:
            del account["resources"][f"{POLICY}|{engine},{policy_id}"]


@contextlib.contextmanager
def served(api: ControlApi) -> Iterator[None]:
    """Serve it on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the base class's name
            self._answer(200, _IDENTITY.format(api.account), "text/xml")

        def do_GET(self) -> None:
            self._answer(200, json.dumps({"policies": api.policies(self._parts()[1])}), "application/json")

        def do_DELETE(self) -> None:
            _, engine, _, policy_id = self._parts()
            if api.denied:
                text = "User: tester is not authorized to perform: bedrock-agentcore:DeletePolicy"
                self._answer(403, json.dumps({"message": text}), "application/json", "AccessDeniedException")
                return
            api.delete(engine, policy_id)
            self._answer(202, json.dumps({"policyId": policy_id, "status": "DELETING"}), "application/json")

        def _parts(self) -> list[str]:
            return unquote(self.path.partition("?")[0]).strip("/").split("/")

        def _answer(self, status: int, body: str, kind: str, error: str = "") -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            api.asked.append(f"{self.command} {self.path.partition('?')[0]}")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body.encode())))
            if error:
                self.send_header("x-amzn-ErrorType", error)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

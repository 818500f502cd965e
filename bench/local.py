"""How long the local deployment takes: plans, and tool calls through the local gateway. `python -m bench.local`.

Each figure stands beside a reference from the same run; the exit code is 1 when a ratio is above its bound.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from botocore.credentials import Credentials
from mcp_proxy_for_aws.sigv4_helper import SigV4HTTPXAuth  # type: ignore[import-untyped]

from bench import handler
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.local.plan import plan
from toolgate.local.serve.server import Serving, serve

CLASSES = ("iam.Role", "s3.Bucket", "lambda_.Function", "cloudwatch.LogGroup", "bedrock.AgentcoreGateway")
IMPORTS = "import pulumi_aws\n" + "\n".join(f"pulumi_aws.{name}" for name in CLASSES)
HEADERS = {"accept": "application/json, text/event-stream"}
CALL: dict[str, Any] = {"name": "math___add_numbers", "arguments": {"a": 1, "b": 2}}


@dataclass(frozen=True)
class Row:
    """A figure, its reference (both in milliseconds), and the most that their ratio may be."""

    what: str
    ours: float
    reference: float
    most: float

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its bound."""
        return self.ours / self.reference <= self.most

    def __str__(self) -> str:
        ratio = self.ours / self.reference
        verdict = "holds" if self.holds else "MISSED"
        return (
            f"| {self.what} | {self.ours:.1f} ms | {self.reference:.1f} ms | {ratio:.2f} | {self.most:g} | {verdict} |"
        )


def main() -> int:
    """Print the table; return the exit code."""
    rows = [_plan(), _example(), *_calls()]
    print("| what | ours | reference | ratio | at most | |\n|---|---|---|---|---|---|")
    print(*rows, sep="\n")
    return 0 if all(row.holds for row in rows) else 1


def _plan() -> Row:
    ours = [sys.executable, "-m", "toolgate.cli", "plan"]
    reference = [sys.executable, "-c", IMPORTS]
    pairs = [(_process(ours), _process(reference)) for _ in range(5)]
    name = "`toolgate plan` / a process that imports Pulumi's AWS classes"
    return _row(name, pairs, most=4)


def _row(what: str, pairs: list[tuple[float, float]], most: float) -> Row:
    ours, reference = zip(*pairs, strict=True)
    return Row(what, statistics.median(ours), statistics.median(reference), most)


def _process(command: list[str]) -> float:
    return _milliseconds(lambda: subprocess.run(command, check=True, capture_output=True))


def _example() -> Row:
    default = [sys.executable, "-m", "toolgate.cli", "plan"]
    ours = [*default, "--program", "examples/orders"]
    _process(ours)  # its packages are installed and its zip made by the first one
    pairs = [(_process(ours), _process(default)) for _ in range(5)]
    return _row("`toolgate plan` of examples/orders / of the default stack", pairs, most=1.5)


def _calls() -> Iterator[Row]:
    export = plan("dev").deployment
    deployment = parse(export)
    (gateway,) = deployment.gateways
    with serve(export) as serving:
        issued = serving.session(deployment.runtimes[0].role_arn)
        credentials = Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token)
        signer = SigV4HTTPXAuth(credentials, "bedrock-agentcore", gateway.arn.split(":")[3])
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": CALL}
        with httpx.Client(trust_env=False, headers=HEADERS) as client:

            def post(**options: Any) -> str:
                return client.post(serving.gateway_url(gateway.id), json=message, **options).text

            yield _first_call(lambda: post(auth=signer), serving, deployment)
            calls = (lambda: post(auth=signer)), post
            pairs = [(_milliseconds(calls[0]), _milliseconds(calls[1])) for _ in range(100)]
    name = "signed, authorized tools/call to the real handler / the same unsigned, refused"
    yield _row(name, pairs, most=12)


def _first_call(call: Callable[[], str], serving: Serving, deployment: Deployment) -> Row:
    """The function's process starts with the call."""
    [function] = deployment.functions
    with tempfile.TemporaryDirectory() as folder:
        alone = handler.alone(deployment, Path(), Path(folder), CALL["name"], CALL["arguments"])
        pairs = []
        for _ in range(10):
            serving.replace_files(function.name, {})  # ends the process that is there
            pairs.append((_milliseconds(call), _milliseconds(alone)))
        assert json.loads(json.loads(call())["result"]["content"][0]["text"]) == alone()
    return _row("first `tools/call` of a function / its bare handler in a process of its own", pairs, most=3)


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())

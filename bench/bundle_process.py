"""The agent's process, run from an unpacked zip by a Python that has no package of its own."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

CONTENT = b"777111"
PROMPT = f'call math___add_numbers {{"a": {CONTENT.decode()}, "b": 12}}'
PATIENCE_SECONDS = 60.0


def told(collector: str) -> dict[str, str]:
    """What AgentCore Runtime sets so that the ADOT distro sends to its collector, and sends at once."""
    return {
        "AGENT_OBSERVABILITY_ENABLED": "true",
        "OTEL_PYTHON_DISTRO": "aws_distro",
        "OTEL_PYTHON_CONFIGURATOR": "aws_configurator",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=toolgate_dev_assistant",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BLRP_SCHEDULE_DELAY": "100",
    }


class Process:
    """The agent; serves while it is entered.

    Args:
        empty: Folder of programs with the Python to run it.
        task: The unpacked zip.
        start: Its entry points, as AgentCore is told them.
        services: Address of gateway and model.
        environment: Further variables.
    """

    def __init__(
        self, empty: Path, task: Path, start: list[str], services: str, environment: Mapping[str, str]
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        # A leading entry point is a program of the zip that runs Python with the last one.
        self._command = [*(str(task / "bin" / name) for name in start[:-1]), str(empty / "python"), start[-1]]
        self._task = task
        self._environment = {
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
            **environment,
            "PATH": os.pathsep.join([str(empty), os.defpath]),
            "PYTHONPATH": str(task),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": services,
            "BEDROCK_MODEL_ID": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "GATEWAY_URL": f"{services}/mcp",
        }

    def __enter__(self) -> Self:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            self._command, cwd=self._task, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        with httpx.Client(trust_env=False) as client:
            while self._process.poll() is None and time.monotonic() < deadline:
                try:
                    client.get(f"{self._url}/ping")
                except httpx.ConnectError:
                    time.sleep(0.005)
                else:
                    break
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def ask(self) -> None:
        """One invocation with one tool call.

        Raises:
            RuntimeError: The answer is not the tool's.
        """
        answer = httpx.post(f"{self._url}/invocations", json={"prompt": PROMPT}, timeout=60, trust_env=False)
        if answer.status_code != 200 or str(int(CONTENT) + 12) not in answer.text:
            raise RuntimeError(f"{answer.status_code}: {answer.text}")

"""Figures of the agent, each against its reference in the same run: `python -m bench.agent`.

Prints a table and ends with 1 if a figure does not hold. Takes about ten minutes on two cores; `--only warm`, `start`,
`cost`, `conversation` or `connections` measures a part.
"""

import argparse
import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bench import agent_calls, agent_connections, agent_conversation, agent_processes
from bench.agent_figures import Figure, printed

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


PARTS: dict[str, Callable[[str], Iterable[Figure]]] = {
    "warm": lambda url: asyncio.run(agent_calls.figures(url)),
    "start": lambda _: agent_processes.starts(),
    "cost": lambda _: agent_processes.costs(),
    "conversation": lambda _: agent_conversation.figures(),
    "connections": lambda _: agent_connections.figures(),
}


def main() -> int:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="bench.agent")
    parser.add_argument("--only", choices=PARTS)
    only = parser.parse_args().only
    logging.disable(logging.CRITICAL)
    with services() as url:
        os.environ.update(
            AWS_REGION="us-east-1",
            AWS_ACCESS_KEY_ID="AKIDEXAMPLE",
            AWS_SECRET_ACCESS_KEY="secret",
            AWS_EC2_METADATA_DISABLED="true",
            AWS_ENDPOINT_URL_BEDROCK_RUNTIME=url,
            AWS_ENDPOINT_URL_BEDROCK_AGENTCORE=url,
            BEDROCK_MODEL_ID=MODEL,
            GATEWAY_URL=f"{url}/mcp",
        )
        parts = [PARTS[only]] if only else PARTS.values()
        return printed((figure for part in parts for figure in part(url)), "agent")


@contextmanager
def services() -> Iterator[str]:
    """The gateway and the model's endpoint, in a process of their own; gives their address."""
    command = [sys.executable, "-m", "bench.agent_services"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


if __name__ == "__main__":
    sys.exit(main())

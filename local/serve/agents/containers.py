"""An agent that is a container image: whether it can be run here, and what runs it."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from toolgate.local.serve.agents.agent_process import Program

RELAY = Path(__file__).with_name("container_relay.py")
FILE = "TOOLGATE_CONTAINER"
_SECONDS = 10.0
# Docker's documentation, "Use the Docker command line", environment variables: which daemon is asked, and as whom.
_OF_DOCKER = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")


def problem(image: str) -> str | None:
    """Why an image cannot be run here, as the end of a sentence; None if it can.

    Args:
        image: Its URI.
    """
    if not _succeeds("version", "--format", "{{.Server.Version}}"):
        return "it is a container, and no Docker daemon answers here (`docker version`): start one, or give it code"
    if not _succeeds("image", "inspect", "--format", "{{.Id}}", image):
        return f"its image is not on this machine: `docker pull {image}`"
    return None


def _succeeds(*words: str) -> bool:
    try:
        done = subprocess.run(["docker", *words], check=False, capture_output=True, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def container(
    folder: Path, image: str, environment: Mapping[str, str], url: str, protocol: str = "HTTP"
) -> tuple[Program, dict[str, str]]:
    """The program that runs a container, and its environment; the container's own is in none, but in a file of ours.

    Args:
        folder: An existing folder that is ours alone.
        image: The image.
        environment: The agent's variables, with credentials and addresses.
        url: The local deployment's address, which is another one in the container.
        protocol: The runtime's.
    """
    program = Program(RELAY, alone=True, protocol=protocol)
    said = {"image": image, "url": url, "environment": dict(environment), "port": program.port}
    file = folder / "container.json"
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as written:
        json.dump(said, written)
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", *_OF_DOCKER) if name in os.environ}
    return program, {**inherited, FILE: str(file)}

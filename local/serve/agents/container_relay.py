"""Runs an agent's container, and passes on what comes to it. The launcher starts this as it does an agent's program.

Docker publishes the contract's port at a free port of loopback; whoever asks here, at the Unix socket that the launcher
put in the contract's place, is led there. What the container calls, the local deployment, listens at loopback only,
which is another one in the container: where Docker runs on this machine itself, a listener at the address of its
network's gateway leads there. That one is reached from containers and from this machine, and behind it everything wants
a signature.

It is run by its path, so it imports nothing of ours. The file that `TOOLGATE_CONTAINER` names says what to run:
`{"image", "url", "environment", "port"}`, the last being the contract's.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

HOST = "host.docker.internal"
"""What a container knows this machine by (Docker's documentation, `docker run`, `--add-host`, `host-gateway`)."""
_GATEWAY = "{{(index .IPAM.Config 0).Gateway}}"
_PIECE = 65_536
# Until its pipe is closed, however we end; then nothing of the container is left.
_HEIR = 'cat > /dev/null; exec docker rm --force "$1"'


def main() -> int:
    """Run the container until it ends; its exit code."""
    said = json.loads(Path(os.environ["TOOLGATE_CONTAINER"]).read_text("utf-8"))
    contract: int = said["port"]
    port = _free_port()
    here = _reachable(urlsplit(said["url"]).port or 80)
    environment = {
        name: value.replace(said["url"], f"http://{HOST}:{here}") for name, value in said["environment"].items()
    }
    name = f"toolgate-{uuid.uuid4().hex}"
    with subprocess.Popen(
        ["/bin/sh", "-c", _HEIR, "sh", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ):
        command, variables = _command(said["image"], name, f"127.0.0.1:{port}:{contract}", environment)
        container = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=variables)
        listener = socket.socket()
        listener.bind(("127.0.0.1", contract))
        threading.Thread(target=_lead, args=(listener, port), daemon=True).start()
        return container.wait()


def _command(image: str, name: str, published: str, environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """What runs the container, and the environment that the command takes values from: none is in its words.

    Docker reads variables of its own, so that what an agent has by such a name goes in by the words after all.
    """
    docker = shutil.which("docker") or "docker"
    own = {name: value for name, value in os.environ.items() if name != "TOOLGATE_CONTAINER"}
    given = [f"--env={key}={value}" if _of_docker(key, own) else f"--env={key}" for key, value in environment.items()]
    words = [docker, "run", "--rm", "--init", "--pull=never", f"--name={name}", f"--add-host={HOST}:host-gateway"]
    words += [f"--publish={published}", *given, image]
    return words, {**{key: value for key, value in environment.items() if not _of_docker(key, own)}, **own}


def _of_docker(name: str, own: Mapping[str, str]) -> bool:
    return name in own or name.startswith(("DOCKER_", "LD_", "DYLD_"))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _reachable(port: int) -> int:
    """The port by which a container reaches what listens at a port of our loopback."""
    command = ["docker", "network", "inspect", "bridge", "--format", _GATEWAY]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    listener = socket.socket()
    try:
        listener.bind((found.stdout.strip() or "bridge.invalid", 0))
    except OSError:  # Docker is in a machine of its own, whose gateway leads to our loopback
        listener.close()
        return port
    threading.Thread(target=_lead, args=(listener, port), daemon=True).start()
    made: int = listener.getsockname()[1]
    return made


def _lead(listener: socket.socket, port: int) -> None:
    """Lead each connection to a port of loopback."""
    listener.listen()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_join, args=(connection, port), daemon=True).start()


def _join(one: socket.socket, port: int) -> None:
    with one, suppress(OSError), socket.create_connection(("127.0.0.1", port)) as other:
        back = threading.Thread(target=_pass_on, args=(other, one), daemon=True)
        back.start()
        _pass_on(one, other)
        back.join()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while piece := one.recv(_PIECE):
            other.sendall(piece)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    sys.exit(main())

"""The agent: `GET /ping` and `POST /invocations`, run as `python main.py` by AgentCore Runtime.

It serves first: what it needs to answer an invocation takes most of a second to import, and `/ping` needs none of it.
So nothing is imported here that costs time, and what is behind `server` comes once the port is open.
"""

import gc
import os
import signal
import sys

import settings
from door import Door, listening
from health import Health
from settings import SettingsError

_ENDS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Serve until told to end."""
    try:
        wanted = settings.read(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        listeners = listening(wanted.host, wanted.port)
    except OSError as error:
        print(f"HOST and PORT: {wanted.host}:{wanted.port} cannot be listened at: {error}", file=sys.stderr)
        return 1
    # A signal to end that comes during the imports waits for the server, which lets running requests finish.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    health = Health()
    door = Door(listeners, health.answer)
    door.open()
    # What the imports make stays for the life of the process: nobody has to look through it for garbage, neither while
    # it grows nor during an invocation, where that took longer than all the rest.
    gc.disable()
    import lazy  # noqa: PLC0415  # behind the open door

    lazy.install()
    import certificates  # noqa: PLC0415  # as above

    certificates.read_beside()
    import server  # noqa: PLC0415  # as above

    gc.freeze()
    gc.enable()
    server.run(wanted, door, health)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The plugin's process: an engine starts it, and may end it at any moment of its life.

Its end is quick and without a word. An engine asks each of its plugins to cancel, ends it and waits for it, one after
another within five seconds altogether, and reports as a crash whatever it did not come to ask (pulumi
`pkg/host/host.go`: `ReleaseContext`; `pkg/resource/plugin/plugin.go`: `Close`): a plugin that takes a second to end
makes another one look broken.
"""

import os
import select
import signal
import sys
from pathlib import Path

FOLDER_VARIABLE = "TOOLGATE_LOCAL"
"""Names the folder whose `account.json` holds the stand-in account; `.local` of the current one without it."""

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Serve until the engine ends this process, or is gone itself."""
    # Nothing has to be put in order first: the account is replaced whole or not at all.
    for number in _ENDS:
        signal.signal(number, lambda *_: os._exit(0))
    # Imported here: it takes a second, in which a signal must not end in a traceback.
    from toolgate.local.cloud.store import FileStore  # noqa: PLC0415
    from toolgate.local.engine.provider import Provider, started  # noqa: PLC0415

    folder = Path(os.environ.get(FOLDER_VARIABLE) or ".local")
    _server, port = started(Provider(FileStore(folder / "account.json")))
    try:
        print(port, flush=True)
    except OSError:  # nobody reads any more
        os._exit(0)
    _wait_for_the_end(sys.stdout.fileno())
    os._exit(0)


def _wait_for_the_end(output: int) -> None:
    # A signal that comes just before `poll` begins, or in another thread, runs no handler before it ends.
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    ends = select.poll()
    ends.register(told, select.POLLIN)
    # The engine holds the other end of the pipe as long as it lives; a terminal or a file has nobody who goes.
    ends.register(output, 0)
    ends.poll()


if __name__ == "__main__":
    main()

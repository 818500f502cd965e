"""Starts the components as a Pulumi package: what `pulumi` starts as the plugin `toolgate`."""

import importlib.util
import os
import signal
import sys
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent


def load() -> None:
    """Make this folder the package `toolgate.components`: an installed plugin's folder has another name.

    Started as a folder, Python would also find our modules by their plain names, before others of that name.
    """
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != HERE]
    toolgate = types.ModuleType("toolgate")
    toolgate.__path__ = []
    sys.modules["toolgate"] = toolgate
    spec = importlib.util.spec_from_file_location("toolgate.components", HERE / "__init__.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{HERE} is no package")
    components = importlib.util.module_from_spec(spec)
    sys.modules["toolgate.components"] = components
    spec.loader.exec_module(components)


def end_at_once() -> None:
    """Have the engine's signals end this process at once, and without a word.

    An engine gives all its plugins five seconds together, one after another, to be asked to cancel and to end, and
    reports as crashed whom it did not come to ask (pulumi `pkg/host/host.go`: `ReleaseContext`). Left to itself asyncio
    takes a second to end, and more on a busy machine.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))


if __name__ == "__main__":
    end_at_once()
    load()
    from pulumi.provider import main as serve

    from toolgate.components.package.host import package

    serve(package(), sys.argv[1:])

"""Starts the policy pack; everything else is importable without a server."""

import sys
import types
from pathlib import Path

# Published, the pack is a folder of any name with nothing of ours beside it: it gets the name that its modules import.
for name, folders in {"toolgate": [], "toolgate.policy": [str(Path(__file__).parent.resolve())]}.items():
    package = types.ModuleType(name)
    package.__path__ = folders
    sys.modules[name] = package

from toolgate.policy.pack import serve  # noqa: E402

serve()

"""Starts the policy pack; everything else is importable without a server."""

import sys
import types
from pathlib import Path

# Published, the pack is a folder of any name with nothing beside it: give this folder the name its modules import.
package = types.ModuleType("policy")
package.__path__ = [str(Path(__file__).parent.resolve())]
sys.modules["policy"] = package

from policy.pack import serve  # noqa: E402

serve()

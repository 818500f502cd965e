"""An example of the project's, as somebody has it who has just cloned it."""

import shutil
from pathlib import Path

from tests.planning import ROOT


def copied(name: str, folder: Path) -> Path:
    """Copy an example, and what of the project it is made with, into a new folder: nothing was made there before."""
    for beside in ("agent", "requirements"):
        (folder / beside).symlink_to(ROOT / beside)
    ignored = shutil.ignore_patterns(".local", ".cache", "dist", "__pycache__")
    return Path(shutil.copytree(ROOT / "examples" / name, folder / "examples" / name, ignore=ignored))

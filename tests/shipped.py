"""The agent's zip, built by the recipe from the packages of this environment and unpacked: no registry is asked."""

import hashlib
import importlib.metadata
import os
import re
import zipfile
from pathlib import Path
from unittest.mock import patch

from toolgate.components.runtime import agent_bundle

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "agent.txt"
# What is not in site-packages, bytecode, and for speed those of botocore's services that begin neither with "bedrock"
# nor with "s": some of the rest must still be left out by the recipe.
LEFT_OUT = re.compile(r"^\.\./|\.pyc$|^botocore/data/(?!bedrock|s)[^/]*/")


def repacked(distribution: importlib.metadata.Distribution, index: Path) -> str:
    """Write an installed distribution as a wheel; returns its line for a lock file."""
    name, version = distribution.name.replace("-", "_"), distribution.version
    path = index / f"{name}-{version}-py3-none-any.whl"
    files = [file for file in distribution.files or () if not LEFT_OUT.search(file.as_posix())]
    info = next(file.parent for file in files if file.name == "METADATA")
    with zipfile.ZipFile(path, "w") as archive:
        kept = [file for file in files if Path(file.locate()).is_file() and file.name != "RECORD"]
        for file in kept:
            archive.write(file.locate(), file.as_posix())
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in [*kept, f"{info}/RECORD"]))
    return f"{distribution.name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def shipped(folder: Path) -> Path:
    """Build the zip in a folder.

    Args:
        folder: An empty one.

    Returns:
        Where it is, as AgentCore Runtime unpacks it.
    """
    index = folder / "index"
    index.mkdir()
    lines = []
    for name in re.findall(r"(?m)^([a-z0-9-]+)==", LOCK.read_text()):
        try:
            lines.append(repacked(importlib.metadata.distribution(name), index))
        except importlib.metadata.PackageNotFoundError:
            continue
    (folder / "agent.txt").write_text("".join(lines))
    own = {"UV_NO_INDEX": "1", "UV_FIND_LINKS": str(index), "UV_CACHE_DIR": str(folder / "cache")}
    with patch.dict(os.environ, own):
        built = agent_bundle.build(ROOT / "agent", folder / "agent.txt", dist=folder / "dist")
    with zipfile.ZipFile(built.path) as archive:
        for entry in archive.infolist():
            archive.extract(entry, folder / "task")
            (folder / "task" / entry.filename).chmod(entry.external_attr >> 16 & 0o777)
    return folder / "task"

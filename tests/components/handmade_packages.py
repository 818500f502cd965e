"""Packages made by hand, so that a build needs no network."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

ARM = "cp313-cp313-manylinux2014_aarch64"
SCRIPT = "from tiny import answer\n\ndef run():\n    print(answer())\n"
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
FILES = {
    "tiny/__init__.py": "def answer():\n    return 42\n",
    "tiny/__init__.pyi": "def answer() -> int: ...\n",
    "tiny/tests/test_tiny.py": "import pytest\n",
    "tiny/native.so": "ELF",
    "tiny/otel.py": SCRIPT,
    "botocore/data/sts/service-2.json": "{}",
    "botocore/data/ec2/service-2.json": "{}",
    "botocore/data/endpoints.json": "{}",
    "tiny-1.0.dist-info/entry_points.txt": (
        "[console_scripts]\nopentelemetry-instrument = tiny.otel:run\ntiny = tiny.otel:run\n"
    ),
}


def wheel(folder: Path, name: str = "tiny", tag: str = ARM, needs: str = "") -> str:
    """Write a wheel, which needs another package; returns its line for a lock file."""
    path = folder / f"{name}-1.0-{tag}.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        **{inside.replace("tiny-1.0", f"{name}-1.0"): text for inside, text in FILES.items()},
        f"{info}/METADATA": METADATA.format(name=name) + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: false\nTag: {tag}\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{inside},,\n" for inside in [*files, f"{info}/RECORD"]))
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


BACKEND = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/built-1.0-py3-none-any.whl", "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
    return "built-1.0-py3-none-any.whl"
"""


def sdist(folder: Path) -> str:
    """Write a source distribution that would build anywhere; returns its line for a lock file."""
    info = "built-1.0.dist-info"
    files = {
        f"{info}/METADATA": METADATA.format(name="built"),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    members = {
        "pyproject.toml": system,
        "backend.py": f"FILES = {files!r}\n{BACKEND}",
        "PKG-INFO": files[f"{info}/METADATA"],
    }
    with tarfile.open(folder / "built-1.0.tar.gz", "w:gz") as archive:
        for name, text in members.items():
            member = tarfile.TarInfo(f"built-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return f"built==1.0 --hash=sha256:{hashlib.sha256((folder / 'built-1.0.tar.gz').read_bytes()).hexdigest()}\n"

"""The agent's deployment zip: `agent/` and its locked wheels for AgentCore Runtime. Same inputs, same bytes.

`toolgate bundle` builds it by hand; its last line is `{"path", "bytes", "sha256"}` as JSON.
"""

import ast
import contextlib
import enum
import hashlib
import platform
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import wheels

MEGABYTE = 1_000_000
# AgentCore quotas, "Runtime", direct code deployment.
LARGEST_ZIP, LARGEST_CONTENT = 250 * MEGABYTE, 750 * MEGABYTE
LEFT_OUT = {"__pycache__", "tests"}
SHIPPED_LOCK = Path(__file__).parents[2] / "requirements" / "agent.txt"
KEPT = 6
"""Zips left in `dist`: enough to go to another branch and stack and back without building again."""


@dataclass(frozen=True)
class Bundle:
    """A built zip.

    Attributes:
        path: Where it is.
        digest: SHA-256 of its bytes, in hexadecimal.
        size: Its bytes.
    """

    path: Path
    digest: str
    size: int


class BundleKind(enum.Enum):
    """What the agent's zip holds: `toolgate:bundle`."""

    FULL = "full"
    """The sources and their locked arm64 wheels: what AgentCore Runtime runs."""
    SOURCES = "sources"
    """The sources only, without network: for the local deployment, whose agents use this machine's packages."""


def agent_code(agent: str, lock: str | None = None) -> str:
    """An agent's deployment zip, for `AgentRuntime`'s `code`; built unless the same inputs have been built before.

    Where `toolgate:bundle` is `sources`, as `toolgate plan` and `up` set it, the packages are left out: building takes
    neither the package registry nor time.

    Args:
        agent: The agent's folder, relative to the program; its `main.py` is what the runtime starts.
        lock: Its packages as hash-locked requirements. Default: those of the agent that comes with toolgate, which are
            bedrock-agentcore, strands-agents, mcp-proxy-for-aws, boto3 and OpenTelemetry.

    Raises:
        UsageError: See `build`; or `toolgate:bundle` is neither `full` nor `sources`.
    """
    kind = pulumi.Config("toolgate").get("bundle") or BundleKind.FULL.value
    if kind not in {it.value for it in BundleKind}:
        raise UsageError(f"toolgate:bundle: {kind!r} is neither 'full' nor 'sources'. Write one of them.")
    packages = None if kind == BundleKind.SOURCES.value else Path(lock) if lock else SHIPPED_LOCK
    return build(Path(agent), packages).path.as_posix()


def build(
    agent: Path,
    lock: Path | None,
    *,
    dist: Path = Path("dist"),
    python: str = wheels.PYTHON,
    machine: str = wheels.AGENTCORE,
) -> Bundle:
    """Build the agent's zip, or return the one already built from the same inputs.

    Args:
        agent: The agent's folder; its `main.py` is what the runtime starts.
        lock: Hash-locked requirements; None for the sources only.
        dist: Where the zip goes.
        python: The runtime's Python, as `major.minor`.
        machine: Where it is to run, in uv's words (`uv pip install --python-platform`).

    Raises:
        UsageError: The folder has no main.py, a requirement or the interpreter is missing, or the zip is too large.
    """
    sources = dict(_sources(agent))
    if "main.py" not in sources:
        raise UsageError(f"{agent / 'main.py'}: is missing. It is what AgentCore Runtime starts.")
    if lock and not lock.is_file():
        raise UsageError(f"{lock}: is missing. `make lock` writes it.")
    name = _inputs_digest(sources, lock, f"{python} {machine}" if lock else "sources")[:16]
    path = dist / f"agent-{name}.zip"
    if not path.exists():
        dist.mkdir(parents=True, exist_ok=True)
        # Beside its destination: only a whole zip ever has the name.
        with tempfile.TemporaryDirectory(dir=dist) as scratch:
            whole = Path(scratch, "agent.zip")
            _build(sources, lock, python, machine, whole)
            whole.replace(path)
        _forget_old(dist)
    content = path.read_bytes()
    return Bundle(path, hashlib.sha256(content).hexdigest(), len(content))


def _build(sources: dict[str, Path], lock: Path | None, python: str, machine: str, whole: Path) -> None:
    tree = whole.parent / "tree"
    if lock:
        wheels.install(lock, tree, python, machine)
    _add_sources(sources, tree)
    if lock:
        wheels.compile_bytecode(tree, python)
        wheels.say("zipping")
    sizes = _sizes(tree)
    if (unpacked := sum(sizes.values())) > LARGEST_CONTENT:
        raise _too_large(f"{unpacked / MEGABYTE:.1f} MB unpacked", sizes)
    _zip(tree, whole)
    if (zipped := whole.stat().st_size) > LARGEST_ZIP:
        raise _too_large(f"{zipped / MEGABYTE:.1f} MB zipped", sizes)


def _forget_old(dist: Path) -> None:
    # Another build may be doing the same.
    with contextlib.suppress(FileNotFoundError):
        built = sorted(dist.glob("agent-*.zip"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in built[KEPT:]:
            path.unlink()


def _sources(agent: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(agent.rglob("*")):
        inside = path.relative_to(agent)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.is_file() and not hidden and not LEFT_OUT & set(inside.parts):
            yield inside.as_posix(), path


def _inputs_digest(sources: dict[str, Path], lock: Path | None, kind: str) -> str:
    """Digest of everything the zip is made from: files, this recipe, and the tools that shape its bytes."""
    recipe = {"recipe/bundle.py": Path(__file__), "recipe/wheels.py": Path(wheels.__file__)}
    tools = f"{kind} {platform.python_version()} {zlib.ZLIB_RUNTIME_VERSION}"
    digest = hashlib.sha256(tools.encode())
    for name, path in sorted({**sources, **recipe, **({"lock": lock} if lock else {})}.items()):
        content = path.read_bytes()
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _add_sources(sources: dict[str, Path], tree: Path) -> None:
    for name, path in sources.items():
        destination = tree / name
        # Python prefers a package to a module of the same name.
        if destination.exists() or (path.suffix == ".py" and destination.with_suffix("").is_dir()):
            raise UsageError(f"{path}: a package the agent needs has that name. Rename it.")
        if path.suffix == ".py":
            try:
                ast.parse(path.read_bytes())
            except SyntaxError as error:
                raise UsageError(f"{path}:{error.lineno}: is not valid Python: {error.msg}.") from error
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, destination)


def _zip(tree: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in sorted(file for file in tree.rglob("*") if file.is_file()):
            # Made by name, an entry has no date of ours: the same files give the same bytes.
            entry = zipfile.ZipInfo(file.relative_to(tree).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            # AgentCore refuses a zip whose files it may not read; only scripts are run.
            mode = 0o755 if entry.filename.startswith("bin/") else 0o644
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, file.read_bytes())


def _sizes(tree: Path) -> dict[str, int]:
    """Bytes of each top-level name."""
    sizes: dict[str, int] = {}
    for file in tree.rglob("*"):
        if file.is_file():
            package = file.relative_to(tree).parts[0]
            sizes[package] = sizes.get(package, 0) + file.stat().st_size
    return sizes


def _too_large(what: str, sizes: dict[str, int]) -> UsageError:
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    listed = ", ".join(f"{name} {size / MEGABYTE:.1f} MB" for name, size in largest)
    return UsageError(
        f"the agent's zip is too large: {what}; AgentCore takes {LARGEST_ZIP // MEGABYTE} MB zipped and "
        f"{LARGEST_CONTENT // MEGABYTE} MB unpacked. Largest, unpacked: {listed}. Take what is not needed out of "
        "requirements/agent.in, or leave it out by requirements/agent-overrides.txt, and run `make lock`."
    )

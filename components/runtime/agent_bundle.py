"""The agent's deployment zip: `agent/` and its locked wheels for AgentCore Runtime. Same inputs, same bytes.

`toolgate bundle` builds it by hand; its last line is `{"path", "bytes", "sha256"}` as JSON.
"""

import enum
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import code_zip, wheels
from toolgate.components.runtime.code_zip import MEGABYTE, Limits

# AgentCore quotas, "Runtime", direct code deployment.
LIMITS = Limits(
    "AgentCore",
    250 * MEGABYTE,
    750 * MEGABYTE,
    "Take what is not needed out of requirements/agent.in, or leave it out by requirements/agent-overrides.txt, and "
    "run `make lock`.",
)
LEFT_OUT = {"__pycache__", "tests"}
SHIPPED_LOCK = Path(__file__).parents[2] / "requirements" / "agent.txt"


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
    kind = f"{python} {machine}" if lock else "sources"
    # What the zip is made from: its files, and the recipe.
    recipe = {"recipe/bundle.py": Path(__file__), "recipe/zip.py": Path(code_zip.__file__)}
    recipe |= {"recipe/wheels.py": Path(wheels.__file__), **({"lock": lock} if lock else {})}
    contents = {name: path.read_bytes() for name, path in sources.items()}
    inputs = {**contents, **{name: path.read_bytes() for name, path in recipe.items()}}
    name = code_zip.digest(inputs, kind)[:16]

    def fill(tree: Path) -> None:
        if lock:
            wheels.install(lock, tree, python, machine, wheels.AGENT)
        code_zip.add_sources(contents, tree, agent)
        if lock:
            wheels.compile_bytecode(tree, python)
            wheels.say("zipping")

    path = code_zip.built(dist / f"agent-{name}.zip", fill, LIMITS)
    content = path.read_bytes()
    return Bundle(path, hashlib.sha256(content).hexdigest(), len(content))


def _sources(agent: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(agent.rglob("*")):
        inside = path.relative_to(agent)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.is_file() and not hidden and not LEFT_OUT & set(inside.parts):
            yield inside.as_posix(), path

"""An agent's deployment zip: its folder and its locked wheels for AgentCore Runtime. Same inputs, same bytes.

A folder may have packages of its own, as a target's has: `requirements.in` and its lock, which is shipped, so that
whoever runs the agent elsewhere installs the same for that machine. Any other gets those of the shipped agent.

`toolgate bundle` builds it by hand; its last line is `{"path", "bytes", "sha256"}` as JSON.
"""

import enum
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import code_zip, function_package, wheels
from toolgate.components.runtime.code_zip import MEGABYTE, Limits
from toolgate.components.tools.target_folder import LOCK, REQUIREMENTS

# AgentCore quotas, "Runtime", direct code deployment.
LIMITS = Limits(
    "AgentCore",
    250 * MEGABYTE,
    750 * MEGABYTE,
    "Take what is not needed out of requirements/agent.in, or leave it out by requirements/agent-overrides.txt, and "
    "run `make lock`; of an agent's own requirements.in, and run `toolgate lock`.",
)
LEFT_OUT = {"__pycache__", "tests"}
PREPARES = "prepare_bytecode.py"
"""What an agent on the shipped packages may have to leave bytecode of its own: the one program of an agent that a plan
runs, in the folder of the zip, without the plan's environment."""
TELEMETRY_PACKAGE = "aws-opentelemetry-distro"
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
        lock: Its packages as hash-locked requirements. Default: what its own `requirements.in` asks for, as
            `toolgate lock` locked it; where it has none, those of the agent that comes with toolgate, which are
            bedrock-agentcore, strands-agents, mcp-proxy-for-aws, boto3 and OpenTelemetry.

    Raises:
        UsageError: See `build` and `own_lock`; or `toolgate:bundle` is neither `full` nor `sources`.
    """
    kind = pulumi.Config("toolgate").get("bundle") or BundleKind.FULL.value
    if kind not in {it.value for it in BundleKind}:
        raise UsageError(f"toolgate:bundle: {kind!r} is neither 'full' nor 'sources'. Write one of them.")
    packages = Path(lock) if lock else own_lock(Path(agent)) or SHIPPED_LOCK
    machine = None if kind == BundleKind.SOURCES.value else wheels.AGENTCORE
    return build(Path(agent), packages, machine=machine).path.as_posix()


def own_lock(agent: Path) -> Path | None:
    """The lock of an agent's own packages; None where it asks for none.

    Raises:
        UsageError: They are not locked, are locked without hashes, or nobody says what they are the lock of.
    """
    if (agent / REQUIREMENTS).is_file():
        return function_package.checked_lock(agent)
    if (agent / LOCK).is_file():
        raise UsageError(
            f"{agent / LOCK}: is the lock of nothing. Name what the agent imports in {agent / REQUIREMENTS} and run "
            f"`toolgate lock {agent}`, or remove it."
        )
    return None


def has_telemetry(agent: Path) -> bool:
    """Whether an agent's packages have what a start with telemetry takes (`observability.configuration`).

    Raises:
        UsageError: See `own_lock`.
    """
    lock = own_lock(agent)
    return lock is None or function_package.locks(lock, TELEMETRY_PACKAGE)


def build(
    agent: Path,
    lock: Path | None,
    *,
    dist: Path = Path("dist"),
    python: str = wheels.PYTHON,
    machine: str | None = wheels.AGENTCORE,
) -> Bundle:
    """Build the agent's zip, or return the one already built from the same inputs.

    Args:
        agent: The agent's folder; its `main.py` is what the runtime starts.
        lock: Hash-locked requirements; None for the sources only. The folder's own is one of the sources.
        dist: Where the zip goes.
        python: The runtime's Python, as `major.minor`.
        machine: Where it is to run, in uv's words (`uv pip install --python-platform`); None for the sources only.

    Raises:
        UsageError: The folder has no main.py or is the program's, a requirement or the interpreter is missing,
            or the zip is too large.
    """
    if Path().resolve().is_relative_to(agent.resolve()):
        raise UsageError(f"{agent}: the program itself lies in it. Give the agent a folder of its own.")
    own = lock == agent / LOCK
    sources = {name: path for name, path in _sources(agent) if name != REQUIREMENTS and (own or name != LOCK)}
    if "main.py" not in sources:
        raise UsageError(f"{agent / 'main.py'}: is missing. It is what AgentCore Runtime starts.")
    if lock and machine and not lock.is_file():
        raise UsageError(f"{lock}: is missing. `make lock` writes it.")
    kept = wheels.OWN_AGENT if own else wheels.AGENT
    kind = f"{python} {machine}{' own' * own}" if lock and machine else "sources"
    # What the zip is made from: its files, and the recipe.
    recipe = {"recipe/bundle.py": Path(__file__), "recipe/zip.py": Path(code_zip.__file__)}
    recipe |= {"recipe/wheels.py": Path(wheels.__file__), **({"lock": lock} if lock and machine else {})}
    contents = {name: path.read_bytes() for name, path in sources.items()}
    inputs = {**contents, **{name: path.read_bytes() for name, path in recipe.items()}}
    name = code_zip.digest(inputs, kind)[:16]

    def fill(tree: Path) -> None:
        if lock and machine:
            wheels.install(lock, tree, python, machine, kept)
        code_zip.add_sources(contents, tree, agent)
        if lock and machine:
            wheels.compile_bytecode(tree, python, [] if own or PREPARES not in contents else [PREPARES])
            wheels.say("zipping")

    # Old ones are forgotten by kind: those of one folder make no room for those of another in the same plan.
    of_folder = "agent" if agent.name == "agent" else f"agent_{agent.name}"
    path = code_zip.built(dist / f"{of_folder}-{name}.zip", fill, LIMITS)
    content = path.read_bytes()
    return Bundle(path, hashlib.sha256(content).hexdigest(), len(content))


def _sources(agent: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(agent.rglob("*")):
        inside = path.relative_to(agent)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.is_file() and not hidden and not LEFT_OUT & set(inside.parts):
            yield inside.as_posix(), path

"""An MCP server's deployment zip: its folder, what serves it, and its locked wheels. Same inputs, same bytes."""

import hashlib
from pathlib import Path

import pulumi

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import agent_bundle, code_zip, wheels
from toolgate.components.runtime.agent_bundle import Bundle, BundleKind
from toolgate.components.servers.server_folder import ServerFolder

LIMITS = code_zip.Limits(
    "AgentCore",
    agent_bundle.LIMITS.zipped,
    agent_bundle.LIMITS.unpacked,
    "Take what is not needed out of the server's requirements.in and run `toolgate lock`.",
)


def build(folder: ServerFolder, dist: Path = Path("dist")) -> Bundle:
    """A server's zip; built unless the same inputs have been built before.

    Where `toolgate:bundle` is `sources`, the packages are left out, as an agent's are (`agent_bundle.agent_code`).

    Args:
        folder: The server's folder.
        dist: Where the zip goes.

    Raises:
        UsageError: `toolgate:bundle` is neither `full` nor `sources`, a package cannot be installed, a file is no
            Python or has the name of a package, or the zip is too large.
    """
    kind = pulumi.Config("toolgate").get("bundle") or BundleKind.FULL.value
    if kind not in {it.value for it in BundleKind}:
        raise UsageError(f"toolgate:bundle: {kind!r} is neither 'full' nor 'sources'. Write one of them.")
    full = kind == BundleKind.FULL.value
    recipe = {f"recipe/{Path(it).name}": Path(it).read_bytes() for it in (__file__, code_zip.__file__, wheels.__file__)}
    inputs = {**folder.contents, **recipe, **({"lock": folder.lock.read_bytes()} if full else {})}
    name = code_zip.digest(inputs, f"{wheels.PYTHON} {wheels.AGENTCORE}" if full else "sources")[:16]

    def fill(tree: Path) -> None:
        if full:
            wheels.install(folder.lock, tree, wheels.PYTHON, wheels.AGENTCORE, wheels.OWN_AGENT)
        code_zip.add_sources(folder.contents, tree, folder.path)
        if full:
            wheels.compile_bytecode(tree, wheels.PYTHON)
            wheels.say("zipping")

    path = code_zip.built(dist / f"server_{folder.path.name}-{name}.zip", fill, LIMITS)
    content = path.read_bytes()
    return Bundle(path, hashlib.sha256(content).hexdigest(), len(content))

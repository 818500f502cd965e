"""A file that records an MCP server of others: where it is, and its tools as it lists them.

A plan reads this file alone, so that what a server says of its tools, which a model reads, changes in a pull request
and not behind it. `toolgate record` asks the server and rewrites the file.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolgate.components.checks.arguments import UsageError
from toolgate.components.targets import listed_tools, remote_server
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.targets.listed_tools import ListedTool

_KEYS = {"endpoint", "tools"}


def recorded_server(file: str) -> GatewayTarget:
    """The target of a ToolGateway that a file records; add a `credential` where the server asks for one.

    Args:
        file: Its path, relative to the program.

    Raises:
        UsageError: It cannot be read, or holds no endpoint and no list of tools that a gateway could serve.
    """
    return read(Path(file), "recorded_server")


def read(path: Path, where: str) -> GatewayTarget:
    """The same.

    Args:
        path: The file, relative to the program.
        where: Who names it, for messages.

    Raises:
        UsageError: As of `recorded_server`.
    """
    try:
        found = json.loads(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{where}: {path} cannot be read ({error}). `toolgate record` writes it.") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: is not valid JSON: {error.msg}.") from error
    except (RecursionError, ValueError) as error:  # too many digits of a number, say
        raise UsageError(f"{path}: is nested too deeply, or has a number too long.") from error
    if not isinstance(found, Mapping) or set(found) != _KEYS:
        form = f'{{"endpoint": "{remote_server.EXAMPLE}", "tools": [...]}}'
        raise UsageError(f"{path}: must be {form}, as `toolgate record` writes it.")
    remote_server.check_endpoint(found["endpoint"], f"{path}: endpoint")
    listed_tools.check(found["tools"], f"{path}: tools")
    return {
        "remote_server": {"endpoint": found["endpoint"], "listing": [dict(tool) for tool in found["tools"]]},
        "tools": listed_tools.in_words_of_agentcore(found["tools"]),
    }


def text(endpoint: str, listed: Sequence[ListedTool]) -> str:
    """What such a file holds: the tools by name, each value on a line, so that a difference shows what changed."""
    tools = sorted(listed, key=lambda tool: str(tool["name"]))
    return json.dumps({"endpoint": endpoint, "tools": tools}, ensure_ascii=False, indent=2, sort_keys=True) + "\n"

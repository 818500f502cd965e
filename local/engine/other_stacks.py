"""What other stacks gave out, for a plan that asks no engine: out of files beside the program.

`stacks/<organization>/<project>/<stack>.json` answers `pulumi.StackReference("<organization>/<project>/<stack>")`. The
file is a deployment of that stack (`pulumi stack export`, `toolgate plan --out`), or its outputs alone (`pulumi stack
output --json`). What such a reference reads: pulumi `pkg/resource/deploy/builtins.go`, readStackReference.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolgate.access.deployment.stack_export import SECRET, SIGNATURE, DeploymentError, Hidden, resources
from toolgate.access.deployment.text_file import TextFileError, read_json
from toolgate.local.engine.wire import Wire

TYPE = "pulumi:pulumi:StackReference"
FOLDER = "stacks"
_STACK = "pulumi:pulumi:Stack"
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_MOST_PARTS = 3


class OtherStackError(Exception):
    """Nothing says what a stack gave out; the text says where it is to be written."""


def read(root: Path, name: str) -> Wire:
    """What a reference to a stack reads: its name, its outputs, and which of them are secrets.

    Args:
        root: The program's folder.
        name: The stack, as the program names it.

    Raises:
        OtherStackError: There is no such file, or it cannot be read.
    """
    parts = name.split("/")
    if len(parts) > _MOST_PARTS or not all(_PART.fullmatch(part) for part in parts):
        raise OtherStackError(f"{name!r} is no stack's name; write organization/project/stack")
    file = Path(FOLDER, *parts).with_name(f"{parts[-1]}.json")
    if not (root / file).is_file():
        raise OtherStackError(
            f"no file says what that stack gave out. Write it into {file}: `pulumi stack output --stack {name} --json`"
        )
    try:
        document = read_json(root / file)
        outputs, secrets = _outputs(document)
    except (TextFileError, DeploymentError) as error:
        raise OtherStackError(f"{file}: {error}") from None
    marked = {key: {SIGNATURE: SECRET, "value": it} if key in secrets else it for key, it in outputs.items()}
    return {"name": name, "outputs": marked, "secretOutputNames": sorted(secrets)}


def _outputs(document: Any) -> tuple[Mapping[str, Any], frozenset[str]]:
    """A stack's outputs, and the names of those that are secrets; an encrypted one is left out."""
    if not isinstance(document, Mapping):
        raise DeploymentError("must be the stack's outputs by name, or its deployment")
    if "deployment" not in document:
        return document, frozenset()
    stack = next((it for it in resources(document) if it.type == _STACK), None)
    if stack is None:
        raise DeploymentError("is a deployment without outputs")
    given = next(it for it in document["deployment"]["resources"] if it["urn"] == stack.urn).get("outputs") or {}
    shown = {key: it for key, it in stack.outputs.items() if not isinstance(it, Hidden)}
    secret = (key for key in shown if isinstance(given[key], Mapping) and given[key].get(SIGNATURE) == SECRET)
    return shown, frozenset(secret)

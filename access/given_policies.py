"""Documents of managed policies that a deployment only names, such as a permissions boundary: given by hand.

What is decided with one holds as long as AWS has the same document under that ARN; nobody asks AWS here.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

POLICY = "aws:iam/policy:Policy"
"""The type of a managed policy that a deployment holds."""
HELP = "the document of a managed policy that the deployment only names, such as a permissions boundary"


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--policy ARN=FILE`, any number of times."""
    parser.add_argument("--policy", action="append", default=[], type=_read, metavar="ARN=FILE", help=HELP)


def with_policies(export: Mapping[str, Any], given: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A deployment that also holds the given policies.

    Args:
        export: The deployment.
        given: What the option `--policy` read.
    """
    held = export.get("deployment")
    if not given or not isinstance(held, Mapping):
        return export
    return {**export, "deployment": {**held, "resources": [*held.get("resources", []), *given]}}


def _read(text: str) -> dict[str, Any]:
    arn, _, file = text.rpartition("=")
    if ":policy/" not in arn:
        raise argparse.ArgumentTypeError(f"{text} is not ARN=FILE with the ARN of a managed policy")
    try:
        document = Path(file).read_text("utf-8")
        json.loads(document)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{file} is no JSON file ({error})") from error
    urn = f"urn:pulumi:given::given::{POLICY}::{arn.rpartition('/')[2]}"
    return {"urn": urn, "type": POLICY, "custom": True, "inputs": {}, "outputs": {"arn": arn, "policy": document}}

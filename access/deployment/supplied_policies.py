"""Documents of managed policies that a deployment only names, such as a permissions boundary: given by hand.

What is decided with one holds as long as AWS has the same document under that ARN; nobody asks AWS here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolgate.access.deployment.text_file import TextFileError, json_of, read_text
from toolgate.policy.language.agentcore_facts import MANAGED_POLICY


class SuppliedPolicyError(Exception):
    """The text is no `ARN=FILE` with a managed policy; it says what to write instead."""


def with_policies(export: Mapping[str, Any], given: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A deployment that also holds the given policies.

    Args:
        export: The deployment.
        given: What `supplied` read.
    """
    held = export.get("deployment")
    if not given or not isinstance(held, Mapping):
        return export
    return {**export, "deployment": {**held, "resources": [*held.get("resources", []), *given]}}


def supplied(text: str) -> dict[str, Any]:
    """The managed policy that `ARN=FILE` names, as a resource of a deployment.

    Raises:
        SuppliedPolicyError: There is none.
    """
    arn, _, file = text.rpartition("=")
    if ":policy/" not in arn:
        raise SuppliedPolicyError(f"{text} is not ARN=FILE with the ARN of a managed policy")
    try:
        document = read_text(Path(file))
        json_of(document)
    except TextFileError as error:
        raise SuppliedPolicyError(f"{file}: {error}; write the policy's document into it") from error
    urn = f"urn:pulumi:given::given::{MANAGED_POLICY}::{arn.rpartition('/')[2]}"
    return {
        "urn": urn,
        "type": MANAGED_POLICY,
        "custom": True,
        "inputs": {},
        "outputs": {"arn": arn, "policy": document},
    }

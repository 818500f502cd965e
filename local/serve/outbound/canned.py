"""Answers out of a file for AWS's own tools, which nobody here can ask: marked as such wherever they are seen.

Who may have one is decided as on AWS: the gateway's role needs what the tool takes (`policy.language.target_rights`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolgate.access.deployment.agentcore_resources import Target
from toolgate.access.deployment.connector_tools import RETRIEVE, WEB_SEARCH
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.deployment.text_file import TextFileError, read_json

OPTION = "--canned"
KIND = "mcp.connector"


@dataclass(frozen=True)
class Canned:
    """The answers of a file.

    Attributes:
        path: The file.
        answers: By a tool's own name what it answers: a text, or anything else that JSON has.
    """

    path: Path
    answers: Mapping[str, Any]


def read(path: Path) -> Canned:
    """Read a file of answers.

    Raises:
        DeploymentError: It cannot be read as one.
    """
    try:
        answers = read_json(path)
    except TextFileError as error:
        raise DeploymentError(f"{path} {error}") from None
    if not isinstance(answers, dict):
        raise DeploymentError(f'{path} has no answers by the tools\' names; write {{"{WEB_SEARCH}": "..."}}')
    return Canned(path, answers)


def missing(target: Target, canned: Mapping[str, Canned]) -> Iterator[str]:
    """What stands against answering for a connector's target, in a sentence each.

    Args:
        target: The target.
        canned: The answers by the targets' names.
    """
    given = canned.get(target.name)
    if given is None:
        yield f"{target.label}: nobody here asks AWS's own tools; {OPTION} {target.name}=FILE says what they answer"
        return
    for tool in target.tools or ():
        if tool.name not in given.answers:
            yield f"{target.label}: {given.path} has no answer of {tool.name}; add one under that name"
        if tool.name == RETRIEVE and target.place.knowledge_base is None:
            yield f"{target.label}: it does not say which knowledge base {RETRIEVE} asks"


def check(canned: Mapping[str, Canned], deployment: Deployment) -> None:
    """Check that answers are of targets that are connectors.

    Args:
        canned: The answers by the targets' names.
        deployment: What is served.

    Raises:
        DeploymentError: Some are not.
    """
    connectors = sorted({it.name for it in deployment.targets if it.kind == KIND})
    for name in canned:
        if name not in connectors:
            listed = ", ".join(connectors) or "there is none"
            raise DeploymentError(f"{OPTION} {name}: the deployment has no such connector ({listed})")


def notes(canned: Mapping[str, Canned], deployment: Deployment) -> Iterator[str]:
    """One sentence for each connector: out of which file it answers."""
    for target in deployment.targets:
        if target.kind == KIND:
            yield f"{target.label}: its answers are canned, out of {canned[target.name].path}; nobody searches"

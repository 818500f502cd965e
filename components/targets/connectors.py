"""Targets that lead to AWS's own tools, as a Python program writes them."""

from collections.abc import Sequence

import pulumi

from toolgate.components.targets.connector import TOOLS, Connector, ConnectorId
from toolgate.components.targets.kinds import GatewayTarget


def web_search(
    *, exclude_domains: Sequence[str] = (), include_domains: Sequence[str] = (), version: str | None = None
) -> GatewayTarget:
    """The target of a ToolGateway that searches the web; in us-east-1.

    Args:
        exclude_domains: These are not searched.
        include_domains: Only these are; takes version 1.2.0.
        version: The connector's version. Default: AWS's when the target is made.
    """
    told: Connector = {"id": ConnectorId.WEB_SEARCH}
    if exclude_domains:
        told["exclude_domains"] = [*exclude_domains]
    if include_domains:
        told["include_domains"] = [*include_domains]
    if version is not None:
        told["version"] = version
    return {"connector": told, "tools": TOOLS[ConnectorId.WEB_SEARCH]}


def knowledge_base(
    arn: pulumi.Input[str], *, agentic: bool = False, results: int | None = None, version: str | None = None
) -> GatewayTarget:
    """The target of a ToolGateway that asks a managed knowledge base.

    Args:
        arn: ARN of the knowledge base.
        agentic: Whether it has the tool `AgenticRetrieveStream` as well, which takes a right on no particular one.
        results: How many passages `Retrieve` gives. Default: AWS's.
        version: The connector's version. Default: AWS's when the target is made.
    """
    told: Connector = {"id": ConnectorId.KNOWLEDGE_BASES, "knowledge_base_arn": arn}
    if results is not None:
        told["results"] = results
    if version is not None:
        told["version"] = version
    tools = TOOLS[ConnectorId.KNOWLEDGE_BASES]
    return {"connector": told, "tools": tools if agentic else tools[:1]}

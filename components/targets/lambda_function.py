"""A Lambda function behind a gateway."""

from collections.abc import Mapping, Sequence
from typing import Any

from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import Statement
from toolgate.components.targets.kind import GatewayRole, Kind
from toolgate.components.tools import provider_tool_schema
from toolgate.components.tools.listed_schema import ToolSchema


def _configuration(target: Mapping[str, Any], tools: Sequence[ToolSchema]) -> dict[str, Any]:
    payloads = [provider_tool_schema.inline_payload(tool) for tool in tools]
    return {"lambda_": {"lambda_arn": target["function_arn"], "tool_schema": {"inline_payloads": payloads}}}


def _credentials(_target: Mapping[str, Any]) -> dict[str, Any]:
    return {"gateway_iam_role": {}}


def _grants(targets: Mapping[str, Mapping[str, Any]], _role: GatewayRole) -> list[Statement]:
    return iam_documents.invoke_functions([target["function_arn"] for target in targets.values()])


KIND = Kind(
    key="function_arn",
    what="a Lambda function",
    configuration=_configuration,
    credentials=_credentials,
    grants=_grants,
)

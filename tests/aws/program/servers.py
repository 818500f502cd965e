"""A small MCP server behind a gateway: by our component, and in what it does not write of its targets."""

import json
from typing import Any
from urllib.parse import quote

import pulumi
import pulumi_aws as aws

from tests.aws.program import callers, runtimes
from tests.aws.program.scratch import Scratch
from toolgate.components.tool_gateway import ToolGateway
from toolgate.components.tools.listed_schema import ToolSchema

WHO: ToolSchema = {
    "name": "who",
    "description": "Say who answers.",
    "inputSchema": {"type": "object", "properties": {}},
}
NOBODY = "https://example.com/mcp"
"""A host that is kept for documentation (RFC 2606), where no MCP server is."""


def make(scratch: Scratch, trusted: str) -> None:
    """Make them.

    Args:
        scratch: Their parent.
        trusted: ARN of the one principal that may take the callers' roles.
    """
    zipped = runtimes.code(scratch, name="probe-code-server", folder="server")
    runtime_arn = runtimes.runtime(scratch, "served", zipped, protocol="MCP")
    host: pulumi.Input[str] = scratch.here.host("bedrock-agentcore")
    quoted = runtime_arn.apply(lambda arn: quote(arn, safe=""))
    endpoint = pulumi.Output.concat("https://", host, "/runtimes/", quoted, "/invocations?qualifier=DEFAULT")
    listing = json.dumps({"tools": [WHO]})
    served: Any = {"endpoint": endpoint, "runtime_arn": runtime_arn, "listing": listing}
    # It also writes the policy of the runtime: a denial for everybody but its own role.
    fronting = ToolGateway("fronting", {"targets": {"object": {"mcp_server": served, "tools": [WHO]}}})
    gateway_id = fronting.gateway_arn.apply(lambda arn: arn.rpartition("/")[2])
    # Other forms, and a server that is nobody's: the component writes neither.
    signed = {"gateway_iam_role": {"service": "bedrock-agentcore"}}
    for name, place, tools, credentials in (
        ("array", endpoint, [WHO], signed),
        ("absent", NOBODY, {"tools": [WHO]}, None),
    ):
        schema = {"inline_payload": {"payload": json.dumps(tools)}}
        aws.bedrock.AgentcoreGatewayTarget(
            f"fronting-{name}",
            name=name,
            gateway_identifier=gateway_id,
            credential_provider_configuration=credentials,
            target_configuration={"mcp": {"mcp_server": {"endpoint": place, "mcp_tool_schema": schema}}},
            opts=scratch.after(fronting),
        )
    callers.caller(scratch, "visitor", trusted, callers.may_knock(fronting.gateway_arn))
    default = pulumi.Output.concat(runtime_arn, "/runtime-endpoint/DEFAULT")
    callers.caller(scratch, "past-the-gateway", trusted, callers.may_ask(runtime_arn, default))

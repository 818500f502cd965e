"""A small MCP server behind gateways: by our component, and in what it does not write of its targets."""

import json
from typing import Any
from urllib.parse import quote

import pulumi
import pulumi_aws as aws

from tests.aws.program import callers, gateways, runtimes
from tests.aws.program.scratch import Scratch
from tests.aws.program.server.main import FAILING
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.servers.server_settings import Undecided
from toolgate.components.tool_gateway import ToolGateway
from toolgate.components.tools.listed_schema import ToolSchema

WHO: ToolSchema = {
    "name": "who",
    "description": "Say who answers.",
    "inputSchema": {"type": "object", "properties": {}},
}
FAIL: list[ToolSchema] = [{**WHO, "name": name, "description": "Fail on purpose."} for name in FAILING]
NOT_FOUND: ToolSchema = {**WHO, "name": "not_found", "description": "Ask for what is not there."}
API = {
    "openapi": "3.0.3",
    "info": {"title": "Nothing", "version": "1"},
    "servers": [{"url": "https://example.com"}],
    "paths": {
        "/toolgate-probe": {
            "get": {
                "operationId": NOT_FOUND["name"],
                "description": NOT_FOUND["description"],
                "responses": {"200": {"description": "Never."}},
            }
        }
    },
}
"""An API that has no such path: what it answers is 404."""
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
    endpoint = _endpoint(scratch, runtime_arn)
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
    _beyond_the_engine(scratch, trusted, zipped)
    default = pulumi.Output.concat(runtime_arn, "/runtime-endpoint/DEFAULT")
    callers.caller(scratch, "past-the-gateway", trusted, callers.may_ask(runtime_arn, default))


def _endpoint(scratch: Scratch, runtime_arn: pulumi.Output[str]) -> pulumi.Output[str]:
    host: pulumi.Input[str] = scratch.here.host("bedrock-agentcore")
    quoted = runtime_arn.apply(lambda arn: quote(arn, safe=""))
    return pulumi.Output.concat("https://", host, "/runtimes/", quoted, "/invocations?qualifier=DEFAULT")


def _beyond_the_engine(scratch: Scratch, trusted: str, zipped: aws.s3.BucketObjectv2) -> None:
    """The same server behind a policy engine that permits one caller what fails, and another one nothing at all."""
    runtime_arn = runtimes.runtime(scratch, "beyond", zipped, protocol="MCP")
    listing = json.dumps({"tools": [WHO, *FAIL]})
    server: Any = {"endpoint": _endpoint(scratch, runtime_arn), "runtime_arn": runtime_arn, "listing": listing}
    server["undecided"] = list(Undecided)
    targets: Any = {
        "server": {"mcp_server": server, "tools": [WHO, *FAIL]},
        "api": {"open_api": {"document": json.dumps(API)}, "tools": [NOT_FOUND]},
    }
    beyond = ToolGateway("beyond", {"targets": targets, "authorization": Authorization.TOOL})
    arn = pulumi.Output.all(beyond.gateway_arn, beyond.gateway_url).apply(lambda known: str(known[0]))
    engine_id = pulumi.Output.from_input(beyond.policy_engine_id).apply(str)
    callers.caller(scratch, "unpermitted", trusted, callers.may_knock(arn))
    unlucky = callers.caller(scratch, "unlucky", trusted, callers.may_knock(arn))
    failing = [*(f"server___{name}" for name in FAILING), "api___not_found"]
    gateways.permit(scratch, "unlucky-beyond", gateways.as_role(scratch, unlucky), arn, engine_id, actions=failing)

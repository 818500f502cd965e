"""A deployment with interceptors written by hand: neither our components nor our library are in it.

`OBEDIENT` does what the message says in `_meta`, by the point at which it is asked. So one deployment, served once, has
every way to fail.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
PARAMETER = "aws:ssm/parameter:Parameter"
ACCOUNT = "123456789012"
FUNCTIONS = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
_ASSET, _ARCHIVE = "c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"

OBEDIENT = """
import json, os

def handle(event, context):
    mcp = event["mcp"]
    at_response = "gatewayResponse" in mcp
    message = mcp["gatewayRequest"]["body"]
    params = message.get("params") if isinstance(message, dict) else None
    meta = (params or {}).get("_meta") or {}
    do = meta.get("RESPONSE" if at_response else "REQUEST") or {}
    if "raises" in do:
        raise ValueError("a value of the caller: " + do["raises"])
    if "exits" in do:
        os._exit(3)
    if "answers_bytes" in do:
        return "x" * do["answers_bytes"]
    if "returns" in do:
        return do["returns"]
    if at_response:
        answer = dict(mcp["gatewayResponse"])
        if do.get("tells"):
            answer["body"] = {"jsonrpc": "2.0", "id": message.get("id"), "result": {"event": event}}
        answer |= do.get("answer", {})
        return {"interceptorOutputVersion": "1.0", "mcp": {"transformedGatewayResponse": answer}}
    if do.get("tells"):
        result = {"event": event, "custom": context.client_context.custom}
        answer = {"statusCode": 200, "body": {"jsonrpc": "2.0", "id": message["id"], "result": result}}
        return {"interceptorOutputVersion": "1.0", "mcp": {"transformedGatewayResponse": answer}}
    if do.get("params"):
        message = message | {"params": params | do["params"]}
    if do.get("message"):
        message = message | do["message"]
    request = {"body": message} | do.get("request", {})
    return {"interceptorOutputVersion": "1.0", "mcp": {"transformedGatewayRequest": request}}
"""

PASSING = """
def handle(event, context):
    mcp = event["mcp"]
    if "gatewayResponse" in mcp:
        return {"interceptorOutputVersion": "1.0", "mcp": {"transformedGatewayResponse": mcp["gatewayResponse"]}}
    return {"interceptorOutputVersion": "1.0", "mcp": {"transformedGatewayRequest": mcp["gatewayRequest"]}}
"""

SLEEPING = "import time\n\ndef handle(event, context):\n    time.sleep(3600)\n"


@dataclass(frozen=True)
class Written:
    """An interceptor of a test.

    Attributes:
        code: Its handler's module.
        points: Where it is asked.
        headers: Whether it is told headers.
        permitted: Whether the gateway's role may invoke it.
        statements: What its own role may do.
        function: Further properties of its function.
        files: Further files beside its module, by name.
    """

    code: str = OBEDIENT
    points: tuple[str, ...] = ("REQUEST", "RESPONSE")
    headers: bool | None = None
    permitted: bool = True
    statements: tuple[Mapping[str, Any], ...] = ()
    function: Mapping[str, Any] = field(default_factory=lambda: {"timeout": 60})
    files: Mapping[str, str] = field(default_factory=dict)


def with_interceptors(export: Mapping[str, Any], **interceptors: Written) -> dict[str, Any]:
    """The deployment with interceptors on its first gateway, by the names of their functions."""
    made = copy.deepcopy(dict(export))
    listed: list[dict[str, Any]] = made["deployment"]["resources"]
    gateway = next(it for it in listed if it["type"] == GATEWAY)
    role = gateway["outputs"]["roleArn"].rsplit("/", 1)[-1]
    configurations = []
    for name, written in interceptors.items():
        arn = f"{FUNCTIONS}{name}"
        listed += [*_function(made, name, arn, written)]
        if written.permitted:
            listed.append(_policy(made, f"{name}-invoke", role, [_allow("lambda:InvokeFunction", arn)]))
        told = {} if written.headers is None else {"inputConfiguration": {"passRequestHeaders": written.headers}}
        configurations.append(
            {"interceptionPoints": list(written.points), "interceptor": {"lambda": {"arn": arn}}, **told}
        )
    for side in ("inputs", "outputs"):
        gateway[side]["interceptorConfigurations"] = configurations
    return made


def resource(export: Mapping[str, Any], kind: str, name: str, /, **properties: Any) -> dict[str, Any]:
    """A resource of the export's stack, to add to it."""
    stack = export["deployment"]["resources"][0]["urn"].split("::", 2)
    urn = f"{stack[0]}::{stack[1]}::{kind}::{name}"
    inputs = {key: value for key, value in properties.items() if key != "arn"}
    outputs = {**properties, "id": name}
    return {"urn": urn, "type": kind, "custom": True, "id": name, "inputs": inputs, "outputs": outputs}


def _function(export: Mapping[str, Any], name: str, arn: str, written: Written) -> list[dict[str, Any]]:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:*"}]}
    role = f"{name}-role"
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    key = "4dabf18193072939515e22adb298388d"
    files = {"interceptor.py": written.code, **written.files}
    properties = {
        "name": name,
        "arn": arn,
        "role": role_arn,
        "handler": "interceptor.handle",
        "runtime": "python3.13",
        "code": {key: _ARCHIVE, "assets": {name: {key: _ASSET, "text": text} for name, text in files.items()}},
        **written.function,
    }
    return [
        resource(export, "aws:iam/role:Role", role, name=role, arn=role_arn, assumeRolePolicy=json.dumps(trust)),
        *([_policy(export, f"{name}-own", role, [*written.statements])] if written.statements else []),
        resource(export, "aws:lambda/function:Function", name, **properties),
    ]


def _policy(export: Mapping[str, Any], name: str, role: str, statements: list[Any]) -> dict[str, Any]:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return resource(export, "aws:iam/rolePolicy:RolePolicy", name, name=name, role=role, policy=document)


def _allow(action: str, on: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": on}

"""An account in this process: boto3's own clients, with their pages, retries and parsers, and answers from here."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.loaders import Loader

ACCOUNT, REGION = "123456789012", "us-east-1"
CORE = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "bedrock-agentcore.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}

type Given = Mapping[str, Any]


@dataclass(frozen=True)
class Failure:
    """A service's error."""

    code: str
    status: int = 400
    message: str = "no"


DENIED = Failure("AccessDeniedException", 403, "User: arn:aws:iam::1:user/a is not authorized")
GONE = Failure("ResourceNotFoundException", 404)

type Answer = Mapping[str, Any] | Failure


def role(name: str, *statements: Given, path: str = "/", **more: Any) -> dict[str, Any]:
    """A role as IAM's details have it, with one inline policy."""
    inline = [{"PolicyName": "own", "PolicyDocument": document(*statements)}] if statements else []
    return {
        **{"Path": path, "RoleName": name, "RoleId": f"AROA{name}", "Arn": f"arn:aws:iam::{ACCOUNT}:role{path}{name}"},
        **{"AssumeRolePolicyDocument": json.dumps(TRUST), "RolePolicyList": inline, "AttachedManagedPolicies": []},
        **more,
    }


def document(*statements: Given) -> str:
    """An IAM document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action: str, resource: str = "*") -> dict[str, Any]:
    """A statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource}


SCHEMA = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}


@dataclass
class FakeAccount:
    """What the account has, and what it answers.

    Attributes:
        roles: IAM's details of roles, one to a page.
        users: Of users.
        groups: Of groups.
        policies: Of managed policies.
        gateways: Names of gateways, each with a target `math` of the function `math`, one to a page.
        engines: Policies of each policy engine by the engine's name.
        runtimes: Runtimes by name, with the names of their roles.
        answers: Answers to an operation instead of its own.
        throttled: How often a call of these operations is throttled before it is answered.
        asked: The calls that came: service, operation, parameters.
        page: How many items a page has.
    """

    roles: list[dict[str, Any]] = field(default_factory=list)
    users: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    policies: list[dict[str, Any]] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)
    engines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    runtimes: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Callable[[Given], Answer]] = field(default_factory=dict)
    throttled: Mapping[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str, Given]] = field(default_factory=list)
    page: int = 1
    _current: threading.local = field(default_factory=threading.local)
    _left: dict[str, int] = field(default_factory=dict)

    def session(self) -> boto3.Session:
        """A session whose calls come here."""
        core = botocore.session.get_session()
        core.register_component("data_loader", _LOADER)
        made = boto3.Session("a", "b", region_name=REGION, botocore_session=core)
        made.events.register("before-parameter-build.*", self._remember)
        made.events.register("before-send.*", self._send)
        return made

    def _remember(self, params: Given, **_: Any) -> None:
        self._current.params = dict(params)

    def _send(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        service, operation = event_name.split(".")[1:]
        given = self._current.params
        key = f"{operation} {json.dumps(given, sort_keys=True)}"
        left = self._left.setdefault(key, self.throttled.get(operation, 0))
        self._left[key] = left - 1
        if left > 0:
            return _response(request.url, service, operation, Failure("ThrottlingException", 429))
        self.asked.append((service, operation, given))
        own = self.answers.get(operation)
        answer = own(given) if own else self._answer(operation, given)
        return _response(request.url, service, operation, answer)

    def _answer(self, operation: str, given: Given) -> Answer:
        if operation in _EMPTY:
            return {_EMPTY[operation]: []}
        name = f"_{''.join(f'_{it.lower()}' if it.isupper() else it for it in operation).lstrip('_')}"
        answer: Answer = getattr(self, name)(given)
        return answer

    def _get_caller_identity(self, _: Given) -> Answer:
        return {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/me", "UserId": "AIDA"}

    def _get_account_authorization_details(self, given: Given) -> Answer:
        start, end = self._window(given.get("Marker"))
        more = end < max(len(self.roles), len(self.users), len(self.groups), len(self.policies))
        return {
            "RoleDetailList": self.roles[start:end],
            "UserDetailList": self.users[start:end],
            "GroupDetailList": self.groups[start:end],
            "Policies": self.policies[start:end],
            "IsTruncated": "true" if more else "false",
            **({"Marker": str(end)} if more else {}),
        }

    def _window(self, token: Any) -> tuple[int, int]:
        start = int(token or 0)
        return start, start + self.page

    def _paged(self, name: str, items: list[dict[str, Any]], given: Given, token: str = "nextToken") -> Answer:
        start, end = self._window(given.get("Marker" if token == "NextMarker" else token))
        return {name: items[start:end], **({token: str(end)} if end < len(items) else {})}

    def _list_gateways(self, given: Given) -> Answer:
        listed = [{"gatewayId": f"{it}-abcdefghij", "name": it, "status": "READY"} for it in self.gateways]
        return self._paged("items", listed, given)

    def _get_gateway(self, given: Given) -> Answer:
        name = given["gatewayIdentifier"].removesuffix("-abcdefghij")
        engine = f"{CORE}:policy-engine/{name}-abcdefghij"
        return {
            **{"gatewayId": given["gatewayIdentifier"], "gatewayArn": gateway_arn(name), "name": name},
            **{"gatewayUrl": f"https://{name}.example/mcp", "status": "READY", "authorizerType": "AWS_IAM"},
            **{"roleArn": f"arn:aws:iam::{ACCOUNT}:role/gateway", "protocolType": "MCP"},
            **({"policyEngineConfiguration": {"arn": engine, "mode": "ENFORCE"}} if name in self.engines else {}),
        }

    def _list_gateway_targets(self, given: Given) -> Answer:
        listed = [{"targetId": f"T{it}", "name": it, "status": "READY"} for it in ("math", "text")]
        return self._paged("items", listed, given)

    def _get_gateway_target(self, given: Given) -> Answer:
        tool = {"name": "add", "description": "Add.", "inputSchema": SCHEMA}
        function = {"lambdaArn": FUNCTION, "toolSchema": {"inlinePayload": [tool]}}
        return {
            **{"targetId": given["targetId"], "name": given["targetId"].removeprefix("T"), "status": "READY"},
            "targetConfiguration": {"mcp": {"lambda": function}},
            "credentialProviderConfigurations": [{"credentialProviderType": "GATEWAY_IAM_ROLE"}],
        }

    def _get_resource_policy(self, _: Given) -> Answer:
        return GONE

    def _list_policy_engines(self, given: Given) -> Answer:
        listed = [
            {
                **{"policyEngineId": f"{it}-abcdefghij", "name": it, "status": "ACTIVE"},
                "policyEngineArn": f"{CORE}:policy-engine/{it}-abcdefghij",
            }
            for it in self.engines
        ]
        return self._paged("policyEngines", listed, given)

    def _list_policies(self, given: Given) -> Answer:
        engine = given["policyEngineId"].removesuffix("-abcdefghij")
        named = {"policyEngineId": given["policyEngineId"], "status": "ACTIVE"}
        listed = [{**named, "policyId": f"{it['name']}-1", **it} for it in self.engines[engine]]
        return self._paged("policies", listed, given)

    def _list_agent_runtimes(self, given: Given) -> Answer:
        listed = [{"agentRuntimeId": f"{it}-abcdefghij", "agentRuntimeName": it} for it in self.runtimes]
        return self._paged("agentRuntimes", listed, given)

    def _get_agent_runtime(self, given: Given) -> Answer:
        name = given["agentRuntimeId"].removesuffix("-abcdefghij")
        return {
            **{"agentRuntimeId": given["agentRuntimeId"], "agentRuntimeArn": f"{CORE}:runtime/{name}-abcdefghij"},
            **{"agentRuntimeName": name, "agentRuntimeVersion": "2", "status": "READY"},
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{self.runtimes[name]}",
            "environmentVariables": {"TOKEN": SECRET},
        }

    def _list_agent_runtime_endpoints(self, given: Given) -> Answer:
        name = given["agentRuntimeId"]
        listed = [
            {"name": it, "agentRuntimeEndpointArn": f"{CORE}:runtime/{name}/runtime-endpoint/{it}", "liveVersion": "2"}
            for it in ("DEFAULT", "prod")
        ]
        return self._paged("runtimeEndpoints", listed, given)

    def _list_functions(self, given: Given) -> Answer:
        variables = {"Variables": {"TOKEN": SECRET}}
        role_arn = f"arn:aws:iam::{ACCOUNT}:role/math"
        listed = [
            {"FunctionName": it, "FunctionArn": _function(it), "Role": role_arn, "Environment": variables}
            for it in ("other", "math")
        ]
        return self._paged("Functions", listed, given, "NextMarker")

    def _list_versions_by_function(self, given: Given) -> Answer:
        listed = [{"Version": it} for it in ("$LATEST", "1")]
        return self._paged("Versions", listed, given, "NextMarker")

    def _list_aliases(self, given: Given) -> Answer:
        listed = [{"Name": it, "AliasArn": f"{FUNCTION}:{it}", "FunctionVersion": "1"} for it in ("blue", "green")]
        return self._paged("Aliases", listed, given, "NextMarker")

    def _list_function_url_configs(self, given: Given) -> Answer:
        listed = [
            {"FunctionArn": f"{FUNCTION}{it}", "FunctionUrl": f"https://x{it}.example/", "AuthType": "NONE"}
            for it in ("", ":blue")
        ]
        return self._paged("FunctionUrlConfigs", listed, given, "NextMarker")

    def _get_policy(self, _: Given) -> Answer:
        return GONE


_LOADER = Loader()
"""Services' models, read once."""
SECRET = "a value that must not be in the file"
_EMPTY = {
    "ListMemories": "memories",
    "ListHarnesses": "harnesses",
    "DescribeDeliverySources": "deliverySources",
    "DescribeDeliveries": "deliveries",
}


def gateway_arn(name: str) -> str:
    """A gateway's ARN."""
    return f"{CORE}:gateway/{name}-abcdefghij"


def _function(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


FUNCTION = _function("math")
"""The function behind every target."""


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._body


def _response(url: str, service: str, operation: str, answer: Answer) -> AWSResponse:
    status = answer.status if isinstance(answer, Failure) else 200
    headers = {"x-amzn-errortype": answer.code} if isinstance(answer, Failure) else {}
    if service in {"iam", "sts"}:
        body = _xml_failure(answer) if isinstance(answer, Failure) else _xml_answer(operation, answer)
    elif isinstance(answer, Failure):
        body = json.dumps({"message": answer.message, "__type": answer.code})
    else:
        body = json.dumps(answer)
    return AWSResponse(url, status, headers, _Raw(body.encode()))


def _xml_failure(failure: Failure) -> str:
    return (
        f"<ErrorResponse><Error><Code>{failure.code}</Code><Message>{failure.message}</Message></Error></ErrorResponse>"
    )


def _xml_answer(operation: str, answer: Given) -> str:
    return f"<{operation}Response><{operation}Result>{_xml(answer)}</{operation}Result></{operation}Response>"


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{key}>{_xml(item)}</{key}>" for key, item in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{_xml(item)}</member>" for item in value)
    return escape(str(value).lower() if isinstance(value, bool) else str(value))

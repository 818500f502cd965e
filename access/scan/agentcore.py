"""AgentCore's gateways, targets, policy engines, runtimes, memories and harnesses, as the provider has them.

Where the provider has no property for a member of the API, the member keeps its name.
Source: botocore bedrock-agentcore-control; pulumi_aws, the classes of the types.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.gateway_tools import provider_schema
from toolgate.access.deployment.not_read import OWN_POLICY, NotRead
from toolgate.access.scan import calls
from toolgate.access.scan.calls import Call
from toolgate.access.scan.reader import Reader, UnreadError
from toolgate.access.scan.resources import Found, note, plain, without_values
from toolgate.policy.language.agentcore_facts import (
    CEDAR_POLICY,
    GATEWAY,
    HARNESS,
    MEMORY,
    POLICY_ENGINE,
    RESOURCE_POLICY,
    RUNTIME,
    RUNTIME_ENDPOINT,
    TARGET,
)

type _Described = Mapping[str, Any]

_RENAMED = {
    "customJWTAuthorizer": "customJwtAuthorizer",
    "allowedAudience": "allowedAudiences",
    "matchValueStringList": "matchValueStringLists",
    "entryPoint": "entryPoints",
    "requestHeaderAllowlist": "requestHeaderAllowlists",
}
"""Members that the provider calls otherwise, wherever they stand."""
_READY = frozenset({"READY", "ACTIVE"})
_CREDENTIALS = {
    "GATEWAY_IAM_ROLE": "gatewayIamRole",
    "OAUTH": "oauth",
    "API_KEY": "apiKey",
    "CALLER_IAM_CREDENTIALS": "callerIamCredentials",
    "JWT_PASSTHROUGH": "jwtPassthrough",
}
"""How a gateway signs in at a target: the API's word, and the provider's."""
_DEFAULT_ENDPOINT = "DEFAULT"


@dataclass(frozen=True)
class Kind:
    """A kind of resources that a Region lists.

    Attributes:
        plural: What people call them.
        listing: The call that lists them.
        read: What one of the list comes to.
    """

    plural: str
    listing: Call
    read: Callable[[Reader, _Described], Iterator[Found]]


def _gateway(reader: Reader, listed: _Described) -> Iterator[Found]:
    name, subject = f"{reader.region}/{listed['name']}", f"gateway '{reader.region}/{listed['name']}'"
    try:
        described = reader.one(calls.GET_GATEWAY, gatewayIdentifier=listed["gatewayId"])
    except UnreadError as error:
        yield note(_missing(subject, error))
        return
    inputs = _members(
        described,
        *("name", "description", "roleArn", "protocolType", "protocolConfiguration", "authorizerType"),
        *("authorizerConfiguration", "kmsKeyArn", "interceptorConfigurations", "policyEngineConfiguration"),
        *("exceptionLevel", "customTransformConfiguration", "webAclArn", "wafConfiguration"),
    )
    # One that could not be made may lack both.
    outputs = {
        "gatewayUrl": "",
        "roleArn": "",
        **_members(described, "gatewayArn", "gatewayId", "gatewayUrl", "roleArn"),
    }
    yield Found(GATEWAY, name, inputs, outputs)
    yield from _state(subject, described)
    targets = reader.several(calls.LIST_TARGETS, gatewayIdentifier=listed["gatewayId"])
    for target in targets.items:
        yield from _target(reader, name, listed["gatewayId"], target)
    if targets.unread:
        yield note(NotRead(targets.missing(f"the targets of {subject}"), str(targets.unread)))
    yield from _own_policy(reader, described["gatewayArn"], subject)


def _target(reader: Reader, gateway: str, gateway_id: str, listed: _Described) -> Iterator[Found]:
    subject = f"target '{listed['name']}' of gateway '{gateway}'"
    try:
        described = reader.one(calls.GET_TARGET, gatewayIdentifier=gateway_id, targetId=listed["targetId"])
    except UnreadError as error:
        yield note(_missing(subject, error))
        return
    inputs = {
        **_members(described, "name", "description", "metadataConfiguration", "privateEndpoint"),
        "gatewayIdentifier": gateway_id,
        "targetConfiguration": _configuration(described.get("targetConfiguration")),
        "credentialProviderConfiguration": _credentials(described),
    }
    yield Found(TARGET, f"{gateway}/{listed['name']}", inputs, {"targetId": listed["targetId"]})
    yield from _state(subject, described)


def _configuration(union: Any) -> Any:
    """A target's configuration: the provider has the tools of a function, and texts, in forms of its own."""
    configuration = _renamed(plain(union or {}))
    for family in configuration.values():
        for member, settings in family.items():
            if member == "lambda" and "toolSchema" in settings:
                settings["toolSchema"] = _tool_schema(settings["toolSchema"])
            for schema in (settings, settings.get("mcpToolSchema") or {}):
                if isinstance(schema.get("inlinePayload"), str):
                    schema["inlinePayload"] = {"payload": schema["inlinePayload"]}
            if member == "connector":
                settings |= {"enableds": settings.pop("enabled", [])}
                for configured in settings.get("configurations") or ():
                    configured["parameterValues"] = json.dumps(configured.get("parameterValues") or {}, sort_keys=True)
            if "staticQueryParameters" in settings:
                settings["staticQueryParameters"] = without_values(settings["staticQueryParameters"])
    return configuration


def _tool_schema(schema: dict[str, Any]) -> dict[str, Any]:
    tools = schema.pop("inlinePayload", None)
    if tools is None:
        return schema
    written = [
        {key: provider_schema(it) if key.endswith("Schema") else it for key, it in tool.items()} for tool in tools
    ]
    return {**schema, "inlinePayloads": written}


def _credentials(described: _Described) -> dict[str, Any] | None:
    written: dict[str, Any] = {}
    for given in described.get("credentialProviderConfigurations") or ():
        kind = str(given.get("credentialProviderType"))
        provider = given.get("credentialProvider") or {}
        written[_CREDENTIALS.get(kind, kind)] = next(iter(provider.values()), {})
    for settings in written.values():
        if "customParameters" in settings:
            settings["customParameters"] = without_values(settings["customParameters"])
    return written or None


def _engine(reader: Reader, listed: _Described) -> Iterator[Found]:
    engine_id, name = listed["policyEngineId"], f"{reader.region}/{listed['name']}"
    subject = f"policy engine '{name}'"
    policies = reader.several(calls.LIST_POLICIES, policyEngineId=engine_id)
    if policies.unread:
        # With a part of its policies the engine would permit too little or forbid too little: without the engine
        # nothing is decided.
        yield note(NotRead(policies.missing(f"the policies of {subject}"), str(policies.unread)))
        return
    inputs = _members(listed, "name", "description", "encryptionKeyArn")
    yield Found(POLICY_ENGINE, name, inputs, _members(listed, "policyEngineArn", "policyEngineId"))
    yield from _state(subject, listed)
    for policy in policies.items:
        yield from _policy(name, policy)


def _policy(engine: str, listed: _Described) -> Iterator[Found]:
    """A policy. What AWS does with one that it could not make or change, nobody here has seen."""
    name, status = f"{engine}/{listed['name']}", listed.get("status")
    if status != "CREATE_FAILED":
        inputs = _members(listed, "name", "description", "policyEngineId", "enforcementMode")
        # While it changes, and after a change that failed, the old or the new text holds: then it has none here.
        inputs["definition"] = plain(listed.get("definition")) if status == "ACTIVE" else {}
        yield Found(CEDAR_POLICY, name, inputs, _members(listed, "policyId", "policyArn"))
    yield from _state(f"Cedar policy '{name}'", listed)


def _runtime(reader: Reader, listed: _Described) -> Iterator[Found]:
    runtime_id, name = listed["agentRuntimeId"], f"{reader.region}/{listed['agentRuntimeName']}"
    subject = f"runtime '{name}'"
    try:
        described = reader.one(calls.GET_RUNTIME, agentRuntimeId=runtime_id)
    except UnreadError as error:
        yield note(_missing(subject, error))
        return
    lifecycle = described.get("lifecycleConfiguration")
    inputs = {
        **_members(
            described,
            *("agentRuntimeName", "description", "roleArn", "agentRuntimeArtifact", "networkConfiguration"),
            *("protocolConfiguration", "authorizerConfiguration", "requestHeaderConfiguration", "platformVersion"),
            *("filesystemConfigurations",),
        ),
        "lifecycleConfigurations": [lifecycle] if lifecycle else None,
        "environmentVariables": without_values(described.get("environmentVariables")),
    }
    arn = described["agentRuntimeArn"]
    yield Found(RUNTIME, name, inputs, _members(described, "agentRuntimeArn", "agentRuntimeId", "agentRuntimeVersion"))
    yield from _state(subject, described)
    yield from _own_policy(reader, arn, subject)
    endpoints = reader.several(calls.LIST_ENDPOINTS, agentRuntimeId=runtime_id)
    for endpoint in endpoints.items:
        yield from _endpoint(reader, name, described, endpoint)
    if endpoints.unread:
        yield note(NotRead(endpoints.missing(f"the endpoints of {subject}"), str(endpoints.unread), arn, OWN_POLICY))


def _endpoint(reader: Reader, runtime: str, described: _Described, listed: _Described) -> Iterator[Found]:
    name, subject = f"{runtime}/{listed['name']}", f"endpoint '{listed['name']}' of runtime '{runtime}'"
    arn = listed["agentRuntimeEndpointArn"]
    if listed["name"] != _DEFAULT_ENDPOINT:  # that one comes with the runtime
        inputs = {**_members(listed, "name", "description"), "agentRuntimeId": described["agentRuntimeId"]}
        inputs["agentRuntimeVersion"] = listed.get("liveVersion")
        outputs = {**_members(listed, "agentRuntimeArn"), "agentRuntimeEndpointArn": arn}
        yield Found(RUNTIME_ENDPOINT, name, inputs, outputs)
    yield from _own_policy(reader, arn, subject)
    for version in {listed.get("liveVersion"), listed.get("targetVersion")} - {described["agentRuntimeVersion"], None}:
        yield from _older(reader, subject, described, version)


def _older(reader: Reader, subject: str, described: _Described, version: Any) -> Iterator[Found]:
    """An endpoint may run an earlier version of its runtime, with another role: `access` knows one role of each."""
    try:
        older = reader.one(calls.GET_RUNTIME, agentRuntimeId=described["agentRuntimeId"], agentRuntimeVersion=version)
    except UnreadError as error:
        yield note(NotRead(f"version {version}, which {subject} runs,", str(error)))
        return
    for key, what in (("roleArn", "role"), ("authorizerConfiguration", "authorizer")):
        if older.get(key) != described.get(key):
            told = f"{older[key]}" if key == "roleArn" else "another one than the newest version's"
            why = f"it is {told}; the runtime is judged by its newest version, {described['agentRuntimeVersion']}"
            yield note(NotRead(f"the {what} of version {version}, which {subject} runs,", why))


def _memory(reader: Reader, listed: _Described) -> Iterator[Found]:
    subject = f"memory '{reader.region}/{listed['id']}'"
    try:
        # Without what it holds in plain text, for which KMS would have to be asked.
        described = reader.one(calls.GET_MEMORY, memoryId=listed["id"], view="without_decryption")["memory"]
    except UnreadError as error:
        yield note(_missing(subject, error))
        return
    inputs = _members(
        described, "name", "description", "encryptionKeyArn", "memoryExecutionRoleArn", "eventExpiryDuration"
    )
    yield Found(MEMORY, f"{reader.region}/{described['name']}", inputs, _members(described, "arn", "id"))
    yield from _state(subject, described)
    yield from _own_policy(reader, described["arn"], subject)


def _harness(reader: Reader, listed: _Described) -> Iterator[Found]:
    name = f"{reader.region}/{listed['harnessName']}"
    try:
        described = reader.one(calls.GET_HARNESS, harnessId=listed["harnessId"])["harness"]
    except UnreadError as error:
        yield note(_missing(f"harness '{name}'", error))
        return
    inputs = {
        **_members(described, "harnessName", "executionRoleArn", "authorizerConfiguration", "allowedTools"),
        "tools": [_harness_tool(tool) for tool in described.get("tools") or ()],
        "environmentVariables": without_values(described.get("environmentVariables")),
    }
    yield Found(HARNESS, name, inputs, _members(described, "arn", "harnessId"))
    yield from _state(f"harness '{name}'", described)


def _harness_tool(tool: _Described) -> dict[str, Any]:
    """What of a tool tells where it leads: the rest may hold headers with credentials."""
    gateway = ((tool.get("config") or {}).get("agentCoreGateway") or {}).get("gatewayArn")
    config = {"config": {"agentcoreGateway": {"gatewayArn": gateway}}} if gateway else {}
    return {**_members(tool, "type", "name"), **config}


KINDS = (
    Kind("gateways", calls.LIST_GATEWAYS, _gateway),
    Kind("policy engines", calls.LIST_ENGINES, _engine),
    Kind("runtimes", calls.LIST_RUNTIMES, _runtime),
    Kind("memories", calls.LIST_MEMORIES, _memory),
    Kind("harnesses", calls.LIST_HARNESSES, _harness),
)
"""What is read in each Region; each of a list by itself."""


def functions_of(found: Found) -> Iterator[str]:
    """ARNs of the functions that a gateway or a target names."""
    if found.type in {GATEWAY, TARGET}:
        yield from _function_arns(found.inputs)


def _function_arns(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _function_arns(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _function_arns(item)
    elif isinstance(value, str) and value.startswith("arn:") and value.split(":")[2] == "lambda":
        yield value


def _own_policy(reader: Reader, arn: str, subject: str) -> Iterator[Found]:
    """The policy on a resource; that AWS answers ResourceNotFoundException where there is none has not been seen."""
    try:
        text = reader.one(calls.GET_RESOURCE_POLICY, resourceArn=arn).get("policy")
    except UnreadError as error:
        if not error.gone:
            yield note(NotRead(f"the resource policy of {subject}", str(error), arn, OWN_POLICY))
        return
    if text:
        name = subject.partition("'")[2].partition("'")[0]
        yield Found(RESOURCE_POLICY, name, {"resourceArn": arn, "policy": text}, {}, arn, OWN_POLICY)


def _missing(subject: str, error: UnreadError) -> NotRead:
    return NotRead(subject, "it was deleted while the scan ran" if error.gone else str(error))


def _state(subject: str, described: _Described) -> Iterator[Found]:
    status = described.get("status")
    if status is not None and status not in _READY:
        yield note(NotRead(f"what holds of {subject}", f"its status is {status}; it is judged as AWS shows it"))


def _members(described: _Described, *names: str) -> dict[str, Any]:
    return {name: _renamed(plain(described[name])) for name in names if described.get(name) is not None}


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {_RENAMED.get(key, key): _renamed(item) for key, item in value.items()}
    return [_renamed(item) for item in value] if isinstance(value, list) else value

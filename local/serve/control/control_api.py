"""The reads of AgentCore's control plane, of what is served.

Each is decided like everything else, with the caller's role. Operations are told by botocore's model; those that are
not here, all writes among them, are refused with what to do instead.
Source: botocore bedrock-agentcore-control; what a read needs: Service Authorization Reference, "Amazon Bedrock
AgentCore".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from botocore.model import OperationModel, Shape
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.stack_export import Resource
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.request_validation import violations
from toolgate.local.serve.agents import invoke_api
from toolgate.local.serve.control import descriptions
from toolgate.local.serve.control.operations import find
from toolgate.local.serve.guards.iam_guard import NeededPermission, RequestRefused, Service, refuse
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.policy.language.agentcore_facts import (
    API_KEY_PROVIDER,
    CEDAR_POLICY,
    GATEWAY,
    OAUTH2_PROVIDER,
    POLICY_ENGINE,
    RESOURCE_POLICY,
    RUNTIME,
    TARGET,
    WORKLOAD_IDENTITY,
)

_SERVICE = "bedrock-agentcore-control"
_ANY = re.compile(r"/.*", re.DOTALL)
_MAX_BODY = 2**20


@dataclass(frozen=True)
class Served:
    """What there is to read.

    Attributes:
        deployment: The deployment.
        resources: Its resources as the file has them.
        env: Its account and Region.
        urls: The deployment's gateway URLs and the local ones.
        since: When it was first served.
    """

    deployment: Deployment
    resources: tuple[Resource, ...]
    env: CloudEnvironment
    urls: Mapping[str, str]
    since: datetime

    @cached_property
    def gateways(self) -> list[dict[str, Any]]:
        """The gateways as GetGateway has them."""
        return [descriptions.gateway(r, self.urls[r.text("gatewayUrl")], self.since) for r in self._of(GATEWAY)]

    @cached_property
    def runtimes(self) -> list[dict[str, Any]]:
        """The runtimes as GetAgentRuntime has them."""
        views = {runtime.id: runtime for runtime in self.deployment.runtimes}
        return [
            descriptions.runtime(r, invoke_api.environment(views[r.text("agentRuntimeId")], self.urls), self.since)
            for r in self._of(RUNTIME)
        ]

    @cached_property
    def engines(self) -> list[dict[str, Any]]:
        """The policy engines as GetPolicyEngine has them."""
        return [descriptions.policy_engine(r, self.since) for r in self._of(POLICY_ENGINE)]

    @cached_property
    def identities(self) -> list[dict[str, Any]]:
        """The workload identities as GetWorkloadIdentity has them."""
        return [descriptions.workload_identity(r, self.since) for r in self._of(WORKLOAD_IDENTITY)]

    @cached_property
    def providers(self) -> list[dict[str, Any]]:
        """The credential providers as GetOauth2CredentialProvider has them."""
        return [descriptions.credential_provider(r, self.since) for r in self._of(OAUTH2_PROVIDER)]

    @cached_property
    def key_providers(self) -> list[dict[str, Any]]:
        """The credential providers as GetApiKeyCredentialProvider has them."""
        return [descriptions.key_provider(r, self.since) for r in self._of(API_KEY_PROVIDER)]

    def targets(self, gateway: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A gateway's targets as GetGatewayTarget has them."""
        found = [r for r in self._of(TARGET) if r.text("gatewayIdentifier") == gateway["gatewayId"]]
        return [descriptions.target(r, gateway["gatewayArn"], self.since) for r in found]

    def policies(self, engine: Mapping[str, Any]) -> list[dict[str, Any]]:
        """An engine's policies as GetPolicy has them."""
        return [
            descriptions.policy(r, engine["policyEngineArn"], self.since)
            for r in self._of(CEDAR_POLICY)
            if r.text("policyEngineId") == engine["policyEngineId"]
        ]

    def resource_policy(self, arn: str) -> dict[str, Any]:
        """A resource's policy.

        Raises:
            RequestRefused: It has none.
        """
        found = [r for r in self._of(RESOURCE_POLICY) if r.text("resourceArn") == arn]
        return {"policy": _one(found, f"No resource policy of {arn}").text("policy")}

    def tags(self, arn: str) -> dict[str, Any]:
        """The tags of a gateway, a runtime or a policy engine.

        Raises:
            RequestRefused: There is no such resource.
        """
        kinds = {GATEWAY: "gatewayArn", RUNTIME: "agentRuntimeArn", POLICY_ENGINE: "policyEngineArn"}
        found = [r for kind, name in kinds.items() for r in self._of(kind) if r.text(name) == arn]
        return {"tags": descriptions.tags(_one(found, f"No resource {arn}"))}

    def _of(self, kind: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type == kind]


type _Given = Mapping[str, Any]


@dataclass(frozen=True)
class _Read:
    """A read: the resources that it needs its action on (none: `*`), and its answer, or the items of its list."""

    needs: tuple[str, ...]
    answer: Callable[[Served, _Given], dict[str, Any] | list[dict[str, Any]]]


def _gateway(served: Served, given: _Given) -> dict[str, Any]:
    return _named(served.gateways, "gatewayId", given["gatewayIdentifier"])


def _runtime(served: Served, given: _Given) -> dict[str, Any]:
    found = _named(served.runtimes, "agentRuntimeId", given["agentRuntimeId"])
    version = given.get("agentRuntimeVersion", found["agentRuntimeVersion"])  # the others are on AWS alone
    return _named([found], "agentRuntimeVersion", version)


def _endpoint(served: Served, given: _Given) -> dict[str, Any]:
    return _named([descriptions.default_endpoint(_runtime(served, given))], "name", given["endpointName"])


def _engine(served: Served, given: _Given) -> dict[str, Any]:
    return _named(served.engines, "policyEngineId", given["policyEngineId"])


_IN_GATEWAY = ("gateway/{gatewayIdentifier}",)
_IN_RUNTIME = ("runtime/{agentRuntimeId}",)
_IN_ENGINE = ("policy-engine/{policyEngineId}",)
_DIRECTORY = ("workload-identity-directory/default",)
_VAULT = ("token-vault/default",)
_RESOURCE = ("{resourceArn}",)

READS: Mapping[str, _Read] = {
    "GetGateway": _Read(_IN_GATEWAY, _gateway),
    "ListGateways": _Read((), lambda served, _: served.gateways),
    "GetGatewayTarget": _Read(
        _IN_GATEWAY,
        lambda served, given: _named(served.targets(_gateway(served, given)), "targetId", given["targetId"]),
    ),
    "ListGatewayTargets": _Read(_IN_GATEWAY, lambda served, given: served.targets(_gateway(served, given))),
    "GetAgentRuntime": _Read(_IN_RUNTIME, _runtime),
    "ListAgentRuntimes": _Read((), lambda served, _: served.runtimes),
    "ListAgentRuntimeVersions": _Read((), lambda served, given: [_runtime(served, given)]),
    "GetAgentRuntimeEndpoint": _Read(
        (*_IN_RUNTIME, "runtime/{agentRuntimeId}/runtime-endpoint/{endpointName}"), _endpoint
    ),
    "ListAgentRuntimeEndpoints": _Read(
        (), lambda served, given: [descriptions.default_endpoint(_runtime(served, given))]
    ),
    "GetPolicyEngine": _Read(_IN_ENGINE, _engine),
    "ListPolicyEngines": _Read((), lambda served, _: served.engines),
    "GetPolicy": _Read(
        (*_IN_ENGINE, "policy-engine/{policyEngineId}/policy/{policyId}"),
        lambda served, given: _named(served.policies(_engine(served, given)), "policyId", given["policyId"]),
    ),
    "ListPolicies": _Read(_IN_ENGINE, lambda served, given: served.policies(_engine(served, given))),
    "GetWorkloadIdentity": _Read(
        (*_DIRECTORY, "workload-identity-directory/default/workload-identity/{name}"),
        lambda served, given: _named(served.identities, "name", given["name"]),
    ),
    "ListWorkloadIdentities": _Read(_DIRECTORY, lambda served, _: served.identities),
    "GetOauth2CredentialProvider": _Read(
        (*_VAULT, "token-vault/default/oauth2credentialprovider/{name}"),
        lambda served, given: _named(served.providers, "name", given["name"]),
    ),
    "ListOauth2CredentialProviders": _Read(_VAULT, lambda served, _: served.providers),
    "GetApiKeyCredentialProvider": _Read(
        (*_VAULT, "token-vault/default/apikeycredentialprovider/{name}"),
        lambda served, given: _named(served.key_providers, "name", given["name"]),
    ),
    "ListApiKeyCredentialProviders": _Read(_VAULT, lambda served, _: served.key_providers),
    "GetResourcePolicy": _Read(_RESOURCE, lambda served, given: served.resource_policy(given["resourceArn"])),
    "ListTagsForResource": _Read(_RESOURCE, lambda served, given: served.tags(given["resourceArn"])),
}
"""The reads. Resources of lists: where the reference names none, the action is on `*`."""
READ_ACTIONS = tuple(f"bedrock-agentcore:{name}" for name in READS)
"""The IAM actions of the reads."""
_NOT_REPRODUCED = {"targetResourceScope"}
"""Parameters that would change an answer in a way that is not reproduced."""


def service(served: Served) -> Service:
    """The control plane behind whatever checks the caller; it takes what no other service of its name takes."""

    def permissions(_match: re.Match[str], request: Received) -> list[NeededPermission]:
        operation, given = _operation(request.method, request.path, request.query, request.body)
        read = READS[operation.name]
        # A name that is missing is refused once the caller is known to be allowed something.
        arns = [_arn(served.env, it.format_map(_Named(given))) for it in read.needs] or ["*"]
        return [NeededPermission(f"bedrock-agentcore:{operation.name}", arn) for arn in arns]

    methods = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
    return Service("bedrock-agentcore", _ANY, methods, permissions, _app(served), _MAX_BODY, by_path=False)


def _arn(env: CloudEnvironment, resource: str) -> str:
    return resource if resource.startswith("arn:") else env.arn("bedrock-agentcore", resource)


def _app(served: Served) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        try:
            operation, given = _operation(scope["method"], path, query, (await receive())["body"])
            body = _answer(served, operation, given)
        except RequestRefused as refusal:
            await refuse(send, refusal.status, refusal.code, str(refusal))
        else:
            await JSONResponse(body)(scope, receive, send)

    return app


class _Named(dict[str, Any]):
    """Names in ARNs; what is not there is empty."""

    def __missing__(self, _name: str) -> str:
        return ""


def _operation(method: str, path: str, query: str, body: bytes) -> tuple[OperationModel, dict[str, Any]]:
    found = find(_SERVICE, method, path, query, body)
    if found is None:
        text = "The local deployment has no such operation of bedrock-agentcore: docs/local.md lists those that it has"
        raise RequestRefused(404, "UnknownOperationException", text)
    name = found[0].name
    if name in READS:
        return found
    if name.startswith(("Get", "List")):
        text = f"{name} is not reproduced in the local deployment: docs/local.md lists the reads that it has"
    else:
        text = (
            f"{name} is refused, the local deployment is read-only: change the program, `toolgate plan` shows what"
            " that does, and `toolgate up` serves it"
        )
    raise RequestRefused(400, "UnsupportedOperationException", text)


def _answer(served: Served, operation: OperationModel, given: dict[str, Any]) -> dict[str, Any]:
    found = [text for _, text in violations(_SERVICE, operation.name, given)]
    found += [f"'{name}' is not reproduced in the local deployment" for name in given.keys() & _NOT_REPRODUCED]
    if found:
        plural = "s" if len(found) > 1 else ""
        text = f"{len(found)} validation error{plural} detected: {'; '.join(found)}"
        raise RequestRefused(400, "ValidationException", text)
    answer = READS[operation.name].answer(served, given)
    if isinstance(answer, list):
        return _page(operation, answer, given)
    return _members(operation.output_shape, answer)


def _page(operation: OperationModel, items: list[dict[str, Any]], given: _Given) -> dict[str, Any]:
    """A page of a list; its token is the number of its first item."""
    members = operation.output_shape.members
    [(name, shape)] = [(name, shape) for name, shape in members.items() if shape.type_name == "list"]
    token = given.get("nextToken", "0")
    if not token.isdecimal() or not 0 <= int(token) <= len(items):
        raise RequestRefused(400, "ValidationException", "nextToken is not one that this list has given")
    start = int(token)
    end = start + given.get("maxResults", operation.input_shape.members["maxResults"].metadata["max"])
    more = {"nextToken": str(end)} if end < len(items) else {}
    return {name: [_members(shape.member, item) for item in items[start:end]], **more}


def _members(shape: Shape, described: Mapping[str, Any]) -> dict[str, Any]:
    # The lists of runtimes require a description, also of one that has none.
    empty = {"description": ""} if "description" in shape.required_members else {}
    known = {**empty, **described}
    return {name: known[name] for name in shape.members if name in known}


def _named(found: list[dict[str, Any]], name: str, wanted: str) -> dict[str, Any]:
    return _one([it for it in found if it[name] == wanted], f"No {name} {wanted}")


def _one[T](found: list[T], missing: str) -> T:
    if not found:
        raise RequestRefused(404, "ResourceNotFoundException", f"{missing} in the local deployment")
    return found[0]

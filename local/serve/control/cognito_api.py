"""The reads of Amazon Cognito's user pools, of what is served: without the clients' secrets.

Source: botocore cognito-idp; what a read needs: Service Authorization Reference, "Amazon Cognito User Pools".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.access.deployment.stack_export import Resource
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.request_validation import violations
from toolgate.local.serve.control import descriptions
from toolgate.local.serve.control.error_forms import refuser
from toolgate.local.serve.guards.iam_guard import NeededPermission, RequestRefused, Service
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.json_body import NotJsonError, read_json
from toolgate.policy.language.agentcore_facts import RESOURCE_SERVER, USER_POOL, USER_POOL_CLIENT, USER_POOL_DOMAIN

_SERVICE = "cognito-idp"
_TARGET = "AWSCognitoIdentityProviderService."
_MAX_BODY = 64 * 1024
_FORM = "application/x-amz-json-1.1"

type _Given = Mapping[str, Any]


@dataclass(frozen=True)
class Pools:
    """What there is to read.

    Attributes:
        resources: The deployment's resources as the file has them.
        env: Its account and Region.
        since: When it was first served.
    """

    resources: tuple[Resource, ...]
    env: CloudEnvironment
    since: datetime

    def of(self, kind: str, pool: str | None = None) -> list[Resource]:
        """The resources of a type; those of one pool where it is named.

        Raises:
            RequestRefused: There is no such pool.
        """
        found = [it for it in self.resources if it.type == kind]
        if pool is None:
            return found
        if all(it.text("id") != pool for it in self.of(USER_POOL)):
            raise _missing(f"User pool {pool} does not exist.")
        return [it for it in found if it.text("userPoolId") == pool]

    @property
    def at(self) -> float:
        """Seconds since 1970, as the protocol writes times."""
        return self.since.timestamp()


def _missing(message: str) -> RequestRefused:
    return RequestRefused(400, "ResourceNotFoundException", message)


def _one(found: list[Resource], name: str, wanted: str) -> Resource:
    for resource in found:
        if resource.text(name) == wanted:
            return resource
    raise _missing(f"{name} {wanted} does not exist.")


def _domain(pools: Pools, given: _Given) -> dict[str, Any]:
    found = [it for it in pools.of(USER_POOL_DOMAIN) if it.text("domain") == given["Domain"]]
    return {"DomainDescription": descriptions.user_pool_domain(found[0]) if found else {}}  # as Cognito says nothing


def _clients(pools: Pools, given: _Given) -> dict[str, Any]:
    listed = [descriptions.app_client(it, pools.at) for it in pools.of(USER_POOL_CLIENT, given["UserPoolId"])]
    return {"UserPoolClients": [{name: it[name] for name in ("ClientId", "UserPoolId", "ClientName")} for it in listed]}


def _pools(pools: Pools, _given: _Given) -> dict[str, Any]:
    told = ("Id", "Name", "CreationDate", "LastModifiedDate")
    listed = [descriptions.user_pool(it, pools.at) for it in pools.of(USER_POOL)]
    return {"UserPools": [{name: it[name] for name in told} for it in listed]}


def _server(pools: Pools, given: _Given) -> dict[str, Any]:
    found = _one(pools.of(RESOURCE_SERVER, given["UserPoolId"]), "identifier", given["Identifier"])
    return {"ResourceServer": descriptions.resource_server(found)}


def _client(pools: Pools, given: _Given) -> dict[str, Any]:
    found = _one(pools.of(USER_POOL_CLIENT, given["UserPoolId"]), "id", given["ClientId"])
    return {"UserPoolClient": descriptions.app_client(found, pools.at)}


READS: Mapping[str, Callable[[Pools, _Given], dict[str, Any]]] = {
    "DescribeUserPool": lambda pools, given: {
        "UserPool": descriptions.user_pool(_one(pools.of(USER_POOL), "id", given["UserPoolId"]), pools.at)
    },
    "ListUserPools": _pools,
    "DescribeUserPoolDomain": _domain,
    "DescribeResourceServer": _server,
    "ListResourceServers": lambda pools, given: {
        "ResourceServers": [descriptions.resource_server(it) for it in pools.of(RESOURCE_SERVER, given["UserPoolId"])]
    },
    "DescribeUserPoolClient": _client,
    "ListUserPoolClients": _clients,
}
"""The reads; those that name a pool need their action on it, the others on `*`. A list is one page."""
READ_ACTIONS = tuple(f"{_SERVICE}:{name}" for name in READS)
"""The IAM actions of the reads."""


def service(pools: Pools) -> Service:
    """The reads behind whatever checks the caller."""

    def permissions(_match: re.Match[str], request: Received) -> list[NeededPermission]:
        operation, given = _asked(request.header("x-amz-target"), request.body)
        pool = given.get("UserPoolId")
        on = pools.env.arn(_SERVICE, f"userpool/{pool}") if isinstance(pool, str) else "*"
        return [NeededPermission(f"{_SERVICE}:{operation}", on)]

    post = frozenset({"POST"})
    return Service(_SERVICE, re.compile("/"), post, permissions, _app(pools), _MAX_BODY, refuser("json"), by_path=False)


def _app(pools: Pools) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        target = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-amz-target"), "")
        try:
            operation, given = _asked(target, (await receive())["body"])
            answer = READS[operation](pools, given)
        except RequestRefused as refusal:
            await refuser("json")(send, refusal.status, refusal.code, str(refusal))
        else:
            await JSONResponse(answer, media_type=_FORM)(scope, receive, send)

    return app


def _asked(target: str, body: bytes) -> tuple[str, dict[str, Any]]:
    operation = target.removeprefix(_TARGET)
    if operation not in READS:
        text = "The local deployment has no such operation of cognito-idp: docs/local.md lists those that it has"
        raise RequestRefused(400, "UnknownOperationException", text)
    try:
        given = read_json(body or b"{}")
    except NotJsonError as error:
        raise RequestRefused(400, "SerializationException", str(error)) from None
    if not isinstance(given, dict):
        raise RequestRefused(400, "SerializationException", "The body is not a JSON object")
    if found := [text for _, text in violations(_SERVICE, operation, given)]:
        plural = "s" if len(found) > 1 else ""
        raise RequestRefused(
            400, "InvalidParameterException", f"{len(found)} validation error{plural} detected: {'; '.join(found)}"
        )
    return operation, given

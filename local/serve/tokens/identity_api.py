"""AgentCore Identity: the two operations by which an agent gets an access token for itself.

The service checks each of the resources that a request stands on, and reads the client's secret as the caller.
Source: botocore bedrock-agentcore, operations GetWorkloadAccessToken and GetResourceOauth2Token; AgentCore developer
guide, "get-workload-access-token" and "scope-credential-provider-access"; that the secret is read as the caller was
seen live (Boise-State-Development/agentcore-public-stack#182). That the issuer's error is not told, and what is told
instead: aws/bedrock-agentcore-sdk-python#81.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.tokens import CredentialProvider
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.request_validation import violations
from toolgate.local.serve.agentcore_errors import refuse_with_reason
from toolgate.local.serve.aws.needs import DataAccount, of_key
from toolgate.local.serve.aws.resources import secret_arn
from toolgate.local.serve.guards.iam_guard import NeededPermission, RequestRefused, Service
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.json_body import NotJsonError, read_json
from toolgate.local.serve.tokens.issuer import NoTokenError
from toolgate.local.serve.tokens.issuers import Issuers
from toolgate.local.serve.tokens.workload_tokens import WorkloadTokenError, WorkloadTokens
from toolgate.policy.language import target_rights
from toolgate.policy.language.agentcore_facts import ACCESS_TOKEN

_PATH = re.compile(r"/identities/(?P<operation>GetWorkloadAccessToken|oauth2/token)")
_WORKLOAD, _ACCESS = "GetWorkloadAccessToken", "GetResourceOauth2Token"
_MAX_BODY = 256 * 1024  # a workload token has at most 128 KiB
_NOT_REPRODUCED = ("resources", "audiences", "sessionUri", "resourceOauth2ReturnUrl", "customState")


@dataclass(frozen=True)
class Identity:
    """What AgentCore Identity knows.

    Attributes:
        deployment: What is served.
        env: Its account and Region.
        issuers: Who gives the access tokens.
        workload_tokens: Gives the workload tokens.
        account: What is known of the account's secrets and their keys.
    """

    deployment: Deployment
    env: CloudEnvironment
    issuers: Issuers
    workload_tokens: WorkloadTokens
    account: Callable[[], DataAccount]

    def service(self) -> Service:
        """The two operations behind whatever checks the caller."""
        post = frozenset({"POST"})
        return Service("bedrock-agentcore", _PATH, post, self._permissions, self._app(), _MAX_BODY, refuse_with_reason)

    def _permissions(self, match: re.Match[str], request: Received) -> list[NeededPermission]:
        operation, given = _asked(match["operation"], request.body)
        if operation == _WORKLOAD:
            return self.workload_token(given["workloadName"])
        named = given["resourceCredentialProviderName"]
        provider = self._provider(named)
        arn = self._arn(f"{target_rights.VAULT}/oauth2credentialprovider/{named}") if provider is None else provider.arn
        secrets = provider.secret_arns if provider else ()
        return self.credential(ACCESS_TOKEN, self._workload(given["workloadIdentityToken"]), arn, secrets)

    def workload_token(self, name: str) -> list[NeededPermission]:
        """What a workload token of this identity takes."""
        return [NeededPermission.of(it) for it in target_rights.of_workload_token(self._arn(""), name)]

    def credential(self, action: str, name: str, arn: str, secrets: Iterable[str]) -> list[NeededPermission]:
        """What a credential takes.

        Args:
            action: The operation's action.
            name: The workload identity in whose name it is asked for.
            arn: The credential provider.
            secrets: The provider's secrets.
        """
        account = self.account()
        arns = [secret_arn(it, account) for it in secrets]
        taken = target_rights.of_credential(action, self._arn(""), name, arn)
        needed = [NeededPermission.of(it) for it in (*taken, *target_rights.of_secrets(arns))]
        return needed + [it for secret in arns for it in of_key(secret, ("kms:Decrypt",), account)]

    def _app(self) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            operation, given = _asked(scope["path_params"]["operation"], (await receive())["body"])
            try:
                if operation == _WORKLOAD:
                    answer = {"workloadAccessToken": self._workload_token(given["workloadName"])}
                else:
                    answer = {"accessToken": await asyncio.to_thread(self._access_token, given)}
            except RequestRefused as refusal:
                await refuse_with_reason(send, refusal.status, refusal.code, str(refusal))
            else:
                await JSONResponse(answer)(scope, receive, send)

        return app

    def _workload_token(self, name: str) -> str:
        linked = {it.id for it in self.deployment.runtimes} | {it.id for it in self.deployment.gateways}
        if name in linked:
            raise _invalid("WorkloadIdentity is linked to a service and cannot retrieve an access token by the caller.")
        if all(it.name != name for it in self.deployment.tokens.identities):
            raise RequestRefused(404, "ResourceNotFoundException", f"No workload identity {name} in the deployment")
        return self.workload_tokens.issue(name)

    def _access_token(self, given: Mapping[str, Any]) -> str:
        named = given["resourceCredentialProviderName"]
        provider = self._provider(named)
        if provider is None:
            raise RequestRefused(404, "ResourceNotFoundException", f"No credential provider {named} in the deployment")
        if given["oauth2Flow"] != "M2M":
            raise _invalid(f"oauth2Flow {given['oauth2Flow']} is not reproduced in the local deployment, only M2M is")
        if unread := [name for name in _NOT_REPRODUCED if given.get(name)]:
            raise _invalid(f"'{unread[0]}' is not reproduced in the local deployment")
        issuer = self.issuers.of(provider.discovery_url or "")
        try:
            if issuer is None or not (issuer.has_endpoint or issuer.foreign):
                raise NoTokenError("invalid_request")
            return issuer.issue(provider.client_id or "", given["scopes"], given.get("customParameters"))
        except NoTokenError as error:
            # AWS tells nothing of the issuer's answer; who works with this machine may know why.
            text = f"Error parsing ClientCredentials response (local deployment: the issuer says {error.code})"
            raise _invalid(text) from None

    def _workload(self, token: str) -> str:
        try:
            return self.workload_tokens.name(token)
        except WorkloadTokenError as error:
            if error.expired:
                text = "Token has expired. Please generate a new token."
                raise RequestRefused(403, "AccessDeniedException", text) from None
            raise RequestRefused(401, "UnauthorizedException", "The workload identity token is invalid") from None

    def _provider(self, name: str) -> CredentialProvider | None:
        return next((it for it in self.deployment.tokens.providers if it.name == name), None)

    def _arn(self, resource: str) -> str:
        return self.env.arn("bedrock-agentcore", resource)


def _asked(path: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation and its members, as botocore's model wants them."""
    operation = _ACCESS if path == "oauth2/token" else path
    try:
        given = read_json(body)
    except NotJsonError as error:
        raise RequestRefused(400, "ValidationException", str(error)) from None
    if not isinstance(given, dict):
        raise _invalid("The body is not a JSON object")
    if found := [text for _, text in violations("bedrock-agentcore", operation, given)]:
        plural = "s" if len(found) > 1 else ""
        raise _invalid(f"{len(found)} validation error{plural} detected: {'; '.join(found)}")
    return operation, given


def _invalid(message: str) -> RequestRefused:
    return RequestRefused(400, "ValidationException", message)

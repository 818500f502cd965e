"""What stands behind each target that is no function: where it is here, how the gateway signs in, where its log is."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from toolgate.access.deployment import stages
from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.roles import Role
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.deployment.stages import stage_operations
from toolgate.access.deployment.text_file import TextFileError, json_of
from toolgate.access.deployment.tokens import ApiKeyProvider, CredentialProvider
from toolgate.access.iam.policies import Policy
from toolgate.access.matrix.far_rights import FarRights
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.aws import own_values
from toolgate.local.serve.gateway.backend import Backend, Call, Called, text_result
from toolgate.local.serve.gateway.json_rpc import spoken
from toolgate.local.serve.guards.credentials import Sessions
from toolgate.local.serve.guards.iam_guard import NeededPermission
from toolgate.local.serve.outbound import canned, sign_in
from toolgate.local.serve.outbound.far_side import FarSide, FarSideError, Log, NotPermittedError
from toolgate.local.serve.outbound.mcp_backend import McpBackend, Server
from toolgate.local.serve.outbound.open_api_backend import OpenApiBackend
from toolgate.local.serve.outbound.places import nowhere, url_here
from toolgate.local.serve.outbound.sign_in import Guard, SignIn
from toolgate.local.serve.tokens.identity_api import Identity
from toolgate.local.serve.tokens.issuer import NoTokenError
from toolgate.policy.language import open_api, target_rights
from toolgate.policy.language.agentcore_facts import (
    ACCESS_TOKEN,
    GET_API_KEY,
    INVOKE_API,
    INVOKE_GATEWAY,
    INVOKE_RUNTIME,
)
from toolgate.policy.language.target_rights import Right

_SIGNED_FOR = ("execute-api", "lambda")
"""What verifies the signature of a gateway's role and is not here; the role's own policies are decided."""


@dataclass(frozen=True)
class Nowhere:
    """A target that leads to nothing on this machine: its tools are listed, and each call fails and says so."""

    why: str

    async def call(self, _call: Call, entry: Entry) -> Called:
        """Answer that it is not here."""
        entry.status, entry.error_type = "target_failed", "NotHere"
        return Called(text_result(self.why, failed=True), failed=True)

    async def aclose(self) -> None:
        """There is nothing to end."""


@dataclass(frozen=True)
class CannedBackend:
    """A target of AWS's own tools, whose answers are a file's.

    Attributes:
        target: The target.
        given: The answers.
        role: The gateway's role.
        needed: What that needs for a tool.
    """

    target: Target
    given: canned.Canned
    role: Role
    needed: Callable[[str], Iterable[Right]]

    async def call(self, call: Call, entry: Entry) -> Called:
        """Answer out of the file, behind a text that says so; if the gateway's role may call the tool."""
        needs = [NeededPermission.of(it) for it in self.needed(call.tool)]
        try:
            sign_in.Permitted(self.role, needs, {}, self.target.name).check(entry)
        except NotPermittedError as refusal:
            return Called(text_result(str(refusal), failed=True), made=False)
        entry.status, entry.canned = "ok", self.given.path.name
        answer = self.given.answers[call.tool]
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        said = (f"canned answer from {self.given.path.name}, nobody searched", text)
        return Called({"content": [{"type": "text", "text": it} for it in said], "isError": False})

    async def aclose(self) -> None:
        """There is nothing to end."""


@dataclass(frozen=True)
class Outside:
    """What has to be known of where targets lead.

    Attributes:
        deployment: What is served.
        url: The local address.
        root: The program's folder, where the file with values of secrets is.
        sessions: Issues credentials of roles.
        identity: AgentCore Identity, for keys and tokens.
        places: URLs that targets without a place here lead to, by the targets' names.
        answers: What connectors answer, by the targets' names.
        policies: Policies of resources by the resources' ARNs.
        log: The log of a target.
    """

    deployment: Deployment
    url: str
    root: Path
    sessions: Sessions
    identity: Identity
    places: Mapping[str, str]
    answers: Mapping[str, canned.Canned]
    policies: Mapping[str, Policy]
    log: Callable[[Target], Log]

    def backend(self, gateway: Gateway, target: Target, role: Role) -> Backend:
        """What stands behind a target of a gateway with this role."""
        if target.kind == canned.KIND:
            needed = partial(FarRights(self.deployment).needed, gateway, target)
            return CannedBackend(target, self.answers[target.name], role, needed)
        here = url_here(target, self.deployment, self.url)
        url = here or self.places.get(target.name)
        if url is None:
            return Nowhere(nowhere(target, self.deployment))
        far_side, signs = FarSide(target.name, self.log(target)), self._sign_in(gateway, target, role)
        if target.kind == stages.KIND:
            decides = Guard(INVOKE_API, role.arn) if here else None
            return OpenApiBackend(url, stage_operations(target), far_side, signs, decides)
        document = open_api.document(target.place.document or "")
        if document is not None:
            operations = {it.name: it for it in open_api.operations(document)}
            return OpenApiBackend(url, operations, far_side, signs)
        guarded = Guard(INVOKE_RUNTIME if target.place.runtime_arn else INVOKE_GATEWAY, role.arn) if here else None
        version = max(spoken(gateway.versions), default=gateway.versions[-1])
        return McpBackend(Server(url, version, gateway.name, guarded), far_side, signs)

    def _sign_in(self, gateway: Gateway, target: Target, role: Role) -> SignIn:
        how = target.sign_in
        if how.how == target_rights.SIGNS:
            return self._signed(gateway, target, role)
        if how.how == "apiKey":
            key = self._key_provider(how.provider_arn or "")
            needs = self._needs(gateway, GET_API_KEY, key)
            permitted = sign_in.Permitted(role, needs, self.policies, target.name)
            return sign_in.by_key(permitted, how.settings, partial(self._key, key))
        tokens = {it.arn: it for it in self.deployment.tokens.providers}
        if provider := tokens.get(how.provider_arn or ""):
            needs = self._needs(gateway, ACCESS_TOKEN, provider)
            permitted = sign_in.Permitted(role, needs, self.policies, target.name)
            return sign_in.by_token(permitted, partial(self._token, provider, target))
        return sign_in.unsigned

    def _signed(self, gateway: Gateway, target: Target, role: Role) -> SignIn:
        of_stage, how = target.kind == stages.KIND, target.sign_in  # whose service AgentCore knows
        service = "execute-api" if of_stage else how.service or ""
        credentials = self.sessions.lasting(role, sign_in.SESSION)
        signs = sign_in.by_role(credentials, service, how.region or self.identity.env.region)
        # What is here decides itself.
        if service not in _SIGNED_FOR or url_here(target, self.deployment, self.url):
            return signs
        if of_stage:
            return sign_in.where_allowed(role, partial(self._methods, target), target.name, signs)
        operations = open_api.operations(open_api.document(target.place.document or "") or {})
        server = next((it.server for it in operations if it.server), "").rstrip("/")
        needed = partial(self._elsewhere, gateway, target, role, server)
        return sign_in.where_allowed(role, needed, target.name, signs)

    def _needs(
        self, gateway: Gateway, action: str, provider: ApiKeyProvider | CredentialProvider
    ) -> list[NeededPermission]:
        """AgentCore makes each gateway an identity of its own, which is called by the gateway's id."""
        taken = self.identity.credential(action, gateway.id, provider.arn, provider.secret_arns)
        return [*self.identity.workload_token(gateway.id), *taken]

    def _key_provider(self, arn: str) -> ApiKeyProvider:
        """The provider of an API key; of one that is not in the deployment nobody here knows the secrets."""
        known = next((it for it in self.deployment.tokens.api_keys if it.arn == arn), None)
        return known or ApiKeyProvider(arn, arn.rpartition("/")[2], arn, ())

    def _methods(self, target: Target, request: httpx.Request) -> list[NeededPermission]:
        """What a call of a stage takes (API Gateway developer guide, "Control access for invoking an API")."""
        place, path = target.place, request.url.raw_path.decode().partition("?")[0]
        within = path.removeprefix(urlsplit(self.places[target.name]).path.rstrip("/"))
        method = f"{place.rest_api_id}/{place.stage}/{request.method}{within}"
        here = self.identity.env.arn("execute-api", "")
        return [NeededPermission.of(it) for it in target_rights.of_method(here, method)]

    def _elsewhere(
        self, gateway: Gateway, target: Target, role: Role, server: str, request: httpx.Request
    ) -> list[NeededPermission]:
        """What a signed request to a service that is not here takes of the role's own policies.

        The server is the one of an API's document, which is read once.
        """
        rights = FarRights(self.deployment)
        if target.sign_in.service == "lambda":
            return [NeededPermission.of(it) for it in rights.by_url(role, target)]
        within = request.url.raw_path.decode().partition("?")[0]
        within = within.removeprefix(urlsplit(self.places[target.name]).path.rstrip("/"))
        there = target.place.endpoint or f"{server}{within}"
        return [NeededPermission.of(it) for it in target_rights.of_request(gateway.arn, request.method, there)]

    def _key(self, provider: ApiKeyProvider) -> str:
        """The key, from the file of the program's owner: what a deployment holds is not sent anywhere."""
        names = (provider.name, provider.arn, *provider.secret_arns, *map(_secret_name, provider.secret_arns))
        try:
            values = own_values.read_values(self.root)
        except DeploymentError as error:
            raise FarSideError("NoKey", str(error)) from None
        found = next((values[name] for name in names if name in values), None)
        if found is None:
            hint = f'no key: put {{"{provider.name}": "..."}} into {own_values.FILE} (chmod 600)'
            raise FarSideError("NoKey", hint, f"There is {hint}")
        return _member(found, provider.json_key)

    def _token(self, provider: CredentialProvider, target: Target) -> str:
        issuer = self.identity.issuers.of(provider.discovery_url or "")
        settings = target.sign_in.settings
        try:
            if issuer is None:
                raise NoTokenError("invalid_request")
            return issuer.issue(
                provider.client_id or "", settings.get("scopes") or (), settings.get("customParameters")
            )
        except NoTokenError as error:
            raise FarSideError("NoToken", f"the issuer gives no token: {error.code}") from None


def _secret_name(arn: str) -> str:
    """The name in a secret's ARN, without what Secrets Manager puts behind it; the name itself as it is."""
    _, found, name = arn.partition(":secret:")
    return name.rpartition("-")[0] if found else arn


def _member(value: str, key: str | None) -> str:
    """A member of a secret that is a JSON object, or the secret as it is."""
    if key is None:
        return value
    try:
        found = json_of(value)
    except TextFileError:
        return value
    member = found.get(key) if isinstance(found, dict) else None
    return member if isinstance(member, str) else value

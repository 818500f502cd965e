"""What AWS answers of tokens, made of a deployment: for the calls that nothing else in this process answers."""

import threading
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from tests.access.scan.fake_account import GONE, SECRET, Answer, FakeAccount, Given, _response
from toolgate.access.deployment.stack_export import Hidden, Resource, resources
from toolgate.policy.language.agentcore_facts import (
    OAUTH2_PROVIDER,
    RESOURCE_SERVER,
    USER_POOL,
    USER_POOL_CLIENT,
    USER_POOL_DOMAIN,
    WORKLOAD_IDENTITY,
)


class TokenAnswers:
    """Answers the calls about tokens that a session makes; `answers` are given in place of its own."""

    def __init__(
        self, export: Mapping[str, Any], answers: Mapping[str, Callable[[Given], Answer]] | None = None
    ) -> None:
        self._found = resources(export)
        self._answers = answers or {}
        self._current = threading.local()
        self.asked: list[tuple[str, str, Given]] = []

    def before(self, session: Any) -> Any:
        """The session, whose calls about tokens come here before anybody else sees them."""
        session.events.register("before-parameter-build.*", self._remember)
        session.events.register("before-call.*", self._call)
        return session

    def of(self, fake: FakeAccount) -> Any:
        """A session with a fake account that answers these calls, too."""
        session = fake.session()
        session.events.unregister("before-send.*", fake._send)
        session.events.register("before-parameter-build.*", self._remember)
        session.events.register(
            "before-send.*",
            lambda request, event_name, **_: self._send(request, event_name) or fake._send(request, event_name),
        )
        return session

    def _call(self, event_name: str, **_: Any) -> Any:
        answer = _ANSWERS.get(event_name.rpartition(".")[2])
        return (SimpleNamespace(status_code=200), answer(self._found, self._current.params)) if answer else None

    def _remember(self, params: Given, **_: Any) -> None:
        self._current.params = dict(params)

    def _send(self, request: Any, event_name: str) -> Any:
        service, operation = event_name.split(".")[1:]
        if operation not in _ANSWERS:
            return None
        given = self._current.params
        self.asked.append((service, operation, given))
        own = self._answers.get(operation)
        told = own(given) if own else _ANSWERS[operation](self._found, given)
        return _response(request.url, service, operation, told)


type _All = tuple[Resource, ...]


def _of(found: _All, type_: str, **named: Any) -> list[Resource]:
    return [it for it in found if it.type == type_ and all(it.get(key) == value for key, value in named.items())]


def _providers(found: _All, _: Given) -> Answer:
    return {"credentialProviders": [{"name": it.text("name")} for it in _of(found, OAUTH2_PROVIDER)]}


def _provider(found: _All, given: Given) -> Answer:
    [it] = _of(found, OAUTH2_PROVIDER, name=given["name"])
    config = {
        key: {name: item for name, item in value.items() if not isinstance(item, Hidden)}
        for key, value in it.mapping("oauth2ProviderConfig").items()
    }
    return {
        **{"name": it.text("name"), "credentialProviderArn": it.text("credentialProviderArn")},
        **{"credentialProviderVendor": it.text("credentialProviderVendor"), "status": "READY"},
        **{"oauth2ProviderConfigOutput": config, "clientSecretArn": it.get("clientSecretArns")[0]},
    }


def _identities(found: _All, _: Given) -> Answer:
    names = ("name", "workloadIdentityArn")
    return {"workloadIdentities": [{key: it.text(key) for key in names} for it in _of(found, WORKLOAD_IDENTITY)]}


def _pool(found: _All, given: Given) -> Answer:
    pools = _of(found, USER_POOL, id=given["UserPoolId"])
    if not pools:
        return GONE
    domains = [it.text("domain") for it in _of(found, USER_POOL_DOMAIN, userPoolId=given["UserPoolId"])]
    closed = pools[0].mapping("adminCreateUserConfig").get("allowAdminCreateUserOnly")
    described = {
        **{"Id": given["UserPoolId"], "Name": pools[0].text("name"), "Arn": pools[0].text("arn")},
        **{"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": closed}, "Domain": domains[0] if domains else None},
    }
    return {"UserPool": {key: value for key, value in described.items() if value is not None}}


def _servers(found: _All, given: Given) -> Answer:
    return {
        "ResourceServers": [
            {
                "Identifier": it.text("identifier"),
                "Scopes": [{"ScopeName": scope["scopeName"], "ScopeDescription": "x"} for scope in it.get("scopes")],
            }
            for it in _of(found, RESOURCE_SERVER, userPoolId=given["UserPoolId"])
        ]
    }


def _clients(found: _All, given: Given) -> Answer:
    of_pool = _of(found, USER_POOL_CLIENT, userPoolId=given["UserPoolId"])
    return {"UserPoolClients": [{"ClientId": it.text("id"), "ClientName": it.text("name")} for it in of_pool]}


def _client(found: _All, given: Given) -> Answer:
    [it] = _of(found, USER_POOL_CLIENT, id=given["ClientId"])
    described = {
        **{"UserPoolId": given["UserPoolId"], "ClientId": it.text("id"), "ClientName": it.text("name")},
        **{"ClientSecret": SECRET, "AllowedOAuthFlows": it.get("allowedOauthFlows")},
        **{"AllowedOAuthScopes": it.get("allowedOauthScopes"), "ExplicitAuthFlows": it.get("explicitAuthFlows")},
        "AllowedOAuthFlowsUserPoolClient": it.get("allowedOauthFlowsUserPoolClient"),
        "AccessTokenValidity": it.get("accessTokenValidity"),
        "TokenValidityUnits": {"AccessToken": it.mapping("tokenValidityUnits").get("accessToken")},
    }
    return {"UserPoolClient": described}


_ANSWERS: Mapping[str, Callable[[_All, Given], Answer]] = {
    "ListOauth2CredentialProviders": _providers,
    "GetOauth2CredentialProvider": _provider,
    "ListWorkloadIdentities": _identities,
    "DescribeUserPool": _pool,
    "ListResourceServers": _servers,
    "ListUserPoolClients": _clients,
    "DescribeUserPoolClient": _client,
}


def taking_tokens(fake: FakeAccount, **jwt: Any) -> FakeAccount:
    """The account, each of whose gateways has this JWT authorizer."""
    own = fake._get_gateway
    settings = {"authorizerType": "CUSTOM_JWT", "authorizerConfiguration": {"customJWTAuthorizer": jwt}}
    fake.answers["GetGateway"] = lambda given: {**own(given), **settings}  # type: ignore[dict-item]  # it is no failure
    return fake

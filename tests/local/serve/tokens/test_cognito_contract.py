"""The same requests to our token endpoint and to ministack's Cognito: the same status and error, the same claims."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.local.serve.guards.credentials import Sessions
from toolgate.local.serve.guards.iam_guard import Authority, authorized
from toolgate.local.serve.tokens import issuer_api
from toolgate.local.serve.tokens.issuers import Issuers

POOL = "us-east-1_AbCdEf123"
SCOPES = ("tools/invoke", "other/invoke")
CLIENTS: dict[str, dict[str, Any]] = {
    "agent": {"AllowedOAuthFlows": ["client_credentials"], "AllowedOAuthScopes": ["tools/invoke"]},
    "both": {"AllowedOAuthFlows": ["client_credentials"], "AllowedOAuthScopes": [*SCOPES]},
    "person": {"AllowedOAuthFlows": ["code"], "AllowedOAuthScopes": ["openid", "tools/invoke"]},
    "none": {},
    "open": {
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": ["tools/invoke"],
        "GenerateSecret": False,
    },
}


@dataclass
class Ministack:
    """The process, and what it has made."""

    process: subprocess.Popen[str]
    ids: Mapping[str, Mapping[str, str]]

    def ask(self, path: str, body: str, **headers: str) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"path": path, "headers": headers, "body": body}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def make(self, operation: str, **parameters: Any) -> Any:
        target = f"AWSCognitoIdentityProviderService.{operation}"
        answer = self.ask("/", json.dumps(parameters), **{"x-amz-target": target})
        assert answer["status"] == 200, answer
        return answer["body"]


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    folder = tmp_path_factory.mktemp("ministack")
    environment = {**os.environ, "TMPDIR": str(folder), "STATE_DIR": str(folder), "HOME": str(folder)}
    script = Path(__file__).with_name("ministack_cognito.py")
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=folder,
        text=True,
    )
    try:
        made = Ministack(process, {})
        pool = made.make("CreateUserPool", PoolName="p")["UserPool"]["Id"]
        for scope in SCOPES:
            server, name = scope.split("/")
            scopes = [{"ScopeName": name, "ScopeDescription": "x"}]
            made.make("CreateResourceServer", UserPoolId=pool, Identifier=server, Name=server, Scopes=scopes)
        ids = {}
        for name, settings in CLIENTS.items():
            request = {"GenerateSecret": True, "AllowedOAuthFlowsUserPoolClient": True, **settings}
            client = made.make("CreateUserPoolClient", UserPoolId=pool, ClientName=name, **request)["UserPoolClient"]
            ids[name] = {"id": client["ClientId"], "secret": client.get("ClientSecret", "")}
        made.ids = ids
        yield made
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


def _ours(token_seconds: int | None = None) -> Issuers:
    """The same pool in a deployment of ours."""
    listed: list[dict[str, Any]] = []

    def add(type_: str, named: str, **properties: Any) -> None:
        urn = f"urn:pulumi:dev::p::{type_}::{named}"
        listed.append({"urn": urn, "type": type_, "custom": True, "inputs": properties, "outputs": properties})

    add("aws:cognito/userPool:UserPool", "pool", id=POOL, endpoint=f"cognito-idp.us-east-1.amazonaws.com/{POOL}")
    add("aws:cognito/userPoolDomain:UserPoolDomain", "domain", domain="d", userPoolId=POOL)
    for scope in SCOPES:
        server, name = scope.split("/")
        add(
            "aws:cognito/resourceServer:ResourceServer",
            server,
            identifier=server,
            userPoolId=POOL,
            scopes=[{"scopeName": name}],
        )
    for name, settings in CLIENTS.items():
        add(
            "aws:cognito/userPoolClient:UserPoolClient",
            name,
            id=name,
            name=name,
            userPoolId=POOL,
            generateSecret=settings.get("GenerateSecret", True),
            allowedOauthFlows=settings.get("AllowedOAuthFlows", []),
            allowedOauthFlowsUserPoolClient=True,
            allowedOauthScopes=settings.get("AllowedOAuthScopes", []),
        )
    issuers = Issuers(token_seconds)
    issuers.load(parse({"version": 3, "deployment": {"resources": listed}}))
    return issuers


@pytest.fixture(scope="module")
def ours() -> Issuers:
    return _ours()


def _ask(issuers: Issuers, body: str, **headers: str) -> httpx.Response:
    app = authorized([issuer_api.service(issuers, "http://here")], Authority(Sessions(), "us-east-1"))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.post(f"/issuer/{POOL}/oauth2/token", content=body, headers=headers)

    return asyncio.run(ask())


def _basic(client: Mapping[str, str]) -> dict[str, str]:
    both = f"{quote(client['id'])}:{quote(client['secret'])}"
    return {"authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}


type _Request = tuple[dict[str, str], dict[str, str]]
type _Build = Callable[[Mapping[str, Mapping[str, str]]], _Request]


def _form(client: str, how: str = "basic", **more: str) -> _Build:
    def build(ids: Mapping[str, Mapping[str, str]]) -> _Request:
        form = {"grant_type": "client_credentials", **more}
        if how == "basic":
            return form, _basic(ids[client])
        return {**form, "client_id": ids[client]["id"], "client_secret": ids[client]["secret"]}, {}

    return build


def _wrong_secret(ids: Mapping[str, Mapping[str, str]]) -> _Request:
    return {"grant_type": "client_credentials"}, _basic({**ids["agent"], "secret": "wrong"})


def _nobody(_ids: Mapping[str, Mapping[str, str]]) -> _Request:
    return {"grant_type": "client_credentials"}, _basic({"id": "nobody", "secret": "x"})


REQUESTS: dict[str, _Build] = {
    "by the header": _form("agent"),
    "in the body": _form("agent", "post"),
    "with its scope": _form("agent", scope="tools/invoke"),
    "every scope of several": _form("both"),
    "one scope of several": _form("both", scope="other/invoke"),
    "a scope that it lacks": _form("agent", scope="other/invoke"),
    "one that it has and one that it lacks": _form("agent", scope="tools/invoke other/invoke"),
    "an unknown scope": _form("agent", scope="tools/unknown"),
    "an unknown server": _form("agent", scope="unknown/invoke"),
    "one that it has and an unknown one": _form("agent", scope="tools/invoke tools/unknown"),
    "a scope of users": _form("agent", scope="openid"),
    "no custom scope": _form("agent", scope="nothing"),
    "blanks for a scope": _form("agent", scope="  "),
    "the same twice": _form("agent", scope="tools/invoke tools/invoke"),
    "a wrong secret": _wrong_secret,
    "nobody": _nobody,
    "no authentication": lambda _ids: ({"grant_type": "client_credentials"}, {}),
    "a header that is none": lambda _ids: ({"grant_type": "client_credentials"}, {"authorization": "Basic !"}),
    "a client of people": _form("person"),
    "a client of people with its scope": _form("person", scope="tools/invoke"),
    "a client of people with a scope of theirs": _form("person", scope="openid"),
    "a client of people with an unknown scope": _form("person", scope="tools/unknown"),
    "a client without flows": _form("none"),
    "a client without a secret": _form("open", "post"),
    "another grant": _form("agent", grant_type="password"),
    "no grant": lambda ids: ({}, _basic(ids["agent"])),
}


def _claims(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, _ = (base64.urlsafe_b64decode(it + "=" * (-len(it) % 4)) for it in token.split("."))
    return json.loads(header), json.loads(payload)


@pytest.mark.parametrize("name", REQUESTS)
def test_the_same_answer(name: str, ministack: Ministack, ours: Issuers) -> None:
    form, headers = REQUESTS[name](ministack.ids)
    theirs = ministack.ask("/oauth2/token", urlencode(form), **headers)
    issuer = ours.at(POOL)
    assert issuer is not None
    own = {it: {"id": it, "secret": client.secret} for it, client in issuer.clients.items()}
    form, headers = REQUESTS[name](own)
    got = _ask(ours, urlencode(form), **{"content-type": "application/x-www-form-urlencoded", **headers})
    assert (got.status_code, got.json().get("error")) == (theirs["status"], theirs["body"].get("error"))
    if got.status_code == 200:
        assert got.headers["cache-control"] == "no-store"
        assert got.json().keys() == theirs["body"].keys()
        their_header, their_claims = _claims(theirs["body"]["access_token"])
        header, claims = _claims(got.json()["access_token"])
        assert header.keys() == their_header.keys() - {"typ"}
        # As published, a token of a client has a version, and the id of a sign-in is in tokens of users alone.
        assert claims.keys() == their_claims.keys() - {"origin_jti"} | {"version"}
        assert {*claims["scope"].split()} == {*their_claims["scope"].split()}
        assert claims["token_use"] == their_claims["token_use"]
        assert claims["sub"] == claims["client_id"]
        assert their_claims["sub"] == their_claims["client_id"]


def test_bodies_that_are_no_form(ours: Issuers) -> None:
    for body in ("&".join(f"a{i}=1" for i in range(1000)), "\xff", "x" * 1000):
        assert _ask(ours, body).status_code == 400
    assert _ask(ours, "x" * (issuer_api.MAX_BODY + 1)).status_code == 413


def test_the_issuer_says_where_it_is(ours: Issuers) -> None:
    app = authorized([issuer_api.service(ours, "http://here")], Authority(Sessions(), "us-east-1"))

    async def get(path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.get(path)

    document = asyncio.run(get(f"/issuer/{POOL}/.well-known/openid-configuration")).json()
    assert document["issuer"] == f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"
    assert document["token_endpoint"] == f"http://here/issuer/{POOL}/oauth2/token"
    [key] = asyncio.run(get(f"/issuer/{POOL}/.well-known/jwks.json")).json()["keys"]
    assert key.keys() == {"kty", "n", "e", "kid", "use", "alg"}
    assert asyncio.run(get(f"/issuer/{POOL}/oauth2/token")).status_code == 405
    assert asyncio.run(get("/issuer/us-east-1_Other/.well-known/jwks.json")).status_code == 404


def test_tokens_may_be_made_to_hold_shorter() -> None:
    issuers = _ours(token_seconds=3)
    issuer = issuers.at(POOL)
    assert issuer is not None
    auth = _basic({"id": "agent", "secret": issuer.clients["agent"].secret})
    answer = _ask(issuers, "grant_type=client_credentials", **auth).json()
    _, claims = _claims(answer["access_token"])
    assert (answer["expires_in"], claims["exp"] - claims["iat"]) == (3, 3)

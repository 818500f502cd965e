"""An access token taken from what is served here, as an agent or a client takes it."""

import http.client
import json
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from toolgate.local.serve.serving_file import AgentToken, ClientToken

_SECONDS = 30.0


class NotGivenError(Exception):
    """There is no token; the text is what was answered."""


def credentials_of(variables: Mapping[str, str]) -> Credentials:
    """What botocore signs with, from the variables of an SDK."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    return Credentials(*(variables[name] for name in names))


def taken_token(by: AgentToken | ClientToken, url: str, credentials: Mapping[str, str], region: str) -> str:
    """Take a token.

    Args:
        by: From whom, and what for.
        url: The local address.
        credentials: The variables with an agent's credentials.
        region: The Region to sign for.

    Raises:
        NotGivenError: It is refused.
        OSError: Nothing answers.
    """
    if isinstance(by, ClientToken):
        return _of_client(by)

    def ask(operation: str, **members: object) -> Mapping[str, str]:
        body = json.dumps(members)
        request = AWSRequest(
            "POST", f"{url}/identities/{operation}", data=body, headers={"content-type": "application/json"}
        )
        SigV4Auth(credentials_of(credentials), "bedrock-agentcore", region).add_auth(request)
        return _answer(request.url, body, dict(request.headers))

    workload = ask("GetWorkloadAccessToken", workloadName=by.identity)["workloadAccessToken"]
    parameters = {"customParameters": dict(by.parameters)} if by.parameters else {}
    return ask(
        "oauth2/token",
        workloadIdentityToken=workload,
        resourceCredentialProviderName=by.provider,
        scopes=list(by.scopes),
        oauth2Flow="M2M",
        **parameters,
    )["accessToken"]


def _of_client(by: ClientToken) -> str:
    form = {"grant_type": "client_credentials", "client_id": by.client_id, "client_secret": by.client_secret}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return _answer(by.token_endpoint, urlencode(form | ({"scope": by.scope} if by.scope else {})), headers)[
        "access_token"
    ]


def _answer(url: str, body: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    there = urlsplit(url)
    connection = http.client.HTTPConnection(there.netloc, timeout=_SECONDS)
    try:
        connection.request("POST", there.path, body, dict(headers))
        response = connection.getresponse()
        said: Mapping[str, str] = json.loads(response.read())
        if response.status != 200:
            raise NotGivenError(said.get("message") or said.get("error") or f"HTTP status {response.status}")
        return said
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()

"""How a gateway signs in at a target: with its role's signature, with an API key, with an access token, or not at all.

For a key and a token the gateway asks AgentCore Identity as an agent does, in the name of its own workload identity:
the role's rights to it are decided by the same code as for anybody. Source: AgentCore developer guide, "Set up outbound
authorization for your gateway". What the gateway's caller is told where they are missing, nobody has published.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from toolgate.access.deployment.roles import Role
from toolgate.access.iam.policies import Policy
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.guards.credentials import Credentials, SessionPrincipal
from toolgate.local.serve.guards.iam_guard import NeededPermission, decisions
from toolgate.local.serve.outbound.far_side import Answer, FarSide, NotPermittedError

type SignIn = Callable[[httpx.Request, Entry], httpx.Request]
"""Gives a request what it signs in with. It raises NotPermittedError; FarSideError where there is nothing to give."""

SESSION = "gateway"
"""Session of the role's credentials; what AWS calls it nobody has published."""


def unsigned(request: httpx.Request, _entry: Entry) -> httpx.Request:
    """Sign in with nothing."""
    return request


def by_role(credentials: Credentials, service: str, region: str) -> SignIn:
    """Sign in with SigV4.

    Args:
        credentials: The role's.
        service: The service's name that the signature is for.
        region: The Region that it is for.
    """
    key = BotocoreCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)

    def sign(request: httpx.Request, _entry: Entry) -> httpx.Request:
        kept = {name: value for name, value in request.headers.items() if name not in _BY_THE_CLIENT}
        made = AWSRequest(request.method, str(request.url), data=request.content, headers=kept)
        SigV4Auth(key, service, region).add_auth(made)
        return httpx.Request(request.method, request.url, headers=dict(made.headers), content=request.content)

    return sign


_BY_THE_CLIENT = frozenset({"host", "content-length", "connection", "accept-encoding"})


@dataclass(frozen=True)
class Permitted:
    """The rights that a credential takes, decided for the gateway's role at each call.

    Attributes:
        role: The gateway's role.
        needed: What it needs.
        policies: Policies of resources by the resources' ARNs.
        target: The target's name, for the gateway's caller.
    """

    role: Role
    needed: Sequence[NeededPermission]
    policies: Mapping[str, Policy]
    target: str

    def check(self, entry: Entry) -> None:
        """Decide.

        Raises:
            NotPermittedError: The role lacks a right; the entry has the decision.
        """
        principal = SessionPrincipal(self.role, SESSION)
        for needed, decision in decisions(principal, self.needed, self.policies):
            if not decision.allowed:
                why = f"the gateway's role may not {needed.action.partition(':')[2]} on {needed.resource}"
                entry.decided(needed.action, decision, why, self.role.arn)
                raise NotPermittedError(refusal(self.target))


def where_allowed(
    role: Role, needed: Callable[[httpx.Request], Sequence[NeededPermission]], target: str, sign: SignIn
) -> SignIn:
    """Sign in where the role's own policies let it make the request: whoever else would decide on it is not here.

    Args:
        role: The gateway's role.
        needed: What a request takes.
        target: The target's name.
        sign: Signs in.
    """

    def signs(request: httpx.Request, entry: Entry) -> httpx.Request:
        Permitted(role, needed(request), {}, target).check(entry)
        return sign(request, entry)

    return signs


def by_key(permitted: Permitted, settings: Mapping[str, Any], key: Callable[[], str]) -> SignIn:
    """Sign in with an API key.

    Args:
        permitted: What that takes.
        settings: `credentialLocation`, `credentialParameterName`, `credentialPrefix` of the target.
        key: Gives the key.
    """
    name = settings.get("credentialParameterName") or "Authorization"
    prefix = settings.get("credentialPrefix")
    in_query = settings.get("credentialLocation") == "QUERY_PARAMETER"

    def sign(request: httpx.Request, entry: Entry) -> httpx.Request:
        permitted.check(entry)
        value = f"{prefix} {key()}" if prefix else key()
        if in_query:
            url = request.url.copy_set_param(name, value)
            return httpx.Request(request.method, url, headers=request.headers, content=request.content)
        request.headers[name] = value
        return request

    return sign


def by_token(permitted: Permitted, token: Callable[[], str]) -> SignIn:
    """Sign in with an access token.

    Args:
        permitted: What that takes.
        token: Gives a token.
    """

    def sign(request: httpx.Request, entry: Entry) -> httpx.Request:
        permitted.check(entry)
        request.headers["authorization"] = f"Bearer {token()}"
        return request

    return sign


def refusal(target: str) -> str:
    """What the gateway's caller is told where the gateway's role may not make a call: nothing of what lies behind."""
    return (
        f"Access denied while calling target {target}. Check the permissions of the gateway's execution role, and retry"
        " the request."
    )


_ERROR_TYPE = "x-amzn-errortype"


@dataclass(frozen=True)
class Guard:
    """The door of what is served here and stands behind a target: it decides on the gateway's role as on anybody.

    Attributes:
        action: The action that it decides on.
        role_arn: The role.
    """

    action: str
    role_arn: str

    def heed(self, answer: Answer, words: str, far_side: FarSide, entry: Entry) -> None:
        """Tell the exchange of a refusal by the door; any other answer is the server's own.

        Args:
            answer: The answer.
            words: The beginning of its body.
            far_side: Who gave it.
            entry: The exchange.

        Raises:
            NotPermittedError: The door let the role not in.
        """
        if answer.status != HTTPStatus.FORBIDDEN:
            return
        reason = _message(words)
        by = "iam" if answer.headers.get(_ERROR_TYPE) == "AccessDeniedException" else "signature"
        entry.deny(by=by, effect="deny", principal=self.role_arn, action=self.action, reason=reason)
        far_side.log.tell(f"request {entry.request_id}: {reason}")
        raise NotPermittedError(refusal(far_side.name))


def _message(words: str) -> str:
    try:
        said = json.loads(words)
    except ValueError:
        return words
    return str(said.get("message", words)) if isinstance(said, dict) else words

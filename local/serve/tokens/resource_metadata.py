"""What a gateway says of the tokens that it takes: its protected resource metadata (RFC 9728).

On AWS it lies at the gateway's own host; here all gateways have one, so that each has the path that RFC 9728, section
3.1, makes of its URL. What AWS's document holds besides is not documented.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.local.serve.guards.iam_guard import Service, nobody

_WELL_KNOWN = "/.well-known/oauth-protected-resource"
_PATH = re.compile(rf"{re.escape(_WELL_KNOWN)}/gateway/(?P<gateway>[^/]+)/mcp")
_MAX_BODY = 1024


def url(local: str, gateway_id: str) -> str:
    """Where a gateway's document is on this machine.

    Args:
        local: The local address.
        gateway_id: The gateway.
    """
    return f"{local}{_WELL_KNOWN}/gateway/{gateway_id}/mcp"


def document(gateway_url: str, issuer_url: str, scopes: Sequence[str]) -> dict[str, Any]:
    """A gateway's document: the addresses in it are this machine's."""
    return {
        "resource": gateway_url,
        "authorization_servers": [issuer_url],
        "bearer_methods_supported": ["header"],
        **({"scopes_supported": [*scopes]} if scopes else {}),
    }


def service(documents: Mapping[str, Mapping[str, Any]]) -> Service:
    """The documents, for everybody.

    Args:
        documents: By the gateways' ids.
    """
    get = frozenset({"GET"})
    return Service("oauth2", _PATH, get, lambda _match, _request: [], _app(documents), _MAX_BODY, admit=nobody)


def _app(documents: Mapping[str, Mapping[str, Any]]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found = documents.get(scope["path_params"]["gateway"])
        answer: Response = JSONResponse(found) if found else JSONResponse({"error": "not_found"}, 404)
        await answer(scope, receive, send)

    return app

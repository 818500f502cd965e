"""STS GetCallerIdentity: who signs a request.

Source: botocore sts; STS API reference, "GetCallerIdentity": it needs no permission, and no policy can deny it.
"""

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.local.serve.control.error_forms import refuser
from toolgate.local.serve.guards.credentials import SessionPrincipal
from toolgate.local.serve.guards.iam_guard import PRINCIPAL, REQUEST_ID, NeededPermission, RequestRefused, Service
from toolgate.local.serve.guards.sigv4 import Received

_MAX_BODY = 2**16
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def service(role_ids: Mapping[str, str]) -> Service:
    """STS behind whatever checks the caller.

    Args:
        role_ids: The roles' unique ids (`AROA...`) by their ARNs, as far as the deployment says them.
    """
    post = frozenset({"GET", "POST"})
    refuse = refuser("query")
    return Service("sts", re.compile("/"), post, _permissions, _app(role_ids), _MAX_BODY, refuse, by_path=False)


def _permissions(_match: re.Match[str], request: Received) -> list[NeededPermission]:
    action = parse_qs(request.body.decode("latin-1") or request.query).get("Action", ["no operation"])[0]
    if action != "GetCallerIdentity":
        text = f"{action} is not reproduced in the local deployment, which hands out its roles' credentials itself"
        raise RequestRefused(400, "UnsupportedOperation", text)
    return []


def _app(role_ids: Mapping[str, str]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        caller: SessionPrincipal = scope[PRINCIPAL]
        role_id = role_ids.get(caller.role.arn) or _made_up(caller.role.arn)
        said = {"Arn": caller.arn, "UserId": f"{role_id}:{caller.session}", "Account": caller.role.account}
        result = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in said.items())
        body = (
            f'<GetCallerIdentityResponse xmlns="{_NAMESPACE}"><GetCallerIdentityResult>{result}'
            f"</GetCallerIdentityResult><ResponseMetadata><RequestId>{scope[REQUEST_ID]}</RequestId></ResponseMetadata>"
            "</GetCallerIdentityResponse>"
        )
        await Response(body, media_type="text/xml")(scope, receive, send)

    return app


def _made_up(role_arn: str) -> str:
    """An id in AWS's form (`AROA` and 17 characters), always the same for a role."""
    return f"AROA{hashlib.sha256(role_arn.encode()).hexdigest()[:17].upper()}"

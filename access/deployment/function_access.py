"""What a deployment says of who may use its Lambda functions past a gateway: permissions, URLs, aliases, versions.

A function's own policy is its permissions together; each is written here as the statement that Lambda makes of it.
Source: Lambda API reference, AddPermission and GetPolicy; Lambda developer guide, "Resource-based policy" and
"Control access to Lambda function URLs".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from toolgate.access.deployment.stack_export import Resource
from toolgate.policy.language.agentcore_facts import (
    FUNCTION,
    FUNCTION_ALIAS,
    FUNCTION_URL,
    INVOKE_FUNCTION,
    INVOKE_FUNCTION_URL,
    LAMBDA_PERMISSION,
)
from toolgate.policy.language.spellings import ADDS_NO_PERMISSION

UNQUALIFIED = ""
LATEST = "$LATEST"
"""The version that every function has; it can be invoked by name as well (Lambda developer guide, "Versions")."""
_FUNCTION = re.compile(
    r"(?P<arn>arn:[^:]*:lambda:[^:]*:[^:]*:function:)?(?:\d+:function:)?(?P<name>[^:]+)(?::(?P<qualifier>[^:]+))?"
)


@dataclass(frozen=True)
class FunctionName:
    """A function as a property names it.

    Attributes:
        name: Its unqualified ARN, or its name alone.
        qualifier: An alias or a version; empty for the function itself.
    """

    name: str
    qualifier: str = UNQUALIFIED

    def means(self, arn: str) -> bool:
        """Whether it is the function with this unqualified ARN."""
        return self.name == arn or arn.endswith(f":function:{self.name}")

    def qualified(self, arn: str) -> str:
        """The ARN with this qualifier."""
        return f"{arn}:{self.qualifier}" if self.qualifier else arn


def function_name(text: str, qualifier: str | None = None) -> FunctionName:
    """Read a name, an ARN or a part of one, with or without an alias or a version (Lambda's `FunctionName`)."""
    found = _FUNCTION.fullmatch(text)
    if found is None:
        return FunctionName(text, qualifier or UNQUALIFIED)
    return FunctionName((found["arn"] or "") + found["name"], qualifier or found["qualifier"] or UNQUALIFIED)


@dataclass(frozen=True)
class FunctionUrl:
    """A function URL.

    Attributes:
        label: The resource's type and name, for messages.
        function: Whose it is.
        public: Whether nobody is asked who they are (`authorizationType` NONE).
        adds_permissions: Whether the provider lets everybody in by itself then.
        host: Its host, in lower case; empty where that is not known.
    """

    label: str
    function: FunctionName
    public: bool
    adds_permissions: bool = True
    host: str = ""


@dataclass(frozen=True)
class Permission:
    """One statement of a function's policy, without its `Resource`."""

    function: FunctionName
    statement: Mapping[str, Any]


@dataclass(frozen=True)
class FunctionAccess:
    """All of it; `qualified` are the aliases and numbered versions by which functions can be invoked."""

    permissions: tuple[Permission, ...] = ()
    urls: tuple[FunctionUrl, ...] = ()
    qualified: tuple[FunctionName, ...] = ()


NO_ACCESS = FunctionAccess()
"""Of a deployment that says nothing of it."""


def read_function_access(resources: Sequence[Resource]) -> FunctionAccess:
    """Read it from all resources.

    Raises:
        DeploymentError: A permission, a URL or an alias cannot be read.
    """
    urls = tuple(_url(it) for it in resources if it.type == FUNCTION_URL)
    permissions = [_permission(it) for it in resources if it.type == LAMBDA_PERMISSION]
    return FunctionAccess(
        permissions=(
            *permissions,
            *(made for url in urls if url.public and url.adds_permissions for made in _made_with(url)),
        ),
        urls=urls,
        qualified=tuple(_qualified(resources)),
    )


def _url(resource: Resource) -> FunctionUrl:
    named = function_name(resource.text("functionName"), resource.optional_text("qualifier"))
    public = resource.text("authorizationType") == "NONE"
    found = resource.get("functionUrl")
    host = (host_of(found) if isinstance(found, str) else None) or ""
    return FunctionUrl(resource.label, named, public, resource.get(ADDS_NO_PERMISSION) is not True, host)


def host_of(url: str) -> str | None:
    """The host that a URL leads to, in lower case; None where it is no URL."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _permission(resource: Resource) -> Permission:
    named = function_name(resource.text("function"), resource.optional_text("qualifier"))
    sid = resource.optional_text("statementId") or resource.name
    told = {key: resource.optional_text(key) for key in _CONDITIONS}
    told |= {"principal": resource.text("principal"), "action": resource.text("action")}
    via_url = {"invokedViaFunctionUrl": resource.get("invokedViaFunctionUrl")}
    return Permission(named, permission_statement(sid, {**told, **via_url}))


def permission_statement(sid: str, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The statement that Lambda writes of a permission with these properties, without its `Resource`."""
    conditions: dict[str, dict[str, Any]] = {}
    for key, (operator, name) in _CONDITIONS.items():
        if value := properties.get(key):
            conditions.setdefault(operator, {})[name] = value
    if properties.get("invokedViaFunctionUrl") is True:
        conditions |= _VIA_URL
    return _statement(sid, str(properties.get("principal")), str(properties.get("action")), conditions)


_CONDITIONS = {
    "sourceArn": ("ArnLike", "AWS:SourceArn"),
    "sourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "principalOrgId": ("StringEquals", "aws:PrincipalOrgID"),
    "functionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "eventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
}
"""A permission's properties, and the condition that Lambda makes of each."""
_VIA_URL = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}


def _made_with(url: FunctionUrl) -> Iterator[Permission]:
    """What the provider writes by itself with a URL of NONE (pulumi_aws, FunctionUrl, note on `authorization_type`)."""
    unsigned = {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
    asked = (("FunctionURLAllowPublicAccess", INVOKE_FUNCTION_URL, unsigned), (_INVOKE_SID, INVOKE_FUNCTION, _VIA_URL))
    for sid, action, conditions in asked:
        yield Permission(url.function, _statement(sid, "*", action, conditions))


_INVOKE_SID = "FunctionURLInvokeAllowPublicAccess"


def _statement(sid: str, principal: str, action: str, conditions: Mapping[str, Any]) -> Mapping[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": _principal(principal), "Action": action}
    return {**statement, "Condition": conditions} if conditions else statement


def _principal(text: str) -> str | dict[str, str]:
    if text == "*":
        return text
    return {"AWS": text} if text.startswith("arn:") or "." not in text else {"Service": text}


def _qualified(resources: Sequence[Resource]) -> Iterator[FunctionName]:
    for resource in resources:
        if resource.type == FUNCTION_ALIAS:
            yield function_name(resource.text("functionName"), resource.text("name"))
        # A scan of an account lists all of them.
        for number in resource.texts("versions", resource.get("versions")) if resource.type == FUNCTION else ():
            yield function_name(resource.text("arn"), number)
        version = resource.get("version") if resource.type == FUNCTION else None
        if isinstance(version, str) and version.isdigit():
            yield function_name(resource.text("arn"), version)

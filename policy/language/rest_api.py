"""The one reading of the document that a REST API in API Gateway is made of: its methods, what guards and serves them.

Source: API Gateway developer guide, "OpenAPI extensions for API Gateway" (`x-amazon-apigateway-auth`, `-authtype`,
`-integration`, `-policy`) and "Control access to a REST API with API Gateway resource policies". Unproved: that a
`security` of the whole document guards nothing. Here it does not, so that nobody is thought to be kept out who is not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolgate.policy.language.open_api import pointed

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
ANY = "x-amazon-apigateway-any-method"
NONE, IAM, OTHER = "NONE", "AWS_IAM", "an authorizer of its own"
"""Who may call a method: anybody, who signs and may, or whom an authorizer lets in that is not read here."""
API_GATEWAY = "apigateway.amazonaws.com"
"""The principal that invokes functions for an API."""

_AUTH, _AUTH_TYPE = "x-amazon-apigateway-auth", "x-amazon-apigateway-authtype"
_INTEGRATION, _POLICY = "x-amazon-apigateway-integration", "x-amazon-apigateway-policy"
_FUNCTION = re.compile(r"arn:[^:]+:apigateway:[^:]+:lambda:path/[^/]+/functions/(?P<arn>[^/]+)/invocations")
_SHORT = "execute-api:/"


@dataclass(frozen=True)
class Method:
    """A method of a REST API.

    Attributes:
        method: In upper case; `ANY` is each.
        path: The path's template.
        authorization: `NONE`, `IAM` or `OTHER`.
        wants_key: Whether it wants an API key.
        integration: What serves it, as the document says; empty where it does not.
    """

    method: str
    path: str
    authorization: str
    wants_key: bool = False
    integration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How a reader is told of it."""
        return f"{self.method} {self.path}"

    @property
    def kind(self) -> str:
        """The integration's type, in lower case: `aws_proxy`, `http_proxy`, `mock`, ...; empty without one."""
        return str(self.integration.get("type") or "").lower()

    @property
    def function_arn(self) -> str | None:
        """The Lambda function that serves it, perhaps with a version or an alias; None where none does."""
        found = _FUNCTION.fullmatch(str(self.integration.get("uri") or ""))
        return found["arn"] if found else None


def methods(document: Mapping[str, Any]) -> tuple[Method, ...]:
    """The methods of a document, in its order; what cannot be read is left out."""
    paths = document.get("paths")
    return tuple(it for path, item in _items(paths) for it in _of_path(document, path, item))


def policy(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The resource policy that stands in the document, if one does."""
    found = document.get(_POLICY)
    return found if isinstance(found, Mapping) else None


def expanded(policy: Any, execution_arn: str) -> Any:
    """A resource policy with whole ARNs in the place of API Gateway's short ones (`execute-api:/stage/GET/path`).

    Args:
        policy: The policy, or a part of it.
        execution_arn: The ARN of the API, without a stage.
    """
    if isinstance(policy, Mapping):
        return {key: expanded(value, execution_arn) for key, value in policy.items()}
    if isinstance(policy, list):
        return [expanded(value, execution_arn) for value in policy]
    if isinstance(policy, str) and policy.startswith(_SHORT):
        return f"{execution_arn}/{policy.removeprefix(_SHORT)}"
    return policy


def _of_path(document: Mapping[str, Any], path: str, item: Any) -> Iterator[Method]:
    for name, operation in _items(item):
        if name not in (*METHODS, ANY) or not isinstance(operation, Mapping):
            continue
        integration = operation.get(_INTEGRATION)
        if isinstance(integration, Mapping) and isinstance(pointer := integration.get("$ref"), str):
            integration = pointed(document, pointer)
        schemes = list(_schemes(document, operation))
        yield Method(
            method="ANY" if name == ANY else name.upper(),
            path=path,
            authorization=_authorization(operation, schemes),
            wants_key=any(it.get("type") == "apiKey" and _AUTH_TYPE not in it for it in schemes),
            integration=integration if isinstance(integration, Mapping) else {},
        )


def _authorization(operation: Mapping[str, Any], schemes: list[Mapping[str, Any]]) -> str:
    own = operation.get(_AUTH)
    if isinstance(own, Mapping) and str(own.get("type")).upper() in {NONE, IAM}:
        return str(own["type"]).upper()
    types = [str(it[_AUTH_TYPE]).lower() for it in schemes if _AUTH_TYPE in it]
    if "awssigv4" in types:
        return IAM
    return OTHER if types else NONE


def _schemes(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The security schemes that an operation asks for itself (OpenAPI 3.0 and 2.0)."""
    components = document.get("components")
    known = components.get("securitySchemes") if isinstance(components, Mapping) else None
    known = known if isinstance(known, Mapping) else document.get("securityDefinitions")
    asked = operation.get("security")
    names = (
        dict.fromkeys(name for it in asked if isinstance(it, Mapping) for name in it) if isinstance(asked, list) else {}
    )
    for name in names:
        if isinstance(known, Mapping) and isinstance(scheme := known.get(name), Mapping):
            yield scheme


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(key, item) for key, item in value.items() if isinstance(key, str)] if isinstance(value, Mapping) else []

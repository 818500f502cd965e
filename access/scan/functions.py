"""The Lambda functions that gateways name: what they are, who may invoke them, and at which URLs.

Functions that no gateway names are left out: nobody reaches a tool by them. What belongs to a function names it by its
ARN, as another Region may have one of the same name.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from toolgate.access.deployment.not_read import OWN_POLICY, URLS, NotRead
from toolgate.access.scan import calls
from toolgate.access.scan.reader import Listed, Reader, UnreadError
from toolgate.access.scan.resources import Found, note, without_values
from toolgate.policy.language import interceptors
from toolgate.policy.language.agentcore_facts import FUNCTION, FUNCTION_ALIAS, FUNCTION_URL, LAMBDA_PERMISSION
from toolgate.policy.language.spellings import ADDS_NO_PERMISSION

type _Described = Mapping[str, Any]

_LATEST = "$LATEST"
_CONDITIONS = {
    ("arnlike", "aws:sourcearn"): "sourceArn",
    ("arnequals", "aws:sourcearn"): "sourceArn",
    ("stringequals", "aws:sourceaccount"): "sourceAccount",
    ("stringequals", "aws:principalorgid"): "principalOrgId",
    ("stringequals", "lambda:eventsourcetoken"): "eventSourceToken",
    ("stringequals", "lambda:functionurlauthtype"): "functionUrlAuthType",
    ("bool", "lambda:invokedviafunctionurl"): "invokedViaFunctionUrl",
}
"""The conditions that AddPermission writes, and the properties of a permission (Lambda API reference)."""


def wanted(reader: Reader, named: Iterable[str]) -> tuple[list[_Described], list[Found]]:
    """The functions of the reader's Region that these ARNs name, as the Region lists them; and notes.

    Args:
        reader: Asks Lambda.
        named: ARNs of functions of the Region, perhaps of a version or an alias of one.
    """
    arns = {unqualified(arn) for arn in named}
    if not arns:
        return [], []
    listed = reader.several(calls.LIST_FUNCTIONS)
    there = [it for it in listed.items if it["FunctionArn"] in arns]
    missing = sorted(arns - {it["FunctionArn"] for it in there})
    why = str(listed.unread or "Lambda does not list it")
    return there, [note(NotRead(f"function {arn}", why, arn)) for arn in missing]


def function(reader: Reader, listed: _Described) -> Iterator[Found]:
    """A function with its aliases, permissions and URLs."""
    name, arn = f"{reader.region}/{listed['FunctionName']}", listed["FunctionArn"]
    subject = f"function '{name}'"
    versions = reader.several(calls.LIST_VERSIONS, FunctionName=listed["FunctionName"])
    published = [it["Version"] for it in versions.items if it["Version"] != _LATEST]
    yield Found(FUNCTION, name, _inputs(listed), {"arn": arn, "version": listed.get("Version"), "versions": published})
    aliases = reader.several(calls.LIST_ALIASES, FunctionName=listed["FunctionName"])
    for alias in aliases.items:
        inputs = {
            **{"name": alias["Name"], "functionName": arn, "description": alias.get("Description")},
            **{"functionVersion": alias.get("FunctionVersion"), "routingConfig": alias.get("RoutingConfig")},
        }
        yield Found(FUNCTION_ALIAS, f"{name}/{alias['Name']}", inputs, {"arn": alias["AliasArn"]})
    yield from _partly("aliases", subject, aliases, arn)
    yield from _partly("versions", subject, versions, arn)
    for qualifier in (None, *published, *(it["Name"] for it in aliases.items)):
        yield from _permissions(reader, name, listed, qualifier)
    yield from _urls(reader, name, listed)


def _inputs(listed: _Described) -> dict[str, Any]:
    environment, network = listed.get("Environment") or {}, listed.get("VpcConfig") or {}
    logging = listed.get("LoggingConfig") or {}
    variables = _variables(listed.get("Handler"), environment.get("Variables") or {})
    return {
        "name": listed["FunctionName"],
        "role": listed["Role"],
        "runtime": listed.get("Runtime"),
        "handler": listed.get("Handler"),
        "description": listed.get("Description"),
        "timeout": listed.get("Timeout"),
        "memorySize": listed.get("MemorySize"),
        "packageType": listed.get("PackageType"),
        "kmsKeyArn": listed.get("KMSKeyArn"),
        "layers": [it["Arn"] for it in listed.get("Layers") or ()] or None,
        "environment": {"variables": variables} if variables else None,
        "vpcConfig": {"subnetIds": network.get("SubnetIds"), "securityGroupIds": network.get("SecurityGroupIds")}
        if network.get("SubnetIds")
        else None,
        "loggingConfig": {f"{key[0].lower()}{key[1:]}": value for key, value in logging.items()} or None,
    }


def _variables(handler: Any, variables: Mapping[str, str]) -> dict[str, str | None]:
    """The names of variables, and of the library of interceptors the declaration alone, which is no secret."""
    declared = interceptors.written(handler, variables)
    return {**without_values(variables), **({} if declared is None else {interceptors.VARIABLE: declared})}


def _partly(what: str, subject: str, listed: Listed, arn: str) -> Iterator[Found]:
    if listed.unread:
        yield note(NotRead(listed.missing(f"the {what} of {subject}"), str(listed.unread), arn, OWN_POLICY))


def _permissions(reader: Reader, name: str, listed: _Described, qualifier: str | None) -> Iterator[Found]:
    """The statements of the policy on a function, on a version or on an alias of it, a permission each."""
    subject = f"function '{name}'" if qualifier is None else f"'{qualifier}' of function '{name}'"
    arn = listed["FunctionArn"]
    on = {} if qualifier is None else {"Qualifier": qualifier}
    try:
        text = reader.one(calls.GET_FUNCTION_POLICY, FunctionName=listed["FunctionName"], **on)["Policy"]
        statements = _statements(text)
    except UnreadError as error:
        if not error.gone:
            yield note(NotRead(f"the policy on {subject}", str(error), arn, OWN_POLICY))
        return
    except (ValueError, KeyError, TypeError, AttributeError):
        yield note(NotRead(f"the policy on {subject}", "it is no IAM document in JSON", arn, OWN_POLICY))
        return
    place = name if qualifier is None else f"{name}/{qualifier}"
    for number, statement in enumerate(statements, 1):
        label = str(statement.get("Sid") or f"statement {number}")
        permission = _permission(statement, arn if qualifier is None else f"{arn}:{qualifier}")
        if permission is None:
            why = "no Lambda permission can say what it says"
            yield note(NotRead(f"{label} of the policy on {subject}", why, arn, OWN_POLICY))
            continue
        own = {"function": arn, "qualifier": qualifier, "statementId": label}
        yield Found(LAMBDA_PERMISSION, f"{place}/{label}", {**permission, **own}, {}, arn, OWN_POLICY)


def _statements(text: str) -> list[_Described]:
    found = json.loads(text)["Statement"]
    return [dict(it) for it in (found if isinstance(found, list) else [found])]


def _permission(statement: _Described, arn: str) -> dict[str, Any] | None:
    """A statement as the properties of a permission; None for one that AddPermission could not have written."""
    principal = _principal(statement.get("Principal"))
    known = statement.keys() <= {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    plain = statement.get("Effect") == "Allow" and statement.get("Resource") == arn
    if not known or not plain or principal is None or not isinstance(statement.get("Action"), str):
        return None
    written = {"action": statement["Action"], "principal": principal}
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, value in keys.items():
            prop = _CONDITIONS.get((operator.lower(), key.lower()))
            if prop is None or prop in written or not isinstance(value, str):
                return None
            written[prop] = value == "true" if operator.lower() == "bool" else value
    return written


def _principal(element: Any) -> str | None:
    """One principal as a permission names it: `*`, a service, or an ARN or id of AWS."""
    if isinstance(element, Mapping) and len(element) == 1:
        [(kind, element)] = element.items()
        if kind not in {"AWS", "Service"}:
            return None
    return element if isinstance(element, str) else None


def _urls(reader: Reader, name: str, listed: _Described) -> Iterator[Found]:
    urls = reader.several(calls.LIST_URLS, FunctionName=listed["FunctionName"])
    for url in urls.items:
        qualifier = url["FunctionArn"].removeprefix(listed["FunctionArn"]).lstrip(":") or None
        inputs = {
            "functionName": listed["FunctionArn"],
            "qualifier": qualifier,
            "authorizationType": url["AuthType"],
            "invokeMode": url.get("InvokeMode"),
            # Who it is open to, the function's policy says, and nothing that the provider would write with it.
            ADDS_NO_PERMISSION: True,
        }
        outputs = {"functionArn": url["FunctionArn"], "functionUrl": url["FunctionUrl"]}
        yield Found(FUNCTION_URL, f"{name}/{qualifier}" if qualifier else name, inputs, outputs)
    if urls.unread:
        what = urls.missing(f"the URLs of function '{name}'")
        yield note(NotRead(what, str(urls.unread), listed["FunctionArn"], URLS))


def unqualified(arn: str) -> str:
    """A function's ARN without the version or the alias."""
    return ":".join(arn.split(":")[:7])

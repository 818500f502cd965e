"""Which functions are gateways': those that targets call, those that are interceptors, and what refers to one of them.

Source: Lambda API reference, FunctionName: a name, `<account>:function:<name>` or an ARN, each with or without a
`:<version or alias>`. A version or an alias is the function's code as well.
"""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from toolgate.policy.agentcore import families
from toolgate.policy.language import iam
from toolgate.policy.language.agentcore_facts import (
    CHANGE_FUNCTION,
    FUNCTION,
    FUNCTION_ALIAS,
    FUNCTION_URL,
    GATEWAY,
    GATEWAY_INTERCEPTOR,
    INVOKE_FUNCTION,
    INVOKE_FUNCTION_URL,
    LAMBDA_PERMISSION,
    LAMBDA_TOOLS,
    TARGET,
)
from toolgate.policy.language.arns import account_in
from toolgate.policy.language.iam import Family
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Resource
from toolgate.policy.stack import Stack

USERS = (TARGET, GATEWAY)
"""Types of resources that call functions: a target for its tools, a gateway for its interceptors."""
INTERCEPTORS = "interceptorConfigurations"
"""A gateway's property with its interceptors."""
_MAKERS = (LAMBDA_TOOLS, GATEWAY_INTERCEPTOR)
"""toolgate's components that make such functions."""


@dataclass(frozen=True)
class GatewayFunction:
    """A function that a gateway calls: one behind a target, or an interceptor."""

    user: str
    """URN of the target or gateway, or of the function that will have one."""
    label: str
    """How a message names it."""
    accounts: frozenset[str]
    """The account it is in, once that is known."""
    family: Family
    """The ARNs it can have, as far as they are known."""
    nameless: bool
    """Whether not even its name is known: only what covers every function is then sure to cover it."""
    resources: tuple[Resource, ...]
    """The function itself, where it is in the stack."""


@functools.lru_cache(maxsize=1)
def of_gateways(stack: Stack) -> tuple[GatewayFunction, ...]:
    """The functions that the stack's gateways call: behind a target, or as an interceptor."""
    return tuple(function for user in stack.of(*USERS) for function in called_by(stack, user))


@functools.lru_cache(maxsize=1)
def to_be_of_gateways(stack: Stack) -> tuple[GatewayFunction, ...]:
    """The same, and what toolgate's components make for gateways, before the target or the gateway is there."""
    known = {it.urn for function in of_gateways(stack) for it in function.resources}
    made = ((it, maker) for it in stack.of(FUNCTION) if it.urn not in known and (maker := _maker(it)))
    return (
        *of_gateways(stack),
        *(_function(it, f"{it.label} of {maker.rpartition(':')[2]}", UNKNOWN, [it]) for it, maker in made),
    )


def called_by(stack: Stack, user: Resource) -> tuple[GatewayFunction, ...]:
    """The functions that a target, or a gateway by itself, calls."""
    if user.type == GATEWAY:
        return tuple(_interceptors(stack, user))
    behind = _behind(stack, user)
    return (behind,) if behind else ()


def resources_of(stack: Stack, user: Resource) -> tuple[Resource, ...]:
    """The functions of the stack among these, each once."""
    return tuple({it.urn: it for function in called_by(stack, user) for it in function.resources}.values())


def interceptors_at(stack: Stack, gateway: Resource, arn: Any) -> list[Resource]:
    """The functions of the stack that one interceptor of a gateway may be: one by its ARN, else those of the graph."""
    return _referred(stack, gateway, INTERCEPTORS, arn)


def referred(stack: Stack, resource: Resource, prop: str) -> list[Resource]:
    """The functions of the stack that a property names: by name or ARN where it is known, else by the graph."""
    return _referred(stack, resource, prop, at(resource.props, prop))


def is_for(stack: Stack, resource: Resource, prop: str, function: GatewayFunction) -> bool:
    """Whether a property is known to name such a function."""
    name = at(resource.props, prop)
    if isinstance(name, str):
        return not function.nameless and iam.reaches(iam.names(_as_arn(name)), function.family)
    return not {it.urn for it in referred(stack, resource, prop)}.isdisjoint(it.urn for it in function.resources)


def permissions(stack: Stack) -> Iterator[tuple[Resource, GatewayFunction]]:
    """The permissions to invoke or change a gateway's function, each with the first one that it is for."""
    for permission in stack.of(LAMBDA_PERMISSION):
        for function in to_be_of_gateways(stack) if _opens(permission) else ():
            if is_for(stack, permission, "function", function):
                yield permission, function
                break


def _opens(permission: Resource) -> bool:
    action = at(permission.props, "action")
    asked = (INVOKE_FUNCTION, INVOKE_FUNCTION_URL, *CHANGE_FUNCTION)
    return not isinstance(action, str) or any(iam.matches_action(iam.names(action), it) for it in asked)


def may_be_any(stack: Stack, resource: Resource, prop: str) -> bool:
    """Whether nothing tells which function a property names."""
    return at(resource.props, prop) is UNKNOWN and not referred(stack, resource, prop)


def _interceptors(stack: Stack, gateway: Resource) -> Iterator[GatewayFunction]:
    """A function that stands at both points is one; of two that are not known the graph has both at each."""
    label = f"the interceptor of {gateway.label}"
    arns = each(gateway.props, INTERCEPTORS, "interceptor", "lambda", "arn")
    seen: set[str] = set()
    for arn in dict.fromkeys(it for it in arns if isinstance(it, str)):
        resources = interceptors_at(stack, gateway, arn)
        seen.update(it.urn for it in resources)
        yield _function(gateway, label, arn, resources)
    if UNKNOWN in arns:
        found = interceptors_at(stack, gateway, UNKNOWN)
        unseen = [[it] for it in found if it.urn not in seen]
        yield from (_function(gateway, label, UNKNOWN, one) for one in (unseen if found else [[]]))


def _behind(stack: Stack, target: Resource) -> GatewayFunction | None:
    label = f"the function behind {target.label}"
    arn = at(target.props, "targetConfiguration", "mcp", "lambda", "lambdaArn")
    if isinstance(arn, str) or arn is UNKNOWN:
        return _function(target, label, arn, _referred(stack, target, "targetConfiguration", arn))
    for url in _urls(stack, target):
        return _function(target, label, at(url.props, "functionName"), referred(stack, url, "functionName"))
    return None


def _urls(stack: Stack, target: Resource) -> list[Resource]:
    """The function URLs that the endpoint of a target's MCP server, or its API, is made of."""
    found = stack.behind(target, "targetConfiguration", FUNCTION_URL)
    urls = () if found else stack.of(FUNCTION_URL)
    texts = list(_texts(at(target.props, "targetConfiguration"))) if urls else []
    return found or [url for url in urls if _is_in(at(url.props, "functionUrl"), texts)]


def _is_in(url: Any, texts: list[str]) -> bool:
    return isinstance(url, str) and url != "" and any(url.rstrip("/") in text for text in texts)


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, (dict, list)):
        for member in data.values() if isinstance(data, dict) else data:
            yield from _texts(member)


def _function(user: Resource, label: str, name: Any, resources: Iterable[Resource]) -> GatewayFunction:
    resources = tuple(resources)
    arns = [arn for arn in (name, *(at(it.props, "arn") for it in resources)) if isinstance(arn, str)]
    names = [*arns, *(name for it in resources if isinstance(name := at(it.props, "name"), str))]
    family = _family(names[0]) if names else families.FUNCTIONS
    accounts = frozenset(account for arn in arns if (account := account_in(arn)))
    return GatewayFunction(user.urn, label, accounts, family, not names, resources)


def _family(name: str) -> Family:
    return families.function_family(name) if name.startswith("arn:") else families.function_named(_name_in(name))


def _maker(function: Resource) -> str | None:
    """The type of toolgate's component that makes a function for a gateway."""
    parents = [it for types in function.urn.split("::")[2:3] for it in types.split("$")]
    return next((it for it in parents if it in _MAKERS), None)


def _referred(stack: Stack, resource: Resource, prop: str, value: Any) -> list[Resource]:
    if isinstance(value, str):
        return list(_called(stack, value))
    found = list(stack.behind(resource, prop, FUNCTION))
    for alias in stack.behind(resource, prop, FUNCTION_ALIAS):
        name = at(alias.props, "functionName")
        found += _called(stack, name) if isinstance(name, str) else stack.behind(alias, "functionName", FUNCTION)
    return found


def _called(stack: Stack, name: str) -> Iterator[Resource]:
    arn = iam.names(_as_arn(name))
    for function in _by_name(stack).get(_name_in(name), ()):
        if iam.reaches(arn, _family(next(_names_of(function)))):
            yield function


def _names_of(function: Resource) -> Iterator[str]:
    yield from (it for it in (at(function.props, "arn"), at(function.props, "name")) if isinstance(it, str))


@functools.lru_cache(maxsize=1)
def _by_name(stack: Stack) -> dict[str, list[Resource]]:
    index: dict[str, list[Resource]] = {}
    for function in stack.of(FUNCTION):
        for name in {_name_in(it) for it in _names_of(function)}:
            index.setdefault(name, []).append(function)
    return index


def _as_arn(name: str) -> str:
    """A pattern of the ARNs that a function's name, partial ARN or ARN stands for."""
    if name.startswith("arn:"):
        return name
    before, _, rest = name.rpartition("function:")
    return f"arn:*:lambda:*:{before.strip(':') or '*'}:function:{rest}"


def _name_in(name: str) -> str:
    return _as_arn(name).partition(":function:")[2].partition(":")[0]

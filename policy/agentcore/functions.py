"""Which functions are tools': those that gateways' targets call, and what refers to one of them.

Source: Lambda API reference, FunctionName: a name, `<account>:function:<name>` or an ARN, each with or without a
`:<version or alias>`. A version or an alias is the function's code as well.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from toolgate.policy.agentcore import families
from toolgate.policy.language import iam
from toolgate.policy.language.agentcore_facts import (
    FUNCTION,
    FUNCTION_ALIAS,
    FUNCTION_URL,
    INVOKE_FUNCTION,
    INVOKE_FUNCTION_URL,
    LAMBDA_PERMISSION,
    LAMBDA_TOOLS,
    TARGET,
)
from toolgate.policy.language.arns import account_in
from toolgate.policy.language.iam import Family
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.properties import at
from toolgate.policy.rule import Resource
from toolgate.policy.stack import Stack


@dataclass(frozen=True)
class Tool:
    """A function behind a gateway."""

    target: str
    """URN of the target, or of the function that will have one."""
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
def tools(stack: Stack) -> tuple[Tool, ...]:
    """The functions behind the stack's targets."""
    return tuple(tool for target in stack.of(TARGET) if (tool := _behind(stack, target)))


@functools.lru_cache(maxsize=1)
def to_be_tools(stack: Stack) -> tuple[Tool, ...]:
    """The same, and the functions that toolgate's component makes: they are tools' before their target is there."""
    known = {it.urn for tool in tools(stack) for it in tool.resources}
    made = (function for function in stack.of(FUNCTION) if function.urn not in known and _of_component(function))
    return (
        *tools(stack),
        *(_tool(function, f"{function.label} of LambdaTools", UNKNOWN, [function]) for function in made),
    )


def of_target(stack: Stack, target: Resource) -> tuple[Resource, ...]:
    """The functions of the stack that a target calls."""
    tool = _behind(stack, target)
    return tool.resources if tool else ()


def referred(stack: Stack, resource: Resource, prop: str) -> list[Resource]:
    """The functions of the stack that a property names: by name or ARN where it is known, else by the graph."""
    return _referred(stack, resource, prop, at(resource.props, prop))


def is_for(stack: Stack, resource: Resource, prop: str, tool: Tool) -> bool:
    """Whether a property is known to name a tool's function."""
    name = at(resource.props, prop)
    if isinstance(name, str):
        return not tool.nameless and iam.reaches(iam.names(_as_arn(name)), tool.family)
    return not {it.urn for it in referred(stack, resource, prop)}.isdisjoint(it.urn for it in tool.resources)


def permissions(stack: Stack) -> Iterator[tuple[Resource, Tool]]:
    """The permissions to invoke a tool's function, each with the first tool that it is for."""
    for permission in stack.of(LAMBDA_PERMISSION):
        for tool in to_be_tools(stack) if _invokes(permission) else ():
            if is_for(stack, permission, "function", tool):
                yield permission, tool
                break


def _invokes(permission: Resource) -> bool:
    action = at(permission.props, "action")
    asked = (INVOKE_FUNCTION, INVOKE_FUNCTION_URL)
    return not isinstance(action, str) or any(iam.matches_action(iam.names(action), it) for it in asked)


def may_be_any(stack: Stack, resource: Resource, prop: str) -> bool:
    """Whether nothing tells which function a property names."""
    return at(resource.props, prop) is UNKNOWN and not referred(stack, resource, prop)


def _behind(stack: Stack, target: Resource) -> Tool | None:
    label = f"the function behind {target.label}"
    arn = at(target.props, "targetConfiguration", "mcp", "lambda", "lambdaArn")
    if isinstance(arn, str) or arn is UNKNOWN:
        return _tool(target, label, arn, _referred(stack, target, "targetConfiguration", arn))
    for url in _urls(stack, target):
        return _tool(target, label, at(url.props, "functionName"), referred(stack, url, "functionName"))
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


def _tool(target: Resource, label: str, name: Any, resources: list[Resource]) -> Tool:
    arns = [arn for arn in (name, *(at(it.props, "arn") for it in resources)) if isinstance(arn, str)]
    names = [*arns, *(name for it in resources if isinstance(name := at(it.props, "name"), str))]
    family = _family(names[0]) if names else families.FUNCTIONS
    accounts = frozenset(account for arn in arns if (account := account_in(arn)))
    return Tool(target.urn, label, accounts, family, not names, tuple(resources))


def _family(name: str) -> Family:
    return families.function_family(name) if name.startswith("arn:") else families.function_named(_name_in(name))


def _of_component(function: Resource) -> bool:
    types = function.urn.split("::")[2:3]
    return any(LAMBDA_TOOLS in types_of.split("$") for types_of in types)


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

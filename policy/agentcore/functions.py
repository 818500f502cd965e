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
from toolgate.policy.language.agentcore_facts import FUNCTION, FUNCTION_ALIAS, LAMBDA_TOOLS, TARGET
from toolgate.policy.language.iam import Family
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.properties import at
from toolgate.policy.rule import Resource
from toolgate.policy.stack import Stack


@dataclass(frozen=True)
class Tool:
    """A function behind a gateway."""

    label: str
    """How a message names it."""
    arn: Any
    """What a target says: an ARN, or UNKNOWN."""
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
    return (*tools(stack), *(_tool(f"{function.label} of LambdaTools", UNKNOWN, [function]) for function in made))


def of_target(stack: Stack, target: Resource) -> list[Resource]:
    """The functions of the stack that a target calls: by ARN where it is known, else by the graph."""
    return _referred(stack, target, "targetConfiguration", _arn(target))


def referred(stack: Stack, resource: Resource, prop: str) -> list[Resource]:
    """The functions of the stack that a property names: by name or ARN where it is known, else by the graph."""
    return _referred(stack, resource, prop, at(resource.props, prop))


def is_for(stack: Stack, resource: Resource, prop: str, tool: Tool) -> bool:
    """Whether a property is known to name a tool's function."""
    name = at(resource.props, prop)
    if isinstance(name, str):
        return not tool.nameless and iam.reaches(iam.names(_as_arn(name)), tool.family)
    return not {it.urn for it in referred(stack, resource, prop)}.isdisjoint(it.urn for it in tool.resources)


def may_be_any(stack: Stack, resource: Resource, prop: str) -> bool:
    """Whether nothing tells which function a property names."""
    return at(resource.props, prop) is UNKNOWN and not referred(stack, resource, prop)


def _arn(target: Resource) -> Any:
    return at(target.props, "targetConfiguration", "mcp", "lambda", "lambdaArn")


def _behind(stack: Stack, target: Resource) -> Tool | None:
    arn = _arn(target)
    if not isinstance(arn, str) and arn is not UNKNOWN:
        return None
    return _tool(f"the function behind {target.label}", arn, of_target(stack, target))


def _tool(label: str, arn: Any, resources: list[Resource]) -> Tool:
    known = [family for family in (_family(arn, None), *map(_family_of, resources)) if family]
    return Tool(label, arn, known[0] if known else families.FUNCTIONS, not known, tuple(resources))


def _family_of(function: Resource) -> Family | None:
    return _family(at(function.props, "arn"), at(function.props, "name"))


def _family(arn: Any, name: Any) -> Family | None:
    if isinstance(arn, str):
        return families.function_family(arn)
    return families.function_named(name) if isinstance(name, str) else None


def _of_component(function: Resource) -> bool:
    types = function.urn.split("::")[2:3]
    return any(LAMBDA_TOOLS in types_of.split("$") for types_of in types)


def _referred(stack: Stack, resource: Resource, prop: str, value: Any) -> list[Resource]:
    if isinstance(value, str):
        return list(_called(stack, value))
    found = list(stack.behind(resource, prop, FUNCTION))
    for alias in stack.behind(resource, prop, FUNCTION_ALIAS):
        found += referred(stack, alias, "functionName")
    return found


def _called(stack: Stack, name: str) -> Iterator[Resource]:
    arn = iam.names(_as_arn(name))
    for function in _by_name(stack).get(_name_in(name), ()):
        family = _family_of(function)
        if family and iam.reaches(arn, family):
            yield function


@functools.lru_cache(maxsize=1)
def _by_name(stack: Stack) -> dict[str, list[Resource]]:
    index: dict[str, list[Resource]] = {}
    for function in stack.of(FUNCTION):
        for name in {
            _name_in(it) for it in (at(function.props, "arn"), at(function.props, "name")) if isinstance(it, str)
        }:
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

"""The interceptors of a gateway, as far as a stack tells what they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from toolgate.policy.agentcore import functions
from toolgate.policy.language.interceptors import HANDLER, REQUEST, RESPONSE, VARIABLE, Declaration, read
from toolgate.policy.language.unknown import UNKNOWN, Unknown
from toolgate.policy.messages import quote
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Resource
from toolgate.policy.stack import Stack


@dataclass(frozen=True)
class Interceptor:
    """One of them."""

    label: str
    """How a message names it."""
    points: frozenset[str]
    """Where the gateway asks it; both while that is not known."""
    headers: bool | Unknown
    """Whether the gateway passes it the request's headers."""
    functions: tuple[Resource, ...]
    """The functions of the stack that it may be: one, unless a preview does not know which of several."""
    elsewhere: bool
    """Whether its function is known to be none of this stack."""

    def declared(self) -> list[Declaration | Unknown | None]:
        """What it may say of itself; nobody knows what a function of elsewhere does."""
        return [None] if self.elsewhere else [declaration(it) for it in self.functions]


def of(stack: Stack, gateway: Resource) -> tuple[Interceptor, ...]:
    """The interceptors of a gateway."""
    return tuple(_of(stack, gateway))


def _of(stack: Stack, gateway: Resource) -> Iterator[Interceptor]:
    for entry in each(gateway.props, functions.INTERCEPTORS):
        arn = at(entry, "interceptor", "lambda", "arn")
        found = functions.interceptors_at(stack, gateway, arn) if isinstance(arn, str) or arn is UNKNOWN else []
        passed = at(entry, "inputConfiguration", "passRequestHeaders")
        yield Interceptor(
            label=f"its interceptor {quote(arn)}" if isinstance(arn, str) else "its interceptor",
            points=_points(at(entry, "interceptionPoints")),
            headers=UNKNOWN if passed is UNKNOWN else passed is True,
            functions=tuple(found),
            elsewhere=isinstance(arn, str) and not found,
        )


def _points(given: Any) -> frozenset[str]:
    known = isinstance(given, list) and UNKNOWN not in given
    return frozenset(it for it in given if isinstance(it, str)) if known else frozenset({REQUEST, RESPONSE})


def declaration(function: Resource) -> Declaration | Unknown | None:
    """What a function says that it looks at; None where it says nothing that can be believed."""
    handler, variables = at(function.props, "handler"), at(function.props, "environment", "variables")
    if handler not in (HANDLER, UNKNOWN):
        return None
    if UNKNOWN in (handler, variables) or at(variables, VARIABLE) is UNKNOWN:
        return UNKNOWN
    return read(handler, variables)

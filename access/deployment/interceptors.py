"""The functions that a gateway asks about requests and answers, as a deployment's resources have them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from toolgate.access.deployment.agentcore_resources import Function, Interceptor
from toolgate.access.deployment.function_access import LATEST, UNQUALIFIED, FunctionName, function_name
from toolgate.access.deployment.stack_export import Resource
from toolgate.policy.language.interceptors import REQUEST, RESPONSE, read


def read_interceptors(gateway: Resource, functions: Iterable[Function]) -> tuple[Interceptor, ...]:
    """A gateway's interceptors; of one that cannot be read everything counts as possible.

    Args:
        gateway: The gateway.
        functions: The functions of the deployment.
    """
    return tuple(_interceptors(gateway, {it.arn: it for it in functions}))


def _interceptors(gateway: Resource, functions: Mapping[str, Function]) -> Iterator[Interceptor]:
    configured = gateway.get("interceptorConfigurations")
    for entry in configured if isinstance(configured, list) else [configured] if configured else []:
        arn, points = _inside(entry, "interceptor", "lambda", "arn"), _inside(entry, "interceptionPoints")
        named = function_name(arn) if isinstance(arn, str) else FunctionName("")
        # An alias or a version may stand for another function than the deployment shows.
        function = functions.get(named.name) if named.qualifier in (UNQUALIFIED, LATEST) else None
        yield Interceptor(
            function_arn=named.qualified(named.name),
            points=_points(points),
            headers=bool(_inside(entry, "inputConfiguration", "passRequestHeaders")),
            declared=read(function.handler, function.environment) if function else None,
            unread=tuple(_unread(entry)),
        )


def _points(listed: Any) -> tuple[str, ...]:
    """Where it is asked; both, where that is not said or in a word that is not known."""
    known = [it for it in (REQUEST, RESPONSE) if isinstance(listed, list) and it in listed]
    return tuple(known) if known and all(it in known for it in listed) else (REQUEST, RESPONSE)


_SETTINGS = frozenset({"interceptionPoints", "interceptor", "inputConfiguration"})


def _unread(entry: Any) -> Iterator[str]:
    """Settings that say something which no view covers: what the provider does not have, another point."""
    listed = _inside(entry, "interceptionPoints")
    if listed is not None and not (isinstance(listed, list) and set(map(str, listed)) <= {REQUEST, RESPONSE}):
        yield "interceptionPoints"
    inside = _inside(entry, "inputConfiguration")
    for settings, known in ((entry, _SETTINGS), (inside, {"passRequestHeaders"})):
        if isinstance(settings, Mapping):
            yield from (key for key, value in settings.items() if value and key not in known)


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value

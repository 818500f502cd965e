"""What a change takes off of an interceptor that stays: what it looks at, what it is told, and time to say no.

An interceptor that goes, or is another function, is a property of its gateway: `locks` has it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from toolgate.access.deployment.agentcore_resources import Interceptor
from toolgate.policy.language.interceptors import MARGIN, Declaration, matches
from toolgate.review.changes import label
from toolgate.review.locks import Lock, Side
from toolgate.review.markdown import code


@dataclass(frozen=True)
class _Asked:
    """A function that a gateway asks; `timeout` is the function's in seconds, None where the file has no function."""

    name: str
    headers: bool
    declared: Declaration | None
    timeout: int | None

    @property
    def margin(self) -> float | None:
        """Seconds from its last answer to its function's end; None where that is not known."""
        if self.declared is None or not self.declared.seconds or self.timeout is None:
            return None
        return self.timeout - self.declared.seconds


type _Key = tuple[str, str]
"""A gateway by its label, and a function by its ARN."""


def interceptor_locks(before: Side, after: Side) -> Iterator[Lock]:
    """The locks that a change takes off or loosens, of interceptors that are there before and after."""
    old, new = _asked(before), _asked(after)
    shown = {_told(it): label(it) for it in after.resources.values()}
    for key, now in new.items():
        if key in old:
            name = f"interceptor {code(now.name)}"
            yield from (Lock(f"{name} {text}", shown.get(key[0], key[0])) for text in _looser(old[key], now))


def _asked(side: Side) -> Mapping[_Key, _Asked]:
    timeouts = {it.arn: it.timeout_seconds for it in side.read.functions}
    found: dict[_Key, list[Interceptor]] = {}
    for gateway in side.read.gateways:
        for it in gateway.interceptors:
            found.setdefault((gateway.label, it.function_arn), []).append(it)
    return {
        key: _Asked(same[0].name, any(it.headers for it in same), same[0].declared, timeouts.get(key[1]))
        for key, same in found.items()
        if key[1]
    }


def _told(resource: Mapping[str, str]) -> str:
    """A resource's label as a deployment that is read has it."""
    return f"{resource['type'].rpartition(':')[2]} '{resource['urn'].rpartition('::')[2]}'"


def _looser(was: _Asked, now: _Asked) -> Iterator[str]:
    if now.headers and not was.headers:
        yield "is told the headers of requests, and so the caller's token: `passRequestHeaders` is `true`"
    if was.declared is not None and now.declared is None:
        yield "does not say any more what it looks at, so that nothing holds its code to it"
    if was.declared is not None and now.declared is not None:
        yield from _less(was.declared, now.declared)
    if was.margin is not None and now.margin is not None and now.margin < MARGIN <= was.margin:
        yield (
            f"may be ended by its timeout {now.margin:g} seconds after its last answer, was {was.margin:g}:"
            " a call whose interceptor times out may go through"
        )


def _less(was: Declaration, now: Declaration) -> Iterator[str]:
    for what, old, new in (("calls", was.calls, now.calls), ("results", was.results, now.results)):
        # A pattern stands for others: `*` in a text is matched by nothing but a `*`.
        gone = [it for it in old if not any(matches(pattern, it) for pattern in new)]
        if gone:
            yield f"no longer looks at {what} of {', '.join(map(code, gone))}"
    if was.tools and not now.tools:
        yield "no longer takes tools out of lists and search results"
    for what, before, after in (("prompts", was.prompts, now.prompts), ("resources", was.resources, now.resources)):
        if after and not before:  # without a filter none get through
            yield f"lets {what} through, and its code decides which"

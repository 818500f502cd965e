"""Locks that are rules: what a change of the policy pack's configuration lets past from now on.

A stack's configuration is a file beside its program, `policy/<stack>.json`, and whoever changes the program may write
it. Compared is what two files come to with the rules of the running pack, so that a default written out is no news.
What changes in the rules themselves is code of the pack, and the comment names it as such.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from toolgate.local.engine.pack_config import ALL, PackConfig, RuleConfig
from toolgate.policy.pack import RULES
from toolgate.policy.rule import Rule
from toolgate.policy.rules.trust_names_callers import TRUSTED
from toolgate.review.locks import Lock
from toolgate.review.markdown import code

_OFF = "disabled"
_PLACES = {_OFF: 0, "advisory": 1, "mandatory": 2, "remediate": 2}
"""How much a level stops; no rule of the pack mends anything, and then `remediate` stops as `mandatory` does."""
_ANYTHING_WITHOUT = frozenset({TRUSTED})
"""Lists that ask for nothing while nothing is in them."""


@dataclass(frozen=True)
class _Set:
    """How a rule is set."""

    level: str
    settings: Mapping[str, Any]
    exceptions: Mapping[tuple[str, str], None] = field(default_factory=dict)
    """What is excepted, with the reason."""


def rule_changes(before: PackConfig, after: PackConfig) -> tuple[list[Lock], list[Lock]]:
    """What a change of the pack's configuration comes to: the rules that are looser, and those that are stricter.

    Args:
        before: The configuration before the change.
        after: The one after it; a rule of neither is as the pack has it.
    """
    looser: list[Lock] = []
    stricter: list[Lock] = []
    for rule in RULES:
        for is_looser, text in _changes(_of(rule, before), _of(rule, after)):
            (looser if is_looser else stricter).append(Lock(text, rule.name))
    return looser, stricter


def _of(rule: Rule, config: PackConfig) -> _Set:
    """As `pack_config.reconcile` does it for the engine."""
    own, of_all = config.get(rule.name, RuleConfig(None, {})), config.get(ALL, RuleConfig(None, {}))
    given = own.properties.get("exceptions", [])
    return _Set(
        own.level or of_all.level or rule.level.value,
        {key: own.properties.get(key, schema.get("default")) for key, schema in rule.settings.items()},
        {(str(it.get("resource")), str(it.get("reason"))): None for it in given},
    )


def _changes(was: _Set, now: _Set) -> Iterator[tuple[bool, str]]:
    """What changes of a rule, and whether it is looser by it."""
    if _PLACES[was.level] != _PLACES[now.level]:
        yield _PLACES[now.level] < _PLACES[was.level], f"set to {code(now.level)}, was {code(was.level)}"
    if _OFF not in (was.level, now.level):
        yield from chain.from_iterable(_setting(key, was.settings[key], it) for key, it in now.settings.items())
        yield from (
            (True, f"{code(resource)} excepted, because {code(reason)}")
            for resource, reason in now.exceptions
            if (resource, reason) not in was.exceptions
        )
        kept = {resource for resource, _ in now.exceptions}
        yield from (
            (False, f"{code(resource)} no longer excepted") for resource, _ in was.exceptions if resource not in kept
        )


def _setting(key: str, was: Any, now: Any) -> Iterator[tuple[bool, str]]:
    """A list names what is let past, a number is its most or least, a switch asks for more (`policy.settings`)."""
    if isinstance(now, list):
        more, less = ([it for it in one if it not in other] for one, other in ((now, was), (was, now)))
        if more or less:
            texts = _named([*more, *(it for it in now if it in was)]), _named(was)
            yield _names_more(key, was, now), f"its {code(key)} names {texts[0]}, and named {texts[1]}"
    elif was != now:
        looser = was is True if isinstance(now, bool) else (now < was if key.startswith("min") else now > was)
        yield looser, f"its {code(key)} is {_shown(now)}, was {_shown(was)}"


def _names_more(key: str, was: list[Any], now: list[Any]) -> bool:
    if key in _ANYTHING_WITHOUT and not (was and now):
        return not now
    return any(it not in was for it in now)


def _named(names: list[Any]) -> str:
    return ", ".join(code(str(it)) for it in names) or "nothing"


def _shown(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else json.dumps(value)

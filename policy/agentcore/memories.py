"""What a statement grants of memories: for which actors and namespaces, and whether AWS evaluates what it asks for."""

from collections.abc import Iterator

from toolgate.policy.language import conditions, iam, patterns
from toolgate.policy.language.agentcore_memory import ACTOR, KEYS, NAMESPACE, NAMESPACE_PATH, PERHAPS, SCOPES
from toolgate.policy.language.conditions import SET_OPERATORS, TEXT_OPERATORS
from toolgate.policy.language.documents import Condition, Statement
from toolgate.policy.language.unknown import UNKNOWN, Unknown

ACTIONS = tuple(KEYS)
"""Those on what a memory holds."""

_KEYS = {key.lower(): key for key in SCOPES}
_RESTRICTING = TEXT_OPERATORS | SET_OPERATORS


def granted(statement: Statement) -> Iterator[str]:
    """The actions on what a memory holds that the statement really allows on something."""
    for action in iam.held(statement.actions, ACTIONS) if statement.allow is True else ():
        if void_key(statement, action) is None:
            yield action


def void_key(statement: Statement, action: str) -> str | None:
    """The condition key because of which the statement allows nobody the action; None where there is none.

    A request for the action does not bring the key, or not together with another one that is asked for.
    """
    asked = [_KEYS[it.key] for it in _on_scopes(statement) if _restricts(it)]
    brought = KEYS[action].keys() | PERHAPS.get(action, frozenset())
    missing = next((key for key in asked if key not in brought), None)
    return missing or (NAMESPACE if {NAMESPACE, NAMESPACE_PATH} <= set(asked) else None)


def idle_key(statement: Statement, action: str) -> str | None:
    """A condition key that the statement names, and that limits the action to nothing: no request brings it."""
    brought = KEYS[action].keys() | PERHAPS.get(action, frozenset())
    named = (_KEYS[it.key] for it in _on_scopes(statement) if not _restricts(it))
    return next((key for key in named if key not in brought), None)


def unlimited(statement: Statement, action: str) -> str | None:
    """What the statement does not limit though AWS could, in words; None where it does, or where nobody can know it."""
    if ACTOR in KEYS[action]:
        return None if _limits(statement, ACTOR) is not False else "for every actor"
    if NAMESPACE in KEYS[action]:
        keys = (NAMESPACE, NAMESPACE_PATH)
        return None if any(_limits(statement, it) is not False for it in keys) else "in every namespace"
    return None


def _limits(statement: Statement, key: str) -> bool | Unknown:
    return conditions.pinned(statement, [(key.lower(), _RESTRICTING, _names_something)])


def _names_something(value: str) -> bool:
    """Whether a pattern begins with a name, or with what a policy variable stands for."""
    tokens = patterns.read(value.lstrip("/")).tokens
    return bool(tokens) and tokens[0] not in {(patterns.ANY_RUN, True), (patterns.ANY_ONE, True)}


def _on_scopes(statement: Statement) -> list[Condition]:
    known = () if statement.conditions is UNKNOWN else statement.conditions
    return [it for it in known if it.key in _KEYS]


def _restricts(condition: Condition) -> bool:
    """Whether the condition fails for a request without its key."""
    if condition.operator == "null":
        return set(condition.values) == {"false"}
    return condition.operator in _RESTRICTING

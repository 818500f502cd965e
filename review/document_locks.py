"""Locks that are documents: IAM documents by what they allow and deny, Cedar policies by what they forbid.

Resource and trust policies let in nobody new, identities keep their denials and conditions, and a gateway's engine
forbids what it forbade and permits nobody new without a name. Whom an identity policy or a Cedar permit gives more is
for the access matrices to say.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from toolgate.access.cedar.cedar_decision import ToolEngine, tool_engine
from toolgate.access.cedar.cedar_policies import ScopedPolicy
from toolgate.access.cedar.tools_schema import groups_of
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.identities import Identity
from toolgate.policy.language import comparison, documents
from toolgate.policy.language.agentcore_facts import CALLER_CLAIMS, LAMBDA_PERMISSION
from toolgate.policy.language.documents import Names, Statement
from toolgate.policy.language.principals import aws_principals, other_principals
from toolgate.review.changes import label
from toolgate.review.locks import POLICIES, Lock, Side, about
from toolgate.review.markdown import code
from toolgate.review.permissions import iam_documents

_SHOWN, _WIDEST = 3, 200


def document_locks(before: Side, after: Side) -> Iterator[Lock]:
    """The locks in documents that a change takes off or loosens."""
    return chain(_documents(before, after), _identities(before, after), _engines(before, after))


@dataclass
class _Documents:
    """All that is written about one resource: the texts, and their statements; None where one cannot be read."""

    label: str
    policy: bool = False
    """Whether it is a resource of its own that holds one document."""
    texts: list[str] = field(default_factory=list)
    statements: list[Statement] | None = field(default_factory=list)

    def add(self, value: Any) -> None:
        self.texts.append(json.dumps(value, sort_keys=True))
        read = documents.read(value)
        if self.statements is not None:
            self.statements = [*self.statements, *read] if isinstance(read, tuple) else None


def _documents(before: Side, after: Side) -> Iterator[Lock]:
    sides = _written(before), _written(after)
    for key in dict.fromkeys(chain.from_iterable(sides)):
        what, within = key
        stays = within in before.resources and within in after.resources
        if not (stays if within else _known(what, before, after)):
            continue
        old, new = (side.get(key, _Documents("")) for side in sides)
        if sorted(old.texts) != sorted(new.texts):
            yield from (Lock(text, new.label or old.label) for text in _documents_looser(old, new))
        if old.policy and not new.texts:
            yield Lock("gone, and what it is about stays", old.label)


def _known(name: str, before: Side, after: Side) -> bool:
    """Whether what a document is about is neither new nor gone."""
    return not before.alone_has(name, after) and not after.alone_has(name, before)


def _documents_looser(old: _Documents, new: _Documents) -> Iterator[str]:
    if old.statements is None or new.statements is None:
        yield "whom it lets in cannot be compared: a document cannot be read"
    elif any(it.names_principals for it in (*old.statements, *new.statements)):
        more = comparison.allows_more(old.statements, new.statements)
        same = [it for it in more if comparison.covered_but_for_conditions(it, old.statements)]
        yield from _told("asks for less", same)
        yield from _told("lets in more", [it for it in more if it not in same])
        yield from _told("keeps out less", comparison.denies_less(old.statements, new.statements))


def _written(side: Side) -> dict[tuple[str, str], _Documents]:
    """By what they are about, or by their path and the key of the resource that they stand in."""
    found: dict[tuple[str, str], _Documents] = {}
    for within, resource in side.resources.items():
        outside = resource["type"] in POLICIES or resource["type"] == LAMBDA_PERMISSION
        for path, value in iam_documents(resource):
            key = (about(resource), "") if outside else (path, within)
            held = found.setdefault(key, _Documents(label(resource), resource["type"] in POLICIES))
            held.add(value)
    return found


def _told(what: str, entries: list[Statement]) -> Iterator[str]:
    if entries:
        texts = list(dict.fromkeys(map(_entry, entries)))
        more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
        yield f"{what}: {'; '.join(texts[:_SHOWN])}{more}"


def _entry(entry: Statement) -> str:
    who = [*aws_principals(entry), *other_principals(entry)]
    by = f" by {'all but ' * entry.everybody_but}{_few(who)}" if who else ""
    on = "" if by or not entry.resources.given else f" on {_listed(entry.resources)}"
    return f"{_listed(entry.actions)}{on}{by}"


def _listed(names: Names) -> str:
    return f"{'all but ' * names.negated}{_few(map(str, names.values))}"


def _few(texts: Iterable[str]) -> str:
    """Texts in a sentence; the table of permissions has all of them."""
    shown = [code(text) for text in texts]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return f"{', '.join(shown[:_SHOWN])}{more}"


def _identities(before: Side, after: Side) -> Iterator[Lock]:
    old, new = (_by_arn(side.read) for side in (before, after))
    for arn, now in new.items():
        if arn in old:
            yield from (Lock(text, now.name) for text in _identity_looser(old[arn], now))


def _by_arn(deployment: Deployment) -> dict[str, Identity]:
    return {it.arn: it for it in (*deployment.roles, *deployment.users, *deployment.given)}


def _identity_looser(old: Identity, new: Identity) -> Iterator[str]:
    then, now = ([it for policy in side.policies for it in policy.statements] for side in (old, new))
    yield from _told("no longer denied", comparison.denies_less(then, now))
    yield from _told("a condition less", comparison.demands_less(then, now))
    if old.boundary and new.boundary:
        more = comparison.allows_more(old.boundary.statements, new.boundary.statements)
        yield from _told("the permissions boundary allows more", more)
        less = comparison.denies_less(old.boundary.statements, new.boundary.statements)
        yield from _told("the permissions boundary denies less", less)


def _engines(before: Side, after: Side) -> Iterator[Lock]:
    old, new = ({it.label: tool_engine(side.read, it) for it in side.read.gateways} for side in (before, after))
    for gateway, engine in new.items():
        then = old.get(gateway)
        if engine and then and engine.enforce and then.enforce:
            yield from (Lock(text, gateway) for text in _engine_looser(then, engine))


def _engine_looser(old: ToolEngine, new: ToolEngine) -> Iterator[str]:
    for reason in (it for it in new.unread if it not in old.unread):
        yield f"what its policy engine decides is not known: {code(reason)}"
    for policy in _not_held(_of(old, "forbid"), _of(new, "forbid")):
        yield f"forbids less: {_policy(policy)}"
    unnamed = [[it for it in _of(side, "permit") if not _names_caller(it)] for side in (old, new)]
    for policy in _not_held(unnamed[1], unnamed[0]):
        yield f"permits callers that it does not name: {_policy(policy)}"


def _names_caller(policy: ScopedPolicy) -> bool:
    """By the scope, or by a claim that says whose token it is."""
    return bool(list(policy.principals())) or any(tag in CALLER_CLAIMS for tag, _ in policy.pinned_tags)


def _policy(policy: ScopedPolicy) -> str:
    text = " ".join(policy.text.split())
    return f"{code(policy.name)}, {code(text if len(text) <= _WIDEST else f'{text[:_WIDEST]}...')}"


def _of(engine: ToolEngine, effect: str) -> list[ScopedPolicy]:
    return [policy for policy in engine.policies if policy.effect == effect]


def _not_held(policies: Iterable[ScopedPolicy], by: Iterable[ScopedPolicy]) -> list[ScopedPolicy]:
    return [policy for policy in policies if not any(_holds(it, policy) for it in by)]


def _holds(wide: ScopedPolicy, narrow: ScopedPolicy) -> bool:
    """Whether one policy is about every request that the other is about, of the same effect."""
    open_or_same = all(
        wide.body[part]["op"] == "All" or wide.body[part] == narrow.body[part] for part in ("principal", "resource")
    )
    actions = wide.body["action"]["op"] == "All" or (
        narrow.body["action"]["op"] != "All"
        and all({it, *groups_of(it)} & set(wide.actions()) for it in narrow.actions())
    )
    conditions = not wide.conditional or wide.body["conditions"] == narrow.body["conditions"]
    return open_or_same and actions and conditions

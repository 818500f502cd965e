"""Whatever document is handed to whomever by whichever carrier: who may use a memory is a row, and each row is right.

A row is held against the evaluators' answers to requests whose members are known: ours, and ministack's, which is
somebody else's reading of IAM.
"""

import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ministack.core import iam_evaluator

from tests.access.memories.test_rows import ACCOUNT, AGENT, CORE, HELD, MEMORY
from tests.access.test_nothing_left_out import CARRIERS, Resource
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.iam.evaluation import Access, decide
from toolgate.access.iam.statements import IamRequest
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.memories.rows import MemoryUse
from toolgate.access.memories.uses import asked

NAMES = ("CreateEvent", "ListEvents", "ListSessions", "ListActors", "RetrieveMemoryRecords", "DeleteMemoryRecord")
ACTIONS = [f"{CORE}{it}" for it in NAMES]
WRITTEN = [*ACTIONS, f"{CORE}*", "*", f"{CORE}List*", "s3:GetObject"]
RESOURCES = [MEMORY, "*", f"{MEMORY[:-10]}*", MEMORY.replace("talks", "other"), "arn:aws:s3:::bucket/*"]
KEYS = ("actorId", "sessionId", "namespace", "namespacePath", "strategyId")
OPERATORS = ("StringLike", "StringEquals", "StringNotLike", "StringLikeIfExists")
VALUES = ("a", "a:*", "*", "b", "/f/a/*", "?")
REQUESTS: list[Mapping[str, Any]] = [
    *({"actorId": actor, "sessionId": session} for actor in ("a", "a:x", "b", "c") for session in ("a", "s")),
    *({"namespace": it} for it in ("/f/a/x", "a", "z")),
    *({"namespacePath": it} for it in ("/f/a/x", "/f/", "b")),
]


@st.composite
def _statement(draw: st.DrawFn) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True))
    condition: dict[str, dict[str, list[str]]] = {}
    for key in keys:
        operator = draw(st.sampled_from([*OPERATORS[:2], *OPERATORS]))
        condition.setdefault(operator, {})[f"{CORE}{key}"] = draw(
            st.lists(st.sampled_from(VALUES), min_size=1, max_size=2, unique=True)
        )
    return {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"])),
        "Action": draw(st.lists(st.sampled_from(WRITTEN), min_size=1, max_size=2)),
        "Resource": draw(st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=2)),
        **({"Condition": condition} if condition else {}),
    }


STATEMENTS = st.lists(_statement(), min_size=1, max_size=3)
ALONE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _text(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _deployment(case: Callable[..., Any], statements: list[dict[str, Any]]) -> Deployment:
    return parse(case(identity=statements, more=[HELD]).export())


def _by_action(rows: tuple[MemoryUse, ...]) -> dict[str, MemoryUse]:
    return {action: row for row in rows if row.memory.arn == MEMORY for action in row.actions}


def _in_scope(row: MemoryUse, action: str, request: Mapping[str, Any]) -> bool:
    facts = asked(action, request)

    def like(key: str, pattern: str) -> bool:
        literal = pattern.replace("${?}", "[?]").replace("${*}", "[*]")
        return facts.get(key) is not None and fnmatchcase(str(facts[key]), literal)

    scopes = row.answer.scopes
    return not scopes or any(all(any(like(key, it) for it in values) for key, values in one) for one in scopes)


def _ours(deployment: Deployment, action: str, request: Mapping[str, Any]) -> bool:
    (agent,) = deployment.roles
    return decide(IamRequest(agent, action, MEMORY, asked(action, request))).allowed


def _theirs(statements: list[dict[str, Any]], action: str, request: Mapping[str, Any]) -> bool:
    context = iam_evaluator.EvalContext(
        principal_arn=AGENT,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=MEMORY,
        region="us-east-1",
        service_context={key.lower(): it for key, it in asked(action, request).items() if it is not None},
    )
    parsed = iam_evaluator.parse_policy_document(json.loads(_text(statements)))
    return bool(iam_evaluator.evaluate(context, [parsed]).decision == "Allow")


@given(statements=STATEMENTS)
@settings(ALONE, max_examples=100)
def test_each_row_is_what_two_evaluators_say_of_each_request(
    case: Callable[..., Any], statements: list[dict[str, Any]]
) -> None:
    deployment = _deployment(case, statements)
    rows = _by_action(matrix(deployment).memories)
    for action in ACTIONS:
        row = rows.get(action)
        each = {form: [it for it in REQUESTS if form in it] for form in _forms(action)}
        answers = {form: [(it, _ours(deployment, action, it)) for it in requests] for form, requests in each.items()}
        told = [it for of_form in answers.values() for it in of_form]
        assert all(allowed is _theirs(statements, action, request) for request, allowed in told)
        if row is None:
            assert not any(allowed for _, allowed in told)
        elif row.answer.access.decision is Access.ALLOW and row.answer.scopes:
            assert all(allowed is _in_scope(row, action, request) for request, allowed in told)
        elif row.answer.access.decision is Access.ALLOW:  # by one form of request at least
            assert any(all(allowed for _, allowed in of_form) for of_form in answers.values())


def _forms(action: str) -> tuple[str, ...]:
    return ("namespace", "namespacePath") if action.endswith("RetrieveMemoryRecords") else ("actorId",)


@pytest.mark.parametrize(("carrier", "who"), [it[:2] for it in CARRIERS.values()], ids=CARRIERS.keys())
@given(statements=STATEMENTS)
@ALONE
def test_who_may_use_a_memory_is_a_row_by_whichever_carrier(
    case: Callable[..., Any],
    carrier: Callable[[str], list[Resource]],
    who: str,
    statements: list[dict[str, Any]],
) -> None:
    agents = _by_action(matrix(_deployment(case, statements)).memories)
    found = matrix(parse(case(more=[HELD, *carrier(_text(statements))]).export()))
    of_carrier = _by_action(tuple(it for it in found.memories if it.principal == who))
    assert agents.keys() <= of_carrier.keys()

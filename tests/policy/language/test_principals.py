"""Whom a statement names: row by row, and against ministack's evaluator on every pair of principals."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest
from ministack.core import iam_evaluator

from toolgate.policy.language import documents, iam
from toolgate.policy.language.documents import Statement
from toolgate.policy.language.principals import Named, named, names_service, other_principals

ACCOUNT, FOREIGN = "123456789012", "999999999999"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/agents/caller"
USER = f"arn:aws:iam::{ACCOUNT}:user/anna"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/caller/one"
SERVICE = "bedrock-agentcore.amazonaws.com"


def read(principal: Any, element: str = "Principal", effect: str = "Allow") -> Statement:
    entry = {"Effect": effect, element: principal, "Action": "*", "Resource": "*"}
    (statement,) = iam.statements(documents.read({"Version": "2012-10-17", "Statement": entry}))
    return statement


@pytest.mark.parametrize(
    ("principal", "arn", "session", "expected"),
    [
        ("*", ROLE, None, Named.EVERYBODY),
        ({"AWS": "*"}, ROLE, None, Named.EVERYBODY),
        ({"AWS": ["x", "*"]}, None, None, Named.EVERYBODY),
        ({"AWS": ROLE}, ROLE, None, Named.ROLE),
        ({"AWS": ROLE}, ROLE, SESSION, Named.ROLE),
        ({"AWS": USER}, USER, None, Named.USER),
        ({"AWS": SESSION}, ROLE, None, Named.SESSION),
        ({"AWS": SESSION}, ROLE, SESSION, Named.SESSION),
        ({"AWS": SESSION}, ROLE, SESSION.replace("one", "two"), None),
        ({"AWS": SESSION.replace("caller", "other")}, ROLE, None, None),
        ({"AWS": SESSION.replace(ACCOUNT, FOREIGN)}, ROLE, None, None),
        ({"AWS": ACCOUNT}, ROLE, None, Named.ACCOUNT),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, USER, None, Named.ACCOUNT),
        ({"AWS": [ACCOUNT, ROLE]}, ROLE, None, Named.ROLE),
        ({"AWS": FOREIGN}, ROLE, None, None),
        ({"AWS": ROLE}, None, None, None),
        ({"Service": SERVICE}, ROLE, None, None),
        # IAM user guide, "Principal": "You cannot use a wildcard to match part of a principal name or ARN."
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"}, ROLE, None, None),
    ],
)
def test_a_caller(principal: Any, arn: str | None, session: str | None, expected: Named | None) -> None:
    assert named(read(principal), arn, session) is expected


@pytest.mark.parametrize(
    ("principal", "arn", "expected"),
    [
        ({"AWS": FOREIGN}, ROLE, Named.EVERYBODY),
        ({"AWS": ROLE}, ROLE, Named.UNCLEAR),
        ({"AWS": ACCOUNT}, ROLE, Named.UNCLEAR),
        ({"AWS": ROLE}, None, Named.EVERYBODY),
    ],
)
def test_everybody_but_whom_a_denial_lists(principal: Any, arn: str | None, expected: Named) -> None:
    assert named(read(principal, "NotPrincipal", "Deny"), arn) is expected
    assert named(read(principal, "NotPrincipal"), arn) is Named.UNCLEAR


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"Service": SERVICE}, True),
        ({"Service": ["lambda.amazonaws.com", SERVICE.upper()]}, True),
        ("*", True),
        ({"AWS": "*"}, False),
        ({"Service": f"{SERVICE}.cn"}, True),
        ({"Service": "lambda.amazonaws.com"}, False),
        ({"Service": "lambda.amazonaws.com.cn"}, False),
        ({"Federated": SERVICE}, False),
    ],
)
def test_a_service(principal: Any, expected: bool) -> None:
    assert names_service(read(principal), SERVICE) is expected
    assert names_service(read(principal, "NotPrincipal", "Deny"), SERVICE) is not expected


def test_principals_of_other_kinds_are_told_with_their_kind() -> None:
    statement = read({"AWS": ROLE, "Service": [SERVICE], "CanonicalUser": "x", "Federated": "y"})
    assert list(other_principals(statement)) == [f"Service {SERVICE}", "CanonicalUser x", "Federated y"]


ANY_ACCOUNT = "arn:aws:iam::*:role/agents/caller"
LISTED = (
    *("*", ROLE, f"{ROLE}2", USER, SESSION, f"{SESSION}2", ACCOUNT, FOREIGN, f"arn:aws:iam::{ACCOUNT}:root"),
    *(f"arn:aws:iam::{FOREIGN}:root", f"arn:aws:iam::{FOREIGN}:role/agents/caller", ANY_ACCOUNT),
)


def allowed(principal: Any, caller: str, service: str | None = None) -> bool:
    context = iam_evaluator.EvalContext(
        principal_arn=caller,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action="kms:Decrypt",
        resource_arn="*",
        region="us-east-1",
    )
    document: Mapping[str, Any] = {
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}]
    }
    return bool(iam_evaluator.evaluate_resource_policy(dict(document), context, service=service).decision == "Allow")


@pytest.mark.parametrize(("arn", "session"), [(ROLE, SESSION), (USER, None)])
def test_a_second_opinion_on_callers(arn: str, session: str | None) -> None:
    """They differ on a wildcard within an ARN only (IAM user guide, above)."""
    for listed in [*combinations(LISTED, 1), *combinations(LISTED, 2)]:
        principal = {"AWS": list(listed)}
        ours = named(read(principal), arn, session) is not None
        assert ours == allowed(principal, session or arn) or ANY_ACCOUNT in listed, listed


def test_a_second_opinion_on_services() -> None:
    """They differ on `{"AWS": "*"}` only.

    IAM user guide, "Principal": "For anonymous users, the following elements are equivalent", and for nobody else.
    """
    for principal in ("*", {"Service": SERVICE}, {"Service": ["x", SERVICE.upper()]}, {"Service": "x"}, {"AWS": ROLE}):
        assert names_service(read(principal), SERVICE) == allowed(principal, SERVICE, SERVICE)
    assert not names_service(read({"AWS": "*"}), SERVICE)
    assert allowed({"AWS": "*"}, SERVICE, SERVICE)

"""A document too large for one managed policy."""

import itertools
from typing import Any

import pytest

from toolgate.deployer.managed_policies import LARGEST, MOST, TooLargeError, size, split


def statement(sid: str, resources: int, actions: int = 3) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"service:Action{sid}{number}" for number in range(actions)],
        "Resource": [f"arn:aws:service:us-east-1:111122223333:thing/{sid}-{number:04}" for number in range(resources)],
    }


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allowed(*documents: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        pair
        for it in documents
        for one in it["Statement"]
        for pair in itertools.product(one["Action"], one["Resource"])
    }


def test_what_fits_stays_as_it_is() -> None:
    whole = document(statement("A", 20), statement("B", 20))
    assert split(whole) == [whole]


@pytest.mark.parametrize("counts", [(70, 70, 70), (250, 3), (90, 10, 90, 10), (1, 400)])
def test_the_parts_allow_the_same_and_each_fits(counts: tuple[int, ...]) -> None:
    whole = document(*(statement(chr(65 + index), count) for index, count in enumerate(counts)))
    parts = split(whole)
    assert len(parts) > 1
    assert allowed(*parts) == allowed(whole)
    for part in parts:
        assert size(part) <= LARGEST
        assert part["Version"] == "2012-10-17"
        sids = [one["Sid"] for one in part["Statement"]]
        assert len(sids) == len(set(sids))


def test_conditions_go_with_each_piece() -> None:
    condition = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    parts = split(document(statement("A", 200) | {"Condition": condition}))
    assert {str(one["Condition"]) for part in parts for one in part["Statement"]} == {str(condition)}


def test_small_statements_fill_what_large_ones_leave() -> None:
    parts = split(document(statement("A", 80), statement("B", 80), statement("C", 1)))
    assert len(parts) == 2


def test_more_than_a_role_takes_is_refused() -> None:
    with pytest.raises(TooLargeError, match=f"IAM takes {MOST} in a role"):
        split(document(*(statement(f"S{index}", 90) for index in range(MOST + 1))))
    with pytest.raises(TooLargeError, match="statement A alone"):
        split(document(statement("A", 1, actions=600)))

"""What a change takes off of an interceptor that stays; and what looks like it and is none."""

from typing import Any

import pytest

from tests.access.conftest import Case
from tests.access.interceptors import ARN, asked, function, interceptor
from toolgate.access.deployment.deployment import parse
from toolgate.review.interceptor_locks import interceptor_locks
from toolgate.review.locks import Side, plain_locks

GATEWAY = "aws:bedrock:AgentcoreGateway tools"
DECLARED: dict[str, Any] = {"calls": ["math___*", "orders___pay"], "results": ["*"], "tools": True, "seconds": 2.0}


def _side(gateway: dict[str, Any] | None = None, timeout: int = 10, handler: str = "", **declared: Any) -> Side:
    type_, name, properties = function(timeout=timeout, **{**DECLARED, **declared})
    properties = {**properties, **({"handler": handler} if handler else {})}
    export = Case(
        gateway=asked("REQUEST", "RESPONSE") if gateway is None else gateway, more=[(type_, name, properties)]
    )
    file = export.export()
    return Side(file, parse(file))


def _found(before: Side, after: Side) -> list[tuple[str, str]]:
    return [(it.text.partition(" ")[2], it.resource) for it in interceptor_locks(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {}, None),
        ({}, {"gateway": asked("REQUEST", "RESPONSE", headers=True)}, "`limits` is told the headers of requests"),
        ({"gateway": asked("REQUEST", headers=True)}, {"gateway": asked("REQUEST", headers=True)}, None),
        ({"gateway": asked("REQUEST", headers=True)}, {"gateway": asked("REQUEST")}, None),
        ({}, {"handler": "main.handler"}, "`limits` does not say any more what it looks at"),
        ({"handler": "main.handler"}, {"handler": "main.handler"}, None),
        ({"handler": "main.handler"}, {}, None),
        ({}, {"calls": ["math___*"]}, "`limits` no longer looks at calls of `orders___pay`"),
        ({}, {"calls": []}, "`limits` no longer looks at calls of `math___*`, `orders___pay`"),
        ({}, {"calls": ["math___a*", "orders___*"]}, "`limits` no longer looks at calls of `math___*`"),
        ({}, {"calls": ["*"]}, None),
        ({}, {"calls": ["orders___*", "ma*"]}, None),
        ({}, {"calls": [*DECLARED["calls"], "more___*"]}, None),
        ({}, {"results": ["math___*"]}, "`limits` no longer looks at results of `*`"),
        ({}, {"tools": False}, "`limits` no longer takes tools out of lists"),
        ({"tools": False}, {}, None),
        ({}, {"prompts": True}, "`limits` lets prompts through"),
        ({}, {"resources": True}, "`limits` lets resources through"),
        ({"resources": True}, {"resources": False}, None),
        ({}, {"timeout": 5}, None),
        ({}, {"timeout": 4}, "`limits` may be ended by its timeout 2 seconds after its last answer, was 8"),
        ({}, {"seconds": 7.5}, "`limits` may be ended by its timeout 2.5 seconds after its last answer, was 8"),
        ({"timeout": 4}, {"timeout": 3}, None),
        ({"timeout": 4}, {"timeout": 10}, None),
    ],
)
def test_what_it_looks_at_what_it_is_told_and_its_time(
    before: dict[str, Any], after: dict[str, Any], words: str | None
) -> None:
    found = _found(_side(**before), _side(**after))
    assert len(found) == (words is not None)
    assert words is None or (found[0][0].startswith(words) and found[0][1] == GATEWAY)


def test_one_that_comes_goes_or_is_another_is_its_gateways_property() -> None:
    none: dict[str, Any] = {}
    other = asked("REQUEST", arn=f"{ARN}2", headers=True)
    for before, after, lost in ((none, asked("REQUEST"), 0), (asked("REQUEST"), none, 1), (asked("REQUEST"), other, 1)):
        sides = _side(gateway=before), _side(gateway=after)
        assert _found(*sides) == []
        assert len([it for it in plain_locks(*sides) if it.text.startswith("an interceptor less")]) == lost


def test_headers_are_no_other_interceptor() -> None:
    sides = _side(gateway=asked("REQUEST")), _side(gateway=asked("REQUEST", headers=True))
    assert list(plain_locks(*sides)) == []
    assert len(_found(*sides)) == 1


def test_one_that_stands_at_both_points_is_told_once() -> None:
    def gateway(*, headers: bool) -> dict[str, Any]:
        return {"interceptorConfigurations": [interceptor(it, headers=headers) for it in ("REQUEST", "RESPONSE")]}

    assert len(_found(_side(gateway=gateway(headers=False)), _side(gateway=gateway(headers=True)))) == 1

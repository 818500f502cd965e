import pytest

from tests.access_changes import ROLE, change, conditional
from toolgate.access.matrix.tool_access import ALLOWED, DENIED, UNDECIDED, ToolAccess
from toolgate.review.access_summary import sentences


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (DENIED, ALLOWED, "agent `a` may newly call `math___refund`"),
        (DENIED, conditional("permit x < {1}"), "agent `a` may newly call `math___refund` where `permit x < {1}`"),
        (
            DENIED,
            UNDECIDED,
            "agent `a` may newly call `math___refund`, or not: the deployment does not decide it",
        ),
        (
            conditional("permit x < 1"),
            ALLOWED,
            "agent `a` may call `math___refund` whatever the arguments; before, where `permit x < 1`",
        ),
        (
            conditional("permit x < 1"),
            conditional("permit x < 2"),
            "agent `a` may call `math___refund` where `permit x < 2`; before, where `permit x < 1`",
        ),
        (UNDECIDED, ALLOWED, "agent `a` may certainly call `math___refund`; before, it was undecided"),
        (UNDECIDED, conditional("c"), "agent `a` may call `math___refund` where `c`; before, it was undecided"),
        (ALLOWED, DENIED, "agent `a` may no longer call `math___refund`"),
        (conditional("c"), DENIED, "agent `a` may no longer call `math___refund`"),
        (ALLOWED, conditional("c"), "agent `a` may call `math___refund` only where `c`"),
    ],
)
def test_a_change_as_a_sentence(before: ToolAccess, after: ToolAccess, text: str) -> None:
    assert list(sentences([change(before, after)], several_gateways=False)) == [text]


def test_tools_that_change_alike_share_a_sentence() -> None:
    changes = [change(DENIED, ALLOWED, tool) for tool in ("math___b", "math___a")]
    changes.insert(1, change(DENIED, ALLOWED, "math___c", agent="z"))
    assert list(sentences(changes, several_gateways=True)) == [
        "agent `a` may newly call `math___b`, `math___a` at `tools-abcdefghij`",
        "agent `z` may newly call `math___c` at `tools-abcdefghij`",
    ]


@pytest.mark.parametrize(
    ("principal", "who"),
    [
        ("*", "**anybody**"),
        (ROLE, "`role/assistant-role`"),
        ("arn:aws:iam::999999999999:role/x", "`999999999999:role/x`"),
    ],
)
def test_others_than_agents(principal: str, who: str) -> None:
    [text] = sentences([change(DENIED, ALLOWED, principal=principal, agent=None)], several_gateways=False)
    assert text == f"{who} may newly call `math___refund`"

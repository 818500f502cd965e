"""Who is shown what."""

import pytest
from intercept import Caller, Tool
from interceptor import shown


@pytest.mark.parametrize(
    ("handed", "seen"),
    [
        ((), []),
        (("math___add",), ["math___add"]),
        (("math___*",), ["math___add", "math___multiply"]),
        (("*",), ["math___add", "math___multiply", "mathematics___add"]),
    ],
)
def test_a_caller_is_shown_what_it_was_handed(handed: tuple[str, ...], seen: list[str]) -> None:
    caller = Caller("calculator", handed)
    tools = ["math___add", "math___multiply", "mathematics___add"]
    assert [it for it in tools if shown(Tool(it), caller)] == seen

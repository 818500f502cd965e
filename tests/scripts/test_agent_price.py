import pytest

from bench.agent_price import Used, per_thousand


@pytest.mark.parametrize(
    ("used", "dollars"),
    [
        # 12 s of CPU, and 5,000 s of 128 MB, which is the least.
        (Used(12, 100), 12 / 3600 * 0.0895 + 5000 / 3600 * 0.125 * 0.00945),
        (Used(12, 128), 12 / 3600 * 0.0895 + 5000 / 3600 * 0.125 * 0.00945),
        (Used(77, 256), 77 / 3600 * 0.0895 + 5000 / 3600 * 0.25 * 0.00945),
    ],
)
def test_what_a_thousand_invocations_cost(used: Used, dollars: float) -> None:
    assert per_thousand(used) == pytest.approx(dollars)

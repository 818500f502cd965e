from collections.abc import Callable

from tests.local.cloud.conftest import LOG_GROUP
from toolgate.local.cloud.values import UNKNOWN


def test_retention_is_one_of_a_list(check: Callable[..., list[str]]) -> None:
    assert check(LOG_GROUP, retentionInDays=30) == []
    assert check(LOG_GROUP, retentionInDays=UNKNOWN) == []
    assert check(LOG_GROUP, retentionInDays=None) == []
    [reason] = check(LOG_GROUP, retentionInDays=31)
    assert reason.startswith("retentionInDays: InvalidParameterException: 31 is not one of 1, 3, 5, 7, 14, 30")


def test_names_have_a_pattern(check: Callable[..., list[str]]) -> None:
    assert any("regular expression" in reason for reason in check(LOG_GROUP, name="/aws/lambda/with space"))

from collections.abc import Callable
from pathlib import Path

import pytest

from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.local.serve.aws.own_values import made_up, read_values

type Program = Callable[[str, int], Path]


def test_values_are_read_by_name(program: Program) -> None:
    assert read_values(program('{"orders/api-key": "open sesame"}', 0o600)) == {"orders/api-key": "open sesame"}


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert read_values(tmp_path) == {}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused_with_what_mends_it(mode: int, program: Program) -> None:
    with pytest.raises(DeploymentError, match=r"others may read it: chmod 600 \.local/secrets\.json"):
        read_values(program("{}", mode))


@pytest.mark.parametrize("text", ['{"a": "open sesame"', '["open sesame"]', '{"a": {"b": "open sesame"}}'])
def test_what_is_no_object_of_texts_is_refused_and_not_quoted(text: str, program: Program) -> None:
    with pytest.raises(DeploymentError, match=r"secrets\.json: not .*; write ") as refused:
        read_values(program(text, 0o600))
    assert "sesame" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_made_up_values_are_never_the_same() -> None:
    assert made_up() != made_up()


def test_a_file_of_somebody_else_is_refused(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    root = program("{}", 0o600)
    monkeypatch.setattr("os.getuid", lambda: 12345)
    with pytest.raises(DeploymentError, match="it is not yours"):
        read_values(root)

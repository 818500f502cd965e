"""What stays on this machine is reached whatever proxy, profile or endpoint the caller's shell names."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.planning import planned
from tests.shell_variables import lead_nowhere
from toolgate.cli.main import main
from toolgate.local.invoke_agent import ask
from toolgate.local.serve.server import Serving
from toolgate.local.serve.serving_file import announced, serving_file


def test_a_deployment_is_served_and_asked(
    served: Callable[..., AbstractContextManager[Serving]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment = planned().deployment
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    lead_nowhere(monkeypatch)
    with served(deployment) as serving, announced(serving, serving_file(tmp_path)):
        assert "112" in ask(serving.environment, serving.agents["assistant"], "What is 100 + 12?")
        assert main(["ask", "--program", str(tmp_path), "--local", "What is 6 * 7?"]) == 0
        assert "42" in capsys.readouterr().out
        assert main(["call", "--program", str(tmp_path), "math___add_numbers", '{"a": 100, "b": 12}']) == 0
        assert "112" in capsys.readouterr().out

"""The stack prod served: its key, its policy engine and its protection change no answer."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.planning import planned
from toolgate.local.invoke_agent import ask
from toolgate.local.serve.server import Serving


def test_prod_answers_from_its_tools_and_shows_no_other(
    served: Callable[[dict[str, Any]], AbstractContextManager[Serving]],
) -> None:
    prod = planned("prod")
    assert prod.mandatory == ()
    with served(prod.deployment) as serving:
        assert "112" in ask(serving.environment, serving.agents["assistant"], "What is 100 + 12?")
        assert [call.tool for call in serving.calls] == ["math___add_numbers"]
        listed = ask(serving.environment, serving.agents["assistant"], "Tell me what I can do with these tools")
        assert "math___greeting" in listed
        assert "x_amz_bedrock_agentcore_search" not in listed

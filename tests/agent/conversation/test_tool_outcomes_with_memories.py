"""How each tool call ended, with each memory, in a session that goes on."""

from tests.agent.test_tool_outcomes import *  # noqa: F403 - all of its tests

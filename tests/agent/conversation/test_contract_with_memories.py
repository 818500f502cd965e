"""What the agent refuses to take, it refuses with each memory."""

from tests.agent.test_contract import *  # noqa: F403 - all of its tests

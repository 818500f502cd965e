"""Each fault of a gateway, with each memory, in a session that goes on."""

from tests.agent.test_gateway_faults import *  # noqa: F403 - all of its tests

"""Each fault of the model, with each memory, in a session that goes on."""

from tests.agent.test_model_faults import *  # noqa: F403 - all of its tests

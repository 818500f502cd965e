"""An agent with several models, with each memory, in a session that goes on."""

from tests.agent.test_fallback_models import *  # noqa: F403 - all of its tests

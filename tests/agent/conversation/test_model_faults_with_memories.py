"""Each fault of the model, with each memory, in a session that goes on."""

from tests.agent.test_model_faults import *  # noqa: F403 - all of its tests

# Requests of one session wait for each other: those of this test would never reach the model. And the bound of this
# other one is about a first request that makes two clients; what a deadline leaves behind stands in test_store.py.
del test_silent_models_do_not_use_up_the_threads  # noqa: F821 - one of them
del test_an_invocation_ends_at_its_deadline  # noqa: F821 - one of them

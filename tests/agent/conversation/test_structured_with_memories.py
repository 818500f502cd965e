"""An answer as data, with each memory, in a session that goes on."""

from tests.agent.test_structured import *  # noqa: F403 - all of its tests

# No agent takes part in these.
for _name in (
    "test_a_schema_that_can",
    "test_the_check_is_of_the_drafts_own_words",
    "test_no_schema_makes_a_check_without_end",
    "test_a_schema_that_is_itself_ends",
    "test_nothing_is_fetched_for_a_check",
):
    del globals()[_name]

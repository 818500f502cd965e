"""Which condition keys AgentCore Memory's actions bring, against the requests that botocore's model knows of."""

import botocore.session
import pytest

from toolgate.policy.language import agentcore_memory
from toolgate.policy.language.agentcore_memory import ACTOR, KEYS, NAMESPACE, NAMESPACE_PATH, actors, paths

MODEL = botocore.session.get_session().get_service_model("bedrock-agentcore")


@pytest.mark.parametrize("action", KEYS)
def test_each_key_is_read_from_a_member_of_the_action_s_request(action: str) -> None:
    operation = MODEL.operation_model(action.partition(":")[2])

    for path in KEYS[action].values():
        shape = operation.input_shape
        for member in path.split("."):
            shape = shape.members[member]
        assert shape.type_name == "string"


def test_the_actions_of_a_conversation_bring_its_actor_and_those_of_recall_do_not() -> None:
    assert all(ACTOR in KEYS[action] for action in agentcore_memory.CONVERSE)
    assert all({NAMESPACE, NAMESPACE_PATH} <= KEYS[action].keys() for action in agentcore_memory.RECALL)
    assert not any(ACTOR in KEYS[action] for action in agentcore_memory.RECALL)


def test_an_agent_s_actors_are_its_own_and_its_users() -> None:
    assert actors("shop_dev_assistant") == ["shop_dev_assistant", "shop_dev_assistant:*"]


def test_the_paths_of_recall_end_after_a_whole_part_of_the_namespace() -> None:
    """So that an agent whose name another one's begins with reads nothing of the other."""
    assert paths("/users/{actorId}/facts/", "shop") == ["/users/shop/facts/*", "/users/shop:*/facts/*"]

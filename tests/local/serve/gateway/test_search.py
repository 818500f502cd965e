from typing import Any

from toolgate.local.serve.gateway.search import MOST_RESULTS, search


def _tool(name: str, description: str, *parameters: str) -> dict[str, Any]:
    properties = {parameter: {"type": "string"} for parameter in parameters}
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties}}


TOOLS = [
    _tool("shop___list_orders", "List the orders of a customer.", "customer"),
    _tool("shop___refund", "Pay an order back.", "order", "amount"),
    _tool("math___add_numbers", "Add two numbers.", "a", "b"),
]


def _names(query: str) -> list[str]:
    return [tool["name"] for tool in search(TOOLS, query)["tools"]]


def test_only_matching_tools_come_back_best_first() -> None:
    assert _names("which order can I refund?") == ["shop___refund", "shop___list_orders"]
    assert _names("add numbers") == ["math___add_numbers"]


def test_a_name_weighs_more_than_a_description_and_parameters_count() -> None:
    assert _names("orders") == ["shop___list_orders", "shop___refund"]
    assert _names("amount") == ["shop___refund"]


def test_without_a_match_every_tool_is_as_good() -> None:
    everything = [tool["name"] for tool in TOOLS]
    assert _names("Tell me what I can do with these tools") == everything
    assert _names("") == everything


def test_definitions_come_back_whole_and_not_too_many() -> None:
    assert search(TOOLS, "refund")["tools"] == [TOOLS[1]]
    many = [_tool(f"t___order_{n}", "An order.") for n in range(MOST_RESULTS + 5)]
    assert search(many, "order")["tools"] == many[:MOST_RESULTS]

"""`toolgate:gateways`: the stack's gateways, and what the names of agents' tools hand over of them."""

from typing import Any

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.settings.gateways import Gateway, Gateways

from .conftest import AVAILABLE

ROLE = "arn:aws:iam::123456789012:role/platform/gateway"
MATH, PEOPLE = {"math": AVAILABLE["math"]}, {"people": AVAILABLE["people"]}
TWO: Any = {"sums": {"targets": ["math"]}, "words": {"targets": ["people"], "authorization": "tool"}}
SHARED: Any = {"one": {"targets": ["math"]}, "two": {"authorization": "tool", "targets": ["people", "math"]}}


def test_each_gateway_has_its_targets_its_authorization_and_its_role(load: Any) -> None:
    given = {"all": {}, "sums": {"targets": ["math"], "authorization": "gateway", "roleArn": ROLE}}
    assert load({"authorization": "tool", "gateways": given, "agents": {}}).gateways == Gateways(
        {
            "all": Gateway(AVAILABLE, Authorization.TOOL, "iam", None),
            "sums": Gateway(MATH, Authorization.GATEWAY, "iam", ROLE),
        },
        named=True,
    )


def test_a_target_may_stand_behind_several_gateways(load: Any) -> None:
    found = load({"gateways": SHARED, "agents": {}}).gateways.by_name
    assert found["one"].available == MATH
    assert list(found["two"].available.items()) == [*PEOPLE.items(), *MATH.items()]


@pytest.mark.parametrize(
    ("targets", "available"),
    [
        (["math"], MATH),
        (["math___add"], {"math": ["add"]}),
        (["math___multiply", "math___add"], MATH),
        (["math", "math"], MATH),
        (["math___add", "math"], MATH),
        (["people", "math___add"], {**PEOPLE, "math": ["add"]}),
    ],
)
def test_a_gateway_may_have_some_of_a_targets_tools(load: Any, targets: Any, available: Any) -> None:
    found = load({"gateways": {"some": {"targets": targets}, "rest": {}}, "agents": {}}).gateways.by_name
    assert list(found["some"].available.items()) == list(available.items())


@pytest.mark.parametrize(
    ("tools", "handed"),
    [
        (None, {"sums": None, "words": None}),
        ([], {}),
        (["sums"], {"sums": None}),
        (["words/people", "sums/math"], {"words": ["people___greet"], "sums": ["math___add", "math___multiply"]}),
        (["words/people___greet"], {"words": ["people___greet"]}),
        (["sums/math___multiply", "sums/math___add"], {"sums": ["math___add", "math___multiply"]}),
        (["words/people", "words"], {"words": None}),
        (["words", "words/people"], {"words": None}),
        (["words/people", "words/people___greet"], {"words": ["people___greet"]}),
    ],
)
def test_an_agent_names_tools_by_their_gateway(load: Any, tools: Any, handed: Any) -> None:
    entry = {} if tools is None else {"tools": tools}
    found = load({"gateways": TWO, "agents": {"a": entry}}).agents["a"].tools
    assert list(found.items()) == list(handed.items())


def test_an_agent_that_names_a_tool_of_one_gateway_may_have_it_though_another_has_it_too(load: Any) -> None:
    agents = {"a": {"tools": ["one", "two/people"]}, "b": {"tools": ["two/math___add"]}}
    found = load({"gateways": SHARED, "agents": agents}).agents
    assert found["a"].tools == {"one": None, "two": ["people___greet"]}
    assert found["b"].tools == {"two": ["math___add"]}


def test_a_tools_name_need_be_the_only_one_of_its_gateway_only(load: Any) -> None:
    available = {"math": ["add"], "text": ["add"]}
    given = {"sums": {"targets": ["math"]}, "words": {"targets": ["text"]}}
    assert load({"gateways": given, "agents": {}}, available).gateways.named
    with pytest.raises(UsageError, match=r"gateways\.all: targets 'math' and 'text' both have the tool 'add'"):
        load({"gateways": {"all": {}}}, available)


@pytest.mark.parametrize(
    ("gateways", "message"),
    [
        ({}, "toolgate:gateways: is empty. Name a gateway, or leave the key out: then there is one, 'tools', with"),
        ({"a": None}, "toolgate:gateways.a: must be a map, not None. Leave the key out instead, or write {}"),
        ({"a": {"target": []}}, "toolgate:gateways.a: unknown key 'target'. Did you mean 'targets'?"),
        ({"a": {"authorization": "iam"}}, "toolgate:gateways.a.authorization: 'iam' is not one of 'gateway', 'tool'."),
        (
            {"a": {"targets": ["maths"]}},
            "toolgate:gateways.a.targets: 'maths' is neither a target nor a tool. Did you mean 'math'? Targets: math, "
            "people. Tools: math___add, math___multiply, people___greet.",
        ),
        (
            {"a": {"targets": ["math___sub"]}},
            "toolgate:gateways.a.targets: 'math___sub' is neither a target nor a tool",
        ),
        ({"a": {"targets": ["math___"]}}, "toolgate:gateways.a.targets: 'math___' is neither a target nor a tool."),
        (
            {"a": {"targets": ["maths", "math"]}},
            "toolgate:gateways.a.targets: 'maths' is neither a target nor a tool.",
        ),
        ({"a": {}, "b": {"targets": []}}, "toolgate:gateways.b.targets: is empty. Name its targets, or leave the key"),
        ({"a b": {}}, "gateway name 'toolgate-dev-a b' is refused; allowed are lower-case letters"),
        ({"a/b": {}}, "gateway name 'toolgate-dev-a/b' is refused"),
        ({"": {}}, "toolgate:gateways: a gateway has an empty name. Give it one."),
        ({"g" * 36: {}}, "gateway name 'toolgate-dev-" + "g" * 36 + "' has 49 characters; at most 48 are allowed"),
        ({"Front": {}, "front": {}}, "toolgate:gateways.front: gets the same gateway name 'toolgate-dev-front' as"),
        ({"a_b": {}, "a.b": {}}, "toolgate:gateways.a.b: gets the same gateway name 'toolgate-dev-a-b' as 'a_b'"),
        ({"a": {"roleArn": "mine"}}, "toolgate:gateways.a.roleArn: 'mine' is no ARN of a role"),
        (
            {"a": {"roleArn": ROLE}, "b": {"roleArn": ROLE}},
            f"toolgate:gateways.b.roleArn: {ROLE} is the role of toolgate:gateways.a.roleArn as well.",
        ),
        ("tools", "toolgate:gateways: must be a map of gateways ("),
    ],
)
def test_gateways_that_cannot_be_meant_are_an_error(load: Any, gateways: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load({"gateways": gateways, "agents": {}})
    assert str(raised.value).startswith(message)


def test_the_names_of_engines_are_checked_too(load: Any) -> None:
    config = {"gateways": {"g" * 32: {"authorization": "tool"}}, "agents": {}}
    assert load(config).gateways.named
    with pytest.raises(UsageError, match=r"policy engine name .* has 49 characters"):
        load(config | {"kmsKey": "create"})


def test_two_targets_that_pulumi_would_know_by_one_name_are_an_error(load: Any) -> None:
    available = {"b-c": ["add"], "c": ["greet"]}
    given = {"a": {"targets": ["b-c"]}, "a-b": {"targets": ["c"]}}
    with pytest.raises(UsageError) as raised:
        load({"gateways": given, "agents": {}}, available)
    assert str(raised.value) == (
        "toolgate:gateways.a-b: its target 'c' would be the resource 'a-b-c', as is one of the gateway 'a'. "
        "Rename a gateway or a target."
    )


def test_what_the_stack_says_of_a_target_that_nobody_could_call_is_an_error(load: Any) -> None:
    config: Any = {"gateways": {"a": {"targets": ["math"]}}, "agents": {}}
    assert load(config).gateways.targets == {"math"}
    with pytest.raises(UsageError, match=r"toolgate:targets\.people: is behind no gateway\. Write it into the targets"):
        load(config | {"targets": {"math": {}, "people": {"timeout": 9}}})


def test_a_gateways_role_is_written_where_it_is_said_whose_it_is(load: Any) -> None:
    with pytest.raises(UsageError) as raised:
        load({"gateways": TWO, "agents": {}, "gatewayRoleArn": ROLE})
    assert str(raised.value).startswith("toolgate:gatewayRoleArn: does not say of which gateway. Write it as ")


@pytest.mark.parametrize(
    ("gateways", "tools", "message"),
    [
        (TWO, ["word"], "'word': there is no gateway 'word'. Did you mean 'words'? Gateways: sums, words."),
        (TWO, ["maths/math"], "'maths/math': there is no gateway 'maths'."),
        (TWO, ["math"], "'math' does not say of which gateway. Write 'sums/math'."),
        (SHARED, ["math___add"], "'math___add' does not say of which gateway. Write 'one/math___add' or 'two/math"),
        (TWO, ["sums/people"], "gateway 'sums': 'people' is neither a target nor a tool. Targets: math. Tools: math_"),
        (TWO, ["words/people___great"], "gateway 'words': 'people___great' is neither a target nor a tool."),
        (TWO, ["words/"], "gateway 'words': '' is neither a target nor a tool."),
        (TWO, ["words/words/people"], "gateway 'words': 'words/people' is neither a target nor a tool."),
        (TWO, ["sums/math___add"], "gateway 'sums': with authorization 'gateway' whoever may invoke the gateway may"),
        (
            SHARED,
            ["one", "two/math___add"],
            "math___add is handed over by gateway 'one' and by 'two', and a model knows a tool by that name only. "
            "Write the tools that are meant, each of one gateway: two/math___add.",
        ),
        (SHARED, None, "math___add is handed over by gateway 'one' and by 'two'"),
        (SHARED, ["two", "one"], "math___add is handed over by gateway 'two' and by 'one'"),
        (TWO, "words", "must be a list, not 'words'."),
    ],
)
def test_tools_that_cannot_be_handed_over_are_an_error(load: Any, gateways: Any, tools: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load({"gateways": gateways, "agents": {"a": {} if tools is None else {"tools": tools}}})
    assert str(raised.value).startswith(f"toolgate:agents.a.tools: {message}")


def test_a_tool_of_ones_own_gateway_and_of_others_is_named_with_the_gateway(load: Any) -> None:
    arn = "arn:aws:bedrock-agentcore:us-east-1:111122223333:gateway/shared-tools-a1b2c3d4e5"
    url = "https://shared-tools-a1b2c3d4e5.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
    other = {"arn": arn, "url": url, "tools": ["people___greet"]}
    assert load({"gateways": TWO, "agents": {"a": {"tools": ["sums"], "gateways": [other]}}}).agents["a"].gateways
    with pytest.raises(UsageError, match="people___greet is handed over by gateway 'words' as well"):
        load({"gateways": TWO, "agents": {"a": {"gateways": [other]}}})


def test_an_agent_has_a_policy_for_each_gateway_that_decides_per_tool(load: Any) -> None:
    given = {"one": {"targets": ["math"]}, "two": {"targets": ["people"]}, "three": {"targets": ["people"]}}
    agents = {"a" * 29: {"tools": ["one", "two"]}}
    assert load({"gateways": given, "agents": agents}).agents
    by_tool = {"authorization": "tool", "gateways": given}
    assert load({**by_tool, "agents": {"a" * 29: {"tools": ["one"]}}}).agents
    with pytest.raises(UsageError, match=r"policy name '\w+_tools_2' has 50 characters; at most 48"):
        load({**by_tool, "agents": agents})
    mixed = {**given, "one": {"targets": ["math"], "authorization": "gateway"}}
    assert load({**by_tool, "gateways": mixed, "agents": agents}).agents


def test_a_policy_engine_has_a_bound_of_its_own_gateway(load: Any) -> None:
    given = {"one": {"authorization": "tool"}, "two": {"authorization": "tool"}}
    agents = {f"a{number}": {"tools": ["one" if number % 2 else "two"]} for number in range(1001)}
    assert len(load({"gateways": given, "agents": agents}).agents) == 1001
    agents = {name: {"tools": ["two"]} for name in agents}
    with pytest.raises(UsageError) as raised:
        load({"gateways": given, "agents": agents})
    assert str(raised.value).startswith(
        "toolgate:gateways.two: 1001 agents and clients have tools of it, and each needs a Cedar"
    )

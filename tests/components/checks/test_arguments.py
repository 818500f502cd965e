import enum
from typing import Any, NotRequired, TypedDict

import pulumi
import pytest

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Part(TypedDict):
    arn: pulumi.Input[str]
    count: NotRequired[int]


class Args(TypedDict):
    name: str
    parts: NotRequired[dict[str, Part]]
    words: NotRequired[list[str]]
    size: NotRequired[pulumi.Input[int]]
    ratio: NotRequired[float]
    on: NotRequired[bool]
    colour: NotRequired[Colour]
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]


def later(value: Any) -> Any:
    return pulumi.Output.from_input(value)


@pytest.mark.parametrize(
    "given",
    [
        {"name": "a"},
        {"name": "a", "parts": {}, "words": [], "tags": {}},
        {"name": "a", "parts": {"p": {"arn": "x", "count": 1}}, "words": ["w"], "size": 3, "ratio": 1, "on": True},
        {"name": "a", "colour": Colour.RED},
        {"name": "a", "colour": "blue"},
        {"name": "a", "size": 3.0},
    ],
)
def test_what_fits_passes(given: Any) -> None:
    arguments.check(given, Args, "X 'x'")


def test_outputs_pass_where_an_input_is_taken(run: Any) -> None:
    given = {"name": "a", "parts": {"p": {"arn": later("x")}}, "size": later(3), "tags": {"k": later("v")}}
    run(lambda: arguments.check(given, Args, "X 'x'"))
    run(lambda: arguments.check({"name": "a", "tags": later({})}, Args, "X 'x'"))


def as_text(value: str) -> dict[str, Any]:
    return {"name": "a", "parts": {"p": {"arn": f"{later(value)}/index"}}}


def test_an_output_in_a_text_is_an_error(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """pulumi/pulumi#4650, #6747: Pulumi deploys the words of its own warning."""
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "false")  # as it is for who never heard of it
    with pytest.raises(UsageError) as caught:
        run(lambda: arguments.check(as_text("x"), Args, "X 'x'"))
    assert str(caught.value) == (
        "X 'x'.parts.p.arn: an Output was written into this text, where its value is not known yet. Write "
        '`pulumi.Output.format("...{0}...", output)` instead of an f-string.'
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "X 'x': missing 'name'."),
        ({"name": "a", "words": None}, "X 'x'.words: must be a list, not None. Leave the key out instead."),
        ({"name": "a", "size": None}, "X 'x'.size: must be a whole number, not None. Leave the key out instead."),
        ({"nane": "a"}, "X 'x': unknown key 'nane'. Did you mean 'name'? Known: colour, name,"),
        ({"name": "a", "zzz": 1}, "X 'x': unknown key 'zzz'. Known: colour, name,"),
        ({"name": 3}, "X 'x'.name: must be a string, not 3."),
        ({"name": "a", "parts": []}, "X 'x'.parts: must be a map, not []."),
        ({"name": "a", "parts": {"p": {}}}, "X 'x'.parts.p: missing 'arn'."),
        ({"name": "a", "parts": {"p": {"arn": 1}}}, "X 'x'.parts.p.arn: must be a string, not 1."),
        ({"name": "a", "parts": {1: {"arn": ""}}}, "X 'x'.parts key: must be a string, not 1."),
        ({"name": "a", "words": "w"}, "X 'x'.words: must be a list, not 'w'."),
        ({"name": "a", "words": [1]}, "X 'x'.words[0]: must be a string, not 1."),
        ({"name": "a", "size": True}, "X 'x'.size: must be a whole number, not True."),
        ({"name": "a", "size": 1.5}, "X 'x'.size: must be a whole number, not 1.5."),
        ({"name": "a", "ratio": "1"}, "X 'x'.ratio: must be a number, not '1'."),
        ({"name": "a", "on": 1}, "X 'x'.on: must be true or false, not 1."),
        ({"name": "a", "colour": "green"}, "X 'x'.colour: 'green' is not one of 'red', 'blue'."),
        ({"name": "a", "tags": {"k": 1}}, "X 'x'.tags.k: must be a string, not 1."),
        ([], "X 'x': must be a map, not []."),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(given: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        arguments.check(given, Args, "X 'x'")
    assert str(raised.value).startswith(message)


def test_an_output_is_refused_where_the_value_is_needed_at_once(run: Any) -> None:
    def program() -> None:
        for given in ({"name": later("a")}, {"name": "a", "words": [later("w")]}, {"name": "a", "parts": later({})}):
            with pytest.raises(UsageError, match="must be"):
                arguments.check(given, Args, "X 'x'")

    run(program)


def test_a_place_in_a_namespace_is_written_as_pulumi_writes_it() -> None:
    with pytest.raises(UsageError, match=r"^toolgate:parts\.p: missing 'arn'"):
        arguments.check({"name": "a", "parts": {"p": {}}}, Args, "toolgate:")
    with pytest.raises(UsageError, match=r"^toolgate: missing 'name'"):
        arguments.check({}, Args, "toolgate:")


def doubled(given: Any) -> Any:
    return arguments.derived(given, dict[str, list[int]], "there", lambda known: {k: v * 2 for k, v in known.items()})


def test_what_is_made_of_a_plain_value_is_made_at_once() -> None:
    assert doubled({"a": [1]}) == {"a": [1, 1]}


@pytest.mark.parametrize(
    "given",
    [lambda: later({"a": [1]}), lambda: {"a": later([1])}, lambda: {"a": [later(1)]}],
    ids=["all", "in", "leaf"],
)
def test_what_is_made_of_an_output_is_made_once_it_is_known(run: Any, given: Any) -> None:
    made: list[Any] = []
    run(lambda: doubled(given()).apply(made.append))
    assert made == [{"a": [1, 1]}]


def test_outputs_within_an_output_s_value_are_waited_for(run: Any) -> None:
    made: list[Any] = []
    run(lambda: doubled({"a": later(0).apply(lambda _: [later(1), 2]), "b": [3]}).apply(made.append))
    assert made == [{"a": [1, 2, 1, 2], "b": [3, 3]}]


def test_what_one_of_several_outputs_says_of_itself_holds_of_what_is_made(run: Any) -> None:
    said: list[Any] = []

    async def look(made: pulumi.Output[Any]) -> None:
        said.append((await made.is_known(), await made.is_secret()))

    def program() -> None:
        unknown = later([pulumi.UNKNOWN])
        for other in (later([2]), pulumi.Output.secret([2]), unknown):
            pulumi.export(str(id(other)), pulumi.Output.from_input(look(doubled({"a": later([1]), "b": other}))))

    run(program)
    assert said == [(True, False), (True, True), (False, False)]


def test_a_plain_value_is_an_output_as_it_is(run: Any) -> None:
    tools = {"a": [1, {"b": 2}]}
    made: list[Any] = []
    run(lambda: arguments.as_output(tools).apply(made.append))
    assert made[0] is tools


def test_an_output_s_value_is_checked_too(run: Any) -> None:
    with pytest.raises(UsageError, match=r"^there\.a\[0\]: must be a whole number, not 'x'\.$"):
        run(lambda: doubled({"a": later(["x"])}))


@pytest.mark.parametrize("field", ["parts", "words"])
def test_an_output_in_place_of_a_collection(run: Any, field: str) -> None:
    with pytest.raises(UsageError, match=f"^it.{field}: must be a plain value, not an Output"):
        run(lambda: arguments.check({"name": "a", field: later([])}, Args, "it"))

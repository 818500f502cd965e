"""Descriptions in each style. No description is lost, and none lands on another parameter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgate.components.tools import docstrings

BOTH = {"text": "What to look for.", "limit": "Most results."}


@pytest.mark.parametrize(
    "docstring",
    [
        "Args:\n    text: What to look for.\n    limit (int, optional): Most\n        results.",
        "Arguments:\n\n    text: What to look for.\n\n    limit: Most results.",
        "Parameters:\n    text: What to look for.\n    limit: Most results.",
        "Params:\n    text: What to look for.\n    limit: Most results.",
        # What a reader of fewer sections, or one that goes by their names, gets wrong.
        "Args:\n    text: What to look for.\n\nKeyword Args:\n    limit: Most results.",
        "Args:\n    text: What to look for.\nKeyword Args:\n    limit: Most results.",
        "Args:\n    text: What to look for.\n\nOther Parameters:\n    limit: Most results.",
        "Args:\n    text: What to look for.\n    limit: Most results.\n\nWarning:\n    Slow for long texts.",
        "Args:\n    text: What to look for.\n    limit: Most results.\nWarning:\n    Slow for long texts.",
        "Args:\n    text: What to look for.\n    limit: Most results.\n\nThe closing paragraph: it is at the margin.",
        "Args:\n    text: What to look for.\n    limit: Most results.\nThe closing paragraph.",
        "Args:\n    text: What to look for.\n    limit: Most results.\n\nReturns:\n    text: no parameter.",
        "Parameters\n----------\ntext : str\n    What to look for.\nlimit : int, optional\n    Most\n    results.",
        "Parameters\n---\ntext\n    What to look for.\n\nOther Parameters\n---\nlimit\n    Most results.",
        "Parameters\n---\ntext\n    What to look for.\nlimit\n    Most results.\n\nReturns\n---\nint\n    Hits.",
        ":param text: What to look for.\n:param int limit: Most\n    results.",
        ":param text: What to look for.\n:type text: str\n:keyword limit: Most results.\n:returns: Hits.",
        ":arg text: What to look for.\n:argument limit: Most results.\n:raises ValueError: Never.",
    ],
)
@pytest.mark.parametrize("between", ["\n\n", "\n"])
def test_each_parameter_has_its_own_description(docstring: str, between: str) -> None:
    said = docstrings.read(f"Find\n    texts.{between}{docstring}\n")
    assert said.parameters == BOTH
    assert said.summary == "Find texts."


def test_the_summary_is_the_first_paragraph() -> None:
    assert docstrings.read("Book a table\n    for some people.\n\n    Only in the evening.").summary == (
        "Book a table for some people."
    )
    assert docstrings.read("Do it. Args: none.") == docstrings.Description("Do it. Args: none.")
    assert docstrings.read(None) == docstrings.Description()


@pytest.mark.parametrize(
    "docstring", ["Args:\n    a: First.", "Parameters\n----------\na\n    First.", ":param a: First."]
)
def test_a_section_is_no_summary(docstring: str) -> None:
    said = docstrings.read(f"\n{docstring}\n")
    assert (said.summary, said.parameters) == ("", {"a": "First."})


@pytest.mark.parametrize(
    "section",
    [
        "Attributes:\n    a: First.\n    b (int): Second.",
        "Args:\n    a: First.\n    b: Second.",
        "Attributes\n----------\na : str\n    First.\nb\n    Second.",
        ":ivar a: First.\n:var b: Second.",
        ":param a: First.\n:cvar b: Second.",
    ],
)
def test_a_classs_fields_are_attributes_or_parameters(section: str) -> None:
    assert docstrings.read(f"A thing.\n\n{section}").attributes == {"a": "First.", "b": "Second."}


WORDS = st.lists(
    st.sampled_from(["how", "many", "of: them", "(at most)", "a - b", "`x`", "1.5"]), min_size=1, max_size=9
)
SAID = st.dictionaries(st.sampled_from(["a", "b_c", "note", "args", "limit", "x1"]), WORDS, min_size=1, max_size=5)
STYLES = {
    "google": ("Args:\n", "    {0}: {1}\n"),
    "numpy": ("Parameters\n----------\n", "{0} : int\n    {1}\n"),
    "sphinx": ("", ":param {0}: {1}\n"),
}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(STYLES)), SAID, st.sampled_from(["", "\n\nThe end.", "\n\nNote:\n    Slow: very."]))
def test_whatever_is_said_is_said_of_the_right_parameter(style: str, said: dict[str, list[str]], end: str) -> None:
    heading, entry = STYLES[style]
    texts = {name: f"It is {' '.join(words)}" for name, words in said.items()}
    # A description goes on in the next line.
    lines = "".join(entry.format(name, text.replace(" many", "\n        many")) for name, text in texts.items())
    read = docstrings.read(f"Do it.\n\n{heading}{lines}" + (end if style == "google" else ""))
    assert read == docstrings.Description("Do it.", texts, texts)

from toolgate.components.tools import docstrings

DOC = """Book a table
    for some people.

    Only in the evening.

    Args:
        people: How many; with children:
            they count, too.
        when (str): The date.
        note:

    Returns:
        people: not a parameter.
    """


def test_the_first_paragraph_is_the_summary() -> None:
    assert docstrings.summary(DOC) == "Book a table for some people."


def test_parameters_are_those_under_args_with_their_continued_lines() -> None:
    assert docstrings.parameters(DOC) == {
        "people": "How many; with children: they count, too.",
        "when": "The date.",
        "note": "",
    }


def test_no_section_describes_nothing() -> None:
    assert docstrings.parameters("Do it. Args: none.") == {}

"""The tools of the target `math`, as plain functions; `make check` runs this, and nothing of it is shipped."""

import pytest
from tools import add_numbers, greeting, multiply_numbers


@pytest.mark.parametrize(("a", "b", "total"), [(100, 12, 112), (-1.5, 1.5, 0), (0.5, 0.25, 0.75)])
def test_add_numbers(a: float, b: float, total: float) -> None:
    assert add_numbers(a, b) == total


@pytest.mark.parametrize(("a", "b", "product"), [(6, 7, 42), (-2, 3, -6), (5, 0, 0)])
def test_multiply_numbers(a: float, b: float, product: float) -> None:
    assert multiply_numbers(a, b) == product


def test_greeting_names_the_person() -> None:
    assert greeting("Alice") == "Hello, Alice! Welcome."

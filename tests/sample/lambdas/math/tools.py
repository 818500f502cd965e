"""Arithmetic and a greeting: the tools of the target `math`."""


def add_numbers(a: float, b: float) -> float:
    """Add two numbers and return their sum.

    Args:
        a: The first number.
        b: The second number.
    """
    return a + b


def multiply_numbers(a: float, b: float) -> float:
    """Multiply two numbers and return their product.

    Args:
        a: The first number.
        b: The second number.
    """
    return a * b


def greeting(name: str) -> str:
    """Greet a person by name.

    Args:
        name: The person's name.
    """
    return f"Hello, {name}! Welcome."

"""A measured figure beside its reference, and the table of several."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure and what must hold of it.

    Attributes:
        what: What was measured.
        value: The figure.
        reference: What it is measured against, in the same unit and run.
        unit: Their unit.
        bound: Most that `value / reference` may be; with `difference`, most that `value - reference` may be.
        difference: Whether the difference is meant, and not the ratio.
    """

    what: str
    value: float
    reference: float
    unit: str
    bound: float
    difference: bool = False

    @property
    def compared(self) -> float:
        """The ratio, or the difference."""
        return self.value - self.reference if self.difference else self.value / self.reference

    def holds(self) -> bool:
        """Whether it is within its bound."""
        return self.compared <= self.bound

    def line(self) -> str:
        """The figure as a line of a Markdown table."""
        verdict = "holds" if self.holds() else "**does not hold**"
        values = f"{self.value:.2f} {self.unit} | {self.reference:.2f} {self.unit} | {self.compared:.3f}"
        return f"| {self.what} | {values} | {self.bound:.3g} | {verdict} |"


def printed(figures: Iterable[Figure], ours: str = "ours") -> int:
    """Print each figure as soon as it is measured.

    Returns:
        1 if one does not hold, else 0.
    """
    print(f"| what | {ours} | reference | compared | at most | |\n|---|---|---|---|---|---|", flush=True)
    held = []
    for figure in figures:
        print(figure.line(), flush=True)
        held.append(figure.holds())
    return 0 if all(held) else 1

"""What docstrings tell the model of a tool and its parameters, in Google, NumPy or Sphinx style. griffe parses them."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import griffe

_PARAMETERS = {griffe.DocstringSectionKind.parameters, griffe.DocstringSectionKind.other_parameters}
_DESCRIBING = _PARAMETERS | {griffe.DocstringSectionKind.attributes}
# A section at the very start is text to griffe: this stands before it.
_BEFORE = "."
# So is a Google section without an empty line before it, or with one under its name.
_SECTION = re.compile(r"\n+(?P<name>[A-Z][A-Za-z ]*:)\n+(?=[ \t]+\S)")


@dataclass(frozen=True)
class Description:
    """What a docstring says.

    Attributes:
        summary: Its first paragraph, on one line; "" if it starts with a section.
        parameters: What it says of each parameter, on one line.
        attributes: Likewise of each attribute, and of a class's parameters: a dataclass is documented either way.
    """

    summary: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)


def read(docstring: str | None) -> Description:
    """What a docstring says, in the style that it is written in."""
    text = inspect.cleandoc(docstring or "")
    if not text:
        return Description()
    sections = _sections(text)
    before = sections[0].value.removeprefix(_BEFORE).strip()
    return Description(
        _line(before.split("\n\n", 1)[0]),
        _texts(section for section in sections if section.kind in _PARAMETERS),
        _texts(section for section in sections if section.kind in _DESCRIBING),
    )


def summary(docstring: str) -> str:
    """The first paragraph, on one line."""
    return _line(inspect.cleandoc(docstring).split("\n\n", 1)[0])


def sentence(text: str) -> str:
    """The text with a full stop, so that another sentence can follow."""
    return text if not text or text[-1] in ".!?:;" else f"{text}."


def _sections(text: str) -> list[Any]:
    padded = f"{_BEFORE}\n\n{text}"
    # The patterns by which griffe tells the styles want a line after.
    style, _ = griffe.infer_docstring_style(griffe.Docstring(f"{padded}\n."))
    if style is griffe.Parser.numpy:
        return griffe.parse_numpy(griffe.Docstring(padded), warnings=False)
    if style is griffe.Parser.sphinx:
        return griffe.parse_sphinx(griffe.Docstring(padded), warnings=False)
    return griffe.parse_google(griffe.Docstring(_SECTION.sub(r"\n\n\g<name>\n", padded)), warnings=False)


def _texts(sections: Iterator[Any]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for section in sections:
        for entry in section.value:
            found.setdefault(entry.name.lstrip("*"), []).append(_line(entry.description))
    return {name: " ".join(filter(None, texts)) for name, texts in found.items()}


def _line(text: str) -> str:
    return " ".join(text.split())

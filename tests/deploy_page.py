"""The tables of docs/deploy.md that tests hold against what they are about."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.planning import ROOT

PAGE = ROOT / "docs/deploy.md"


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of each row below a heading of the page, without the tables' first lines."""
    text = PAGE.read_text(encoding="utf-8")
    section = re.split(rf"^#+ {re.escape(heading)}$", text, maxsplit=1, flags=re.MULTILINE)[1]
    for line in re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0].splitlines():
        if line.startswith("| ") and not line.startswith(("| part |", "| type |")):
            # A bar in a cell has a backslash before it.
            yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


def import_forms() -> dict[str, str]:
    """By type: what an id for `pulumi import` is made of."""
    found: dict[str, str] = {}
    for types, forms, _ in rows("Taking over what exists"):
        of_each = forms.split("; ")
        for number, alike in enumerate(types.split("; ")):
            for kind in re.findall(r"`([^`]+)`", alike):
                found[kind] = of_each[min(number, len(of_each) - 1)].strip("`")
    return found


def import_id(form: str, outputs: Mapping[str, Any]) -> str:
    """The id of a resource with these outputs."""
    # A delivery's id is no output of the provider's; AWS gives it beside the ARN, which ends in it.
    known = {"id": outputs["arn"].rpartition(":")[2]} if form == "id" and "id" not in outputs else outputs
    return re.sub(r"\w+", lambda name: str(known[name[0]]), form)

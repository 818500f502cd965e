"""`toolgate review`: the comment on a pull request, made on this machine."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from toolgate.local.engine.stack_config import stacks_of
from toolgate.local.progress import waiting_for
from toolgate.local.terminal import say
from toolgate.review.comment import LONGEST_BYTES, comment, headline, summary
from toolgate.review.planning import plan_trees
from toolgate.review.revisions import Revisions, revisions, tree_of
from toolgate.review.stack_review import judge

FINE, MANDATORY, UNPLANNED = 0, 1, 2
"""Exit codes. That somebody gains access or a lock is taken off is no fault: people judge it, by the summary."""


class UnknownStackError(Exception):
    """A stack that was asked for is not there; the text says which there are."""


def review(  # noqa: PLR0913  what the command line has
    root: Path,
    base: str,
    stacks: Sequence[str],
    out: Path | None,
    summary_file: Path | None,
    *,
    rules: Path | None = None,
) -> int:
    """Compare the working tree with a revision; print or write the comment; return the exit code.

    Args:
        root: The project's folder.
        base: The revision to compare with.
        stacks: Stacks to plan; all that either side has settings for when there are none.
        out: Where to write the comment; without it, it is printed.
        summary_file: Where to write the counts as JSON.
        rules: The policy pack's configuration. Of a file in the project each side takes its own state.

    Raises:
        RevisionError: There is no such revision.
        UnknownStackError: A stack has settings on neither side.
    """
    compared = revisions(root, base)
    judgements = _judgements(root, compared, stacks, rules)
    counts = summary(judgements)
    if summary_file is not None:
        summary_file.write_text(json.dumps(counts) + "\n", encoding="utf-8")
    if out is None:
        say(comment(judgements, compared), nl=False)
    else:
        out.write_text(comment(judgements, compared, longest=LONGEST_BYTES), encoding="utf-8")
        say(f"{headline(judgements)}; the whole in {out}", err=True)
    return _code(counts)


def _judgements(root: Path, compared: Revisions, stacks: Sequence[str], rules: Path | None) -> Mapping[str, Any]:
    scratch = root / ".local"
    scratch.mkdir(exist_ok=True)
    with (
        TemporaryDirectory(dir=scratch, prefix="review-") as folder,
        tree_of(root, compared.base, Path(folder)) as tree,
    ):
        known = {*stacks_of(tree), *stacks_of(root)}
        if unknown := [stack for stack in stacks if stack not in known]:
            there = ", ".join(sorted(known)) or "none"
            raise UnknownStackError(f"no stack `{unknown[0]}`, before or after; there are: {there}")
        wanted = stacks or sorted(known)
        with waiting_for(f"the plans of {', '.join(wanted)}, before and after"):
            before, after = plan_trees(
                [tree, root], wanted, Path(folder), [_at_base(rules, root, tree), rules and rules.resolve()]
            )
    return {stack: judge(before[stack], after[stack]) for stack in wanted}


def _at_base(rules: Path | None, root: Path, tree: Path) -> Path | None:
    if rules is None or not rules.resolve().is_relative_to(root.resolve()):
        return rules and rules.resolve()
    before = tree / rules.resolve().relative_to(root.resolve())
    return before if before.is_file() else None


def _code(counts: Mapping[str, Any]) -> int:
    if counts["unplanned"]:
        return UNPLANNED
    return MANDATORY if counts["mandatory"] else FINE

"""`toolgate review` and `toolgate approval`: what a change does, and whether a reviewer agreed to it."""

from pathlib import Path

import click

from toolgate.cli import options
from toolgate.cli.options import CommandError


@click.command()
@options.program
@click.option("--base", required=True, help="the revision to compare the working tree with, such as main")
@click.option("--stack", "stacks", type=options.STACK, multiple=True, help="a stack to compare (default: all)")
@click.option("--out", type=options.FILE, help="write the comment here, short enough for GitHub")
@options.rules
@click.option("--summary", type=options.FILE, help="write the counts here, as JSON")
def review(
    program: Path, base: str, stacks: tuple[str, ...], out: Path | None, rules: Path | None, summary: Path | None
) -> int:
    """What a change does, as a pull request's comment.

    Exit code 0: no mandatory violation. 1: there are some. 2: a stack cannot be planned.
    """
    from toolgate.review.command import UnknownStackError
    from toolgate.review.command import review as reviewed
    from toolgate.review.revisions import RevisionError

    options.pack_config(rules)  # what is wrong with the file is said before anything is planned
    try:
        return reviewed(program, base, stacks, out, summary, rules=rules)
    except (RevisionError, UnknownStackError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be written ({error.strerror}); give another file") from error


@click.command()
@options.program
@click.option("--summary", required=True, type=options.FILE, help="what `toolgate review --summary` wrote")
@click.option("--event", required=True, type=options.FILE, help="GitHub's event as JSON ($GITHUB_EVENT_PATH)")
@click.option("--base", required=True, help="the revision whose .github/access-reviewers counts")
def approval(program: Path, summary: Path, event: Path, base: str) -> int:
    """Whether a reviewer has agreed that somebody gains access or a lock is taken off. Exit code 1: nobody has."""
    from toolgate.review.approval import ApprovalError, agreed

    try:
        return agreed(program, summary, event, base)
    except ApprovalError as error:
        raise CommandError(str(error)) from error

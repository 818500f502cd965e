"""Whether a reviewer has agreed that somebody gains access, or that a lock is taken off.

The label counts in the run that giving it starts, and in no other: GitHub's event then holds who gave it and for which
commit. A later push, or reopening the pull request, asks for it again.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from toolgate.access.deployment.text_file import TextFileError, read_json
from toolgate.local.terminal import say
from toolgate.review.revisions import file_at

LABEL = "access-reviewed"
REVIEWERS = ".github/access-reviewers"
_NEWS = {"gains": "Somebody gains access", "locks": "A lock is taken off", "unjudged": "Access newly cannot be judged"}
"""The counts of the summary that a reviewer has to agree to."""
_EVENT = "GitHub's event ($GITHUB_EVENT_PATH)"


class ApprovalError(Exception):
    """What an agreement is read from cannot be used; the text says which file, and where it comes from."""


def agreed(root: Path, summary: Path, event_file: Path, base: str) -> int:
    """Say whether a change may go on; return 0 when a reviewer has agreed or need not, else 1.

    Args:
        root: The repository.
        summary: What the review wrote.
        event_file: GitHub's event as JSON.
        base: The revision whose list of reviewers counts.

    Raises:
        ApprovalError: One of the two files cannot be used.
    """
    counts = _read(summary, "what `toolgate review --summary` wrote")
    if missing := sorted(_NEWS.keys() - counts.keys()):
        raise ApprovalError(f"{summary}: has no {', '.join(missing)}; give what `toolgate review --summary` wrote")
    news = [words for count, words in _NEWS.items() if counts[count]]
    if not news:
        return 0
    event = _read(event_file, _EVENT)
    reviewers = _logins(file_at(root, base, REVIEWERS) or "")
    try:
        objected = objection(event, reviewers)
    except (KeyError, TypeError, AttributeError) as error:
        raise ApprovalError(f"{event_file}: is no event of a pull request; give {_EVENT}") from error
    if objected is None:
        say(f"{event['sender']['login']} has agreed.")
        return 0
    who = ", ".join(sorted(reviewers)) or "somebody who may give labels and is not the author"
    say(f"{' and '.join(news)}, and {objected}. {who} agrees by giving the label `{LABEL}` to this commit.")
    say("Where the pull request has the label already, take it off and give it again.")
    return 1


def objection(event: Mapping[str, Any], reviewers: Collection[str]) -> str | None:
    """Why an event is no agreement; None if it is one.

    Args:
        event: GitHub's `pull_request` event.
        reviewers: Logins in lower case; none means everybody.
    """
    if event.get("action") != "labeled" or event["label"]["name"] != LABEL:
        return "nobody has agreed to it"
    sender = event["sender"]["login"].lower()
    if sender == event["pull_request"]["user"]["login"].lower():
        return f"{sender} cannot agree to a change of their own"
    if reviewers and sender not in reviewers:
        return f"{sender} is not among the reviewers in {REVIEWERS}"
    return None


def _read(file: Path, wanted: str) -> Mapping[str, Any]:
    try:
        content = read_json(file)
    except TextFileError as error:
        raise ApprovalError(f"{file}: {error}; give {wanted}") from error
    if not isinstance(content, dict):
        raise ApprovalError(f"{file}: is no JSON object; give {wanted}")
    return content


def _logins(text: str) -> frozenset[str]:
    lines = (line.partition("#")[0].strip().removeprefix("@").lower() for line in text.splitlines())
    return frozenset(line for line in lines if line)

"""Whether a reviewer has agreed that somebody gains access, or that a lock is taken off.

The label counts in the run that giving it starts, and in no other: GitHub's event then holds who gave it and for which
commit. A later push, or reopening the pull request, asks for it again.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from toolgate.review.revisions import file_at

LABEL = "access-reviewed"
REVIEWERS = ".github/access-reviewers"
_NEWS = {"gains": "Somebody gains access", "locks": "A lock is taken off", "unjudged": "Access newly cannot be judged"}
"""The counts of the summary that a reviewer has to agree to."""


def agreed(root: Path, summary: Path, event_file: Path, base: str) -> int:
    """Say whether a change may go on; return 0 when a reviewer has agreed or need not, else 1.

    Args:
        root: The repository.
        summary: What the review wrote.
        event_file: GitHub's event as JSON.
        base: The revision whose list of reviewers counts.
    """
    counts = json.loads(summary.read_bytes())
    news = [words for count, words in _NEWS.items() if counts[count]]
    if not news:
        return 0
    event = json.loads(event_file.read_bytes())
    reviewers = _logins(file_at(root, base, REVIEWERS) or "")
    missing = objection(event, reviewers)
    if missing is None:
        print(f"{event['sender']['login']} has agreed.")
        return 0
    who = ", ".join(sorted(reviewers)) or "somebody who may give labels and is not the author"
    print(f"{' and '.join(news)}, and {missing}. {who} agrees by giving the label `{LABEL}` to this commit.")
    print("Where the pull request has the label already, take it off and give it again.")
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


def _logins(text: str) -> frozenset[str]:
    lines = (line.partition("#")[0].strip().removeprefix("@").lower() for line in text.splitlines())
    return frozenset(line for line in lines if line)

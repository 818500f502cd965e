import json
from pathlib import Path
from typing import Any

import pytest

from toolgate.cli.main import main
from toolgate.review import approval
from toolgate.review.approval import LABEL, objection


def event(sender: str = "rita", action: str = "labeled", label: str = LABEL, author: str = "alan") -> dict[str, Any]:
    return {
        "action": action,
        "label": {"name": label},
        "sender": {"login": sender},
        "pull_request": {"user": {"login": author}, "labels": [{"name": LABEL}]},
    }


@pytest.mark.parametrize("reviewers", [(), ("rita",)])
@pytest.mark.parametrize("sender", ["rita", "Rita"])
def test_a_reviewers_label_is_an_agreement(reviewers: tuple[str, ...], sender: str) -> None:
    assert objection(event(sender), reviewers) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (event(action="synchronize"), "nobody has agreed"),
        (event(action="reopened"), "nobody has agreed"),
        (event(action="unlabeled"), "nobody has agreed"),
        (event(label="bug"), "nobody has agreed"),
        (event(sender="Alan"), "cannot agree to a change of their own"),
        (event(sender="mallory"), "not among the reviewers"),
        (event(sender="rit"), "not among the reviewers"),
    ],
)
def test_anything_else_is_none_even_with_the_label_on(given: dict[str, Any], words: str) -> None:
    found = objection(given, ("rita", "alan"))
    assert found is not None
    assert words in found


@pytest.mark.parametrize(
    ("counts", "given", "code"),
    [
        ((0, 0, 0), event(action="opened"), 0),
        ((1, 0, 0), event(action="opened"), 1),
        ((0, 1, 0), event(action="opened"), 1),
        ((0, 0, 1), event(action="opened"), 1),
        ((1, 0, 0), event(), 0),
        ((0, 1, 1), event(), 0),
        ((1, 1, 0), event("eve"), 1),
    ],
)
def test_the_command(
    counts: tuple[int, int, int], given: dict[str, Any], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "summary").write_text(json.dumps(dict(zip(("gains", "locks", "unjudged"), counts, strict=True))))
    (tmp_path / "event").write_text(json.dumps(given))
    monkeypatch.setattr(approval, "file_at", lambda *_: "# who\n@Rita  # security\n\n")
    arguments = ["--base", "HEAD", "--summary", str(tmp_path / "summary"), "--event", str(tmp_path / "event")]
    assert main(["approval", *arguments]) == code

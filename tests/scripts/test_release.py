"""A release: of the version that is in the tree, with what the changelog says of it, and of nothing else."""

import pytest

from scripts import release

CHANGELOG = """# Changelog

words

## Unreleased

## 1.2.0 (2026-11-29)

### Added

- new

## 1.1.0 (2026-11-22)

- old
"""


def test_what_is_said_of_a_version_is_its_section() -> None:
    assert release.notes("v1.2.0", "1.2.0", CHANGELOG) == "### Added\n\n- new"


@pytest.mark.parametrize(
    ("tag", "changelog", "said"),
    [
        ("v1.3.0", CHANGELOG, "the tag v1.3.0 is not the version 1.2.0: tag v1.2.0"),
        ("1.2.0", CHANGELOG, "tag v1.2.0"),
        ("v1.2.0", CHANGELOG.replace("Unreleased\n", "Unreleased\n\n- more\n"), "lines under Unreleased"),
        ("v1.2.0", CHANGELOG.replace("1.2.0 (", "1.2.0rc1 ("), "under the heading `## 1.2.0 (YYYY-MM-DD)`"),
        ("v1.2.0", CHANGELOG.replace(" (2026-11-29)", ""), "under the heading `## 1.2.0 (YYYY-MM-DD)`"),
        ("v1.2.0", CHANGELOG.replace("### Added\n\n- new\n", ""), "must begin with what changed"),
        ("v1.2.0", "# Changelog\n", "must begin with what changed"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused(tag: str, changelog: str, said: str) -> None:
    with pytest.raises(release.ReleaseError) as refused:
        release.notes(tag, "1.2.0", changelog)
    assert said in str(refused.value)


def test_the_command_ends_with_one_line_where_it_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["v0.0.0"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: the tag v0.0.0 is not the version ")
    assert printed.err.count("\n") == 1


def test_the_command_takes_one_tag(capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main([]) == 2
    assert "usage: " in capsys.readouterr().err

"""The report: differences first, nothing lost, nothing that breaks out of its cell."""

from tests.aws.probing import Finding
from tests.aws.report import LONGEST_EVIDENCE, Outcome, Report, lines, markdown

SAME = Finding("test_a", "Is it?", "It matters.", "yes", "documentation", "yes")
OTHER = Finding("test_b", "Does it?", "docs/x.md says so.", "yes", "the local deployment", "no", "a | b\n<script>")
REPORT = Report(
    "`make test-aws` in us-east-1",
    [Outcome("test_c", "passed"), Outcome("test_d", "failed", "let | in"), Outcome("test_e", "skipped", "none")],
    [SAME, OTHER],
    [Outcome("test_f", "failed", "it was not made")],
)


def test_the_terminal_shows_differences_first_and_counts() -> None:
    shown = list(lines(REPORT))
    assert shown[0] == "DIFFERS     Does it?"
    assert shown[1:3] == ["            assumed:  yes", "            observed: no"]
    assert "as assumed  Is it?" in shown
    assert "NOT SEEN    test_f: it was not made" in shown
    assert shown[-1] == "2 checks held, 1 did not. 1 of 2 answers differ from what was assumed."


def test_the_file_has_everything_once_and_in_its_cell() -> None:
    written = markdown(REPORT)
    rows = [line for line in written.splitlines() if line.startswith("| ")]
    assert rows[1] == r"| **differs** | Does it? | yes | the local deployment | no | a \| b \<script\> |"
    assert rows[2].startswith("| same | Is it? |")
    assert "- `test_f`: it was not made" in written
    assert "- passed: `test_c`\n" in written
    assert r"- failed: `test_d`: let \| in" in written
    assert written.endswith("- `test_b`: docs/x.md says so.\n")
    assert "It matters." not in written


def test_evidence_that_is_long_is_cut() -> None:
    long = Finding("test_g", "Is it?", "", "yes", "documentation", "yes", "x" * 5000)
    assert "x" * LONGEST_EVIDENCE in markdown(Report("a", [], [long], []))
    assert "x" * (LONGEST_EVIDENCE + 1) not in markdown(Report("a", [], [long], []))

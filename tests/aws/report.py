"""What a run found out, as a table for the terminal and as Markdown to paste into an issue."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.aws.probing import Finding

LONGEST_EVIDENCE = 600


@dataclass(frozen=True)
class Outcome:
    """A test that ran: its name, how it ended (`passed`, `failed`, `skipped`), and why where it did not pass."""

    name: str
    ended: str
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """A run against AWS.

    Attributes:
        about: What was asked, where and when; without account.
        checks: What this project promises.
        findings: What nobody knew before.
        unseen: Probes that could see nothing.
    """

    about: str
    checks: Sequence[Outcome]
    findings: Sequence[Finding]
    unseen: Sequence[Outcome]


def lines(report: Report) -> Iterator[str]:
    """For the terminal: a line for each finding, differences first."""
    for finding in _differences_first(report.findings):
        yield f"{'DIFFERS' if finding.differs else 'as assumed':10}  {finding.question}"
        yield f"{'':12}assumed:  {finding.assumed}"
        if finding.differs:
            yield f"{'':12}observed: {finding.observed}"
    yield from (f"{'NOT SEEN':10}  {it.name}: {it.reason}" for it in report.unseen)
    failed = [it for it in report.checks if it.ended == "failed"]
    yield (
        f"{len(report.checks) - len(failed)} checks held, {len(failed)} did not. "
        f"{sum(it.differs for it in report.findings)} of {len(report.findings)} answers differ from what was assumed."
    )


def markdown(report: Report) -> str:
    """For an issue."""
    return "\n".join([*_markdown(report), ""])


def _markdown(report: Report) -> Iterator[str]:
    yield f"# {report.about}"
    yield "\n## What AWS answers\n"
    yield "| | question | assumed | by | observed | evidence |"
    yield "|---|---|---|---|---|---|"
    for it in _differences_first(report.findings):
        cells = (it.question, it.assumed, it.source, it.observed or "", it.evidence[:LONGEST_EVIDENCE])
        yield f"| {'**differs**' if it.differs else 'same'} | {' | '.join(map(_cell, cells))} |"
    if report.unseen:
        yield "\n## What could not be seen\n"
        yield from (f"- `{it.name}`: {_cell(it.reason)}" for it in report.unseen)
    yield "\n## What is promised\n"
    yield from (f"- {it.ended}: `{it.name}`{_because(it)}" for it in report.checks)
    if differing := [it for it in report.findings if it.differs]:
        yield "\n## Where the differences matter\n"
        yield from (f"- `{it.name}`: {it.matters}" for it in differing)


def _differences_first(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: not finding.differs)


def _because(outcome: Outcome) -> str:
    return f": {_cell(outcome.reason)}" if outcome.reason else ""


def _cell(text: str) -> str:
    """Text that breaks out of no cell and starts no markup."""
    return re.sub(r"([\\|<>`*_\[\]])", r"\\\1", " ".join(text.split()))

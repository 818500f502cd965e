"""One suite, two environments: the local deployment, and with `--stack NAME` that stack on AWS."""

import contextlib
import signal
import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.aws import report
from tests.aws.announcement import announcement
from tests.aws.aws_world import Aws, aws_world
from tests.aws.local_world import Export, local_world, planned_scratch, planned_stack
from tests.aws.masking import masked
from tests.aws.probing import Finding, Probe
from tests.aws.report import Outcome, Report
from tests.aws.stack_under_test import CannotStartError, UnderTest, read
from tests.aws.throwaway import Place, left_behind
from tests.aws.world import World
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.progress import waiting_for

REPORT = Path(".local", "aws-report.md")
SUITE = Path(__file__).parent
OWN = SUITE / "own"
"""The suite's own tests, which need no account."""


@dataclass
class Run:
    """A run against AWS, and what it has found out so far."""

    under_test: UnderTest
    session: boto3.Session
    name: str
    plan: tuple[Export, ControlPlane]
    findings: list[Finding] = field(default_factory=list)
    checks: list[Outcome] = field(default_factory=list)
    unseen: list[Outcome] = field(default_factory=list)


RUN = pytest.StashKey[Run]()
LOCAL = pytest.StashKey[World]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stack", help="a stack on AWS to ask; without it the local deployment is asked alone")
    parser.addoption("--key", default="", help="ARN of a KMS key, for the question that takes one")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Find out whom to ask before anything is made."""
    stack = session.config.getoption("--stack", None)
    if stack is None:
        return
    credentials = boto3.Session()
    try:
        under_test = read(stack, credentials)
    except CannotStartError as error:
        raise pytest.UsageError(str(error)) from error
    run = session.config.stash[RUN] = Run(under_test, credentials, f"r{uuid.uuid4().hex[:5]}", planned_scratch())
    terminal = session.config.get_terminal_writer()
    for line in announcement(under_test, run.name, run.plan[0]):
        terminal.line(f"test-aws: {line}")
    # pytest takes down what a run has made when it is told to end, but not when it is killed.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("told to end", 128 + signal.SIGTERM))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if RUN in config.stash and collection_path == OWN else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On AWS every wait has a bound of its own; one that cuts a test off would leave things behind."""
    if RUN in config.stash:
        for item in items:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(scope="session")
def stack_plan() -> Export:
    return planned_stack()


@pytest.fixture(scope="session")
def scratch_plan(pytestconfig: pytest.Config) -> tuple[Export, ControlPlane]:
    run = pytestconfig.stash.get(RUN, None)
    return run.plan if run else planned_scratch()


@pytest.fixture
def local(
    request: pytest.FixtureRequest,
    stack_plan: Export,
    scratch_plan: tuple[Export, ControlPlane],
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    """The local deployment, served for this folder: it ends with the folder's last test and not with the session."""
    [folder] = [node for node in request.node.listchain() if node.path == SUITE]
    if LOCAL not in folder.stash:
        stack = contextlib.ExitStack()
        folder.addfinalizer(stack.close)
        plans = stack_plan, *scratch_plan
        folder.stash[LOCAL] = stack.enter_context(local_world(*plans, logs=tmp_path_factory.mktemp("logs")))
        stack.callback(folder.stash.__delitem__, LOCAL)  # whoever comes back to the folder gets a server that lives
    world: World = folder.stash[LOCAL]
    return world


@pytest.fixture(scope="session")
def aws(pytestconfig: pytest.Config) -> Iterator[World | None]:
    run = pytestconfig.stash.get(RUN, None)
    if run is None:
        yield None
        return
    stack = contextlib.ExitStack()
    of_tester = Aws(run.session, run.under_test.region, pytestconfig.getoption("--key"))
    made = aws_world(run.under_test, run.name, of_tester, Place())
    try:
        with _shown(pytestconfig, "the throw-away stack to be made"):
            world = stack.enter_context(made)
        yield world
    finally:
        with _shown(pytestconfig, "the throw-away stack to be taken down"):
            stack.close()


@contextlib.contextmanager
def _shown(config: pytest.Config, what: str) -> Iterator[None]:
    """Say what is waited for, past pytest's capture: it takes minutes."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext(), waiting_for(what):
        yield


@pytest.fixture
def world(aws: World | None, local: World) -> World:
    """Where a check is made: on AWS if there is a stack to ask."""
    return aws or local


@pytest.fixture
def probe(request: pytest.FixtureRequest, local: World, aws: World | None) -> Probe:
    """Asks the question in the test's docstring."""
    run = request.config.stash.get(RUN, None)
    text = request.function.__doc__ or ""
    if "[" in request.node.name:
        question, gap, matters = text.partition("\n\n")
        text = f"{question} ({request.node.name.partition('[')[2].rstrip(']')}){gap}{matters}"
    return Probe(request.node.name, text, local, aws, run.findings.append if run else lambda _: None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    made = yield
    run = item.config.stash.get(RUN, None)
    if run and (made.when == "call" or (made.when == "setup" and not made.passed)):
        reason = "" if made.passed else str(call.excinfo.value if call.excinfo else made.longrepr)
        asked = getattr(item, "funcargs", {}).get("aws")
        outcome = Outcome(item.name, made.outcome, masked(reason, asked))
        if "probe" not in getattr(item, "fixturenames", ()):
            run.checks.append(outcome)
        elif not made.passed:
            run.unseen.append(outcome)
    return made


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    run = config.stash.get(RUN, None)
    if run is None:
        return
    about = f"`make test-aws` in {run.under_test.region}"
    found = Report(about, run.checks, run.findings, run.unseen)
    terminalreporter.section("what AWS answers")
    for line in report.lines(found):
        terminalreporter.line(line)
    file = config.invocation_params.dir / REPORT
    file.parent.mkdir(exist_ok=True)
    file.write_text(report.markdown(found), encoding="utf-8")
    terminalreporter.line(f"written to {REPORT}, without account and keys: please put it into an issue")
    for stack in left_behind(Place()):
        terminalreporter.line(f"LEFT BEHIND: {stack.name}. Take it down: python -m tests.aws.throwaway", red=True)

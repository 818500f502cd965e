"""A real Pulumi engine on the project's program, its provider `aws` being the stand-in in this process.

By the Automation API with an inline program: no language host, no plugin folder, one import of the SDK for all tests.
"""

import contextlib
import json
import os
import runpy
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation as auto

from tests.planning import SAMPLE
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine.export_writer import export
from toolgate.local.engine.provider import Provider, started
from toolgate.local.engine.recorder import Program, record

ROOT = Path(__file__).parents[2]
# With every resource that the program can make.
SEEN = {
    "logs": True,
    "traces": True,
    "alarms": True,
    "alarmTopics": ["arn:aws:sns:us-east-1:123456789012:oncall"],
    "dashboard": True,
}
SETTINGS = {"aws:region": "us-east-1", "toolgate:bundle": "sources", "toolgate:observability": json.dumps(SEEN)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder needs the engine."""
    without = pytest.mark.skip(reason="no `pulumi` on PATH: install its CLI to run the tests with a real engine")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engine)
            if shutil.which("pulumi") is None:
                item.add_marker(without)


@dataclass
class Engine:
    """A stack of a real engine over the stand-in account.

    Attributes:
        stack: The stack.
        provider: The stand-in; its account and its refusals can be changed.
        folder: The program's folder: a copy that a test may change.
        events: What the engine said.
        failed: What the command printed when the last update failed; of the events the last may not have come then.
    """

    stack: auto.Stack
    provider: Provider
    folder: Path
    events: list[auto.EngineEvent] = field(default_factory=list)
    failed: str = ""

    def up(self, **more: Any) -> dict[str, int]:
        """Deploy; the number of resources by operation."""
        self.failed = ""
        try:
            summary = self.stack.up(on_event=self.events.append, **more).summary.resource_changes or {}
        except auto.CommandError as error:
            self.failed = str(error)
            raise
        return {str(getattr(operation, "value", operation)): count for operation, count in summary.items()}

    def messages(self) -> list[str]:
        """The diagnostics that the engine showed."""
        shown = [event.diagnostic_event.message for event in self.events if event.diagnostic_event]
        return [*shown, self.failed] if self.failed else shown

    def resources(self) -> list[dict[str, Any]]:
        """The stack's resources, as exported."""
        return list((self.stack.export_stack().deployment or {}).get("resources", []))

    def account(self) -> list[str]:
        """The types of the resources that exist in the stand-in account."""
        with self.provider.store.transaction() as account:
            return sorted(record["type"] for record in account["resources"].values())


@pytest.fixture(autouse=True)
def nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks boto3 asks nobody, whatever the shell of the tests has: a closed port of this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    caller = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "none"}
    for name, value in {**nowhere, **caller, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)


type Start = Callable[..., Engine]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Makes an engine for the project's program, or for a program that is given."""
    with contextlib.ExitStack() as stack:
        yield lambda *program, **variables: stack.enter_context(an_engine(tmp_path, *program, **variables))


@contextlib.contextmanager
def an_engine(
    tmp_path: Path, program: Callable[[], None] | None = None, *, folder: Path | None = None, **variables: str
) -> Iterator[Engine]:
    """An engine whose program runs in a folder of its own, which is the current one as long as the block runs."""
    if folder is None:
        folder = tmp_path / "program"
        for name in ("lambdas", "agent", "interceptors"):
            shutil.copytree(SAMPLE / name, folder / name)
    for name in ("state", "work"):
        (tmp_path / name).mkdir()
    provider = Provider(MemoryStore(), {})
    server, port = started(provider)
    environment = {
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DEBUG_PROVIDERS": f"aws:{port}",
        "PULUMI_ERROR_OUTPUT_STRING": "1",
        **variables,
    }
    options = auto.LocalWorkspaceOptions(
        env_vars=environment,
        work_dir=str(tmp_path / "work"),
        stack_settings={"dev": auto.StackSettings(config=dict(SETTINGS))},
    )
    try:
        with contextlib.chdir(folder):  # the engine reads the files that the program names from here
            stack = auto.create_stack("dev", project_name="toolgate", program=program or project, opts=options)
            yield Engine(stack, provider, folder)
    finally:
        server.stop(None).wait()


def planned() -> list[dict[str, Any]]:
    """The resources of the project's program, planned without an engine (and without the policy pack)."""
    plane = ControlPlane(CloudEnvironment(region=SETTINGS["aws:region"]), MemoryStore(), {})
    recording = record(Program(SAMPLE, "toolgate", "dev", SETTINGS), plane)
    return list(export(recording, plane.env)["deployment"]["resources"])


def project() -> None:
    """The project's program."""
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

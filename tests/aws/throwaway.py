"""The throw-away stack on AWS: made by Pulumi's Automation API, and taken down whatever happens in between.

Its state lies in this clone and not in the backend of the stack under test: nothing of a run is left there. What a run
could not take down, the next one does first; by hand: `python -m tests.aws.throwaway`.
"""

import contextlib
import json
import runpy
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi import automation as auto

from tests.aws.local_world import PROGRAM, PROJECT
from tests.aws.waiting import until
from tests.aws.world import Making
from toolgate.components.iam.iam_propagation import LATE, LATE_GATEWAY, NEW_GATEWAY

STATE = Path(__file__).resolve().parents[2] / ".aws-probe"
TRIES = 3
LOCKED_SECONDS = 180.0


@dataclass(frozen=True)
class Place:
    """Where the throw-away stacks' state is, and further environment variables of the engine."""

    state: Path = STATE
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Deployed:
    """A throw-away stack that was made, as far as AWS made it: its export, and how it came to be."""

    export: Mapping[str, Any]
    making: Making


@contextlib.contextmanager
def deployed(run: str, config: Mapping[str, str], place: Place) -> Iterator[Deployed]:
    """Make the throw-away stack; when the block ends, however it ends, nothing of it is left.

    What AWS refuses keeps nothing else from being made: a refusal is an answer too.

    Args:
        run: The stack's name, which is in every resource's name.
        config: Its configuration.
        place: Where its state is.

    Raises:
        auto.CommandError: The update itself went wrong, or the stack could not be taken down; its text says why.
    """
    stack = _stack(run, config, place)
    try:
        how = _made(stack)
        exported = stack.export_stack()
        yield Deployed({"version": exported.version, "deployment": exported.deployment}, how)
    finally:
        take_down(stack)


def _made(stack: auto.Stack) -> Making:
    events: list[auto.EngineEvent] = []
    try:
        stack.up(on_event=events.append, continue_on_error=True)
    except auto.CommandError:
        if not making(events).refused:  # no resource's refusal: the update itself went wrong
            raise
    return making(events)


def making(events: list[auto.EngineEvent]) -> Making:
    """How the resources came to be, from what the engine told of an update."""
    begun: dict[str, int] = {}
    seconds: dict[str, float] = {}
    refused: dict[str, str] = {}
    repeated: Counter[str] = Counter()
    late: set[str] = set()
    for event in events:
        if event.resource_pre_event:
            begun[event.resource_pre_event.metadata.urn] = event.timestamp
        elif event.res_outputs_event:
            urn = event.res_outputs_event.metadata.urn
            seconds[_name(urn)] = event.timestamp - begun.get(urn, event.timestamp)
        elif said := event.diagnostic_event:
            name, _, told = said.message.partition(": ")
            if told.startswith(f"{LATE},") or told.startswith(LATE_GATEWAY):
                repeated[name] += 1
            if told.startswith(LATE_GATEWAY):
                late.add(name)
            if said.severity == "error" and said.urn:
                refused.setdefault(_name(said.urn), " ".join(said.message.split()))
                if NEW_GATEWAY in said.message.lower():
                    late.add(_name(said.urn))
    return Making(seconds, repeated, refused, frozenset(late))


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def take_down(stack: auto.Stack) -> None:
    """Destroy a stack and forget it.

    Raises:
        auto.CommandError: Something of it is left.
        TimeoutError: Another update holds it.
    """
    for attempt in range(1, TRIES + 1):
        try:
            until("the end of another update", lambda: _destroyed(stack), LOCKED_SECONDS)
            break
        except (auto.CommandError, TimeoutError):
            if attempt == TRIES:
                raise
            # An update that was killed has left its lock, and may have left what the state does not hold yet.
            with contextlib.suppress(auto.CommandError):
                stack.cancel()
            with contextlib.suppress(auto.CommandError):
                stack.refresh(clear_pending_creates=True)
    stack.workspace.remove_stack(stack.name)


def _destroyed(stack: auto.Stack) -> bool:
    """Whether it was destroyed; not yet while an update that was interrupted is still ending."""
    try:
        stack.destroy()
    except auto.ConcurrentUpdateError:
        return False
    return True


def left_behind(place: Place) -> list[auto.Stack]:
    """The stacks that earlier runs could not take down."""
    if not (place.state / ".pulumi").exists():
        return []
    workspace = auto.LocalWorkspace(
        work_dir=str(place.state / "work"), env_vars=_variables(place), project_settings=_project()
    )
    return [_stack(found.name.rpartition("/")[2], {}, place) for found in workspace.list_stacks()]


def _stack(run: str, config: Mapping[str, str], place: Place) -> auto.Stack:
    work = place.state / "work"
    work.mkdir(parents=True, exist_ok=True)
    options = auto.LocalWorkspaceOptions(
        work_dir=str(work),
        env_vars=_variables(place),
        stack_settings={run: auto.StackSettings(config=_settings(config))} if config else {},
    )
    return auto.create_or_select_stack(run, project_name=PROJECT, program=_program, opts=options)


def _settings(config: Mapping[str, str]) -> dict[str, Any]:
    """The configuration as a stack's file has it: what is JSON in a text is written out."""
    return {key: json.loads(value) if value.startswith("{") else value for key, value in config.items()}


def _program() -> None:
    runpy.run_path(str(PROGRAM / "__main__.py"), run_name="__main__")


def _project() -> auto.ProjectSettings:
    return auto.ProjectSettings(name=PROJECT, runtime="python")


def _variables(place: Place) -> dict[str, str]:
    return {
        "PULUMI_BACKEND_URL": f"file://{place.state}",
        "PULUMI_CONFIG_PASSPHRASE": "",  # its one secret is that of a client, which goes with the stack
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_ERROR_OUTPUT_STRING": "1",
        **place.variables,
    }


def main(place: Place) -> int:
    """Take down what earlier runs left; return the exit code."""
    for stack in left_behind(place):
        print(f"taking down {stack.name}", flush=True)
        take_down(stack)
    print("nothing of an earlier run is left")
    return 0


if __name__ == "__main__":
    sys.exit(main(Place()))

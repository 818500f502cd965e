"""Adapter 1: the real program, run by the SDK's own test runtime, answered by the control plane, and recorded."""

import asyncio
import contextlib
import contextvars
import logging
import re
import runpy
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime import mocks, settings
from pulumi.runtime.proto import provider_pb2, resource_pb2

from toolgate.local.cloud.catalogue import resource_type
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import NOT_REPRODUCED, NotReproducedError, RefusalError
from toolgate.local.engine import autonaming, other_stacks, wire
from toolgate.local.engine.assets import AssetError, hashed
from toolgate.local.engine.autonaming import Autonaming
from toolgate.local.engine.other_stacks import OtherStackError
from toolgate.local.engine.stack_config import ConfigError
from toolgate.local.engine.wire import Wire
from toolgate.local.terminal import say

STACK_TYPE = "pulumi:pulumi:Stack"
# What Pulumi puts in the place of an Output that is written into a text, with a warning: an engine would deploy it.
_OUTPUT_AS_TEXT = "Calling __str__ on an Output[T] is not supported."


class ProgramError(Exception):
    """The program cannot be deployed; the text tells its author what is wrong, where, and what to write instead."""


class _Teller(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Show what the program says as Pulumi's CLI does: with its severity."""
        say(f"{record.levelname.lower()}: {record.getMessage()}", err=True)


def _told() -> logging.Logger:
    """The logger of the program's own words (`pulumi.warn`)."""
    logger = logging.getLogger("local.program")
    logger.handlers = [_Teller(logging.INFO)]
    logger.propagate = False
    return logger


@dataclass(frozen=True)
class Registration:
    """A resource as the program registered it and the control plane answered.

    Attributes:
        request: What the program asked for, but the inputs.
        urn: The resource's URN.
        id: AWS's id; "" for a component, and in a preview.
        inputs: The inputs after the provider's check.
        outputs: The outputs; a component's are in `Recording.outputs`.
        external: Whether it is only read, and another stack's.
    """

    request: resource_pb2.RegisterResourceRequest
    urn: str
    id: str
    inputs: Wire
    outputs: Wire
    external: bool = False


@dataclass
class Recording:
    """A run of the program.

    Attributes:
        project: The project's name.
        stack: The stack's name.
        preview: Whether computed values were left unknown.
        registrations: The resources, in the order in which they were registered.
        outputs: The outputs that components and the stack registered, by URN.
    """

    project: str
    stack: str
    preview: bool
    registrations: list[Registration] = field(default_factory=list)
    outputs: dict[str, Wire] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """What to run.

    Attributes:
        root: The program's folder, with its `__main__.py`; relative paths in the program are relative to it.
        project: The project's name.
        stack: The stack's name.
        config: The stack's configuration, `namespace:key` -> text.
        secrets: The keys of `config` that are secrets.
    """

    root: Path
    project: str
    stack: str
    config: Mapping[str, str]
    secrets: frozenset[str] = frozenset()


def record(program: Program, plane: ControlPlane, *, preview: bool = False) -> Recording:
    """Run the program.

    Args:
        program: What to run.
        plane: Who answers. It must be an empty account, or the same names are taken.
        preview: Leave computed values unknown, as the first preview of a stack does.

    Raises:
        ProgramError: The program failed, or AWS would refuse what it asks for.
    """
    recording = Recording(program.project, program.stack, preview)
    try:
        naming = autonaming.read(program.config, program.project, program.stack)
    except ConfigError as error:
        raise ProgramError(str(error)) from error
    monitor = _Monitor(recording, plane, program.root, naming)
    # A context of its own: the SDK keeps its settings and the root resource in context variables, and a second run in
    # the process must not find those of the first.
    context = contextvars.Context()
    context.run(_configure, program, monitor, preview)
    # A loop by the factory is not made the thread's current one: what else uses asyncio here finds its own again.
    with (
        _in_folder(program.root),
        warnings.catch_warnings(),
        asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner,
    ):
        # Of a run that fails, Outputs are left over that nobody waits for any more.
        warnings.filterwarnings("ignore", r"coroutine 'Output\.", RuntimeWarning)
        # What fails is raised once, below; asyncio would tell again of every value that waited for it.
        runner.get_loop().set_exception_handler(lambda *_: None)
        try:
            runner.run(pulumi.runtime.run_in_stack(_main(program.root)), context=context)
        except Exception as error:
            raise ProgramError("\n".join(monitor.refused) or _text(error, program.root)) from error
        except SystemExit as error:
            if error.code == 128 + signal.SIGTERM:  # how the command itself ends when it is told to
                raise
            ends = "A program that ends itself has made only what came before: an engine would delete the rest."
            raise ProgramError(f"{_text(error, program.root)}. {ends} Raise an exception.") from error
    return recording


def _configure(program: Program, monitor: "_Monitor", preview: bool) -> None:
    settings.configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            engine=mocks.MockEngine(_told()),
            project=program.project,
            stack=program.stack,
            organization="organization",
            root_directory=str(program.root),
            dry_run=preview,
            callbacks=None,
            # Not set anew by MockSettings: tasks that an earlier use of the SDK left behind would be waited for.
            outputs=set(),
            lock=threading.Lock(),
        )
    )
    pulumi.runtime.set_all_config(dict(program.config), list(program.secrets))


def _main(root: Path) -> Callable[[], Awaitable[None]]:
    async def main() -> None:
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")
        # The SDK waits for the registrations that have begun, then for the Outputs of all: between any two of them it
        # looks through every Output that is not there yet. So let all begin.
        await asyncio.sleep(0)

    return main


@contextlib.contextmanager
def _in_folder(root: Path) -> Iterator[None]:
    sys.path.insert(0, str(root))
    try:
        with contextlib.chdir(root):
            yield
    finally:
        sys.path.remove(str(root))


def _text(error: BaseException, root: Path) -> str:
    if isinstance(error, pulumi.RunError):
        return str(error)
    # As the SDK puts it (pulumi/runtime/invoke.py), with the property at fault in brackets, of which there is none.
    if failed := re.fullmatch(r"invoke of (\S+) failed: (.*) \(\)", str(error)):
        return f"{failed[1].rpartition(':')[2]} ({failed[1]}): {failed[2]}"
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(root)]
    own = [frame for frame in own if ".venv" not in Path(frame.filename).relative_to(root).parts]
    where = f" ({Path(own[-1].filename).relative_to(root)}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{where}"


class _Monitor(mocks.MockMonitor):
    """The SDK's mock resource monitor, with the engine's URNs and the control plane's answers."""

    def __init__(self, recording: Recording, plane: ControlPlane, root: Path, naming: Autonaming) -> None:
        super().__init__(_NoMocks())
        self._naming = naming
        self.refused: list[str] = []
        self._recording = recording
        self._plane = plane
        self._root = root
        self._urns: set[str] = set()
        self._lock = threading.Lock()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN as the engine writes it: the parent's whole type chain, without the stack's."""
        chain = parent.split("::")[2] if parent else STACK_TYPE
        qualified = type_ if chain == STACK_TYPE else f"{chain}${type_}"
        return f"urn:pulumi:{self._recording.stack}::{self._recording.project}::{qualified}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 the name of the call
        """Check the resource and make it, or say what AWS has against it."""
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = wire.from_struct(request.object)
        request.ClearField("object")  # the request is kept, and they are not to be kept twice
        self._check_texts(request.type, {"name": request.name, **inputs})
        engines_own = {
            "transforms": request.transforms,
            "imports": request.importId,
            "remote components": request.remote,
        }
        if any(engines_own.values()):
            asked = ", ".join(name for name, given in engines_own.items() if given)
            self._refuse(f"{request.name} ({request.type})", [NOT_REPRODUCED.format(asked)])
        with self._lock:
            self._claim(f"{request.name} ({request.type})", urn)
            resource_id, inputs, outputs = self._make(request, urn, inputs) if request.custom else ("", inputs, {})
            self._recording.registrations.append(Registration(request, urn, resource_id, inputs, outputs))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=resource_id, object=wire.to_struct(outputs))

    def _claim(self, where: str, urn: str) -> None:
        if urn in self._urns:  # the words are the engine's (sdk/go/common/diag/errors.go, 2001)
            self._refuse(where, [f"Duplicate resource URN '{urn}'; try giving it a unique name"])
        self._urns.add(urn)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 the name of the call
        """Keep a component's outputs."""
        outputs = wire.from_struct(request.outputs)
        self._check_texts(request.urn.rpartition("::")[2], outputs)
        with self._lock:
            self._recording.outputs[request.urn] = outputs
        return Empty()

    def RegisterStackTransform(self, request: Any) -> Any:  # noqa: N802 the name of the call
        """Refuse: an engine would run it."""
        self._refuse("the program", [NOT_REPRODUCED.format("transforms")])

    def RegisterStackInvokeTransform(self, request: Any) -> Any:  # noqa: N802 the name of the call
        """Refuse: an engine would run it."""
        self._refuse("the program", [NOT_REPRODUCED.format("transforms")])

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 the name of the call
        """Answer what another stack gave out. Refuse all else: nothing exists before the program has run."""
        where = f"{request.name} ({request.type})"
        if request.type != other_stacks.TYPE:
            self._refuse(where, [NOT_REPRODUCED.format("the reading of existing resources")])
        try:
            outputs = other_stacks.read(self._root, request.id)
        except OtherStackError as error:
            self._refuse(where, [str(error)])
        urn = self.make_urn(request.parent, request.type, request.name)
        asked = resource_pb2.RegisterResourceRequest(
            type=request.type, name=request.name, parent=request.parent, custom=True, dependencies=request.dependencies
        )
        with self._lock:
            self._claim(where, urn)
            read = Registration(asked, urn, request.id, {"name": request.id}, outputs, external=True)
            self._recording.registrations.append(read)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=wire.to_struct(outputs))

    def Invoke(self, request: Any) -> Any:  # noqa: N802 the name of the call
        """Answer a look-up."""
        try:
            answer = self._plane.invoke(request.tok, wire.view(wire.from_struct(request.args)))
        except RefusalError as error:
            failure = provider_pb2.CheckFailure(property="", reason=str(error))
            return resource_pb2.ResourceInvokeResponse(failures=[failure])
        return resource_pb2.ResourceInvokeResponse(**{"return": wire.to_struct(answer)})

    def _make(self, request: Any, urn: str, inputs: Wire) -> tuple[str, Wire, Wire]:
        where = f"{request.name} ({request.type})"
        try:
            named = self._naming.name(request.name, urn)
            kind = resource_type(request.type)
            inputs = hashed(self._plane.fill(request.type, named, inputs), self._root)
            inputs = wire.sealed(inputs, kind.secrets)
            # The engine marks what the program says of outputs, besides what the provider marks.
            secrets = kind.secrets.union(request.additionalSecretOutputs)
            seen = wire.view(inputs)
            failures = self._plane.check(request.type, seen)
            if failures:
                self._refuse(where, [str(failure) for failure in failures])
            if self._recording.preview:
                known = wire.with_texts_for_unknowns(self._plane.preview(request.type, seen))
                return "", inputs, wire.sealed(wire.marked(inputs, known), secrets)
            made = self._plane.create(request.type, seen)
        except NotReproducedError as error:
            self._refuse(where, [NOT_REPRODUCED.format(error)])
        except (AssetError, RefusalError, ValueError) as error:
            self._refuse(where, [str(error)])
        return made.id, inputs, wire.sealed(wire.marked(inputs, made.outputs), secrets)

    def _check_texts(self, where: str, values: Wire) -> None:
        """Refuse texts that the program has written an Output into: its value is not in them."""
        instead = '`pulumi.Output.format("...{0}...", output)` instead of an f-string'
        found = [f"{path}: an Output was written into this text; write {instead}" for path in _output_texts(values)]
        if found:
            self._refuse(where, found)

    def _refuse(self, where: str, reasons: list[str]) -> None:
        texts = [f"{where}: {reason}" for reason in reasons]
        self.refused.extend(texts)
        raise ProgramError("\n".join(texts))


def _output_texts(value: Any, path: str = "") -> Iterator[str]:
    """Where in the values a text stands that was made of an Output."""
    if isinstance(value, str):
        if _OUTPUT_AS_TEXT in value:
            yield path
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _output_texts(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _output_texts(inner, f"{path}[{index}]")


class _NoMocks(mocks.Mocks):
    """The monitor answers by itself; what it inherits must never make up an answer."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        """Not called."""
        raise NotImplementedError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        """Not called."""
        raise NotImplementedError(args.typ)

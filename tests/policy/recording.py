"""Runs a Pulumi program without an engine and records what it registers, as a preview or an update would."""

import asyncio
import contextvars
import logging
from collections.abc import Callable
from typing import Any

import pulumi
from google.protobuf import empty_pb2, json_format
from pulumi.runtime import mocks, settings
from pulumi.runtime.proto import resource_pb2

from tests.policy import cloud
from tests.policy.driver import Registration, struct

STACK = "pulumi:pulumi:Stack"


def record(program: Callable[[], None], *, preview: bool) -> list[Registration]:
    """What a program registers; in a preview nothing that a provider computes is known."""
    monitor = _Monitor(preview)
    context = contextvars.Context()
    context.run(_configure, monitor, preview)
    with asyncio.Runner() as runner:
        runner.run(pulumi.runtime.run_in_stack(program), context=context)
    return monitor.registrations


def _configure(monitor: "_Monitor", preview: bool) -> None:
    settings.configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            engine=mocks.MockEngine(logging.getLogger("tests.policy")),
            project="shop",
            stack="dev",
            organization="organization",
            root_directory=".",
            dry_run=preview,
            callbacks=None,
        )
    )


class _NoMocks(mocks.Mocks):
    def call(self, args: mocks.MockCallArgs) -> Any:
        raise NotImplementedError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise NotImplementedError(args.typ)


class _Monitor(mocks.MockMonitor):
    def __init__(self, preview: bool) -> None:
        super().__init__(_NoMocks())
        self.preview = preview
        self.registrations: list[Registration] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 the name of the call
        parent = "" if f"::{STACK}::" in request.parent else request.parent
        inputs = json_format.MessageToDict(request.object)
        # A provider's own names are known in a preview, too; without them a preview is at its hardest.
        inputs = inputs if self.preview else cloud.checked(request.type, request.name, inputs)
        outputs = {} if self.preview or not request.custom else cloud.outputs(request.type, request.name, inputs)
        resource = Registration(
            request.type,
            request.name,
            inputs,
            outputs,
            parent,
            {key: list(found.urns) for key, found in request.propertyDependencies.items()},
        )
        if request.type == STACK:
            return resource_pb2.RegisterResourceResponse(urn=f"urn:pulumi:dev::shop::{STACK}::shop-dev")
        self.registrations.append(resource)
        known = {**inputs, **outputs}
        return resource_pb2.RegisterResourceResponse(urn=resource.urn, id=outputs.get("id", ""), object=struct(known))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 the name of the call
        return empty_pb2.Empty()

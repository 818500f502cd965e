"""A plugin of pytest (`-p`): `--stack` asks a pretended AWS whose throw-away stack a real engine has made.

The engine's provider is the stand-in; what it made is exported, served and asked. Its state lies in the current folder.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.aws import aws_world, local_world, stack_under_test, throwaway
from tests.aws.own.pretending import pretended
from tests.aws.stack_under_test import UnderTest
from tests.aws.throwaway import Place
from tests.aws.world import World
from toolgate.access.deployment.deployment import parse
from toolgate.local.cloud.cloud_environment import CloudEnvironment as CloudPlace
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine.provider import Provider, started

CALLER = "arn:aws:sts::123456789012:assumed-role/Administrator/alice@example.com"
STACK = local_world.planned_stack()


def _read(stack: str, *_its: Any) -> UnderTest:
    return UnderTest(stack, parse(STACK), "123456789012", "us-east-1", CALLER)


@contextmanager
def _made(under_test: UnderTest, run: str, *_its: Any) -> Iterator[World]:
    here = Path.cwd()
    provider = Provider(MemoryStore(), {})
    server, port = started(provider)
    place = Place(here / "state", {"PULUMI_DEBUG_PROVIDERS": f"aws:{port}", "PULUMI_HOME": str(here / "home")})
    config = local_world.configuration(run, under_test.region, CALLER, everything=False)
    try:
        with throwaway.deployed(run, config, place) as made:
            plane = ControlPlane(CloudPlace(), provider.store, {})
            with local_world.local_world(STACK, made.export, plane, here / "logs") as world:
                aws = replace(pretended(world), making=made.making)
                yield replace(aws, making=replace(made.making, settled=aws_world.settled(aws)))
        with provider.store.transaction() as account:
            (here / "left.txt").write_text(str(len(account["resources"])))
    finally:
        server.stop(None).wait()


stack_under_test.read = _read  # type: ignore[assignment]
aws_world.aws_world = _made  # type: ignore[assignment]

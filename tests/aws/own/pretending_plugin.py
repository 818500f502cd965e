"""A plugin of pytest (`-p`): `--stack` asks the pretended AWS. It has to be there before the suite's conftest is.

No agent is started, here or for the local deployment: the tests that are run with it ask none.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.aws import aws_world, local_world, stack_under_test
from tests.aws.local_world import Export
from tests.aws.own.pretending import pretended
from tests.aws.stack_under_test import UnderTest
from tests.aws.world import World
from toolgate.access.deployment.deployment import parse
from toolgate.policy.language.agentcore_facts import RUNTIME

ACCOUNT = "123456789012"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Administrator/alice@example.com"
STACK = local_world.planned_stack()
SCRATCH, PLANE = local_world.planned_scratch()


def _without_agents(export: Export) -> Export:
    smaller = copy.deepcopy(dict(export))
    resources = smaller["deployment"]["resources"]
    resources[:] = [it for it in resources if it["type"] != RUNTIME]
    return smaller


def _read(stack: str, *_its: Any) -> UnderTest:
    return UnderTest(stack, parse(STACK), ACCOUNT, "us-east-1", CALLER)


@contextmanager
def _made(*_its: Any) -> Iterator[World]:
    plans = _without_agents(STACK), _without_agents(SCRATCH), PLANE
    with TemporaryDirectory() as logs, local_world.local_world(*plans, Path(logs)) as world:
        made = parse(SCRATCH)
        # As `MAKING` says of it.
        there = tuple(it for it in made.gateways if not it.name.endswith("-overheard"))
        yield pretended(replace(world, scratch=replace(made, gateways=there)))


stack_under_test.read = _read  # type: ignore[assignment]
aws_world.aws_world = _made  # type: ignore[assignment]
local_world.planned_stack = lambda *_its: _without_agents(STACK)
local_world.planned_scratch = lambda *_its: (_without_agents(SCRATCH), PLANE)

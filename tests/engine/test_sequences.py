"""The provider's own acceptance sequences, with a real engine over the stand-in."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from pulumi import automation as auto

from tests.sequence_steps import Out, Step, With, outs, pattern
from tests.sequences import SEQUENCES

from .conftest import Start

OPERATIONS = {"create", "update", "delete", "replace"}


def register(step: Step) -> None:
    """A step's resources, by their wire names: no class of the SDK stands between."""
    asked = [out for _, inputs in step.resources.values() for out in outs(inputs)]
    made: dict[str, pulumi.CustomResource] = {}

    def resolved(value: Any) -> Any:
        if isinstance(value, Out):
            return getattr(made[value.resource], value.name)
        if isinstance(value, With):
            return pulumi.Output.all(*(resolved(it) for it in value.outs)).apply(lambda known: value.make(*known))
        if isinstance(value, Mapping) and "text" in value:
            return pulumi.StringAsset(value["text"])
        if isinstance(value, Mapping):
            return {key: resolved(item) for key, item in value.items()}
        return [resolved(item) for item in value] if isinstance(value, list) else value

    for name, (kind, inputs) in step.resources.items():
        outputs = dict.fromkeys(out.name for out in asked if out.resource == name)
        # As our components do: what has a fixed name is deleted first. Rights come before what needs them, and a
        # gateway's tools before a policy that names them.
        first = (":RolePolicy", ":AgentcoreGatewayTarget") if kind.endswith(":AgentcorePolicy") else (":RolePolicy",)
        before = [made[it] for it in made if step.resources[it][0].endswith(first)]
        options = pulumi.ResourceOptions(delete_before_replace=True, depends_on=before)
        made[name] = pulumi.CustomResource(kind, name, {**outputs, **resolved(inputs)}, options)


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence(name: str, start: Start) -> None:
    steps = SEQUENCES[name]
    step = steps[0]
    engine = start(lambda: register(step))
    for number, step in enumerate(steps):
        engine.events.clear()
        if step.error:
            with pytest.raises(auto.CommandError):
                engine.up()
            assert pattern(step).search("\n".join(engine.messages()))
            continue
        engine.up()
        if number:
            assert done(engine.events) == step.does, f"step {number + 1}"


def done(events: list[auto.EngineEvent]) -> dict[str, str]:
    """What was done, by resource."""
    found = {}
    for event in events:
        if event.res_outputs_event and "aws:" in event.res_outputs_event.metadata.type:
            operation = str(getattr(event.res_outputs_event.metadata.op, "value", event.res_outputs_event.metadata.op))
            if operation in OPERATIONS:
                found[event.res_outputs_event.metadata.urn.rpartition("::")[2]] = operation
    return found

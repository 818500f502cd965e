"""Targets of each kind, and an API key's provider, with a real engine over the stand-in."""

from pathlib import Path

import pulumi

from tests.local.cloud.conftest import API_KEY_PROVIDER, GATEWAY, GOOD, TARGET
from tests.local.cloud.types.targets.conftest import KINDS, given

from .conftest import Start


def test_targets_stay_as_they_are_and_another_kind_is_another_target(start: Start, tmp_path: Path) -> None:
    kinds = {name: name for name in KINDS}

    def program() -> None:
        gateway = pulumi.CustomResource(GATEWAY, "gateway", {**GOOD[GATEWAY], "gatewayId": None})
        key = pulumi.Output.secret(GOOD[API_KEY_PROVIDER]["apiKey"])  # as the class of the SDK makes it
        pulumi.CustomResource(API_KEY_PROVIDER, "key", {**GOOD[API_KEY_PROVIDER], "apiKey": key})
        for name, kind in kinds.items():
            inputs = {"name": name, **given(kind), "gatewayIdentifier": gateway.gatewayId}  # type: ignore[attr-defined]  # an output
            pulumi.CustomResource(TARGET, name, inputs, pulumi.ResourceOptions(delete_before_replace=True))

    engine = start(program)
    assert engine.up() == {"create": len(KINDS) + 3}
    assert engine.up() == {"same": len(KINDS) + 3}
    assert engine.stack.refresh().summary.resource_changes == {"same": len(KINDS) + 3}
    assert engine.up() == {"same": len(KINDS) + 3}
    kinds["connector"] = "apiGateway"
    assert engine.up() == {"same": len(KINDS) + 2, "replace": 1}
    state = "".join(path.read_text() for path in (tmp_path / "state").rglob("*.json*"))
    assert '"apiKeySecretArns"' in state
    assert GOOD[API_KEY_PROVIDER]["apiKey"] not in state + "\n".join(engine.messages())

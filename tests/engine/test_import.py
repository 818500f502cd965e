"""What a lost state forgot is taken over by `pulumi import`, by the ids that docs/deploy.md gives."""

import json
import shutil
from collections import Counter
from typing import Any

from tests.deploy_page import import_forms, import_id
from tests.planning import SAMPLE
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.engine.export_writer import export
from toolgate.local.engine.recorder import Program, record

from .conftest import SETTINGS, Engine, Start
from .test_agents import configure

FACTS = {"strategies": {"facts": {"type": "SEMANTIC", "namespace": "/facts/{actorId}/"}}}
WITH_EVERY_TYPE = {
    **{"toolgate:authorization": "tool", "toolgate:kmsKey": "create", "toolgate:inbound": "jwt"},
    **{"toolgate:search": "true", "toolgate:interceptors": json.dumps({"response": "shown_tools"})},
    "toolgate:agents": json.dumps({"assistant": {"memory": "agentcore"}, "clerk": {"memory": "s3"}}),
    "toolgate:memory": json.dumps(FACTS),
}
FORMS = import_forms()
NAMED_BY_PULUMI = ("aws:iam/", "aws:s3/")


def made_by_a_lost_state(engine: Engine) -> dict[tuple[str, str], dict[str, Any]]:
    """What the program makes, in the engine's account and not in its state: outputs by type and name."""
    plane = ControlPlane(CloudEnvironment(region=SETTINGS["aws:region"]), engine.provider.store, {})
    recording = record(Program(SAMPLE, "toolgate", "dev", {**SETTINGS, **WITH_EVERY_TYPE}), plane)
    found = export(recording, plane.env)["deployment"]["resources"]
    return {(it["type"], it["urn"].rpartition("::")[2]): it["outputs"] for it in found if it["type"].startswith("aws:")}


def test_a_stack_is_taken_over_by_ids_and_then_plans_nothing(start: Start) -> None:
    engine = start()
    shutil.copytree(SAMPLE / "interceptors", engine.folder / "interceptors")
    configure(engine, WITH_EVERY_TYPE)
    made = made_by_a_lost_state(engine)
    assert {kind for kind, _ in made} == FORMS.keys()
    account = Counter(engine.account())
    renewed = Counter({kind: count for kind, count in account.items() if kind.startswith(NAMED_BY_PULUMI)})

    file = engine.folder / "import.json"
    engine.stack.preview(import_file=str(file))
    wanted = json.loads(file.read_text())
    wanted["resources"] = [it for it in wanted["resources"] if not it["type"].startswith(NAMED_BY_PULUMI)]
    for resource in wanted["resources"]:
        if not resource.get("component"):
            kind, name = resource["type"], resource.get("logicalName", resource["name"])
            resource["id"] = import_id(FORMS[kind], made[kind, name])
    engine.stack.import_resources(
        resources=wanted["resources"], name_table=wanted.get("nameTable"), protect=False, generate_code=False
    )
    done = engine.up()
    assert done.keys() == {"same", "update", "create"}
    assert done["create"] == renewed.total()
    assert Counter(engine.account()) == account + renewed
    assert engine.stack.preview(expect_no_changes=True).change_summary.keys() == {"same"}

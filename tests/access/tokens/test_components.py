"""A program of our components with every way in: the matrix has the declared pairs, and no others."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.output.access_difference import difference
from toolgate.local.plan import plan

PROGRAM = """
import zipfile

from toolgate import AgentRuntime, MachineClient, TokenIssuer, ToolGateway

with zipfile.ZipFile("agent.zip", "w") as zipped:
    zipped.writestr("main.py", "")
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:t"


def gateway(name, authorization, **inbound):
    tools = [{"name": f"{name}_{it}", "description": "Does it.", "inputSchema": SCHEMA} for it in "xy"]
    targets = {"t": {"function_arn": FUNCTION, "tools": tools}}
    return ToolGateway(name, {"targets": targets, "authorization": authorization, **inbound})


def agent(name, *tools):
    secret = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:okta/{name}-a1B2c3"
    okta = {"issuer": "okta", "client_id": f"app-{name}", "secret_arn": secret, "json_key": "key"}
    given = {"credentials": [okta]} if any(it.get("bearer", {}).get("issuer") == "okta" for it in tools) else {}
    AgentRuntime(name, {"code": "agent.zip", "model_id": "amazon.nova-lite-v1:0", "tools": list(tools), **given})


issuer = TokenIssuer("tokens", {})
url = "https://okta.example/.well-known/openid-configuration"
okta = {"issuer": "okta", "discovery_url": url, "audiences": ["tools"], "client_claim": "cid"}
one = gateway("one", "tool", inbound=issuer.inbound)
two = gateway("two", "gateway", inbound=issuer.inbound)
three = gateway("three", "tool", inbound=okta)
four = gateway("four", "gateway")
agent("ann", one.tools("t___one_x"), two.tools())
agent("bob", one.tools("t___one_y", when="context.input.x < 5"), three.tools("t___three_x"), four.tools())
agent("cy", three.tools("t___three_y"))
MachineClient("job", {"tools": [one.tools("t___one_x")]})
"""
DECLARED = {
    ("ann", "t___one_x"): "allow",
    ("ann", "t___two_x"): "allow",
    ("ann", "t___two_y"): "allow",
    ("bob", "t___one_y"): "conditional",
    ("bob", "t___four_x"): "allow",
    ("bob", "t___four_y"): "allow",
    # Of a foreign issuer nothing is sure.
    ("bob", "t___three_x"): "conditional",
    ("cy", "t___three_y"): "conditional",
    ("job", "t___one_x"): "allow",
    ("any client of https://okta.example", "t___three_x"): "conditional",
    ("any client of https://okta.example", "t___three_y"): "conditional",
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("program")
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    return dict(plan("dev", root=folder).deployment)


def _open(found: Matrix) -> dict[tuple[str, str], str]:
    names = {it.client: it.name.removeprefix("shop-dev-") for it in found.takings}
    return {
        ((it.agent or names.get(it.principal) or it.principal).removeprefix("shop_dev_"), it.tool): str(it.decision)
        for it in found.entries
        if it.decision != "deny"
    }


def test_the_matrix_has_the_declared_pairs_and_no_others(planned: Mapping[str, Any]) -> None:
    assert _open(matrix(parse(planned))) == DECLARED


def test_whoever_reads_a_machine_clients_secret_gains_what_it_may(planned: Mapping[str, Any]) -> None:
    wider = json.loads(json.dumps(planned))
    resources = wider["deployment"]["resources"]
    [secret] = [it["outputs"]["arn"] for it in resources if it["type"].endswith("secret:Secret")]
    [policy] = [it for it in resources if it["urn"].endswith(":RolePolicy::cy-tokens")]
    for side in ("inputs", "outputs"):
        document = json.loads(policy[side]["policy"])
        document["Statement"].append({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret})
        policy[side]["policy"] = json.dumps(document)
    found = difference(matrix(parse(planned)), matrix(parse(wider)))
    assert [(it.agent, it.tool) for it in found.gains] == [("shop_dev_cy", "t___one_x")]

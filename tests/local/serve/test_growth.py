"""What is served for days keeps no more than at its start, whatever is asked of it and however often it is edited."""

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from toolgate.local.serve.server import serve

ASSISTANT = "arn:aws:iam::123456789012:role/agents/assistant-role"
SEARCH = {"name": "x_amz_bedrock_agentcore_search", "arguments": {"query": "add"}}


def edited(deployment: dict[str, Any], number: int) -> dict[str, Any]:
    """The deployment with another environment of its agent, whose process is then another."""
    changed = copy.deepcopy(deployment)
    for entry in changed["deployment"]["resources"]:
        if entry["type"].endswith("AgentRuntime"):
            for properties in (entry["inputs"], entry["outputs"]):
                properties.setdefault("environmentVariables", {})["EDITED"] = str(number)
    return changed


def test_neither_calls_nor_edits_leave_anything(
    handmade: dict[str, Any], project: Path, tmp_path: Path, rpc: Callable[..., httpx.Response]
) -> None:
    with serve(handmade, root=project, logs=tmp_path, told=lambda *_: None) as serving:
        world = serving._world
        url = serving.gateway_url("handmade-tools-abcdefghij")

        def kept() -> dict[str, int]:
            code = sum(1 for _ in world._code.rglob("*"))
            return {"keys": len(world.host.sessions._keys), "leaving": len(world._leaving), "code": code}

        rpc(url, serving.session(ASSISTANT), "tools/call", SEARCH)
        before, agent = kept(), world._agents
        for number in range(3):
            for _ in range(60):
                assert rpc(url, serving.session(ASSISTANT), "tools/call", SEARCH).status_code == 200
            serving.reload(edited(handmade, number))
        assert world._agents != agent
        assert len(serving.calls) == 100
        while kept() != before:  # the last one leaves when it has answered what it had
            time.sleep(0.05)

"""An agent of the local deployment that is answered by a model elsewhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.local.serve.conftest import ACCOUNT_ROLES
from tests.local.serve.model.conftest import ChatServer
from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.model.openai_model import KEY_VARIABLE
from toolgate.local.serve.server import Serving, serve

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
CALL = {"index": 0, "id": "a", "function": {"name": "math___greeting", "arguments": '{"name": "Bo"}'}}
WANTS_TOOL = {"choices": [{"delta": {"tool_calls": [CALL]}, "finish_reason": "tool_calls"}]}
ANSWERS = {"choices": [{"delta": {"content": "Well met."}, "finish_reason": "stop"}]}


@pytest.fixture
def served(
    handmade: dict[str, Any],
    project: Path,
    tmp_path: Path,
    chat_server: ChatServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Serving]:
    monkeypatch.setenv(KEY_VARIABLE, "sk-mine")
    with serve(handmade, project, logs=tmp_path, model=f"{chat_server.server.url}#llama3.2") as serving:
        yield serving


def _client(serving: Serving, service: str, credentials: Credentials | None = None) -> Any:
    variables = credentials.environment() if credentials else serving.environment
    keys = {name.lower(): variables[name] for name in variables if name.startswith(("AWS_ACC", "AWS_SEC", "AWS_SES"))}
    return boto3.client(service, endpoint_url=serving.url, region_name="us-east-1", **keys)


def test_the_agent_calls_the_tools_that_a_model_elsewhere_asks_for(served: Serving, chat_server: ChatServer) -> None:
    assert served.model == f"llama3.2 at {chat_server.server.url}/v1, with the key of {KEY_VARIABLE}"
    chat_server.turns = [[WANTS_TOOL], [ANSWERS]]
    client, arn = _client(served, "bedrock-agentcore"), served.agents["assistant"]

    def ask(prompt: str) -> Any:
        answer = client.invoke_agent_runtime(agentRuntimeArn=arn, payload=json.dumps({"prompt": prompt}).encode())
        return json.loads(answer["response"].read())

    assert ask("Greet Bo")["response"] == "Well met."
    assert [call.tool for call in served.calls] == ["math___greeting"]
    first, second = chat_server.requests
    assert "math___greeting" in [tool["function"]["name"] for tool in first["tools"]]
    assert "Hello, Bo!" in second["messages"][-1]["content"]
    # The key is the model's server's: no process of an agent has it.
    assert chat_server.headers[0]["authorization"] == "Bearer sk-mine"
    environment = ask("environment")
    assert KEY_VARIABLE not in environment
    assert "sk-mine" not in str(environment)
    # IAM decides first, and then nobody is asked.
    denied = _client(served, "bedrock-runtime", served.session(f"{ACCOUNT_ROLES}denied-role"))
    with pytest.raises(ClientError, match="not authorized to perform: bedrock:InvokeModel on resource"):
        denied.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "hi"}]}])
    assert len(chat_server.requests) == 2

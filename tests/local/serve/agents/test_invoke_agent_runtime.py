"""The runtime through boto3's InvokeAgentRuntime, and the agent's process behind it."""

import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signer
from botocore.exceptions import ClientError

from tests.waiting import wait_until
from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.server import Serving

SESSION = "a-session-id-of-thirty-three-char"
ClientOf = Callable[..., Any]
SessionOf = Callable[[str], Credentials]
Ask = Callable[..., Any]


@pytest.fixture
def ask(serving: Serving, client_of: ClientOf) -> Ask:
    client = client_of("bedrock-agentcore")

    def make(prompt: str, **more: Any) -> Any:
        arguments = {"agentRuntimeArn": serving.agents["assistant"], **more}
        return client.invoke_agent_runtime(payload=json.dumps({"prompt": prompt}).encode(), **arguments)

    return make


def _response(answer: Any) -> Any:
    return json.loads(answer["response"].read())


@pytest.mark.parametrize(
    ("prompt", "response", "tool"),
    [
        ("What is 100 + 12?", "The result is 112.", "math___add_numbers"),
        ("What is 6 * 7?", "The result is 42.", "math___multiply_numbers"),
        ("Greet Alice", "Hello, Alice!", "math___greeting"),
    ],
)
def test_the_agent_answers_through_model_gateway_and_function(
    ask: Ask, serving: Serving, prompt: str, response: str, tool: str
) -> None:
    answer = ask(prompt)
    assert (answer["statusCode"], answer["contentType"]) == (200, "application/json")
    assert _response(answer) == {"status": "success", "response": response}
    assert serving.calls[-1].tool == tool


def test_the_agent_tells_its_tools(ask: Ask) -> None:
    said = _response(ask("Tell me what I can do with these tools"))["response"]
    for tool in ("math___add_numbers", "math___multiply_numbers", "math___greeting", "x_amz_bedrock_agentcore_search"):
        assert tool in said


def test_the_session_reaches_the_agent_and_comes_back(ask: Ask) -> None:
    answer = ask("session", runtimeSessionId=SESSION)
    assert answer["runtimeSessionId"] == SESSION
    headers = _response(answer)
    assert headers["x-amzn-bedrock-agentcore-runtime-request-id"] == answer["ResponseMetadata"]["RequestId"]
    assert headers["x-amzn-bedrock-agentcore-runtime-session-id"] == SESSION
    assert "authorization" not in headers
    assert len(ask("session")["runtimeSessionId"]) == 36


def test_a_session_is_stopped_once(ask: Ask, serving: Serving, client_of: ClientOf) -> None:
    client = client_of("bedrock-agentcore")
    named = {"agentRuntimeArn": serving.agents["assistant"], "runtimeSessionId": SESSION[::-1]}
    with pytest.raises(ClientError, match="is in use") as caught:
        client.stop_runtime_session(**named)
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    ask("session", runtimeSessionId=SESSION[::-1])
    answer = client.stop_runtime_session(**named)
    assert (answer["statusCode"], answer["runtimeSessionId"]) == (200, SESSION[::-1])
    with pytest.raises(ClientError, match="is in use"):
        client.stop_runtime_session(**named)
    for more, says in (({"runtimeSessionId": "x" * 32}, "greater than or equal to 33"), ({"qualifier": "q"}, "/q ")):
        with pytest.raises(ClientError, match=says):
            client.stop_runtime_session(**{**named, **more})


def test_only_who_may_stop_a_session_can(serving: Serving, client_of: ClientOf, session_of: SessionOf) -> None:
    client = client_of("bedrock-agentcore", session_of("agents/assistant-role"))
    with pytest.raises(ClientError, match="not authorized to perform: bedrock-agentcore:StopRuntimeSession on"):
        client.stop_runtime_session(agentRuntimeArn=serving.agents["assistant"], runtimeSessionId=SESSION)


HEADERS = {
    "x-amzn-bedrock-agentcore-runtime-session-id": "runtimeSessionId",
    "content-type": "contentType",
    "accept": "accept",
    "traceparent": "traceParent",
    "tracestate": "traceState",
    "baggage": "baggage",
    "x-amzn-trace-id": "traceId",
}


def _invoked(serving: Serving, operation: str, headers: dict[str, str], prompt: str = "session") -> httpx.Response:
    """A request by the operator with these headers, whatever bytes they have."""
    request = _signed(serving, operation, headers, prompt)
    sent = [(name, value.encode("latin-1")) for name, value in request.headers.items()]
    return httpx.post(request.url, content=request.data, headers=sent, timeout=None)


def _signed(serving: Serving, operation: str, headers: dict[str, str], prompt: str) -> AWSRequest:
    arn = serving.agents["assistant"].replace(":", "%3A").replace("/", "%2F")
    url, body = f"{serving.url}/runtimes/{arn}/{operation}", json.dumps({"prompt": prompt})
    variables = serving.environment
    keys = [variables[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
    request = AWSRequest("POST", url, data=body, headers=headers)
    SigV4Auth(Signer(*keys), "bedrock-agentcore", "us-east-1").add_auth(request)
    return request


@pytest.mark.parametrize("value", ["\xe9" * 40, "x" * 40 + "\x80", "caf\xc3\xa9=1" + "x" * 33, "\xff" + "x" * 40])
@pytest.mark.parametrize(("header", "member"), HEADERS.items())
def test_a_header_that_is_not_ascii_is_the_callers_mistake(
    serving: Serving, header: str, member: str, value: str
) -> None:
    answer = _invoked(serving, "invocations", {header: value})
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert f"at '{member}' failed to satisfy constraint" in answer.json()["message"]


def test_a_content_type_that_is_not_ascii_comes_as_the_agent_sent_it(serving: Serving) -> None:
    answer = _invoked(serving, "invocations", {"x": "y"}, "type")
    assert (answer.status_code, dict(answer.headers.raw)[b"content-type"]) == (200, "text/\u20ac".encode())


def test_so_it_is_when_a_session_is_stopped(serving: Serving) -> None:
    answer = _invoked(serving, "stopruntimesession", {"x-amzn-bedrock-agentcore-runtime-session-id": "\xe9" * 40})
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")


def test_the_agent_hears_that_its_caller_has_left(serving: Serving) -> None:
    request = _signed(serving, "invocations", {}, "wait")
    log = serving.logs["assistant"]
    with httpx.Client() as client, ThreadPoolExecutor() as thread:
        asked = thread.submit(
            client.post, request.url, content=request.data, headers=dict(request.headers), timeout=None
        )
        wait_until(lambda: "waits" in log.read_text(), 60)
        assert "is left" not in log.read_text()
        socket_of(client).shutdown(socket.SHUT_RDWR)
        with pytest.raises(httpx.HTTPError):
            asked.result()
    wait_until(lambda: "is left" in log.read_text(), 60)


def socket_of(client: httpx.Client) -> socket.socket:
    """The socket of a client's one connection."""
    transport: Any = client._transport
    [connection] = transport._pool.connections
    found: socket.socket = connection._connection._network_stream.get_extra_info("socket")
    return found


@pytest.mark.parametrize("value", ["a\tb", "~ !\"#$%&'()*+,-./:;<=>?@[]^_`{|}"])
def test_every_other_header_goes_on_as_it_came(serving: Serving, value: str) -> None:
    answer = _invoked(serving, "invocations", {"baggage": value})
    assert (answer.status_code, answer.json()["baggage"]) == (200, value)


def test_the_agents_environment_is_its_own_and_leads_here(ask: Ask, serving: Serving) -> None:
    environment = _response(ask("environment"))
    assert environment["GATEWAY_URL"] == serving.gateway_url("handmade-tools-abcdefghij")
    assert environment["BEDROCK_MODEL_ID"] == "us.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert {name: environment[name] for name in environment if "ENDPOINT" in name} == {"AWS_ENDPOINT_URL": serving.url}
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["HOST"] == "127.0.0.1"  # the agent itself asks nobody for a signature
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert environment["AWS_ACCESS_KEY_ID"] not in {"AKIAMINE", serving.environment["AWS_ACCESS_KEY_ID"]}
    assert not {"AWS_PROFILE", "MY_SECRET"} & set(environment)


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ({"runtimeSessionId": "x" * 32}, "ValidationException", "greater than or equal to 33"),
        ({"runtimeSessionId": "x" * 257}, "ValidationException", "less than or equal to 256"),
        ({"qualifier": "canary"}, "AccessDeniedException", "runtime-endpoint/canary"),
        ({"runtimeUserId": "somebody"}, "AccessDeniedException", "bedrock-agentcore:InvokeAgentRuntimeForUser"),
        (
            {"agentRuntimeArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/other-ABCDEFGHIJ"},
            "AccessDeniedException",
            "runtime/other-ABCDEFGHIJ because no identity-based policy",
        ),
    ],
)
def test_what_the_service_would_refuse(ask: Ask, more: dict[str, str], code: str, says: str) -> None:
    with pytest.raises(ClientError, match=says) as caught:
        ask("What is 1 + 1?", **more)
    assert caught.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("role", ["agents/assistant-role", "nobody"])
def test_only_who_may_invoke_the_runtime_can(
    serving: Serving, client_of: ClientOf, session_of: SessionOf, role: str
) -> None:
    client = client_of("bedrock-agentcore", session_of(role))
    with pytest.raises(ClientError) as caught:
        client.invoke_agent_runtime(agentRuntimeArn=serving.agents["assistant"], payload=b"{}")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert caught.value.response["Error"]["Message"] == (
        f"User: arn:aws:sts::123456789012:assumed-role/{role.removeprefix('agents/')}/local"
        " is not authorized to perform:"
        f" bedrock-agentcore:InvokeAgentRuntime on resource: {serving.agents['assistant']}"
        " because no identity-based policy allows the bedrock-agentcore:InvokeAgentRuntime action"
    )


def test_an_unsigned_request_is_refused(serving: Serving) -> None:
    arn = serving.agents["assistant"].replace(":", "%3A").replace("/", "%2F")
    answer = httpx.post(f"{serving.url}/runtimes/{arn}/invocations", json={"prompt": "hello"}, timeout=None)
    assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example", "origin": "https://evil.example", "content-type": "text/plain"},
        {"host": "localhost.evil.example:80"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
    ],
)
def test_a_web_page_reaches_no_agent_whatever_the_name_it_gives_this_machine(
    serving: Serving, headers: dict[str, str]
) -> None:
    arn = serving.agents["assistant"].replace(":", "%3A").replace("/", "%2F")
    prompt = json.dumps({"prompt": "Greet Mallory"})
    before = len(serving.calls)
    answer = httpx.post(f"{serving.url}/runtimes/{arn}/invocations", content=prompt, headers=headers, timeout=None)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert len(serving.calls) == before


def test_an_agents_error_becomes_what_the_service_makes_of_it(ask: Ask) -> None:
    with pytest.raises(ClientError) as caught:
        ask("fail")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert caught.value.response["Error"] == {
        "Code": "RuntimeClientError",
        "Message": "Received error (502) from runtime. Please check your CloudWatch logs for more information.",
    }


def test_an_agent_that_died_is_started_again(ask: Ask) -> None:
    first = _response(ask("environment"))["pid"]
    with pytest.raises(ClientError, match=r"Received error \(502\)"):
        ask("die")
    assert _response(ask("What is 1 + 2?"))["response"] == "The result is 3."
    assert _response(ask("environment"))["pid"] != first

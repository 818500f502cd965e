"""Attempts to get past the locks of a deployment: each must be refused, and each is really made.

The deployment is served as planned for callers from outside, and once more with the agent's grant pointed at another
gateway, to show that the grant is what lets the agent in.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from botocore.credentials import Credentials
from mcp_proxy_for_aws.sigv4_helper import SigV4HTTPXAuth  # type: ignore[import-untyped]

from toolgate.access.deployment.agentcore_resources import Gateway, Runtime
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local import examples
from toolgate.local.invoke_agent import AgentError, ask
from toolgate.local.progress import waiting_for
from toolgate.local.serve.server import Serving, serve
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY, ROLE_POLICY, RUNTIME

LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
CALL_TOOL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
HEADERS = {"accept": "application/json, text/event-stream"}


@dataclass(frozen=True)
class Attempt:
    """Who tried, whether that was refused, and with which words."""

    who: str
    refused: bool
    message: str


def attempts(raw: Mapping[str, Any], deployment: Deployment, root: Path | None = None) -> Iterator[Attempt]:
    """Make every attempt against a served deployment.

    Args:
        raw: The deployment.
        deployment: The same, parsed.
        root: The program's folder; the current one when left out.
    """
    gateway = deployment.gateways[0]
    several = len(deployment.gateways) > 1
    if deciding := [it for it in deployment.gateways if it.policy_engine or several]:
        with ExitStack() as stack:
            with waiting_for("the deployment as planned"):
                serving = stack.enter_context(serve(_with_agents(raw, []), root))
            for one in deciding:
                yield from calls_without_permit(serving, deployment, one)
    granted = {entry.agent for entry in matrix(deployment).entries if entry.decision is not Access.DENY}
    asked = [runtime for runtime in deployment.runtimes if runtime.agent in granted][:1]
    with ExitStack() as stack:
        with waiting_for("a second deployment, with the agents' grants pointed at another gateway"):
            moved = _with_agents(with_grant_moved(raw, gateway), asked)
            serving = stack.enter_context(serve(moved, root))
        yield unsigned(serving, gateway)
        yield signed_without_grant(serving, deployment, gateway)
        for runtime in asked:
            yield agent_without_grant(serving, runtime)


def _with_agents(raw: Mapping[str, Any], wanted: Sequence[Runtime]) -> dict[str, Any]:
    """The deployment with these agents alone, so that none is started that nobody asks; their roles stay."""
    arns = {runtime.arn for runtime in wanted}
    resources = [
        resource
        for resource in raw["deployment"]["resources"]
        if resource["type"] != RUNTIME or resource["outputs"]["agentRuntimeArn"] in arns
    ]
    return {**raw, "deployment": {**raw["deployment"], "resources": resources}}


def calls_without_permit(serving: Serving, deployment: Deployment, gateway: Gateway) -> Iterator[Attempt]:
    """Each agent's role calling, past the agent, a tool that the matrix denies it; the policy engine or IAM answers."""
    for entry in matrix(deployment).entries:
        if entry.decision is not Access.DENY or entry.gateway != gateway.arn:
            continue
        signer = _signer(serving, entry.principal, gateway)
        call = {**CALL_TOOL, "params": {"name": entry.tool, "arguments": _arguments(deployment, entry.tool)}}
        who = f"the role of {entry.agent} calling {entry.tool}"
        response = _post(serving, gateway, signer, call)
        if response.status_code != 200:  # a role that was handed nothing gets no further than IAM
            yield _judged(who, response)
            continue
        answer = _message(response)
        error = answer.get("error", {})
        said = f"{error.get('code')} {error.get('message')}" if error else json.dumps(answer)[:200]
        yield Attempt(who, bool(error), said)


def _arguments(deployment: Deployment, tool: str) -> dict[str, Any]:
    """Arguments that fit the tool's schema, so that nothing but the permit is missing."""
    schemas = {target.full_name(one): one.input_schema for target in deployment.targets for one in target.tools or ()}
    return examples.arguments(schemas[tool])


def unsigned(serving: Serving, gateway: Gateway) -> Attempt:
    """A request without a signature."""
    return _judged("nobody (an unsigned request)", _post(serving, gateway, None))


def signed_without_grant(serving: Serving, deployment: Deployment, gateway: Gateway) -> Attempt:
    """A request rightly signed by a role of the same account that was granted nothing: a tool's own function."""
    role = deployment.functions[0].role_arn
    signer = _signer(serving, role, gateway)
    return _judged(f"a role without the grant ({role.rsplit('/', 1)[-1]})", _post(serving, gateway, signer))


def agent_without_grant(serving: Serving, runtime: Runtime) -> Attempt:
    """The shipped agent, its grant naming another gateway; its own log tells what the gateway answered."""
    who = f"the agent {runtime.agent!r}, its grant pointed at another gateway"
    try:
        answer = ask(serving.environment, runtime.arn, "What is 100 + 12?")
    except AgentError as error:
        return Attempt(who, True, f"{_refusal(serving.logs[runtime.agent]) or error}")
    return Attempt(who, False, answer)


def with_grant_moved(raw: Mapping[str, Any], gateway: Gateway) -> dict[str, Any]:
    """A copy of the deployment in which every grant on the gateway names another gateway of the account."""
    moved = copy.deepcopy(dict(raw))
    other = gateway.arn.replace(f"gateway/{gateway.id}", "gateway/another-gateway-0123456789")
    for resource in moved["deployment"]["resources"]:
        if resource["type"] != ROLE_POLICY:
            continue
        for side in ("inputs", "outputs"):
            document = json.loads(resource[side]["policy"])
            for statement in document["Statement"]:
                if statement["Action"] == INVOKE_GATEWAY:
                    statement["Resource"] = [other if arn == gateway.arn else arn for arn in statement["Resource"]]
            resource[side]["policy"] = json.dumps(document)
    return moved


def _post(
    serving: Serving, gateway: Gateway, auth: httpx.Auth | None, message: Mapping[str, Any] = LIST_TOOLS
) -> httpx.Response:
    url = serving.gateway_url(gateway.id)
    with httpx.Client(trust_env=False, timeout=30, auth=auth) as client:
        return client.post(url, json=message, headers=HEADERS)


def _message(response: httpx.Response) -> dict[str, Any]:
    """The JSON-RPC message of an answer, which may come as the one event of a stream."""
    data = [line.removeprefix("data:") for line in response.text.splitlines() if line.startswith("data:")]
    answer: dict[str, Any] = json.loads(data[0] if data else response.text)
    return answer


def _signer(serving: Serving, role_arn: str, gateway: Gateway) -> httpx.Auth:
    issued = serving.session(role_arn)
    credentials = Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token)
    signer: httpx.Auth = SigV4HTTPXAuth(credentials, "bedrock-agentcore", gateway.arn.split(":")[3])
    return signer


def _judged(who: str, response: httpx.Response) -> Attempt:
    if response.status_code != 403:
        return Attempt(who, False, f"HTTP {response.status_code}: {response.text[:200]}")
    return Attempt(who, True, f"HTTP 403 {response.headers['x-amzn-errortype']}: {response.json()['message']}")


def _refusal(log: Path) -> str | None:
    """What the gateway answered, from the agent's log (JSON lines); None if it says nothing of it."""
    for line in log.read_text(encoding="utf-8").splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "gateway_call_failed" and "reason" in event:
            return f"HTTP {event['http_status']}: {json.loads(event['reason'])['message']}"
    return None

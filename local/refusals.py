"""Attempts to get past the locks of a deployment: each must be refused, and each is really made.

The deployment is served as planned for callers from outside, and, where agents sign, once more with the agent's grant
pointed at another gateway, to show that the grant is what lets the agent in.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from toolgate.local.serve.gateway import search
from toolgate.local.serve.server import Serving, serve
from toolgate.local.serve.serving_file import AgentToken
from toolgate.local.serve.tokens.ways_in import ways_in
from toolgate.local.taken_token import NotGivenError, taken_token
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
    several = len(deployment.gateways) > 1
    by_token = [it for it in deployment.gateways if it.jwt]
    signed = [it for it in deployment.gateways if not it.jwt]
    deciding = [it for it in deployment.gateways if it.policy_engine or several]
    if deciding or by_token:
        with ExitStack() as stack:
            with waiting_for("the deployment as planned"):
                serving = stack.enter_context(serve(_with_agents(raw, []), root))
            for one in deciding:
                yield from calls_without_permit(serving, deployment, one)
            for one in (it for it in deciding if it.policy_engine and it.search):
                yield from searches_for_denied_tools(serving, deployment, one)
            for one in by_token:
                yield from without_valid_token(serving, deployment, one)
    if not signed:
        return
    granted = {entry.agent for entry in matrix(deployment).entries if entry.decision is not Access.DENY}
    asked = [runtime for runtime in deployment.agents if runtime.agent in granted and not ways_in(runtime)][:1]
    with ExitStack() as stack:
        with waiting_for("a second deployment, with the agents' grants pointed at another gateway"):
            moved = _with_agents(with_grant_moved(raw, signed[0]), asked)
            serving = stack.enter_context(serve(moved, root))
        yield unsigned(serving, signed[0])
        yield signed_without_grant(serving, deployment, signed[0])
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
    agents = {runtime.agent: runtime for runtime in deployment.agents}
    for entry in matrix(deployment).entries:
        if entry.decision is not Access.DENY or entry.gateway != gateway.arn or entry.agent not in agents:
            continue
        call = {**CALL_TOOL, "params": {"name": entry.tool, "arguments": _arguments(deployment, entry.tool)}}
        who = f"the role of {entry.agent} calling {entry.tool}"
        try:
            auth = _as_agent(serving, agents[entry.agent], gateway)
        except NotGivenError as refused:
            yield Attempt(who, True, str(refused))
            continue
        response = _post(serving, gateway, auth, call)
        if response.status_code != 200:  # a role that was handed nothing gets no further than IAM
            yield _judged(who, response)
            continue
        answer = _message(response)
        error = answer.get("error", {})
        said = f"{error.get('code')} {error.get('message')}" if error else json.dumps(answer)[:200]
        yield Attempt(who, bool(error), said)


def searches_for_denied_tools(serving: Serving, deployment: Deployment, gateway: Gateway) -> Iterator[Attempt]:
    """Each agent's role searching, past the agent, for the tools that it may not call; Cedar is not asked of it."""
    agents = {runtime.agent: runtime for runtime in deployment.agents}
    denied: dict[str, list[str]] = {}
    for entry in matrix(deployment).entries:
        if entry.gateway == gateway.arn and entry.agent in agents and entry.decision is Access.DENY:
            denied.setdefault(entry.agent, []).append(entry.tool)
    for agent, tools in denied.items():
        words = " ".join(tool.replace("_", " ") for tool in tools)
        call = {**CALL_TOOL, "params": {"name": search.NAME, "arguments": {"query": words}}}
        who = f"the role of {agent} searching for {' and '.join(tools)}"
        try:
            response = _post(serving, gateway, _as_agent(serving, agents[agent], gateway), call)
        except NotGivenError as refused:
            yield Attempt(who, True, str(refused))
            continue
        if response.status_code != 200:
            yield _judged(who, response)
            continue
        answer = _message(response)
        listed = answer.get("result", {}).get("structuredContent", {}).get("tools", [])
        found = ", ".join(it["name"] for it in listed) or "none"
        shown = any(tool in response.text for tool in tools)
        yield Attempt(who, not shown, f"The search shows what this role may call: {found}" if not shown else found)


def _arguments(deployment: Deployment, tool: str) -> dict[str, Any]:
    """Arguments that fit the tool's schema, so that nothing but the permit is missing."""
    schemas = {target.full_name(one): one.input_schema for target in deployment.targets for one in target.tools or ()}
    return examples.arguments(schemas[tool])


def without_valid_token(serving: Serving, deployment: Deployment, gateway: Gateway) -> Iterator[Attempt]:
    """Requests to a gateway that takes tokens: with none, with one that has run out, with one for another gateway."""
    yield _judged("nobody (a request without a token)", _post(serving, gateway, None))
    for client_id in _clients_of(deployment, gateway)[:1]:
        expired = _bearer(serving.token(client_id, exp=1))
        yield _judged("a client whose token has expired", _post(serving, gateway, expired))
        if gateway.jwt and gateway.jwt.scopes:
            elsewhere = _bearer(serving.token(client_id, scope="another-gateway/invoke"))
            who = "a client of the same issuer without this gateway's scope"
            yield _judged(who, _post(serving, gateway, elsewhere))


def _clients_of(deployment: Deployment, gateway: Gateway) -> list[str]:
    """The clients whose tokens the gateway's issuer gives, as far as the deployment names them."""
    url = gateway.jwt.discovery_url if gateway.jwt else ""
    pool = deployment.tokens.pool_of(url)
    own = [client.id for client in deployment.tokens.clients if pool and client.pool_id == pool.id]
    return own or [it.client_id for it in deployment.tokens.providers if it.client_id and it.discovery_url == url]


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


type _Auth = httpx.Auth | Callable[[httpx.Request], httpx.Request] | None


def _post(serving: Serving, gateway: Gateway, auth: _Auth, message: Mapping[str, Any] = LIST_TOOLS) -> httpx.Response:
    url = serving.gateway_url(gateway.id)
    with httpx.Client(trust_env=False, timeout=30, auth=auth) as client:
        return client.post(url, json=message, headers=HEADERS)


def _message(response: httpx.Response) -> dict[str, Any]:
    """The JSON-RPC message of an answer, which may come as the one event of a stream."""
    data = [line.removeprefix("data:") for line in response.text.splitlines() if line.startswith("data:")]
    answer: dict[str, Any] = json.loads(data[0] if data else response.text)
    return answer


def _as_agent(serving: Serving, runtime: Runtime, gateway: Gateway) -> _Auth:
    """What an agent comes with: the token that its role is given, where it has a way in by one, else a signature.

    Raises:
        NotGivenError: It is given none.
    """
    ways = ways_in(runtime) if gateway.jwt else ()
    way = next((it for it in ways if gateway.url in it.gateways), next(iter(ways), None))
    if way is None:
        return _signer(serving, runtime.role_arn, gateway)
    wanted = AgentToken(way.identity, way.provider, way.scopes, way.parameters)
    credentials = serving.session(runtime.role_arn).environment()
    return _bearer(taken_token(wanted, serving.url, credentials, gateway.arn.split(":")[3]))


def _bearer(token: str) -> _Auth:
    def authorized(request: httpx.Request) -> httpx.Request:
        request.headers["authorization"] = f"Bearer {token}"
        return request

    return authorized


def _signer(serving: Serving, role_arn: str, gateway: Gateway) -> httpx.Auth:
    issued = serving.session(role_arn)
    credentials = Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token)
    signer: httpx.Auth = SigV4HTTPXAuth(credentials, "bedrock-agentcore", gateway.arn.split(":")[3])
    return signer


def _judged(who: str, response: httpx.Response) -> Attempt:
    status = response.status_code
    if status not in (401, 403):
        return Attempt(who, False, f"HTTP {status}: {response.text[:200]}")
    said = response.json()
    if "error" in said:  # of a gateway that takes tokens
        return Attempt(who, True, f"HTTP {status}: {said['error']['message']}")
    return Attempt(who, True, f"HTTP {status} {response.headers['x-amzn-errortype']}: {said['message']}")


def _refusal(log: Path) -> str | None:
    """What the gateway answered, from the agent's log (JSON lines); None if it says nothing of it."""
    for line in log.read_text(encoding="utf-8").splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "gateway_call_failed" and "reason" in event:
            return f"HTTP {event['http_status']}: {json.loads(event['reason'])['message']}"
    return None

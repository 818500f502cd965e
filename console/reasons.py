"""Why a call was refused, in a sentence, and the line of program or settings that would have to change.

What decided stands in the line of the access log; what is missing says the explanation (`access explain`). Nothing is
decided here.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

from toolgate.access.deployment.agentcore_resources import Gateway, Runtime, Tool
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam import evaluation
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import Identity
from toolgate.access.matrix.access_matrix import token_access, tools_of
from toolgate.access.matrix.inbound import requests
from toolgate.access.output.call_lines import Call
from toolgate.access.output.witness_lines import answered, check_lines
from toolgate.access.tokens.callers import TokenCaller, client_principal
from toolgate.console import places
from toolgate.console.places import Place
from toolgate.local.serve.access_log import DENIED
from toolgate.policy.language.agentcore_facts import INVOKE_FUNCTION, INVOKE_GATEWAY, target_of

log = logging.getLogger(__name__)

SIGNATURE, TOKEN, IAM, CEDAR = "signature", "token", "iam", "cedar"
INTERCEPTOR, RESOURCE_POLICY, SCHEMA = "interceptor", "resource_policy", "schema"

_UNSIGNED = "MissingAuthenticationTokenException"
_NO_TOKEN, _SCOPE = "missing_token", "insufficient_scope"
_EXPLICIT = "with an explicit deny"
_MISSING = "missing: "
_DO_NOT_FIT = "the arguments fit no policy: "
_STRANGER = "an unknown caller"
_UNKNOWN_TOOL, _INVALID = "unknown_tool", "invalid_arguments"


class Reason(TypedDict):
    """Why a call was refused."""

    text: str
    """A sentence."""
    missing: str
    """What is missing, or stands against it: one of the names above."""
    change: str
    """What to change."""
    file: str | None
    """The file to change, relative to the program's folder."""
    line: int | None
    """The line, from 1."""
    code: str | None
    """The line's text."""


def reason(deployment: Deployment, line: Mapping[str, Any], program: Path | None) -> Reason | None:
    """Why a call was refused, or could not be made as it was written; None where nobody can say, or it was made.

    Args:
        deployment: The deployment that is served.
        line: The exchange's line of the access log.
        program: The folder of its program; None where only the deployment is known.
    """
    try:
        refused = _refused(deployment, line, program)
        return _judged(refused) if refused else None
    except Exception:  # a picture without a sentence is better than none, whatever stands in a line
        log.exception("no reason can be given for %s", line.get("request_id"))
        return None


@dataclass(frozen=True)
class _Refused:
    """A refused call.

    Attributes:
        deployment: The deployment.
        line: The line of the access log.
        program: The program's folder, if it is known.
        gateway: The gateway.
    """

    deployment: Deployment
    line: Mapping[str, Any]
    program: Path | None
    gateway: Gateway

    @property
    def tool(self) -> str:
        return str(self.line.get("tool", ""))

    @cached_property
    def decider(self) -> Mapping[str, Any]:
        """What denied it: of several that had a say the last one that said no, and was heeded."""
        denying = [it for it in self.line.get("decided_by", ()) if it["effect"] == "deny" and "mode" not in it]
        return denying[-1] if denying and self.line.get("decision") == DENIED else {}

    @property
    def why(self) -> str:
        """What denied it in the words of the log."""
        return str(self.decider.get("reason", ""))

    @property
    def _role_name(self) -> str | None:
        principal = str(self.line.get("principal", ""))
        return principal.split("/")[1] if ":assumed-role/" in principal else None

    @property
    def runtime(self) -> Runtime | None:
        """The agent that called."""
        return next((it for it in self.deployment.agents if it.agent == self.line.get("agent")), None)

    @cached_property
    def identity(self) -> Identity | None:
        """Who signed; None where the deployment does not hold it."""
        if self.runtime and self._role_name:
            return self.deployment.role(self.runtime.role_arn)
        held = (*self.deployment.roles, *self.deployment.users)
        return next((it for it in held if it.name == self._role_name), None)

    @cached_property
    def client(self) -> TokenCaller | None:
        """Who came with a token, as the gateway's issuer knows it."""
        principal = client_principal(str(self.line.get("client", "")))
        return self.call.tokens.callers(self.gateway).get((principal, False)) if self.gateway.jwt else None

    @property
    def who(self) -> str:
        return str(self.line.get("agent") or self._role_name or self.line.get("client") or _STRANGER)

    @property
    def denied(self) -> str:
        """How each sentence about a refusal begins."""
        return f"{self.who} may not {f'call {self.tool}' if self.tool else f'use gateway {self.gateway.name}'}"

    @cached_property
    def call(self) -> Call:
        """The call, to be explained."""
        return Call(token_access(self.deployment), self.gateway, self.tool)

    @property
    def explained(self) -> list[str]:
        """What decides about the call, as `access explain` prints it."""
        if self.gateway.jwt:
            found = self.call.lines_of_client(self.client) if self.client else iter(())
        else:
            found = self.call.lines(self.identity) if self.identity else iter(())
        return [it.strip() for it in found]

    @cached_property
    def has_settings(self) -> bool:
        return self.program is not None and places.has_settings(self.program)

    def setting(self, *keys: str) -> Place | None:
        """Where a setting stands in the stack's file, if the program has settings."""
        if self.program is None or not self.has_settings:
            return None
        return places.of_setting(self.program, self.deployment.stack, *keys)

    def says(self, why: str, missing: str, change: str, place: Place | None = None) -> Reason:
        """The reason of a refusal."""
        return _reason(f"{self.denied}: {why}", missing, change, place)


def _reason(text: str, missing: str, change: str, place: Place | None) -> Reason:
    file, line, code = (place.file, place.line, place.code) if place else (None, None, None)
    return Reason(text=text, missing=missing, change=change, file=file, line=line, code=code)


def _refused(deployment: Deployment, line: Mapping[str, Any], program: Path | None) -> _Refused | None:
    gateway = next((it for it in deployment.gateways if it.arn == line.get("resource_arn")), None)
    return _Refused(deployment, line, program, gateway) if gateway else None


def _judged(refused: _Refused) -> Reason | None:
    by, status = refused.decider.get("by"), refused.line.get("status")
    asked = by in (CEDAR, None) and refused.tool
    if asked and (
        status == _UNKNOWN_TOOL or (by and refused.tool not in tools_of(refused.deployment, refused.gateway))
    ):
        return _unknown_tool(refused)
    if by is None:
        return _invalid_arguments(refused) if status == _INVALID and refused.tool else None
    if (
        refused.decider.get("principal") == refused.gateway.role_arn
        and refused.decider.get("action") != INVOKE_FUNCTION
    ):
        return _far_side(refused)
    judge = _JUDGES.get(by)
    return judge(refused) if judge else None


def _signature(refused: _Refused) -> Reason:
    if refused.decider.get("code") == _UNSIGNED:
        return refused.says("the request is not signed", SIGNATURE, f"Sign it with SigV4, {_as_whom(refused)}")
    return refused.says(
        f"its signature is refused ({refused.why.rstrip('.')})",
        SIGNATURE,
        f"Sign it anew with credentials that hold, {_as_whom(refused)}",
    )


def _token(refused: _Refused) -> Reason:
    issuer = refused.gateway.jwt.issuer if refused.gateway.jwt else "the gateway's issuer"
    if refused.decider.get("code") == _NO_TOKEN:
        why = refused.why.partition(": ")[2]
        came = "the request comes without a token" if why == "no token" else why
        return refused.says(came, TOKEN, f"Come with an access token of {issuer}, {_as_whom(refused)}")
    check = refused.decider.get("check")
    if refused.decider.get("code") != _SCOPE and check != "client_id":
        change = f"Get another token of {issuer}: it looks at the token's {check}"
        return refused.says(f"its token is refused ({refused.why})", TOKEN, change)
    wanted = refused.gateway.jwt.scopes if refused.gateway.jwt else ()
    held = refused.client.scopes if refused.client else ()
    why = f"its token is not for this gateway ({refused.why.partition(': ')[2]})"
    if {*wanted} & {*held} and check != "client_id":
        return refused.says(why, TOKEN, f"Ask {issuer} for a token with the scope {' or '.join(wanted)}")
    return refused.says(why, TOKEN, *_handed_over(refused))


def _iam(refused: _Refused) -> Reason | None:
    if refused.decider.get("action") == INVOKE_FUNCTION:
        return _function(refused)
    if refused.identity is None:
        why = "this role is not in the deployment, and what is not in it may do nothing here"
        return refused.says(why, IAM, f"Call it {_as_whom(refused)}", refused.setting("agents"))
    if refused.why.startswith(_EXPLICIT):
        return _explicit_deny(refused)
    return _implicit_deny(refused, refused.identity)


def _implicit_deny(refused: _Refused, who: Identity) -> Reason:
    [check, *_] = [answered(it) for it in requests(refused.deployment, refused.gateway, who)]
    told = list(check_lines(check))
    lacks = next((it.removeprefix(_MISSING) for it in told if it.startswith(_MISSING)), None)
    if lacks is None:
        why = "what would allow it does not hold for this request" + (f": {'; '.join(told)}" if told else "")
        return refused.says(why, IAM, "Call it so that the condition holds, or change the condition")
    why = f"it lacks {lacks}"
    match check.decision.missing:
        case [[evaluation.BOUNDARY], *_]:
            change = f"Let its permissions boundary allow {INVOKE_GATEWAY} on {refused.gateway.arn}"
            return refused.says(why, IAM, change, _boundary(refused))
        case [[evaluation.RESOURCE], *_]:
            change = f"Let the resource policy of {refused.gateway.name} allow it"
            return refused.says(why, RESOURCE_POLICY, change)
    return refused.says(why, IAM, *_handed_over(refused))


def _explicit_deny(refused: _Refused) -> Reason:
    statement = refused.decider["statements"][0]
    kind = statement["kind"].replace("boundary policy", "permissions boundary")
    # The log has its name as the explanation does: a Sid, or its place.
    sid = statement["statement"]
    place = _boundary(refused) if kind == "permissions boundary" else None
    if place is None and refused.program:
        place = places.of_text(refused.program, sid)
    missing = RESOURCE_POLICY if kind == "resource policy" else IAM
    change = f"Take {sid} out of {kind} '{statement['policy']}', or let it spare {refused.who}"
    return refused.says(f"Deny in {kind} '{statement['policy']}' ({sid})", missing, change, place)


def _boundary(refused: _Refused) -> Place | None:
    found = refused.setting("permissionsBoundary")
    return found if found and found.whole else None


def _function(refused: _Refused) -> Reason:
    """The gateway's role may not invoke what is behind the tool."""
    role = refused.deployment.role(refused.gateway.role_arn)
    name = role.name if role else refused.gateway.role_arn
    target = target_of(refused.tool)
    [arn] = [it.function_arn for it in refused.deployment.targets_of(refused.gateway) if it.name == target]
    statements = refused.decider.get("statements")
    stands = statements[0] if statements else None
    against = f"; {stands['policy']} ({stands['statement']}) decides" if stands else ""
    given = refused.setting("gateways", places.made_as(refused.gateway.label, "-gateway"), "roleArn")
    if given is None or not given.whole:
        given = refused.setting("gatewayRoleArn")
    why = f"the gateway's role {name} may not invoke the function of target {target}{against}"
    change = f"Allow the role {INVOKE_FUNCTION} on {arn}"
    return _reason(f"{refused.tool} cannot be called: {why}", IAM, change, given if given and given.whole else None)


def _far_side(refused: _Refused) -> Reason:
    """The gateway's role may not call the server or the API behind the tool, or not have its credential."""
    role = refused.deployment.role(refused.gateway.role_arn)
    name, action = role.name if role else refused.gateway.role_arn, refused.decider["action"]
    why = f"the gateway's role {name} is refused at target {target_of(refused.tool)}"
    statements = "; ".join(f"{it['policy']} ({it['statement']})" for it in refused.decider.get("statements", ()))
    because = f": {refused.why or statements}"
    return _reason(f"{refused.tool} cannot be called: {why}{because}", IAM, f"Allow the role {action} there", None)


def _cedar(refused: _Refused) -> Reason | None:
    if refused.why.startswith("The gateway's role"):
        return refused.says(f"no decision can be had: {refused.why}", IAM, "Allow the gateway's role to ask its engine")
    policies = [it for it in refused.explained if it.startswith(("forbid in Cedar", "permit in Cedar"))]
    ids = refused.decider.get("policies", ())
    if ids:
        names = [it for engine in refused.deployment.policy_engines for it in engine.policies if it.id in ids]
        forbids = [it for it in policies if any(f"'{policy.name}'" in it for policy in names)]
        why = "; ".join(forbids) or f"Cedar policy {', '.join(ids)} forbids it"
        listed = ", ".join(f"'{it.name}'" for it in names) or ", ".join(ids)
        return refused.says(why, CEDAR, f"Change or remove Cedar policy {listed}", _of_policies(refused, names))
    permits = [it for it in policies if it.startswith("permit")]
    if not permits:
        return refused.says("no Cedar policy permits it", CEDAR, *_handed_over(refused))
    if refused.why.startswith(_DO_NOT_FIT):
        return _invalid_arguments(refused, refused.why.removeprefix(_DO_NOT_FIT))
    why = f"no Cedar policy permits it with these arguments: {'; '.join(permits)}"
    change = "Call it with arguments that fit the condition, or change the condition"
    named = [it for engine in refused.deployment.policy_engines for it in engine.policies if f"'{it.name}'" in why]
    return refused.says(why, CEDAR, change, _of_policies(refused, named))


def _of_policies(refused: _Refused, policies: Sequence[Any]) -> Place | None:
    """Where the first policy is made, by its name in the program."""
    if not policies or refused.program is None:
        return None
    return places.of_resource(refused.program, places.made_as(policies[0].label))


def _interceptor(refused: _Refused) -> Reason:
    decider, component = refused.decider, places.made_as(refused.gateway.label, "-gateway")
    point = decider["point"].lower()
    own = refused.setting("gateways", component, "interceptors", point)
    keys = ("gateways", component, "interceptors", point) if own and own.whole else ("interceptors", point)
    place = own if own and own.whole else refused.setting("interceptors", point)
    where = f"{places.NAMESPACE}:{'.'.join(keys)}"
    if place is None and refused.program:
        place, where = places.of_component(refused.program, "ToolGateway", component, "interceptors"), "interceptors"
    why = f"interceptor {decider['function']} ({decider['point']}) denies it{f': {refused.why}' if refused.why else ''}"
    change = f"Its code says what it denies; it is asked because of {where}"
    return refused.says(why, INTERCEPTOR, change, place)


def _unknown_tool(refused: _Refused) -> Reason:
    there = tools_of(refused.deployment, refused.gateway)
    elsewhere = [it.name for it in refused.deployment.gateways if refused.tool in tools_of(refused.deployment, it)]
    hint = f"; gateway {' and '.join(elsewhere)} has it" if elsewhere else ""
    text = f"gateway {refused.gateway.name} has no tool {refused.tool}{hint}"
    target = places.made_as(refused.gateway.label, "-gateway")
    place = refused.setting("gateways", target, "targets") if elsewhere else None
    return _reason(text, SCHEMA, f"Call one of {', '.join(there) or 'none'}", place)


def _invalid_arguments(refused: _Refused, said: str = "") -> Reason | None:
    tool = next((it for name, it in _tools(refused.deployment) if name == refused.tool), None)
    if tool is None:
        return None
    known, required = tool.input_schema.get("properties", {}), tool.input_schema.get("required", ())
    given = {*refused.line.get("arguments", ())}
    found = [f"{it}: missing" for it in required if it not in given]
    found += [f"{it}: the tool has no such argument" for it in sorted(given) if it not in known]
    why = said or "; ".join(found) or "a value is not of the type that the schema says"
    names = ", ".join(f"{it}{'' if it in required else ' (may be left out)'}" for it in known) or "none"
    place = None
    if refused.program:
        file = refused.program / "lambdas" / target_of(refused.tool) / "tools.py"
        place = places.of_function(refused.program, file, tool.name)
    text = f"{refused.tool} cannot be called so: its arguments do not fit its schema ({why})"
    return _reason(text, SCHEMA, f"Give it what its schema asks for: {names}", place)


def _tools(deployment: Deployment) -> Iterator[tuple[str, Tool]]:
    for target in deployment.targets:
        yield from ((target.full_name(it), it) for it in target.tools or ())


_JUDGES: Mapping[str, Callable[[_Refused], Reason | None]] = {
    "signature": _signature,
    "token": _token,
    "iam": _iam,
    "cedar": _cedar,
    "interceptor": _interceptor,
}


_OPEN = (Access.ALLOW, Access.CONDITIONAL)


def _as_whom(refused: _Refused) -> str:
    """Who may make the call, in words."""
    # Who is refused by the head of a request has not been asked for the tool.
    tools = [refused.tool] if refused.tool else tools_of(refused.deployment, refused.gateway)
    calls = [replace(refused.call, tool=it) for it in tools]
    roles = {it.agent: refused.deployment.identity(it.role_arn) for it in refused.deployment.agents}
    able = [agent for agent, role in roles.items() if any(it.access(role).decision in _OPEN for it in calls)]
    return f"as somebody who may: {', '.join(able)}" if able else "as somebody who may"


def _handed_over(refused: _Refused) -> tuple[str, Place | None]:
    """How a call's tool is handed over to whoever made it, and where that would have to be written."""
    gateway, runtime = places.made_as(refused.gateway.label, "-gateway"), refused.runtime
    if refused.has_settings:
        kind = "agents" if runtime or not refused.gateway.jwt else "clients"
        if kind == "agents" and runtime is None:  # a role of something else, such as a tool's function
            return f"Call it {_as_whom(refused)}; {refused.who} is the role of no agent", refused.setting("agents")
        name = places.made_as(runtime.label, "-runtime") if runtime else refused.who
        key = (kind, name, "tools")
        handed = f"add {_entry(refused, gateway)} to {places.NAMESPACE}:{'.'.join(key)}"
        return f"Hand it over: {handed}", refused.setting(*key)
    if runtime is None and not refused.gateway.jwt:
        return f"Call it {_as_whom(refused)}; {refused.who} is the role of no agent", None
    made = ("AgentRuntime", places.made_as(runtime.label, "-runtime")) if runtime else ("MachineClient", refused.who)
    variable, place = None, None
    if refused.program:
        variable = places.variable_of(refused.program, "ToolGateway", gateway)
        place = places.of_component(refused.program, *made, "tools")
    tools = f'"{refused.tool}"' if refused.gateway.policy_engine else ""
    handed = f'{variable or "gateway"}.tools({tools}) to the tools of {made[0]}("{made[1]}")'
    return f"Hand it over: add {handed}", place


def _entry(refused: _Refused, gateway: str) -> str:
    """What a list of tools in the settings says for the call's tool.

    A gateway without a policy engine lets whoever comes in call everything, so that all of it is handed over; so it is
    where the request was refused before it could say which tool.
    """
    named = refused.setting("gateways")
    prefix = f"{gateway}/" if named and named.whole else ""
    if refused.gateway.policy_engine and refused.tool:
        return f"{prefix}{refused.tool}"
    return gateway if prefix else ", ".join(it.name for it in refused.deployment.targets_of(refused.gateway))

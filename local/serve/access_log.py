"""The access log: who asked what of a gateway, what was decided and by what, how long it took.

One JSON line for each exchange. Names are those of AgentCore's own gateway logs where it has one (`resource_arn`,
`event_timestamp`, `request_id`, `trace_id`; source: AgentCore developer guide, "AgentCore generated gateway
observability data"); the others are ours.
A line holds the names of a call's arguments, and neither a value nor an answer.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolgate.local.serve.bounded_file import BoundedFile, pieces
from toolgate.local.serve.gateway.interception_changes import words
from toolgate.local.serve.json_body import NotJsonError, read_json

if TYPE_CHECKING:  # who only reads a line has no use for it, and it takes a tenth of a second
    from toolgate.access.iam.evaluation import Decision

ENTRY = "toolgate.entry"
"""Key in the ASGI scope under which a service finds the entry of the exchange, to add what it knows."""
FILE_NAME = "gateway.jsonl"
AGENT_REQUEST_ID = "toolgate/request-id"
"""Key of `_meta` in a tool call: the id of the invocation for which an agent makes the call.

`_meta` is MCP's place for what belongs to a message and is no argument (specification, "Basic: _meta"). AWS writes the
body of a request to the gateway's log, so the id should be found there too; that was not seen by us.
"""

ALLOWED, DENIED = "allowed", "denied"
UNDECIDED = "undecided"
"""The effect of what has no say about a request, where a reader would think that it has."""
CLIENT_CLAIMS = ("client_id", "azp", "cid", "appid")
"""The claims by which issuers name the client: Cognito, Auth0 and Entra, Okta, Entra's first version."""
_TOLD_CLAIMS = ("iss", "sub", "aud", "scope", "exp")
"""The claims of a token that decide something; of a line of the log they are a part, the token is none."""

type Told = Callable[[Mapping[str, Any], Entry], None]
"""Takes a line of the access log, and what it was made from."""

_LONGEST = 256  # characters of what a client chooses: AgentCore's longest full name of a tool
_LONGEST_REASON = 1_000
_MOST_NAMES = 50
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_TRACE_HEADER = re.compile(r"Root=1-(?P<time>[0-9a-f]{8})-(?P<rest>[0-9a-f]{24})")


@dataclass
class Entry:
    """One exchange, filled on its way.

    Attributes:
        request_id: The id that its answer carries.
        principal: Who signed the request, an ARN `arn:aws:sts::<account>:assumed-role/<role>/<session>`; of a token its
            `sub`.
        role: That caller's role, an ARN.
        client: Of a token the client that it was given to.
        claims: Of a token what decides something.
        body: The request's body.
        headers: The request's headers, with names in lower case.
        decision: `allowed` or `denied`; empty until it is decided.
        decided_by: What decided: each says `by` (`signature`, `token`, `iam`, `cedar`, `interceptor`, `gateway`),
            `effect`, and the policies or statements, or the reason; an interceptor what it changed.
        http_status: Status of the answer; None where the caller left before.
        milliseconds: From the request to the end of its answer.
        target: The target that was called.
        status: How a tool call ended: `ok`, the code of the error that the tool answered, `function_failed`,
            `answered` by an interceptor, ...
        error_type: Lambda's name for what went wrong with a function.
        last_words: The last line of the traceback of a tool that failed, or why an interceptor denied: for the
            terminal, not for the log.
        log: The log of that function.
        canned: The file that the answer is out of, where nobody was asked (`outbound.canned`).
        path: What the request's path names: of a call of a model, or of a runtime, which.
    """

    request_id: str
    principal: str | None = None
    role: str | None = None
    client: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    decision: str = ""
    decided_by: list[Mapping[str, Any]] = field(default_factory=list)
    http_status: int | None = None
    milliseconds: float = 0.0
    target: str | None = None
    status: str | None = None
    error_type: str | None = None
    last_words: str | None = field(default=None, repr=False)
    log: Path | None = None
    canned: str | None = None
    path: Mapping[str, str | None] = field(default_factory=dict)
    started: float = field(default_factory=time.time)
    _clock: float = field(default_factory=time.perf_counter)

    @cached_property
    def document(self) -> Any:
        """What the body says, once it has been read.

        Raises:
            NotJsonError: Nothing that could be taken.
        """
        return read_json(self.body)

    def comes_with(self, claims: Mapping[str, Any]) -> None:
        """Note the claims of the caller's token, which its issuer has signed."""
        self.principal = _text(claims.get("sub")) or None
        self.client = next((text for name in CLIENT_CLAIMS if (text := _text(claims.get(name)))), None)
        told = {name: claims[name] for name in _TOLD_CLAIMS if name in claims}
        self.claims = {name: it if isinstance(it, int) else _text(it) or _texts(it) for name, it in told.items()}

    def allow(self, **decider: Any) -> None:
        """Note what allowed it; something else may still deny it."""
        self.decision = ALLOWED
        self.decided_by.append(_brief(decider))

    def deny(self, **decider: Any) -> None:
        """Note what denied it: that alone decided, on what interceptors had made of it."""
        self.decision = DENIED
        self.decided_by = [*interfered(self.decided_by), _brief(decider)]

    def note(self, **decider: Any) -> None:
        """Note what had a say, and has neither allowed nor denied it; of what was denied, if it did something to it."""
        if self.decision != DENIED or interfered([_brief(decider)]):
            self.decided_by.append(_brief(decider))

    def decided(self, action: str, decision: "Decision", reason: str = "", principal: str = "") -> None:
        """Note a decision of IAM.

        Args:
            action: What was asked for.
            decision: What came of it.
            reason: Why it was denied, where no statement did it.
            principal: Who was judged, where that is not the caller.
        """
        note, effect = (self.allow, "allow") if decision.allowed else (self.deny, "deny")
        by = {"by": "iam", "effect": effect, "principal": principal, "action": action}
        statements = [
            {"policy": it.policy, "statement": it.sid, "kind": f"{it.kind} policy"} for it in decision.statements
        ]
        note(**by, statements=statements, reason="" if decision.allowed else reason)

    def close(self, http_status: int | None) -> None:
        """The exchange is over."""
        self.http_status = http_status
        self.milliseconds = (time.perf_counter() - self._clock) * 1000


def _brief(decider: Mapping[str, Any]) -> dict[str, Any]:
    # A reason may name what a client chose.
    return {
        key: value[:_LONGEST_REASON] if isinstance(value, str) else value for key, value in decider.items() if value
    }


@dataclass(frozen=True)
class Asked:
    """What a request's body says; what it does not say is empty."""

    method: str = ""
    id: int | str | None = None
    tool: str = ""
    arguments: tuple[str, ...] = ()
    agent_request_id: str = ""


def asked(entry: Entry) -> Asked:
    """What the JSON-RPC message of an exchange says; one that is none says nothing."""
    try:
        document = entry.document
    except NotJsonError:
        return Asked()
    message = document if isinstance(document, dict) else {}
    given = message.get("params")
    parameters = given if isinstance(given, dict) else {}
    arguments, meta = parameters.get("arguments"), parameters.get("_meta")
    names = sorted(map(str, arguments)) if isinstance(arguments, dict) else []
    key = message.get("id")
    return Asked(
        _text(message.get("method")),
        key if isinstance(key, int) else _text(key) or None,
        _text(parameters.get("name")),
        tuple(_text(name) for name in names[:_MOST_NAMES]),
        _text(meta.get(AGENT_REQUEST_ID)) if isinstance(meta, dict) else "",
    )


def _text(value: Any) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    return [_text(it) for it in value[:_MOST_NAMES]] if isinstance(value, list) else []


@dataclass
class AccessLog:
    """Writes the lines of one or several gateways.

    Attributes:
        file: Where to.
        agents: Agents' names by their roles' ARNs and by their clients' ids.
        told: Called with each line.
    """

    file: BoundedFile
    agents: Mapping[str, str]
    told: Told | None = None

    def write(self, entry: Entry, gateway: str, tools: frozenset[str]) -> None:
        """Write an exchange's line, if it asked for something or was refused.

        Args:
            entry: The exchange.
            gateway: The gateway's ARN.
            tools: Full names of the gateway's tools.
        """
        message = asked(entry)
        refused = entry.decision == DENIED or (entry.http_status or 0) >= HTTPStatus.BAD_REQUEST
        # A notification, and a stream that waits for messages, ask for nothing.
        if not refused and (message.id is None or not message.method):
            return
        called = message.method == "tools/call"
        line: dict[str, Any] = {
            "event_timestamp": round(entry.started * 1000),
            "request_id": entry.request_id,
            "trace_id": _trace_id(entry.headers),
            "agent_request_id": message.agent_request_id,
            "resource_arn": gateway,
            "principal": entry.principal,
            "client": entry.client,
            "claims": dict(entry.claims) or None,
            "agent": self.agents.get(entry.role or entry.client or ""),
            "method": message.method,
            "id": message.id,
            "target": entry.target,
            "tool": message.tool if called else None,
            "arguments": list(message.arguments) if called else None,
            "decision": entry.decision,
            "decided_by": entry.decided_by,
            "status": _status(entry, message, tools) if called and not refused else entry.status,
            "error_type": entry.error_type,
            "log": entry.log.name if entry.log else None,
            "canned": entry.canned,
            "http_status": entry.http_status,
            "milliseconds": round(entry.milliseconds, 1),
        }
        line = {key: value for key, value in line.items() if value not in (None, "")}
        self.file.write(json.dumps(line).encode() + b"\n")
        if self.told:
            self.told(line, entry)


def _status(entry: Entry, message: Asked, tools: frozenset[str]) -> str | None:
    if entry.status:
        return entry.status
    if message.tool not in tools:
        return "unknown_tool"
    # Nothing answered for the tool: its arguments did not get that far, or the caller has left before it did.
    return "invalid_arguments" if entry.http_status else "no_answer"


def _trace_id(headers: Mapping[str, str]) -> str:
    """The trace's id, in the form of AgentCore's logs: 32 hexadecimal digits."""
    if found := _TRACE_PARENT.fullmatch(headers.get("traceparent", "")):
        return found["trace"]
    found = _TRACE_HEADER.search(headers.get("x-amzn-trace-id", ""))
    return found["time"] + found["rest"] if found else ""


def find(log: Path, request_id: str) -> Mapping[str, Any] | None:
    """The line of an exchange, or None when it is not in the log (any more)."""
    wanted = f'"request_id": "{request_id}"'
    for piece in pieces(log):
        try:
            lines = piece.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            continue
        for text in reversed(lines):
            if wanted in text:
                line: Mapping[str, Any] = json.loads(text)
                return line
    return None


def why(decided_by: Sequence[Mapping[str, Any]]) -> str:
    """What decided, in a few words."""
    return "; ".join(_one(it) for it in decided_by)


def interfered(decided_by: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of what decided the interceptors that did more than to let it pass."""
    return [
        it
        for it in decided_by
        if it["by"] == "interceptor" and (it["effect"] != "allow" or "changed" in it or "reason" in it)
    ]


def _interceptor(decider: Mapping[str, Any]) -> str:
    changed = f", and changes {words(decider['changed'])}" if "changed" in decider else ""
    reason = f": {decider['reason']}" if "reason" in decider else ""
    return f"interceptor {decider['function']} ({decider['point']}) {_SAID[decider['effect']]}{changed}{reason}"


_SAID = {"allow": "allows", "deny": "denies", "answer": "answers", UNDECIDED: "is not asked"}


def _one(decider: Mapping[str, Any]) -> str:
    if decider["by"] == "interceptor":
        return _interceptor(decider)
    names = {"iam": "IAM", "cedar": "Cedar", "signature": "signature", "token": "the token", "gateway": "the gateway"}
    if statements := decider.get("statements"):
        found = ", ".join(f"{it['policy']} ({it['statement']})" for it in statements)
    else:
        found = ", ".join(decider.get("policies", ())) or decider.get("reason", "")
    who = f" of {decider['principal']}" if "principal" in decider else ""
    only_logged = ", which only logs" if decider.get("mode") == "LOG_ONLY" else ""
    return f"{names[decider['by']]}{who} {_SAID[decider['effect']]}{only_logged}: {found}"

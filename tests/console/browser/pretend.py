"""A source whose every text is an attack, or is as large as a test wants it: the page has to stand both."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolgate.console.live import Live
from toolgate.console.source import Call, Change, Json, Question, Unavailable

ACCOUNT = "arn:aws:iam::123456789012:role"
GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/tools-abcdefghij"
SCRIPT = '<img src=x onerror="window.ran=1"><script>window.ran=1</script></pre></textarea>javascript:window.ran=1'
"""What would run if it were taken as markup, wherever it stands."""


@dataclass
class Answer:
    """What an agent says, all of it at once."""

    said: Sequence[Json]

    def events(self) -> Iterator[Json]:
        """All of it."""
        return iter(self.said)

    def leave(self) -> None:
        """There is nothing to leave."""


def matrix(callers: Sequence[str], tools: Sequence[str], **ways: Any) -> str:
    """Who may call what: each caller every second tool."""
    entries: list[Json] = [
        {
            "principal": f"{ACCOUNT}/{caller}" if caller != "*" else "*",
            "agent": None if caller == "*" else caller,
            "gateway": GATEWAY,
            "tool": tool,
            "decision": "deny" if (row + column) % 2 else "allow",
            "conditions": [],
        }
        for row, caller in enumerate(callers)
        for column, tool in enumerate(tools)
    ]
    others: Json = {"ask": [], "bypasses": [], "clients": [], "memories": [], "unsupported": []}
    return json.dumps({"entries": entries, **others, **ways})


@dataclass
class Pretended:
    """Answers what it was made with.

    Attributes:
        word: Stands in every name and text.
        document: The matrix.
        live: What happens.
        unavailable: What it cannot, and why.
    """

    word: str = SCRIPT
    document: str = ""
    live: Live | None = field(default_factory=Live)
    unavailable: Mapping[str, str] = field(default_factory=dict)

    def overview(self) -> Json:
        """One agent and one gateway."""
        agent = {"name": self.word, "runtime_arn": self.word, "tools": 1, "memory": False}
        gateway = {"id": "tools", "arn": GATEWAY, "name": self.word, "url": "http://127.0.0.1:1/mcp"}
        return {
            **{"program": self.word, "stack": self.word, "region": self.word, "model": self.word, "live": True},
            **{"agents": [agent], "callers": [self.word], "notes": [self.word], "generation": 1},
            "gateways": [{**gateway, "authorization": "tool", "inbound": "iam"}],
            "unavailable": dict(self.unavailable),
        }

    def access(self) -> str:
        """The matrix that it was made with, or one of the word alone."""
        bypass: dict[str, Any] = {
            "principal": "*",
            "agent": None,
            "target": self.word,
            "tools": [self.word],
            "way": self.word,
        }
        bypass |= {"decision": "allow", "conditions": [self.word], "hops": [{"step": self.word, "to": "x"}]}
        use: dict[str, Any] = {
            "principal": self.word,
            "agent": self.word,
            "memory": self.word,
            "name": self.word,
            "use": self.word,
        }
        use |= {"way": self.word, "decision": "allow", "conditions": []}
        more = {"bypasses": [bypass], "memories": [use], "unsupported": [self.word]}
        return self.document or matrix([self.word, "*"], [self.word], **more)

    def picture(self) -> str:
        """A picture with a script in it."""
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100" onload="parent.ran=1">'
            "<script>parent.ran=1;top.ran=1</script><text x='5' y='20'>tools</text></svg>"
        )

    def explained(self, principal: str, tool: str, memory: str) -> str:
        """The word."""
        return f"{self.word} {principal} {tool} {memory}"

    def tools(self) -> Sequence[Json]:
        """One, with the word as an argument's name and in all that is said about it."""
        schema = {
            "type": "object",
            "properties": {self.word: {"type": "string", "description": self.word, "enum": [self.word]}},
            "required": [self.word],
        }
        about = {"description": self.word, "inputSchema": schema, "offered_to": [self.word], "log": self.word}
        return [{"tool": self.word, "gateway": "tools", "target": self.word, **about}]

    def call(self, call: Call) -> Json:
        """A refusal in the word, of arguments that are said again."""
        reason = dict.fromkeys(("text", "missing", "change", "file", "code"), self.word) | {"line": 9}
        line = {"decision": "denied", "decided_by": [self.decider], "status": self.word}
        result = {"content": [{"type": "text", "text": json.dumps(call.arguments)}], "isError": True}
        return {
            **{"request_id": self.word, "http_status": 200, "result": result, "refusal": self.word, "line": line},
            **{"reason": reason, "milliseconds": 1.0},
        }

    @property
    def decider(self) -> Mapping[str, Any]:
        """A decision, all of it the word."""
        statement = {"policy": self.word, "statement": self.word, "kind": self.word}
        return {"by": "iam", "effect": "deny", "action": self.word, "statements": [statement], "reason": self.word}

    def event(self, kind: str, **more: Any) -> Mapping[str, Any]:
        """An event, all of it the word."""
        texts = dict.fromkeys(("agent", "principal", "tool", "model", "status", "last_words", "error_type"), self.word)
        reason = dict.fromkeys(("text", "missing", "change", "file", "code"), self.word) | {"line": 9}
        about = {"decision": "denied", "decided_by": [self.decider], "reason": reason, "milliseconds": 1.0}
        given = {"arguments_given": {self.word: self.word}, "method": "tools/call", "http_status": 200}
        results = [{"tool": self.word, "status": "error", "text": self.word}]
        return {"kind": kind, **texts, **about, **given, "results": results, "text": self.word, **more}

    def ask(self, question: Question) -> Answer:
        """The word, and an error in it."""
        told = {"session": "s" * 33, "request_id": "one"}
        error = {"status": "error", "error": {"code": self.word, "message": self.word}}
        return Answer([told, {"text": self.word}, {"text": question.prompt}, error])

    def logs(self, of: str, lines: int) -> Json:
        """The word."""
        return {"text": f"{self.word} {of} {lines}", "path": self.word}

    def calls(self, tool: str, limit: int) -> Sequence[Json]:
        """One, by the word."""
        line = {"event_timestamp": 0, "agent": self.word, "decision": "denied", "status": self.word}
        return [{**line, "arguments": [self.word], "tool": tool, "milliseconds": float(limit)}]

    def what_if(self, change: Change) -> Json:
        """What would come of it, in the word."""
        if reason := self.unavailable.get("what_if"):
            raise Unavailable(reason)
        row: dict[str, Any] = {"principal": self.word, "agent": self.word, "gateway": GATEWAY, "tool": self.word}
        row |= {"before": {"decision": "deny", "conditions": []}, "after": {"decision": "allow", "conditions": []}}
        violation = dict.fromkeys(("rule", "level", "resource", "message"), self.word)
        diff = {"gains": [row] * len(change.give), "losses": [row] * len(change.take)}
        return {
            **{"ok": False, "violations": [violation], "diff": diff, "error": self.word, "file": self.word},
            "settings": self.word,
        }

"""The source of what `toolgate up` serves: everything is there, and the data plane itself is asked for it.

It is told what happens by the data plane (`tell`, `watch`), which never waits for it, and of each reload (`reloaded`).
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from toolgate.console import events, what_if
from toolgate.console.asked import Asked, checked
from toolgate.console.deployed import Deployed
from toolgate.console.known_reasons import KnownReasons
from toolgate.console.live import Live
from toolgate.console.log_files import newest_lines, newest_of_tool
from toolgate.console.source import Asking, Call, Change, Json, Mistake, Question, Unavailable
from toolgate.local.gateway_client import GatewayClient, UnreachableError
from toolgate.local.offers import offers
from toolgate.local.serve import access_log
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.callers import endpoint
from toolgate.local.serve.server import Serving
from toolgate.local.serve.serving_file import Endpoint


@dataclass(frozen=True)
class Program:
    """What is served, for who would change it.

    Attributes:
        folder: Where its project is.
        stack: The stack that is planned; None where a deployment file is served.
    """

    folder: Path
    stack: str | None


@dataclass
class Told:
    """What the data plane tells, from before there is a source to the end.

    Attributes:
        program: What is served.
        live: Where it goes.
    """

    program: Program
    live: Live = field(default_factory=Live)
    serving: Serving | None = None

    @cached_property
    def reasons(self) -> KnownReasons:
        """Why calls are refused."""
        return KnownReasons(self.program.folder if self.program.stack else None)

    def tell(self, line: Mapping[str, Any], entry: Entry) -> None:
        """Take an exchange with a gateway; for `serve(told=...)`."""
        self.live.tell(lambda: self._with_reason(events.of_gateway(line, entry), line), len(entry.body))

    def watch(self, line: Mapping[str, Any], entry: Entry) -> None:
        """Take a call of the model, or an invocation; for `serve(watched=...)`."""
        made = events.of_model if line["kind"] == "model" else events.of_invocation
        self.live.tell(lambda: made(line, entry), len(entry.body))

    def _with_reason(self, event: dict[str, Any] | None, line: Mapping[str, Any]) -> dict[str, Any] | None:
        if event is None or self.serving is None:
            return event
        reason = self.reasons.of(self.serving.deployment, line)
        return {**event, "reason": reason} if reason else event


class Served:
    """What `toolgate up` serves."""

    def __init__(self, serving: Serving, told: Told) -> None:
        """Take what is served from now on.

        Args:
            serving: What is served.
            told: What the data plane tells.
        """
        self._serving = serving
        self._told = told
        self._lock = threading.Lock()
        self._deployed = Deployed(serving.deployment)
        self._tools: Sequence[Json] | None = None
        self._generation = 1
        told.serving = serving

    @property
    def live(self) -> Live:
        """What happens."""
        return self._told.live

    def reloaded(self) -> None:
        """Another deployment is served now, or this one's tools are other ones."""
        with self._lock:
            self._deployed = Deployed(self._serving.deployment)
            self._tools = None
            self._generation += 1
            generation = self._generation
        self.live.say("reloaded", generation=generation)

    def overview(self) -> Json:
        """See `Source`; nothing is unavailable here but, of a deployment file, what would have to be planned."""
        serving, deployed, program = self._serving, self._deployed, self._told.program
        urls = {it.id: serving.gateway_url(it.id) for it in deployed.deployment.gateways}
        no_plan = _NO_PROGRAM if program.stack is None else None
        return {
            "program": str(program.folder),
            "stack": program.stack or deployed.deployment.stack,
            "region": serving.environment["AWS_REGION"],
            "model": serving.model,
            "live": True,
            "agents": deployed.agents(),
            "callers": list(serving.callers),
            "gateways": deployed.gateways(urls),
            "notes": list(serving.notes),
            "unavailable": {"what-if": no_plan} if no_plan else {},
            "generation": self._generation,
        }

    def access(self) -> str:
        """See `Source`."""
        return self._deployed.access

    def picture(self) -> str:
        """See `Source`."""
        return self._deployed.picture

    def explained(self, principal: str, tool: str, memory: str) -> str:
        """See `Source`."""
        return self._deployed.explained(principal, tool, memory)

    def tools(self) -> Sequence[Json]:
        """See `Source`; who is offered a tool is asked of the gateways, once for each deployment."""
        with self._lock:
            generation, known = self._generation, self._tools
        if known is not None:
            return known
        found = self._offered(self._deployed)
        with self._lock:
            if generation == self._generation:
                self._tools = found
        return found

    def _offered(self, deployed: Deployed) -> Sequence[Json]:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for key, tool in deployed.schemas.items():
            found[key] = {**tool, "offered_to": []}
        try:
            for offer in offers(self._serving.callers, self._serving.environment["AWS_REGION"]):
                key = (offer.gateway.id, offer.name)
                described = {"tool": offer.name, "gateway": offer.gateway.id, "target": offer.name.partition("___")[0]}
                tool = found.setdefault(key, {**described, "offered_to": []})
                read = {name: offer.tool[name] for name in ("inputSchema", "outputSchema") if name in offer.tool}
                tool |= {"description": offer.description, **read}
                if offer.agent not in tool["offered_to"]:
                    tool["offered_to"].append(offer.agent)
        except UnreachableError as error:
            raise Unavailable(f"nothing answers at {error}: what was served has ended") from error
        logs = self._logs()
        for (gateway, name), tool in found.items():
            log = deployed.log_of(gateway, name)
            tool["log"] = log if log in logs else None
        return list(found.values())

    def call(self, call: Call) -> Json:
        """See `Source`."""
        client = GatewayClient(*self._way(call), self._serving.environment["AWS_REGION"])
        began = time.perf_counter()
        try:
            answer = client.ask("tools/call", {"name": call.tool, "arguments": dict(call.arguments)})
        except UnreachableError as error:
            raise Unavailable(f"nothing answers at {error}: what was served has ended") from error
        took = (time.perf_counter() - began) * 1000
        line = access_log.find(self._serving.access_log, answer.request_id) if answer.request_id else None
        result = answer.message.get("result")
        return {
            "request_id": answer.request_id,
            "http_status": answer.status,
            "result": result if isinstance(result, dict) else None,
            "refusal": answer.refusal,
            "line": line,
            "reason": self._told.reasons.of(self._deployed.deployment, line) if line else None,
            "milliseconds": line["milliseconds"] if line else round(took, 1),
        }

    def _way(self, call: Call) -> tuple[Endpoint, Mapping[str, str]]:
        """The gateway as the caller reaches it, and the caller's credentials."""
        gateway = next((it for it in self._deployed.deployment.gateways if it.id == call.gateway), None)
        if gateway is None:
            names = ", ".join(it.id for it in self._deployed.deployment.gateways)
            raise Mistake(f"there is no gateway {call.gateway!r}; there are: {names}")
        without_token = endpoint(gateway, self._serving.gateway_url(gateway.id))
        caller = self._serving.callers.get(call.caller)
        if caller:
            own = (it for it in caller.gateways if it.id == gateway.id)
            return next(own, without_token), caller.credentials
        if not call.caller:
            return without_token, {}
        try:
            return without_token, self._serving.session(call.caller).environment()
        except ValueError:
            names = ", ".join(self._serving.callers)
            raise Mistake(f"nobody is called {call.caller!r}: name {names}, or the ARN of a role") from None

    def ask(self, question: Question) -> Asking:
        """See `Source`."""
        return Asked(*checked(question, self._serving.agents), self._serving.environment)

    def logs(self, of: str, lines: int) -> Json:
        """See `Source`; the logs of agents and of what stands behind targets, by their names, and no other file."""
        known = self._logs()
        if of not in known:
            raise Mistake(f"there is no log of {of!r}; there are those of {', '.join(sorted(known))}")
        return {"text": newest_lines(known[of], lines), "path": str(known[of])}

    def _logs(self) -> Mapping[str, Path]:
        return {**self._serving.target_logs, **self._serving.function_logs, **self._serving.logs}

    def calls(self, tool: str, limit: int) -> Sequence[Json]:
        """See `Source`."""
        return newest_of_tool(self._serving.access_log, tool, limit)

    def what_if(self, change: Change) -> Json:
        """See `Source`."""
        program = self._told.program
        if program.stack is None:
            raise Unavailable(_NO_PROGRAM)
        served = self._deployed.deployment
        return what_if.what_if(program.folder, program.stack, change.give, change.take, served=served)


_NO_PROGRAM = "a deployment file is served, and what a change would do has to be planned: serve the program instead"

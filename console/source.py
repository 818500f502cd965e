"""What the page asks, whoever answers: what `toolgate up` serves, or a stack on AWS.

Everything but `live` may take its time: it is called in a thread. What it gives is JSON as it goes to the page
(docs/console.md, "What the page asks").
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from toolgate.console.live import Live

type Json = Mapping[str, Any]


class Unavailable(Exception):  # noqa: N818  # an answer, not a fault
    """This source cannot do that; the text says in a sentence why."""


class Mistake(Exception):  # noqa: N818  # an answer, not a fault
    """The page asks for what there is not; the text says what is wrong and what to ask instead."""


@dataclass(frozen=True)
class Call:
    """A tool call that a person wants made.

    Attributes:
        tool: The tool's full name.
        gateway: The gateway's id.
        arguments: What the tool is given.
        caller: An agent's or a client's name, the ARN of a role, or nothing for nobody.
    """

    tool: str
    gateway: str
    arguments: Mapping[str, Any]
    caller: str


@dataclass(frozen=True)
class Question:
    """A prompt for an agent.

    Attributes:
        agent: The agent's name.
        prompt: The prompt.
        session: AgentCore's session; None for a new one.
        schema: What the answer's data is to fit; None for text alone.
    """

    agent: str
    prompt: str
    session: str | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Change:
    """Tools to hand over to agents, and to take away from them: pairs of an agent's name and a tool's."""

    give: Sequence[tuple[str, str]] = field(default=())
    take: Sequence[tuple[str, str]] = field(default=())


class Asking(Protocol):
    """A question that is being answered."""

    def events(self) -> Iterator[Json]:
        """The session and the request's id, then what the agent says as it says it; an error is the last of them."""

    def leave(self) -> None:
        """Wait for no more of the answer; may be called from any thread, and again."""


class Source(Protocol):
    """Answers what the page asks.

    Each method may raise Unavailable and Mistake.
    """

    @property
    def live(self) -> Live | None:
        """What happens; None where nobody tells."""

    def overview(self) -> Json:
        """What there is: agents, callers, gateways, and what is not available."""

    def access(self) -> str:
        """Who may call what, as `toolgate access matrix --format json` writes it."""

    def picture(self) -> str:
        """The picture of that, as `toolgate access picture` draws it: SVG."""

    def explained(self, principal: str, tool: str, memory: str) -> str:
        """Why somebody may or may not, as `toolgate access explain` says it; of a tool, or else of a memory."""

    def tools(self) -> Sequence[Json]:
        """The tools as a model reads them, and to whom each is offered."""

    def call(self, call: Call) -> Json:
        """Call a tool."""

    def ask(self, question: Question) -> Asking:
        """Ask an agent."""

    def logs(self, of: str, lines: int) -> Json:
        """The newest lines of the log of an agent or a function."""

    def calls(self, tool: str, limit: int) -> Sequence[Json]:
        """The newest lines of the access log about a tool."""

    def what_if(self, change: Change) -> Json:
        """What a plan would say if tools were handed over or taken away."""

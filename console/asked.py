"""A question that is being answered, event by event, until it is over or nobody waits for it any more."""

import threading
from collections.abc import Generator, Mapping
from contextlib import closing, suppress
from typing import Any

from toolgate.console.source import Json, Mistake, Question
from toolgate.local import asking
from toolgate.local.asking import AskError


def checked(question: Question, agents: Mapping[str, str]) -> tuple[str, Mapping[str, Any], str]:
    """The runtime, the request and the session of a question.

    Args:
        question: The question.
        agents: The runtimes' ARNs by the agents' names.

    Raises:
        Mistake: There is no such agent, or it would not take the question.
    """
    if question.agent not in agents:
        raise Mistake(f"there is no agent {question.agent!r}; there are: {', '.join(agents) or 'none'}")
    try:
        asking.check(question.prompt)
    except AskError as error:
        raise Mistake(str(error)) from error
    session = question.session or asking.new_session()
    if fault := asking.session_fault(session):
        raise Mistake(fault)
    return agents[question.agent], asking.question(question.prompt, question.schema), session


class Asked:
    """A question to an agent that is asked when its events are.

    `events` runs in one thread, and `leave` may be called from another.
    """

    def __init__(self, runtime_arn: str, body: Mapping[str, Any], session: str, environment: Mapping[str, str]) -> None:
        """Describe it.

        Args:
            runtime_arn: The agent's runtime.
            body: The request.
            session: AgentCore's session.
            environment: What leads there; empty for AWS itself.
        """
        self._sent = (runtime_arn, body, session, environment)
        self._session = session
        self._lock = threading.Lock()
        self._response: Any = None
        self._left = False

    def events(self) -> Generator[Json]:
        """See `toolgate.console.source.Asking`."""
        try:
            with asking.failing_in_words():
                response = asking.sent(*self._sent)
                if not self._reads(response):
                    return
                request_id = response["ResponseMetadata"].get("RequestId", "")
                yield {"session": self._session, "request_id": request_id}
                with closing(asking.events(response)) as said:
                    yield from said
        except AskError as error:
            if not self._left:
                message = str(error).removesuffix(f" ({error.code})")
                yield {"status": "error", "error": {"code": error.code or "no_answer", "message": message}}

    def leave(self) -> None:
        """See `toolgate.console.source.Asking`."""
        with self._lock:
            self._left = True
            if self._response is None:
                return
        # Another thread waits for what comes: only the end of the socket's reading side wakes it, and it closes the
        # connection then.
        raw = self._response._raw_stream  # botocore has no other way to it
        with suppress(OSError, ValueError, RuntimeError):  # it is over already
            raw.shutdown()

    def _reads(self, response: Any) -> bool:
        with self._lock:
            self._response = response["response"]
            left = self._left
        if left:
            self._response.close()
        return not left

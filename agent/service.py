"""From an accepted request to an answer or an error of the contract, within the bounds of the settings."""

import asyncio
import logging
import re
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from typing import Any

from strands import Agent
from strands.agent.agent_result import AgentResult
from strands.agent.conversation_manager import SlidingWindowConversationManager
from strands.hooks import AfterToolCallEvent, MessageAddedEvent
from strands.models import Model
from strands.types.agent import Limits

import contract
import conversation
import logs
import model
import structured
import traces
from contract import ContractError, Fault, Request
from conversation import Conversations, Turn
from gateway import Gateways
from invocation import Invocation
from settings import Settings

Emit = Callable[[str], None]
# Bedrock's ToolUseBlock.name: pattern and length (botocore's bedrock-runtime model, shape ToolName).
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Service:
    """Runs invocations; each has an agent of its own and shares the model, the gateways' sessions, the conversations.

    Args:
        settings: Bounds and the system prompt.
        gateways: Where the tools are.
        build_model: Makes the model; called by the first invocation.
        conversations: What was said before.
    """

    def __init__(
        self, settings: Settings, gateways: Gateways, build_model: Callable[[], Model], conversations: Conversations
    ) -> None:
        traces.write_only_what_is_kept()
        self._settings = settings
        self._gateways = gateways
        self._build_model = build_model
        self._conversations = conversations
        self._model: Model | None = None
        self._preparing = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._deadlines: set[asyncio.Timeout] = set()
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stopping

    async def answer(self, request: Request, invocation: Invocation) -> tuple[int, dict[str, Any]]:
        """Run an invocation.

        Returns:
            HTTP status and body of the answer.
        """
        text, fault = await self._run(request, invocation, lambda _: None)
        return (
            (fault.status, contract.failure(fault))
            if fault
            else (200, contract.success(text, invocation.stop_reason, invocation.data))
        )

    async def events(self, request: Request, invocation: Invocation) -> AsyncIterator[dict[str, Any]]:
        """Run an invocation and tell its text as it comes.

        Yields:
            `{"text": ...}` for each piece, and one final event with `status`: `success` with stop reason and usage,
            or `error` as the body of an error has it.
        """
        chunks: asyncio.Queue[str | None] = asyncio.Queue()
        run = asyncio.create_task(self._run(request, invocation, chunks.put_nowait))
        run.add_done_callback(lambda _: chunks.put_nowait(None))
        try:
            while (chunk := await chunks.get()) is not None:
                yield {"text": chunk}
            _, fault = await run
        finally:
            run.cancel()
        if fault:
            yield contract.failure(fault)
        else:
            data = {} if invocation.data is None else {"data": invocation.data}
            yield {"status": "success", "stop_reason": invocation.stop_reason, **data, "usage": invocation.usage()}

    def stop(self) -> None:
        """Give running invocations their last seconds; may be called from any thread or signal handler."""
        self._stopping = True
        if self._loop:
            self._loop.call_soon_threadsafe(self._hasten_all, self._loop)

    def close(self) -> None:
        """End the gateways' sessions, and let go of what was made for invocations."""
        self._gateways.close()
        self._conversations.close()
        self._model = None
        if self._threads:
            self._threads.shutdown(wait=False)

    def _hasten_all(self, loop: asyncio.AbstractEventLoop) -> None:
        for deadline in self._deadlines:
            self._hasten(loop.time() + self._settings.shutdown_seconds, deadline)

    def _hasten(self, last: float, deadline: asyncio.Timeout) -> None:
        if deadline in self._deadlines and not deadline.expired():
            deadline.reschedule(min(last, deadline.when() or last))

    async def _run(self, request: Request, invocation: Invocation, emit: Emit) -> tuple[str, Fault | None]:
        text = ""
        fault: Fault | None = None
        wanted, loop = self._settings, self._own_loop()
        deadline = asyncio.timeout(wanted.task_seconds if invocation.task else wanted.invocation_seconds)
        try:
            async with deadline:
                self._deadlines.add(deadline)
                if self._stopping:  # it came with the signal to end, or was told of before
                    self._hasten_all(loop)
                if invocation.left:  # an answer that nobody reads costs tokens all the same
                    invocation.left.add_done_callback(lambda _: loop.call_soon_threadsafe(self._hasten, 0.0, deadline))
                shared = await self._prepare()
                async with self._conversations.turn(conversation.key(invocation.session_id, invocation.user)) as turn:
                    text = await self._think(shared, request, invocation, turn, emit)
        except asyncio.CancelledError:
            fault = contract.SHUTTING_DOWN if self._stopping else contract.CALLER_LEFT
            raise
        except Exception as error:
            fault = self._fault(error, deadline, invocation)
        finally:
            self._deadlines.discard(deadline)
            self._log(request, invocation, text, fault)
        return text, fault

    def _log(self, request: Request, invocation: Invocation, text: str, fault: Fault | None) -> None:
        content = {"prompt": request.prompt, "response": text} if self._settings.log_content else {}
        invocation.log(fault.status if fault else 200, fault.code if fault else "success", **content)

    def _fault(self, error: Exception, deadline: asyncio.Timeout, invocation: Invocation) -> Fault:
        if deadline.expired():
            if invocation.left and invocation.left.done():
                return contract.TASK_CANCELLED if invocation.task else contract.CALLER_LEFT
            return contract.SHUTTING_DOWN if self._stopping else contract.DEADLINE
        if isinstance(error, ContractError):
            return error.fault
        fault = model.fault_of(error)
        if fault is None and invocation.hearing:  # strands could make nothing of what the model's endpoint sent
            fault = contract.MODEL_FAILED
        level = logging.WARNING if fault else logging.ERROR
        logs.event("invocation_failed", level=level, **logs.origin(error))
        return fault or contract.INTERNAL

    async def _think(self, shared: Model, request: Request, invocation: Invocation, turn: Turn, emit: Emit) -> str:
        prompt = request.prompt
        agent, said = self._agent(shared, list(await self._gateways.tools()), invocation, turn)
        cancel = threading.Event()
        try:
            limits: Limits = {"turns": self._settings.turns}
            state = {"invocation": invocation, "cancel": cancel}
            notes = await turn.recalled(prompt)
            given: Any = [{"text": prompt}, {"text": notes}] if notes else prompt
            events = agent.stream_async(given, invocation_state=state, limits=limits, cancel_signal=cancel)
            result = await _follow(events, emit)
        finally:
            cancel.set()  # a thread that still reads from the model stops at its next piece
            _count(agent, invocation)
        invocation.stop_reason = result.stop_reason
        if invocation.gateway_faults:
            raise ContractError(next(iter(invocation.gateway_faults.values())))
        text = _said(result.message["content"])
        if fault := model.fault_of_stop(result.stop_reason) or (contract.ANSWER_EMPTY if not text.strip() else None):
            raise ContractError(fault)
        own = {id(message) for message in said}
        before: list[Any] = [message for message in agent.messages if id(message) not in own]
        if request.schema is not None:
            invocation.data = await structured.data(agent, request.schema, invocation, self._settings)
        await turn.keep(before, [{"role": "user", "content": [{"text": prompt}]}, *said[1:]])
        return text

    def _agent(self, shared: Model, tools: list[Any], invocation: Invocation, turn: Turn) -> tuple[Agent, list[Any]]:
        """An agent for one invocation, and the messages that it adds to the conversation, as it goes on."""
        before = turn.before()
        invocation.tool_use_ids |= conversation.tool_use_ids(before)
        agent = Agent(
            model=shared,
            tools=tools,
            messages=before,
            system_prompt=self._settings.system_prompt,
            callback_handler=None,
            # The conversation has its own window. This one is for what the model finds too long all the same.
            conversation_manager=SlidingWindowConversationManager(window_size=sys.maxsize),
            trace_attributes={"session.id": invocation.session_id} if invocation.session_id else None,
            retry_strategy=model.Retry(self._settings),
        )
        said: list[Any] = []
        agent.add_hook(lambda event: said.append(event.message), MessageAddedEvent)
        agent.add_hook(partial(_note_unknown, invocation), AfterToolCallEvent)
        return agent, said

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop, which all invocations share."""
        if self._loop is None:
            # A model call holds a thread for as long as the model is silent; the default pool has few.
            self._loop = asyncio.get_running_loop()
            self._threads = ThreadPoolExecutor(self._settings.concurrency, "agent")
            self._loop.set_default_executor(self._threads)
        return self._loop

    async def _prepare(self) -> Model:
        if self._model is None:
            # Side by side: to make a client takes the processor, to open sessions mostly waits for the gateways.
            await asyncio.gather(self._make_model(), self._gateways.tools())
        return await self._make_model()

    async def _make_model(self) -> Model:
        async with self._preparing:
            if self._model is None:
                await asyncio.to_thread(self._conversations.open)
                self._model = await asyncio.to_thread(self._build_model)
            return self._model


async def _follow(events: AsyncIterator[Any], emit: Emit) -> AgentResult:
    result: AgentResult | None = None
    spoke = gap = False
    async with aclosing(events):  # type: ignore[type-var]
        async for event in events:
            # Only the text: the other events hold the agent itself.
            if "data" in event:
                if gap:
                    emit("\n")
                emit(event["data"])
                spoke, gap = True, False
            elif "messageStop" in event.get("event", {}):
                gap = spoke
            elif "result" in event:
                result = event["result"]
    if result is None:
        raise ContractError(contract.INTERNAL)
    return result


def _said(content: Sequence[Any]) -> str:
    """The text of an answer; that with its sources beside it stands a level deeper."""
    blocks = (inner for block in content for inner in (block, *block.get("citationsContent", {}).get("content", ())))
    return "".join(block.get("text", "") for block in blocks)


def _note_unknown(invocation: Invocation, event: AfterToolCallEvent) -> None:
    """Record a call of a tool that is not there: no other place sees it."""
    if event.selected_tool is None:
        # A name that is none would be the model's own text, which is content.
        name = event.tool_use["name"] if _NAME.fullmatch(event.tool_use["name"]) else ""
        invocation.called(name, contract.UNKNOWN_TOOL.code, 0)


def _count(agent: Agent, invocation: Invocation) -> None:
    metrics = agent.event_loop_metrics
    invocation.turns = metrics.cycle_count
    invocation.input_tokens = metrics.accumulated_usage["inputTokens"]
    invocation.output_tokens = metrics.accumulated_usage["outputTokens"]

"""Turns that outlive their request: no result is lost or mixed, whatever comes in between, and every end is told."""

import asyncio
import json
import logging
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import httpx
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from starlette.testclient import TestClient

import answer_schema
import contract
import tasks
from connections import Bounds, options
from contract import ContractError, TaskRequest
from conversation import Key
from health import Health
from server import build_app, build_service
from settings import Settings
from tasks import Tasks
from tests.agent import fake_bedrock, fake_gateway, test_gateway_faults, test_model_faults
from tests.agent.conftest import HASTY, PATIENT
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway
from tests.agent.loopback import Loopback
from tests.agent.test_service import invocation_lines
from tests.waiting import wait_until
from toolgate.local.serve.agents.ping import Ping, read_ping
from toolgate.local.serve.agents.runtime_sessions import Lifecycle, RuntimeSessions

SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
USER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
CALL = "call math___add_numbers"


def posted(agent: TestClient, session: str, user: str = "", **body: Any) -> tuple[int, Any]:
    answer = agent.post("/invocations", json=body, headers={SESSION: session, **({USER: user} if user else {})})
    return answer.status_code, answer.json()


def begun(agent: TestClient, session: str, prompt: str, **more: Any) -> str:
    status, body = posted(agent, session, prompt=prompt, background=True, **more)
    assert (status, body) == (200, {"status": "accepted", "task": body["task"]})
    return str(body["task"])


def ended(agent: TestClient, session: str, task: str) -> Any:
    """The answer, once there is one."""
    said: Any = None

    def is_over() -> bool:
        nonlocal said
        status, said = posted(agent, session, task=task)
        assert status == 200
        return bool(said["status"] != "running")

    wait_until(is_over)
    return said


@pytest.fixture
def session() -> str:
    return str(uuid.uuid4())


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


def test_a_turn_is_begun_and_asked_for_until_its_end(lasting: TestClient, session: str) -> None:
    task = begun(lasting, session, CALL)
    whole = {"status": "success", "response": 'The tool said: {"result": 112}', "stop_reason": "end_turn"}
    assert ended(lasting, session, task) == whole
    assert posted(lasting, session, task=task) == (200, whole)  # who did not hear it may ask again
    assert posted(lasting, session, task=task, cancel=True) == (200, whole)


def test_its_turn_is_one_of_its_conversation(lasting: TestClient, bedrock: FakeBedrock, session: str) -> None:
    assert posted(lasting, session, prompt="one")[0] == 200
    ended(lasting, session, begun(lasting, session, "two"))
    assert posted(lasting, session, prompt="three")[0] == 200
    texts = [message["content"][0]["text"] for message in bedrock.requests[-1]["messages"]]
    assert texts == ["one", "You said: one", "two", "You said: two", "three"]


def test_it_gives_data_too(lasting: TestClient, bedrock: FakeBedrock, session: str) -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]}
    bedrock.inject(fake_bedrock.whole)
    data = fake_bedrock.called("tooluse_data", answer_schema.TOOL, '{"sum": 3}')
    bedrock.inject(fake_bedrock.answering(fake_bedrock.turn_of(data, stop="tool_use")))
    assert ended(lasting, session, begun(lasting, session, "hello", schema=schema))["data"] == {"sum": 3}


def test_a_task_is_its_sessions_and_its_users(lasting: TestClient, session: str) -> None:
    task = begun(lasting, session, CALL)
    ended(lasting, session, task)
    for other, user in ((str(uuid.uuid4()), ""), (session, "alice")):
        for cancel in (False, True):
            assert code(posted(lasting, other, user, task=task, cancel=cancel)) == (404, "unknown_task")
    assert code(posted(lasting, session, task=str(uuid.uuid4()))) == (404, "unknown_task")


@pytest.mark.parametrize("body", [{"prompt": "hello", "background": True}, {"task": "x"}])
def test_without_a_session_nobody_could_find_it_again(
    lasting: TestClient, bedrock: FakeBedrock, body: dict[str, Any]
) -> None:
    answer = lasting.post("/invocations", json=body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, contract.NO_SESSION.message)
    assert bedrock.requests == []


@pytest.mark.parametrize("stream", [False, True])
def test_another_prompt_beside_it_is_refused_at_once(
    serve: Callable[..., TestClient],
    bedrock: FakeBedrock,
    session: str,
    stream: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    agent = serve(invocation_seconds=5 * HASTY)  # one that waits for the task is seen to, and not after a minute
    caplog.set_level(logging.INFO, "agent")
    bedrock.inject(fake_bedrock.silent_stream)
    task = begun(agent, session, "hello")
    wait_until(bedrock.reached.is_set)
    assert code(posted(agent, session, prompt="more", stream=stream)) == (503, "session_busy")
    assert code(posted(agent, session, prompt="more", background=True)) == (503, "session_busy")
    assert [(line["status"], line["code"]) for line in invocation_lines(caplog)] == [(503, "session_busy")] * 2
    assert posted(agent, session, task=task)[1].keys() == {"status", "task", "seconds"}
    assert posted(agent, session, "alice", prompt="other")[1]["response"] == "You said: other"
    assert posted(agent, str(uuid.uuid4()), prompt="other")[1]["response"] == "You said: other"
    assert posted(agent, session, task=task, cancel=True)[1] == {"status": "cancelled", "task": task}
    assert posted(agent, session, prompt="more")[1]["response"] == "You said: more"


@pytest.mark.parametrize("case", ["model", "model in the stream", "tool"])
def test_cancelling_ends_what_is_silent_and_frees_the_conversation(
    lasting: TestClient, bedrock: FakeBedrock, gateway: FakeGateway, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    session = str(uuid.uuid4())
    if case == "tool":
        gateway.inject("tools/call", fake_gateway.silence)
    else:
        bedrock.inject(fake_bedrock.silence if case == "model" else fake_bedrock.silent_stream)
    task = begun(lasting, session, CALL)
    wait_until(lambda: "tools/call" in str(gateway.requests) if case == "tool" else bedrock.reached.is_set())
    cancelled = {"status": "cancelled", "task": task}
    # Each of the silences is of a minute, and `cancel` would say that it still runs.
    assert posted(lasting, session, task=task, cancel=True) == (200, cancelled)
    assert posted(lasting, session, task=task) == posted(lasting, session, task=task, cancel=True) == (200, cancelled)
    [line] = invocation_lines(caplog)
    assert (line["status"], line["code"], line["task"]) == (499, "task_cancelled", task)
    assert posted(lasting, session, prompt="hello")[1]["response"] == "You said: hello"
    texts = [message["content"][0]["text"] for message in bedrock.requests[-1]["messages"]]
    assert texts == ["hello"]  # what was cancelled was never said


@pytest.mark.parametrize("case", test_model_faults.CASES)
def test_a_fault_of_the_model_ends_it(lasting: TestClient, bedrock: FakeBedrock, session: str, case: str) -> None:
    fault, _, wanted = test_model_faults.CASES[case]
    bedrock.inject(fault, times=5)
    task = begun(lasting, session, CALL)
    said = ended(lasting, session, task)
    assert (said["status"], said["error"]["code"]) == ("error", wanted)
    assert not [word for word in test_model_faults.INTERNAL if word in json.dumps(said)]
    bedrock.heal()
    assert ended(lasting, session, begun(lasting, session, "hello"))["response"] == "You said: hello"


@pytest.mark.parametrize("case", test_gateway_faults.OF_THE_GATEWAY)
def test_a_fault_of_the_gateway_ends_it(lasting: TestClient, gateway: FakeGateway, session: str, case: str) -> None:
    fault, _, wanted = test_gateway_faults.OF_THE_GATEWAY[case]
    gateway.inject("tools/call", fault)
    said = ended(lasting, session, begun(lasting, session, CALL))
    assert (said["status"], said["error"]["code"]) == ("error", wanted)
    gateway.heal()
    assert ended(lasting, session, begun(lasting, session, CALL))["status"] == "success"


def test_it_has_a_time_of_its_own(
    serve: Callable[..., TestClient], gateway: FakeGateway, bedrock: FakeBedrock, session: str
) -> None:
    patient = serve(invocation_seconds=HASTY, tool_seconds=HASTY * 2)
    gateway.inject("tools/call", fake_gateway.silence)
    task = begun(patient, session, CALL)  # its tool is given up after an invocation's time is over, and not the turn
    assert ended(patient, session, task)["response"] == "The tool said: The tool did not answer in time."
    hasty = serve(task_seconds=HASTY)
    bedrock.inject(fake_bedrock.silence)
    assert ended(hasty, session, begun(hasty, session, "hello"))["error"]["code"] == "deadline_exceeded"


def test_a_caller_that_leaves_does_not_end_it(lasting: TestClient, bedrock: FakeBedrock, session: str) -> None:
    server = Loopback(lasting.app, **options(Bounds()))
    server.start()
    try:
        bedrock.inject(fake_bedrock.silent_stream)
        with socket.create_connection(("127.0.0.1", server.port)) as caller:
            body = json.dumps({"prompt": "hello", "background": True}).encode()
            head = (
                f"POST /invocations HTTP/1.1\r\nHost: a\r\n{SESSION}: {session}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            caller.sendall(head.encode() + body)
            answer = b""
            while not answer.endswith(b"}"):
                answer += caller.recv(65536)
        task = json.loads(answer.partition(b"\r\n\r\n")[2])["task"]
        wait_until(bedrock.reached.is_set)
        headers = {SESSION: session}
        url = f"{server.url}/invocations"
        assert httpx.get(f"{server.url}/ping").json()["status"] == "HealthyBusy"
        assert httpx.post(url, json={"task": task}, headers=headers).json()["status"] == "running"
        said = httpx.post(url, json={"task": task, "cancel": True}, headers=headers, timeout=None).json()
        assert said == {"status": "cancelled", "task": task}
        assert httpx.get(f"{server.url}/ping").json()["status"] == "Healthy"
    finally:
        server.stop()


# The machine that AgentCore keeps


class Machine:
    """The agent's process as the local sessions see it: its `/ping`, and whether it was stopped."""

    def __init__(self, answer: Callable[[], bytes]) -> None:
        self._answer = answer
        self.stopped = False
        self.lines: list[str] = []

    def start(self) -> None: ...
    def wait_ready(self) -> None: ...

    def stop(self) -> None:
        self.stopped = True

    def ping(self) -> Ping:
        return read_ping(self._answer())

    def tell(self, line: str) -> None:
        self.lines.append(line)


@pytest.mark.usefixtures("gateway")
def test_a_session_lives_while_its_task_runs_and_no_longer_than_it_may_be_idle(
    bedrock: FakeBedrock, session: str
) -> None:
    now = 1_000_000.0
    wanted = Settings(**PATIENT)
    service = build_service(wanted)
    health = Health(lambda: now)
    agent = TestClient(build_app(service, wanted, health))
    machines: list[Machine] = []

    def make() -> Machine:
        machines.append(Machine(health.answer))
        return machines[-1]

    sessions = RuntimeSessions(make, Lifecycle(idle=900, longest=28_800), lambda: now)
    sessions.start()

    def after(seconds: float) -> None:
        nonlocal now
        for _ in range(int(seconds // 10)):
            now += 10
            asyncio.run(sessions.poll())

    async def used() -> None:
        sessions.use(session)

    try:
        bedrock.inject(fake_bedrock.silent_stream)
        asyncio.run(used())
        task = begun(agent, session, "hello")
        after(3600)
        assert machines[0].lines == []
        posted(agent, session, task=task, cancel=True)
        after(900)
        assert machines[0].lines == []  # since when it has been idle is when its task was over
        after(10)
        assert machines[0].lines == [
            f"session {session} has ended: it was idle for more than 900 s (idleRuntimeSessionTimeout)."
        ]
    finally:
        service.close()


# Every order of what can come


class Work:
    """A turn that ends when it is told to."""

    def __init__(self, owner: Key) -> None:
        self.owner = owner
        self.left: Future[None] | None = None
        self.end: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.task = ""
        self.result: Any = None

    async def turn(self, task: str, cancelled: Future[None]) -> Any:
        cancelled_here = asyncio.wrap_future(cancelled)
        await asyncio.wait({self.end, cancelled_here}, return_when=asyncio.FIRST_COMPLETED)
        if self.end.done():
            return self.end.result()
        return contract.failure(contract.TASK_CANCELLED)


OWNERS = [Key("a"), Key("b"), Key("a", "alice"), Key("b", "alice")]


@hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)
class Interleavings(RuleBasedStateMachine):
    works = Bundle("works")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.now = 0.0
        self.busy: set[int] = set()
        self.count = 0
        self.tasks = Tasks(self.add, self.busy.remove, lambda: self.now)
        self.running: dict[Key, Work] = {}
        self.ended: list[tuple[float, Work]] = []

    def teardown(self) -> None:
        for work in self.running.values():
            work.end.set_result({})
        self.turn()
        self.loop.close()

    def add(self, _: str) -> int:
        self.count += 1
        self.busy.add(self.count)
        return self.count

    def turn(self) -> None:
        async def some() -> None:
            for _ in range(10):
                await asyncio.sleep(0)

        self.loop.run_until_complete(some())

    @staticmethod
    def refused(error: ContractError, fault: contract.Fault, is_right: bool) -> None:
        assert error.fault is fault
        assert is_right

    def over(self, work: Work, result: Any) -> None:
        work.result = result
        del self.running[work.owner]
        self.ended.append((self.now, work))

    def kept(self, work: Work) -> bool:
        latest = self.ended[-tasks.MOST_KEPT :]
        return any(it is work and self.now - at <= tasks.KEPT_SECONDS for at, it in latest)

    @rule(target=works, owner=st.sampled_from(OWNERS))
    def start(self, owner: Key) -> Work:
        async def begin() -> Work:
            work = Work(owner)
            try:
                work.task = self.tasks.start(owner, work.turn)["task"]
            except ContractError as error:
                self.refused(error, contract.SESSION_BUSY, owner in self.running)
            else:
                assert owner not in self.running
                self.running[owner] = work
            return work

        return self.loop.run_until_complete(begin())

    @rule(work=works)
    def end(self, work: Work) -> None:
        if self.running.get(work.owner) is work:
            result = {"status": "success", "response": work.task}
            work.end.set_result(result)
            self.turn()
            self.over(work, result)

    @rule(work=works, owner=st.sampled_from(OWNERS), cancel=st.booleans())
    def ask(self, work: Work, owner: Key, cancel: bool) -> None:
        if not work.task:
            return
        runs = self.running.get(work.owner) is work
        try:
            said = self.loop.run_until_complete(self.tasks.answer(owner, TaskRequest(work.task, cancel)))
        except ContractError as error:
            self.refused(error, contract.UNKNOWN_TASK, owner != work.owner or not (runs or self.kept(work)))
            return
        assert owner == work.owner
        if runs and cancel:
            self.over(work, {"status": "cancelled", "task": work.task})
        if runs and not cancel:
            assert (said["status"], said["task"]) == ("running", work.task)
        else:
            assert said == work.result

    @rule(work=works)
    def end_and_cancel_at_once(self, work: Work) -> None:
        """What has come to its end is not said to be cancelled."""
        if self.running.get(work.owner) is work:
            result = {"status": "success", "response": work.task}
            work.end.set_result(result)
            self.over(work, result)
            request = TaskRequest(work.task, cancel=True)
            assert self.loop.run_until_complete(self.tasks.answer(work.owner, request)) == result

    @rule(work=works)
    def leave(self, work: Work) -> None:
        """Who cancels and leaves before the answer has cancelled all the same."""
        if self.running.get(work.owner) is work:

            async def leaves() -> None:
                asking = asyncio.create_task(self.tasks.answer(work.owner, TaskRequest(work.task, cancel=True)))
                await asyncio.sleep(0)
                asking.cancel()
                await asyncio.wait({asking})

            self.loop.run_until_complete(leaves())
            self.turn()
            self.over(work, {"status": "cancelled", "task": work.task})

    @rule(seconds=st.sampled_from([1, 1800, 3600]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def busy_as_long_as_something_runs(self) -> None:
        assert len(self.busy) == self.tasks.running == len(self.running)
        for owner in OWNERS:
            if owner in self.running:
                with pytest.raises(ContractError):
                    self.tasks.check(owner)
            else:
                self.tasks.check(owner)


TestInterleavings = Interleavings.TestCase


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def test_no_more_run_than_may_and_no_more_results_are_kept(loop: asyncio.AbstractEventLoop) -> None:
    async def run() -> None:
        known = Tasks(lambda _: 1, lambda _: None, time.monotonic)
        works = [Work(Key(f"s{number}")) for number in range(tasks.MOST_RUNNING)]
        for work in works:
            work.task = known.start(work.owner, work.turn)["task"]
        extra = Work(Key("extra"))
        with pytest.raises(ContractError) as caught:
            known.start(extra.owner, extra.turn)
        assert caught.value.fault is contract.TOO_MANY_TASKS
        for work in works:
            work.end.set_result({"status": "success"})
            await known._running[work.owner].work
        for number in range(tasks.MOST_KEPT - tasks.MOST_RUNNING + 1):
            work = Work(Key(f"t{number}"))
            known.start(work.owner, work.turn)
            work.end.set_result({"status": "success"})
            await known._running[work.owner].work
        with pytest.raises(ContractError):
            await known.answer(works[0].owner, TaskRequest(works[0].task, cancel=False))
        assert await known.answer(works[1].owner, TaskRequest(works[1].task, cancel=False)) == {"status": "success"}

    loop.run_until_complete(run())

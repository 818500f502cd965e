"""Runtimes: what AgentCore makes of what a program leaves out, and what callers of an agent see."""

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.aws import waiting
from tests.aws.asking import ask, ask_in, new_session
from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.runtime_details import described, variables
from tests.aws.temporary import refusal
from tests.aws.world import MissingError, NotReproducedError, World

OPENTELEMETRY = "opentelemetry-instrument"
IDLE_SECONDS = 60 + 90
"""The probes' runtimes end an idle session after 60 s (tests/aws/program/runtimes.py); AgentCore may take its time."""
PATIENCE, WAIT = 3.0, 30.0
"""Seconds after which a caller leaves, and which its agent waits for that."""


def test_platform_that_is_left_out(probe: Probe) -> None:
    """Which platform does a runtime get that names none?

    components/agent_runtime.py always names one, so that nobody has to know.
    """

    def observe(world: World) -> Observed:
        of = described(world, world.scratch_runtime("unversioned"))
        return Observed(str(of.get("platformVersion")), f"status {of['status']}")

    probe(observe, documented="V1")


def test_reader_of_the_zip(probe: Probe) -> None:
    """Does a runtime start whose role may not read its zip?

    components/iam/iam_documents.py gives each runtime's role `s3:GetObject` on it; if nobody needs it, it can go.
    """

    def observe(world: World) -> Observed:
        if world.making is None:
            raise NotReproducedError("the agent's program is the working copy")
        try:
            reply = ask(world, world.scratch_runtime("unread"), {})
        except MissingError as error:
            return Observed("it is not even made", masked(str(error), world))
        return Observed("it does" if reply.document else "it does not", reply.words(world))

    probe(observe, documented="it does not")


def test_metadata_service(probe: Probe) -> None:
    """How does the metadata service answer an agent that brings no token?

    With 401 its role cannot be read by a request that is forged through it (MMDSv2). components/agent_runtime.py cannot
    ask for that: the provider has no such setting.
    """

    def observe(world: World) -> Observed:
        if world.making is None:
            raise NotReproducedError("there is no metadata service, and nobody is to look for one")
        runtime = world.scratch_runtime("unversioned")
        status = ask(world, runtime, {"metadata": True}).document["metadata_without_token"]
        return Observed(f"HTTP {status}", str(described(world, runtime).get("metadataConfiguration")))

    probe(observe, documented="HTTP 401")


@pytest.mark.parametrize("caller", ["runtime-only", "by-runtime-endpoint", "by-endpoint"])
def test_arn_of_the_endpoint(probe: Probe, caller: str) -> None:
    """Which ARNs must a caller's policy name besides the runtime's: `runtime-endpoint/DEFAULT` or `endpoint/DEFAULT`?

    deployer/actions.py grants the first form and local/serve/agents/invoke_api.py asks for it; AWS's pages have both.
    """

    def observe(world: World) -> Observed:
        runtime = world.scratch_runtime("unversioned")
        reply = ask(world, runtime, {}, world.caller(caller, runtime))
        return Observed("let in" if reply.document else "refused", reply.words(world))

    probe(observe)


def test_region_as_a_variable(probe: Probe) -> None:
    """Does a runtime take AWS_REGION among its environment variables, and does the agent see it?

    components/agent_runtime.py sets it, and agent/settings.py does not start without it; Lambda would refuse it.
    """

    def observe(world: World) -> Observed:
        seen = ask(world, world.scratch_runtime("unversioned"), {}).document["region"]
        return Observed("the agent sees it" if seen == world.region else f"the agent sees {seen}")

    probe(observe)


@pytest.mark.parametrize("caller", ["for-users-by-runtime-endpoint", "by-runtime-endpoint"])
def test_user_of_a_request(probe: Probe, caller: str) -> None:
    """Does an agent hear for which user its caller asks, and is one refused who may not ask for users?

    agent/conversation/keys.py makes each user an actor of its own by that header, and docs/conversations.md says that a
    caller needs InvokeAgentRuntimeForUser for it: if the header does not come, all users are one actor.
    """

    def observe(world: World) -> Observed:
        runtime = world.scratch_runtime("unversioned")
        reply = ask(world, runtime, {"user": True}, world.caller(caller, runtime), user="ada")
        if not reply.document:
            return Observed("refused", reply.words(world))
        return Observed("it hears it" if reply.document["user"] == "ada" else "it does not hear it", reply.words(world))

    probe(observe)


@pytest.mark.parametrize("busy", [False, True], ids=["Healthy", "HealthyBusy"])
def test_idle_session(probe: Probe, busy: bool) -> None:
    """Does a session whose agent says this at /ping end when nobody asks it anything for its idle timeout?

    agent/tasks.py relies on it that a busy agent keeps its session and an idle one does not, and docs/agent.md says so;
    local/serve/agents/runtime_sessions.py does likewise.
    """

    def observe(world: World) -> Observed:
        if world.making is None:
            raise NotReproducedError("tests/local/serve/agents has it, with a clock of its own")
        runtime, session = world.scratch_runtime("unversioned"), new_session()
        client, payload = world.runtimes(runtime, None), {"busy": 2 * IDLE_SECONDS if busy else 0}
        before = ask_in(client, runtime, session, payload)
        waiting.sleep(IDLE_SECONDS)
        after = ask_in(client, runtime, session, payload)
        if not before.document or not after.document:
            return Observed("it could not be asked", f"{before.words(world)}; {after.words(world)}")
        same = before.document["process"] == after.document["process"]
        return Observed("it goes on" if same else "it ends", f"after {IDLE_SECONDS} s")

    probe(observe, documented="it goes on" if busy else "it ends")


def test_caller_that_leaves(probe: Probe) -> None:
    """Does an agent hear that its caller has left before the answer?

    local/serve/agents/invoke_api.py hands it on, and agent/edge.py ends the invocation then; an agent that is asked by
    another one (docs/agent.md) would else go on until its own time is over.
    """

    def observe(world: World) -> Observed:
        runtime, session = world.scratch_runtime("unversioned"), new_session()
        known = world.caller("by-runtime-endpoint", runtime)
        impatient = boto3.client(
            "bedrock-agentcore",
            endpoint_url=world.runtimes(runtime, known).meta.endpoint_url,
            region_name=world.region,
            aws_access_key_id=known.access_key,
            aws_secret_access_key=known.secret_key,
            aws_session_token=known.token,
            config=Config(read_timeout=PATIENCE, retries={"total_max_attempts": 1}),
        )
        try:
            reply = ask_in(impatient, runtime, session, {"wait": WAIT})
        except ReadTimeoutError:
            client = world.runtimes(runtime, known)
            asked = waiting.until(
                "the end of the wait",
                lambda: (ask_in(client, runtime, session, {"left": True}).document or {}).get("left"),
                2 * WAIT,
            )
            return Observed("it does" if asked[0] else "it does not")
        return Observed("it was answered at once", reply.words(world))

    probe(observe)


def converse(world: World, known: Credentials) -> Any:
    """Bedrock's models, as a caller of the throw-away stack."""
    of_caller = boto3.Session(known.access_key, known.secret_key, known.token, world.region)
    return of_caller.client("bedrock-runtime")


@pytest.mark.parametrize("caller", ["unguarded", "guarded"])
def test_right_to_apply_a_guardrail(probe: Probe, caller: str) -> None:
    """Does a model call through a guardrail take `bedrock:ApplyGuardrail` on the guardrail's ARN, and nothing else?

    components/iam/iam_documents.py grants exactly that (`apply_guardrail`), and local/serve/model/guardrails.py asks
    for it.
    """

    def observe(world: World) -> Observed:
        if world.making is None:
            raise NotReproducedError("the local deployment's agents have no guardrail")
        found = (variables(world, it) for it in world.stack.runtimes)
        told = next((it for it in found if "GUARDRAIL" in it), None)
        if told is None:
            pytest.skip("no agent of the stack has a guardrail (toolgate:agents, `guardrail`)")
        guardrail = json.loads(told["GUARDRAIL"])
        try:
            converse(world, world.caller(caller, world.scratch_runtime("unversioned"))).converse(
                modelId=told["BEDROCK_MODEL_ID"],
                messages=[{"role": "user", "content": [{"text": "Say yes."}]}],
                inferenceConfig={"maxTokens": 5},
                guardrailConfig={"guardrailIdentifier": guardrail["id"], "guardrailVersion": guardrail["version"]},
            )
        except ClientError as error:
            return Observed("refused", masked(refusal(error), world))
        return Observed("answered")

    probe(observe, documented="answered" if caller == "guarded" else "refused")


@pytest.mark.parametrize("status", [400, 422, 502, 503])
def test_status_of_an_agent(probe: Probe, status: int) -> None:
    """What does the caller see of an agent's own HTTP status and body?

    agent/contract.py answers faults with a status and a body; cli/ask.py and local/serve/agents/invoke_api.py assume
    that neither gets through.
    """

    def observe(world: World) -> Observed:
        reply = ask(world, world.scratch_runtime("unversioned"), {"status": status})
        return Observed(reply.words(world), masked(str(reply.document or reply.message), world))

    probe(observe)


def test_start_under_opentelemetry(probe: Probe) -> None:
    """Does the stack's agent start by the entry point `opentelemetry-instrument`?

    components/observability/configuration.py has it; components/runtime/agent_bundle.py puts it into the zip's bin/.
    """

    def observe(world: World) -> Observed:
        runtime = world.stack.runtimes[0]
        if world.making is None:
            raise NotReproducedError("the agent is started without it")
        if OPENTELEMETRY not in runtime.entry_points:
            pytest.skip("the stack's agents start without it (toolgate:observability)")
        reply = ask(world, runtime, {"prompt": "Say yes."})
        return Observed("it does" if reply.document else "it does not", reply.words(world))

    probe(observe, documented="it does")

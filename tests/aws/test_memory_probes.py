"""Memories: which rights their requests need, and how their events lie."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.program.memories import MINE, OTHERS
from tests.aws.temporary import refusal
from tests.aws.world import NotReproducedError, World
from toolgate.access.deployment.memories import Memory

SAID = "written"
EVENTS_AT_ONCE = 8
"""Events of one millisecond: in the order that they were written by chance once in 40,320 times."""


def client(world: World, caller: str) -> Any:
    """AgentCore's data plane as a caller of the throw-away stack."""
    beside = world.scratch_runtime("unversioned")
    return world.runtimes(beside, world.caller(caller, beside))


def write(as_: Any, memory: Memory, actor: str, session: str, at: datetime | None = None) -> str:
    """Write an event; its id."""
    text = {"conversational": {"content": {"text": SAID}, "role": "USER"}}
    whose = {"memoryId": memory.id, "actorId": actor, "sessionId": session}
    made = as_.create_event(**whose, eventTimestamp=at or datetime.now(UTC), payload=[text])
    event_id: str = made["event"]["eventId"]
    return event_id


def test_deletion_of_events_by_actor(probe: Probe) -> None:
    """Does a condition on `actorId` let somebody delete that actor's events, and nobody else's?

    policy/language/agentcore_memory.py has the key for `DeleteEvent` as it is documented, and docs/conversations.md and
    docs/access.md say so: if it does not come, such a grant deletes nothing.
    """

    def observe(world: World) -> Observed:
        memory, session = world.scratch_memory("talks"), uuid.uuid4().hex
        writer, forgetter = client(world, "writer"), client(world, "forgetter")
        said = {}
        for actor in (MINE, OTHERS):
            event = write(writer, memory, actor, session)
            try:
                forgetter.delete_event(memoryId=memory.id, actorId=actor, sessionId=session, eventId=event)
                said[actor] = "deleted"
            except ClientError as error:
                said[actor] = refusal(error)
        words = {(True, False): "its own alone", (False, False): "none", (True, True): "everybody's"}
        found = said[MINE] == "deleted", said[OTHERS] == "deleted"
        return Observed(words.get(found, "others' alone"), masked(str(said), world))

    probe(observe)


def test_rights_on_the_key_of_a_memory(probe: Probe) -> None:
    """Does whoever writes and reads events need rights on the KMS key that their memory is encrypted with?

    components/iam/memory_documents.py grants three actions through AgentCore (`_use_key`), and docs/conversations.md
    says so; if nobody needs them, they can go. It takes a key: `--key ARN`.
    """

    def observe(world: World) -> Observed:
        if world.making is None:
            raise NotReproducedError("nothing is encrypted here")
        if not any(it.name.endswith("-keyless") for it in world.callers):
            pytest.skip("no key was given: --key ARN")
        memory, said = world.scratch_memory("vault"), dict[str, str]()
        for caller in ("keyless", "keyed"):
            session = uuid.uuid4().hex
            try:
                write(client(world, caller), memory, MINE, session)
                client(world, caller).list_events(memoryId=memory.id, actorId=MINE, sessionId=session)
                said[caller] = SAID
            except ClientError as error:
                said[caller] = refusal(error)
        answers = {(True, True): "none", (True, False): "none, and with them less", (False, True): "the three"}
        found = said["keyless"] == SAID, said["keyed"] == SAID
        return Observed(answers.get(found, "more than the three"), masked(str(said), world))

    probe(observe, documented="the three")


def test_order_of_events_of_one_millisecond(probe: Probe) -> None:
    """Are events of one millisecond listed in the order in which they were written?

    agent/conversation/agentcore.py gives each event a millisecond of its own, and local/serve/memory/events.py lists
    such events in an order that nobody chooses.
    """

    def observe(world: World) -> Observed:
        memory, session, at = world.scratch_memory("talks"), uuid.uuid4().hex, datetime.now(UTC)
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        writer = client(world, "writer")
        written = [write(writer, memory, OTHERS, session, at) for _ in range(EVENTS_AT_ONCE)]
        listed = writer.list_events(memoryId=memory.id, actorId=OTHERS, sessionId=session)["events"]
        found = [it["eventId"] for it in listed]
        if found == written[::-1]:
            return Observed("they are, the last one first", str(found))
        if sorted(found) != sorted(written):
            return Observed("some are missing", str(found))
        return Observed("they are not", str([written.index(it) for it in found]))

    probe(observe)

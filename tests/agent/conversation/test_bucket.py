"""A conversation in a bucket: as strands' own session manager has it, and read as it really is."""

from typing import Any

import boto3
import pytest
from strands import Agent
from strands.session import S3SessionManager

from contract import ContractError
from conversation import Key, Window
from conversation.memory import client
from conversation.s3 import Bucket
from memory_settings import BucketMemory
from settings import Settings
from tests.agent.conftest import PATIENT
from tests.agent.conversation.conftest import NAME
from tests.agent.conversation.fake_stores import FakeBucket, Store
from tests.agent.conversation.test_window import assistant, result, use, user
from tests.agent.fake_bedrock import FakeBedrock

KEY = Key("s", "alice")
CALLED = [user({"text": "sum?"}), assistant(use("t")), user(result("t")), assistant({"text": "112"})]
FOLDER = f"{NAME}/users/alice/"


def said(prompt: str) -> list[dict[str, Any]]:
    return [user({"text": prompt}), assistant({"text": "yes"})]


@pytest.fixture
def fake(stores: dict[str, Store], bedrock: FakeBedrock) -> FakeBucket:
    fake = stores["s3"]
    assert isinstance(fake, FakeBucket)
    return fake


@pytest.fixture
def bucket(fake: FakeBucket) -> Bucket:
    session = boto3.Session(region_name="us-east-1")
    where = BucketMemory(kind="s3", bucket="conversations", prefix=NAME)
    return Bucket(client(session, "s3", Settings(**PATIENT)), where, Window(20, 100_000))


def of_strands(**options: Any) -> Agent:
    """strands' agent with its own session manager in the same folder."""
    session = boto3.Session(region_name="us-east-1")
    manager = S3SessionManager("s", "conversations", FOLDER, session)
    return Agent(session_manager=manager, callback_handler=None, **options)


def bare(messages: Any) -> list[dict[str, Any]]:
    return [{"role": message["role"], "content": message["content"]} for message in messages]


def test_an_agent_of_strands_reads_it(bucket: Bucket) -> None:
    place = bucket.append(KEY, CALLED, 0, 0)
    place = bucket.append(KEY, said("two"), place, 4)
    assert bare(of_strands().messages) == [*CALLED, *said("two")]
    bucket.append(KEY, said("three"), place, 2)
    assert bare(of_strands().messages) == [*said("two"), *said("three")]


def test_what_an_agent_of_strands_wrote_is_read(bucket: Bucket) -> None:
    agent = of_strands(messages=[*CALLED, *said("two")])
    assert agent.messages
    stored = bucket.load(KEY)
    assert stored.turns == [CALLED, said("two")]
    bucket.append(KEY, said("three"), stored.place, 6)
    assert bucket.load(KEY).turns == [CALLED, said("two"), said("three")]
    assert bare(of_strands().messages)[-2:] == said("three")


def test_another_agent_of_strands_in_the_session_is_none_of_it(bucket: Bucket) -> None:
    bucket.append(KEY, said("one"), 0, 0)
    assert of_strands(agent_id="other", messages=[*CALLED, *said("two")]).messages
    stored = bucket.load(KEY)
    assert (stored.turns, stored.place) == ([said("one")], 2)


@pytest.mark.parametrize("fails", ["agent.json", "message_3.json", "message_2.json"])
def test_half_of_a_turn_is_not_read_and_is_written_over(bucket: Bucket, fake: FakeBucket, fails: str) -> None:
    place = bucket.append(KEY, said("one"), 0, 0)
    fake.faults[f"s3:PutObject {fails}"] = 503
    with pytest.raises(ContractError, match="memory_unavailable"):
        bucket.append(KEY, CALLED, place, 2)
    fake.heal()
    stored = bucket.load(KEY)
    assert (stored.turns, stored.place) == ([said("one")], 2)
    bucket.append(KEY, said("two"), stored.place, 2)
    assert bucket.load(KEY).turns == [said("one"), said("two")]


def test_what_the_bucket_has_let_go_of_is_left_out(bucket: Bucket, fake: FakeBucket) -> None:
    """Its lifecycle ends the oldest objects first, and the session's own is among them."""
    place = 0
    for prompt in ("one", "two", "three"):
        place = bucket.append(KEY, said(prompt), place, place)
    for name in ("session.json", "agents/agent_default/messages/message_0.json"):
        del fake.objects[f"{FOLDER}session_s/{name}"]
    stored = bucket.load(KEY)
    assert (stored.turns, stored.place) == ([said("two"), said("three")], 6)
    assert f"{FOLDER}session_s/session.json" in fake.objects


def test_what_is_larger_than_the_window_is_not_read(bucket: Bucket, fake: FakeBucket) -> None:
    place = bucket.append(KEY, said("x" * 600_000), 0, 0)
    bucket.append(KEY, said("two"), place, 2)
    fake.calls.clear()
    assert bucket.load(KEY).turns == [said("two")]
    read = [call.resource.rpartition("/")[2] for call in fake.calls if call.action == "s3:GetObject"]
    assert "message_0.json" not in read


def test_images_come_back_as_they_were(bucket: Bucket) -> None:
    image = {"image": {"format": "png", "source": {"bytes": b"\x89PNG\x00\xff"}}}
    turn = [user({"text": "a"}), assistant(use("t")), user(result("t")), assistant({"text": "b"})]
    turn[2]["content"][0]["toolResult"]["content"].append(image)
    bucket.append(KEY, turn, 0, 0)
    assert bucket.load(KEY).turns == [turn]


def test_nothing_is_read_of_a_conversation_that_is_not_there(bucket: Bucket, fake: FakeBucket) -> None:
    stored = bucket.load(KEY)
    assert (stored.turns, stored.place) == ([], 0)
    assert fake.actions() == {"s3:ListBucket"}  # S3 answers 403 for an object that is not there, to some

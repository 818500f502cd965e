"""The provider as an engine calls it, over gRPC, without an engine. tests/engine has the real one."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.plugin_pb2 import PluginAttach
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from toolgate.access.deployment.stack_export import ASSET, DEFAULTS, SECRET, SIGNATURE
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine.plugin import FOLDER_VARIABLE
from toolgate.local.engine.provider import Provider, started
from toolgate.local.engine.wire import from_struct, to_struct
from toolgate.policy.language.unknown import UNKNOWN_TEXT

PREFIX = "urn:pulumi:dev::p::p:index:Component$"
ROLE = f"{PREFIX}aws:iam/role:Role::role"
TRUST = json.dumps(
    {"Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}}
)


@dataclass
class Engine:
    """The calls of an engine, with JSON for structs."""

    stub: Any

    def check(
        self, urn: str, new: dict[str, Any], old: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], list[str]]:
        request = pb.CheckRequest(urn=urn, news=to_struct(new), olds=to_struct(old or {}), randomSeed=b"seed")
        answer = self.stub.Check(request)
        return from_struct(answer.inputs), [f"{failure.property}: {failure.reason}" for failure in answer.failures]

    def create(self, urn: str, inputs: dict[str, Any], *, preview: bool = False) -> tuple[str, dict[str, Any]]:
        answer = self.stub.Create(pb.CreateRequest(urn=urn, properties=to_struct(inputs), preview=preview))
        return answer.id, from_struct(answer.properties)

    def read(self, urn: str, resource_id: str, **known: dict[str, Any]) -> Any:
        structs: dict[str, Any] = {name: to_struct(value) for name, value in known.items()}
        return self.stub.Read(pb.ReadRequest(urn=urn, id=resource_id, **structs))


@pytest.fixture
def provider() -> Provider:
    """A provider over an empty account."""
    return Provider(MemoryStore(), {})


@pytest.fixture
def engine(provider: Provider) -> Iterator[Engine]:
    """Its caller."""
    server, port = started(provider)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = ResourceProviderStub(channel)
        stub.Configure(pb.ConfigureRequest(args=to_struct({"region": "eu-west-1"})))
        yield Engine(stub)
    server.stop(None).wait()


def test_the_region_must_be_given(engine: Engine) -> None:
    answer = engine.stub.CheckConfig(pb.CheckRequest(news=to_struct({})))
    assert [failure.property for failure in answer.failures] == ["region"]
    assert not engine.stub.CheckConfig(pb.CheckRequest(news=to_struct({"region": "x"}))).failures


def test_what_cannot_be_followed_of_the_providers_configuration_is_refused(engine: Engine) -> None:
    given = {"region": "x", "version": "7.51.1", "profile": "mine", "defaultTags": '{"tags": {"a": "b"}}'}
    [failure] = engine.stub.CheckConfig(pb.CheckRequest(news=to_struct(given))).failures
    assert (failure.property, failure.reason.split()[:2]) == ("defaultTags", ["aws:defaultTags", "puts"])


def test_check_names_a_resource_once(engine: Engine) -> None:
    first, failures = engine.check(ROLE, {"assumeRolePolicy": TRUST})
    assert failures == []
    assert first["name"].startswith("role-")
    again, _ = engine.check(ROLE, {"assumeRolePolicy": TRUST, "path": "/x/"}, old=first | {"name": "role-0000000"})
    assert again["name"] == "role-0000000"
    assert engine.check(ROLE, {"assumeRolePolicy": TRUST}, old=again)[0]["name"] == "role-0000000"


def test_what_was_imported_is_named_anew_where_the_program_gives_no_name(engine: Engine) -> None:
    imported = {"assumeRolePolicy": TRUST, "name": "theirs", DEFAULTS: []}
    renamed, _ = engine.check(ROLE, {"assumeRolePolicy": TRUST}, old=imported)
    assert renamed["name"].startswith("role-")
    kept, _ = engine.check(ROLE, {"assumeRolePolicy": TRUST, "name": "theirs"}, old=imported)
    assert kept["name"] == "theirs"


def test_check_takes_the_name_that_the_engine_proposes(engine: Engine) -> None:
    proposed = pb.CheckRequest.AutonamingOptions(proposed_name="project-dev-role-0123456")
    news = to_struct({"assumeRolePolicy": TRUST})
    answer = engine.stub.Check(pb.CheckRequest(urn=ROLE, news=news, autonaming=proposed))
    assert answer.inputs["name"] == "project-dev-role-0123456"
    assert engine.stub.Handshake(pb.ProviderHandshakeRequest()).supports_autonaming_configuration


def test_check_says_what_aws_would(engine: Engine) -> None:
    _, [failure] = engine.check(ROLE, {"assumeRolePolicy": "{"})
    assert failure.startswith("assumeRolePolicy: MalformedPolicyDocument")
    _, [failure] = engine.check(f"{PREFIX}aws:sfn/stateMachine:StateMachine::q", {})
    assert "does not reproduce aws:sfn/stateMachine:StateMachine" in failure


def test_check_passes_unknown_values_and_keeps_secrets(engine: Engine) -> None:
    given = {"name": "role", "assumeRolePolicy": UNKNOWN_TEXT, "description": {SIGNATURE: SECRET, "value": "hush"}}
    checked, failures = engine.check(ROLE, given)
    assert failures == []
    assert given.items() <= checked.items()


def test_a_preview_makes_nothing(engine: Engine) -> None:
    inputs = {"name": "role", "assumeRolePolicy": TRUST}
    assert engine.create(ROLE, inputs, preview=True) == (
        "",
        {
            **inputs,
            **dict.fromkeys(("arn", "createDate", "uniqueId"), UNKNOWN_TEXT),
            **{"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False, "tagsAll": {}},
        },
    )
    assert engine.read(ROLE, "role").id == ""


def test_create_gives_what_aws_gives_and_keeps_secrets(engine: Engine) -> None:
    secret = {SIGNATURE: SECRET, "value": "hush"}
    role_id, outputs = engine.create(ROLE, {"name": "role", "assumeRolePolicy": TRUST, "description": secret})
    assert role_id == "role"
    assert outputs["arn"] == "arn:aws:iam::123456789012:role/role"
    assert outputs["description"] == secret


def test_refusals_reach_the_engine_as_they_are(engine: Engine, provider: Provider) -> None:
    inputs = {"name": "role", "assumeRolePolicy": TRUST}
    engine.create(ROLE, inputs)
    with pytest.raises(grpc.RpcError) as caught:
        engine.create(ROLE, inputs)
    assert caught.value.details() == "EntityAlreadyExists: Role with name role already exists."
    provider.refusals = {"aws:iam/role:Role": ["ThrottlingException: Rate exceeded"]}
    with pytest.raises(grpc.RpcError, match="Rate exceeded"):
        engine.create(ROLE, inputs | {"name": "other"})
    assert engine.create(ROLE, inputs | {"name": "other"})[0] == "other"


def test_diff_sees_removed_inputs_and_replacements(engine: Engine) -> None:
    old, new = {"name": "a", "tags": {"x": "1", "y": "2"}}, {"name": "b", "tags": {"x": "2"}}
    request = pb.DiffRequest(urn=ROLE, id="a", olds=to_struct(old), old_inputs=to_struct(old), news=to_struct(new))
    answer = engine.stub.Diff(request)
    assert answer.changes == pb.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == ["name"]
    assert list(answer.diffs) == ["name", "tags"]
    assert {path: pb.PropertyDiff.Kind.Name(diff.kind) for path, diff in answer.detailedDiff.items()} == {
        "name": "UPDATE_REPLACE",
        "tags.x": "UPDATE",
        "tags.y": "DELETE",
    }


def test_diff_of_the_same_inputs_is_none_whatever_the_outputs(engine: Engine) -> None:
    inputs = to_struct({"name": "a"})
    request = pb.DiffRequest(
        urn=ROLE, id="a", olds=to_struct({"name": "a", "arn": "x"}), old_inputs=inputs, news=inputs
    )
    assert engine.stub.Diff(request).changes == pb.DiffResponse.DIFF_NONE


def test_read_tells_what_has_changed_and_what_is_gone(engine: Engine, provider: Provider) -> None:
    secret = {SIGNATURE: SECRET, "value": "hush"}
    inputs = {"name": "role", "assumeRolePolicy": TRUST, "description": secret, "tags": {"x": "1"}}
    _, outputs = engine.create(ROLE, inputs)
    same = engine.read(ROLE, "role", inputs=inputs, properties=outputs)
    assert from_struct(same.inputs) == inputs | {DEFAULTS: []}
    assert from_struct(same.properties) == outputs
    with provider.store.transaction() as account:
        account["resources"]["aws:iam/role:Role|role"]["inputs"]["tags"] = {"x": "2"}
    drifted = engine.read(ROLE, "role", inputs=inputs, properties=outputs)
    assert from_struct(drifted.inputs) == inputs | {"tags": {"x": "2"}, DEFAULTS: []}
    engine.stub.Delete(pb.DeleteRequest(urn=ROLE, id="role", properties=to_struct(outputs)))
    assert engine.read(ROLE, "role", inputs=inputs, properties=outputs).id == ""


def test_files_come_back_as_they_were_given(engine: Engine) -> None:
    bucket, item = f"{PREFIX}aws:s3/bucket:Bucket::b", f"{PREFIX}aws:s3/bucketObjectv2:BucketObjectv2::o"
    engine.create(bucket, {"bucket": "bucket"})
    source = {SIGNATURE: ASSET, "path": "a.zip", "hash": "digest"}
    inputs = {"bucket": "bucket", "key": "k", "source": source}
    object_id, outputs = engine.create(item, inputs)
    assert outputs["source"] == source
    read = engine.read(item, object_id, inputs=inputs, properties=outputs)
    assert from_struct(read.inputs) == inputs | {DEFAULTS: []}


def test_an_update_previews_what_stays_known(engine: Engine) -> None:
    inputs = {"name": "role", "assumeRolePolicy": TRUST}
    _, outputs = engine.create(ROLE, inputs)
    request = {"urn": ROLE, "id": "role", "olds": to_struct(outputs), "news": to_struct(inputs | {"tags": {"a": "b"}})}
    previewed = from_struct(engine.stub.Update(pb.UpdateRequest(preview=True, **request)).properties)
    updated = from_struct(engine.stub.Update(pb.UpdateRequest(**request)).properties)
    assert previewed == updated == outputs | {"tags": {"a": "b"}, "tagsAll": {"a": "b"}}


def test_look_ups(engine: Engine) -> None:
    token = "aws:index/getRegion:getRegion"
    assert from_struct(getattr(engine.stub.Invoke(pb.InvokeRequest(tok=token)), "return"))["region"] == "eu-west-1"
    [failure] = engine.stub.Invoke(pb.InvokeRequest(tok="aws:ec2/getAmi:getAmi")).failures
    assert "does not reproduce" in failure.reason


def test_an_engine_may_attach_and_ask_who_it_is(engine: Engine) -> None:
    engine.stub.Attach(PluginAttach(address="127.0.0.1:1"))
    assert engine.stub.GetPluginInfo(Empty()).version.startswith("7.")
    assert json.loads(engine.stub.GetSchema(pb.GetSchemaRequest()).schema)["name"] == "aws"


def test_the_plugin_prints_its_port_and_serves_an_account_that_lasts(tmp_path: Path) -> None:
    plugin = Path(__file__).parents[3] / "local" / "plugin" / "pulumi-resource-aws"
    environment = {FOLDER_VARIABLE: str(tmp_path), "PATH": "/usr/bin:/bin"}
    inputs = {"name": "role", "assumeRolePolicy": TRUST}

    def session(call: Any) -> Any:
        with subprocess.Popen(
            [plugin, "127.0.0.1:1"], stdout=subprocess.PIPE, env=environment, cwd=tmp_path
        ) as process:
            try:
                assert process.stdout is not None
                with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                    stub = ResourceProviderStub(channel)
                    stub.Configure(pb.ConfigureRequest(args=to_struct({"region": "eu-west-1"})))
                    return call(Engine(stub))
            finally:
                process.terminate()

    assert session(lambda engine: engine.create(ROLE, inputs))[0] == "role"
    assert session(lambda engine: engine.read(ROLE, "role").id) == "role"

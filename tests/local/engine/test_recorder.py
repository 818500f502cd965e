import asyncio
import contextlib
import contextvars
import gc
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import mocks

from toolgate.access.deployment.stack_export import SECRET, SIGNATURE
from toolgate.local.engine.recorder import ProgramError, Recording, Registration
from toolgate.policy.language.unknown import UNKNOWN_TEXT

from .conftest import Run

NESTED = """
    class Inner(pulumi.ComponentResource):
        def __init__(self, name, opts=None):
            super().__init__("project:index:Inner", name, {"why": "because"}, opts)
            self.role = aws.iam.Role(f"{name}-role", assume_role_policy=TRUST, opts=pulumi.ResourceOptions(parent=self))
            self.register_outputs({"arn": self.role.arn})

    class Outer(pulumi.ComponentResource):
        def __init__(self, name):
            super().__init__("project:index:Outer", name, {}, None)
            self.inner = Inner(f"{name}-inner", pulumi.ResourceOptions(parent=self))
            self.register_outputs({})

    outer = Outer("outer")
    policy = aws.iam.RolePolicy("policy", role=outer.inner.role.name, policy=outer.inner.role.arn.apply(
        lambda arn: json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "iam:GetRole", "Resource": arn}]})))
    pulumi.export("arn", outer.inner.role.arn)
"""


def by_name(recording: Recording) -> dict[str, Registration]:
    return {registration.request.name: registration for registration in recording.registrations}


def test_urns_are_the_engines(run: Run) -> None:
    assert {
        registration.urn.removeprefix("urn:pulumi:dev::project::") for registration in run(NESTED).registrations
    } == {
        "pulumi:pulumi:Stack::project-dev",
        "project:index:Outer::outer",
        "project:index:Outer$project:index:Inner::outer-inner",
        "project:index:Outer$project:index:Inner$aws:iam/role:Role::outer-inner-role",
        "aws:iam/rolePolicy:RolePolicy::policy",
    }


TWO_GATEWAYS = """
    class Gateway(pulumi.ComponentResource):
        def __init__(self, name, target):
            super().__init__("project:index:Gateway", name)
            opts = pulumi.ResourceOptions(parent=self)
            aws.iam.Role(f"{name}-{target}", assume_role_policy=TRUST, opts=opts)

    Gateway("tools", "1-math")
    Gateway("tools-1", TARGET)
"""


def test_one_urn_for_two_resources_is_refused_as_by_the_engine(run: Run) -> None:
    assert len(run(TWO_GATEWAYS.replace("TARGET", '"text"')).registrations) == 5
    urn = r"urn:pulumi:dev::project::project:index:Gateway\$aws:iam/role:Role::tools-1-math"
    with pytest.raises(ProgramError, match=rf"Duplicate resource URN '{urn}'; try giving it a unique name"):
        run(TWO_GATEWAYS.replace("TARGET", '"math"'))


def test_everything_is_known_after_a_deployment(run: Run) -> None:
    recording = run(NESTED)
    stack = recording.outputs["urn:pulumi:dev::project::pulumi:pulumi:Stack::project-dev"]
    assert stack["arn"].startswith("arn:aws:iam::123456789012:role/outer-inner-role-")
    [policy] = [item for item in recording.registrations if item.request.name == "policy"]
    assert stack["arn"] in policy.inputs["policy"]
    assert policy.id == f"{policy.inputs['role']}:{policy.inputs['name']}"


def test_in_a_preview_names_are_known_and_arns_are_not(run: Run) -> None:
    recording = run(NESTED, preview=True)
    assert recording.outputs["urn:pulumi:dev::project::pulumi:pulumi:Stack::project-dev"] == {"arn": UNKNOWN_TEXT}
    [role] = [item for item in recording.registrations if item.request.type.endswith("Role")]
    [policy] = [item for item in recording.registrations if item.request.name == "policy"]
    assert policy.inputs["role"] == role.inputs["name"]
    assert policy.inputs["policy"] == UNKNOWN_TEXT
    assert (role.id, role.outputs["arn"]) == ("", UNKNOWN_TEXT)


def test_runs_in_one_process_do_not_touch_each_other(run: Run) -> None:
    first = run(NESTED, preview=True)
    second = run("pulumi.export('n', pulumi.Config().require('n'))", config={"project:n": "1"})
    third = run(NESTED)
    assert second.outputs == {"urn:pulumi:dev::project::pulumi:pulumi:Stack::project-dev": {"n": "1"}}
    assert [item.urn for item in third.registrations] == [item.urn for item in first.registrations]


@pytest.mark.filterwarnings("ignore:There is no current event loop")
def test_what_others_did_with_the_sdk_in_this_process_does_not_matter(run: Run) -> None:
    class Others(mocks.Mocks):
        def call(self, args: mocks.MockCallArgs) -> Any:
            return {}

        def new_resource(self, args: mocks.MockResourceArgs) -> Any:
            return "other", {}

    def polluted() -> Recording:
        mocks.set_mocks(Others(), project="other", stack="other")
        return run(NESTED)

    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())  # what the SDK takes for its own, whatever ran here before
        assert contextvars.copy_context().run(polluted).registrations[0].urn.endswith("Stack::project-dev")


def test_a_run_after_a_failed_one_succeeds(run: Run) -> None:
    with pytest.raises(ProgramError):
        run("raise ValueError('no')")
    assert run(NESTED).registrations


def test_secrets_stay_secret_where_they_stand(run: Run) -> None:
    program = """
        aws.iam.Role("role", assume_role_policy=TRUST, tags={"a": pulumi.Config().require_secret("s"), "b": "open"})
    """
    recording = run(program, config={"project:s": "hush"}, secrets=frozenset({"project:s"}))
    [role] = [item for item in recording.registrations if item.request.custom]
    secret = {SIGNATURE: SECRET, "value": "hush"}
    assert role.inputs["tags"] in ({"a": secret, "b": "open"}, {SIGNATURE: SECRET, "value": {"a": "hush", "b": "open"}})
    assert role.outputs["tags"] == role.inputs["tags"]


def test_look_ups_are_answered(run: Run) -> None:
    recording = run("pulumi.export('account', aws.get_caller_identity_output().account_id)")
    assert [*recording.outputs.values()] == [{"account": "123456789012"}]


def test_file_paths_start_at_the_programs_folder(run: Run) -> None:
    program = """
        bucket = aws.s3.Bucket("bucket")
        aws.s3.BucketObjectv2("object", bucket=bucket.bucket, key="k", source=pulumi.FileAsset("data.txt"))
    """
    recording = run(program, files={"data.txt": "content"})
    [item] = [item for item in recording.registrations if item.request.name == "object"]
    assert item.inputs["source"]["path"] == "data.txt"
    assert len(item.inputs["source"]["hash"]) == 64


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("raise pulumi.RunError('write this instead')", "^write this instead$"),
        ("raise ValueError('odd')", r"^ValueError: odd \(__main__\.py, line \d+\)$"),
        (
            "import sys; sys.exit(0)",
            r"^SystemExit: 0 \(__main__\.py, line \d+\)\. A program that ends itself has made only",
        ),
        ("import notthere", r"^ModuleNotFoundError: No module named 'notthere' \(__main__\.py, line \d+\)$"),
        ("def (", r"SyntaxError"),
        (
            "aws.iam.Role('role', assume_role_policy='{')",
            r"^role \(aws:iam/role:Role\): assumeRolePolicy: MalformedPolicyDocument: Syntax errors",
        ),
        (
            "aws.iam.RolePolicy('p', role='nobody', policy=TRUST.replace('Principal', 'X'))",
            r"^p \(aws:iam/rolePolicy:RolePolicy\): policy: MalformedPolicyDocument: Syntax errors in policy: unknown",
        ),
        ("aws.iam.Group('group')", r"^group \(aws:iam/group:Group\): the stand-in for AWS does not reproduce"),
        ("aws.iam.Role.get('old', 'id')", r"^old \(aws:iam/role:Role\): the stand-in .* the reading of existing"),
        (
            "aws.iam.Role('new', assume_role_policy=TRUST, opts=pulumi.ResourceOptions(import_='old'))",
            r"^new \(aws:iam/role:Role\): the stand-in for AWS does not reproduce imports",
        ),
        (
            "aws.iam.Role('r', assume_role_policy=TRUST, opts=pulumi.ResourceOptions(transforms=[lambda args: None]))",
            r"^r \(aws:iam/role:Role\): the stand-in for AWS does not reproduce transforms",
        ),
        (
            "pulumi.runtime.register_resource_transform(lambda a: None); aws.iam.Role('r', assume_role_policy=TRUST)",
            "^the program: the stand-in for AWS does not reproduce transforms",
        ),
        ("aws.iam.get_group(group_name='x')", "does not reproduce aws:iam/getGroup:getGroup"),
        (
            "aws.s3.BucketObjectv2('o', bucket='b', key='k', source=pulumi.FileAsset('gone.txt'))",
            r"^o \(.*\): gone.txt: cannot be read \(No such file or directory\)$",
        ),
        (
            "aws.Provider('other', region='eu-west-1')",
            r"^other \(pulumi:providers:aws\): the stand-in for AWS does not reproduce",
        ),
    ],
)
def test_errors_say_what_and_where_and_nothing_else(program: str, text: str, run: Run) -> None:
    with pytest.raises(ProgramError, match=text) as caught:
        run(program)
    assert "Traceback" not in str(caught.value)


def test_the_first_refusal_is_told_even_when_others_wait_for_the_resource(run: Run) -> None:
    program = """
        role = aws.iam.Role("role", name="not a name", assume_role_policy=TRUST)
        aws.iam.RolePolicy("policy", role=role.name, policy="{}")
    """
    with pytest.raises(ProgramError, match=r"^role \(aws:iam/role:Role\): name: CreateRole: Value 'not a name'"):
        run(program)


def test_what_the_program_warns_of_is_shown_as_a_warning(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        run("import pulumi\npulumi.warn('tools.py:1: a word')\npulumi.debug('nothing')\n")
        assert capsys.readouterr().err == "warning: tools.py:1: a word\n"


def test_a_failure_is_told_once(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """asyncio tells of errors that nobody asked for when the values that hold them are thrown away."""
    program = """
        role = aws.iam.Role("role", name="not a name", assume_role_policy=TRUST)
        aws.iam.RolePolicy("policy", role=role.name, policy="{}")
    """
    contextvars.Context().run(suppressed, ProgramError, lambda: run(program))
    run("pass")
    gc.collect()
    assert [record.message for record in caplog.records] == []


def suppressed(kind: type[Exception], call: Callable[[], object]) -> None:
    with contextlib.suppress(kind):
        call()


def test_the_process_is_left_as_it_was(run: Run) -> None:
    before = Path.cwd()
    run("import asyncio")
    assert Path.cwd() == before
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_resources_are_named_by_the_stacks_setting(run: Run) -> None:
    program = 'aws.iam.Role("r", assume_role_policy=TRUST)'
    [*_, role] = run(
        program, config={"pulumi:autonaming": '{"pattern": "${project}-${stack}-${name}-${hex(7)}"}'}
    ).registrations
    assert re.fullmatch(r"project-dev-r-[0-9a-f]{7}", role.inputs["name"])
    with pytest.raises(ProgramError, match="pulumi:autonaming: only `pattern`"):
        run(program, config={"pulumi:autonaming": '{"mode": "verbatim"}'})


def test_the_sdk_does_not_look_through_all_outputs_after_each_resource(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int] = []
    wait = asyncio.wait

    def counted(pending: Any, **more: Any) -> Any:
        waits.append(len(pending))
        return wait(pending, **more)

    monkeypatch.setattr(asyncio, "wait", counted)
    run("""
    first = aws.iam.Role("first", assume_role_policy=TRUST)
    for number in range(30):
        first = aws.iam.Role(f"r{number}", assume_role_policy=TRUST, description=first.arn)
    """)
    assert len(waits) < 5


AS_TEXT = {
    "an input": ('aws.sqs.Queue("b", name=f"{queue.name}-b")', "aws:sqs/queue:Queue: name: "),
    "a tag": ('aws.sqs.Queue("b", tags={"a": {"of": "%s" % queue.arn}["of"]})', "aws:sqs/queue:Queue: tags.a: "),
    "a resource's name": ('aws.sqs.Queue(f"{queue.name}-b")', "aws:sqs/queue:Queue: name: "),
    "a component's input": ('pulumi.ComponentResource("a:b:C", "c", {"url": str(queue.url)})', "a:b:C: url: "),
    "an output of the stack": ('pulumi.export("urls", [f"see {queue.url}"])', "project-dev: urls[0]: "),
}


@pytest.mark.parametrize("case", AS_TEXT)
def test_an_output_in_a_text_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """pulumi/pulumi#4650, #6747, pulumi-docker#180: Pulumi deploys the words of its own warning."""
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "false")  # as it is for who never heard of it
    source, where = AS_TEXT[case]
    with pytest.raises(
        ProgramError, match=r"an Output was written into this text; write `pulumi\.Output\.format"
    ) as error:
        run(f'queue = aws.sqs.Queue("a")\n{source}')
    assert str(error.value).startswith(where)


def test_an_output_in_a_text_that_goes_nowhere_is_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "false")
    assert run('queue = aws.sqs.Queue("a")\nprint(f"made {queue.url}")').registrations


OTHER = "acme/net/prod"
FILE = f"stacks/{OTHER}.json"
READ = f"""
    other = pulumi.StackReference("{OTHER}")
    role = aws.iam.Role("a", name=other.require_output("name"), assume_role_policy=TRUST)
    pulumi.export("of", other.get_output("list")[1])
    pulumi.export("none", other.get_output("none"))
    pulumi.export("key", other.get_output("key"))
"""
EXPORT = {
    "version": 3,
    "deployment": {
        "resources": [
            {
                "urn": "urn:pulumi:prod::net::pulumi:pulumi:Stack::net-prod",
                "type": "pulumi:pulumi:Stack",
                "outputs": {
                    "name": "given",
                    "list": [1, 2],
                    "key": {SIGNATURE: SECRET, "plaintext": '"hush"'},
                    "hidden": {SIGNATURE: SECRET, "ciphertext": "v1:x"},
                },
            }
        ]
    },
}


@pytest.mark.parametrize(
    "document", [{"name": "given", "list": [1, 2], "key": "hush"}, EXPORT], ids=["outputs", "export"]
)
def test_another_stacks_outputs_are_those_of_its_file(run: Run, document: Any) -> None:
    """pulumi/pulumi#2208: what programs of several stacks take from each other."""
    recording = run(READ, files={FILE: json.dumps(document)})
    found = by_name(recording)
    assert found["a"].inputs["name"] == "given"
    reference = found[OTHER]
    assert (reference.external, reference.id, reference.inputs) == (True, OTHER, {"name": OTHER})
    assert reference.urn in found["a"].request.dependencies
    secret = {SIGNATURE: SECRET, "value": "hush"}
    [outputs] = [it for urn, it in recording.outputs.items() if "pulumi:pulumi:Stack::" in urn]
    assert outputs == {"of": 2, "key": secret if document is EXPORT else "hush"}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            OTHER,
            None,
            r"no file says what that stack gave out\. Write it into stacks/acme/net/prod\.json: `pulumi stack",
        ),
        (OTHER, "[]", "must be the stack's outputs by name, or its deployment"),
        (OTHER, "{", r"stacks/acme/net/prod\.json: "),
        (OTHER, '{"version": 9, "deployment": {}}', "not a deployment"),
        (OTHER, '{"version": 3, "deployment": {"resources": []}}', "is a deployment without outputs"),
        ("../../prod", None, "is no stack's name"),
        ("a/b/c/d", None, "is no stack's name"),
        ("/etc/x", None, "is no stack's name"),
        ("prod", None, r"stacks/prod\.json"),
    ],
)
def test_a_stack_that_no_file_is_of_is_refused_in_one_line(
    run: Run, recwarn: pytest.WarningsRecorder, name: str, text: str | None, says: str
) -> None:
    program = f'pulumi.export("vpc", pulumi.StackReference("{name}").get_output("vpc"))'
    with pytest.raises(ProgramError, match=says) as error:
        run(program, files={} if text is None else {FILE: text})
    assert str(error.value).startswith(f"{name} (pulumi:pulumi:StackReference): ")
    assert "\n" not in str(error.value)
    gc.collect()
    assert [str(it.message) for it in recwarn if "Output" in str(it.message)] == []

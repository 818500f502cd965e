"""What of a deployment becomes a request to the emulator, and what is refused before anything starts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.local.cloud.conftest import BUCKET, GOOD, OBJECT, PARAMETER, QUEUE, SECRET, SECRET_VERSION, TABLE
from tests.local.serve.aws.conftest import (
    ENV,
    FOUND_SECRET,
    MARK,
    Resources,
    allow,
    data,
    function,
    made,
    parsed,
    resource,
    role,
)
from tests.planning import SAMPLE, planned
from tests.token_export import with_tokens
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.stack_export import ARCHIVE, SIGNATURE, DeploymentError
from toolgate.access.deployment.stack_export import SECRET as SECRET_MARK
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.aws.seeding import Seeds, Values, refused, seeds

HIDDEN = {SIGNATURE: SECRET_MARK, "ciphertext": "v1:x"}


def sown(resources: Resources, root: Path, made_up: dict[str, str] | None = None) -> Seeds:
    return seeds(parsed(resources), ENV, Values(root, {} if made_up is None else made_up))


def user(*statements: dict[str, Any]) -> Resources:
    return [*role("user", *statements), function("user")]


def value(of: Seeds, operation: str) -> Any:
    return next(it.parameters for it in of.requests if it.operation == operation)


@pytest.mark.parametrize("stack", ["dev", "agents", "gateways", "prod"])  # jwt has secrets of clients
def test_the_sample_loads_nothing(stack: str) -> None:
    network = {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}
    boundary = "arn:aws:iam::123456789012:policy/agents-boundary"
    inside = {"toolgate:network": json.dumps(network), "toolgate:permissionsBoundary": boundary}
    plan = planned(stack, inside if stack == "prod" else None)
    deployment = parse(plan.deployment)
    assert "s3:GetObject" in json.dumps(plan.deployment)  # the agent's own code
    assert seeds(deployment, CloudEnvironment(), Values(SAMPLE)).services == frozenset()


def test_secrets_that_agentcore_reads_wait_until_somebody_else_asks(tmp_path: Path) -> None:
    """An agent with tokens may read its client's secret, which AgentCore Identity alone does: moto is not loaded."""
    deployment = parse(with_tokens(planned("agents").deployment))
    issued = {arn: "{}" for it in deployment.tokens.providers for arn in it.secret_arns}
    found = seeds(deployment, ENV, Values(tmp_path, issued=issued))
    assert found.services == {"secretsmanager"}
    assert (len(found.requests), found.by_others) == (2, True)
    assert not sown([*user(allow("secretsmanager:GetSecretValue")), *made((SECRET, GOOD[SECRET]))], tmp_path).by_others


def test_parameters_that_are_no_secrets_wait_until_anything_but_a_read_is_asked_for(tmp_path: Path) -> None:
    """A gateway's interceptor reads in them who calls: each of the sample's clients has one."""
    deployment = parse(planned("jwt").deployment)
    issued = {arn: "{}" for it in deployment.tokens.providers for arn in it.secret_arns}
    found = seeds(deployment, CloudEnvironment(), Values(tmp_path, issued=issued))
    assert found.services == {"secretsmanager", "ssm"}
    assert found.by_others
    assert [it.parameters["Name"].rpartition("/")[0] for it in found.requests if it.plain] == [
        "/toolgate/callers/toolgate-jwt-tools"
    ] * 2
    secret = {**GOOD[PARAMETER], "type": "SecureString", "value": "x"}
    assert not sown([*user(allow("ssm:GetParameter")), *made((PARAMETER, secret))], tmp_path).by_others


@pytest.mark.parametrize(
    ("statement", "services"),
    [
        (allow("dynamodb:GetItem"), {"dynamodb"}),
        (allow(["SQS:*", "s3:Get*"]), {"sqs", "s3"}),
        (allow("dynamodb:CreateTable"), set()),
        (allow("logs:*"), set()),
        ({**allow("ssm:*"), "Effect": "Deny"}, set()),
        (allow("*"), {"dynamodb", "s3", "sqs", "sns", "secretsmanager", "ssm"}),
    ],
)
def test_a_service_is_used_where_a_functions_role_may_do_something_there(
    statement: dict[str, Any], services: set[str], tmp_path: Path
) -> None:
    assert sown(user(statement), tmp_path).services == services
    assert sown(role("nobodys", statement), tmp_path).services == set()


def test_a_policy_on_what_is_not_there_matters_only_where_the_service_is_used(tmp_path: Path) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{**allow("s3:*"), "Principal": "*"}]}
    elsewhere = resource("aws:s3/bucketPolicy:BucketPolicy", "p", {"bucket": "imported", "policy": policy}, {})
    assert sown([*user(allow("sqs:*")), elsewhere], tmp_path).services == {"sqs"}
    with pytest.raises(DeploymentError, match="BucketPolicy 'p': it is on imported, which is not in the deployment"):
        sown([*user(allow("s3:*")), elsewhere], tmp_path)


def test_a_resource_of_another_region_is_refused(tmp_path: Path) -> None:
    [queue] = made((QUEUE, GOOD[QUEUE]))
    queue["outputs"]["arn"] = queue["outputs"]["arn"].replace("eu-central-1", "us-east-1")
    with pytest.raises(DeploymentError, match=r"Queue 'r0': is in \d+/us-east-1, not in \d+/eu-central-1"):
        sown([*user(allow("sqs:*")), queue], tmp_path)


def test_only_resources_of_used_services_are_made(tmp_path: Path) -> None:
    of = sown([*user(allow("sqs:*")), *made((TABLE, GOOD[TABLE]), (QUEUE, GOOD[QUEUE]))], tmp_path)
    assert [it.operation for it in of.requests] == ["CreateQueue"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (resource("aws:s3/bucketNotification:BucketNotification", "n", {"bucket": "b"}, {}), "is not reproduced"),
        (resource("aws:sns/topicSubscription:TopicSubscription", "n", {"topic": "t"}, {}), "is not reproduced"),
        (resource(TABLE, "n", GOOD[TABLE] | {"replicas": []}, {"arn": "arn"}), "Table 'n': its 'replicas' is not"),
        (resource(QUEUE, "n", GOOD[QUEUE] | {"policy": HIDDEN}, {"arn": "arn"}), "Queue 'n': 'policy' is encrypted"),
        (resource(BUCKET, "n", {"bucket": HIDDEN}, {"arn": "arn"}), "Bucket 'n': 'bucket' is encrypted"),
    ],
)
def test_what_would_not_behave_as_on_aws_is_refused(change: dict[str, Any], reason: str) -> None:
    used = [*user(allow(["s3:*", "sns:*", "sqs:*", "dynamodb:*"])), change]
    try:
        [found] = refused(parsed(used))
    except DeploymentError as error:  # a policy that cannot be read
        found = str(error)
    assert reason in found
    assert list(refused(parsed([change] if "policy" not in change["inputs"] else []))) == []


def test_a_value_comes_from_the_file_then_from_the_deployment_then_from_nowhere(
    tmp_path: Path, program: Callable[[str, int], Path]
) -> None:
    secret = [*user(allow("secretsmanager:*")), *made((SECRET, GOOD[SECRET]), (SECRET_VERSION, GOOD[SECRET_VERSION]))]
    of = sown(secret, tmp_path)
    assert value(of, "PutSecretValue")["SecretString"] == "open sesame"
    assert of.notes == ()
    root = program('{"orders/api-key": "from the file"}', 0o600)
    assert value(sown(secret, root), "PutSecretValue")["SecretString"] == "from the file"
    without = sown(secret[:-1], tmp_path / "none")
    assert value(without, "PutSecretValue")["SecretString"].startswith("made-up-")
    [note] = without.notes
    assert note.startswith("secret orders/api-key: its value is made up here; give it one in .local/secrets.json")
    secret[-1]["inputs"]["secretString"] = secret[-1]["outputs"]["secretString"] = HIDDEN
    assert value(sown(secret, tmp_path / "none"), "PutSecretValue")["SecretString"].startswith("made-up-")
    assert value(sown(secret, root), "PutSecretValue")["SecretString"] == "from the file"


def test_a_made_up_value_stays_when_the_deployment_changes(tmp_path: Path) -> None:
    used, memory = [*role("user", allow("secretsmanager:*")), function("user", TOKEN=FOUND_SECRET)], dict[str, str]()
    first = value(sown(used, tmp_path, memory), "CreateSecret")
    assert value(sown(used, tmp_path, memory), "CreateSecret") == first


def test_the_secret_of_an_encrypted_parameter_is_not_in_its_shown_form(tmp_path: Path) -> None:
    parameter = {"name": "/orders/key", "type": "SecureString", "value": "open sesame"}
    of = sown([*user(allow("ssm:*")), *made((PARAMETER, parameter))], tmp_path)
    assert "sesame" not in repr(of)


def test_a_variable_that_leads_elsewhere_is_an_error(tmp_path: Path) -> None:
    there = FOUND_SECRET.replace("eu-central-1", "us-east-1")
    used = [*role("user", allow("secretsmanager:*")), function("user", TOKEN=there)]
    with pytest.raises(DeploymentError, match=r"Function 'orders': a variable leads to .* another account or Region"):
        sown(used, tmp_path)


def test_an_object_comes_from_a_text_or_a_file_and_only_where_it_may_be_read(tmp_path: Path) -> None:
    (tmp_path / "seed.json").write_text("[2]")
    bucket = (BUCKET, {"bucket": "data"})
    for content, read in (({**MARK, "text": "[1]"}, b"[1]"), ({**MARK, "path": "seed.json"}, b"[2]")):
        objects = made(bucket, (OBJECT, {"bucket": "data", "key": "seed", "source": content}))
        of = sown([*user(allow("s3:GetObject", "arn:aws:s3:::data/*")), *objects], tmp_path)
        assert value(of, "PutObject")["Body"] == read
        of = sown([*user(allow("s3:GetObject", "arn:aws:s3:::data/other")), *objects], tmp_path)
        assert [it.operation for it in of.requests] == ["CreateBucket"]
    parts = {SIGNATURE: ARCHIVE, "assets": {}}
    of = sown(
        [*user(allow("s3:*")), *made(bucket, (OBJECT, {"bucket": "data", "key": "zip", "source": parts}))], tmp_path
    )
    assert [it.operation for it in of.requests] == ["CreateBucket"]
    assert "it is not in its bucket here" in of.notes[0]
    gone = made(bucket, (OBJECT, {"bucket": "data", "key": "seed", "source": {**MARK, "path": "gone.json"}}))
    with pytest.raises(DeploymentError, match="its content is neither a text nor a file"):
        sown([*user(allow("s3:*")), *gone], tmp_path)


def test_a_key_must_be_named_by_its_arn(tmp_path: Path) -> None:
    used = [*user(allow("sqs:*")), *made((QUEUE, GOOD[QUEUE] | {"kmsMasterKeyId": "alias/own"}))]
    with pytest.raises(DeploymentError, match="its KMS key is named as alias/own; name it by its ARN"):
        sown(used, tmp_path)


def test_one_of_each_is_a_request_that_botocore_takes(tmp_path: Path) -> None:
    of = sown(data(), tmp_path)
    assert [it.operation for it in of.requests if it.label == "Table 'r0'"] == [
        "CreateTable",
        "UpdateTimeToLive",
        "UpdateContinuousBackups",
    ]
    assert of.account.hash_keys == {"orders": "customer"}

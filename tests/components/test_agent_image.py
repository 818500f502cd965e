"""An agent as a container image: what is planned of it, and what its role may pull."""

from typing import Any

import pulumi
import pytest

from tests.components.test_program import SOURCES
from toolgate.access.iam.evaluation import IamRequest, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy
from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.checks.arguments import UsageError

DIGEST = f"sha256:{'0a' * 32}"
REGISTRY = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
IMAGE = f"{REGISTRY}/agents/clerk@{DIGEST}"
REPOSITORY = "arn:aws:ecr:eu-west-1:210987654321:repository/agents/clerk"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
MODEL = "amazon.nova-lite-v1:0"


def made(run: Any, **more: Any) -> Any:
    args: Any = {"image": IMAGE, "model_id": MODEL, **more}
    return run(lambda: AgentRuntime("clerk", args))


def test_the_runtime_runs_the_image_and_nothing_is_put_into_s3(run: Any) -> None:
    recorded = made(run, kms_key_arn=KEY)
    inputs = recorded.one("AgentcoreAgentRuntime", "clerk-runtime").inputs
    assert inputs["agentRuntimeArtifact"] == {"containerConfiguration": {"containerUri": IMAGE}}
    kinds = {kind for kind, _ in recorded.types()}
    assert not kinds & {"Bucket", "BucketObjectv2"}
    assert ("RolePolicy", "clerk-decrypt") not in recorded.types()


PULLED = [
    ("ecr:BatchGetImage", REPOSITORY, True),
    ("ecr:GetDownloadUrlForLayer", REPOSITORY, True),
    ("ecr:GetAuthorizationToken", "*", True),
    ("ecr:BatchGetImage", f"{REPOSITORY}-two", False),
    ("ecr:BatchGetImage", REPOSITORY.replace("eu-west-1", "us-east-1"), False),
    ("ecr:PutImage", REPOSITORY, False),
    ("s3:GetObject", "arn:aws:s3:::clerk-code/clerk/x.zip", False),
]


@pytest.mark.parametrize("uri", [IMAGE, f"{REGISTRY}/agents/clerk:1.2", f"{REGISTRY}/agents/clerk:1.2@{DIGEST}"])
@pytest.mark.parametrize("later", [False, True])
def test_its_role_may_pull_exactly_from_its_repository(run: Any, uri: str, later: bool) -> None:
    args: Any = {"model_id": MODEL, "image": uri}

    def program() -> None:
        if later:
            args["image"] = pulumi.Output.from_input(uri)
        AgentRuntime("clerk", args)

    recorded = run(program)
    policy = Policy("policy", recorded.one("RolePolicy", "clerk-policy").document())
    # Of the repository's account: from another one that repository's own policy must allow it, too.
    role = Identity(arn="arn:aws:iam::210987654321:role/clerk", name="clerk", policies=(policy,))
    for action, resource, allowed in PULLED:
        assert decide(IamRequest(role, action, resource, {})).allowed is allowed, action


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"code": "agent.zip"}, r"has both code and image\. Write code, .* or image, the URI"),
        ({"image": "clerk"}, "image: 'clerk' is no image in a private repository of Amazon ECR"),
        ({"image": f"{REGISTRY}/clerk"}, "is no image .* with its digest or its tag"),
        ({"image": f"{REGISTRY}/clerk@sha256:12"}, "is no image"),
        ({"image": f"{REGISTRY}/Clerk:1"}, "is no image"),
        ({"image": "public.ecr.aws/acme/clerk:1"}, "is no image in a private repository"),
        ({"entry_points": ["main.py"]}, "entry_points: are of code"),
    ],
)
def test_what_is_refused_before_anything_is_made(run: Any, more: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        made(run, **more)


def test_neither_is_refused(run: Any) -> None:
    args: Any = {"model_id": MODEL}
    with pytest.raises(UsageError, match="has neither code nor image"):
        run(lambda: AgentRuntime("clerk", args))


def test_a_stack_s_agent_is_an_image(run: Any, program: Any) -> None:
    recorded = run(program, {**SOURCES, "agents": {"clerk": {"image": IMAGE}}})
    inputs = recorded.one("AgentcoreAgentRuntime", "clerk-runtime").inputs
    assert inputs["agentRuntimeArtifact"] == {"containerConfiguration": {"containerUri": IMAGE}}
    # Whatever its image starts: what keeps prompts out of what libraries send is there.
    assert inputs["environmentVariables"]["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] == "false"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"image": "clerk:1"}, r"toolgate:agents\.a\.image: 'clerk:1' is no image"),
        ({"image": IMAGE, "code": "agent"}, r"toolgate:agents\.a: has both code and image"),
    ],
)
def test_a_stack_s_mistake_is_named_by_its_key(run: Any, program: Any, entry: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(program, {**SOURCES, "agents": {"a": entry}})

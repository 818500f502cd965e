"""The rule agent-image-by-digest."""

from typing import Any

import pytest

from tests.policy.driver import UNKNOWN, Pack, Registration, rules

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/agents/clerk"
DIGEST = f"sha256:{'0a' * 32}"


def runtime(**artifact: Any) -> Registration:
    inputs = {"agentRuntimeArtifact": artifact}
    return Registration("aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "clerk", inputs)


@pytest.mark.parametrize("uri", [f"{IMAGE}:1.2", f"{IMAGE}:latest", IMAGE, "public.ecr.aws/acme/clerk:1"])
def test_a_tag_that_may_be_moved_is_told(pack: Pack, uri: str) -> None:
    [found] = pack.analyze(runtime(containerConfiguration={"containerUri": uri}))
    assert (found.rule, found.level) == ("agent-image-by-digest", "advisory")
    assert "agentRuntimeArtifact.containerConfiguration.containerUri" in found.message


@pytest.mark.parametrize(
    "artifact",
    [
        {"containerConfiguration": {"containerUri": f"{IMAGE}@{DIGEST}"}},
        {"containerConfiguration": {"containerUri": f"{IMAGE}:1.2@{DIGEST}"}},
        {"containerConfiguration": {"containerUri": UNKNOWN}},
        {"containerConfiguration": UNKNOWN},
        {"codeConfiguration": {"runtime": "PYTHON_3_13"}},
    ],
)
def test_a_digest_code_and_what_is_not_known_are_not(pack: Pack, artifact: Any) -> None:
    assert "agent-image-by-digest" not in rules(pack.analyze(runtime(**artifact)))

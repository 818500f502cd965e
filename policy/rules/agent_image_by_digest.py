"""agent-image-by-digest: the image that an agent runs is the one that was judged.

When AgentCore looks again at what a tag leads to is documented nowhere; an update of anything else of the runtime may.
"""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks
from toolgate.policy.language import agentcore_facts
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

_PLACE = ("agentRuntimeArtifact", "containerConfiguration", "containerUri")


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """A URI that a preview does not know is not judged in it, but when it is known."""
    uri = at(resource.props, *_PLACE)
    # Without a registry it is no URI that AgentCore takes.
    if isinstance(uri, str) and "/" in uri and "@sha256:" not in uri:
        yield Finding(resource, "runs an image by a tag, which somebody may put on another image", ".".join(_PLACE))


RULE = Rule(
    name="agent-image-by-digest",
    description="The container image of an agent is named by its digest.",
    why="Whoever may push to the repository decides what the agent's role does, without a change of the stack.",
    fix="Write the image's URI with its digest, @sha256:..., as `docker push` and docker_build.Image.ref have it.",
    severity=Severity.MEDIUM,
    framework=frameworks.UNPINNED,
    level=EnforcementLevel.ADVISORY,
    types=frozenset({agentcore_facts.RUNTIME}),
    check=check,
)

"""model-access-named: an agent uses the models that were chosen for it."""

from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, properties
from toolgate.policy.agentcore import roles
from toolgate.policy.agentcore.families import MODELS, PROJECTS
from toolgate.policy.agentcore.wide_grants import wide_grants
from toolgate.policy.language import agentcore_facts, conditions, iam, patterns
from toolgate.policy.language.agentcore_facts import CREATE_INFERENCE, INVOKE_MODEL, MANTLE_MODEL
from toolgate.policy.messages import quote
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

# A project is no model, so here a condition is what names one.
_MODEL_NAMED = (MANTLE_MODEL, conditions.TEXT_OPERATORS | conditions.SET_OPERATORS, conditions.is_literal)


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """In a first preview the models handed to our own component."""
    if resource.type != agentcore_facts.AGENT_RUNTIME:
        return
    for place in ("model_id", "fallback_model_ids"):
        for model in properties.each(resource.props, place):
            if isinstance(model, str) and patterns.read(iam.in_one_region(model)).wild:
                yield Finding(resource, f"its model is {quote(model)}", place)


def check_role_documents(documents: Iterable[SourcedDocument]) -> Iterator[Finding]:
    """Which models they allow, by either of Bedrock's endpoints."""
    given = list(documents)
    # A profile sends requests to several Regions, so the Region may be open where the model is named.
    wide = list(wide_grants(given, INVOKE_MODEL, MODELS, iam.in_one_region))
    yield from wide
    said = {(finding.resource.urn, finding.place) for finding in wide}
    for finding in (it for sourced in given for it in _by_mantle(sourced)):
        if (finding.resource.urn, finding.place) not in said:
            yield finding


def _by_mantle(sourced: SourcedDocument) -> Iterator[Finding]:
    for statement in iam.statements(sourced.document):
        allowed = iam.allows(statement, CREATE_INFERENCE) and iam.may_reach(statement.resources, PROJECTS)
        if allowed and conditions.pinned(statement, [_MODEL_NAMED]) is False:
            what = f"allows {CREATE_INFERENCE} with any model to a role that AgentCore may take"
            yield Finding(sourced.resource, what, f"{sourced.location}, {statement.label}")


RULE = Rule(
    name="model-access-named",
    description="A role that AgentCore may assume invokes named models or inference profiles only.",
    why="With a wildcard the agent, or whoever talks it into it, can use any model, at any price.",
    fix=(
        "Name the model or inference profile (a Region wildcard beside a named model is fine); with bedrock-mantle, by"
        " StringEquals bedrock-mantle:Model."
    ),
    severity=Severity.MEDIUM,
    framework=frameworks.LEAST_PRIVILEGE,
    types=roles.TYPES | {agentcore_facts.AGENT_RUNTIME},
    check=check,
    check_role_documents=check_role_documents,
    remembers=roles.TYPES,
)

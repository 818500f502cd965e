"""A rule as a policy of pulumi_policy: the one place that meets the SDK's callbacks."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from pulumi_policy import (
    Policy,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from toolgate.policy import properties, stack
from toolgate.policy.agentcore import roles
from toolgate.policy.language.unknown import NOTHING_KNOWN
from toolgate.policy.messages import clean
from toolgate.policy.registrations import Registrations
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import EXCEPTIONS_SCHEMA, RuleSettings
from toolgate.policy.stack import Stack

# A reader mends the first few and runs again; ten thousand lines help nobody.
MOST_PER_RESOURCE = 10

DEFECT = "the rule itself failed here, so nobody knows whether it holds"
WHOLE_STACK = Resource("pulumi:pulumi:Stack", "stack", "", {})


class _Judge:
    """A rule at work: what the SDK's callbacks do."""

    def __init__(self, rule: Rule, run: Registrations) -> None:
        self.rule = rule
        self.run = run
        self.ended: int | None = None
        """The run that this rule has judged as a whole."""
        # So the engine starts a pack for an update; a preview, or who analyzes an export, creates nothing.
        self.creates = os.environ.get("PULUMI_DRY_RUN") == "false"
        self._begin()

    def _begin(self) -> None:
        """Begins a run: what was seen of the one before says nothing about it."""
        self.said: set[tuple[str, str]] = set()
        self.completed: set[tuple[str, str]] = set()

    def resource(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        """Judges one resource before it is created."""
        kind = stack.type_of(args.resource_type, args.props)
        if kind not in self.rule.types and not self.run.wants(kind):
            return
        self.run.see(args)
        told = self.run.told
        judged = [it for it in told.values() if self._judges(it)]
        if not judged:
            return
        settings = RuleSettings(properties.plain(args.get_config()))
        # The rule runs on an excepted resource too: the next one may be judged by what is seen here.
        findings = _findings((found for it in judged for found in self._of_resource(it, settings)), told[args.urn])
        reason = settings.exception(args.name, args.urn)
        if reason is not None:
            args.not_applicable(clean(f"excepted: {reason}"))
        for finding in findings:
            about, text = finding.resource, _message(self.rule, finding)
            if about.urn in told:
                self.said.add((about.urn, text))
            elif self._is_too_late_at_the_end(about, text, settings):
                self.completed.add((about.urn, text))
            else:
                continue
            report(text, None)

    def _is_too_late_at_the_end(self, about: Resource, text: str, settings: RuleSettings) -> bool:
        """Whether to say here what is wrong with a resource before this one, which was in order without this one.

        The stack check says it where it belongs. In an update it has happened by then, so what completes it is told.
        """
        if not self.creates or settings.exception(about.name, about.urn) is not None:
            return False
        return (about.urn, text) not in self.said and (about.urn, text) not in self.completed

    def stack(self, args: StackValidationArgs, report: ReportViolation) -> None:
        """Judges the whole stack at the end; what the resource check has said of it need not be said again."""
        if not self.rule.judges_stack:
            return
        settings = RuleSettings(properties.plain(args.get_config()))
        # A second look at the whole stack is one at another stack, of which nothing was registered.
        said, graph = self.said, self.run.whole(args.resources, registered=self.ended != self.run.number)
        self.ended = self.run.number
        self.run.end()
        self._begin()
        for finding in _findings(self._of_stack(graph, settings), WHOLE_STACK):
            text = _message(self.rule, finding)
            resource = finding.resource
            if settings.exception(resource.name, resource.urn) is None and (resource.urn, text) not in said:
                report(text, clean(resource.urn))

    def _judges(self, resource: Resource) -> bool:
        # Of NOTHING_KNOWN a rule could only say that it is not known, which undecided-in-preview does.
        return self.rule.judges_resources and resource.type in self.rule.types and resource.props is not NOTHING_KNOWN

    def _of_resource(self, resource: Resource, settings: RuleSettings) -> Iterator[Finding]:
        if self.rule.check_role_documents:
            yield from self.rule.check_role_documents(roles.registered_documents(self.run.so_far, resource))
        if self.rule.check:
            yield from self.rule.check(resource, settings)
        if self.rule.check_so_far:
            yield from self.rule.check_so_far(resource, self.run.so_far, settings)

    def _of_stack(self, graph: Stack, settings: RuleSettings) -> Iterator[Finding]:
        if self.rule.check_role_documents:
            for role in roles.agentcore_roles(graph):
                yield from self.rule.check_role_documents(roles.documents_of(graph, role))
        if self.rule.check_stack:
            yield from self.rule.check_stack(graph, settings)


@StackValidationPolicy.register
class _AtBothMoments(ResourceValidationPolicy):
    """One rule under one name and one configuration that the SDK asks about each resource and about the stack."""

    def __init__(self, judge: _Judge, **metadata: Any) -> None:
        super().__init__(**metadata)
        self.judge = judge

    def validate(self, args: Any, report_violation: ReportViolation) -> None:
        """Answers whichever the SDK asks."""
        judge = self.judge.resource if isinstance(args, ResourceValidationArgs) else self.judge.stack
        judge(args, report_violation)


def policy(rule: Rule, run: Registrations) -> Policy:
    """The policy that pulumi_policy serves for a rule, which shares what is registered with the others of its pack."""
    judge = _Judge(rule, run)
    metadata: dict[str, Any] = {
        "name": rule.name,
        "description": rule.description,
        "enforcement_level": rule.level,
        "config_schema": PolicyConfigSchema(properties={**rule.settings, "exceptions": EXCEPTIONS_SCHEMA}),
        "display_name": rule.name.replace("-", " ").capitalize(),
        "severity": rule.severity,
        "framework": rule.framework,
        "remediation_steps": rule.fix,
    }
    if not rule.judges_stack:
        return ResourceValidationPolicy(validate=judge.resource, **metadata)
    if not rule.judges_resources and not rule.remembers:
        return StackValidationPolicy(validate=judge.stack, **metadata)
    return _AtBothMoments(judge, **metadata)


def _findings(checked: Iterable[Finding], about: Resource) -> list[Finding]:
    """What a check finds, at most so many per resource.

    An exception would end the whole preview with a text that names neither rule nor resource. As a violation it does,
    and whoever is held up by our defect can except the resource.
    """
    try:
        found = list(checked)
    except Exception as error:
        return [Finding(about, f"{DEFECT} ({type(error).__name__})")]
    kept: dict[str, list[Finding]] = {}
    for finding in found:
        kept.setdefault(finding.resource.urn, []).append(finding)
    return [finding for several in kept.values() for finding in _shortened(several)]


def _shortened(found: list[Finding]) -> Iterable[Finding]:
    yield from islice(found, MOST_PER_RESOURCE)
    if len(found) > MOST_PER_RESOURCE:
        yield Finding(found[0].resource, f"{len(found) - MOST_PER_RESOURCE} more violations of this rule")


def _message(rule: Rule, finding: Finding) -> str:
    where = ", ".join(filter(None, (finding.resource.label, finding.place)))
    return clean(f"{where}: {finding.what}. {rule.why} {rule.fix}")

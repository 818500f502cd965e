"""REST APIs of API Gateway that a deployment makes of a document: methods, stages, and the resource policy on each.

An API has one resource policy. It can be written beside it, in it, or in its document; where several are, the first of
these is taken. Unproved: which of them AWS keeps.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolgate.access.deployment.stack_export import Resource
from toolgate.access.deployment.text_file import TextFileError, json_of
from toolgate.access.iam.policies import Policy
from toolgate.policy.language import open_api, rest_api
from toolgate.policy.language.agentcore_facts import REST_API, REST_API_POLICY, REST_API_STAGE
from toolgate.policy.language.rest_api import Method


@dataclass(frozen=True)
class Stage:
    """A stage of a REST API: its name, and the variables that its methods see."""

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RestApi:
    """A REST API.

    Attributes:
        label: The resource's type and name, for messages.
        id: Its id.
        execution_arn: The ARN that its methods' ARNs begin with: `<this>/<stage>/<method><path>`.
        methods: The methods of its document; none where the deployment does not say.
        stages: Its stages.
        policy: The resource policy on it, if there is one.
    """

    label: str
    id: str
    execution_arn: str
    methods: tuple[Method, ...]
    stages: tuple[Stage, ...]
    policy: Policy | None = None

    def method(self, name: str, path: str) -> Method | None:
        """The method of this name (in upper case) that serves a path's template."""
        fitting = [it for it in self.methods if it.path == path and it.method in {name, "ANY"}]
        return next((it for it in fitting if it.method == name), fitting[0] if fitting else None)

    def stage(self, name: str | None) -> Stage | None:
        """The stage of this name."""
        return next((it for it in self.stages if it.name == name), None)


def read_rest_apis(found: Sequence[Resource]) -> tuple[RestApi, ...]:
    """Read them from all resources.

    Raises:
        DeploymentError: One, or a stage of one, cannot be read.
    """
    beside = {it.text("restApiId"): it for it in found if it.type == REST_API_POLICY}
    stages = [it for it in found if it.type == REST_API_STAGE]
    # Of one without ARN, which nobody made yet, no stage can be called either.
    return tuple(_rest_api(it, beside, stages) for it in found if it.type == REST_API and it.get("executionArn"))


def id_of(resource: Resource) -> str | None:
    """The id of a REST API, with which its ARN ends; an export may not have it among the properties."""
    return (resource.optional_text("executionArn") or "").rpartition(":")[2] or resource.optional_text("id")


def _rest_api(resource: Resource, beside: Mapping[str, Resource], stages: Iterable[Resource]) -> RestApi:
    api_id, execution_arn = id_of(resource), resource.text("executionArn")
    document = open_api.document(resource.optional_text("body") or "") or {}
    return RestApi(
        label=resource.label,
        id=api_id or "",
        execution_arn=execution_arn,
        methods=rest_api.methods(document),
        stages=tuple(
            Stage(it.text("stageName"), it.mapping("variables")) for it in stages if it.get("restApi") == api_id
        ),
        policy=_policy(resource, execution_arn, [*_written(beside.get(api_id or "")), *_written(resource)], document),
    )


def _written(resource: Resource | None) -> list[tuple[str, Any]]:
    text = resource.get("policy") if resource else None
    return [(resource.name, text)] if resource and text else []


def _policy(
    resource: Resource, execution_arn: str, written: Sequence[tuple[str, Any]], document: Mapping[str, Any]
) -> Policy | None:
    for name, text in written:
        try:
            value = json_of(text) if isinstance(text, str) else text
        except TextFileError as error:
            raise resource.wrong("policy", text, "a policy document") from error
        if not isinstance(value, Mapping):
            raise resource.wrong("policy", text, "a policy document")
        return Policy(name, rest_api.expanded(value, execution_arn))
    own = rest_api.policy(document)
    return Policy(resource.name, rest_api.expanded(own, execution_arn)) if own else None

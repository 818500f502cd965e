"""Which methods of the deployment's REST APIs are served here, and why the others are not."""

from dataclasses import dataclass

from toolgate.access.deployment.agentcore_resources import Function, Target
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.rest_apis import RestApi, Stage
from toolgate.access.deployment.stages import KIND, stage_operations
from toolgate.local.serve.unsupported import function_faults
from toolgate.policy.language.rest_api import OTHER, Method

PREFIX = "/execute-api"
"""Below it the stages are; on AWS each API has a host of its own."""


@dataclass(frozen=True)
class ServedStage:
    """A stage behind a target, and those of its methods that can be served here, each with its function."""

    api: RestApi
    stage: Stage
    methods: tuple[tuple[Method, Function], ...]

    @property
    def path(self) -> str:
        """Where it is here."""
        return path_of(self.api.id, self.stage.name)


def path_of(api_id: str, stage: str) -> str:
    """Where a stage is here."""
    return f"{PREFIX}/{api_id}/{stage}"


def served_stages(deployment: Deployment) -> tuple[ServedStage, ...]:
    """The stages that are behind targets and that the deployment makes; others nobody asks."""
    places = dict.fromkeys((it.place.rest_api_id, it.place.stage) for it in deployment.targets if it.kind == KIND)
    found = []
    for api_id, name in places:
        api = deployment.rest_api(api_id)
        stage = api.stage(name) if api else None
        if api and stage:
            able = ((it, _function(it, deployment)) for it in api.methods if not why_not(it, deployment))
            found.append(ServedStage(api, stage, tuple((it, function) for it, function in able if function)))
    return tuple(found)


def hindrance(target: Target, deployment: Deployment) -> str | None:
    """Why the tools of a stage's target are not served here; None where each is, "" where the API is another's.

    Args:
        target: The target.
        deployment: What is served.
    """
    api = deployment.rest_api(target.place.rest_api_id)
    if api is None or not api.methods:
        return ""
    if api.stage(target.place.stage) is None:
        return f"{api.label} has no stage {target.place.stage}"
    for operation in stage_operations(target).values():
        method = api.method(operation.method, operation.path)
        if method is None:
            return f"{api.label} has no method {operation.method} {operation.path}"
        if reason := why_not(method, deployment):
            return f"{api.label}: {method.label}: {reason}"
    return None


def why_not(method: Method, deployment: Deployment) -> str | None:
    """Why a method is not served here; None where it is."""
    function = _function(method, deployment)
    if method.kind != "aws_proxy" or method.function_arn is None:
        return f"an integration of type {method.kind or 'none'} is not reproduced, only aws_proxy to a function is"
    if method.authorization == OTHER:
        return "an authorizer of its own is not reproduced, only AWS_IAM and none are"
    if method.wants_key:
        return "an API key is not reproduced"
    if function is None:
        return f"its function {method.function_arn} is not in the deployment"
    credentials = method.integration.get("credentials")
    if credentials and deployment.role(str(credentials)) is None:
        return f"its role {credentials} is not in the deployment"
    return next(function_faults(deployment, function), None)


def _function(method: Method, deployment: Deployment) -> Function | None:
    return deployment.function(method.function_arn or "")

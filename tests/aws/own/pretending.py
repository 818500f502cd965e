"""AWS, pretended: the local deployment with what it lacks, to run what is written for an account without one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from tests.aws.world import Making, World
from toolgate.access.deployment.agentcore_resources import Runtime
from toolgate.components.observability import metrics


def error(code: str, message: str = "no") -> ClientError:
    """AWS's refusal."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class Control:
    """AgentCore's control plane, and CloudWatch, as far as the suite asks them.

    `statuses` is what comes next, the last one for good.
    """

    def __init__(self, *statuses: str, runtimes: Sequence[Runtime] = ()) -> None:
        self.statuses = list(statuses)
        self.runtimes = {runtime.id: runtime for runtime in runtimes}
        self.made: list[str] = []
        self.deleted: list[str] = []

    def get_agent_runtime(self, *, agentRuntimeId: str) -> dict[str, Any]:  # noqa: N803  # the API's name
        return {
            "platformVersion": "V2",
            "status": "READY",
            "metadataConfiguration": {"requireMMDSV2": True},
            "environmentVariables": self.runtimes[agentRuntimeId].environment,
        }

    def list_metrics(self, *, Dimensions: Sequence[dict[str, str]], **_its: Any) -> dict[str, Any]:  # noqa: N803
        arn = Dimensions[0]["Value"]
        dimensions = metrics.DIMENSIONS["gateway" if ":gateway/" in arn else "runtime"](arn)
        return {"Metrics": [{"Dimensions": [{"Name": name, "Value": it} for name, it in dimensions.items()]}]}

    def list_policy_engines(self, **_its: Any) -> dict[str, Any]:
        return {"policyEngines": []}

    def create_policy(self, *, name: str, **_its: Any) -> dict[str, Any]:
        return {"policyId": self._create(name)}

    def get_policy(self, *, policyId: str, **_its: Any) -> dict[str, Any]:  # noqa: N803  # the API's name
        return self._get(policyId)

    def delete_policy(self, *, policyId: str, **_its: Any) -> None:  # noqa: N803  # the API's name
        self._delete(policyId)

    def create_gateway(self, *, name: str, **_its: Any) -> dict[str, Any]:
        return {"gatewayId": self._create(name)}

    def get_gateway(self, *, gatewayIdentifier: str) -> dict[str, Any]:  # noqa: N803  # the API's name
        return self._get(gatewayIdentifier)

    def delete_gateway(self, *, gatewayIdentifier: str) -> None:  # noqa: N803  # the API's name
        self._delete(gatewayIdentifier)

    def _create(self, name: str) -> str:
        self.made.append(name)
        return name

    def _get(self, name: str) -> dict[str, Any]:
        if name in self.deleted:
            raise error("ResourceNotFoundException")
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"status": status, "statusReasons": ["a reason"] if "FAILED" in status else []}

    def _delete(self, name: str) -> None:
        self.deleted.append(name)


def elsewhere(runtimes: Sequence[Runtime], _service: str, region: str | None = None) -> Control:
    """The control plane of a Region; Policy is in two of them."""
    control = Control("ACTIVE", runtimes=runtimes)
    if region not in {None, "us-east-1", "eu-west-1"}:
        control.list_policy_engines = _not_there  # type: ignore[method-assign]
    return control


def _not_there(**_its: Any) -> dict[str, Any]:
    raise error("UnknownOperationException")


MAKING = Making(
    seconds={"racing-gateway": 4.0, "ruled-gateway": 61.0},
    repeated={"ruled-gateway": 3},
    refused={"overheard-gateway": "AccessDeniedException for arn:aws:iam::123456789012:user/alice"},
    settled={"knocker at plain": 1.0, "adder at ruled": 42.4},
)


def pretended(local: World) -> World:
    """AWS, answering like the local deployment wherever that can answer."""
    runtimes = (*local.stack.runtimes, *local.scratch.runtimes)

    def service(name: str, region: str | None = None) -> Any:
        return local.service(name) if name == "cognito-idp" else elsewhere(runtimes, name, region)

    return replace(local, title="AWS", making=MAKING, service=service)

"""Metrics in CloudWatch, which the local deployment does not keep."""

import pytest

from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.world import MissingError, World
from toolgate.components.observability import metrics


@pytest.mark.parametrize("kind", ["gateway", "runtime"])
def test_dimensions_of_metrics(probe: Probe, kind: str) -> None:
    """Are invocations counted under the dimensions that our alarms and charts look at?

    components/observability/metrics.py has them: CloudWatch finds a metric only by its exact set, and under another one
    an alarm stays silent and a chart empty.
    """

    def observe(world: World) -> Observed:
        arn = world.front.arn if kind == "gateway" else world.stack.runtimes[0].arn
        listed = world.service("cloudwatch").list_metrics(
            Namespace=metrics.AGENTCORE, MetricName="Invocations", Dimensions=[{"Name": "Resource", "Value": arn}]
        )
        sets = [{it["Name"]: it["Value"] for it in metric["Dimensions"]} for metric in listed["Metrics"]]
        if not sets:
            raise MissingError(f"CloudWatch lists no invocation of the {kind} yet; ask again some minutes after a call")
        evidence = "; ".join(sorted(masked(str(dict(sorted(it.items()))), world) for it in sets))
        return Observed("they are" if metrics.DIMENSIONS[kind](arn) in sets else "they are not", evidence)

    probe(observe, documented="they are")

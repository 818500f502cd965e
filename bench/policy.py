"""Figures of the policy pack, each against an empty pack in the same run: `python -m bench.policy`.

Prints a table and ends with 1 if a figure does not hold. Takes about half a minute on two cores.
"""

import functools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.policy import driver, making
from tests.policy.driver import Pack, Registration

STARTS, ROUNDS = 7, 200
EMPTY = """
from pulumi_policy import PolicyPack, ResourceValidationPolicy
PolicyPack("empty", [ResourceValidationPolicy("nothing", "Nothing.", lambda args, report: None)])
"""
ROWS = "| {:<58} | {:>9} | {:>9} | {:>8} | {:<4} |"


def ordinary() -> list[Registration]:
    """Resources as programs have them, of the types that rules read and of others."""
    grants = [
        making.statement("bedrock-agentcore:InvokeGateway", making.GATEWAY),
        making.statement(
            ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"], [making.MODEL, making.PROFILE]
        ),
        making.statement(
            ["logs:CreateLogStream", "logs:PutLogEvents"], "arn:aws:logs:us-east-1:123456789012:log-group:*"
        ),
    ]
    function = {
        "name": "shop-math",
        "role": "arn:aws:iam::123456789012:role/math",
        "runtime": "python3.13",
        "handler": "dispatch.handler",
        "architectures": ["arm64"],
        "environment": {"variables": {f"KEY_{n}": "value" * 5 for n in range(8)}},
        "tags": {f"tag-{n}": "value" for n in range(5)},
    }
    return [
        making.role(),
        making.role_policy(making.document(*grants)),
        making.gateway(protocolConfiguration={"mcp": {"searchType": "SEMANTIC", "supportedVersions": ["2025-06-18"]}}),
        Registration("aws:lambda/function:Function", "math", function),
        Registration("aws:s3/bucket:Bucket", "code", {"bucket": "shop-code", "forceDestroy": True, "tags": {"a": "b"}}),
        Registration("aws:cloudwatch/logGroup:LogGroup", "logs", {"name": "/aws/lambda/x", "retentionInDays": 30}),
    ]


def stack(size: int) -> list[Registration]:
    """A stack of this many roles with a policy each."""
    document = making.document(making.statement("s3:GetObject", "arn:aws:s3:::shop/*"))
    return [
        resource
        for n in range(size)
        for resource in (making.role(f"role-{n}"), making.role_policy(document, of=f"role-{n}", name=f"policy-{n}"))
    ]


def milliseconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def start(folder: Path) -> float:
    """Milliseconds until a pack has answered what the engine asks first."""

    def action() -> None:
        with driver.running(folder):
            pass

    return milliseconds(action)


def p95(pack: Pack) -> float:
    """Of one Analyze call, over ordinary resources in turn."""
    resources = ordinary()
    for resource in resources:
        pack.analyze(resource)
    calls = [functools.partial(pack.analyze, resource) for _ in range(ROUNDS) for resource in resources]
    times = [milliseconds(call) for call in calls]
    return statistics.quantiles(times, n=20)[-1]


def figures(empty: Path) -> Iterator[tuple[str, float, float, float | None]]:
    """What is measured, ours, the empty pack's, and the most it may be."""
    times = [(start(driver.POLICY), start(empty)) for _ in range(STARTS)]
    yield (
        "start to first answer, median",
        statistics.median(a for a, _ in times),
        statistics.median(b for _, b in times),
        700,
    )
    with driver.running() as ours, driver.running(empty) as nothing:
        ours.configure({})
        nothing.configure({})
        yield "one Analyze call, ordinary resource, p95", p95(ours), p95(nothing), 2
        entries = [
            making.statement(["s3:Get*", "bedrock-agentcore:*"], making.GATEWAY, Sid=f"S{n}") for n in range(10_000)
        ]
        large = making.role_policy(making.document(*entries))
        ours.analyze(making.role())
        yield (
            "one Analyze call, document of 10,000 statements",
            *both(lambda pack: pack.analyze(large), ours, nothing),
            1000,
        )
        resources = stack(1000)
        stack_check = "AnalyzeStack, 2,000 resources, 1,000 of them AgentCore roles"
        yield stack_check, *both(lambda pack: pack.analyze_stack(resources), ours, nothing), None


def both(action: Callable[[Pack], object], ours: Pack, nothing: Pack) -> tuple[float, float]:
    """The median of three for either pack."""
    runs = [(milliseconds(lambda: action(ours)), milliseconds(lambda: action(nothing))) for _ in range(3)]
    return statistics.median(a for a, _ in runs), statistics.median(b for _, b in runs)


def main() -> int:
    """Measure everything and print it."""
    print(ROWS.format("what (milliseconds)", "pack", "empty", "at most", ""), ROWS.format(*["---"] * 5), sep="\n")
    holds = True
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "__main__.py").write_text(EMPTY)
        for what, ours, reference, most in figures(Path(folder)):
            good = most is None or ours <= most
            holds &= good
            limit = "" if most is None else f"{most:.0f}"
            print(ROWS.format(what, f"{ours:.2f}", f"{reference:.2f}", limit, "ok" if good else "FAIL"), flush=True)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())

"""What the suite says before it touches anything."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.aws.local_world import PROJECT
from tests.aws.stack_under_test import UnderTest
from toolgate.local.plan import short_type

NAMED = ("AgentcoreGateway", "AgentcoreAgentRuntime", "AgentcorePolicyEngine", "UserPool", "Function", "Role")
COST = "USD 0.20"
"""What a run costs at most at the prices of docs/deploy.md: some 650 gateway calls, the search index of four gateways
for half an hour, ten runtime sessions, thirty tokens and one question per agent."""
BY_THE_MONTH = "USD 12"
"""The month's price of the two clients that get tokens, by docs/deploy.md: the throw-away stack's, and one more."""


def announcement(under_test: UnderTest, run: str, scratch: Mapping[str, Any]) -> Iterator[str]:
    """Whom it will ask, what it makes beside it, and how that ends.

    Args:
        under_test: The stack under test.
        run: The throw-away stack's name.
        scratch: The plan of the throw-away stack.
    """
    where = f"account {under_test.account}, {under_test.region}"
    yield f"stack {under_test.name} ({where}) is asked and not changed; you are {under_test.caller}"
    yield f"made beside it: {_counted(scratch)}, each named {PROJECT}-{run}-... and tagged {PROJECT}={run}"
    yield f"costs less than {COST} and takes about half an hour; {BY_THE_MONTH} more if Cognito bills whole months"
    yield "taken down at the end, also after a failure or Ctrl-C; what is left then, the next run takes down first"


def _counted(scratch: Mapping[str, Any]) -> str:
    made = [it for it in scratch["deployment"]["resources"] if it["custom"] and it["type"].startswith("aws:")]
    kinds = Counter(short_type(it["type"]).rpartition(":")[2] for it in made)
    named = ", ".join(f"{kinds[kind]} {kind}" for kind in NAMED)
    return f"some {len(made)} resources ({named})"

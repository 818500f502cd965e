"""The stacks whose gateways the clients meet: `dev`, with a search, and `agents`, with a policy engine."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.signing_proxy import REGION, Signer
from tests.planning import SAMPLE, planned
from toolgate.access.deployment.deployment import parse
from toolgate.local.serve.environment import client_variables
from toolgate.local.serve.server import serve

NOBODY = "nobody"
"""The role that nothing is granted to."""


@contextmanager
def served(stack: str, logs: Path) -> Iterator[dict[str, Signer]]:
    """Serve a stack's gateway, without its agents: who may sign for it, by the agents' names."""
    deployment = copy.deepcopy(planned(stack).deployment)
    parsed = parse(deployment)
    [gateway] = parsed.gateways
    roles = {runtime.agent: runtime.role_arn for runtime in parsed.runtimes}
    roles[NOBODY] = f"{gateway.arn.split(':')[0]}:aws:iam::{gateway.arn.split(':')[4]}:role/{NOBODY}"
    resources = deployment["deployment"]["resources"]
    # No client here speaks to an agent, and each costs a process.
    deployment["deployment"]["resources"] = [it for it in resources if "AgentcoreAgentRuntime" not in it["type"]]
    with serve(deployment, root=SAMPLE, logs=logs) as serving:
        url = serving.gateway_url(gateway.id)
        led = client_variables(serving.url, REGION)
        yield {name: Signer(url, {**led, **serving.session(arn).environment()}) for name, arn in roles.items()}

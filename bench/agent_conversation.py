"""What the agent's process holds on to of a conversation: its bound, however long it lasts."""

from collections.abc import Iterator

import httpx

from bench.agent_figures import Figure
from bench.agent_processes import resident, serving, shipped_agent

TURNS = 100
# Together 15 times what a conversation may take (AGENT_CONVERSATION_BYTES, 200,000).
LONG = "x" * 30_000
SESSION = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": "s" * 40}


def figures() -> Iterator[Figure]:
    """Measure memory after 100 long turns of one conversation, against as many requests that stand alone."""
    with (
        shipped_agent() as command,
        serving(command) as (url, process),
        httpx.Client(timeout=60, trust_env=False) as client,
    ):
        alone = _after(client, url, process, {})
        kept = _after(client, url, process, SESSION)
        yield Figure("memory after 100 turns of 30 KB / of requests alone", kept, alone, "MB", 2, difference=True)


def _after(client: httpx.Client, url: str, process: int, headers: dict[str, str]) -> float:
    """Megabytes after the turns; one that fails ends the bench."""
    for _ in range(TURNS):
        answer = client.post(f"{url}/invocations", json={"prompt": LONG}, headers=headers)
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code}: {answer.text}")
    return resident(process)

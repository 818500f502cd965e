"""Which agents this one may ask, as its environment says it: `ASKED_AGENTS`, a list as JSON."""

import re
from dataclasses import dataclass
from typing import Any

import strict_json

# `ask_<name>` is a tool's name, and Bedrock takes 64 characters of these (botocore's bedrock-runtime model, ToolName).
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,60}")
# botocore's bedrock-agentcore-control model, shape AgentRuntimeArn.
_ARN = re.compile(
    r"arn:aws[a-z-]*:bedrock-agentcore:[a-z0-9-]+:\d{12}:runtime/[a-zA-Z][a-zA-Z0-9_]{0,47}-[a-zA-Z0-9]{10}"
)
_FIELDS = frozenset({"name", "arn", "description"})
_EXAMPLE = 'Write [{"name": "orders", "arn": "arn:aws:bedrock-agentcore:...", "description": "Knows about orders."}]'


@dataclass(frozen=True)
class Asked:
    """An agent that may be asked.

    Attributes:
        name: What this agent calls it.
        arn: ARN of its runtime.
        description: What it is asked for.
    """

    name: str
    arn: str
    description: str


def read(text: str, faults: list[str]) -> tuple[Asked, ...]:
    """Read `ASKED_AGENTS`; what is wrong with it is added to `faults`."""
    if not text.strip():
        return ()
    try:
        entries = strict_json.loads(text)
    except ValueError as error:
        faults.append(f"ASKED_AGENTS {error}. {_EXAMPLE}")
        return ()
    if not isinstance(entries, list):
        faults.append(f"ASKED_AGENTS is not a list. {_EXAMPLE}")
        return ()
    found = [fault for number, entry in enumerate(entries) if (fault := _fault(number, entry))]
    names = [entry["name"] for entry in entries] if not found else []
    found += [
        f"ASKED_AGENTS names {name!r} twice. Name it once." for name in sorted(set(names)) if names.count(name) > 1
    ]
    faults += found
    return () if found else tuple(Asked(**entry) for entry in entries)


def _fault(number: int, entry: Any) -> str:
    if not isinstance(entry, dict) or entry.keys() != _FIELDS or not all(isinstance(it, str) for it in entry.values()):
        return f"ASKED_AGENTS[{number}] must have name, arn and description, each a text. {_EXAMPLE}"
    if not _NAME.fullmatch(entry["name"]):
        return f"ASKED_AGENTS[{number}].name is {entry['name']!r}. Write 1 to 60 letters, digits, `_` and `-`."
    if not _ARN.fullmatch(entry["arn"]):
        return f"ASKED_AGENTS[{number}].arn is {entry['arn']!r}, which is no runtime's ARN. {_EXAMPLE}"
    return "" if entry["description"].strip() else f"ASKED_AGENTS[{number}].description is empty. {_EXAMPLE}"

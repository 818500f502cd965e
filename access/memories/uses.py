"""What can be done with a memory: the actions by use, and which condition keys a request for each of them brings.

Sources: `policy.language.agentcore_memory`; Service Authorization Reference, "Amazon Bedrock AgentCore" (what
administers a memory, and jobs that extract records) and "Amazon S3".
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from toolgate.access.deployment.memories import AGENTCORE, S3
from toolgate.policy.language import agentcore_memory as actions
from toolgate.policy.language.agentcore_memory import (
    ACTOR,
    KEYS,
    NAMESPACE,
    NAMESPACE_PATH,
    PERHAPS,
    SCOPES,
    SESSION,
    STRATEGY,
)
from toolgate.policy.language.request_facts import Fact


class Use(StrEnum):
    """What somebody does; the value is how a reader is told."""

    WRITE = "write events"
    READ = "read events"
    LIST = "list actors and sessions"
    RECALL = "recall"
    RECORD = "write records"
    DELETE = "delete"
    ADMINISTER = "administer"


_CORE = "bedrock-agentcore:"
USES: Mapping[str, Mapping[Use, tuple[str, ...]]] = {
    AGENTCORE: {
        Use.WRITE: (actions.CREATE_EVENT,),
        Use.READ: (actions.GET_EVENT, actions.LIST_EVENTS),
        Use.LIST: (actions.LIST_SESSIONS, actions.LIST_ACTORS, f"{_CORE}ListMemoryExtractionJobs"),
        Use.RECALL: (actions.RETRIEVE_RECORDS, actions.LIST_RECORDS, actions.GET_RECORD),
        Use.RECORD: (actions.CREATE_RECORDS, actions.UPDATE_RECORDS, actions.START_EXTRACTION),
        Use.DELETE: (actions.DELETE_EVENT, actions.DELETE_RECORD, actions.DELETE_RECORDS),
        Use.ADMINISTER: tuple(
            f"{_CORE}{name}" for name in ("UpdateMemory", "DeleteMemory", "PutResourcePolicy", "DeleteResourcePolicy")
        ),
    },
    S3: {
        Use.WRITE: ("s3:PutObject",),
        Use.READ: ("s3:GetObject", "s3:GetObjectVersion"),
        Use.LIST: ("s3:ListBucket", "s3:ListBucketVersions"),
        Use.DELETE: ("s3:DeleteObject", "s3:DeleteObjectVersion"),
        # Each lets others at what is kept, copies it elsewhere, or ends it.
        Use.ADMINISTER: (
            *("s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutReplicationConfiguration"),
            *("s3:PutLifecycleConfiguration", "s3:DeleteBucket"),
        ),
    },
}
"""By kind of memory: each use and its actions."""

ON_OBJECTS = frozenset(it for use in (Use.WRITE, Use.READ, Use.DELETE) for it in USES[S3][use])
"""Actions of S3 on objects; the others are on the bucket."""
PREFIX = "s3:prefix"
OBJECTS = "objects"
"""Not a key of IAM's: the ARNs of the objects that a statement names within a memory."""

WORDS: Mapping[str, str] = {
    ACTOR: "actors",
    SESSION: "sessions",
    NAMESPACE: "namespaces",
    NAMESPACE_PATH: "below namespaces",
    STRATEGY: "strategies",
    PREFIX: "prefixes",
    OBJECTS: "objects",
}
"""The keys that say of what in a memory a request is, and how a reader is told of them."""
BY_LOWER: Mapping[str, str] = {key.lower(): key for key in WORDS}


def asked(action: str, arguments: Mapping[str, Any]) -> Mapping[str, Fact]:
    """The condition keys of a request whose members are known; what it does not have, it does not bring.

    Args:
        action: The action.
        arguments: The request's members, as the API has them.
    """
    if action.startswith("s3:"):
        return {PREFIX: _text(arguments.get("prefix", ""))} if action.startswith("s3:List") else {}
    brought = KEYS.get(action, {})
    unclear = PERHAPS.get(action, frozenset())
    return {key: _member(arguments, brought.get(key, "")) for key in SCOPES if key not in unclear}


def _member(arguments: Mapping[str, Any], path: str) -> Fact:
    found: Any = arguments
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return _text(found)


def _text(value: Any) -> Fact:
    return value if isinstance(value, str) else None


def told(action: str) -> tuple[Mapping[str, Fact], ...]:
    """The condition keys that a request for an action surely does not bring, once for each form of request.

    Records are asked for by `namespace` or by `namespacePath`, and a request brings the key of the one that it has. A
    key that it brings is left out: any value may be asked for.
    """
    if action.startswith("s3:"):
        return ({},)
    brought = KEYS.get(action, {}).keys() | PERHAPS.get(action, frozenset())
    forms = [brought - {it} for it in (NAMESPACE, NAMESPACE_PATH)] if {NAMESPACE, NAMESPACE_PATH} <= brought else []
    return tuple({key: None for key in SCOPES if key not in form} for form in forms or [brought])

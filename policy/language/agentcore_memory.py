"""AgentCore Memory as IAM sees it: its actions, and which condition key each of them brings with it.

Sources. AgentCore developer guide, "Memory organization in AgentCore Memory", "Restrict access with IAM" (`namespace`
for the exact namespace, `namespacePath` for what lies under it). Service Authorization Reference, "Amazon Bedrock
AgentCore" (`actorId`, `sessionId`, `namespace`, `strategyId`; not `namespacePath`, which policy linters therefore call
unknown). Which action brings which key was measured on AWS in ap-northeast-1 on 2 October 2026 (the public notes "WP5",
check 1): CreateEvent, GetEvent, ListEvents and ListSessions bring `actorId`; a request for records brings `namespace`
or `namespacePath`, whichever of the two parameters it has and never the other, so that a condition on the wrong one
denies (aws/agentcore-cli#1366); ListActors and what names a record by its id bring neither. [U]: that DeleteEvent
brings `actorId` (asked by tests/aws, test_deletion_of_events_by_actor), and that events bring `sessionId` and records
`strategyId`, is written and nobody has measured it.
"""

CREATE_EVENT = "bedrock-agentcore:CreateEvent"
GET_EVENT = "bedrock-agentcore:GetEvent"
LIST_EVENTS = "bedrock-agentcore:ListEvents"
DELETE_EVENT = "bedrock-agentcore:DeleteEvent"
LIST_SESSIONS = "bedrock-agentcore:ListSessions"
LIST_ACTORS = "bedrock-agentcore:ListActors"
RETRIEVE_RECORDS = "bedrock-agentcore:RetrieveMemoryRecords"
LIST_RECORDS = "bedrock-agentcore:ListMemoryRecords"
GET_RECORD = "bedrock-agentcore:GetMemoryRecord"
DELETE_RECORD = "bedrock-agentcore:DeleteMemoryRecord"
CREATE_RECORDS = "bedrock-agentcore:BatchCreateMemoryRecords"
UPDATE_RECORDS = "bedrock-agentcore:BatchUpdateMemoryRecords"
DELETE_RECORDS = "bedrock-agentcore:BatchDeleteMemoryRecords"

ACTOR = "bedrock-agentcore:actorId"
"""Whose events a request is for."""
SESSION = "bedrock-agentcore:sessionId"
"""Which session's."""
NAMESPACE = "bedrock-agentcore:namespace"
"""The namespace whose own records a request is for: nothing under it."""
NAMESPACE_PATH = "bedrock-agentcore:namespacePath"
"""The namespace under which a request is for everything."""
STRATEGY = "bedrock-agentcore:strategyId"
"""The strategy whose records a request is for."""

# The keys of each action and the member of the request that each is read from (botocore bedrock-agentcore), a member's
# member after a dot. A request without that member is a request without the key. Of what writes records in a batch the
# reference names `namespace`; from which of the batch's many namespaces it is read nobody has said, so none is given.
KEYS: dict[str, dict[str, str]] = {
    CREATE_EVENT: {ACTOR: "actorId", SESSION: "sessionId"},
    GET_EVENT: {ACTOR: "actorId", SESSION: "sessionId"},
    LIST_EVENTS: {ACTOR: "actorId", SESSION: "sessionId"},
    DELETE_EVENT: {ACTOR: "actorId", SESSION: "sessionId"},
    LIST_SESSIONS: {ACTOR: "actorId"},
    LIST_ACTORS: {},
    RETRIEVE_RECORDS: {
        NAMESPACE: "namespace",
        NAMESPACE_PATH: "namespacePath",
        STRATEGY: "searchCriteria.memoryStrategyId",
    },
    LIST_RECORDS: {NAMESPACE: "namespace", NAMESPACE_PATH: "namespacePath", STRATEGY: "memoryStrategyId"},
    GET_RECORD: {},
    DELETE_RECORD: {},
    CREATE_RECORDS: {},
    UPDATE_RECORDS: {},
    DELETE_RECORDS: {},
}

START_EXTRACTION = "bedrock-agentcore:StartMemoryExtractionJob"

# What the reference names besides for an action, and nobody has seen from where AWS reads it: a condition on one of
# these may hold or not.
PERHAPS: dict[str, frozenset[str]] = {
    CREATE_RECORDS: frozenset({NAMESPACE}),
    UPDATE_RECORDS: frozenset({NAMESPACE}),
    START_EXTRACTION: frozenset({ACTOR, SESSION, STRATEGY}),
}

SCOPES = (ACTOR, SESSION, NAMESPACE, NAMESPACE_PATH, STRATEGY)
"""All keys that say of what in a memory a request is."""

CONVERSE = (CREATE_EVENT, LIST_EVENTS)
"""What an agent needs that keeps its conversations in a memory."""
RECALL = (RETRIEVE_RECORDS,)
"""What it needs besides to ask for long-term records, by `namespacePath`."""

ACTOR_VARIABLE = "{actorId}"
"""What stands for the actor in a strategy's namespace."""


def actors(agent: str) -> list[str]:
    """The actors in whose name an agent keeps conversations, as patterns: its own, and one of each of its users.

    Args:
        agent: The agent's own actor, its runtime's name in AWS, which has neither a colon nor a wildcard.
    """
    return [agent, f"{agent}:*"]


def paths(namespace: str, agent: str) -> list[str]:
    """What an agent may ask for as `namespacePath`, as patterns: a strategy's records of its actors, and none other's.

    Args:
        namespace: The namespace up to which it asks, with `{actorId}` in it and a slash at its end.
        agent: The agent's own actor.
    """
    return [namespace.replace(ACTOR_VARIABLE, actor) + "*" for actor in actors(agent)]

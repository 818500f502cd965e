"""Where conversations are kept beyond the process, as the agent's environment says it: `MEMORY`, as JSON."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

import strict_json

_EXAMPLES = (
    'Write {"kind": "s3", "bucket": "<bucket>", "prefix": "<the agent\'s name>"} or '
    '{"kind": "agentcore", "memory_id": "<memory>", "actor": "<the agent\'s name>"}, or leave it out'
)
_CLOSED = ConfigDict(extra="forbid", frozen=True)
# Of bedrock-agentcore-control (botocore's model, AgentRuntimeName): it has no colon, which ends it in an actor's name.
_Name = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_]{0,47}$")]
# Whole folders only: the end of an actor's name is then the end of a folder, and no other actor's begins with it.
_Namespace = Annotated[str, Field(pattern=r"^(/[a-zA-Z0-9_-]+)*/\{actorId\}/([a-zA-Z0-9_-]+/)*$", max_length=512)]


class BucketMemory(BaseModel):
    """Conversations in a bucket.

    Attributes:
        bucket: Name of the bucket.
        prefix: The folder in it that is this agent's own: the runtime's AWS name.
    """

    model_config = _CLOSED
    kind: Literal["s3"]
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    prefix: _Name


class EventMemory(BaseModel):
    """Conversations as events of an AgentCore Memory.

    Attributes:
        memory_id: Id of the memory.
        actor: Whose events are this agent's own: the runtime's AWS name.
        recall: Namespaces of long-term records that are read for each prompt; `{actorId}` stands for the actor.
    """

    model_config = _CLOSED
    kind: Literal["agentcore"]
    # botocore's bedrock-agentcore model, shape MemoryIdOrArn, without the ARN.
    memory_id: Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_-]{0,99}-[a-zA-Z0-9]{10}$")]
    actor: _Name
    recall: tuple[_Namespace, ...] = ()


MemorySettings = BucketMemory | EventMemory
_READER: TypeAdapter[MemorySettings] = TypeAdapter(Annotated[MemorySettings, Field(discriminator="kind")])


def read(text: str, faults: list[str]) -> MemorySettings | None:
    """Read `MEMORY`; what is wrong with it is added to `faults`.

    Args:
        text: The variable; blank where conversations live in the process only.
        faults: Gets a sentence for each fault.
    """
    if not text.strip():
        return None
    try:
        strict_json.loads(text)  # pydantic takes a name twice
        return _READER.validate_json(text)
    except ValidationError as error:
        # Of a union pydantic's place begins with the kind.
        for one in error.errors():
            place = ".".join(map(str, one["loc"][1:]))
            faults.append(f"MEMORY: {place + ': ' if place else ''}{one['msg']}. {_EXAMPLES}.")
    except ValueError as error:
        faults.append(f"MEMORY {error}. {_EXAMPLES}.")
    return None

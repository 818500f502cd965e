"""Secret values of a tool: shipped beside its `tools.py`; in there: `from secret_values import secret`.

An environment variable holds a secret's ARN, never its value (`secrets` of LambdaTools writes both the variable and the
permission). The value is read when it is first asked for. boto3 is part of Lambda's Python (Lambda developer guide,
"Building Lambda functions with Python", runtime-included SDK versions).
"""

import logging
import os
import time
from typing import Any

SECONDS = 300.0
"""How long a value is kept: a rotated one is in use after that. AWS's own extension for secrets keeps it as long."""

# With DEBUG, which the function's log level may be, botocore logs each answer whole, and so the values. The dispatcher
# sees to that, too; other handlers have none.
logging.getLogger("botocore.parsers").setLevel(logging.INFO)

_kept: dict[str, tuple[float, str]] = {}
_clients: dict[tuple[str, str], Any] = {}


class SecretError(Exception):
    """There is no such secret for this function; the text names the variable, never a value."""


def secret(name: str) -> str:
    """The value of the secret that the environment variable `name` points to.

    Args:
        name: The variable, as in `secrets` of the target.

    Raises:
        SecretError: The variable is not there, or what it points to has no text.
        botocore.exceptions.ClientError: AWS refuses to give the value, or there is none.
    """
    arn = os.environ.get(name)
    if not arn or arn.count(":") < 5:
        raise SecretError(f"{name} points to no secret. Name it under `secrets` in the target's target.py.")
    until, value = _kept.get(arn, (0.0, ""))
    if time.monotonic() >= until:
        value = _read(name, arn)
        _kept[arn] = time.monotonic() + SECONDS, value
    return value


def _read(name: str, arn: str) -> str:
    service = arn.split(":")[2]
    client = _client(service, arn.split(":")[3])
    if service == "ssm":
        answer: Any = client.get_parameter(Name=arn, WithDecryption=True)["Parameter"]["Value"]
    else:
        answer = client.get_secret_value(SecretId=arn).get("SecretString")
    if not isinstance(answer, str):
        raise SecretError(f"{name} points to a secret that is no text.")
    return answer


def _client(service: str, region: str) -> Any:
    if (service, region) not in _clients:
        # Imported late: a tool that reads no secret starts without it.
        import boto3  # noqa: PLC0415

        _clients[service, region] = boto3.client(service, region_name=region)
    return _clients[service, region]

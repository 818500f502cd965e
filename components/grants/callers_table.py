"""Who a client of a gateway with tokens is and what it was handed, where the gateway's interceptors read it.

An interceptor sees a token, which names a client and no tools. So each grant leaves a parameter of Systems Manager by
the client's id; who has none is nobody that a tool was handed to (`interceptors/callers.py`).
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.cedar_permits import Handed
from toolgate.components.grants.cedar_text import Caller, OAuthClient
from toolgate.components.grants.tool_grants import GatewayTools

LARGEST = 4096
"""Bytes of a standard parameter's value (Systems Manager user guide, "Managing parameter tiers")."""
# Systems Manager user guide, "Requirements and constraints for parameter names"; without the slash, which would make
# another level of it.
_CLIENT = re.compile(r"[a-zA-Z0-9_.-]+")

type Tags = pulumi.Input[dict[str, pulumi.Input[str]]] | None


def prefix(gateway_name: str) -> str:
    """The beginning of the parameters' names for a gateway of this name in AWS; the client's id follows."""
    return f"/toolgate/callers/{gateway_name}/"


def check(name: str, grants: Sequence[GatewayTools], where: str) -> None:
    """Check what is to be written of a caller, as far as its tools are known.

    Args:
        name: The agent's or client's name.
        grants: What it was handed.
        where: Whose it is, for messages.

    Raises:
        UsageError: A parameter could not hold it.
    """
    for _, its in _by_table(grants):
        tools: list[Any] = [grants[index]["tools"] for index in its]
        if all(isinstance(it, list) for it in tools):
            _row(name, [(grants[index], known) for index, known in zip(its, tools, strict=True)], where)


def check_client(client_id: Any, where: str) -> None:
    """Check a client's id that others chose. What an Output holds comes later.

    Raises:
        UsageError: It cannot be part of a parameter's name.
    """
    if isinstance(client_id, str) and not _CLIENT.fullmatch(client_id):
        raise UsageError(
            f"{where}: {client_id!r} cannot be part of an SSM parameter's name, and a gateway that the client may call "
            "has an interceptor that asks for the caller. Take a client whose id has letters, digits and '_.-' only."
        )


def write(
    name: str,
    handed: Handed,
    caller: Callable[[GatewayTools], pulumi.Output[Caller]],
    opts: pulumi.ResourceOptions,
    tags: Tags = None,
) -> list[pulumi.Resource]:
    """Write what an agent or client was handed, one parameter for each gateway whose interceptors ask for it.

    Args:
        name: The component's name.
        handed: The grants.
        caller: As whom the grant's gateway knows the agent or client.
        opts: The parameters' parent.
        tags: Their tags.
    """
    groups = _by_table(handed.grants)
    tables = pulumi.Output.all(*[table for table, _ in groups]).apply(_distinct)
    made: list[pulumi.Resource] = []
    for index, (table, its) in enumerate(groups):
        parts = pulumi.Output.all(tables[index], caller(handed.grants[its[0]]))
        # Named for the gateway where that is known, so that a grant that is put before others is no other resource.
        of_gateway = str(index + 1) if isinstance(table, pulumi.Output) else str(table).strip("/").rpartition("/")[2]
        made.append(
            aws.ssm.Parameter(
                f"{name}-{of_gateway}-caller",
                name=parts.apply(_parameter),
                description=f"What the interceptors of a gateway are told of {name}",
                type="String",
                # Not as `value`, which the provider makes a secret: who reviews a plan is to read it.
                insecure_value=_value(name, handed, its),
                tags=tags,
                opts=opts.merge(pulumi.ResourceOptions(protect=False)),
            )
        )
    return made


def _by_table(grants: Sequence[GatewayTools]) -> list[tuple[pulumi.Input[str], list[int]]]:
    """The tables in which a caller is to stand, each with the indices of its grants.

    A program in another language hands over Outputs, which are told apart only once they are known.
    """
    groups: dict[Any, tuple[pulumi.Input[str], list[int]]] = {}
    for index, grant in enumerate(grants):
        if "callers" in grant:
            table = grant["callers"]
            groups.setdefault(table if isinstance(table, str) else index, (table, []))[1].append(index)
    return list(groups.values())


def _distinct(tables: list[str]) -> list[str]:
    if twice := sorted({table for table in tables if tables.count(table) > 1}):
        raise UsageError(f"{twice[0]}: one gateway's tools are handed over in two grants. Write them into one.")
    return tables


def _parameter(parts: list[Any]) -> str:
    table, caller = parts
    assert isinstance(caller, OAuthClient)  # noqa: S101  # only a gateway that takes tokens has a table
    check_client(caller.value, table)
    return f"{table}{caller.value}"


def _value(name: str, handed: Handed, its: Sequence[int]) -> pulumi.Output[str]:
    def written(tools: list[list[str]]) -> str:
        return _row(name, [(handed.grants[index], tools[index]) for index in its], repr(name))

    return handed.tools.apply(written)


def _row(name: str, handed: Sequence[tuple[GatewayTools, Sequence[str]]], where: str) -> str:
    """What the interceptors are told: the caller's name, and patterns of the tools' full names."""
    patterns = [
        action if names.SEPARATOR in action else f"{action}{names.SEPARATOR}*"
        for grant, tools in handed
        for action in grant.get("actions", tools)
    ]
    text = json.dumps({"name": name, "tools": list(dict.fromkeys(patterns))}, separators=(",", ":"))
    if len(text.encode()) > LARGEST:
        raise UsageError(
            f"{where}.tools: what the interceptors of a gateway are told of it has {len(text.encode())} bytes; an SSM "
            f"parameter takes {LARGEST}. Hand over all tools with `gateway.tools()`, which names targets only, or "
            "serve some of them from a second gateway."
        )
    return text

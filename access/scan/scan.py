"""`toolgate access scan`: what an account has in some Regions, as a deployment file.

Everything is read; nothing is called that changes anything, and no secret is in the file: of environment variables it
has the names, and the declarations of interceptors. What cannot be read is noted in it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError

from toolgate.access.deployment.not_read import NotRead
from toolgate.access.scan import functions
from toolgate.access.scan.agentcore import KINDS, Kind, functions_of
from toolgate.access.scan.calls import (
    COGNITO,
    CORE,
    FUNCTIONS,
    GET_CALLER_IDENTITY,
    IAM,
    LIST_DELIVERIES,
    LIST_DELIVERY_SOURCES,
    LOGS,
    STS,
    document,
)
from toolgate.access.scan.iam_details import identities
from toolgate.access.scan.reader import WORKERS, Listed, Reader, UnreadError, readers
from toolgate.access.scan.resources import Found, export, note
from toolgate.access.scan.tokens import tokens
from toolgate.policy.language.agentcore_facts import LOG_DELIVERY, LOG_DELIVERY_SOURCE

type Progress = Callable[[str], None]

_SERVICES = {CORE: True, FUNCTIONS: True, LOGS: True, COGNITO: True, IAM: False, STS: False}
"""The services, and whether each has something in every Region."""

_TOLD = 100
"""After how many resources it is told that the scan goes on."""


class ScanError(Exception):
    """The account cannot be scanned at all; one line that says why and what to do."""


def permissions(regions: Sequence[str]) -> dict[str, Any]:
    """What scanning these Regions, or any, must allow, as an IAM document.

    Raises:
        ScanError: One of them is none.
    """
    try:
        partition = boto3.Session().get_partition_for_region(regions[0]) if regions else "aws"
    except BotoCoreError as error:
        raise ScanError(f"{error}; give another --region") from error
    return document(regions, partition)


def session_of(profile: str | None) -> boto3.Session:
    """A session with the credentials of a profile, or with those that boto3 finds.

    Raises:
        ScanError: There is no such profile.
    """
    try:
        return boto3.Session(profile_name=profile)
    except BotoCoreError as error:
        raise ScanError(f"{error}; give another --profile") from error


def scan(session: boto3.Session, regions: Sequence[str], progress: Progress) -> dict[str, Any]:
    """What an account has.

    Args:
        session: Who asks.
        regions: The Regions; none for the session's own.
        progress: Is told what is done, a line at a time.

    Returns:
        The content of a deployment file.

    Raises:
        ScanError: There is no Region, or nobody is signed in.
    """
    chosen = tuple(dict.fromkeys(regions)) or tuple(filter(None, [session.region_name]))
    if not chosen:
        raise ScanError("no Region: give --region, or set one for the profile")
    try:
        asked = readers(session, chosen, _SERVICES)
    except (BotoCoreError, ValueError) as error:
        raise ScanError(f"{error}; give another --region") from error
    try:
        caller = asked[chosen[0]].one(GET_CALLER_IDENTITY)
    except UnreadError as error:
        raise ScanError(f"nobody is signed in ({error}); give --profile, or sign in first") from error
    account, partition = caller["Account"], caller["Arn"].split(":")[1]
    progress(f"account {account}, {', '.join(chosen)}")
    root = f"arn:{partition}:iam::{account}:root"
    with ThreadPoolExecutor(WORKERS) as pool:
        of_iam = pool.submit(lambda: list(identities(asked[chosen[0]], root)))
        found = list(_of_regions(pool, asked, progress))
        found += _functions(pool, asked, account, found, progress)
        found += tokens(asked, found)
        found = [*of_iam.result(), *found]
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return export(found, account, {"account": account, "regions": list(chosen), "scanned": at, "by": caller["Arn"]})


def _of_regions(pool: Executor, asked: dict[str, Reader], progress: Progress) -> Iterator[Found]:
    """AgentCore's resources and the deliveries of their logs, Region by Region."""
    both = [(reader, kind) for reader in asked.values() for kind in KINDS]
    lists = list(pool.map(lambda it: it[0].several(it[1].listing), both))
    for (reader, kind), listed in zip(both, lists, strict=True):
        if listed.items:
            progress(f"{reader.region}: {len(listed.items)} {kind.plural}")
        if listed.unread:
            yield note(NotRead(listed.missing(f"the {kind.plural} in {reader.region}"), str(listed.unread)))
    single = [(reader, kind, item) for (reader, kind), listed in zip(both, lists, strict=True) for item in listed.items]
    for number, found in enumerate(pool.map(lambda it: _read(*it), single), 1):
        if number % _TOLD == 0:
            progress(f"{number} of {len(single)} read")
        yield from found
    for deliveries in pool.map(lambda reader: list(_deliveries(reader)), asked.values()):
        yield from deliveries


def _read(reader: Reader, kind: Kind, listed: Mapping[str, Any]) -> list[Found]:
    try:
        return list(kind.read(reader, listed))
    except KeyError as error:  # a member that botocore's model calls optional, or that came later
        return [note(NotRead(f"one of the {kind.plural} in {reader.region}", f"AWS's answer has no {error}"))]


def _functions(
    pool: Executor, asked: dict[str, Reader], account: str, found: Iterable[Found], progress: Progress
) -> Iterator[Found]:
    """The functions that the gateways name."""
    named: dict[str, set[str]] = {}
    for arn in sorted({arn for it in found for arn in functions_of(it)}):
        _, _, _, region, owner, *_ = f"{arn}:::::".split(":")
        if owner != account:
            yield note(NotRead(f"function {arn}", f"it is of account {owner}", functions.unqualified(arn)))
        elif region not in asked:
            why = f"{region} was not scanned: give --region {region}"
            yield note(NotRead(f"function {arn}", why, functions.unqualified(arn)))
        else:
            named.setdefault(region, set()).add(arn)
    for region, arns in named.items():
        reader = asked[region]
        there, notes = functions.wanted(reader, arns)
        yield from notes
        progress(f"{region}: {len(there)} functions behind gateways")
        for parts in pool.map(lambda it, reader=reader: list(functions.function(reader, it)), there):
            yield from parts


def _deliveries(reader: Reader) -> Iterator[Found]:
    """Where logs go: the rule logs-delivered asks."""
    sources, deliveries = reader.several(LIST_DELIVERY_SOURCES), reader.several(LIST_DELIVERIES)
    for source in sources.items:
        for arn in source.get("resourceArns") or ():
            inputs = {"name": source["name"], "resourceArn": arn, "logType": source.get("logType")}
            yield Found(LOG_DELIVERY_SOURCE, f"{reader.region}/{source['name']}", inputs, {"arn": source.get("arn")})
    for delivery in deliveries.items:
        inputs = {key: delivery.get(key) for key in ("deliverySourceName", "deliveryDestinationArn")}
        yield Found(LOG_DELIVERY, f"{reader.region}/{delivery['id']}", inputs, {"arn": delivery.get("arn")})
    yield from _unread_logs(reader, sources, deliveries)


def _unread_logs(reader: Reader, *lists: Listed) -> Iterator[Found]:
    why = next((str(it.unread) for it in lists if it.unread), None)
    if why:
        what = f"the log deliveries in {reader.region}, which the rule logs-delivered asks for,"
        yield note(NotRead(what, why))

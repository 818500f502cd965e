"""A stack on AWS, with a throw-away stack beside it."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.aws import signed, temporary, throwaway, tokens
from tests.aws.local_world import PROJECT, configuration
from tests.aws.stack_under_test import UnderTest
from tests.aws.throwaway import Place
from tests.aws.waiting import until
from tests.aws.world import Making, MissingError, World
from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.deployment.tokens import AppClient

CONTROL = "bedrock-agentcore-control"
ASSUME_SECONDS = 120.0
SETTLE_SECONDS = 300.0
LOG_SECONDS = 120.0
LOG_GROUPS = "/aws/bedrock-agentcore/runtimes/"
SETTLING = (
    ("knocker", "plain"),
    ("adder", "ruled"),
    ("adder", "searching"),
    ("bounded", "ruled"),
    ("told", "intercepted"),
)
"""Callers, and gateways on which each of them may add 1 and 2."""
TOKEN, WITH_TOKEN = "a token of a new domain", "a token at tokens"
ADD = "math___add_numbers"


@dataclass(frozen=True)
class Aws:
    """AWS as whoever runs the suite reaches it.

    Attributes:
        session: Their credentials.
        region: The Region.
        key: ARN of a KMS key that whoever runs the suite has given for it, or nothing.
    """

    session: boto3.Session
    region: str
    key: str = ""

    def client(self, service: str, region: str | None = None) -> Any:
        """A client; it asks once where the first answer is what counts, or where the service may not be there."""
        attempts = 1 if region or service == "bedrock-agentcore" else 5
        config = Config(read_timeout=120, connect_timeout=10, retries={"total_max_attempts": attempts})
        return self.session.client(service, region_name=region or self.region, config=config)


@contextlib.contextmanager
def aws_world(under_test: UnderTest, run: str, aws: Aws, place: Place) -> Iterator[World]:
    """Make the throw-away stack beside the stack under test, and wait until its callers' rights have taken effect.

    Args:
        under_test: The stack under test.
        run: The throw-away stack's name.
        aws: AWS.
        place: Where the throw-away stack's state is.
    """
    for left in throwaway.left_behind(place):
        throwaway.take_down(left)
    config = configuration(run, under_test.region, under_test.caller, everything=True, key=aws.key)
    with contextlib.ExitStack() as stack:
        groups: list[str] = []
        stack.callback(_forget, aws, groups)  # last: AgentCore writes until the runtimes are gone
        made = stack.enter_context(throwaway.deployed(run, config, place))
        scratch = parse(made.export)
        groups += [f"{LOG_GROUPS}{runtime.id}-DEFAULT" for runtime in scratch.runtimes]
        world = _world(under_test, run, aws, scratch, made.making)
        yield replace(world, making=replace(made.making, settled=settled(world)))


def _world(under_test: UnderTest, run: str, aws: Aws, scratch: Deployment, making: Making) -> World:
    take = functools.cache(lambda role_arn: assumed(aws.client("sts"), role_arn))
    world = World(
        title=f"AWS, {under_test.region}",
        stack=under_test.deployment,
        scratch=scratch,
        region=under_test.region,
        making=making,
        runtimes=lambda _runtime, credentials: _runtimes(aws, credentials),
        service=aws.client,
        session=lambda role_arn, _at: take(role_arn),
        endpoint=lambda gateway: gateway.url,
        runs=lambda gateway, target: runs(aws, function_of(world, gateway, target)),
        policy=lambda engine, statement: _policy(aws, engine.id, statement),
        gateway=lambda *settings: temporary.gateway(
            aws.client(CONTROL), f"{PROJECT}-{run}-versions", world.role("versions").arn, *settings
        ),
        discovery=lambda pool: pool.discovery_url,
        secret=lambda client: _secret(aws, client),
        expired=lambda client: tokens.expired(world, client),
    )
    return world


def _secret(aws: Aws, client: AppClient) -> str:
    its = {"UserPoolId": client.pool_id, "ClientId": client.id}
    secret: str = aws.client("cognito-idp").describe_user_pool_client(**its)["UserPoolClient"]["ClientSecret"]
    return secret


def _runtimes(aws: Aws, credentials: Credentials | None) -> Any:
    if credentials is None:
        return aws.client("bedrock-agentcore")
    of_caller = boto3.Session(credentials.access_key, credentials.secret_key, credentials.token)
    return Aws(of_caller, aws.region).client("bedrock-agentcore")


def assumed(sts: Any, role_arn: str) -> Credentials:
    """Credentials of a role that may have been made a moment ago.

    Raises:
        TimeoutError: It cannot be taken.
    """

    def take() -> Credentials | None:
        try:
            issued = sts.assume_role(RoleArn=role_arn, RoleSessionName=PROJECT)["Credentials"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            return None
        return Credentials(issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])

    return until(f"taking the role {role_arn}", take, ASSUME_SECONDS)


def settled(world: World) -> dict[str, float | None]:
    """Wait for the rights of the callers; the seconds each took, None where it did not come."""
    started = time.monotonic()
    found: dict[str, float | None] = {}
    for caller, name in SETTLING:
        found[f"{caller} at {name}"] = None
        with contextlib.suppress(MissingError, TimeoutError):
            gateway = world.scratch_gateway(name)
            until("the call", functools.partial(_adds, world, gateway, caller), SETTLE_SECONDS)
            found[f"{caller} at {name}"] = time.monotonic() - started
    for what, seen in ((TOKEN, _has_token), (WITH_TOKEN, _adds_with_token)):
        found[what] = None
        with contextlib.suppress(MissingError, TimeoutError):
            until(what, functools.partial(seen, world), SETTLE_SECONDS)
            found[what] = time.monotonic() - started
    return found


def _has_token(world: World) -> bool:
    return not isinstance(tokens.asked(world, world.client), tokens.Refusal)


def _adds_with_token(world: World) -> bool:
    gateway = world.scratch_gateway("tokens")
    return tokens.call(world, gateway, tokens.taken(world, world.client), ADD, {"a": 1, "b": 2}).made


def _adds(world: World, gateway: Gateway, caller: str) -> bool:
    return signed.call(world, gateway, caller, ADD, {"a": 1, "b": 2}).made


def function_of(world: World, gateway: Gateway, target: Target) -> str:
    """The name of the function behind a gateway's target."""
    deployment = world.stack if gateway in world.stack.gateways else world.scratch
    function = deployment.function(target.function_arn or "")
    assert function, f"{target.label}: its function is not in the deployment"
    return function.name


def runs(aws: Aws, function: str) -> Callable[[int], int]:
    """From now on, how often a function was run, by its log.

    Times are AWS's own: this machine's clock may be wrong by more than a call takes.
    """
    sts, logs = aws.client("sts"), aws.client("logs")
    before = _clock(sts)
    # That clock shows whole seconds: what ran before must be in another one.
    until("the next second", lambda: _clock(sts) > before + 1, 30, between=0.5)
    since = before + 2

    def seen() -> int:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{function}", startTime=int(since * 1000), filterPattern='"START RequestId"'
        )
        return sum(len(page["events"]) for page in pages)

    def at_least(number: int) -> int:
        def enough() -> int | None:
            found = seen()
            return found if found >= number else None

        return until(f"{number} runs of {function} in its log", enough, LOG_SECONDS)

    return at_least


def _clock(sts: Any) -> float:
    headers = sts.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
    return parsedate_to_datetime(headers["date"]).timestamp()


def _policy(aws: Aws, engine_id: str, statement: str) -> str:
    with temporary.policy(aws.client(CONTROL), engine_id, statement) as outcome:
        return outcome


def _forget(aws: Aws, groups: Sequence[str]) -> None:
    """AgentCore makes a log group for each runtime, which no stack takes down."""
    logs = aws.client("logs")
    for group in groups:
        with contextlib.suppress(ClientError):  # a runtime that nobody asked has none
            logs.delete_log_group(logGroupName=group)

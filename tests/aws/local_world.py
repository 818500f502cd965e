"""The local deployment of the stack `dev` and of the throw-away program, side by side."""

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import Credentials
from starlette.applications import Starlette

from tests.agent.loopback import Loopback
from tests.aws.temporary import has
from tests.aws.world import NotReproducedError, World
from tests.planning import SAMPLE, planned
from toolgate.access.deployment.agentcore_resources import Gateway, Runtime, Target
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.deployment.roles import Role
from toolgate.access.deployment.tokens import WELL_KNOWN, AppClient
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine.export_writer import export
from toolgate.local.engine.recorder import Program, record
from toolgate.local.engine.stack_config import project_name, stack_config
from toolgate.local.plan import LOCAL_CONFIG
from toolgate.local.serve.server import Serving, serve
from toolgate.policy.language.agentcore_facts import TOOL_SEPARATOR

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "program"
PROJECT = project_name(PROGRAM)
RUN = "local"
POLICY = "aws:bedrock/agentcorePolicy:AgentcorePolicy"
GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"

Export = Mapping[str, Any]


def planned_stack(stack: str = "dev", root: Path = SAMPLE) -> Export:
    """The deployment of a stack of the sample's program, or of the one in `root`."""
    if root == SAMPLE:
        return planned(stack).deployment
    settings = stack_config(root, stack, LOCAL_CONFIG)
    plane = ControlPlane(CloudEnvironment(region=settings.values["aws:region"]), MemoryStore(), {})
    recording = record(Program(root, project_name(root), stack, settings.values), plane)
    return export(recording, plane.env)


def planned_scratch(region: str = "us-east-1") -> tuple[Export, ControlPlane]:
    """The deployment of the throw-away program, and the account that it is in."""
    plane = ControlPlane(CloudEnvironment(region=region), MemoryStore(), {})
    trusted = plane.env.global_arn("iam", "user/tester")
    config = configuration(RUN, region, trusted, everything=False)
    return export(record(Program(PROGRAM, PROJECT, RUN, config), plane), plane.env), plane


def configuration(run: str, region: str, trusted: str, *, everything: bool, key: str = "") -> dict[str, str]:
    """The throw-away program's configuration for a run.

    Args:
        run: The stack's name.
        region: Where it goes to.
        trusted: ARN of the principal that takes the callers' roles.
        everything: False leaves out what the stand-in for AWS does not reproduce: tags for all, and packed agents.
        key: ARN of a KMS key; without one, what is to be encrypted with it is left out.
    """
    return {
        "aws:region": region,
        **({"aws:defaultTags": json.dumps({"tags": {PROJECT: run}})} if everything else {}),
        # Everything that is made can be found by the name of the run.
        "pulumi:autonaming": json.dumps({"pattern": "${project}-${stack}-${name}-${hex(7)}"}),
        "probe:trusted": trusted,
        "probe:everything": str(everything).lower(),
        **({"probe:key": key} if key else {}),
    }


@contextlib.contextmanager
def local_world(stack: Export, scratch: Export, plane: ControlPlane, logs: Path) -> Iterator[World]:
    """Serve both deployments.

    Args:
        stack: The stack under test.
        scratch: The throw-away stack.
        plane: The stand-in account of the latter, for what is made in it by the way.
        logs: Folder for the agents' output.
    """
    with (
        serve(stack, root=SAMPLE, logs=logs / "stack") as one,
        _nothing_there() as url,
        serve(scratch, root=PROGRAM, logs=logs / "scratch", places={"api": url}) as other,
    ):
        under_test, beside = parse(stack), parse(scratch)

        def of(resource: Gateway | Runtime) -> Serving:
            return one if resource in (*under_test.gateways, *under_test.runtimes) else other

        yield World(
            title="the local deployment",
            stack=under_test,
            scratch=beside,
            region=plane.env.region,
            making=None,
            runtimes=lambda runtime, credentials: _client(of(runtime), credentials),
            service=lambda name, region=None: _service(other, name, region),
            session=lambda role_arn, at: _credentials(of(at), role_arn),
            endpoint=lambda gateway: of(gateway).gateway_url(gateway.id),
            runs=lambda gateway, target: _runs(of(gateway), gateway, target),
            policy=lambda engine, statement: _policy(plane, engine.id, statement),
            gateway=lambda *settings: _gateway(plane, _the_role(beside, "versions"), *settings),
            discovery=lambda pool: f"{other.url}/issuer/{pool.id}{WELL_KNOWN}",
            secret=lambda client: _secret(other, client),
            expired=lambda client: other.token(client.id, exp=int(time.time()) - 1),
        )


@contextlib.contextmanager
def _nothing_there() -> Iterator[str]:
    """The URL of an API that has nothing: where the throw-away program's API is on this machine."""
    server = Loopback(Starlette())
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def _client(serving: Serving, credentials: Credentials | None, service: str = "bedrock-agentcore") -> Any:
    variables = serving.environment
    return boto3.client(
        service,
        endpoint_url=serving.url,
        region_name=variables["AWS_REGION"],
        aws_access_key_id=credentials.access_key if credentials else variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials.secret_key if credentials else variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=credentials.token if credentials else variables["AWS_SESSION_TOKEN"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def _service(serving: Serving, name: str, region: str | None) -> Any:
    if name == "cognito-idp" and region is None:
        return _client(serving, None, name)
    raise NotReproducedError(f"the local deployment does not serve the API of {name}")


def _secret(serving: Serving, client: AppClient) -> str:
    # Nobody may read it over the local API: it is asked for where the issuer has it.
    issuer = serving._world.host.issuers.of_client(client.id)
    assert issuer, f"{client.label}: its issuer is not served"
    return issuer.clients[client.id].secret


def _credentials(serving: Serving, role_arn: str) -> Credentials:
    issued = serving.session(role_arn)
    return Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token)


def _runs(serving: Serving, gateway: Gateway, target: Target) -> Callable[[int], int]:
    before = len(serving.calls)

    def since(_at_least: int) -> int:
        return sum(
            call.gateway == gateway.arn and call.tool.startswith(f"{target.name}{TOOL_SEPARATOR}")
            for call in serving.calls[before:]
        )

    return since


def _policy(plane: ControlPlane, engine_id: str, statement: str) -> str:
    inputs = {"name": "by_the_way", "policyEngineId": engine_id, "definition": {"cedar": {"statement": statement}}}
    return _tried(plane, POLICY, inputs) or "ACTIVE"


def _the_role(deployment: Deployment, name: str) -> Role:
    [found] = [role for role in deployment.roles if role.name.endswith(f"-{name}")]
    return found


def _gateway(plane: ControlPlane, role: Role, *settings: Mapping[str, Any]) -> str:
    # The role trusts a gateway of its own name.
    its = {"name": role.name, "roleArn": role.arn, "authorizerType": "AWS_IAM", "protocolType": "MCP"}
    first, *changes = ({**its, "protocolConfiguration": {"mcp": mcp}} for mcp in settings)
    return _tried(plane, GATEWAY, first, *changes) or "READY" + "".join(map(has, settings[-1:] if changes else ()))


def _tried(plane: ControlPlane, kind: str, inputs: Mapping[str, Any], *changes: Mapping[str, Any]) -> str:
    """Make a resource in the stand-in account, change it, take it away again; what it has against that, or ""."""
    if failures := plane.check(kind, inputs):
        return str(failures[0])
    before = set(_ids(plane, kind))
    try:
        made = plane.create(kind, inputs)
        for change in changes:
            plane.update(kind, made.id, change)
    except RefusalError as error:
        # What AWS's provider says of a status, in the words of the status.
        return re.sub(r"^unexpected state '(\w+)', .*last error", r"\1", str(error))
    finally:
        # What failed stays and holds its name, as on AWS.
        for left in set(_ids(plane, kind)) - before:
            plane.delete(kind, left)
    return ""


def _ids(plane: ControlPlane, kind: str) -> list[str]:
    with plane.store.transaction() as account:
        return [it["id"] for it in account["resources"].values() if it["type"] == kind]

"""A program run against the SDK's own test runtime, and what it registered."""

import asyncio
import contextvars
import json
import runpy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cedarpy
import pulumi
import pytest
from google.protobuf.json_format import MessageToDict
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document
from pulumi.runtime import mocks
from pulumi.runtime.stack import Stack

from tests.planning import SAMPLE

ACCOUNT, REGION = "123456789012", "us-east-1"
PROFILE = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0"
MODEL = "foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0"
MODELS = [f"arn:aws:bedrock:{region}::{MODEL}" for region in ("us-west-2", "us-east-1", "us-east-2")]

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"

POOL = f"{REGION}_AbCdEf123"
IDENTITY = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}"
SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret"

INVOKES: dict[str, dict[str, Any]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
    "aws:index/getRegion:getRegion": {"region": REGION},
    "aws:index/getPartition:getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com"},
    "aws:bedrock/getInferenceProfile:getInferenceProfile": {
        "inferenceProfileArn": PROFILE,
        "models": [{"modelArn": arn} for arn in MODELS],
    },
}


@dataclass(frozen=True)
class Registration:
    """One resource as the program registered it; what it depends on by resource name."""

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    dependencies: set[str]
    dependency_types: set[str]
    property_dependencies: dict[str, set[str]]
    hooks: list[str]
    delete_before_replace: bool
    replace_on_changes: list[str]
    protect: bool
    secret_outputs: list[str]

    def document(self, key: str = "policy") -> Any:
        """An IAM document among the inputs, parsed."""
        return json.loads(self.inputs[key])


@dataclass
class Recorded:
    """A run: resources, invokes, the providers asked ("" for the default one), stack outputs."""

    resources: list[Registration] = field(default_factory=list)
    invokes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    providers: set[str] = field(default_factory=set)
    outputs: dict[str, Any] = field(default_factory=dict)

    def one(self, type_suffix: str, name: str) -> Registration:
        """The one resource of a type (the last part of its token) and name."""
        [found] = [it for it in self.resources if it.type.split(":")[-1] == type_suffix and it.name == name]
        return found

    def types(self) -> list[tuple[str, str]]:
        """Type and name of every resource, sorted."""
        return sorted((it.type.split(":")[-1], it.name) for it in self.resources)


def outputs_of(args: mocks.MockResourceArgs) -> dict[str, Any]:
    """What AWS would add to a resource's inputs."""
    name = args.inputs.get("name", f"{args.name}-1234567")
    kinds: dict[str, dict[str, Any]] = {
        "Role": {"name": name, "arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"},
        "Key": {"arn": KEY, "keyId": KEY.rpartition("/")[2]},
        "LogGroup": {"arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"},
        "Function": {"arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"},
        "AgentcoreGateway": {
            "gatewayId": f"{name}-a1b2c3d4e5",
            "gatewayArn": f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:gateway/{name}-a1b2c3d4e5",
            "gatewayUrl": f"https://{name}-a1b2c3d4e5.gateway.bedrock-agentcore.{REGION}.amazonaws.com/mcp",
        },
        "AgentcorePolicyEngine": {
            "policyEngineId": f"{name}-a1b2c3d4e5",
            "policyEngineArn": f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:policy-engine/{name}-a1b2c3d4e5",
        },
        "AgentcoreGatewayTarget": {"targetId": "A1B2C3D4E5"},
        "Bucket": {"bucket": f"{args.name}-1234567"},
        "BucketObjectv2": {
            "arn": f"arn:aws:s3:::{args.inputs.get('bucket')}/{args.inputs.get('key')}",
            "versionId": "version-1",
        },
        "AgentcoreAgentRuntime": {
            "agentRuntimeArn": (
                f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:runtime/{args.inputs.get('agentRuntimeName')}-A1b2C3d4E5"
            )
        },
        "AgentcoreMemory": {"arn": f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:memory/{args.name}-id"},
        "UserPool": {"endpoint": f"cognito-idp.{REGION}.amazonaws.com/{POOL}"},
        "UserPoolClient": {"clientSecret": f"{args.name}-hidden"},
        "AgentcoreOauth2CredentialProvider": {
            "credentialProviderArn": f"{IDENTITY}:token-vault/default/oauth2credentialprovider/{name}",
            "clientSecretArns": [{"secretArn": f"{SECRETS}:bedrock-agentcore-identity!default/oauth2/{name}-a1B2c3"}],
        },
        "AgentcoreApiKeyCredentialProvider": {
            "credentialProviderArn": f"{IDENTITY}:token-vault/default/apikeycredentialprovider/{name}",
        },
        "AgentcoreWorkloadIdentity": {
            "workloadIdentityArn": f"{IDENTITY}:workload-identity-directory/default/workload-identity/{name}"
        },
        "Secret": {"arn": f"{SECRETS}:{name}-a1B2c3"},
        "LogDeliverySource": {"arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:delivery-source:{name}"},
        "LogDeliveryDestination": {"arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:delivery-destination:{name}"},
    }
    return kinds.get(args.typ.split(":")[-1], {})


class Cloud(mocks.Mocks):
    """Answers as AWS does on `up`, and knows nothing but the inputs in a preview."""

    def __init__(self, recorded: Recorded, preview: bool) -> None:
        self.recorded, self.preview = recorded, preview

    def call(self, args: mocks.MockCallArgs) -> Any:
        self.recorded.invokes.append((args.token, dict(args.args)))
        self.recorded.providers.add(args.provider)
        return INVOKES[args.token]

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        computed = {} if self.preview or not args.custom else outputs_of(args)
        made = POOL if args.typ.endswith(":UserPool") else f"{args.name}-id"
        return ("" if self.preview else made), {**args.inputs, **computed}


class Monitor(mocks.MockMonitor):
    """Keeps each registration as it was sent."""

    def __init__(self, recorded: Recorded, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.recorded = recorded

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name is the protocol's
        if request.type != "pulumi:pulumi:Stack":
            self.recorded.resources.append(
                Registration(
                    type=request.type,
                    name=request.name,
                    inputs=MessageToDict(request.object),
                    parent=_name(request.parent),
                    dependencies={_name(urn) for urn in request.dependencies},
                    dependency_types={urn.split("::")[-2].split(":")[-1] for urn in request.dependencies},
                    property_dependencies={
                        key: {_name(urn) for urn in value.urns} for key, value in request.propertyDependencies.items()
                    },
                    hooks=list(request.hooks.on_error),
                    delete_before_replace=request.deleteBeforeReplace,
                    replace_on_changes=list(request.replaceOnChanges),
                    protect=request.protect,
                    secret_outputs=list(request.additionalSecretOutputs),
                )
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


Program = Callable[[], Any]
Run = Callable[..., Recorded]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, loop: asyncio.AbstractEventLoop) -> Run:
    """Run a program as Pulumi would; returns what it registered."""
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "1")
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):  # where the caller works is not where a program deploys
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(SAMPLE)

    def running(
        program: Program, config: Mapping[str, Any] | None = None, *, preview: bool = False, stack: str = "dev"
    ) -> Recorded:
        recorded = Recorded()
        cloud = Cloud(recorded, preview)
        given = {key: it if isinstance(it, str) else json.dumps(it) for key, it in (config or {}).items()}

        def whole() -> None:
            program()
            root = pulumi.runtime.get_root_resource()
            assert isinstance(root, Stack)
            pulumi.Output.from_input(dict(root.outputs)).apply(recorded.outputs.update)

        def configured() -> None:
            mocks.set_mocks(cloud, project="toolgate", stack=stack, preview=preview, monitor=Monitor(recorded, cloud))
            pulumi.runtime.set_all_config(
                {key if ":" in key else f"toolgate:{key}": value for key, value in given.items()}
            )
            pulumi.runtime.test(whole)()  # type: ignore[no-untyped-call]

        with _own_loop(after=loop):
            # The SDK keeps the root resource, and what it exports, in a context variable: the next run has another one.
            contextvars.Context().run(configured)
        return recorded

    return running


@contextmanager
def _own_loop(after: asyncio.AbstractEventLoop | None) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that ends with the block: what comes next must not wait for the tasks that a failed program leaves.

    Args:
        after: The current loop once it has ended.
    """
    loop = asyncio.new_event_loop()
    # What fails is raised once; asyncio would tell again of every value that waited for it.
    loop.set_exception_handler(lambda *_: None)
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        asyncio.set_event_loop(after)
        loop.close()


@pytest.fixture(autouse=True)
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Outputs that a test makes by itself need a current loop."""
    with _own_loop(None) as loop:
        yield loop


@pytest.fixture
def program() -> Program:
    """The project's own program."""
    return lambda: runpy.run_path("__main__.py", run_name="__main__")


@pytest.fixture
def folder_of_target(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Moves to a program like the sample without `lambdas/`, and writes a target's folder.

    Args:
        run: It moves to the sample first.
    """
    for file in SAMPLE.iterdir():
        if file.name != "lambdas" and not file.name.startswith("."):
            (tmp_path / file.name).symlink_to(file.resolve(), target_is_directory=file.is_dir())
    monkeypatch.chdir(tmp_path)

    def write(folder: str, files: Mapping[str, str | None], *, lambdas: bool) -> None:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            if text is not None:
                (tmp_path / folder / name).write_text(text)
        if lambdas and not (tmp_path / "lambdas").exists():
            (tmp_path / "lambdas").symlink_to(SAMPLE / "lambdas")

    return write


Allows = Callable[..., bool]


@pytest.fixture
def allows() -> Allows:
    """Whether a document allows an action on a resource, by an IAM evaluator."""

    def deciding(document: Any, action: str, resource: str, **keys: str) -> bool:
        context = EvalContext(
            principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s",
            principal_type="AssumedRole",
            principal_account=ACCOUNT,
            action=action,
            resource_arn=resource,
            region=REGION,
            service_context={key.replace("__", ":").lower(): value for key, value in keys.items()},
        )
        return bool(evaluate(context, [parse_policy_document(document)]).decision == "Allow")

    return deciding


Permits = Callable[..., bool]


@pytest.fixture
def permits() -> Permits:
    """Whether Cedar statements let a role call a tool of a gateway, by Cedar itself.

    The request is made of AgentCore's documented parts, not by the components: the entity id of the role's sessions,
    the tool in its target's group, that in CallTool and Mcp.
    """

    def deciding(statements: list[str], role: str, tool: str, gateway: str, **arguments: Any) -> bool:
        principal = {"type": "AgentCore::IamEntity", "id": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}"}
        entity = {"uid": principal, "attrs": {"id": principal["id"]}, "parents": []}
        return _permitted(statements, entity, tool, gateway, arguments)

    return deciding


@pytest.fixture
def permits_token() -> Permits:
    """Whether Cedar statements let whoever has a token of these claims call a tool of a gateway, by Cedar itself.

    The caller is made as AgentCore documents it: an `OAuthUser` named by `sub`, with the claims as its tags.
    """

    def deciding(statements: list[str], claims: Mapping[str, str], tool: str, gateway: str, **arguments: Any) -> bool:
        principal = {"type": "AgentCore::OAuthUser", "id": claims["sub"]}
        entity = {"uid": principal, "attrs": {"id": claims["sub"]}, "parents": [], "tags": dict(claims)}
        return _permitted(statements, entity, tool, gateway, arguments)

    return deciding


def _permitted(
    statements: list[str], caller: Mapping[str, Any], tool: str, gateway: str, arguments: Mapping[str, Any]
) -> bool:
    ids = [tool, tool.partition("___")[0], "CallTool", "Mcp"]
    uids = [{"type": "AgentCore::Action", "id": it} for it in ids]
    groups = [{"uid": uid, "attrs": {}, "parents": uids[index + 1 : index + 2]} for index, uid in enumerate(uids)]
    request = {
        "principal": caller["uid"],
        "action": uids[0],
        "resource": {"type": "AgentCore::Gateway", "id": gateway},
        "context": {"input": dict(arguments)},
    }
    result = cedarpy.is_authorized(request, "\n".join(statements), [*groups, dict(caller)])
    assert not result.diagnostics.errors, result.diagnostics.errors
    return bool(result.allowed)

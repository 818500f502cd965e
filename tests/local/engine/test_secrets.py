"""A client's secret is in no text that anybody reads: where it must be written down, it is marked."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from pulumi.runtime.proto import provider_pb2 as pb

from tests.local.cloud.conftest import APP_CLIENT, GOOD, OAUTH2_PROVIDER, RESOURCE_SERVER, SECRET_VERSION, USER_POOL
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.stack_export import SECRET, SIGNATURE
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.store import FileStore
from toolgate.local.engine.export_writer import export
from toolgate.local.engine.provider import Provider
from toolgate.local.engine.recorder import ProgramError
from toolgate.local.engine.wire import from_struct, to_struct
from toolgate.local.plan import describe, plan
from toolgate.review.changes import changes, chunks

from .conftest import Run

OWN = "no-secret-that-anybody-should-see"
ISSUER = """
    pool = aws.cognito.UserPool("pool", name="tokens")
    domain = aws.cognito.UserPoolDomain("domain", domain="tokens-123456789012", user_pool_id=pool.id)
    scope = aws.cognito.ResourceServer("scope", identifier="tools", name="tools", user_pool_id=pool.id,
                                       scopes=[{"scope_name": "invoke", "scope_description": "Call tools."}])
    client = aws.cognito.UserPoolClient("client", name="NAME", user_pool_id=pool.id, generate_secret=True,
                                        allowed_oauth_flows=["client_credentials"],
                                        allowed_oauth_flows_user_pool_client=True,
                                        allowed_oauth_scopes=scope.scope_identifiers)
"""
VAULT = """
    def provider(name, secret, **options):
        url = pool.endpoint.apply(lambda endpoint: f"https://{endpoint}/.well-known/openid-configuration")
        aws.bedrock.AgentcoreOauth2CredentialProvider(
            name, name=name, credential_provider_vendor="CustomOauth2",
            oauth2_provider_config={"custom_oauth2_provider_config": {
                "client_id": client.id, "client_secret": secret, "client_authentication_method": "CLIENT_SECRET_BASIC",
                "oauth_discovery": {"discovery_url": url}}},
            opts=pulumi.ResourceOptions(depends_on=[domain], **options))

    provider("issued", client.client_secret)
    provider("literal", "LITERAL")
    provider("whole", client.client_secret, additional_secret_outputs=["oauth2ProviderConfig"])
    stored = aws.secretsmanager.Secret("stored", name="stored")
    aws.secretsmanager.SecretVersion("version", secret_id=stored.id, secret_string=pulumi.Output.json_dumps(
        {"client_id": client.id, "client_secret": client.client_secret}))
    group = pulumi.ComponentResource("project:index:Group", "group")
    group.register_outputs({"secret": client.client_secret})
    pulumi.export("secret", client.client_secret)
"""
HEAD = "import pulumi\nimport pulumi_aws as aws\n"


def program(name: str = "client") -> str:
    return (ISSUER + VAULT).replace("NAME", name).replace("LITERAL", OWN)


def texts(value: Any) -> Iterator[str]:
    """Every text in a deployment that stands in no secret's mark."""
    if isinstance(value, dict) and value.get(SIGNATURE) == SECRET:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *texts(item))
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def unmarked(deployment: dict[str, Any], *secrets: str) -> list[str]:
    return [text for text in texts(deployment) if any(secret in text for secret in secrets)]


def by_name(deployment: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["urn"].rpartition("::")[2]: item for item in deployment["deployment"]["resources"]}


def issued(deployment: dict[str, Any]) -> str:
    """The secret that Cognito gave the client."""
    mark = by_name(deployment)["client"]["outputs"]["clientSecret"]
    assert mark[SIGNATURE] == SECRET
    secret: str = json.loads(mark["plaintext"])
    assert len(secret) > 50
    return secret


@pytest.fixture
def project(folder: Callable[[dict[str, str]], Path]) -> Callable[[str], Path]:
    """A project with a program."""

    def write(text: str) -> Path:
        files = {"__main__.py": HEAD, "Pulumi.yaml": "name: project\nruntime: python\n"}
        root = folder({**files, "Pulumi.dev.yaml": "config:\n  aws:region: us-east-1\n"})
        (root / "__main__.py").write_text(HEAD + "\n".join(line.removeprefix("    ") for line in text.splitlines()))
        return root

    return write


def test_a_secret_is_marked_wherever_a_deployment_has_it(run: Run) -> None:
    deployment = export(run(program()), CloudEnvironment())
    resources = by_name(deployment)
    secret = issued(deployment)
    assert unmarked(deployment, secret, OWN) == []
    whole = json.dumps(deployment)
    assert (secret in whole, OWN in whole) == (True, True)
    for name in ("issued", "literal"):
        for side in ("inputs", "outputs"):
            custom = resources[name][side]["oauth2ProviderConfig"]["customOauth2ProviderConfig"]
            assert custom["clientSecret"][SIGNATURE] == SECRET
            assert custom["clientId"][SIGNATURE] == SECRET
            assert custom["clientAuthenticationMethod"] == "CLIENT_SECRET_BASIC"
    assert resources["whole"]["outputs"]["oauth2ProviderConfig"][SIGNATURE] == SECRET
    assert SIGNATURE not in json.loads(resources["whole"]["outputs"]["oauth2ProviderConfig"]["plaintext"])
    assert resources["version"]["outputs"]["secretString"][SIGNATURE] == SECRET
    assert resources["project-dev"]["outputs"]["secret"][SIGNATURE] == SECRET
    assert resources["group"]["outputs"]["secret"][SIGNATURE] == SECRET


def test_who_reads_a_deployment_finds_all_that_is_no_secret(run: Run) -> None:
    deployment = export(run(program()), CloudEnvironment())
    tokens = parse(deployment).tokens
    [pool], [client] = tokens.user_pools, tokens.clients
    assert (pool.id, pool.domain, pool.scopes) == (client.pool_id, "tokens-123456789012", ("tools/invoke",))
    assert (client.by_itself, client.for_users, client.scopes, client.seconds) == (True, False, pool.scopes, 3600)
    assert len(tokens.providers) == 3
    for provider in tokens.providers:
        assert (provider.client_id, tokens.pool_of(provider.discovery_url or "")) == (client.id, pool)
        assert len(provider.secret_arns) == 1


def test_a_secret_is_marked_also_where_no_class_of_the_sdk_says_so(run: Run) -> None:
    bare = """
        pool = aws.cognito.UserPool("pool", name="tokens")
        inputs = {"name": "c", "userPoolId": pool.id, "generateSecret": True, "clientSecret": None}
        client = pulumi.CustomResource("aws:cognito/userPoolClient:UserPoolClient", "client", inputs)
        pulumi.export("secret", client.clientSecret)
    """
    deployment = export(run(bare), CloudEnvironment())
    assert unmarked(deployment, issued(deployment)) == []
    assert by_name(deployment)["project-dev"]["outputs"]["secret"][SIGNATURE] == SECRET


def test_a_preview_has_nothing_to_hide_but_what_the_program_says(run: Run) -> None:
    deployment = export(run(program(), preview=True), CloudEnvironment())
    assert unmarked(deployment, OWN) == []
    assert OWN in json.dumps(deployment)


@pytest.mark.parametrize("preview", [False, True])
def test_no_plan_rule_or_review_quotes_a_secret(
    project: Callable[[str], Path], capfd: pytest.CaptureFixture[str], *, preview: bool
) -> None:
    planned = plan(root=project(program()), preview=preview)
    after = plan(root=project(program("renamed").replace(OWN, f"another-{OWN}")), preview=preview)
    secrets = {OWN} | (set() if preview else {issued(planned.deployment), issued(after.deployment)})
    reviewed = [*chunks(changes(planned.deployment, after.deployment))]
    told = "\n".join([describe(planned), *map(str, planned.violations), *reviewed, *capfd.readouterr()])
    assert "clientSecret: [secret] changed" in told
    assert [secret for secret in secrets if secret in told] == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"LITERAL"', '"LITERAL" * 99'),
        ('credential_provider_vendor="CustomOauth2"', 'credential_provider_vendor="GithubOauth2"'),
        ("domain = aws", "domain = pool  #"),
    ],
)
def test_no_refusal_quotes_a_secret(run: Run, before: str, after: str) -> None:
    text = (ISSUER + VAULT).replace("NAME", "client").replace(before, after).replace("LITERAL", OWN)
    with pytest.raises(ProgramError) as caught:
        run(text)
    assert "issued" in str(caught.value) or "literal" in str(caught.value)
    assert OWN not in str(caught.value)


class Wire:
    """The plugin as an engine calls it, with its account in a file."""

    def __init__(self, folder: Path) -> None:
        self._provider = Provider(FileStore(folder / "account.json"))

    def made(self, kind: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
        urn = f"urn:pulumi:dev::p::{kind}::x"
        checked = self._provider.Check(pb.CheckRequest(urn=urn, news=to_struct(inputs)), Mock())
        made = self._provider.Create(pb.CreateRequest(urn=urn, properties=checked.inputs), Mock())
        return made.id, from_struct(checked.inputs), from_struct(made.properties)

    def read(self, kind: str, made: str, **known: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        structs = {name: to_struct(value) for name, value in known.items()}
        read = self._provider.Read(pb.ReadRequest(urn=f"urn:pulumi:dev::p::{kind}::x", id=made, **structs), Mock())
        return from_struct(read.inputs), from_struct(read.properties)


def test_an_engine_gets_each_secret_with_its_mark_also_when_it_reads_and_imports(tmp_path: Path) -> None:
    wire = Wire(tmp_path)
    pool = wire.made(USER_POOL, GOOD[USER_POOL])[0]
    wire.made(RESOURCE_SERVER, GOOD[RESOURCE_SERVER] | {"userPoolId": pool})
    client, inputs, state = wire.made(APP_CLIENT, GOOD[APP_CLIENT] | {"userPoolId": pool})
    assert state["clientSecret"][SIGNATURE] == SECRET
    assert wire.read(APP_CLIENT, client, inputs=inputs, properties=state) == (inputs, state)
    assert wire.read(APP_CLIENT, f"{pool}/{client}")[1] == wire.read(APP_CLIENT, client)[1] == state
    stored = wire.made("aws:secretsmanager/secret:Secret", {"name": "s"})[0]
    for kind, given, at in (
        (
            OAUTH2_PROVIDER,
            GOOD[OAUTH2_PROVIDER],
            ("oauth2ProviderConfig", "customOauth2ProviderConfig", "clientSecret"),
        ),
        (SECRET_VERSION, {"secretId": stored, "secretString": OWN}, ("secretString",)),
        ("aws:ssm/parameter:Parameter", {"name": "/p", "type": "SecureString", "value": OWN}, ("value",)),
    ):
        made, inputs, state = wire.made(kind, given)
        for seen in (inputs, state, *wire.read(kind, made, inputs=inputs), *wire.read(kind, made)):
            value: Any = seen
            for step in at:
                value = value[step]
            assert value[SIGNATURE] == SECRET, kind

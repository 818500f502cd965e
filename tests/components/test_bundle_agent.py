"""The shipped agent: built by the recipe from the packages of this environment, unpacked, and run with nothing else.

This environment has no ADOT distro (it pins what pulumi cannot have); bench/bundle.py runs the agent with the real one.
"""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import botocore
import httpx
import pytest

from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway
from tests.agent.tokens.conftest import by_token
from tests.agent.tokens.fake_identity import FakeIdentity
from tests.shipped import shipped
from toolgate.components.observability import configuration

# The model, AgentCore, conversations in a bucket, and what botocore's providers of credentials ask: its credentials.py.
SERVICES = ["bedrock-runtime", "bedrock-agentcore", "s3", "sts", "sso", "sso-oidc", "signin"]


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip as AgentCore Runtime unpacks it."""
    return shipped(tmp_path_factory.mktemp("shipped"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of a Python without any package."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, symlinks=True)
    return folder / "bin"


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    fake = FakeGateway()
    fake.server.start()
    yield fake
    fake.server.stop()


@pytest.fixture
def bedrock() -> Iterator[FakeBedrock]:
    fake = FakeBedrock()
    fake.server.start()
    yield fake
    fake.server.stop()


@pytest.fixture
def environment(task: Path, empty: Path, gateway: FakeGateway, bedrock: FakeBedrock) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(empty), str(task / "bin"), os.defpath]),
        "PYTHONPATH": str(task),
        "HOST": "127.0.0.1",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.url,
        "BEDROCK_MODEL_ID": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "GATEWAY_URL": gateway.url,
        # What the distro would set, so that the instrumentation in this environment has nobody to tell.
        "OTEL_SDK_DISABLED": "true",
        **{name: str(value) for name, value in configuration.TELEMETRY_ENVIRONMENT.items()},
    }


@contextmanager
def serving(command: list[str], task: Path, environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        command,
        cwd=task,
        env={**environment, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            while process.poll() is None:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/ping", timeout=None)
                except httpx.ConnectError:
                    threading.Event().wait(0.02)
                else:
                    break
            assert process.poll() is None, process.communicate()[0]
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.mark.parametrize("start", [["main.py"], configuration.TELEMETRY_ENTRY_POINTS])
def test_the_agent_answers_from_the_unpacked_zip_alone(
    start: list[str], task: Path, empty: Path, environment: dict[str, str], gateway: FakeGateway
) -> None:
    wrapper, program = start[:-1], start[-1]
    command = [*(str(task / "bin" / name) for name in wrapper), str(empty / "python"), program]
    with serving(command, task, environment) as url:
        prompt = 'call math___add_numbers {"a": 100, "b": 12}'
        answer = httpx.post(f"{url}/invocations", json={"prompt": prompt}, timeout=None)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "success"
    assert "112" in answer.json()["response"]
    assert gateway.requests.count("tools/call") == 1


def test_an_invocation_over_tokens_from_the_unpacked_zip_alone(
    task: Path, empty: Path, environment: dict[str, str], gateway: FakeGateway
) -> None:
    identity = FakeIdentity()
    identity.server.start()
    gateway.tokens = identity.given
    by_tokens = {
        "GATEWAY_URL": "",
        "TOKEN_GATEWAYS": by_token(gateway.url).model_dump_json(),
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": identity.url,
    }
    with serving([str(empty / "python"), "main.py"], task, {**environment, **by_tokens}) as url:
        answer = httpx.post(f"{url}/invocations", json={"prompt": "call math___add_numbers"}, timeout=None)
    assert "112" in answer.text
    assert identity.asked() == 1
    identity.server.stop()


def test_every_client_the_agent_or_its_credentials_may_need_can_be_made(
    task: Path, empty: Path, environment: dict[str, str]
) -> None:
    program = f"import boto3\nfor name in {SERVICES}: boto3.client(name)"
    subprocess.run([str(empty / "python"), "-c", program], cwd=task, env=environment, check=True)


ENDPOINTS = """
import json, sys
import botocore.session
session = botocore.session.get_session()
resolver = session._get_internal_component("endpoint_resolver")
found = {}
for partition in json.loads(sys.argv[1]):
    for region in partition["regions"]:
        for prefix in ("bedrock-runtime", "bedrock-agentcore", "s3", "sts", "portal.sso", "oidc", "signin"):
            for fips, dual in ((False, False), (True, False), (False, True)):
                options = {"use_fips_endpoint": fips, "use_dualstack_endpoint": dual}
                try:
                    it = resolver.construct_endpoint(prefix, region, partition["partition"], **options)
                except Exception as error:
                    it = str(error)
                found[f"{prefix} {region} {fips} {dual}"] = it
    for region in partition["regions"][:2]:
        for service in sys.argv[2].split():
            client = session.create_client(service, region)
            signer = client._request_signer
            found[f"{service} {region}"] = [client.meta.endpoint_url, signer.region_name, signer.signing_name]
    for service in sys.argv[2].split():
        found[f"{service} {partition['partition']}"] = session.get_available_regions(service, partition["partition"])
print(json.dumps(found))
"""


def test_where_and_how_services_are_asked_is_as_with_all_endpoints(
    task: Path, empty: Path, environment: dict[str, str]
) -> None:
    whole = json.loads((Path(botocore.__file__).parent / "data" / "endpoints.json").read_bytes())
    # Regions that AWS has, one that it may come to have, and what services without Regions are asked by.
    partitions = [
        {"partition": it["partition"], "regions": [*it["regions"], f"{min(it['regions'])[:-1]}99", "aws-global"]}
        for it in whole["partitions"]
    ]
    assert len(partitions) >= 8
    arguments = ["-c", ENDPOINTS, json.dumps(partitions), " ".join(SERVICES)]
    here = {name: value for name, value in environment.items() if not name.startswith(("AWS_ENDPOINT_URL", "PYTHON"))}
    ours = subprocess.run([str(empty / "python"), *arguments], cwd=task, env=here, check=True, capture_output=True)
    theirs = subprocess.run([sys.executable, *arguments], env=here, check=True, capture_output=True)
    found = json.loads(ours.stdout)
    assert found == json.loads(theirs.stdout)
    assert found["s3 cn-north-1"] == ["https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1", "s3"]
    assert found["sso-oidc us-gov-west-1"][0] == "https://oidc.us-gov-west-1.amazonaws.com"
    assert (task / "botocore" / "data" / "endpoints.json").stat().st_size < 100_000


LATE = """
import importlib.util, json, sys
import lazy
lazy.install()
import server
found = {}
for name in sorted(lazy.PACKAGES | lazy.WITHOUT.keys()):
    spec = importlib.util.find_spec(name)
    path = importlib.util.cache_from_source(spec.origin).removesuffix("pyc") + "opt-late.pyc"
    data = open(path, "rb").read()
    # Made where it lies: the same as of its lines, once the name of the file is the same.
    code = spec.loader.get_code(name)
    again = spec.loader.source_to_code(spec.loader.get_data(spec.origin), spec.origin)
    found[name] = [data[:8].hex(), code == again, code.co_filename == spec.origin]
print(json.dumps(found))
"""


def test_what_the_agent_imports_late_is_compiled_in_the_zip(
    task: Path, empty: Path, environment: dict[str, str]
) -> None:
    command = [str(empty / "python"), "-c", LATE]
    done = subprocess.run(command, cwd=task, env=environment, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert len(found) > 20
    assert found == {key: [f"{importlib.util.MAGIC_NUMBER.hex()}01000000", True, True] for key in found}
    assert not [path for path in task.rglob("*opt-late.pyc") if str(task).encode() in path.read_bytes()]


# S3's checksum of what is stored is asked of botocore before anything is sent.
REMEMBERS = """
import boto3, botocore.exceptions
import lazy
lazy.install()
from bedrock_agentcore.memory.integrations.strands.bedrock_converter import AgentCoreMemoryConverter
from strands.session import S3SessionManager
once = boto3.session.Config(retries={"total_max_attempts": 1})
client = boto3.client("s3", endpoint_url="http://127.0.0.1:9", config=once)
try:
    client.put_object(Bucket="conversations", Key="a", Body=b"{}")
except botocore.exceptions.EndpointConnectionError:
    print(AgentCoreMemoryConverter.__name__, S3SessionManager.__name__)
"""


def test_what_a_durable_conversation_takes_is_in_the_zip(task: Path, empty: Path, environment: dict[str, str]) -> None:
    command = [str(empty / "python"), "-c", REMEMBERS]
    done = subprocess.run(command, cwd=task, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["AgentCoreMemoryConverter", "S3SessionManager"]


def test_what_is_left_out_is_not_there(task: Path) -> None:
    there = {path.name for path in task.iterdir()}
    assert not there & {"fastmcp", "awscrt", "grpc", "cryptography", "cffi", "beartype", "rich"}
    assert {path.name for path in (task / "bin").iterdir()} == {"opentelemetry-instrument"}
    assert {path.name for path in (task / "botocore" / "data").iterdir() if path.is_dir()} == set(SERVICES)

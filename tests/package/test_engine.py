"""Programs that use the package, under a real engine: its provider `aws` is the stand-in in this process."""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation as auto

from tests.planning import SAMPLE
from toolgate.access.deployment.deployment import parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.components import __version__
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine.provider import Provider, started

from .conftest import ROOT

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="no `pulumi` on PATH: install its CLI"),
]
TOOLS = {"math___add_numbers", "math___multiply_numbers", "math___greeting"}
MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the engine runs with; the plugin is found on PATH where the project does not name it."""
    (tmp_path / "state").mkdir()
    server, port = started(Provider(MemoryStore(), {}))
    try:
        yield {
            "PATH": f"{os.environ['PATH']}{os.pathsep}{ROOT / 'bin'}",
            "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
            "PULUMI_HOME": str(tmp_path / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "PULUMI_DEBUG_PROVIDERS": f"aws:{port}",
        }
    finally:
        server.stop(None).wait()


def may_call(stack: auto.Stack) -> dict[str, dict[str, Access]]:
    """The tools of each agent by its runtime's name, by the documents of what was deployed."""
    judged = matrix(parse({"version": 3, "deployment": stack.export_stack().deployment}))
    assert judged.unsupported == ()
    found: dict[str, dict[str, Access]] = {}
    for entry in judged.entries:
        assert entry.agent, f"somebody else may call something: {entry}"
        found.setdefault(entry.agent, {})[entry.tool] = entry.decision
    return found


def life(stack: auto.Stack) -> tuple[dict[str, dict[str, Access]], dict[str, Any]]:
    """Preview, deploy, see that nothing is left to do, judge, destroy; what was judged, and the stack's outputs."""
    stack.preview()
    outputs = stack.up().outputs
    assert stack.preview(expect_no_changes=True)
    judged = may_call(stack)
    stack.destroy()
    return judged, {name: output.value for name, output in outputs.items()}


class Remote(pulumi.ComponentResource):
    """What a generated SDK makes of a component."""

    def __init__(self, kind: str, name: str, inputs: dict[str, Any], outputs: tuple[str, ...] = ()) -> None:
        super().__init__(f"toolgate:index:{kind}", name, inputs | dict.fromkeys(outputs), remote=True)


def program() -> None:
    math: Any = Remote("LambdaTools", "math", {"directory": "lambdas/math"}, ("functionArn", "tools"))
    targets = {"math": {"functionArn": math.functionArn, "tools": math.tools}}
    outputs = ("gatewayArn", "gatewayUrl", "toolNames")
    gateway: Any = Remote("ToolGateway", "tools", {"targets": targets}, outputs)
    grant = {"gatewayArn": gateway.gatewayArn, "gatewayUrl": gateway.gatewayUrl, "tools": gateway.toolNames}
    Remote("AgentRuntime", "assistant", {"code": "agent.zip", "modelId": MODEL, "tools": [grant]})
    Remote("AgentRuntime", "without", {"code": "agent.zip", "modelId": MODEL})


def test_a_python_program(environment: dict[str, str], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    options = auto.LocalWorkspaceOptions(
        env_vars=environment,
        work_dir=str(tmp_path / "work"),
        stack_settings={"dev": auto.StackSettings(config={"aws:region": "us-east-1"})},
    )
    with contextlib.chdir(folder):
        judged, _ = life(auto.create_stack("dev", project_name="remote", program=program, opts=options))
    every = dict.fromkeys(TOOLS, Access.ALLOW)
    assert judged == {"remote_dev_assistant": every, "remote_dev_without": dict.fromkeys(TOOLS, Access.DENY)}


def needs_host(language: str, *more: Path) -> pytest.MarkDecorator:
    missing = shutil.which(f"pulumi-language-{language}") is None or not all(path.exists() for path in more)
    return pytest.mark.skipif(missing, reason=f"no pulumi-language-{language} on PATH, or no packages for it")


def generate_sdk(work: Path, environment: dict[str, str]) -> None:
    """Do what docs/package.md says, offline: with what an earlier `package add` in the example's folder downloaded."""
    project = (work / "Pulumi.yaml").read_text()
    (work / ".mvn").mkdir()
    (work / ".mvn/maven.config").write_text("--offline\n")
    added = subprocess.run(
        ["pulumi", "package", "add", "../../bin/pulumi-resource-toolgate"],
        cwd=work,
        env=os.environ | environment | {"GOPROXY": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert added.returncode == 0, added.stdout + added.stderr
    assert (work / "Pulumi.yaml").read_text() == project + f"packages:\n  toolgate: toolgate@{__version__}\n"
    (work / "Pulumi.yaml").write_text(project)


GO, JAVA = ROOT / "examples/go", ROOT / "examples/java"
# A compiler that starts from nothing takes minutes.
COMPILED = pytest.mark.timeout(900)


@pytest.mark.parametrize(
    "example",
    [
        pytest.param("yaml", marks=needs_host("yaml")),
        pytest.param("typescript", marks=needs_host("nodejs", ROOT / "examples/typescript/node_modules")),
        pytest.param("go", marks=[needs_host("go", GO / "sdks", GO / "go.sum"), COMPILED]),
        pytest.param("java", marks=[needs_host("java", JAVA / "sdks", JAVA / "target"), COMPILED]),
    ],
)
def test_an_example(environment: dict[str, str], tmp_path: Path, example: str) -> None:
    work = tmp_path / "examples" / example
    compiled = example in {"go", "java"}
    left_out = shutil.ignore_patterns("sdks", "target") if compiled else None
    shutil.copytree(ROOT / "examples" / example, work, symlinks=True, ignore=left_out)
    for name in ("bin", "components", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "lambdas").symlink_to(SAMPLE / "lambdas")
    (work / "agent.zip").write_bytes(b"a zip")
    if compiled:
        generate_sdk(work, environment)
    stack = auto.create_stack("dev", work_dir=str(work), opts=auto.LocalWorkspaceOptions(env_vars=environment))
    stack.set_all_config({"code": auto.ConfigValue("agent.zip"), "aws:region": auto.ConfigValue("us-east-1")})
    one_below_a_limit = dict.fromkeys(TOOLS, Access.DENY) | {"math___add_numbers": Access.CONDITIONAL}
    judged, outputs = life(stack)
    assert judged == {
        f"{example}_agent_dev_assistant": dict.fromkeys(TOOLS, Access.ALLOW),
        f"{example}_agent_dev_adder": one_below_a_limit,
    }
    assert outputs["gatewayUrl"].startswith(f"https://{example}-agent-dev-tools-")
    runtimes = {name: re.findall(r":runtime/(\w+)-\w+$", arn) for name, arn in outputs["agents"].items()}
    assert runtimes == {name: [f"{example}_agent_dev_{name}"] for name in ("assistant", "adder")}

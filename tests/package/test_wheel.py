"""The wheel in an environment of its own, outside this clone: components, command, a program of somebody else's.

Nothing is downloaded: set-up has filled uv's cache with what the lock names.
"""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement

import toolgate

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
EXAMPLE = ROOT / "examples" / "python"
# One for each folder; the wheel must not bring it under its own name.
OURS = (
    "access",
    "agent",
    "cli",
    "components",
    "console",
    "deployer",
    "lambdas",
    "local",
    "policy",
    "review",
    "servers",
)


def closure(name: str, extras: frozenset[str], known: set[tuple[str, frozenset[str]]]) -> None:
    """Add what a distribution needs, with all that those need."""
    if (name, extras) in known:
        return
    known.add((name, extras))
    try:
        asked = metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # an override of the lock did away with it
        return
    for requirement in map(Requirement, asked):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            closure(normal(requirement.name), frozenset(requirement.extras), known)


def normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def uv(*arguments: str | Path) -> str:
    command = [str(UV), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    uv("build", "--quiet", "--wheel", "--offline", "--no-build-isolation", "--python", sys.executable, "-o", out, ROOT)
    [built] = out.glob("*.whl")
    return built


def environment(folder: Path, wheel: Path, *extras: str) -> Path:
    """An environment with the wheel and what it asks for with these extras, in the lock's versions; its Python."""
    python = folder / "bin" / "python"
    uv("venv", "--quiet", "--python", sys.executable, folder)
    uv("pip", "sync", "--quiet", "--offline", "--require-hashes", "--python", python, "requirements/project.txt")
    uv("pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel)
    needed: set[tuple[str, frozenset[str]]] = set()
    closure("toolgate", frozenset(extras), needed)
    installed = {normal(it["name"]) for it in json.loads(uv("pip", "list", "--format=json", "--python", python))}
    surplus = installed - {name for name, _ in needed}
    assert "pytest" in surplus
    uv("pip", "uninstall", "--quiet", "--python", python, *sorted(surplus))
    share_bytecode(Path(sysconfig.get_path("purelib")), folder)
    return python


def share_bytecode(compiled: Path, folder: Path) -> None:
    """Take this environment's bytecode for the same files: compiling pulumi_aws anew takes longer than the tests."""
    [packages] = folder.glob("lib/*/site-packages")
    for cache in compiled.rglob("__pycache__"):
        there = packages / cache.relative_to(compiled)
        if there.parent.is_dir() and not there.exists():
            shutil.copytree(cache, there, copy_function=os.link)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Everything that the local deployment takes."""
    return environment(tmp_path_factory.mktemp("whole") / "env", wheel, "local")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """What a program with the components takes."""
    return environment(tmp_path_factory.mktemp("bare") / "env", wheel)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, where nothing of this clone is near."""
    folder = tmp_path_factory.mktemp("elsewhere") / "orders"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".*", "dist", "__pycache__"))
    return folder


def run(python: Path, *command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [str(python.parent / str(command[0])), *map(str, command[1:])]
    # Without bytecode every process would compile pulumi_aws anew.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(words, cwd=cwd, env=variables, capture_output=True, text=True, check=False)


def test_its_names_collide_with_nobodys(whole: Path, tmp_path: Path) -> None:
    code = f"import importlib.util; print([name for name in {OURS!r} if importlib.util.find_spec(name)])"
    done = run(whole, "python", "-c", code, cwd=tmp_path)
    assert done.stdout == "[]\n", done.stderr


def test_a_program_needs_no_more_than_the_components_do(bare: Path, tmp_path: Path) -> None:
    code = "import toolgate; print([getattr(toolgate, name) is None for name in toolgate.__all__])"
    done = run(bare, "python", "-c", code, cwd=tmp_path)
    assert done.stdout.count("False") == len(toolgate.__all__), done.stderr
    done = run(bare, "toolgate", "--version", cwd=tmp_path)
    assert done.stdout == f"toolgate, version {metadata.version('toolgate')}\n"


def test_a_command_that_needs_more_says_what_to_install(bare: Path, program: Path) -> None:
    done = run(bare, "toolgate", "plan", cwd=program)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("error: this command needs more than is installed: pip install 'toolgate[local]' (")


SLIPS = """
from toolgate import AgentRuntime, LambdaTools, ToolGateway, agent_code

LambdaTools("orders", {"directory": "x", "memory": 5})
gateway = ToolGateway("tools", {"targts": {}})
AgentRuntime("clerk", {"code": agent_code("agent"), "model_id": 5, "tools": [gateway.tools()]})
"""
SKIPPED = "[mypy]\nstrict = True\n[mypy-pulumi_aws.*]\nfollow_imports = skip\n"


def test_its_types_are_a_programs_too(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "slips.py").write_text(SLIPS)
    (tmp_path / "mypy.ini").write_text(SKIPPED)
    command = [sys.executable, "-m", "mypy", "--python-executable", str(whole), "slips.py"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert said.count(": error:") == 4, said
    for found in (
        'Extra key "memory"',
        'Missing key "targets"',
        'Extra key "targts"',
        'item "model_id" has type "str"',
    ):
        assert found in said


@contextmanager
def up(python: Path, program: Path) -> Iterator[str]:
    """Serve the program as its user would, from somewhere else; the address of its console."""
    command = [str(python.parent / "toolgate"), "up", "--program", str(program)]
    with subprocess.Popen(command, cwd=program.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            lines = list(itertools.takewhile(lambda line: "Ctrl-C ends it" not in line, process.stdout))
            [console] = [line.removeprefix("# console: ").strip() for line in lines if line.startswith("# console: ")]
            yield console
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 0


def test_a_program_of_its_own_is_planned_judged_served_and_asked(whole: Path, program: Path) -> None:
    out = program / ".local" / "dev.json"
    done = run(whole, "toolgate", "plan", "--program", program, "--out", out, cwd=program.parent)
    assert done.returncode == 0, done.stderr
    assert "Policy pack: 0 mandatory" in done.stdout
    done = run(whole, "toolgate", "access", "matrix", out, "--format", "json", cwd=program.parent)
    entries = json.loads(done.stdout)["entries"]
    assert {(it["agent"], it["tool"], it["decision"]) for it in entries if it["agent"]} == {
        ("clerk", "orders___find_order", "allow")
    }
    with up(whole, program) as console:
        for page in (ROOT / "console" / "page").iterdir():
            at = console.partition("#")[0] + ("" if page.name == "index.html" else page.name)
            assert httpx.get(at, trust_env=False).content == page.read_bytes()
        prompt = 'Call orders___find_order with {"number": "A-1"}'
        done = run(whole, "toolgate", "ask", prompt, "--local", "--program", program, cwd=program.parent)
        assert "lamp" in done.stdout, done.stderr + (program / ".local/logs/clerk.log").read_text()


def test_a_change_of_it_is_reviewed_and_its_deployer_named(whole: Path, program: Path) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    (program / ".gitignore").write_text(".local/\ndist/\n")
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message=x")):
        subprocess.run(["git", *identity, *command], cwd=program, check=True)
    tools = program / "lambdas/orders/tools.py"
    more = '\n\ndef cancel_order(number: str) -> bool:\n    """Cancel an order."""\n    return number in SHIPPED\n'
    tools.write_text(tools.read_text() + more)
    done = run(whole, "toolgate", "review", "--base", "HEAD", "--program", program, cwd=program.parent)
    assert done.returncode == 0, done.stderr
    assert "- agent `clerk` may newly call `orders___cancel_order` (`dev`)" in done.stdout
    done = run(whole, "toolgate", "deployer", "--program", program, cwd=program.parent)
    assert done.returncode == 0, done.stderr
    arns = [arn for it in json.loads(done.stdout)["Statement"] for arn in it["Resource"]]
    assert any(":role/orders-dev-clerk-role" in arn for arn in arns)

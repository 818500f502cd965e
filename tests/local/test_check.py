"""`make check`, on a program with tools of its own: what passes, and that what is wrong is found and named."""

import shutil
from pathlib import Path

import pytest

from tests.planning import ROOT, copy_project, planned
from toolgate.local import check
from toolgate.local.plan import PackError, Plan, Violation

TOOLS = '''"""A shop."""

import boto3
from dispatch import ToolError
from settings import CURRENCY


def price(sku: str) -> str:
    """Say what something costs."""
    if not sku:
        raise ToolError(f"Say what to {boto3.__name__}.")
    return f"1 {CURRENCY}"
'''
TESTS = """import warnings

import pytest
from dispatch import ToolError
from tools import price


def test_price() -> None:
    warnings.warn("not ours to judge", stacklevel=1)
    assert price("x") == "1 EUR"
    with pytest.raises(ToolError):
        price("")
"""
INTERCEPTOR = '''"""Limits of the shop."""

from intercept import Call, Verdict, allow, deny, on_call
from most import MOST


@on_call("shop___price")
def limited(call: Call) -> Verdict:
    """Refuse what is too long."""
    return deny("too long") if len(call.arguments["sku"]) > MOST else allow()
'''
INTERCEPTOR_TESTS = """from intercept import Call, allow, deny
from interceptor import limited


def test_limited() -> None:
    assert limited(Call("shop___price", {"sku": "x"})) == allow()
    assert limited(Call("shop___price", {"sku": "xxxx"})) == deny("too long")
"""
AGENT = '''"""Answers by itself."""

from settings import GREETING


def answer(name: str) -> str:
    """Greet somebody."""
    return GREETING + name
'''
AGENT_TESTS = """from main import answer


def test_answer() -> None:
    assert answer("Ann") == "Hello, Ann"
"""
VIOLATION = Violation("no-open-door", "mandatory", "urn:pulumi:dev::p::aws:iam/role:Role::door", "Open.\nClose it.")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program without pyproject.toml; its target imports boto3, and a file that is named like one of the agent's."""
    project = copy_project(tmp_path_factory.mktemp("shop"))
    target = project / "lambdas" / "shop"
    (project / "lambdas" / "math").rename(target)
    (target / "tests").mkdir()
    (target / "tools.py").write_text(TOOLS)
    (target / "settings.py").write_text('"""The shop\'s settings."""\n\nCURRENCY = "EUR"\n')
    (target / "tests" / "test_tools.py").write_text(TESTS)
    interceptor = project / "interceptors" / "limits"
    (interceptor / "tests").mkdir(parents=True)
    (interceptor / "interceptor.py").write_text(INTERCEPTOR)
    (interceptor / "most.py").write_text('"""The shop\'s most."""\n\nMOST = 3\n')
    (interceptor / "tests" / "test_interceptor.py").write_text(INTERCEPTOR_TESTS)
    agent = project / "agents" / "greeter"
    (agent / "tests").mkdir(parents=True)
    (agent / "main.py").write_text(AGENT)
    (agent / "settings.py").write_text('"""The greeter\'s settings."""\n\nGREETING = "Hello, "\n')
    (agent / "requirements.in").write_text("")
    (agent / "tests" / "test_main.py").write_text(AGENT_TESTS)
    for shipped in ("dispatch.py", "secret_values.py"):  # what a program of one's own does without
        (project / "lambdas" / shipped).unlink()
    shutil.rmtree(project / "interceptors" / "shown_tools")  # of the stack jwt, which goes as well
    for stack in ("agents", "gateways", "jwt", "prod"):
        (project / f"Pulumi.{stack}.yaml").unlink()
    return project


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program and the agent are the project's: their types are found in order elsewhere, and take a while."""
    monkeypatch.setattr(check, "OWN", tuple(check.CODE))


def test_a_program_in_order_passes(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(shop) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok      plan of dev: 0 mandatory, 2 advisory violations",
        "ok      lint",
        "ok      layout",
        "ok      types of shop",
        "ok      tests of shop",
        "ok      types of interceptors/limits",
        "ok      tests of interceptors/limits",
        "ok      types of agent agents/greeter",
        "ok      tests of agent agents/greeter",
    ]


def test_what_is_wrong_is_found_and_named(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(shop, broken, symlinks=True)
    shutil.copy(ROOT / "pyproject.toml", broken)
    tools = broken / "lambdas" / "shop" / "tools.py"
    tools.write_text(TOOLS.replace('f"1 {CURRENCY}"', "str(CURRENCY+1)").replace("A shop.", "A shop"))
    interceptor = broken / "interceptors" / "limits" / "interceptor.py"
    interceptor.write_text(INTERCEPTOR.replace('"too long"', "404"))
    agent = broken / "agents" / "greeter" / "main.py"
    agent.write_text(AGENT.replace("GREETING + name", "len(GREETING + name)"))
    (broken / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n  toolgate:authorisation: tool\n")
    assert check.main(broken) == 1
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if not line.startswith(" ")] == [
        *(f"FAILED  {name}" for name in ("plan of dev", "lint", "layout", "types of shop", "tests of shop")),
        *(f"FAILED  {name} of interceptors/limits" for name in ("types", "tests")),
        *(f"FAILED  {name} of agent agents/greeter" for name in ("types", "tests")),
    ]
    for words in (
        "Did you mean 'authorization'?",
        "D415",
        "+    return",
        "Unsupported operand types",
        "TypeError",
        "incompatible type",
        'got "int", expected "str"',
        "assert 10 == 'Hello, Ann'",
    ):
        assert words in said


def test_packages_may_bring_a_module_that_mypy_has_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, installed = tmp_path / "agent", tmp_path / ".cache" / "packages" / "some"
    for folder in (agent, installed):
        folder.mkdir(parents=True)
    (installed / "typing_extensions.py").write_text("def override(it): return it\n")
    (installed / "sums.py").write_text("def sum_of(a: int, b: int) -> int:\n    return a + b\n\n\nwrong: str = 1\n")
    (installed / "untyped.py").write_text("def nothing(): pass\n")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\n")
    (agent / "main.py").write_text("import typing_extensions\nfrom sums import sum_of\n\nX: str = sum_of(1, 2)\n")
    monkeypatch.setattr(check, "packages", lambda *_: installed)
    [types] = [it.result() for it in check._apart(tmp_path, "agent", agent, ()) if not isinstance(it, check.Result)]
    assert not types.passed
    assert [line.partition("error: ")[2] for line in types.said.splitlines()] == [
        'Incompatible types in assignment (expression has type "int", variable has type "str")  [assignment]'
    ]
    (agent / "main.py").write_text("import untyped\n\nuntyped.nothing()\n")
    again = [it.result() for it in check._apart(tmp_path, "agent", agent, ()) if not isinstance(it, check.Result)]
    assert [it.passed for it in again] == [True]


def test_a_violation_fails_with_what_to_do(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    advice = Violation("advice", "advisory", VIOLATION.urn, "Think.")
    made = Plan(planned().deployment, (advice, VIOLATION))
    monkeypatch.setattr(check, "plan", lambda *_, **__: made)
    monkeypatch.setattr(check, "_started", lambda _: iter(()))
    said = "1 mandatory, 1 advisory violations\nno-open-door: door\n    Open.\n    Close it."
    assert list(check.results(shop)) == [check.Result("plan of dev", False, said)]


def test_a_pack_that_does_not_run_is_a_failure_and_leaves_no_process(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Plan:
        raise PackError("the pack failed")

    monkeypatch.setattr(check, "plan", fail)
    found = check.results(shop)
    assert next(found) == check.Result("plan of dev", False, "the pack failed")
    running = [it.process for it in found.gi_frame.f_locals["running"]]  # type: ignore[attr-defined]  # a generator
    assert running
    found.close()  # type: ignore[attr-defined]  # as above
    assert [process.poll() is None for process in running] == [False] * len(running)

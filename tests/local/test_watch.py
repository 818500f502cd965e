"""What an edit leads to: at once, planned anew, or a mistake that leaves everything as it is."""

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import toolgate
from toolgate.local import watch
from toolgate.local.watch import PlanError, Watching, look

TOOLS = '''"""Tools."""
import json

RATE = 2

class Words(str): ...

def double(n: int) -> int:
    """Double.

    Args:
        n: What.
    """
    def inner() -> int:
        return n
    return inner() * RATE

async def later(n: int) -> int:
    """Later."""
    return n
'''
FILE = Path("tools.py")


def edited(old: str, new: str) -> str:
    assert old in TOOLS
    return TOOLS.replace(old, new)


@pytest.mark.parametrize(
    "source",
    [
        edited("return inner() * RATE", "raise ValueError"),
        edited("        return n\n    return inner", "        return n + 1\n    return inner"),
        edited('    """Later."""\n    return n', '    """Later."""\n    import csv\n    return n'),
        edited("\nRATE", "\n# How much.\nRATE"),
    ],
)
def test_a_body_decides_nothing_of_what_is_deployed(source: str) -> None:
    assert look(FILE, source) == look(FILE, TOOLS)


@pytest.mark.parametrize(
    "source",
    [
        edited("def double(n: int)", "def double(n: float)"),
        edited("def double(n: int)", "def double(n: int = 1)"),
        edited("    Args:\n        n: What.\n", ""),
        edited('"""Later."""', '"""Sooner."""'),
        edited("RATE = 2", "RATE = 3"),
        edited("import json", "import httpx"),
        edited("async def later", "def later"),
        edited("def double", "def twice"),
        edited("class Words(str): ...", "class Words(int): ..."),
        edited("    return n\n", "    return (\n"),
    ],
)
def test_everything_else_is_looked_at(source: str) -> None:
    assert look(FILE, source) != look(FILE, TOOLS)


def test_data_has_no_look() -> None:
    assert look(Path("words.json"), "{") == look(Path("words.json"), "")


class Serving:
    """Keeps what it is told; `broken` is what it cannot serve."""

    def __init__(self) -> None:
        self.served: list[Any] = []
        self.replaced: list[tuple[str, dict[str, bytes]]] = []
        self.broken: Exception | None = None

    def reload(self, deployment: Mapping[str, Any]) -> None:
        if self.broken:
            raise self.broken
        self.served.append(deployment)

    def replace_files(self, function: str, files: Mapping[str, bytes]) -> None:
        self.replaced.append((function, dict(files)))


def deployment(code: str = "1", **more: Any) -> dict[str, Any]:
    component = {"urn": "urn:c", "type": "toolgate:index:LambdaTools", "inputs": {"directory": "lambdas/shop"}}
    function = {
        "urn": "urn:f",
        "type": "aws:lambda/function:Function",
        "parent": "urn:c",
        "inputs": {"name": "dev-shop", "code": code, **more},
        "outputs": {"code": code},
    }
    return {"version": 3, "deployment": {"resources": [component, function]}}


class Program:
    """A program in a folder, that is being watched."""

    def __init__(self, root: Path) -> None:
        self.shop = root / "lambdas" / "shop"
        self.shop.mkdir(parents=True)
        (self.shop / "tools.py").write_text(TOOLS)
        (self.shop / "words.json").write_text("{}")
        self.serving, self.said, self.announced = Serving(), [""][:0], 0
        self.planned: Mapping[str, Any] | Exception = deployment("2")
        self.watching = Watching(
            root, deployment(), self.plan, self.serving, self.announce, self.said.append, (RuntimeError,)
        )
        self.watching.start()

    def plan(self) -> Mapping[str, Any]:
        if isinstance(self.planned, Exception):
            raise self.planned
        return self.planned

    def announce(self) -> None:
        self.announced += 1

    def edit(self, name: str, text: str) -> None:
        self.save(name, text)
        self.watching.settle()

    def save(self, name: str, text: str) -> None:
        (self.shop / name).write_text(text)
        self.watching.changed([self.shop / name])


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setattr(watch, "SETTLED_SECONDS", 0)
    return Program(tmp_path)


def test_a_body_is_replaced_at_once_and_nothing_is_served_anew(program: Program) -> None:
    source = edited("* RATE", "* 3")
    program.edit("tools.py", source)
    assert program.serving.replaced == [("dev-shop", {"tools.py": source.encode()})]
    assert program.serving.served == []
    assert "lambdas/shop/tools.py: answers the next call (" in program.said[0]


def test_an_interceptors_body_is_replaced_in_the_functions_of_all_gateways_that_ask_it(tmp_path: Path) -> None:
    folder = tmp_path / "interceptors" / "limits"
    folder.mkdir(parents=True)
    (folder / "interceptor.py").write_text(TOOLS)
    (folder / "settings.py").write_text("")
    kind = "toolgate:index:GatewayInterceptor"
    resources = [
        it
        for name in ("one", "two")
        for it in (
            {"urn": f"urn:{name}", "type": kind, "inputs": {"folder": "interceptors/limits", "points": ["REQUEST"]}},
            {
                "urn": f"urn:{name}-f",
                "type": "aws:lambda/function:Function",
                "parent": f"urn:{name}",
                "inputs": {"name": name},
            },
        )
    ]
    made = {"version": 3, "deployment": {"resources": resources}}
    serving, said = Serving(), [""][:0]
    watching = Watching(tmp_path, made, lambda: made, serving, lambda: None, said.append, (RuntimeError,))
    watching.start()
    source = edited("* RATE", "* 3")
    (folder / "interceptor.py").write_text(source)
    watching.changed([folder / "interceptor.py"])
    assert serving.replaced == [(name, {"interceptor.py": source.encode()}) for name in ("one", "two")]
    (folder / "settings.py").write_text("MEMORY = 1")
    watching.changed([folder / "settings.py"])
    assert len(serving.replaced) == 2


def test_bodies_that_are_saved_one_after_another_wait_for_no_plan(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.planned = PlanError("asked too early")
    monkeypatch.setattr(watch, "SETTLED_SECONDS", 3600)
    program.edit("tools.py", edited("* RATE", "* 3"))
    program.edit("words.json", "[]")
    assert [files for _, files in program.serving.replaced] == [
        {"tools.py": edited("* RATE", "* 3").encode()},
        {"words.json": b"[]"},
    ]
    assert all("answers the next call" in said for said in program.said)
    monkeypatch.setattr(watch, "SETTLED_SECONDS", 0)
    program.watching.settle()
    program.watching.settle()
    assert program.said[2:] == ["lambdas/shop/tools.py, lambdas/shop/words.json: asked too early"]


def test_what_was_replaced_is_planned_with_what_is_changed_next(program: Program) -> None:
    program.save("tools.py", edited("* RATE", "* 3"))
    program.save("new.py", "")
    assert program.serving.served == [program.planned]
    program.planned = PlanError("asked twice")
    program.watching.settle()
    assert "asked twice" not in "".join(program.said)


def test_what_was_replaced_does_not_outlive_a_plan_without_it(program: Program) -> None:
    program.planned = PlanError("not yet")
    program.edit("tools.py", edited("* RATE", "* 3"))
    program.planned = program.watching.deployment
    (program.shop / "tools.py").write_text(TOOLS)
    program.watching.changed([program.shop / "tools.py", program.watching.root / "Pulumi.dev.yaml"])
    assert program.serving.served == [program.planned]


def test_data_is_replaced_at_once(program: Program) -> None:
    program.edit("words.json", "[]")
    assert program.serving.replaced == [("dev-shop", {"words.json": b"[]"})]


def test_a_mistake_that_the_plan_finds_in_a_body_is_told(program: Program) -> None:
    program.planned = PlanError("tools.py:3: imports 'httpx'")
    program.edit("tools.py", edited("return n\n", "import httpx\n    return n\n"))
    assert program.serving.replaced
    assert program.said[-1] == "lambdas/shop/tools.py: tools.py:3: imports 'httpx'"


def test_what_a_body_alone_cannot_have_changed_is_served_anew(program: Program) -> None:
    program.planned = deployment("2", timeout=9)
    program.edit("tools.py", edited("* RATE", "* 3"))
    assert program.serving.served == [program.planned]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tools.py", edited("n: int", "n: float")),
        ("new.py", ""),
        ("target.py", ""),
        ("requirements.txt", ""),
    ],
)
def test_everything_else_is_planned_and_served(program: Program, name: str, text: str) -> None:
    program.edit(name, text)
    assert program.serving.replaced == []
    assert program.serving.served == [program.planned]
    assert program.announced == 1
    assert "planned anew and served" in program.said[0]
    # What is served now is what the next edit is compared with.
    program.edit(name, text)
    assert len(program.serving.served) == 1


def test_a_mistake_changes_nothing(program: Program) -> None:
    program.planned = PlanError("tools.py:8: `complex` cannot be expressed")
    program.edit("tools.py", edited("n: int", "n: complex"))
    assert (program.serving.replaced, program.serving.served) == ([], [])
    assert program.said == [
        "lambdas/shop/tools.py: tools.py:8: `complex` cannot be expressed\nWhat was there before is served on."
    ]
    # Once it is mended the body is like the one that is served.
    program.planned = deployment()
    program.edit("tools.py", TOOLS)
    assert program.serving.served == []


def test_what_cannot_be_served_is_told(program: Program) -> None:
    program.serving.broken = RuntimeError("the agent did not come up")
    program.edit("new.py", "")
    assert program.said == ["lambdas/shop/new.py: the agent did not come up\nWhat was there before is served on."]
    program.serving.broken = None
    program.edit("new.py", "1")
    assert program.serving.served == [program.planned]


def test_what_lies_elsewhere_is_named_whole(program: Program, tmp_path: Path) -> None:
    elsewhere = tmp_path.parent / "dispatch.py"
    elsewhere.touch()
    program.watching.changed([elsewhere])
    assert program.said[0].startswith(f"{elsewhere}: planned anew")


def test_files_of_a_moment_are_passed_over(program: Program) -> None:
    program.watching.changed([program.shop / "4913"])
    assert (program.said, program.serving.served) == ([], [])


def test_files_and_new_folders_are_seen(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    over, settled = threading.Event(), threading.Event()
    monkeypatch.setattr(Watching, "settle", lambda _self: settled.set())
    monkeypatch.setattr(Watching, "changed", lambda _self, paths: seen.extend(sorted(path.name for path in paths)))
    watching = threading.Thread(target=watch.until, args=(over.is_set, program.watching))
    watching.start()

    def expect(name: str, write: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while name not in seen and time.monotonic() < deadline:
            write()
            time.sleep(0.05)
        assert name in seen

    root = program.watching.root
    try:
        expect("tools.py", lambda: (program.shop / "tools.py").write_text(str(time.time())))
        expect("Pulumi.dev.yaml", lambda: (root / "Pulumi.dev.yaml").write_text(str(time.time())))
        (root / "lambdas" / "new").mkdir()
        expect("other.py", lambda: (root / "lambdas" / "new" / "other.py").write_text(str(time.time())))
        # A folder of the program's that is made while it is watched, and what is written there from then on.
        (root / "apis").mkdir()
        expect("apis", lambda: None)
        expect("openapi.json", lambda: (root / "apis" / "openapi.json").write_text(str(time.time())))
        shutil.rmtree(root / "apis")  # and one that goes ends nothing
        seen.clear()
        expect("tools.py", lambda: (program.shop / "tools.py").write_text(str(time.time())))
        assert not {"__pycache__", ".hidden"} & set(seen)
        assert settled.wait(60)
    finally:
        over.set()
        watching.join()


@pytest.mark.parametrize("name", ["agent", "interceptors", "lambdas", "servers"])
def test_what_is_deployed_of_ours_is_watched(name: str) -> None:
    assert watch._is_watched(Path(toolgate.__file__).parents[2] / name)


def test_the_folder_with_the_links_to_what_is_ours_is_not_watched() -> None:
    links = Path(toolgate.__file__).parents[1]
    assert links.name == "src"
    assert not watch._is_watched(links)

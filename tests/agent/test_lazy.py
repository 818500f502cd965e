"""What `lazy` puts off is there all the same, and is what the library itself has in its place."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lazy
from tests.agent.conftest import AGENT

EVERY_NAME = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
import lazy
if sys.argv[2] == "lazily":
    lazy.install()
    import server
    import strands._context_manager.context_manager  # as an Agent does when it is made
# First: to look into some modules is to run them.
unneeded = [name for name in sys.argv[3].split() if name in sys.modules]
finders = {name: getattr(it, "__dict__", {}).get("__getattr__") for name, it in list(sys.modules.items())}
late = [name for name, find in finders.items() if getattr(find, "__module__", "") == "lazy"]
found = {}
for module in sorted(lazy.PACKAGES | lazy.WITHOUT.keys()):
    it = importlib.import_module(module)
    wanted = json.loads(sys.argv[4]).get(module) or [name for name in vars(it) if not name.startswith("__")]
    for name in wanted:
        value = getattr(it, name)
        of = "" if isinstance(value, type(sys)) else getattr(value, "__module__", "")
        where = of, getattr(value, "__qualname__", getattr(value, "__name__", ""))
        found[f"{module}:{name}"] = [str(one) for one in where]
print(json.dumps([late, unneeded, found]))
"""
# What the agent runs none of: found by -X importtime, and half of its start.
UNNEEDED = (
    "mcp.server mcp.client.session_group jsonschema pydantic_settings s3transfer sqlite3 click rich h2 "
    "strands.vended_plugins.context_offloader strands._context_manager.strategies strands.experimental.steering "
    "strands.experimental.agent_config "
    "strands.bidi strands.session.s3_session_manager "
    "bedrock_agentcore.runtime.agent_core_runtime_client bedrock_agentcore.runtime.shell websockets yaml "
    "packaging.specifiers botocore.docs.method boto3.docs.service watchdog.observers logging.handlers"
)


def run(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EVERY_NAME, str(AGENT), *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def test_every_name_is_what_it_is_without() -> None:
    _, _, eager = run("eagerly", "", "{}")
    names: dict[str, list[str]] = {module: [] for module in (*lazy.PACKAGES, *lazy.WITHOUT)}
    for place in eager:
        module, _, name = place.partition(":")
        names[module].append(name)
    late, unneeded, found = run("lazily", UNNEEDED, json.dumps(names))
    assert found == eager
    assert len(found) > 200
    # A package that another version has changed is run as it is: slower, and to be looked at here.
    assert set(late) == lazy.PACKAGES | lazy.WITHOUT.keys()
    assert unneeded == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '"""Text."""\nfrom .a import b as c\nfrom p.d import e\n__all__ = ["c", "e"]',
            {"c": ("p.a", "b"), "e": ("p.d", "e")},
        ),
        ("from . import a", {"a": ("p.a", None)}),
        ("from .a import *", None),
        ("from .a import b\nb()", None),
        ("from .a import b\nc = b", None),
        ("from .a import b\ndef __getattr__(name): return b", None),
        ("from .a import b\ndef __getattr__(name): return name", {"b": ("p.a", "b")}),
        ("from .a import b\nimport sys", None),
        ("try:\n  from .a import b\nexcept ImportError: pass", None),
        ("from .a import module", None),  # Python puts the module in its place once that is imported
        ("from . import module", {"module": ("p.module", None)}),
    ],
)
def test_what_is_read_of_a_package(source: str, expected: Any, tmp_path: Path) -> None:
    (tmp_path / "module.py").touch()
    assert lazy.names(ast.parse(source).body, "p", tmp_path) == expected


def test_what_is_run_without_a_package() -> None:
    body = ast.parse(
        "import os\nfrom x.y import A\nB = A\nC = 1\ndef d(): return B\nclass E(A): pass\nfrom xx import F"
    ).body
    kept, origins, missing = lazy.without(body, "x", "p")
    assert [ast.unparse(it) for it in kept] == ["import os", "C = 1", "from xx import F"]
    assert origins == {"A": ("x.y", "A")}
    assert missing == {"B", "d", "E"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('def a():\n    """Text."""\n    return y', 'def a():\n    """Text."""\n    from x import y\n    return y'),
        ("async def a():\n    return y", "async def a():\n    from x import y\n    return y"),
        (
            "class A:\n\n    def a(self):\n        return lambda: (z, m)",
            "class A:\n\n    def a(self):\n        from x import m\n        from x.v import u as z\n"
            "        return lambda: (z, m)",
        ),
        (
            "def a():\n\n    def b():\n        return y",
            "def a():\n\n    def b():\n        from x import y\n        return y",
        ),
        (
            "def a(b):\n    if b:\n        return y\n    elif z:\n        pass",
            "def a(b):\n    if b:\n        from x import y\n        return y\n    else:\n"
            "        from x.v import u as z\n        if z:\n            pass",
        ),
        (
            "def a(b):\n    try:\n        pass\n    except m:\n        y()\n    finally:\n        z()",
            "def a(b):\n    from x import m\n    try:\n        pass\n    except m:\n"
            "        from x import y\n        y()\n    finally:\n        from x.v import u as z\n        z()",
        ),
        (
            "def a(b):\n    match b:\n        case 1 if m:\n            y()",
            "def a(b):\n    from x import m\n    match b:\n        case 1 if m:\n"
            "            from x import y\n            y()",
        ),
        (
            "def a():\n    while y:\n        [y for y in z]",
            "def a():\n    from x import y\n    while y:\n        from x import y\n        from x.v import u as z\n"
            "        [y for y in z]",
        ),
        (
            "def a():\n\n    class B(y):\n\n        def c(self):\n            return m",
            "def a():\n    from x import m\n    from x import y\n\n    class B(y):\n\n        def c(self):\n"
            "            return m",
        ),
        ("def a():\n    b: y = 1", "def a():\n    b: y = 1"),
        ("def a():\n    for y in b:\n        y()", "def a():\n    for y in b:\n        y()"),
        ("def a():\n    import y\n    y()", "def a():\n    import y\n    y()"),
        (
            "def a():\n    y = 1\n\n    def b():\n        nonlocal y\n        y = z",
            "def a():\n    y = 1\n\n    def b():\n        nonlocal y\n        from x.v import u as z\n        y = z",
        ),
        (
            "def a():\n\n    @y\n    def b(c=m):\n        y = z\n        return y",
            "def a():\n    from x import m\n    from x import y\n\n    @y\n    def b(c=m):\n"
            "        from x.v import u as z\n        y = z\n        return y",
        ),
        ("def a(y):\n    return y", "def a(y):\n    return y"),
        ("def a():\n    b = 1\n    import c", "def a():\n    b = 1\n    import c"),
        ("def a(b=y):\n    pass", None),
        ("def a(b: y):\n    pass", None),
        ("@y\ndef a():\n    pass", None),
        ("a = lambda: y", None),
        ("class a(y):\n    pass", None),
        ("class a:\n    b = y", None),
        ("def a():\n    global y\n    y = 1", None),
    ],
)
def test_functions_import_what_they_use_of_it(source: str, expected: str | None) -> None:
    imports = "from x import y\nfrom x.v import u as z\nfrom x import m\n"
    kept, origins, missing = lazy.without(ast.parse(imports + source).body, "x", "p")
    assert origins == {"y": ("x", "y"), "z": ("x.v", "u"), "m": ("x", "m")}
    assert [ast.unparse(it) for it in kept] == ([expected] if expected else [])
    assert missing == (set() if expected else {"a"})


def test_annotations_that_are_texts_need_nothing() -> None:
    source = "from __future__ import annotations\nfrom x import y\ndef a(b: y) -> y:\n    return y\nclass c:\n    d: y"
    kept, _, missing = lazy.without(ast.parse(source).body, "x", "p")
    assert [ast.unparse(it) for it in kept] == [
        "from __future__ import annotations",
        "def a(b: y) -> y:\n    from x import y\n    return y",
    ]
    assert missing == {"c"}  # a class may be asked for what its attributes are


def test_a_module_without_another_of_its_package() -> None:
    kept, origins, missing = lazy.without(
        ast.parse("from .a import b\nfrom . import c as d\ndef e(): b(d)").body, "p", "p"
    )
    assert origins == {"b": ("p.a", "b"), "d": ("p.c", None)}
    assert [ast.unparse(it) for it in kept] == ["def e():\n    from p.a import b\n    from p import c as d\n    b(d)"]
    assert missing == set()


def test_what_functions_import_is_what_the_module_has() -> None:
    program = """
import sys; sys.path.insert(0, sys.argv[1])
import lazy; lazy.install()
from packaging.requirements import InvalidRequirement, Requirement
before = "packaging.specifiers" in sys.modules
asked = Requirement("a[c, b]>=1,<2; python_version > '3'")
try:
    Requirement("!")
except InvalidRequirement:
    print(before, str(asked).replace(" ", ""), asked == Requirement(str(asked)))
import boto3
client = boto3.client("sts", region_name="eu-west-1")
print("botocore.docs.method" in sys.modules, "Returns a set of" in client.assume_role.__doc__.__str__())
import logging.config
logging.config.dictConfig({"version": 1, "incremental": True})
print(type(logging.config).__name__)
"""
    done = subprocess.run([sys.executable, "-c", program, str(AGENT)], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        'False a[b,c]<2,>=1;python_version>"3" True',
        "False True",
        "module",
    ]


def test_a_module_within_one_that_is_not_whole_does_not_take_its_names_place() -> None:
    program = """
import sys; sys.path.insert(0, sys.argv[1])
import lazy; lazy.install()
import uvicorn, uvicorn.main
print(callable(uvicorn.main), uvicorn.Server.__module__, callable(uvicorn.main))
"""
    done = subprocess.run([sys.executable, "-c", program, str(AGENT)], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "uvicorn.server", "True"]


def test_models_are_built_when_they_are_used() -> None:
    program = """
import sys; sys.path.insert(0, sys.argv[1])
import lazy; lazy.install()
from mcp import types
before = types.ListToolsResult.__pydantic_complete__
tools = types.ListToolsResult.model_validate({"tools": [{"name": "a", "inputSchema": {"type": "object"}}]})
print(before, types.ListToolsResult.__pydantic_complete__, tools.tools[0].name)
"""
    done = subprocess.run([sys.executable, "-c", program, str(AGENT)], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True", "a"]

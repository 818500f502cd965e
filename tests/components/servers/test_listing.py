"""What a plan reads of a server, and what a server cannot do to it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.components.servers.conftest import ADD, HEAD, Folder
from toolgate.components.checks.arguments import UsageError
from toolgate.components.servers import listing
from toolgate.components.servers.listing import Listing

LOW_LEVEL = """
import asyncio
from mcp import types
from mcp.server.lowlevel import Server
from other import DESCRIPTION

print("what it prints is no part of the listing")
_server = Server("low")

@_server.list_tools()
async def tools(request: types.ListToolsRequest) -> types.ListToolsResult:
    await asyncio.sleep(0)
    page = int(request.params.cursor or 0) if request.params else 0
    tool = types.Tool(name=f"tool{page}", description=DESCRIPTION, inputSchema={"type": "object"})
    return types.ListToolsResult(tools=[tool], nextCursor=str(page + 1) if page < 2 else None)
"""


def test_fastmcp(folder: Folder) -> None:
    [tool] = listing.read(folder(ADD)).tools
    assert (tool["name"], tool["description"], tool["inputSchema"]["required"]) == ("add", "Add two numbers.", ["a"])


def test_the_low_level_server_with_pages_and_further_modules(folder: Folder) -> None:
    read = listing.read(folder(LOW_LEVEL, other="DESCRIPTION = 'Does it.'\n"))
    assert [(tool["name"], tool["description"]) for tool in read.tools] == [(f"tool{n}", "Does it.") for n in range(3)]
    assert (read.prompts, read.resources) == ([], [])


def test_prompts_and_resources(folder: Folder) -> None:
    more = """
@server.prompt()
def greet() -> str:
    return "Greet."

@server.resource("data://one")
def one() -> str:
    return "1"

@server.resource("data://all/{name}")
def each(name: str) -> str:
    return name
"""
    read = listing.read(folder(ADD + more))
    assert (read.prompts, read.resources) == (["greet"], ["data://one", "data://all/{name}"])


def test_what_was_read_is_kept_until_something_changes(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = listing.read(folder(ADD))
    monkeypatch.setattr("subprocess.Popen", None)
    assert listing.read(folder(ADD)) == first
    with pytest.raises(TypeError):
        listing.read(folder(ADD + "\n"))


def test_several_are_read_and_every_mistake_is_told(folder: Folder) -> None:
    good = folder(ADD, "good")
    assert listing.read_all({"good": good}) == {"good": listing.read(good)}
    with pytest.raises(UsageError) as raised:
        listing.read_all({"one": folder("import nowhere", "one"), "good": good, "two": folder("", "two")})
    assert [line.split(":")[0] for line in str(raised.value).splitlines()] == [
        "servers/one/server.py",
        "servers/two/server.py",
    ]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("x = 1\n", r"server.py: has no MCP server object .* Write `server = FastMCP"),
        (HEAD + "other = FastMCP('b')\n", r"server.py: has several MCP server objects, other and server"),
        ("def f(:\n", r"server.py:1: is not valid Python: invalid syntax"),
        ("import os\n\nTABLE = os.environ['TABLE']\n", r"server.py:3: cannot be read: KeyError: 'TABLE'\. .* lifespan"),
        (
            "import nowhere\n",
            r"server.py:1: imports 'nowhere', which AgentCore Runtime will not have\. Add its package",
        ),
        ("def f():\n    import pulumi\n" + HEAD, r"server.py:2: imports 'pulumi', which AgentCore Runtime will not"),
        ("from mcp import nothing\n", r"server.py:1: cannot be read: ImportError: cannot import name 'nothing'"),
        ("import sys\nsys.exit(3)\n", r"server.py:2: cannot be read: SystemExit: 3"),
        ("import os\nos._exit(3)\n", r"server.py: ended Python itself, with 3"),
        ("raise RuntimeError\n", r"server.py:1: cannot be read: RuntimeError\."),
        ("x = bytearray(10**12)\n", r"server.py:1: cannot be read: MemoryError"),
        ("from deep import f\nf()\n", r"deep.py:2: cannot be read: ValueError: deep"),
        (HEAD + "server.run('streamable-http')\n", r"server.py:4: socket.bind is refused: .* may not use the network"),
        (
            "from urllib.request import urlopen\ntry:\n    urlopen('http://127.0.0.1:9')\nexcept OSError:\n    pass\n"
            + HEAD,
            r"server.py:3: socket.(getaddrinfo|connect) is refused",
        ),
        (
            "from mcp.server import Server\ns = Server('')\n@s.list_tools()\nasync def f():\n    raise ValueError(7)\n",
            r"server.py:5: cannot be read: ValueError: 7",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(folder: Folder, source: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        listing.read(folder(source, deep="def f():\n    raise ValueError('deep')\n"))
    assert not list(Path("dist").glob("listing*"))


@pytest.mark.parametrize("busy", ["while True:\n    pass", "import threading\nthreading.Event().wait()"])
def test_one_that_takes_too_long_is_ended_where_it_is(folder: Folder, busy: str) -> None:
    with pytest.raises(UsageError, match=r"server.py:[12]: takes more than 1 s to be imported"):
        listing.read(folder(busy), seconds=1)


def test_what_it_has_started_ends_with_it(folder: Folder, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # Whoever has the other end open is seen to be gone when there is nothing more to read.
    left = f"import subprocess\nsubprocess.Popen(['sh', '-c', 'exec 3>{fifo}; sleep 600'])\n"
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    listing.read(folder(left + ADD))
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_too_much_is_told(folder: Folder) -> None:
    with pytest.raises(UsageError, match=r"lists \d+ bytes of tools; AgentCore takes at most 1048576"):
        listing.read(folder(ADD.replace("Add two numbers.", "Add. " * 300_000)))


def test_neither_variables_nor_credentials_come_to_it(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    source = ADD.replace('"""Add two numbers."""', "").replace(
        "@server.tool()", "import os, json\n@server.tool(description=json.dumps(sorted(os.environ)))"
    )
    [tool] = listing.read(folder(source)).tools
    assert json.loads(tool["description"]) == ["HOME", "LC_ALL", "PATH", "PYTHONHASHSEED", "TMPDIR"]


def test_it_writes_nowhere_else(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    source = f"open('inside', 'w').close()\nopen({str(outside)!r}, 'w').close()\n"
    with pytest.raises(UsageError, match=r"server.py:2: cannot be read: PermissionError: .*outside cannot be written"):
        listing.read(folder(source))
    assert not outside.exists()


def test_target_py_and_tests_are_no_part_of_it(folder: Folder) -> None:
    read = folder(ADD, target="raise AssertionError\n")
    (read.path / "tests").mkdir()
    (read.path / "tests" / "test_it.py").write_text("raise AssertionError\n")
    assert set(folder(ADD).contents) == {"server.py", "serve.py", "secret_values.py"}


@pytest.mark.parametrize("taken", ["serve", "secret_values"])
def test_names_of_what_is_shipped_are_taken(folder: Folder, taken: str) -> None:
    with pytest.raises(UsageError, match=rf"{taken}.py: that name is taken"):
        folder(ADD, **{taken: ""})


@pytest.mark.parametrize(
    ("lock", "says"),
    [(None, "is not locked. Run `toolgate lock`"), ("httpx==1 --hash=sha256:0\n", "does not ask for mcp")],
)
def test_own_packages_are_locked_and_have_the_sdk(folder: Folder, lock: str | None, says: str) -> None:
    path = folder(ADD).path
    (path / "requirements.in").write_text("httpx\n")
    if lock:
        (path / "requirements.txt").write_text(lock)
    with pytest.raises(UsageError, match=says):
        folder(ADD)


def test_own_packages_are_what_it_is_read_with(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those of the Python that plans: here a `shelf` that only the server has."""
    path = folder(ADD).path
    (path / "requirements.in").write_text("mcp\n")
    (path / "requirements.txt").write_text("mcp==1 --hash=sha256:0\n")
    own = Path("own").absolute()
    own.mkdir()
    (own / "shelf.py").write_text("NAME = 'from its own'\n")
    import site  # noqa: PLC0415  # the only test that needs it

    for package in Path(site.getsitepackages()[0]).iterdir():
        if package.name != "__pycache__" and package.suffix != ".pth":
            (own / package.name).symlink_to(package)
    monkeypatch.setattr("toolgate.components.runtime.machine_packages.installed", lambda _lock: own)
    source = "import shelf\n" + ADD.replace('"""Add two numbers."""', "").replace(
        "@server.tool()", "@server.tool(description=shelf.NAME)"
    )
    [tool] = listing.read(folder(source)).tools
    assert tool["description"] == "from its own"


def test_a_listing_is_the_same_from_run_to_run(folder: Folder) -> None:
    source = HEAD + (
        "from typing import Literal\n"
        "names = tuple({'a', 'b', 'c', 'd', 'e', 'f'})\n"
        "@server.tool()\ndef pick(name: Literal[names]) -> str:\n    'Pick.'\n    return name\n"
    )
    read: list[Any] = [listing.read(folder(source), dist=Path(f"dist{n}")) for n in range(2)]
    assert read[0] == read[1]
    assert isinstance(read[0], Listing)

"""Runs a page of docs/tutorials as its reader would: from nothing, in order, in one shell, `up` in a second terminal.

What a fenced block is stands in its info string, after the language:

- a file's name: the file, whole; with the language `diff` an edit of it, lines that go and lines that come;
- `sh`: commands, each of which must succeed. `toolgate up` is started beside them and ended at the page's end, as what
  `&` has left running is;
- `text` after commands: all that they say; `text up`: what the terminal of `toolgate up` says from then on.

In a text `...` stands for anything: in a line for words, as a line for lines. What differs from run to run
(`_CHANGING`) is not compared, and lines about waiting are passed over.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.planning import ROOT, SAMPLE
from toolgate.components.runtime.function_package import LOCKED_FROM, _digest

PAGES = ROOT / "docs" / "tutorials"
SET_UP = ("git clone ", "cd toolgate", "make setup", "mkdir desk", "cd desk", "python3.13 -m venv ", ".venv/bin/pip ")
"""How the commands of a page begin that the reader's folder and the linked environment stand for."""
LOCK = ".venv/bin/toolgate lock "
"""Asks the package registry, as no test does: the lock of examples/orders, of the same package, takes its place."""
PORT = "9000"
"""A page's port for what it runs beside `toolgate up`: here it is one that is free."""
UP = "up"
PATIENCE = 60.0
"""Seconds for what the other terminal is to say, and for the shell to end; a machine may be busy."""
_BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CHANGING = {
    "ID": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "TIME": r"\b\d\d:\d\d:\d\d\b",
    "TIMESTAMP": r"\d{4}-\d\d-\d\dT[\d:.]+Z?",
    "127.0.0.1:PORT": r"127\.0\.0\.1:\d+",
    "N ms": r"\b\d+(?:\.\d+)? ms",
}
_WAITING = re.compile(r"^   waiting for .*\n|^bundle: .*\n|^All checks passed.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        line: Where it begins in its page.
        language: The first word of its info string.
        name: The rest of that: a file's name, `up`, or nothing.
        body: What is in it.
    """

    line: int
    language: str
    name: str
    body: str


def blocks(page: str) -> Iterator[Block]:
    """A page's blocks, in order."""
    for found in _BLOCK.finditer(page):
        yield Block(page.count("\n", 0, found.start()) + 1, found[1], found[2] or "", found[3])


def commands(body: str) -> Iterator[str]:
    """The commands of a block: a line each, and the lines that go on with it, which are indented."""
    yield from re.findall(r"^\S.*(?:\n[ \t]+.*)*", body, re.MULTILINE)


def written(page: str) -> set[str]:
    """The files that a page has its reader write."""
    return {it.name for it in blocks(page) if it.name not in ("", UP)}


def same(expected: str, seen: str) -> bool:
    """Whether this is what was to be seen."""
    return re.fullmatch(_pattern(expected), _masked(seen)) is not None


def said(expected: str, seen: str) -> int:
    """How much of what was seen goes by until it has what was to be seen; 0 if it has not."""
    # As it was, not masked: what was said after it is another block's.
    for end in (found.end() for found in re.finditer(r"\n", seen)):
        if re.search(rf"(?m)^{_pattern(expected)}\Z", _masked(seen[:end])):
            return end
    return 0


def _pattern(expected: str) -> str:
    lines = _masked(expected).splitlines()
    return "".join(r"(?:.*\n)*?" if it == "..." else re.escape(it).replace(r"\.\.\.", ".*") + r"\n" for it in lines)


def _masked(text: str) -> str:
    text = _WAITING.sub("", text)
    for name, pattern in _CHANGING.items():
        text = re.sub(pattern, name, text)
    return text


def fresh_clone(folder: Path) -> Path:
    """The project as it is here, committed or not, in a new folder, after the set-up.

    Tools and stacks are the sample's: whoever uses this project has their own. The environment is this one.
    """
    clone = folder / "toolgate"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    own = re.compile(r"lambdas/[^/]+/|Pulumi\.[^/]+\.yaml")
    for name in filter(None, listed.stdout.split("\0")):
        source, copy = ROOT / name, clone / name
        if (source.is_file() or source.is_symlink()) and not own.match(name):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy, follow_symlinks=False)
    uncompiled = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SAMPLE / "lambdas", clone / "lambdas", dirs_exist_ok=True, ignore=uncompiled)
    for file in SAMPLE.glob("Pulumi.*.yaml"):
        shutil.copy(file, clone)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    _know_packages(clone / ".cache" / "mypy")
    return clone


def empty_folder(folder: Path) -> Path:
    """A folder with an environment that has toolgate, and nothing else."""
    own = folder / "desk"
    own.mkdir()
    (own / ".venv").symlink_to(ROOT / ".venv")
    _know_packages(own / ".mypy_cache")
    return own


def _know_packages(cache: Path) -> None:
    """Give mypy what it knows of this environment's packages: finding it out anew takes longer than all else."""
    if (known := ROOT / ".cache" / "mypy").is_dir():
        shutil.copytree(known, cache, copy_function=os.link)


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


@dataclass
class Reader:
    """Who follows a page, with a shell in `folder`; a context that ends what was started."""

    folder: Path
    seen: str = ""
    _up: subprocess.Popen[bytes] | None = None
    _told: int = 0
    _port: str = field(default_factory=_free_port, repr=False)
    _variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __enter__(self) -> "Reader":
        ours = re.compile("AWS_|MAKE|MFLAGS|PULUMI_|PYTEST_|PYTHON|TOOLGATE_")
        kept = {name: value for name, value in os.environ.items() if not ours.match(name)}
        # Without network; and `make` finds the environment ready.
        self._variables = {**kept, "UV_OFFLINE": "1", "PYTHON": "true"}
        self._shell = subprocess.Popen(
            ["sh"],
            cwd=self.folder,
            env=self._variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._terminal = self.folder.parent / f"{self.folder.name}-up.txt"
        return self

    def __exit__(self, *_: object) -> None:
        # With what a page has left running beside the shell.
        os.killpg(self._shell.pid, signal.SIGTERM)
        self._shell.communicate(timeout=PATIENCE)
        if self._up:
            self._up.send_signal(signal.SIGINT)
            assert self._up.wait() == 0, self._terminal.read_text()

    def follow(self, page: Path) -> None:
        """Do what the page says, block by block."""
        for block in blocks(page.read_text(encoding="utf-8")):
            try:
                self._do(block)
            except AssertionError as error:
                raise AssertionError(f"{page.name}:{block.line}: {error}") from error

    def _do(self, block: Block) -> None:
        if block.language == "sh":
            self.seen = "".join(map(self._run, commands(block.body)))
        elif (block.language, block.name) == ("text", UP):
            self._wait_for(block.body)
        elif (block.language, block.name) == ("text", ""):
            assert same(block.body, self.seen), f"expected\n{block.body}\nseen\n{self.seen}"
        else:
            assert block.name, "a block that is neither commands nor something seen has a file's name"
            self._write(self.folder / block.name, block)

    def _write(self, file: Path, block: Block) -> None:
        text = block.body
        if block.language == "diff":
            lines = [(line[:1], line[1:]) for line in block.body.splitlines(keepends=True)]
            old, new = ("".join(rest for mark, rest in lines if mark != other) for other in "+-")
            before = file.read_text(encoding="utf-8")
            assert before.count(old) == 1, f"this must be in {block.name} once:\n{old}"
            text = before.replace(old, new)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def _run(self, line: str) -> str:
        line = line.replace(PORT, self._port)
        if line.startswith(SET_UP):
            return ""
        if line.startswith(LOCK):
            return self._lock(Path(self._ask("pwd")[0].strip()) / "lambdas" / line.removeprefix(LOCK))
        if re.match(r"\S*toolgate up\b", line):
            self._start(line)
            return ""
        output, code = self._ask(line)
        assert code == 0, f"{line}\nended with {code}\n{output}{self._said()}"
        return output

    def _ask(self, line: str) -> tuple[str, int]:
        """What a line says in the shell, and how it ends; folder and variables stay for the next one."""
        shell = self._shell
        assert shell.stdin
        assert shell.stdout
        shell.stdin.write(f"{{ {line}\n}} </dev/null; printf '\\n\\036%s\\n' $?\n")
        shell.stdin.flush()
        output = ""
        for said_line in shell.stdout:
            if said_line.startswith("\036"):
                return output.removesuffix("\n"), int(said_line[1:])
            output += said_line
        raise AssertionError(f"{line}\nended the shell\n{output}")

    def _lock(self, target: Path) -> str:
        lock = (ROOT / "examples/orders/lambdas/orders/requirements.txt").read_text().partition("\n")[2]
        (target / "requirements.txt").write_text(f"{LOCKED_FROM}{_digest(target / 'requirements.in')}\n{lock}")
        return f"lambdas/{target.name}/requirements.txt\n"

    def _start(self, line: str) -> None:
        assert self._up is None, "one terminal is for `toolgate up`"
        folder = self._ask("pwd")[0].strip()
        with self._terminal.open("wb") as output:
            command = ["sh", "-c", f"exec {line}"]
            self._up = subprocess.Popen(
                command, cwd=folder, env=self._variables, stdout=output, stderr=subprocess.STDOUT
            )

    def _wait_for(self, expected: str) -> None:
        assert self._up, "`toolgate up` was not started"
        end = time.monotonic() + PATIENCE
        while not (passed := said(expected, self._said())):
            assert time.monotonic() < end, f"expected of `toolgate up`\n{expected}\nseen\n{self._said()}"
            assert self._up.poll() is None, f"`toolgate up` has ended:\n{self._said()}"
            time.sleep(0.1)
        self._told += passed

    def _said(self) -> str:
        """What the other terminal says, since it was last looked at."""
        return self._terminal.read_text(encoding="utf-8")[self._told :] if self._up else ""

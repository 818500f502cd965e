"""An interceptor's code, read and never run: what it says is said of it, and what cannot be read is an error."""

from pathlib import Path

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.interceptors import code
from toolgate.components.interceptors.code import CALLER, CLAIMS, HEADERS

ALL = "from intercept import *\n"


def read(folder: Path, source: str) -> code.Code:
    (folder / "interceptor.py").write_text(source)
    return code.read(folder)


def refused(folder: Path, source: str) -> str:
    with pytest.raises(UsageError) as error:
        read(folder, source)
    return str(error.value).replace(f"{folder}/", "")


def test_what_it_looks_at_and_what_it_asks_for(tmp_path: Path) -> None:
    source = '''
"""Limits."""
raise SystemExit("nobody runs this")
from intercept import Call, Caller, Claims, Headers, Prompt, Resource, Result, Tool, Verdict
from intercept import filter_prompts, filter_resources, filter_tools, on_call, on_result

@on_call("math___add", "orders___*")
def limited(call: Call, headers: Headers) -> Verdict: ...

@on_call("math___add")
def again(call: "Call", claims: "Claims") -> Verdict: ...

@on_result("*")
def masked(result: Result) -> Verdict: ...

@filter_tools
def visible(tool: Tool, caller: Caller) -> bool: ...

@filter_prompts
def prompts(prompt: Prompt) -> bool: ...

@filter_resources
def resources(resource: Resource) -> bool: ...

def not_one() -> None: ...
'''
    found = read(tmp_path, source)
    assert [it.name for it in found.functions] == ["limited", "again", "masked", "visible", "prompts", "resources"]
    assert found.functions[0].place == f"{tmp_path}/interceptor.py:8"
    assert found.patterns("on_call") == ["math___add", "orders___*"]
    assert found.patterns("on_result") == ["*"]
    for what, names in ((HEADERS, ["limited"]), (CLAIMS, ["again"]), (CALLER, ["visible"])):
        assert [it.name for it in found.asking(what)] == names
    for decorator, names in (("filter_tools", ["visible"]), ("filter_prompts", ["prompts"]), ("on_result", ["masked"])):
        assert [it.name for it in found.by(decorator)] == names


@pytest.mark.parametrize(
    ("imported", "decorator", "annotation"),
    [
        ("from intercept import on_call, Call", "on_call", "Call"),
        ("from intercept import on_call as asked, Call as It", "asked", "It"),
        ("import intercept", "intercept.on_call", "intercept.Call"),
        ("import intercept as library", "library.on_call", "library.Call"),
        ("from intercept import *", "on_call", "Call"),
        ("import intercept", "intercept.on_call", "'intercept.Call'"),
    ],
)
def test_however_the_library_is_imported(tmp_path: Path, imported: str, decorator: str, annotation: str) -> None:
    found = read(tmp_path, f"{imported}\n@{decorator}('math___*')\ndef f(call: {annotation}):\n    ...\n")
    assert found.patterns("on_call") == ["math___*"]


def test_decorators_of_others_do_not_matter(tmp_path: Path) -> None:
    found = read(tmp_path, f"{ALL}import functools\n@on_call('*')\n@functools.cache\ndef f(call: Call): ...\n")
    assert [it.decorator for it in found.functions] == ["on_call"]


def test_a_function_under_two_decorators_counts_under_both(tmp_path: Path) -> None:
    found = read(tmp_path, f"{ALL}@on_call('a___*')\n@on_call('b___*')\ndef f(call: Call): ...\n")
    assert found.patterns("on_call") == ["a___*", "b___*"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "def f(call: Call): ...",
            "interceptor.py: decorates no function, and has nothing to do. Write one of @on_call(",
        ),
        (
            "@on_call('*')\nasync def f(call: Call): ...",
            "interceptor.py:3: f is asynchronous, which nothing waits for.",
        ),
        ("@on_call(TOOLS)\ndef f(call: Call): ...", "interceptor.py:2: `TOOLS` has to be run to know it."),
        ("@on_call('a', *TOOLS)\ndef f(call: Call): ...", "interceptor.py:2: `*TOOLS` has to be run to know it."),
        ("@on_call(f'{1}')\ndef f(call: Call): ...", "has to be run to know it. Write `on_call` with its texts"),
        ("@on_call(1)\ndef f(call: Call): ...", "interceptor.py:2: `1` has to be run to know it."),
        ("@on_call('')\ndef f(call: Call): ...", "interceptor.py:2: '' matches no tool."),
        ("@on_call('ma?h')\ndef f(call: Call): ...", "interceptor.py:2: 'ma?h' matches no tool."),
        ("@on_result('[a]*')\ndef f(result: Result): ...", "'[a]*' matches no tool. Write letters, digits,"),
        ("@on_call\ndef f(call: Call): ...", "interceptor.py:2: `on_call` takes full names of tools, `*` for any"),
        ("@on_call()\ndef f(call: Call): ...", "interceptor.py:2: `on_call` takes full names of tools"),
        ("@on_call('a', then=1)\ndef f(call: Call): ...", "interceptor.py:2: `on_call` takes full names of tools"),
        ("@filter_tools()\ndef f(tool: Tool): ...", "`filter_tools` takes nothing. Write `@filter_tools`."),
        (
            "@on_call('*')\ndef f(): ...",
            "interceptor.py:3: f: its first parameter is what it decides about. Write `call: ",
        ),
        ("@on_call('*')\ndef f(call): ...", "Write `call: Call`, and import Call from intercept."),
        ("@on_call('*')\ndef f(call: Result): ...", "interceptor.py:3: f: its first parameter is what it decides"),
        ("@on_call('*')\ndef f(call: 'a b'): ...", "interceptor.py:3: f: its first parameter is what it decides"),
        ("@filter_prompts\ndef f(prompt: Resource): ...", "Write `prompt: Prompt`, and import Prompt from intercept."),
        ("@on_call('*')\ndef f(call: Call, x: int = 1): ...", "f parameter 'x': nothing is handed over for that."),
        ("@on_call('*')\ndef f(call: Call, x: Tool): ...", "Annotate it with one of Headers, Claims, Caller of"),
        ("@on_call('*')\ndef f(call: Call, x: Caller, y: Caller): ...", "f parameter 'y': asks for Caller twice."),
        ("@on_call('*')\ndef f(call: Call, *, x: Caller): ...", "f: nothing is handed over for 'x'."),
        ("@on_call('*')\ndef f(call: Call, *rest): ...", "f: nothing is handed over for 'rest'."),
        ("@on_call('*')\ndef f(call: Call, **rest): ...", "f: nothing is handed over for 'rest'."),
        (
            "if 1:\n    @on_call('*')\n    def f(call: Call): ...",
            "interceptor.py:3: `on_call` stands where it cannot be",
        ),
        (
            "def g():\n    @on_call('*')\n    def f(call: Call): ...",
            "interceptor.py:3: `on_call` stands where it cannot",
        ),
        ("class A:\n    @on_call('*')\n    def f(call: Call): ...", "`on_call` stands where it cannot be read"),
        ("on_call('*')(print)", "interceptor.py:2: `on_call` stands where it cannot be read before it runs."),
        ("mine = on_call", "interceptor.py:2: `on_call` stands where it cannot be read before it runs."),
        ("@on_call('*')\nclass A: ...", "interceptor.py:2: `on_call` stands where it cannot be read before it runs."),
        ("def f(:", "interceptor.py:2: is not valid Python"),
        ("import httpx", "interceptor.py:2: imports 'httpx', which Lambda will not have."),
        ("import callers\n@on_call('*')\ndef f(call: Call): ...", "interceptor.py:2: imports 'callers', which Lambda"),
    ],
)
def test_what_cannot_be_read_is_an_error(tmp_path: Path, source: str, message: str) -> None:
    assert message in refused(tmp_path, ALL + source)


def test_each_mistake_is_told(tmp_path: Path) -> None:
    source = "import httpx\n@on_call('*')\nasync def f(call: Call): ...\n@filter_tools()\ndef g(tool: Tool): ...\n"
    assert [line.split(": ")[0] for line in refused(tmp_path, ALL + source).splitlines()] == [
        "interceptor.py:4",
        "interceptor.py:5",
        "interceptor.py:2",
    ]


def test_a_file_beside_it_registers_nothing(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("import intercept\n@intercept.filter_tools\ndef f(tool): ...\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text("import intercept\nintercept.on_call('*')(print)\n")
    text = refused(tmp_path, f"{ALL}import rules\n@on_call('*')\ndef f(call: Call): ...\n")
    assert text == (
        "rules.py:2: `filter_tools` stands where it cannot be read before it runs. Write it as the decorator of a "
        "function of interceptor.py, at the beginning of a line."
    )


def test_what_asks_for_the_caller_may_import_callers(tmp_path: Path) -> None:
    read(tmp_path, f"{ALL}import callers, secret_values, boto3\n@on_call('*')\ndef f(call: Call, who: Caller): ...\n")


@pytest.mark.parametrize("name", ["intercept.py", "callers.py", "secret_values.py"])
def test_names_that_are_ours_are_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    text = refused(tmp_path, "import intercept as i\n@i.on_call('*')\ndef f(call: i.Call): ...\n")
    assert f"{name}: that name is taken by what is shipped with the interceptor. Rename the file." in text


def test_what_is_not_locked_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "requirements.in").write_text("httpx\n")
    text = refused(tmp_path, f"{ALL}import httpx\n@on_call('*')\ndef f(call: Call): ...\n")
    assert "requirements.in: is not locked. Run `toolgate lock`." in text


def test_a_folder_without_its_code_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no interceptor\.py\. An interceptor is a folder with one\."):
        code.read(tmp_path)

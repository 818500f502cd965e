"""What the pages say exists: links, files, commands and their options, and every error that a reader can meet."""

import ast
import contextlib
import functools
import importlib.util
import io
import json
import os
import re
import runpy
import shlex
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import contract
from scripts import record
from tests.planning import SAMPLE, planned
from tests.tutorials.tutorial import written
from toolgate.cli.main import toolgate
from toolgate.components import stack_settings
from toolgate.components.iam import iam_propagation
from toolgate.components.observability import alarms, configuration
from toolgate.components.settings.agents import AgentConfig
from toolgate.components.settings.clients import ClientConfig
from toolgate.components.settings.gateways import GatewayConfig
from toolgate.deployer import managed_policies

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/*.md")], key=str)
TROUBLESHOOTING = (ROOT / "docs/troubleshooting.md").read_text()
OURS = {
    "access",
    "agent",
    "bench",
    "bin",
    "cli",
    "components",
    "deployer",
    "docs",
    "examples",
    "lambdas",
    "local",
    "policy",
    "requirements",
    "review",
    "scripts",
    "tests",
}

DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IN_THE_ZIP = {"bin/opentelemetry-instrument"}
"""Named like ours, but in what ships."""

# Exceptions that one module of ours catches from another: nobody reads their text, or only within the other's message.
INTERNAL = {
    "local/engine/other_stacks.py: OtherStackError",
    "access/cedar/cedar_values.py: ArgumentError",
    "access/scan/reader.py: UnreadError",
    "agent/contract.py: ContractError",
    "agent/model/bedrock.py: ModelError",
    "components/iam/leftovers.py: InUseError",
    "components/iam/leftovers.py: NotRemovedError",
    "components/iam/provider_session.py: NoSessionError",
    "lambdas/dispatch.py: ArgumentError",
    "lambdas/dispatch.py: ToolError",
    "local/invoke_agent.py: AgentError",
    "local/serve/agents/runtime_sessions.py: TooManyProcessesError",
    "local/serve/aws/emulator.py: NotEmulatedError",
    "local/serve/gateway/json_rpc.py: RpcError",
    "local/serve/json_body.py: NotJsonError",
    "local/serve/memory/events.py: NoRoomError",
    "local/serve/memory/events.py: OtherRequestError",
    "local/serve/model/bedrock_model.py: NoCredentialsError",
    "local/serve/model/converse_api.py: UnknownProfileError",
    "local/serve/model/openai_model.py: EndpointError",
    "servers/serve.py: ServerError",
    "local/serve/outbound/far_side.py: FarSideError",
    "local/serve/outbound/far_side.py: NotPermittedError",
}  # fmt: skip


def ids(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def fences(text: str, *languages: str) -> list[str]:
    found = re.findall(r"^```(\w*)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for language, body in found if language in languages]


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def code(text: str) -> Iterator[str]:
    """Lines of shell blocks, joined where a backslash continues one, and everything in backticks."""
    for block in fences(text, "", "sh", "shell", "bash", "console"):
        yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`([^`\n]+)`", without_fences(text))


def anchors(text: str) -> set[str]:
    """GitHub's: lower case, punctuation gone, blanks to hyphens."""
    headings = re.findall(r"^#+ (.*)$", without_fences(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", without_fences(text_of(page))):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists():  # whoever uses this project has tools and stacks of their own
            found = SAMPLE / found.relative_to(ROOT)
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(text_of(found)), target


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_json_block_is_json(page: Path) -> None:
    for block in fences(text_of(page), "json"):
        json.loads(block)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        match[1] for line in code(text_of(page)) if (match := re.match(r"\s*(?:[A-Z]+=\S+ )*make ([a-z][a-z-]*)", line))
    }
    assert named <= targets


COMMAND = re.compile(r"(?:^|(?<!from)\s)(?:\S*/)?(?:python3? -m ([\w.]+)|(toolgate)(?= ))([^#|>]*)")


def commands() -> Iterator[tuple[str, str, str]]:
    """Page, module or `toolgate`, and the words after it."""
    for page in PAGES:
        for line in code(text_of(page)):
            if match := COMMAND.search(line):
                yield ids(page), match[1] or match[2], match[3]


COMMANDS = sorted(set(commands()))
SUBCOMMAND = re.compile(r"[a-z]+(\|[a-z]+)*")


@functools.cache
def usage(module: str) -> str:
    """What a module answers to `--help`; in this process, as argparse ends before anything is done."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the module may have been imported by another test
        patch.setattr(sys, "argv", [module, "--help"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__")
        assert ended.value.code in {None, 0}
    return said.getvalue()


def commands_of_ours(words: list[str]) -> list[click.Command]:
    """The sub-commands that the words name, `plan|up` naming two."""
    found: list[click.Command] = [toolgate]
    for word in words:
        groups = [command for command in found if isinstance(command, click.Group)]
        if not groups or not SUBCOMMAND.fullmatch(word):
            break
        named = [
            (group, name, group.get_command(click.Context(group), name)) for group in groups for name in word.split("|")
        ]
        assert all(command for _, _, command in named), word
        found = [command for _, _, command in named if command]
    return found


@pytest.mark.parametrize(("page", "program", "words"), COMMANDS, ids=[f"{p}:{m}{w}"[:70] for p, m, w in COMMANDS])
def test_every_command_of_ours_exists_with_its_subcommands_and_options(page: str, program: str, words: str) -> None:
    try:
        given = shlex.split(words)
    except ValueError:  # a sentence about a command, not one
        given = words.split()
    options = {re.split("[=.,\\]]", word)[0].lstrip("[") for word in given if word.lstrip("[").startswith("--")}
    if program == "toolgate":
        for command in commands_of_ours(given):
            known = {option for it in command.params for option in it.opts} | {"--help", "--version"}
            assert options <= known, page
        return
    assert importlib.util.find_spec(program), f"{page}: no module {program}"
    if options and program.split(".", maxsplit=1)[0] in OURS | {"toolgate"}:
        assert options <= set(re.findall(r"--[\w-]+", usage(program))), page


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_a_command_in_a_block_runs_in_a_new_shell(page: Path) -> None:
    """What the README's set-up makes lies in .venv/, and nothing puts that on PATH."""
    lines = [line for block in fences(text_of(page), "", "sh", "shell", "bash") for line in block.splitlines()]
    assert [line for line in lines if re.match(r"\s*(toolgate|python3?|pytest)\s", line)] == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_file_of_ours_that_a_page_names_exists(page: Path) -> None:
    for words in re.findall(r"`([^`\n]+)`", without_fences(text_of(page))):
        match = re.match(r"((?:\.github|[a-z]+)/[\w./-]*)(?::\d+|: \w+)?$", words)
        ours = match and match[1].split("/")[0] in OURS | {".github"}
        if match and ours and words not in IN_THE_ZIP | written(text_of(page)):
            assert (ROOT / match[1]).exists() or (SAMPLE / match[1]).exists(), words


def steps() -> Iterator[tuple[Path, str]]:
    """Each file that a walk names, and the function or class of it; a bare file lies where the last one did."""
    walks = text_of(ROOT / "docs/architecture.md").partition("\n## Five walks\n")[2]
    for line in walks.splitlines():
        folder = ROOT
        for words in re.findall(r"`([^`\n]+)`", line):
            if match := re.fullmatch(r"((?:[\w-]+/)*)(\w+\.py)(?:: ([\w.]+))?", words):
                folder = ROOT / match[1] if match[1] else folder
                yield folder / match[2], match[3] or ""


def test_the_walks_lead_from_function_to_function() -> None:
    found = list(steps())
    assert len([name for _, name in found if name]) >= 25
    for path, name in found:
        assert path.is_file(), path
        defined = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, DEFINED)}
        assert set(filter(None, name.split("."))) <= defined, f"{path.name}: {name}"


def paths_in_shell(text: str) -> Iterator[tuple[Path, bool]]:
    """Files and folders of ours in a page's shell blocks, and whether the line runs them; `cd` leads as in a shell."""
    for block in fences(text, "", "sh", "shell", "bash", "console"):
        here = ROOT
        for line in block.replace("\\\n", " ").splitlines():
            words = line.partition("#")[0].split()
            for index, word in enumerate(words):
                path = Path(os.path.normpath(here / word))
                ours = path.is_relative_to(ROOT) and path != ROOT and path.relative_to(ROOT).parts[0] in OURS
                if ours and "/" in word and "<" not in word and word not in written(text):
                    yield path, index == 0
            if words[:1] == ["cd"]:
                here = Path(os.path.normpath(here / words[1]))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_path_of_ours_in_a_command_exists_and_can_be_run_where_it_is_run(page: Path) -> None:
    for path, runs in paths_in_shell(text_of(page)):
        assert path.exists(), path
        assert not runs or os.access(path, os.X_OK), path


def test_a_path_in_a_command_is_followed_from_folder_to_folder() -> None:
    text = "```sh\nbin/one  # two/three\ncd examples/yaml\npulumi package add ../../bin/two ../x\n```\n"
    found = [(path.relative_to(ROOT).as_posix(), runs) for path, runs in paths_in_shell(text)]
    assert found == [("bin/one", True), ("examples/yaml", False), ("bin/two", False), ("examples/x", False)]


def test_troubleshooting_has_the_ten_pains() -> None:
    section = TROUBLESHOOTING.partition("## What builders on AgentCore run into\n")[2].partition("\n## ")[0]
    numbered = re.split(r"^### (\d+)\. ", section, flags=re.MULTILINE)[1:]
    assert numbered[::2] == [str(number) for number in range(1, 11)]
    for pain in numbered[1::2]:
        assert re.findall(r"^\*\*(\w+)\.\*\*", pain, re.MULTILINE) == ["Symptom", "Cause", "Fix"]


def rows(heading: str) -> list[str]:
    """The first cells of a section's table."""
    section = TROUBLESHOOTING.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_troubleshooting_has_each_code_of_the_agent_once() -> None:
    faults = {fault.code for fault in vars(contract).values() if isinstance(fault, contract.Fault)}
    assert len(faults) > 15
    assert sorted(rows("The agent's errors")) == sorted(faults)


def test_troubleshooting_has_each_code_of_the_dispatcher_once() -> None:
    tree = ast.parse((ROOT / "lambdas/dispatch.py").read_text())
    codes = [
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "_error"
        if isinstance(call.args[0], ast.Constant)
    ]
    assert len(codes) > 3
    assert sorted(rows("A tool's errors")) == sorted(map(str, codes))


def test_troubleshooting_has_each_text_that_is_retried() -> None:
    said = " ".join(TROUBLESHOOTING.split())
    assert [phrase for phrase in iam_propagation.PHRASES if phrase not in said] == []


def exceptions() -> Iterator[str]:
    for folder in sorted(OURS - {"bench", "bin", "docs", "examples", "lambdas", "requirements", "tests"}):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if ".venv" not in path.parts:  # `pulumi package add` makes one in components/
                yield from declared(path)
    for folder in ("lambdas", "servers"):  # whose own folders are somebody's targets
        for path in (ROOT / folder).glob("*.py"):
            yield from declared(path)


def declared(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error") and not node.name.startswith("_"):
            yield f"{path.relative_to(ROOT).as_posix()}: {node.name}"


def test_troubleshooting_has_each_exception_that_a_person_reads() -> None:
    named = set(re.findall(r"`([\w/]+\.py: \w+Error)`", TROUBLESHOOTING))
    assert named == set(exceptions()) - INTERNAL


def test_no_internal_exception_is_listed_that_is_gone() -> None:
    assert set(exceptions()) >= INTERNAL


def test_contributing_takes_five_steps_each() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    for heading in ("A tool", "A rule", "A resource type for the stand-in"):
        section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        assert re.findall(r"^(\d)\. ", section, re.MULTILINE) == ["1", "2", "3", "4", "5"]


def test_every_setting_and_every_alarm_is_on_the_page_about_them() -> None:
    page = text_of(ROOT / "docs/observability.md")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(
        configuration.ObservabilityConfig.__annotations__
    )
    said = re.findall(r"^\| `<(\w+)>-([\w-]+)` \| (\d+) `(\w+)` \|", page, re.MULTILINE)
    assert said == [
        (kind, it.name, str(it.threshold), it.metric) for kind, table in alarms.TABLES.items() for it in table
    ]


def test_the_size_of_the_deployers_document_is_as_written() -> None:
    document = json.loads((ROOT / "docs/deployer-policy.json").read_text())
    text = " ".join((ROOT / "docs/deploy.md").read_text().split())
    taken, most = managed_policies.size(document), managed_policies.LARGEST
    assert f"{taken:,} of a managed policy's {most:,} characters" in text


def test_the_licence_is_apaches() -> None:
    lines = (ROOT / "LICENSE").read_text().split("\n")
    assert lines[1].strip() == "Apache License"
    assert "END OF TERMS AND CONDITIONS" in "\n".join(lines)


def test_what_the_first_page_shows_of_the_demo_is_what_it_prints() -> None:
    shown = next(block for block in fences(text_of(ROOT / "README.md"), "text") if "make demo-agents" in block)
    recorded = text_of(ROOT / "docs/demo.md").splitlines()
    assert len(shown.splitlines()) == 10
    assert [line for line in shown.splitlines() if not any(it.startswith(line) for it in recorded)] == []


def test_the_first_pages_picture_is_drawn_of_the_sample() -> None:
    assert text_of(record.PICTURE) == record.picture_of(planned("agents").deployment)


def test_every_key_of_the_configuration_is_on_its_page() -> None:
    rows_of = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| (.*) \|$", text_of(ROOT / "docs/configuration.md"), re.MULTILINE))
    assert rows_of.keys() == stack_settings.Config.__annotations__.keys()
    for key, kind in (("agents", AgentConfig), ("gateways", GatewayConfig), ("clients", ClientConfig)):
        named = re.search(r"name -> `\{([^}]*)\}`", rows_of[key])
        assert named
        assert set(named[1].split(", ")) == kind.__annotations__.keys()

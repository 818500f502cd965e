"""CPU and memory of a plan as programs grow: `python -m bench.plan`.

The default stack and programs that are written for it are planned with the policy pack, each in a process of its own;
with `pulumi` on PATH a real engine previews the large ones over the stand-in for AWS, too, and what counts then is the
program's own process. CPU seconds are those of a process and all that it waited for, memory is that of the largest of
them. The reference is a process that imports the AWS classes a plan needs, run in turns with ours: seconds differ with
the machine and with what else it does, their share of the reference hardly. Ends with 1 if a figure does not hold.
Takes about four minutes on two cores, with an engine twice that.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.local import IMPORTS

PROJECT = Path(__file__).resolve().parents[1]
TIMES = 3
MEGABYTES = 400.0
ROWS = "| {:<66} | {:>7} | {:>9} | {:>6} | {:>7} | {:>6} | {:<4} |"

SETTINGS = "config:\n  aws:region: us-east-1\n  toolgate:bundle: sources\n"
ENGINE = {"PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_SKIP_UPDATE_CHECK": "1", "PULUMI_ERROR_OUTPUT_STRING": "1"}
ENGINE |= {"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1", "PULUMI_DISABLE_REGISTRY_RESOLVE": "1"}
CPU_FILE = "cpu-seconds"

# What the engine starts is no child of ours: the program tells its own figure.
TELLING = f"""
import atexit, pathlib, time
cpu = pathlib.Path(__file__).resolve().with_name("{CPU_FILE}")
atexit.register(lambda: cpu.write_text(str(time.process_time())))
"""
EACH_ITS_OWN = """
from toolgate import AgentRuntime, LambdaTools, ToolGateway, agent_code

code = agent_code("agent")
for number in range({count}):
    tools = LambdaTools(f"target{number}", {"directory": f"lambdas/target{number}"})
    gateway = ToolGateway(f"gateway{number}", {"targets": {f"target{number}": tools.target}})
    model = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
    AgentRuntime(f"agent{number}", {"code": code, "model_id": model, "tools": [gateway.tools()]})
"""
TOOLS_FILE = '''
def add_{number}(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One of them.
        b: The other.
    """
    return a + b
'''
MANY_TOOLS = """
from toolgate import ToolGateway

def tool(gateway, target, number):
    amount, note = ({"type": of, "description": text} for of, text in (("integer", "How much."), ("string", "Why.")))
    schema = {"type": "object", "properties": {"amount": amount, "note": note}, "required": ["amount"]}
    text = f"Does thing {number} of target {target} of gateway {gateway}."
    return {"name": f"tool_{target}_{number}", "description": text, "inputSchema": schema}

for gateway in range({gateways}):
    targets = {}
    for target in range({targets}):
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:function-{gateway}-{target}"
        tools = [tool(gateway, target, number) for number in range({tools})]
        targets[f"target{target}"] = {"function_arn": arn, "tools": tools}
    ToolGateway(f"gateway{gateway}", {"targets": targets})
"""


@dataclass(frozen=True)
class Usage:
    """What a process and all that it waited for took.

    Attributes:
        cpu: CPU seconds.
        megabytes: The most memory that one of them held.
    """

    cpu: float
    megabytes: float


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        what: What was done.
        ours: What it took, in CPU seconds.
        reference: What it is compared with.
        most: The most that their ratio may be.
        megabytes: What it held, where that was looked at.
        most_megabytes: The most that it may hold.
    """

    what: str
    ours: float
    reference: float
    most: float
    megabytes: float = 0
    most_megabytes: float = MEGABYTES

    @property
    def holds(self) -> bool:
        """Whether it is within its bounds."""
        return self.ours / self.reference <= self.most and self.megabytes <= self.most_megabytes

    def __str__(self) -> str:
        figures = [
            f"{self.ours:.2f} s",
            f"{self.reference:.2f} s",
            f"{self.ours / self.reference:.2f}",
            f"{self.most:g}",
        ]
        held = f"{self.megabytes:.0f}" if self.megabytes else ""
        return ROWS.format(self.what, *figures, held, "ok" if self.holds else "MISS")


def main() -> int:
    """Measure and print; 1 if a figure does not hold."""
    print(
        ROWS.format("what (CPU)", "ours", "reference", "ratio", "at most", "MB", ""),
        ROWS.format(*["---"] * 7),
        sep="\n",
    )
    held = True
    with tempfile.TemporaryDirectory() as folder:
        for figure in figures(Path(folder)):
            print(figure, flush=True)
            held &= figure.holds
    return 0 if held else 1


def figures(folder: Path) -> Iterator[Figure]:
    """The figures, one after another."""
    twenty = each_its_own(folder / "twenty", 20)
    half, whole = (many_tools(folder / f"{gateways}", gateways, 1, 100) for gateways in (50, 100))
    spread = many_tools(folder / "spread", 100, 10, 10)
    imports = "imports of AWS classes"
    yield planned(f"default stack / {imports}", PROJECT, 2.4)
    yield planned(f"20 gateways + 20 runtimes + 20 functions / {imports}", twenty, 4.5)
    yield planned(f"10 gateways x 20 agents, from settings / {imports}", configured(folder / "configured", 10, 20), 4.5)
    hundred = planned(f"100 gateways x 100 tools / {imports}", whole, 12)
    yield hundred
    yield planned(f"the same tools, 10 targets of each gateway / {imports}", spread, 24)
    fifty = planned("", half, 12)
    yield Figure("100 gateways x 100 tools / 50 gateways x 100 tools", hundred.ours, fifty.ours, 2.2)
    if shutil.which("pulumi"):
        yield previewed(f"program of 20 + 20 + 20 under an engine / {imports}", twenty, 6)
        yield previewed(f"program of 100 x 100 under an engine / {imports}", whole, 12)


def planned(what: str, program: Path, most: float, most_megabytes: float = MEGABYTES) -> Figure:
    """`toolgate plan` of a program, with the pack; the median of a few runs."""
    command = [sys.executable, "-m", "toolgate.cli", "plan", "--program", str(program)]
    pairs = [(used(command), imported()) for _ in range(TIMES)]
    ours, reference = (statistics.median(it.cpu for it in column) for column in zip(*pairs, strict=True))
    return Figure(what, ours, reference, most, max(mine.megabytes for mine, _ in pairs), most_megabytes)


def previewed(what: str, program: Path, most: float) -> Figure:
    """`pulumi preview` of a program: the CPU of its own process."""
    home = {"PULUMI_HOME": str(program / "home"), "PULUMI_BACKEND_URL": f"file://{program}/state"}
    environment = ENGINE | home | {"TOOLGATE_LOCAL": str(program / "account")}
    (program / "state").mkdir(exist_ok=True)
    used(["pulumi", "--cwd", str(program), "stack", "select", "--create", "dev"], environment)
    pairs = []
    for _ in range(TIMES):
        used(["pulumi", "--cwd", str(program), "preview", "--policy-pack", str(PROJECT / "policy")], environment)
        pairs.append((float((program / CPU_FILE).read_text()), imported().cpu))
    ours, reference = map(statistics.median, zip(*pairs, strict=True))
    return Figure(what, ours, reference, most)


def imported() -> Usage:
    """What the reference takes."""
    return used([sys.executable, "-c", IMPORTS])


def used(command: list[str], environment: Mapping[str, str] | None = None) -> Usage:
    """What a command takes.

    Raises:
        RuntimeError: It failed.
    """
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=os.environ | (environment or {}), stdout=said, stderr=subprocess.STDOUT
        )
        # By itself, not as one of all children: their memory is the largest of all that ever were.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)}\n{said.read()}")
    return Usage(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def each_its_own(folder: Path, count: int) -> Path:
    """A program with so many gateways, each with a function of its own and an agent of its own."""
    program(folder, EACH_ITS_OWN, count=count)
    with_targets(folder, count)
    return folder


def with_targets(folder: Path, count: int) -> None:
    """What a program's folder has besides: the agent, and so many targets."""
    for name in ("agent", "requirements"):
        (folder / name).symlink_to(PROJECT / name)
    for number in range(count):
        target = folder / "lambdas" / f"target{number}"
        target.mkdir(parents=True)
        (target / "tools.py").write_text(TOOLS_FILE.replace("{number}", str(number)))
    shutil.copy(PROJECT / "lambdas" / "dispatch.py", folder / "lambdas")


def configured(folder: Path, gateways: int, agents: int) -> Path:
    """The project's own program, configured: so many gateways and agents, each handed two gateways' own tools.

    Every gateway has one target and decides per tool.
    """
    program(folder, (PROJECT / "__main__.py").read_text().partition('"""\n')[2])
    with_targets(folder, gateways)
    behind = {f"gateway{it}": {"targets": [f"target{it}"], "authorization": "tool"} for it in range(gateways)}
    handed = {
        f"agent{it}": {"tools": [f"gateway{one % gateways}/target{one % gateways}" for one in (it, it + 1)]}
        for it in range(agents)
    }
    with (folder / "Pulumi.dev.yaml").open("a") as settings:
        settings.write(f"  toolgate:gateways: {json.dumps(behind)}\n  toolgate:agents: {json.dumps(handed)}\n")
    return folder


def many_tools(folder: Path, gateways: int, targets: int, tools: int) -> Path:
    """A program with so many gateways, so many targets of each and so many tools of each target."""
    return program(folder, MANY_TOOLS, gateways=gateways, targets=targets, tools=tools)


def program(folder: Path, source: str, **sizes: int) -> Path:
    """A program that both `toolgate plan` and `pulumi` run."""
    folder.mkdir()
    options = f"{{toolchain: pip, virtualenv: {PROJECT / '.venv'}}}"
    plugins = f"{{providers: [{{name: aws, path: {PROJECT / 'local' / 'plugin'}}}]}}"
    project = f"name: bench\nruntime: {{name: python, options: {options}}}\nplugins: {plugins}\n"
    (folder / "Pulumi.yaml").write_text(project)
    (folder / "Pulumi.dev.yaml").write_text(SETTINGS)
    for name, size in sizes.items():
        source = source.replace(f"range({{{name}}})", f"range({size})")
    (folder / "__main__.py").write_text(TELLING + source)
    return folder


if __name__ == "__main__":
    sys.exit(main())

import os
import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "local" / "pulumi.sh"


def test_without_the_cli_it_says_what_to_do(tmp_path: Path) -> None:
    for tool in ("dirname", "sh"):
        (tmp_path / tool).symlink_to(
            next(path for folder in os.get_exec_path() if (path := Path(folder, tool)).exists())
        )
    done = subprocess.run([SCRIPT, "preview"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("error: no `pulumi` on PATH; install its CLI")


def test_what_the_program_asks_aws_ends_on_this_machine(tmp_path: Path) -> None:
    """Whatever account, endpoint or proxy the caller's shell has; no client finds another way out."""
    (tmp_path / "local").mkdir()
    script = shutil.copy(SCRIPT, tmp_path / "local")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    for tool, does in ((".venv/bin/python", "true"), ("bin/pulumi", "env")):
        (tmp_path / tool).parent.mkdir(parents=True)
        (tmp_path / tool).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / tool).chmod(0o755)
    callers = {
        "AWS_PROFILE": "prod",
        "AWS_SESSION_TOKEN": "secret",
        "AWS_ENDPOINT_URL_STS": "https://sts.example",
        "AWS_REGION": "eu-west-1",
        "HTTP_PROXY": "http://proxy.example",
        "no_proxy": "internal.example",
    }
    environment = {**callers, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run([script, "preview"], env=environment, capture_output=True, text=True, check=True)
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert {name: value for name, value in told.items() if name.startswith("AWS_")} == {
        "AWS_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    assert told["NO_PROXY"] == told["no_proxy"]
    assert told["no_proxy"] == "127.0.0.1,localhost,internal.example"

import os
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

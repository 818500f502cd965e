"""Plans stacks with the code of the folder it is started in; `planning.py` starts it there, by this file's path.

It runs beside another revision's code, so nothing but that revision's planner is imported; a program that has none of
its own is planned by the installed one.
"""

import dataclasses
import importlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

# Up to version 0.1 the folders were packages themselves.
LOCAL = "local" if Path("local/plan.py").is_file() and not Path("src/toolgate").is_dir() else "toolgate.local"


def main(out: Path, rules: str, stacks: list[str]) -> None:
    """Write what each stack comes to: `{stack: {"deployment", "violations"} or {"failure"}}`."""
    # As an exception the signal also ends the policy pack that `plan` started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    out.write_text(json.dumps({stack: _outcome(stack, rules) for stack in stacks}), encoding="utf-8")


def _outcome(stack: str, rules: str) -> dict[str, Any]:
    try:
        planning = importlib.import_module(f"{LOCAL}.plan")
    except ImportError as error:
        return {"failure": f"this revision has no planner to call ({error})"}
    try:
        planned = planning.plan(stack, **_configured(rules, planning.PackError))
    except (planning.ProgramError, planning.PackError) as error:
        return {"failure": str(error)}
    violations = [dataclasses.asdict(violation) for violation in planned.violations]
    return {"deployment": planned.deployment, "violations": violations}


def _configured(rules: str, failure: type[Exception]) -> dict[str, Any]:
    """What `plan` is told of the rules; nothing by a revision that cannot be told."""
    if not rules:
        return {}
    try:
        pack_config = importlib.import_module(f"{LOCAL}.engine.pack_config")
    except ImportError:
        return {}
    try:
        return {"rules": pack_config.load(Path(rules))}
    except pack_config.PackConfigError as error:
        raise failure(str(error)) from error


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])

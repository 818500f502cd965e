"""Plans stacks with the code of the folder it is started in; `planning.py` starts it there, by this file's path.

It runs beside another revision's `local/`, so nothing but that revision's `local.plan` is imported.
"""

import dataclasses
import json
import signal
import sys
from pathlib import Path
from typing import Any


def main(out: Path, rules: str, stacks: list[str]) -> None:
    """Write what each stack comes to: `{stack: {"deployment", "violations"} or {"failure"}}`."""
    # As an exception the signal also ends the policy pack that `plan` started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    out.write_text(json.dumps({stack: _outcome(stack, rules) for stack in stacks}), encoding="utf-8")


def _outcome(stack: str, rules: str) -> dict[str, Any]:
    try:
        from local.plan import PackError, ProgramError, plan  # noqa: PLC0415
    except ImportError as error:
        return {"failure": f"this revision has no planner to call ({error})"}
    try:
        planned = plan(stack, **_configured(rules))
    except (ProgramError, PackError) as error:
        return {"failure": str(error)}
    violations = [dataclasses.asdict(violation) for violation in planned.violations]
    return {"deployment": planned.deployment, "violations": violations}


def _configured(rules: str) -> dict[str, Any]:
    """What `plan` is told of the rules; nothing by a revision that cannot be told."""
    if not rules:
        return {}
    try:
        from local.engine.pack_config import PackConfigError, load  # noqa: PLC0415
        from local.plan import PackError  # noqa: PLC0415
    except ImportError:
        return {}
    try:
        return {"rules": load(Path(rules))}
    except PackConfigError as error:
        raise PackError(str(error)) from error


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])

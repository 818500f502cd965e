"""Plans stacks with the code of the folder it is started in; `planning.py` starts it there, by this file's path.

It runs beside another revision's `local/`, so nothing but that revision's `local.plan` is imported.
"""

import dataclasses
import json
import signal
import sys
from pathlib import Path
from typing import Any


def main(out: Path, stacks: list[str]) -> None:
    """Write what each stack comes to: `{stack: {"deployment", "violations"} or {"failure"}}`."""
    # As an exception the signal also ends the policy pack that `plan` started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    out.write_text(json.dumps({stack: _outcome(stack) for stack in stacks}), encoding="utf-8")


def _outcome(stack: str) -> dict[str, Any]:
    try:
        from local.plan import PackError, ProgramError, plan  # noqa: PLC0415
    except ImportError as error:
        return {"failure": f"this revision has no planner to call ({error})"}
    try:
        planned = plan(stack)
    except (ProgramError, PackError) as error:
        return {"failure": str(error)}
    violations = [dataclasses.asdict(violation) for violation in planned.violations]
    return {"deployment": planned.deployment, "violations": violations}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

"""Limits of arguments: a call is refused that goes beyond what `limits.json` says.

To make it your own, write your tools into `limits.json` (`limits.py` says how). Narrow `@on_call("*")` to them
(`@on_call("math___*")`), so that others' calls are not counted as calls that something may refuse; a tool that no
pattern matches has no limits then, whatever the file says. Where the gateway takes tokens, an agent can have limits of
its own: write them under `agents`, and let the function be told who calls,

    from intercept import Call, Caller, Verdict, allow, deny, on_call

    @on_call("*")
    def within_limits(call: Call, caller: Caller) -> Verdict:
        refusal = LIMITS.refusal(call.tool, call.arguments, caller.name)

On an IAM gateway nobody tells an interceptor who calls: there, and with the function below, tools that the file limits
for an agent are refused to everyone. To have it beside another interceptor, copy `limits.py`, `limits.json` and the
function, and put it below what rewrites arguments: functions run in the order of the file.
"""

from pathlib import Path

import limits
from intercept import Call, Verdict, allow, deny, on_call

# Read when the function starts: a wrong file denies every call, and the log says what is wrong.
LIMITS = limits.read(Path(__file__).parent / "limits.json")


@on_call("*")
def within_limits(call: Call) -> Verdict:
    """Refuse what goes beyond a limit."""
    refusal = LIMITS.refusal(call.tool, call.arguments)
    return deny(refusal) if refusal else allow()

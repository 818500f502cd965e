"""Lists and search results show the tools that the caller may call, and no others.

So semantic search and a Cedar policy engine go together: search alone shows tools that its caller may not call. On a
gateway that takes tokens the caller is the token's client and sees what that one was handed. On an IAM gateway nobody
tells an interceptor who calls: everyone sees what everyone may call (`shown_tools` of the gateway's settings).

To make it your own, say more in the last line. To have it beside another interceptor, copy the function into the
other's file. What a tool list does not show can still be called: what may be called Cedar decides.
"""

from intercept import Caller, Tool, filter_tools


@filter_tools
def shown(tool: Tool, caller: Caller) -> bool:
    """Whether the caller is shown a tool."""
    return caller.may_call(tool.name)

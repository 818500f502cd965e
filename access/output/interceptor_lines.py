"""What an interceptor may do to one tool's calls or results, in lines: what it answers is in no document."""

from collections.abc import Iterator

from toolgate.access.deployment.agentcore_resources import Interceptor
from toolgate.policy.language.interceptors import REQUEST, Declaration

_WHAT = {REQUEST: "the call", "RESPONSE": "the result"}
_TIMED_OUT = (
    "one that times out lets it through unchanged (measured on an inference gateway; of MCP gateways not known)"
)


def interceptor_lines(interceptor: Interceptor, point: str, tool: str) -> Iterator[str]:
    """The lines of one interceptor at one point.

    Args:
        interceptor: The interceptor.
        point: `REQUEST` or `RESPONSE`.
        tool: The tool's full name.
    """
    what, may = _WHAT[point], interceptor.before(tool) if point == REQUEST else interceptor.after(tool)
    leaves = f"leaves {what} as it is"
    yield f"interceptor {interceptor.name} ({point}): {f'may refuse or rewrite {what}' if may else leaves}"
    if interceptor.declared is None:
        yield "  declares nothing, so that it may do so with any tool's"
    else:
        yield f"  declares: {'; '.join(_declared(interceptor.declared)) or 'nothing that it looks at'}"
    if may:
        yield f"  what it answers its code decides; {_TIMED_OUT}"


def _declared(said: Declaration) -> Iterator[str]:
    for what, patterns in (("calls", said.calls), ("results", said.results)):
        if patterns:
            yield f"{what} of {', '.join(patterns)}"
    lists = [
        name
        for name, shown in (("tools", said.tools), ("prompts", said.prompts), ("resources", said.resources))
        if shown
    ]
    if lists:
        yield f"which {', '.join(lists)} are shown"
    reads = [
        words
        for words, read in (
            ("headers", said.headers),
            ("the token's claims", said.claims),
            ("what the caller was handed", said.caller),
        )
        if read
    ]
    if reads:
        yield f"reads {', '.join(reads)}"

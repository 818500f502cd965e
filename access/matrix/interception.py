"""What calls depend on where a gateway has interceptors: whoever may refuse or rewrite one decides on it as well.

Asked is who stands at REQUEST, between the authorizer and the policy engine; at RESPONSE the tool has been called. That
a gateway may let a call through when its interceptor times out is no answer of the interceptor's, and denies nothing.
"""

from functools import lru_cache

from toolgate.access.deployment.agentcore_resources import Interceptor
from toolgate.access.matrix.elsewhere import ANY_TOOL
from toolgate.policy.language.agentcore_facts import full_name
from toolgate.policy.language.interceptors import REQUEST, may_begin

LETS = "interceptor {} lets it through"
REWRITES = "interceptor {} rewrites the arguments"


@lru_cache(maxsize=256)  # a gateway's tools are the same for all of its callers
def conditions(interceptors: tuple[Interceptor, ...], tools: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """What calls of each tool depend on.

    Args:
        interceptors: The interceptors of the tools' gateway.
        tools: The tools' full names, or what stands for those of a target that are not listed.
    """
    return tuple(tuple(LETS.format(it.name) for it in before(interceptors, tool)) for tool in tools)


def before(interceptors: tuple[Interceptor, ...], tool: str) -> tuple[Interceptor, ...]:
    """Those that may refuse or rewrite calls of the tool."""
    return tuple({it.function_arn: it for it in interceptors if _may_touch(it, tool)}.values())


_NOT_LISTED = full_name("", ANY_TOOL)
"""The end of the name that stands for the tools of a target of which the deployment lists none."""


def _may_touch(interceptor: Interceptor, tool: str) -> bool:
    if interceptor.declared is None or not tool.endswith(_NOT_LISTED):
        return interceptor.before(tool)
    begins = tool.removesuffix(ANY_TOOL)
    return REQUEST in interceptor.points and any(may_begin(it, begins) for it in interceptor.declared.calls)

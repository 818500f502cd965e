"""Changes of access, for tests of what is said about them."""

from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.tool_access import ToolAccess
from toolgate.access.output.access_difference import Change

GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/tools-abcdefghij"
ROLE = "arn:aws:iam::123456789012:role/assistant-role"


def conditional(text: str) -> ToolAccess:
    return ToolAccess(Access.CONDITIONAL, (text,))


def change(
    before: ToolAccess, after: ToolAccess, tool: str = "math___refund", principal: str = ROLE, agent: str | None = "a"
) -> Change:
    return Change(principal, agent, GATEWAY, tool, before, after)

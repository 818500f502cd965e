"""interceptor-sees-answers: nothing of an answer gets past the interceptor that is to see it."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import interceptors
from toolgate.policy.agentcore.functions import INTERCEPTORS
from toolgate.policy.language.agentcore_facts import FUNCTION, FUNCTION_ALIAS, GATEWAY
from toolgate.policy.language.interceptors import RESPONSE, Declaration
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Gateways that stream, with an interceptor that may look at results.

    AgentCore developer guide, "Interceptor types": of a stream it is asked about each event that has a JSON-RPC id.
    """
    for gateway in stack.of(GATEWAY):
        streaming = at(
            gateway.props, "protocolConfiguration", "mcp", "streamingConfiguration", "enableResponseStreaming"
        )
        asked = [it for it in interceptors.of(stack, gateway) if RESPONSE in it.points] if streaming is True else []
        declared = [declaration for it in asked for declaration in it.declared()]
        if any(declaration.results if isinstance(declaration, Declaration) else True for declaration in declared):
            what = "streams answers, and of a stream its RESPONSE interceptor sees no progress and no log messages"
            yield Finding(gateway, what, INTERCEPTORS)


RULE = Rule(
    name="interceptor-sees-answers",
    description="A gateway whose interceptor looks at results does not stream them.",
    why="What a tool writes into a notification reaches the caller as it is: nothing is taken out of it.",
    fix="Leave enable_response_streaming out, or make an exception where no tool of the gateway sends notifications.",
    severity=Severity.LOW,
    framework=frameworks.ALTERNATE_PATH,
    level=EnforcementLevel.ADVISORY,
    check_stack=check_stack,
    remembers=frozenset({GATEWAY, FUNCTION, FUNCTION_ALIAS}),
)

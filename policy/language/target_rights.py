"""What a gateway's role needs for a call of what stands behind a target: the one list of it.

Plan rule, matrix and local gateway take it from here. Sources: AgentCore developer guide, "Set up outbound
authorization for your gateway", "Web Search Tool" and "Amazon Bedrock Managed Knowledge Bases as
Connector Target"; Lambda developer guide, "Control access to Lambda function URLs"; API Gateway developer guide,
"Control access for invoking an API". The role is asked at each call: a right may be taken away after the target was
made.

`bedrock-agentcore:InvokeGateway`, which the guide names for web search as well, others did not need: it is not here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from toolgate.policy.language import patterns
from toolgate.policy.language.agentcore_facts import (
    ACCESS_TOKEN,
    GET_API_KEY,
    GET_SECRET,
    INVOKE_API,
    INVOKE_FUNCTION,
    INVOKE_FUNCTION_URL,
    INVOKE_GATEWAY,
    INVOKE_RUNTIME,
    WORKLOAD_TOKENS,
)
from toolgate.policy.language.patterns import NAME, Some
from toolgate.policy.language.request_facts import Fact

TAKES = {"apiKey": GET_API_KEY, "oauth": ACCESS_TOKEN}
"""What gives the credential of a target, by the member of botocore's `CredentialProviderConfiguration`."""
SIGNS = "gatewayIamRole"
"""How a gateway signs in with its own role, in the same."""
DIRECTORY, VAULT = "workload-identity-directory/default", "token-vault/default"
"""There is one of each in an account and Region, and these are their names."""
WEB_SEARCH, AGENTIC_RETRIEVE = "WebSearch", "AgenticRetrieveStream"
DIRECTLY: Mapping[str, Fact] = {"lambda:invokedviafunctionurl": "false", "lambda:functionurlauthtype": None}
BY_URL: Mapping[str, Fact] = {"lambda:invokedviafunctionurl": "true", "lambda:functionurlauthtype": "AWS_IAM"}
_PARAMETER = re.compile(r"{[^{}]*}")
_VALUE = Some(NAME + ".:~%+$", ("-", "zzz"))
_API_HOST = re.compile(r"(?P<api>[a-z0-9]+)\.execute-api\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")


@dataclass(frozen=True)
class Right:
    """An action on a resource.

    Attributes:
        action: `<service>:<Operation>`.
        resource: Its ARN; None where nobody can say which it is.
        facts: The condition keys that the request sets.
    """

    action: str
    resource: str | None
    facts: Mapping[str, Fact] = field(default_factory=dict)


def of_function(arn: str | None) -> tuple[Right, ...]:
    """A function by its ARN, an alias's or a version's as the target names it."""
    return (Right(INVOKE_FUNCTION, arn, DIRECTLY),)


def of_function_url(arn: str | None) -> tuple[Right, ...]:
    """A function by its URL; of URLs made before October 2025 the second is asked since November 2026."""
    return Right(INVOKE_FUNCTION_URL, arn, BY_URL), Right(INVOKE_FUNCTION, arn, BY_URL)


def of_runtime(arn: str | None) -> tuple[Right, ...]:
    """A server in a runtime: AgentCore asks on the runtime, and on its endpoint."""
    return Right(INVOKE_RUNTIME, arn), Right(INVOKE_RUNTIME, arn and f"{arn}/runtime-endpoint/DEFAULT")


def of_gateway(arn: str | None) -> tuple[Right, ...]:
    """A gateway behind the gateway."""
    return (Right(INVOKE_GATEWAY, arn),)


def of_engine(action: str, engine: str | None, gateway: str | None) -> tuple[Right, ...]:
    """What a gateway asks its policy engine, with its own role, on both (developer guide, "Policy permissions").

    Args:
        action: `AUTHORIZE_CALL` for a call, `AUTHORIZE_LIST` for the list of tools.
        engine: The engine's ARN.
        gateway: The gateway's ARN.
    """
    return Right(action, engine), Right(action, gateway)


def of_method(here: str, method: str) -> tuple[Right, ...]:
    """A method of an API in API Gateway.

    Args:
        here: What an ARN begins with: `arn:<partition>:execute-api:<region>:<account>:`.
        method: `<api>/<stage>/<METHOD>/<path>`.
    """
    return (Right(INVOKE_API, f"{here}{method}"),)


def of_workload_token(here: str, identity: str) -> tuple[Right, ...]:
    """A token of a workload identity.

    Args:
        here: What an ARN of AgentCore begins with: `arn:<partition>:bedrock-agentcore:<region>:<account>:`.
        identity: The identity's name. AgentCore makes one for each gateway, and calls it by the gateway's id.
    """
    return tuple(Right(WORKLOAD_TOKENS[0], arn) for arn in _identity(here, identity))


def of_credential(action: str, here: str, identity: str, provider: str) -> tuple[Right, ...]:
    """An API key, or an access token, for a workload identity's token.

    Args:
        action: The action that gives it, one of `TAKES`.
        here: As above.
        identity: As above.
        provider: The ARN of the credential provider.
    """
    return tuple(Right(action, arn) for arn in (*_identity(here, identity), f"{here}{VAULT}", provider))


def of_secrets(arns: Iterable[str | None]) -> tuple[Right, ...]:
    """The secrets that a provider keeps, which AgentCore reads as its caller."""
    return tuple(
        Right(GET_SECRET, arn, {"secretsmanager:secretid": arn, "aws:viaawsservice": "true"} if arn else {})
        for arn in arns
    )


def of_connector(tool: str, region: str, partition: str, knowledge_base: str | None) -> tuple[Right, ...]:
    """A tool of AWS's own.

    Args:
        tool: The tool's own name.
        region: Where it is called.
        partition: Likewise.
        knowledge_base: The ARN of the knowledge base that is asked.
    """
    if tool == WEB_SEARCH:
        arn = f"arn:{partition}:bedrock-agentcore:{region}:aws:tool/web-search.v1"
        return (Right("bedrock-agentcore:InvokeWebSearch", arn),)
    if tool == AGENTIC_RETRIEVE:  # the action has no resource type
        return (Right("bedrock:AgenticRetrieveStream", "*"),)
    return (Right("bedrock:Retrieve", knowledge_base),)


def api_at(url: str) -> tuple[str, str, str] | None:
    """The API, the Region and the path (stage first) of an API's own URL in API Gateway; None of any other."""
    try:
        parts = urlsplit(url)
        found = _API_HOST.fullmatch(parts.hostname or "")
    except ValueError:
        return None
    return (found["api"], found["region"], parts.path.strip("/")) if found else None


def of_request(gateway: str, method: str, url: str) -> tuple[Right, ...]:
    """A signed request to an API's own URL in API Gateway; of any other host nobody can say what it takes.

    Args:
        gateway: The gateway's ARN, whose account the API is taken to be in.
        method: The HTTP method.
        url: The URL; a path may have parameters.
    """
    found = api_at(url)
    if found is None:
        return ()
    api, region, path = found
    stage, _, rest = path.partition("/")
    return of_method(here_of(gateway, "execute-api", region), f"{api}/{stage}/{method}/{rest}")


def here_of(gateway: str, service: str = "bedrock-agentcore", region: str = "") -> str:
    """What the ARNs of a service begin with where a gateway is, or in another Region."""
    _, partition, _, own, account, _ = gateway.split(":", 5)
    return f"arn:{partition}:{service}:{region or own}:{account}:"


def values_of(arn: str) -> tuple[patterns.Chain, ...]:
    """The ARNs of a method whose path has parameters (`{id}`), which only a call tells; none of any other ARN."""
    first, *more = _PARAMETER.split(arn)
    return (patterns.chain(first, *(part for text in more for part in (_VALUE, text))),) if more else ()


def _identity(here: str, name: str) -> tuple[str, str]:
    return f"{here}{DIRECTORY}", f"{here}{DIRECTORY}/workload-identity/{name}"

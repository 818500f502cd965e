"""The one table of the API calls that a scan makes, and the IAM document that allows these calls and nothing else.

Operations and the lists in their answers are botocore's. What an action is on: Service Authorization Reference, "AWS
Identity and Access Management (IAM)", "AWS Lambda", "Amazon CloudWatch Logs", "Amazon Bedrock AgentCore", "Amazon
Cognito User Pools". That AWS asks for these actions and no others has not been seen.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

CORE, FUNCTIONS, LOGS, IAM, STS = "bedrock-agentcore-control", "lambda", "logs", "iam", "sts"
COGNITO = "cognito-idp"
"""botocore's names of the services."""

_PREFIX = {CORE: "bedrock-agentcore", FUNCTIONS: "lambda", LOGS: "logs", IAM: "iam", COGNITO: "cognito-idp"}
"""What the IAM actions of a service begin with."""

ANYTHING = "*"
"""The resource of an action for which AWS has no resource type: the lists, and all of IAM's details at once."""
_GATEWAY, _ENGINE, _RUNTIME = "gateway/*", "policy-engine/*", "runtime/*"
_MEMORY, _HARNESS, _FUNCTION = "memory/*", "harness/*", "function:*"
_VAULT, _POOL = "token-vault/*", "userpool/*"


@dataclass(frozen=True)
class Call:
    """An API operation.

    Attributes:
        service: botocore's name of the service.
        operation: The operation's name, which is also that of its IAM action.
        items: The list in its answer, where it is read page by page.
        on: What its action is on: `*`, or the last part of ARNs. None for a call that needs no permission.
        page: How many items a page of the list has: what most of the lists take, and no list refuses (botocore).
    """

    service: str
    operation: str
    items: str | None = None
    on: tuple[str, ...] = (ANYTHING,)
    page: int = 50


GET_CALLER_IDENTITY = Call(STS, "GetCallerIdentity", on=())
ACCOUNT_DETAILS = Call(IAM, "GetAccountAuthorizationDetails")
LIST_GATEWAYS = Call(CORE, "ListGateways", "items")
GET_GATEWAY = Call(CORE, "GetGateway", on=(_GATEWAY,))
LIST_TARGETS = Call(CORE, "ListGatewayTargets", "items", (_GATEWAY,))
GET_TARGET = Call(CORE, "GetGatewayTarget", on=(_GATEWAY,))
LIST_ENGINES = Call(CORE, "ListPolicyEngines", "policyEngines")
LIST_POLICIES = Call(CORE, "ListPolicies", "policies", (_ENGINE,))
LIST_RUNTIMES = Call(CORE, "ListAgentRuntimes", "agentRuntimes")
GET_RUNTIME = Call(CORE, "GetAgentRuntime", on=(_RUNTIME,))
LIST_ENDPOINTS = Call(CORE, "ListAgentRuntimeEndpoints", "runtimeEndpoints")
LIST_MEMORIES = Call(CORE, "ListMemories", "memories")
GET_MEMORY = Call(CORE, "GetMemory", on=(_MEMORY,))
LIST_HARNESSES = Call(CORE, "ListHarnesses", "harnesses")
GET_HARNESS = Call(CORE, "GetHarness", on=(_HARNESS,))
GET_RESOURCE_POLICY = Call(CORE, "GetResourcePolicy", on=(_GATEWAY, _RUNTIME, _MEMORY))
LIST_FUNCTIONS = Call(FUNCTIONS, "ListFunctions", "Functions")
LIST_VERSIONS = Call(FUNCTIONS, "ListVersionsByFunction", "Versions", (_FUNCTION,))
LIST_ALIASES = Call(FUNCTIONS, "ListAliases", "Aliases", (_FUNCTION,))
LIST_URLS = Call(FUNCTIONS, "ListFunctionUrlConfigs", "FunctionUrlConfigs", (_FUNCTION,))
GET_FUNCTION_POLICY = Call(FUNCTIONS, "GetPolicy", on=(_FUNCTION,))
LIST_DELIVERY_SOURCES = Call(LOGS, "DescribeDeliverySources", "deliverySources")
LIST_DELIVERIES = Call(LOGS, "DescribeDeliveries", "deliveries")
LIST_PROVIDERS = Call(CORE, "ListOauth2CredentialProviders", "credentialProviders", page=20)
GET_PROVIDER = Call(CORE, "GetOauth2CredentialProvider", on=(_VAULT,))
GET_API_KEY_PROVIDER = Call(CORE, "GetApiKeyCredentialProvider", on=(_VAULT,))
LIST_IDENTITIES = Call(CORE, "ListWorkloadIdentities", "workloadIdentities", page=20)
GET_POOL = Call(COGNITO, "DescribeUserPool", on=(_POOL,))
LIST_SERVERS = Call(COGNITO, "ListResourceServers", "ResourceServers", (_POOL,))
LIST_CLIENTS = Call(COGNITO, "ListUserPoolClients", "UserPoolClients", (_POOL,))
GET_CLIENT = Call(COGNITO, "DescribeUserPoolClient", on=(_POOL,))

CALLS: tuple[Call, ...] = tuple(it for it in globals().values() if isinstance(it, Call))
"""All of them."""


def document(regions: Sequence[str] = (), partition: str = "aws") -> dict[str, Any]:
    """The identity policy of whoever scans: each call of the table, on the account's own resources.

    Args:
        regions: The Regions that are scanned; none for all.
        partition: `aws`, or another partition's name.
    """
    statements: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for call in CALLS:
        if call.on:
            prefix = _PREFIX[call.service]
            at = () if call.on == (ANYTHING,) else tuple(_arns(call, regions or ("*",), partition))
            statements.setdefault((prefix if at else "", at), []).append(f"{prefix}:{call.operation}")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": _sid(at), "Effect": "Allow", "Action": sorted(actions), "Resource": list(at) or ANYTHING}
            for (_, at), actions in statements.items()
        ],
    }


def _arns(call: Call, regions: Iterable[str], partition: str) -> Iterator[str]:
    # An identity policy is about its own account: another account's resources need a policy of theirs besides.
    for region in regions:
        yield from (f"arn:{partition}:{_PREFIX[call.service]}:{region}:*:{kind}" for kind in call.on)


def _sid(arns: Sequence[str]) -> str:
    """A name from the kinds of resources, such as `ReadGatewayRuntimeMemory`."""
    kinds = dict.fromkeys(arn.rpartition(":*:")[2] for arn in arns)
    words = (kind.rstrip("*:/").replace("-", " ").title().replace(" ", "") for kind in kinds)
    return f"Read{''.join(words)}" if kinds else "List"

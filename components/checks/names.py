"""Names that AWS takes: the limits, each with its source, and the names derived from project, stack and component."""

import re
from dataclasses import dataclass

from toolgate.components.checks.arguments import UsageError

SEPARATOR = "___"
"""Between target and tool in a full name (AgentCore developer guide, "Understand how gateway tools are named")."""


@dataclass(frozen=True)
class Limit:
    """What AWS takes as a name.

    Attributes:
        what: The kind of name, for messages.
        pattern: What the whole name must match.
        allowed: The pattern in words.
        longest: The most characters.
        source: Where AWS says so.
    """

    what: str
    pattern: str
    allowed: str
    longest: int
    source: str


GATEWAY = Limit(
    "gateway name",
    r"([0-9a-z]-?)+",
    "lower-case letters, digits and single hyphens, not at the start",
    48,
    # The shape's pattern repeats a character with its hyphen 48 times; the service counts 48 characters in all
    # (CloudFormation roadmap #2456). Lower case, because the gateway's id and ARN carry the lower-cased name.
    "botocore bedrock-agentcore-control GatewayName",
)
TARGET = Limit(
    "target name",
    r"([0-9a-zA-Z]-?)+",
    "letters, digits and single hyphens, not at the start",
    100,
    "botocore bedrock-agentcore-control TargetName",
)
RUNTIME = Limit(
    "runtime name",
    r"[a-zA-Z][a-zA-Z0-9_]*",
    "letters, digits and underscores, a letter first",
    48,
    "botocore bedrock-agentcore-control AgentRuntimeName",
)
POLICY_ENGINE = Limit(
    "policy engine name",
    r"[A-Za-z][A-Za-z0-9_]*",
    "letters, digits and underscores, a letter first",
    48,
    "botocore bedrock-agentcore-control PolicyEngineName",
)
POLICY = Limit(
    "policy name",
    r"[A-Za-z][A-Za-z0-9_]*",
    "letters, digits and underscores, a letter first",
    48,
    "botocore bedrock-agentcore-control PolicyName",
)
MEMORY = Limit(
    "memory name",
    r"[a-zA-Z][a-zA-Z0-9_]*",
    "letters, digits and underscores, a letter first",
    48,
    "botocore bedrock-agentcore-control Name",
)
MEMORY_STRATEGY = Limit(
    "memory strategy name",
    r"[a-zA-Z][a-zA-Z0-9_]*",
    "letters, digits and underscores, a letter first",
    48,
    "botocore bedrock-agentcore-control Name",
)
FUNCTION = Limit(
    "function name",
    r"[a-zA-Z0-9_-]+",
    "letters, digits, hyphens and underscores",
    64,
    "Lambda API reference, CreateFunction, FunctionName",
)
KEY_ALIAS = Limit(
    "key alias",
    r"alias/(?!aws/)[a-zA-Z0-9/_-]+",
    "letters, digits, slashes, hyphens and underscores after `alias/`, and not `aws/` first",
    256,
    "KMS API reference, CreateAlias, AliasName",
)
FULL_TOOL = Limit(
    "full tool name",
    r"[a-zA-Z0-9_-]+",
    "letters, digits, underscores and hyphens",
    64,
    # AgentCore takes 256 characters, but a model cannot be offered a tool with a longer name than this.
    "botocore bedrock-runtime ToolName",
)

DELIVERY = Limit(
    "delivery name",
    r"[a-zA-Z0-9_-]+",
    "letters, digits, underscores and hyphens",
    60,
    "botocore logs DeliverySourceName, DeliveryDestinationName",
)
USER_POOL = Limit(
    "user pool name",
    r"[a-zA-Z0-9_+=,.@ -]+",
    "letters, digits, spaces and '_+=,.@-'",
    128,
    "botocore cognito-idp UserPoolNameType, ClientNameType",
)
USER_POOL_DOMAIN = Limit(
    "user pool domain",
    r"(?!.*(aws|amazon|cognito))[a-z0-9]([a-z0-9-]*[a-z0-9])?",
    "lower-case letters, digits and hyphens, no hyphen at an end, and none of the words aws, amazon and cognito",
    63,
    # That Cognito keeps these words for itself is seen in its refusals only; DomainType is silent on them.
    "botocore cognito-idp DomainType",
)
ISSUER = Limit(
    "issuer name",
    r"[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*",
    "letters, digits and single hyphens between them",
    64,
    # Ours: an agent's credential provider is named for its runtime, an underscore and the issuer, and a runtime's name
    # has no hyphen. So no two agents' providers have one name.
    "the last part of a credential provider's name",
)
CREDENTIAL_PROVIDER = Limit(
    "credential provider name",
    r"[a-zA-Z0-9_-]+",
    "letters, digits, underscores and hyphens",
    128,
    "botocore bedrock-agentcore-control CredentialProviderName",
)
DASHBOARD = Limit(
    "dashboard name",
    r"[a-zA-Z0-9_-]+",
    "letters, digits, underscores and hyphens",
    255,
    "CloudWatch API reference, PutDashboard, DashboardName",
)


def checked(limit: Limit, name: str, *, advice: str) -> str:
    """Return the name if AWS takes it.

    Args:
        limit: What AWS takes.
        name: The name to check.
        advice: What the reader can change.

    Raises:
        UsageError: AWS would refuse the name.
    """
    if len(name) > limit.longest:
        problem = f"has {len(name)} characters; at most {limit.longest} are allowed"
    elif not re.fullmatch(limit.pattern, name):
        problem = f"is refused; allowed are {limit.allowed}"
    else:
        return name
    raise UsageError(f"{limit.what} {name!r} {problem} ({limit.source}). {advice}")


def _made_of(last: str) -> str:
    return f"It is made of project, stack and {last} name: shorten or rename one."


def gateway(project: str, stack: str, name: str) -> str:
    """The gateway's name: project, stack and component joined by hyphens, in lower case.

    Raises:
        UsageError: AWS would refuse the name.
    """
    joined = re.sub(r"[._]", "-", f"{project}-{stack}-{name}").lower()
    return checked(GATEWAY, joined, advice=_made_of("component"))


def runtime(project: str, stack: str, name: str) -> str:
    """The runtime's name: project, stack and component joined by underscores (hyphens are not allowed in it).

    Raises:
        UsageError: AWS would refuse the name.
    """
    joined = re.sub(r"[.-]", "_", f"{project}_{stack}_{name}")
    return checked(RUNTIME, joined, advice=_made_of("agent"))


def policy_engine(project: str, stack: str, name: str, *, own_key: bool = False) -> str:
    """The policy engine's name: project, stack and gateway joined by underscores (hyphens are not allowed in it).

    With a customer managed key it ends in `_cmk`. An engine's key cannot be changed, so a stack that gets one gets a
    new engine, and the old one can only go when the gateway has the new: for that time there are two, with two names.

    Raises:
        UsageError: AWS would refuse the name.
    """
    joined = re.sub(r"[.-]", "_", f"{project}_{stack}_{name}") + ("_cmk" if own_key else "")
    return checked(POLICY_ENGINE, joined, advice=_made_of("gateway"))


def memory(project: str, stack: str, name: str) -> str:
    """The memory's name: project, stack and component joined by underscores (hyphens are not allowed in it).

    Raises:
        UsageError: AWS would refuse the name.
    """
    joined = re.sub(r"[.-]", "_", f"{project}_{stack}_{name}")
    return checked(MEMORY, joined, advice=_made_of("memory"))


def memory_strategy(name: str, where: str) -> str:
    """The strategy's name as it is.

    Raises:
        UsageError: AWS would refuse the name.
    """
    return checked(MEMORY_STRATEGY, name, advice=f"Rename it ({where}).")


def policy(runtime_name: str, number: int) -> str:
    """The name of an agent's Cedar policy: its runtime's name and `_tools`, the second one's with a `_2`, and so on.

    Raises:
        UsageError: AWS would refuse the name.
    """
    return checked(POLICY, numbered(f"{runtime_name}_tools", "_", number), advice=_made_of("agent"))


def client_policy(project: str, stack: str, name: str, number: int) -> str:
    """The name of a machine client's Cedar policy: as an agent's of the same name, but that it ends in `_client`.

    Raises:
        UsageError: AWS would refuse the name.
    """
    joined = re.sub(r"[.-]", "_", f"{project}_{stack}_{name}") + "_client"
    return checked(POLICY, numbered(joined, "_", number), advice=_made_of("client"))


def gateway_policy(project: str, stack: str, target_resource: str, number: int) -> str:
    """The name of a gateway's Cedar policy at a gateway behind it: for its target's resource, with `_gateway`.

    Raises:
        UsageError: AWS would refuse the name.
    """
    joined = re.sub(r"[.-]", "_", f"{project}_{stack}_{target_resource}") + "_gateway"
    advice = "It is made of project, stack, gateway and target name: shorten or rename one."
    return checked(POLICY, numbered(joined, "_", number), advice=advice)


def user_pool(project: str, stack: str, name: str) -> str:
    """The name of a user pool, and of a machine client in one: project, stack and component joined by hyphens.

    Raises:
        UsageError: AWS would refuse the name.
    """
    return checked(USER_POOL, f"{project}-{stack}-{name}", advice=_made_of("component"))


def user_pool_domain(project: str, stack: str, name: str, account: str = "0" * 12) -> str:
    """The prefix of a user pool's domain, which no other account in the Region may have.

    Args:
        project: The project.
        stack: The stack.
        name: The component's name.
        account: The account's id. Without it the name is only checked.

    Raises:
        UsageError: AWS would refuse the name.
    """
    joined = re.sub(r"[._]", "-", f"{project}-{stack}-{name}-{account}").lower()
    return checked(USER_POOL_DOMAIN, joined, advice=_made_of("component"))


def issuer(name: str, where: str) -> str:
    """The issuer's name as it is.

    Raises:
        UsageError: It cannot be part of a credential provider's name.
    """
    return checked(ISSUER, name, advice=f"Rename it ({where}).")


def credential_provider(runtime_name: str, issuer_name: str) -> str:
    """The name of an agent's credential provider for an issuer: the runtime's name and the issuer's.

    Both are checked, and AWS takes whatever they make (botocore bedrock-agentcore-control CredentialProviderName: 128
    letters, digits, underscores and hyphens).
    """
    return f"{runtime_name}_{issuer_name}"


def target_credential_provider(gateway_name: str, target_name: str) -> str:
    """The name of the credential provider by which a gateway signs in to a target: the gateway's name and the target's.

    Neither has two hyphens in a row, so that no two have one name; and no underscore, which the pattern of its ARN has
    no place for (botocore bedrock-agentcore-control ApiKeyCredentialProviderArnType).

    Raises:
        UsageError: AWS would refuse the name.
    """
    name = f"{gateway_name}--{target_name}"
    return checked(CREDENTIAL_PROVIDER, name, advice="It is made of the gateway's name and the target's: shorten one.")


def numbered(name: str, separator: str, number: int) -> str:
    """The name for the first of several, the name and a number for the others."""
    return name if number == 1 else f"{name}{separator}{number}"


def function(project: str, stack: str, name: str) -> str:
    """The Lambda function's name: project, stack and component joined by hyphens.

    Raises:
        UsageError: AWS would refuse the name.
    """
    joined = f"{project}-{stack}-{name}".replace(".", "-")
    return checked(FUNCTION, joined, advice=_made_of("target"))


def interceptor(project: str, stack: str, gateway_name: str, folder: str) -> str:
    """The name of an interceptor's function: project, stack, gateway and the interceptor's folder joined by hyphens.

    Raises:
        UsageError: AWS would refuse the name.
    """
    joined = f"{project}-{stack}-{gateway_name}-{folder}".replace(".", "-")
    made_of = "project, stack, gateway and the interceptor's folder"
    return checked(FUNCTION, joined, advice=f"It is made of {made_of}: shorten or rename one.")


def delivery(owner: str, purpose: str) -> str:
    """The name of a delivery's source and destination: the gateway's or runtime's own name and what is delivered.

    Raises:
        UsageError: AWS would refuse the name.
    """
    return checked(DELIVERY, f"{owner}-{purpose}", advice=_made_of("component"))


def dashboard(project: str, stack: str, name: str) -> str:
    """The dashboard's name: project, stack and component joined by hyphens.

    Raises:
        UsageError: AWS would refuse the name.
    """
    joined = f"{project}-{stack}-{name}".replace(".", "-")
    return checked(DASHBOARD, joined, advice=_made_of("component"))


def key_alias(project: str, stack: str, name: str) -> str:
    """The key's alias: `alias/` and project, stack and component joined by hyphens.

    Raises:
        UsageError: AWS would refuse the name.
    """
    joined = f"alias/{project}-{stack}-{name}".replace(".", "-")
    return checked(KEY_ALIAS, joined, advice=_made_of("component"))


def target(name: str) -> str:
    """The target's name as it is; for our Lambda targets it is the folder's name.

    Raises:
        UsageError: AWS would refuse the name.
    """
    return checked(TARGET, name, advice="Rename the target (for a folder of lambdas/: the folder).")


def full_tool(target_name: str, tool: str) -> str:
    """The tool's full name, `<target>___<tool>`.

    Raises:
        UsageError: A model could not be offered a tool of that name.
    """
    name = f"{target_name}{SEPARATOR}{tool}"
    return checked(FULL_TOOL, name, advice="Shorten or rename the tool's function or its target.")

"""By which actions somebody makes itself a way that nobody gave it: one table, and what a statement opens by it.

What has to be had besides the action is held to be had. What opens the machines of other services, and by them their
roles (ssm:SendCommand, ecs:ExecuteCommand, ...), is not in it.

Sources: Service Authorization Reference, "AWS Identity and Access Management (IAM)", "AWS IAM Identity Center", "AWS
Security Token Service", "AWS Lambda", "Amazon Bedrock AgentCore"; the lists of ways by Rhino Security Labs
(https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/) and Prowler
(iam_policy_allows_privilege_escalation).
"""

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from toolgate.policy.agentcore.families import (
    EVENT_SOURCES,
    FUNCTIONS,
    GATEWAYS,
    HARNESSES,
    IDENTITIES,
    MEMORIES,
    PERMISSION_SETS,
    POLICY_ENGINES,
    ROLES,
    RUNTIMES,
    TOKEN_KEEPERS,
    USER_POOLS,
)
from toolgate.policy.agentcore.wide_grants import holds_both
from toolgate.policy.language import iam
from toolgate.policy.language.agentcore_facts import ASSUME_ROLE, CHANGE_FUNCTION, INVOKE_FUNCTION, RUN_COMMANDS
from toolgate.policy.language.documents import Names, Statement
from toolgate.policy.language.iam import Family
from toolgate.policy.messages import quote

_ACCOUNT = re.compile(r"^arn:[^:$]*:iam::[^:$]*:")


@dataclass(frozen=True, eq=False)
class Way:
    """Actions that open the same."""

    opens: str
    """What the holder then does, after "it"."""
    actions: tuple[str, ...]
    family: Family
    """The ARNs on which they open it."""
    may_be_named: bool = False
    """Whether an exact ARN is in order, unless it is one that a tool or its gateway depends on."""


def _of(service: str, names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names.split())


_AGENTS = (*RUNTIMES, *HARNESSES)
WAYS = (
    Way(
        "writes rights into an identity",
        (
            *_of("iam", "PutRolePolicy AttachRolePolicy CreatePolicyVersion SetDefaultPolicyVersion PutUserPolicy"),
            *_of("iam", "AttachUserPolicy PutGroupPolicy AttachGroupPolicy AddUserToGroup"),
        ),
        IDENTITIES,
    ),
    Way(
        "writes rights into a permission set, or gives one to somebody",
        (
            *_of("sso", "PutInlinePolicyToPermissionSet AttachManagedPolicyToPermissionSet CreateAccountAssignment"),
            *_of("sso", "AttachCustomerManagedPolicyReferenceToPermissionSet"),
        ),
        PERMISSION_SETS,
    ),
    Way(
        "takes limits off an identity",
        (
            *_of("iam", "DeleteRolePermissionsBoundary PutRolePermissionsBoundary DeleteUserPermissionsBoundary"),
            *_of("iam", "PutUserPermissionsBoundary DeleteRolePolicy DetachRolePolicy DeleteUserPolicy"),
            *_of("iam", "DetachUserPolicy"),
        ),
        IDENTITIES,
    ),
    Way(
        "lets itself into a role",
        (
            *_of("iam", "UpdateAssumeRolePolicy CreateSAMLProvider UpdateSAMLProvider CreateOpenIDConnectProvider"),
            *_of("iam", "AddClientIDToOpenIDConnectProvider"),
            *_of("sts", "AssumeRoot"),
        ),
        IDENTITIES,
    ),
    Way(
        "makes itself credentials",
        _of("iam", "CreateAccessKey CreateLoginProfile UpdateLoginProfile CreateServiceSpecificCredential"),
        IDENTITIES,
    ),
    Way("hands roles to services", ("iam:PassRole",), ROLES, may_be_named=True),
    Way("becomes other roles", (ASSUME_ROLE,), ROLES, may_be_named=True),
    Way("changes a function, or opens it to others", CHANGE_FUNCTION, FUNCTIONS, may_be_named=True),
    # The function is in a condition (lambda:FunctionArn), if anywhere.
    Way(
        "feeds a function past its gateway",
        _of("lambda", "CreateEventSourceMapping UpdateEventSourceMapping"),
        EVENT_SOURCES,
    ),
    Way(
        "changes a gateway, or what is behind it",
        _of(
            "bedrock-agentcore",
            "UpdateGateway CreateGateway CreateGatewayTarget UpdateGatewayTarget CreateGatewayRule UpdateGatewayRule",
        ),
        GATEWAYS,
    ),
    Way(
        "changes what a policy engine decides",
        _of("bedrock-agentcore", "CreatePolicy UpdatePolicy DeletePolicy UpdatePolicyEngine DeletePolicyEngine"),
        POLICY_ENGINES,
    ),
    Way(
        "says who may call a gateway or an agent, or use a memory",
        _of("bedrock-agentcore", "PutResourcePolicy DeleteResourcePolicy"),
        (*GATEWAYS, *_AGENTS, *MEMORIES),
    ),
    # It may also say where its records are sent (botocore bedrock-agentcore-control, streamDeliveryResources).
    Way("changes a memory", _of("bedrock-agentcore", "UpdateMemory"), MEMORIES),
    Way(
        "changes an agent, or makes one",
        _of("bedrock-agentcore", "UpdateAgentRuntime CreateAgentRuntime UpdateHarness CreateHarness"),
        _AGENTS,
    ),
    # botocore cognito-idp: the actions that make a client, a secret or a scope, change them, or answer with the secret
    # (DescribeUserPoolClient; ListUserPoolClientSecrets never does). A pool's clients and servers have no ARNs.
    Way(
        "makes itself a client of a user pool, or is one",
        _of(
            "cognito-idp",
            "CreateUserPoolClient UpdateUserPoolClient AddUserPoolClientSecret DescribeUserPoolClient"
            " CreateResourceServer UpdateResourceServer UpdateUserPool",
        ),
        USER_POOLS,
        may_be_named=True,
    ),
    # botocore bedrock-agentcore-control: whose tokens a provider gives, and by which key the vault keeps secrets.
    Way(
        "changes whose tokens it gets",
        _of(
            "bedrock-agentcore",
            "CreateOauth2CredentialProvider UpdateOauth2CredentialProvider CreateWorkloadIdentity"
            " UpdateWorkloadIdentity SetTokenVaultCMK",
        ),
        TOKEN_KEEPERS,
    ),
    Way("runs commands in an agent", RUN_COMMANDS, _AGENTS),
)


@dataclass(frozen=True)
class Depended:
    """Something of the stack that a tool or its gateway depends on."""

    label: str
    """How a message names it."""
    family: Family
    """The ARNs it can have, as far as they are known."""
    nameless: bool = False
    """Whether not even its name is known: only what covers every one is then sure to cover it."""


def widely(statement: Statement, *, of_agentcore: bool) -> tuple[str, ...]:
    """What a statement opens whatever the stack holds, as phrases: an action, where, and what is done by it.

    Args:
        statement: The statement.
        of_agentcore: Whether it is of a role that AgentCore may take; gateway-role-exact-lambda judges those as well.
    """
    return _widely(statement.actions, statement.resources, of_agentcore) if statement.allow is True else ()


# A long document has the same few actions and resources in many statements.
@functools.lru_cache(maxsize=1024)
def _widely(actions: Names, resources: Names, of_agentcore: bool) -> tuple[str, ...]:
    opened = ((way, action, next(_reach(resources, way), None)) for way, action in _ways(actions))
    return tuple(
        f"{action} {reach}: it {way.opens}"
        for way, action, reach in opened
        if reach and not _is_reported(actions, resources, action, of_agentcore)
    )


def _is_reported(actions: Names, resources: Names, action: str, of_agentcore: bool) -> bool:
    by_function = of_agentcore and action.startswith("lambda:")
    return holds_both(actions, resources, action) or (
        by_function and holds_both(actions, resources, action, INVOKE_FUNCTION)
    )


def on(statement: Statement, family: Family, depended: Iterable[Depended]) -> Iterator[str]:
    """What a statement opens by naming one of these, which are of this family."""
    depended = tuple(depended)
    for way, action in _ways(statement.actions) if statement.allow is True else ():
        if way.may_be_named and way.family is family and not any(_reach(statement.resources, way)):
            for it in depended:
                if iam.reaches(statement.resources, it.family, entirely=it.nameless):
                    yield f"{action} on {it.label}: it {way.opens}"


def _ways(actions: Names) -> Iterator[tuple[Way, str]]:
    """The ways that some actions open, each with the first of its actions."""
    for way in WAYS:
        found = iam.held(actions, way.actions)
        if found:
            yield way, found[0]


def _reach(resources: Names, way: Way) -> Iterator[str]:
    yield from iam.wide_resources(resources, way.family, _in_one_account)
    if not way.may_be_named:
        yield from (f"on {quote(arn)}" for arn in iam.exact_resources(resources, way.family))


def _in_one_account(arn: str) -> str:
    """A role's ARN with its partition and account held to one: that role's trust decides there as well."""
    return _ACCOUNT.sub("arn:aws:iam::000000000000:", arn, count=1)

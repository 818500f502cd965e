"""User pools of Cognito, and their domains and resource servers: what an issuer of tokens is made of.

Source of the rules: Cognito API reference, CreateUserPool, CreateUserPoolDomain and CreateResourceServer; developer
guide, "Quotas" and "User pool deletion protection". What only others saw says where. The provider has the id of what is
Cognito's among the outputs, too.
"""

from collections.abc import Iterator

from toolgate.local.cloud.api_requests import Member
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import (
    ALPHANUMERIC,
    LOWER_ALPHANUMERIC,
    MADE_AT,
    ApiRequest,
    Existing,
    Made,
    Making,
    Record,
    ResourceType,
)
from toolgate.local.cloud.values import Properties
from toolgate.policy.language.agentcore_facts import RESOURCE_SERVER, USER_POOL, USER_POOL_CLIENT, USER_POOL_DOMAIN

RESERVED = ("aws", "amazon", "cognito")
"""What no domain prefix may contain (Cognito developer guide, on domains; aws-amplify/amplify-cli#3854)."""
SERVERS_PER_POOL = 25
_CLOUDFRONT = "Z2FDTNDATAQYW2"
"""The hosted zone of all of CloudFront (Route 53 API reference, AliasTarget)."""


def _make_pool(inputs: Properties, making: Making) -> Made:
    env = making.env
    pool_id = f"{env.region}_{making.characters(9, ALPHANUMERIC)}"
    return Made(
        pool_id,
        {
            "id": pool_id,
            "arn": env.arn("cognito-idp", f"userpool/{pool_id}"),
            "endpoint": f"{env.host('cognito-idp')}/{pool_id}",
            "creationDate": MADE_AT,
            "lastModifiedDate": MADE_AT,
            "estimatedNumberOfUsers": 0,
            # Of a pool that is made just now; a refresh against AWS shows the domain that it has got since.
            "domain": "",
            "customDomain": "",
        },
    )


def of_pool(pool: str, kind: str, existing: Existing) -> list[Record]:
    """The resources of a type that are in a user pool."""
    return [found for found in existing(kind) if found.inputs["userPoolId"] == pool]


def pool_exists(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    """What is in a user pool needs the pool."""
    pool = inputs["userPoolId"]
    if not any(found.id == pool for found in existing(USER_POOL)):
        yield f"ResourceNotFoundException: User pool {pool} does not exist."


def _pool_in_use(pool: Record, existing: Existing) -> Iterator[str]:
    if pool.inputs["deletionProtection"] == "ACTIVE":
        text = "The user pool cannot be deleted because deletion protection is activated."
        yield f"InvalidParameterException: {text} Deletion protection must be inactivated first."
    if of_pool(pool.id, USER_POOL_DOMAIN, existing):
        text = "User pool cannot be deleted. It has a domain configured that should be deleted first."
        yield f"InvalidParameterException: {text}"


USER_POOL_TYPE = ResourceType(
    type=USER_POOL,
    requests=(
        ApiRequest(
            "cognito-idp",
            "CreateUserPool",
            {
                "name": "PoolName",
                "deletionProtection": "DeletionProtection",
                "adminCreateUserConfig": Member(
                    "AdminCreateUserConfig", {"allowAdminCreateUserOnly": "AllowAdminCreateUserOnly"}
                ),
                "userPoolTier": "UserPoolTier",
                "tags": "UserPoolTags",
            },
        ),
    ),
    make=_make_pool,
    computed=(
        *("id", "arn", "endpoint", "creationDate", "lastModifiedDate", "estimatedNumberOfUsers"),
        *("domain", "customDomain"),
    ),
    # Its name can be changed (hashicorp/terraform-provider-aws#42639), and all else here.
    replaces=frozenset(),
    auto_name="name",
    defaults={"deletionProtection": "INACTIVE", "mfaConfiguration": "OFF"},
    fixed=frozenset({"mfaConfiguration"}),
    reported=lambda _inputs: {
        "adminCreateUserConfig": {"allowAdminCreateUserOnly": False},
        "userPoolTier": "ESSENTIALS",
    },
    in_use=_pool_in_use,
    # DeleteUserPool asks for nothing to be deleted before but a domain.
    takes_along=lambda pool, existing: [
        *of_pool(pool.id, RESOURCE_SERVER, existing),
        *of_pool(pool.id, USER_POOL_CLIENT, existing),
    ],
)


def _make_domain(inputs: Properties, making: Making) -> Made:
    distribution = f"{making.characters(14, LOWER_ALPHANUMERIC)}.cloudfront.net"
    return Made(
        inputs["domain"],
        {
            "id": inputs["domain"],
            "awsAccountId": making.env.account,
            "cloudfrontDistribution": distribution,
            "cloudfrontDistributionArn": distribution,  # the provider gives the same for both
            "cloudfrontDistributionZoneId": _CLOUDFRONT,
            "s3Bucket": "",
            "version": "20260101000000",
        },
    )


def _prefix(inputs: Properties) -> Iterator[Failure]:
    domain = inputs.get("domain")
    if isinstance(domain, str):
        for word in RESERVED:
            if word in domain:
                yield Failure("domain", f"InvalidParameterException: Domain cannot contain reserved word: {word}")


def _one_domain(inputs: Properties, made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    others = [found for found in of_pool(inputs["userPoolId"], USER_POOL_DOMAIN, existing) if found.id != made.id]
    if others:
        yield "InvalidParameterException: User pool already has a domain configured."


USER_POOL_DOMAIN_TYPE = ResourceType(
    type=USER_POOL_DOMAIN,
    requests=(
        ApiRequest(
            "cognito-idp",
            "CreateUserPoolDomain",
            {"domain": "Domain", "userPoolId": "UserPoolId", "managedLoginVersion": "ManagedLoginVersion"},
        ),
    ),
    make=_make_domain,
    computed=(
        *("awsAccountId", "cloudfrontDistribution", "cloudfrontDistributionArn", "cloudfrontDistributionZoneId"),
        *("id", "s3Bucket", "version"),
    ),
    replaces=frozenset({"domain", "userPoolId"}),
    reported=lambda _inputs: {"managedLoginVersion": 1},
    rules=(_prefix,),
    needs=(pool_exists, _one_domain),
    # In the Region, whosever they are; here only this account is known.
    unique=("domain",),
    conflict="InvalidParameterException: Domain already associated with another user pool.",
)


def _make_server(inputs: Properties, _making: Making) -> Made:
    identifier = inputs["identifier"]
    scopes = [f"{identifier}/{scope['scopeName']}" for scope in inputs.get("scopes") or []]
    server_id = f"{inputs['userPoolId']}|{identifier}"
    return Made(server_id, {"id": server_id, "scopeIdentifiers": scopes})


def _few_servers(inputs: Properties, made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    others = [found for found in of_pool(inputs["userPoolId"], RESOURCE_SERVER, existing) if found.id != made.id]
    if len(others) >= SERVERS_PER_POOL:
        yield f"LimitExceededException: a user pool takes at most {SERVERS_PER_POOL} resource servers"


RESOURCE_SERVER_TYPE = ResourceType(
    type=RESOURCE_SERVER,
    requests=(
        ApiRequest(
            "cognito-idp",
            "CreateResourceServer",
            {
                "identifier": "Identifier",
                "name": "Name",
                "userPoolId": "UserPoolId",
                "scopes": Member("Scopes", {"scopeName": "ScopeName", "scopeDescription": "ScopeDescription"}),
            },
        ),
    ),
    make=_make_server,
    computed=("id", "scopeIdentifiers"),
    replaces=frozenset({"identifier", "userPoolId"}),
    auto_name="name",
    unordered=frozenset({"scopes"}),
    refreshed=frozenset({"scopeIdentifiers"}),
    needs=(pool_exists, _few_servers),
    unique=("userPoolId", "identifier"),
    conflict="InvalidParameterException: {identifier} already exists in user pool {userPoolId}.",
    # It can go while clients have its scopes (aws-cloudformation/cloudformation-coverage-roadmap#173).
)

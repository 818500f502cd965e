"""The ARNs that a rule asks about: every gateway, every function, every model, one function."""

import functools

from toolgate.policy.language import patterns
from toolgate.policy.language.agentcore_facts import GATEWAY_ARNS, MEMORY_ARNS
from toolgate.policy.language.patterns import ACCOUNT, ACCOUNT_ID, ID, NAME, PARTITION, REGION, Some, chain

_QUALIFIER = Some(NAME + "$.", ("-", "zzz"))
_MODEL_ID = Some(NAME + ".:/", ("-", "zzz"))


def _bedrock(account: str | Some, kind: str) -> patterns.Chain:
    return chain("arn:", PARTITION, ":bedrock:", REGION, ":", account, f":{kind}/", _MODEL_ID)


def _of_agentcore(*resource: str | Some) -> patterns.Chain:
    return chain("arn:", PARTITION, ":bedrock-agentcore:", REGION, ":", ACCOUNT, ":", *resource)


GATEWAYS = GATEWAY_ARNS
MEMORIES = MEMORY_ARNS

# Service Authorization Reference, "Amazon Bedrock AgentCore", resource types runtime and runtime-endpoint.
RUNTIMES = (_of_agentcore("runtime/", ID), _of_agentcore("runtime/", ID, "/runtime-endpoint/", ID))
HARNESSES = (_of_agentcore("harness/", ID), _of_agentcore("harness/", ID, "/harness-endpoint/", ID))
# botocore bedrock-agentcore-control PolicyEngineArn, PolicyArn.
POLICY_ENGINES = (_of_agentcore("policy-engine/", ID), _of_agentcore("policy-engine/", ID, "/policy/", ID))

# Two ids without a common part. botocore bedrock-agentcore-control AgentRuntimeArn, HarnessArn.
_TWO_IDS = ("a_b-aaaaaaaaaa", "Zy9-0000000000")


def _agent(name: str) -> tuple[patterns.Chain, ...]:
    return tuple(
        _of_agentcore(f"{kind}/{name}", *endpoint)
        for kind in ("runtime", "harness")
        for endpoint in ((), (f"/{kind}-endpoint/", ID))
    )


TWO_AGENTS = (_agent(_TWO_IDS[0]), _agent(_TWO_IDS[1]))
# Service Authorization Reference, resource type workload-identity. The directory's own ARN, which the developer guide
# asks for beside it, is none.
TWO_IDENTITIES = tuple(
    (_of_agentcore("workload-identity-directory/", ID, f"/workload-identity/{name}"),) for name in _TWO_IDS
)


# botocore bedrock-agentcore-control CredentialProviderArnType. The vault's own ARN, which the service asks for beside
# it, is none.
API_KEY_PROVIDERS = (_of_agentcore("token-vault/", ID, "/apikeycredentialprovider/", ID),)
PROVIDERS = (_of_agentcore("token-vault/", ID, "/oauth2credentialprovider/", ID),)
# AgentCore developer guide, "Manage credential provider secrets": how the service calls the secrets that it keeps.
PROVIDER_SECRETS = (
    chain(
        "arn:", PARTITION, ":secretsmanager:", REGION, ":", ACCOUNT, ":secret:bedrock-agentcore-identity!",
        Some(NAME + "/", ("-", "zzz")),
    ),
)  # fmt: skip

# botocore bedrock-agentcore-control TokenVaultArnType, WorkloadIdentityArnType and the directory's.
TOKEN_KEEPERS = (
    *PROVIDERS,
    _of_agentcore("token-vault/", ID),
    _of_agentcore("workload-identity-directory/", ID),
    _of_agentcore("workload-identity-directory/", ID, "/workload-identity/", Some(NAME + ".", ("-", "zzz"))),
)


@functools.lru_cache(maxsize=4096)
def identity_named(name: str) -> tuple[patterns.Chain, ...]:
    """The ARNs that a workload identity of this name can have."""
    return (_of_agentcore("workload-identity-directory/", ID, f"/workload-identity/{name}"),)


# Service Authorization Reference, "Amazon Cognito User Pools", resource type userpool: whose clients, servers and
# scopes have no ARNs of their own.
USER_POOLS = (chain("arn:", PARTITION, ":cognito-idp:", REGION, ":", ACCOUNT, ":userpool/", ID),)

# Amazon API Gateway developer guide, "Control access for invoking an API": what stands before method and path.
API_STAGES = (chain("arn:", PARTITION, ":execute-api:", REGION, ":", ACCOUNT, ":", ID, "/", ID),)

_IAM_NAME = Some(NAME + "+=,.@", ("-", "zzz"))
_IAM_PATH_AND_NAME = Some(NAME + "+=,.@/", ("-", "zzz"))

# Service Authorization Reference, "AWS Identity and Access Management (IAM)" and "AWS IAM Identity Center".
ROLES = (chain("arn:", PARTITION, ":iam::", ACCOUNT_ID, ":role/", _IAM_PATH_AND_NAME),)
IDENTITIES = (chain("arn:", PARTITION, ":iam::", ACCOUNT_ID, ":", _IAM_PATH_AND_NAME),)
PERMISSION_SETS = (chain("arn:", PARTITION, ":sso:::", _IAM_PATH_AND_NAME),)

# AgentCore developer guide, "Policy conditions": the caller's ARN without the session's name. A role's sessions show
# neither its path nor the role's own ARN. That a user is its ARN is not written there, and nothing says otherwise.
IAM_ENTITIES = (
    chain("arn:", PARTITION, ":sts::", ACCOUNT_ID, ":assumed-role/", _IAM_NAME),
    chain("arn:", PARTITION, ":iam::", ACCOUNT_ID, ":user/", _IAM_PATH_AND_NAME),
)

# botocore bedrock-runtime InvokeModelIdentifier: what a model id can be the ARN of.
MODELS = (
    _bedrock("", "foundation-model"),
    # A `global.` profile's model has no Region either (Bedrock user guide, "Global cross-Region inference").
    chain("arn:", PARTITION, ":bedrock:::foundation-model/", _MODEL_ID),
    *(
        _bedrock(ACCOUNT, kind)
        for kind in (
            "inference-profile",
            "application-inference-profile",
            "provisioned-model",
            "custom-model",
            "custom-model-deployment",
            "imported-model",
            "prompt-router",
            "default-prompt-router",
        )
    ),
)

# Service Authorization Reference, "Amazon Bedrock Powered by AWS Mantle": through which a role uses models.
PROJECTS = (chain("arn:", PARTITION, ":bedrock-mantle:", REGION, ":", ACCOUNT, ":project/", ID),)


@functools.lru_cache(maxsize=4096)
def role_anywhere(name: str) -> tuple[patterns.Chain, ...]:
    """The ARNs a role of this name can have, in any account and under any path."""
    role = ("arn:", PARTITION, ":iam::", ACCOUNT_ID, ":role/")
    return chain(*role, name), chain(*role, _IAM_PATH_AND_NAME, f"/{name}")


@functools.lru_cache(maxsize=4096)
def function_named(name: str) -> tuple[patterns.Chain, ...]:
    """The ARNs a function of this name can have, in any Region and account."""
    return _with_qualifier("arn:", PARTITION, ":lambda:", REGION, ":", ACCOUNT, f":function:{name}")


@functools.lru_cache(maxsize=4096)
def function_family(arn: str) -> tuple[patterns.Chain, ...]:
    """The ARNs of one function: its own, and those of its versions and aliases."""
    return _with_qualifier(":".join(arn.split(":")[:7]))


def _with_qualifier(*parts: str | Some) -> tuple[patterns.Chain, ...]:
    return chain(*parts), chain(*parts, ":", _QUALIFIER)


# botocore lambda FunctionArn.
FUNCTIONS = _with_qualifier("arn:", PARTITION, ":lambda:", REGION, ":", ACCOUNT, ":function:", ID)
# Service Authorization Reference, "AWS Lambda", resource type eventSourceMapping.
EVENT_SOURCES = (chain("arn:", PARTITION, ":lambda:", REGION, ":", ACCOUNT, ":event-source-mapping:", ID),)

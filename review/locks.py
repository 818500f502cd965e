"""Locks that a change takes off or loosens: what kept somebody out, whether or not anybody gains by it today.

Here are those that are properties or resources of their own; `document_locks` has those that documents are, and
`interceptor_locks` what an interceptor declares. A lock that
goes together with what it locked is none, and neither is one that only stands elsewhere now.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from toolgate.access.deployment.deployment import Deployment
from toolgate.policy.language.agentcore_facts import FUNCTION_URL, LAMBDA_PERMISSION, RESOURCE_POLICY, USER_POOL_CLIENT
from toolgate.review.changes import label, made, told
from toolgate.review.markdown import code
from toolgate.review.properties import nodes


@dataclass(frozen=True)
class Lock:
    """A lock that is off or looser: what is the matter with it, as Markdown, and whose lock it is."""

    text: str
    resource: str


@dataclass(frozen=True)
class Side:
    """A deployment before or after a change: as its file has it, and read."""

    file: Mapping[str, Any]
    read: Deployment

    @cached_property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """Its resources without components, by type and name, so that one that gets another parent stays the same.

        Where several have the same, by their URNs.
        """
        every = made(self.file)
        shared = Counter(map(_short_urn, every))
        return {it["urn"] if shared[_short_urn(it)] > 1 else _short_urn(it): it for it in every}

    @cached_property
    def names(self) -> frozenset[str]:
        """The ids, ARNs and names that its resources are referred to by."""
        locked = [it for it in self.resources.values() if it["type"] not in _ABOUT and not _OF_BUCKET(it["type"])]
        found = ((it.get("id"), *(it.get("outputs", {}).get(key) for key in _KNOWN_BY)) for it in locked)
        return frozenset(name for names in found for name in names if isinstance(name, str))

    def alone_has(self, name: str, other: "Side") -> bool:
        """Whether a resource is made on this side only. One that neither makes may well be in the account."""
        return name in self.names and name not in other.names


def _short_urn(resource: Mapping[str, Any]) -> str:
    return f"{resource['type']}::{resource['urn'].rpartition('::')[2]}"


# What is set of a bucket apart goes by the bucket's name, too.
_OF_BUCKET = re.compile(r"aws:s3/bucket(?!(?:V2)?:)").match
_KNOWN_BY = ("arn", "name", "url", "bucket", "gatewayArn", "agentRuntimeArn", "memoryArn")


def plain_locks(before: Side, after: Side) -> Iterator[Lock]:
    """The locks that a change takes off or loosens, documents apart."""
    return chain(_properties(before, after), _lives(before, after), _doors(before, after), _guards(before, after))


type _Looser = Callable[[Any, Any], bool]
"""Whether a property's value after the change, None where it has none, locks less than the one before."""


def _gone(before: Any, after: Any) -> bool:
    return before is not None and after is None


def _come(before: Any, after: Any) -> bool:
    return before is None and after is not None


def _gone_or_other(before: Any, after: Any) -> bool:
    return before is not None and before != after


def _other(before: Any, after: Any) -> bool:
    return None not in (before, after) and before != after


def _off(before: Any, after: Any) -> bool:
    return before is True and after is not True


def _fewer(before: Any, after: Any) -> bool:
    """A list of what has to hold."""
    return isinstance(before, list) and any(it not in (after or []) for it in before)


def _asked_less(before: Any, after: Any) -> bool:
    """Interceptors: what each is told of a request, `interceptor_locks` compares."""
    return _fewer(*(_without_input(it) for it in (before, after)))


def _without_input(interceptors: Any) -> Any:
    if not isinstance(interceptors, list):
        return interceptors
    return [
        {key: value for key, value in it.items() if key.lower() != "inputconfiguration"} if isinstance(it, dict) else it
        for it in interceptors
    ]


def _more(before: Any, after: Any) -> bool:
    """A list of what is let in; with none, everything is."""
    return isinstance(before, list) and bool(before) and (not after or any(it not in before for it in after))


def _grown(before: Any, after: Any) -> bool:
    """A list of what is given; with none, nothing is."""
    return isinstance(after, list) and any(it not in (before or []) for it in after)


def _users(before: Any, after: Any) -> bool:
    """A list that AWS fills where the program does not say it (botocore cognito-idp, ExplicitAuthFlows)."""
    return (before is not None and after is None) or _grown(before, after)


def _active_no_more(before: Any, after: Any) -> bool:
    return bool(before == "ACTIVE" and after != "ACTIVE")


def _order(*strongest_first: str) -> _Looser:
    places = {value: place for place, value in enumerate(strongest_first)}

    def looser(before: Any, after: Any) -> bool:
        known = {before, after} <= places.keys() if isinstance(before, str) and isinstance(after, str) else False
        return places[after] > places[before] if known else _other(before, after)

    return looser


@dataclass(frozen=True)
class _Property:
    """A property that locks, whatever resource has it at the end of a path.

    Attributes:
        path: The end of its path.
        looser: When it locks less.
        meaning: What is the matter then.
        beside: It counts only where this property is set after the change.
    """

    path: str
    looser: _Looser
    meaning: str
    beside: str = ""


_JWT = "authorizerConfiguration.customJwtAuthorizer"
_CUSTOM = "oauth2ProviderConfig.customOauth2ProviderConfig"
# What the values mean: AgentCore developer guide, "Inbound authorization", "Policy in AgentCore" and "Create a gateway"
# (search knows nothing of the caller); developer guides of Lambda ("Function URLs") and S3 ("Block public access").
_PROPERTIES = (
    _Property("authorizerType", _order("AWS_IAM", "CUSTOM_JWT", "AUTHENTICATE_ONLY", "NONE"), "weaker authorizer"),
    # A runtime without a token's authorizer is IAM's; a gateway says so by its authorizerType.
    _Property(_JWT, _come, "tokens are taken instead of IAM's decision", beside="agentRuntimeName"),
    _Property(f"{_JWT}.discoveryUrl", _other, "tokens of another issuer are taken"),
    _Property(f"{_JWT}.allowedAudiences", _more, "tokens for more audiences are taken", beside=_JWT),
    _Property(f"{_JWT}.allowedClients", _more, "tokens of more clients are taken", beside=_JWT),
    _Property(f"{_JWT}.allowedScopes", _more, "tokens of more scopes are taken", beside=_JWT),
    _Property(f"{_JWT}.customClaims", _fewer, "tokens need a claim less, or another", beside=_JWT),
    # Cognito API reference, CreateUserPool and CreateUserPoolClient.
    _Property("adminCreateUserConfig.allowAdminCreateUserOnly", _off, "whoever wants to signs up at the issuer"),
    _Property("deletionProtection", _active_no_more, "the issuer may be deleted by a slip"),
    _Property("allowedOauthScopes", _grown, "a client gets tokens of more scopes"),
    _Property("allowedOauthFlows", _grown, "a client's tokens are had by more flows"),
    _Property("explicitAuthFlows", _users, "users sign in by a client", beside="userPoolId"),
    _Property("generateSecret", _off, "a client has no secret, so that whoever knows its id is it"),
    _Property(f"{_CUSTOM}.clientId", _other, "tokens are taken as another client"),
    _Property(f"{_CUSTOM}.oauthDiscovery.discoveryUrl", _other, "a client's secret goes to another issuer"),
    _Property(
        f"{_CUSTOM}.oauthDiscovery.authorizationServerMetadata.tokenEndpoint",
        _other,
        "a client's secret goes to another issuer",
    ),
    _Property("policyEngineConfiguration", _gone, "no policy engine decides who may call which tool"),
    _Property("policyEngineConfiguration.mode", _order("ENFORCE", "LOG_ONLY"), "the policy engine only logs"),
    _Property("enforcementMode", _order("ACTIVE", "LOG_ONLY"), "the policy is only logged"),
    _Property(
        "mcp.searchType", _come, "search shows tools that its caller may not call", beside="policyEngineConfiguration"
    ),
    _Property("interceptorConfigurations", _asked_less, "an interceptor less, or another"),
    _Property("permissionsBoundary", _gone_or_other, "no permissions boundary, or another"),
    _Property("networkMode", _order("SANDBOX", "VPC", "PUBLIC"), "a more open network"),
    _Property("vpcConfig", _gone, "no longer in a VPC"),
    _Property("authorizationType", _order("AWS_IAM", "NONE"), "the URL is open to anybody"),
    *(
        _Property(name, _gone, "no longer encrypted with a key of one's own")
        for name in ("kmsKeyArn", "kmsKeyId", "kmsMasterKeyId", "encryptionKeyArn")
    ),
    *(
        _Property(name, _off, "objects may be made public")
        for name in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    ),
    _Property("(protect)", _off, "a slip of an edit may delete it"),
)
_ROWS: dict[str, list[_Property]] = {}
for _row in _PROPERTIES:
    _ROWS.setdefault(_row.path.rpartition(".")[2].lower(), []).append(_row)


def _properties(before: Side, after: Side) -> Iterator[Lock]:
    for key in (it for it in after.resources if it in before.resources):
        old, new = (dict(nodes(told(side.resources[key]))) for side in (before, after))
        for path in dict.fromkeys([*old, *new]):
            was, now = old.get(path), new.get(path)
            for row in _ROWS.get(path.rpartition(".")[2].lower(), ()):
                if _ends(path, row.path) and row.looser(was, now) and _beside(row, new):
                    yield Lock(f"{row.meaning}: {_was(path, was, now)}", label(after.resources[key]))


def _beside(row: _Property, values: Mapping[str, Any]) -> bool:
    return not row.beside or any(_ends(path, row.beside) for path in values)


def _ends(path: str, end: str) -> bool:
    """Whether a path is this or ends with it; in any case of letters, which CloudFormation writes otherwise."""
    return f".{path.lower()}".endswith(f".{end.lower()}")


def _was(path: str, before: Any, after: Any) -> str:
    texts = [str(it).lower() if isinstance(it, bool) else it for it in (before, after)]
    old, new = (code(it) if isinstance(it, str) else None for it in texts)
    if after is None:
        return f"{code(path)} gone" + (f", was {old}" if old else "")
    if before is None:
        return f"{code(path)} new"
    return f"{code(path)} is {new}, was {old}" if old and new else f"{code(path)} changed"


def _lives(before: Side, after: Side) -> Iterator[Lock]:
    """Tokens that live longer: how long a caller keeps what was taken from it."""
    for key, client in after.resources.items():
        if client["type"] == USER_POOL_CLIENT and key in before.resources:
            was, now = (_minutes(side.resources[key].get("inputs", {})) for side in (before, after))
            if was is not None and now is not None and now > was:
                yield Lock(f"its tokens live {now:g} minutes, and lived {was:g}", label(client))


# botocore cognito-idp, TokenValidityUnitsType and UserPoolClientType: an hour, where neither is said.
_UNITS = {"seconds": 1 / 60, "minutes": 1, "hours": 60, "days": 1440}


def _minutes(client: Mapping[str, Any]) -> float | None:
    """How long a client's access tokens live; None where that cannot be read."""
    units = client.get("tokenValidityUnits") or {}
    unit = units.get("accessToken", "hours") if isinstance(units, Mapping) else None
    life = client.get("accessTokenValidity", 1)
    return life * _UNITS[unit] if isinstance(life, int | float) and unit in _UNITS else None


def _doors(before: Side, after: Side) -> Iterator[Lock]:
    """Function URLs that come and are open to anybody."""
    for key, resource in after.resources.items():
        closed = resource.get("inputs", {}).get("authorizationType") == "AWS_IAM"
        if resource["type"] == FUNCTION_URL and key not in before.resources and not closed:
            yield Lock("a URL that is open to anybody", label(resource))


# What locks another resource, by the property that names it. What may be in the account and is not made by a program
# is there before and after.
_GUARDS = {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "bucket",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": "bucket",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "resourceArn",
}
POLICIES = {
    RESOURCE_POLICY: "resourceArn",
    "aws:s3/bucketPolicy:BucketPolicy": "bucket",
    "aws:apigateway/restApiPolicy:RestApiPolicy": "restApiId",
    "aws:sqs/queuePolicy:QueuePolicy": "queueUrl",
    "aws:sns/topicPolicy:TopicPolicy": "arn",
    "aws:secretsmanager/secretPolicy:SecretPolicy": "secretArn",
    "aws:dynamodb/resourcePolicy:ResourcePolicy": "resourceArn",
    "aws:kms/keyPolicy:KeyPolicy": "keyId",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "repository",
}
_ABOUT = {**_GUARDS, **POLICIES, LAMBDA_PERMISSION: "function"}


def about(resource: Mapping[str, Any]) -> str:
    """What a guard, a policy or a permission is about, as its property names it."""
    name = str(resource.get("inputs", {}).get(_ABOUT[resource["type"]]))
    return name.rpartition(":function:")[2] if resource["type"] == LAMBDA_PERMISSION else name


def _guards(before: Side, after: Side) -> Iterator[Lock]:
    kept = {(it["type"], about(it)) for it in after.resources.values() if it["type"] in _GUARDS}
    for resource in before.resources.values():
        guards = resource["type"] in _GUARDS and not before.alone_has(about(resource), after)
        if guards and (resource["type"], about(resource)) not in kept:
            yield Lock("gone, and what it locked stays", label(resource))

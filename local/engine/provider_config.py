"""The AWS provider's configuration: which keys there are, and what of it the stand-in cannot follow.

Whatever is not named in `_NOT_FOLLOWED` says where AWS is, who asks, and how often, or stops the provider at another
account: nothing of that means anything where no AWS is asked, and it is passed over.
"""

from collections.abc import Mapping

# Arguments of `aws.Provider`, pulumi-aws 7.51; a test compares them.
# fmt: off
_KNOWN = frozenset({
    "accessKey", "allowedAccountIds", "assumeRoleWithWebIdentity", "assumeRoles", "customCaBundle",
    "defaultTags", "ec2MetadataServiceEndpoint", "ec2MetadataServiceEndpointMode", "endpoints",
    "forbiddenAccountIds", "httpProxy", "httpsProxy", "ignoreTags", "insecure", "maxRetries", "noProxy",
    "profile", "region", "retryMode", "s3UsEast1RegionalEndpoint", "s3UsePathStyle", "secretKey",
    "sharedConfigFiles", "sharedCredentialsFiles", "skipCredentialsValidation", "skipMetadataApiCheck",
    "skipRegionValidation", "skipRequestingAccountId", "stsRegion", "tagPolicyCompliance", "token",
    "tokenBucketRateLimiterCapacity", "useDualstackEndpoint", "useFipsEndpoint", "userAgents",
})
# fmt: on
# What the engine adds for itself.
_ENGINES = frozenset({"version", "pluginDownloadURL", "__internal"})
_NOT_FOLLOWED = {
    "defaultTags": "puts tags on every resource, which is not reproduced here; write them under `toolgate:tags`, or as "
    "`tags` of the components",
    "ignoreTags": "has the provider pass over tags, which is not reproduced here; leave it out",
    "skipRequestingAccountId": "leaves the account out of ARNs, which is not reproduced here; leave it out",
}
_SAYS_NOTHING = ("", "false", "{}", "null", None, False)


def refused(given: Mapping[str, object]) -> dict[str, str]:
    """The keys that cannot be taken, and why.

    A key that the provider does not have is one (pulumi-terraform-bridge `pkg/tfbridge/provider.go`: `CheckConfig`).

    Args:
        given: The provider's configuration, by its own names such as `defaultTags`.
    """
    unknown = {name: "is no key of the AWS provider" for name in given if name not in _KNOWN | _ENGINES}
    changing = {name: why for name, why in _NOT_FOLLOWED.items() if given.get(name) not in _SAYS_NOTHING}
    return unknown | changing

"""The credential providers that a gateway signs in to its targets with, each for one target of one gateway."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import names
from toolgate.components.iam import component_role
from toolgate.components.targets import kinds
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.tokens import oauth_provider

CREDENTIAL = "credential"
"""The key by which what stands behind a gateway says how it is signed in to (`credentials.TargetCredential`)."""

type Tags = pulumi.Input[dict[str, pulumi.Input[str]]] | None


def check(targets: Mapping[str, GatewayTarget], gateway_name: str) -> None:
    """Check the names of the providers that are made.

    Raises:
        UsageError: AWS would refuse one.
    """
    for target_name, target in targets.items():
        if "json_key" in _secret(target):
            names.target_credential_provider(gateway_name, target_name)


def make(
    component: pulumi.ComponentResource,
    name: str,
    gateway_name: str,
    targets: Mapping[str, GatewayTarget],
    tags: Tags,
) -> dict[str, GatewayTarget]:
    """Make the providers that are not there yet.

    Args:
        component: The gateway's component.
        name: The component's name.
        gateway_name: The gateway's name in AWS.
        targets: Its targets, checked.
        tags: Tags for the providers.

    Returns:
        The targets, whose providers are there.
    """
    # A provider goes with its target, and its name is free before another has it.
    opts = component_role.replaceable(component).merge(pulumi.ResourceOptions(delete_before_replace=True))
    found: dict[str, GatewayTarget] = {}
    for target_name, target in targets.items():
        found[target_name] = target
        if "json_key" not in (secret := _secret(target)):
            continue
        resource, called = f"{name}-{target_name}-provider", names.target_credential_provider(gateway_name, target_name)
        arn: pulumi.Output[str]
        if "client_id" in secret:
            as_client = oauth_provider.external(secret["client_id"], secret["secret_arn"], secret["json_key"])
            arn = aws.bedrock.AgentcoreOauth2CredentialProvider(
                resource,
                name=called,
                credential_provider_vendor=oauth_provider.VENDOR,
                oauth2_provider_config=oauth_provider.configuration(as_client, secret["discovery_url"]),
                tags=tags,
                opts=opts,
            ).credential_provider_arn
        else:
            arn = aws.bedrock.AgentcoreApiKeyCredentialProvider(
                resource,
                name=called,
                api_key_secret_source="EXTERNAL",  # noqa: S106  # where it is, not what it is
                api_key_secret_config={"secret_id": secret["secret_arn"], "json_key": secret["json_key"]},
                tags=tags,
                opts=opts,
            ).credential_provider_arn
        found[target_name] = _with_provider(target, arn)
    return found


def _secret(target: GatewayTarget) -> Mapping[str, Any]:
    """What is said of the target's secret; empty where it has none."""
    behind = target.get(kinds.kind_of(target).key)
    credential: Any = behind.get(CREDENTIAL, {}) if isinstance(behind, Mapping) else {}
    return credential.get("api_key", credential.get("oauth", {}))  # type: ignore[no-any-return]  # of a checked type


def _with_provider(target: GatewayTarget, arn: pulumi.Output[str]) -> GatewayTarget:
    key = kinds.kind_of(target).key
    behind: Any = target[key]  # type: ignore[literal-required]  # a kind's key is a target's
    [(kind, secret)] = behind[CREDENTIAL].items()
    there = {it: value for it, value in secret.items() if it not in ("json_key", "client_id", "discovery_url")}
    return {**target, key: {**behind, CREDENTIAL: {kind: {**there, "provider_arn": arn}}}}  # type: ignore[misc]  # as above

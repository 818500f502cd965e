"""The workload identity that AgentCore makes for each gateway and runtime."""

from toolgate.local.cloud.cloud_environment import CloudEnvironment


def details(place: CloudEnvironment, owner_id: str) -> list[dict[str, str]]:
    """What a gateway or runtime reports of its identity.

    Args:
        place: Where it is.
        owner_id: The gateway's or runtime's id, which names the identity.
    """
    resource = f"workload-identity-directory/default/workload-identity/{owner_id}"
    return [{"workloadIdentityArn": place.arn("bedrock-agentcore", resource)}]

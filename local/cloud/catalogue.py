"""The resource types that the stand-in control plane reproduces."""

from collections.abc import Mapping

from toolgate.local.cloud.failures import NotReproducedError
from toolgate.local.cloud.resource_type import ResourceType
from toolgate.local.cloud.types import (
    alarms,
    dashboards,
    deliveries,
    functions,
    gateway_targets,
    gateways,
    iam,
    kms,
    logs,
    memories,
    policy_engines,
    queues,
    resource_policies,
    rest_apis,
    runtimes,
    s3,
    secrets,
    tables,
    topics,
)
from toolgate.local.cloud.types.tokens import app_clients, token_vault, user_pools

TYPES: Mapping[str, ResourceType] = {
    kind.type: kind
    for kind in (
        iam.ROLE_TYPE,
        iam.ROLE_POLICY_TYPE,
        kms.KEY_TYPE,
        kms.ALIAS_TYPE,
        logs.LOG_GROUP,
        functions.FUNCTION_TYPE,
        functions.PERMISSION_TYPE,
        rest_apis.REST_API_TYPE,
        rest_apis.POLICY_TYPE,
        rest_apis.DEPLOYMENT_TYPE,
        rest_apis.STAGE_TYPE,
        s3.BUCKET_TYPE,
        s3.PUBLIC_ACCESS_BLOCK,
        s3.OWNERSHIP_CONTROLS,
        s3.ENCRYPTION,
        s3.POLICY,
        s3.VERSIONING,
        s3.LIFECYCLE,
        s3.OBJECT_TYPE,
        tables.TABLE_TYPE,
        queues.QUEUE_TYPE,
        topics.TOPIC_TYPE,
        secrets.SECRET_TYPE,
        secrets.SECRET_VERSION_TYPE,
        secrets.PARAMETER_TYPE,
        gateways.GATEWAY_TYPE,
        gateway_targets.TARGET_TYPE,
        policy_engines.ENGINE_TYPE,
        policy_engines.POLICY_TYPE,
        runtimes.RUNTIME_TYPE,
        memories.MEMORY_TYPE,
        memories.MEMORY_STRATEGY_TYPE,
        resource_policies.RESOURCE_POLICY_TYPE,
        user_pools.USER_POOL_TYPE,
        user_pools.USER_POOL_DOMAIN_TYPE,
        user_pools.RESOURCE_SERVER_TYPE,
        app_clients.APP_CLIENT_TYPE,
        token_vault.WORKLOAD_IDENTITY_TYPE,
        token_vault.OAUTH2_PROVIDER_TYPE,
        token_vault.API_KEY_PROVIDER_TYPE,
        deliveries.SOURCE_TYPE,
        deliveries.DESTINATION_TYPE,
        deliveries.DELIVERY_TYPE,
        alarms.ALARM_TYPE,
        dashboards.DASHBOARD_TYPE,
    )
}


def resource_type(token: str) -> ResourceType:
    """What is known of a type.

    Raises:
        NotReproducedError: The stand-in does not know the type.
    """
    if token not in TYPES:
        raise NotReproducedError(token)
    return TYPES[token]

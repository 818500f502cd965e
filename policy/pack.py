"""The pack: its name and its rules."""

from pulumi_policy import PolicyPack

from toolgate.policy import unmarshalling
from toolgate.policy.pulumi_adapter import policy
from toolgate.policy.registrations import Registrations
from toolgate.policy.rule import Rule
from toolgate.policy.rules import (
    agent_callers_named,
    agent_cannot_bypass_gateway,
    agent_cannot_widen_itself,
    agent_image_by_digest,
    agent_role_exact,
    agent_shell_exact,
    cedar_names_exist,
    cedar_permit_limited,
    customer_managed_key,
    function_url_signed,
    gateway_authorizer_iam,
    gateway_role_exact_lambda,
    gateway_role_exact_targets,
    grant_has_effect,
    grant_matches_graph,
    interceptor_fails_closed,
    interceptor_headers_needed,
    interceptor_in_own_account,
    interceptor_sees_answers,
    invoke_gateway_exact_arn,
    jwt_callers_named,
    jwt_issuer_known,
    jwt_permit_names_caller,
    lambda_permission_pinned,
    logs_delivered,
    machine_client_only,
    memory_use_limited,
    model_access_named,
    no_debug_outside_dev,
    no_secret_in_environment,
    policy_engine_attached,
    policy_engine_enforces,
    resource_policy_private,
    runtime_in_vpc,
    search_hides_denied_tools,
    server_beyond_policy_engine,
    server_called_by_gateway_only,
    service_trust_pinned,
    token_taken_by_owner,
    tool_role_exact,
    trust_names_callers,
    undecided_in_preview,
    user_pool_closed,
)

NAME = "agentcore-guardrails"

RULES: tuple[Rule, ...] = (
    gateway_authorizer_iam.RULE,
    jwt_callers_named.RULE,
    jwt_issuer_known.RULE,
    machine_client_only.RULE,
    user_pool_closed.RULE,
    interceptor_in_own_account.RULE,
    interceptor_fails_closed.RULE,
    interceptor_headers_needed.RULE,
    interceptor_sees_answers.RULE,
    invoke_gateway_exact_arn.RULE,
    service_trust_pinned.RULE,
    trust_names_callers.RULE,
    gateway_role_exact_lambda.RULE,
    gateway_role_exact_targets.RULE,
    model_access_named.RULE,
    memory_use_limited.RULE,
    agent_shell_exact.RULE,
    agent_callers_named.RULE,
    resource_policy_private.RULE,
    policy_engine_enforces.RULE,
    policy_engine_attached.RULE,
    cedar_names_exist.RULE,
    cedar_permit_limited.RULE,
    jwt_permit_names_caller.RULE,
    search_hides_denied_tools.RULE,
    agent_cannot_bypass_gateway.RULE,
    server_called_by_gateway_only.RULE,
    agent_cannot_widen_itself.RULE,
    token_taken_by_owner.RULE,
    no_secret_in_environment.RULE,
    function_url_signed.RULE,
    lambda_permission_pinned.RULE,
    tool_role_exact.RULE,
    agent_role_exact.RULE,
    agent_image_by_digest.RULE,
    grant_matches_graph.RULE,
    grant_has_effect.RULE,
    server_beyond_policy_engine.RULE,
    undecided_in_preview.RULE,
    no_debug_outside_dev.RULE,
    logs_delivered.RULE,
    customer_managed_key.RULE,
    runtime_in_vpc.RULE,
)


def serve() -> None:
    """Serves the pack to the engine; returns when the engine ends it."""
    unmarshalling.install()
    run = Registrations(RULES)
    PolicyPack(
        name=NAME,
        display_name="AgentCore guardrails",
        description="Nothing that opens an AgentCore gateway, a tool behind it or a model gets through.",
        policies=[policy(rule, run) for rule in RULES],
    )

"""Gateways that take tokens, and one agent that gets some: what the questions about tokens need.

One client only can get tokens: what Cognito bills for such a one is said to be by the month.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from tests.aws.program import gateways, runtimes
from tests.aws.program.scratch import Scratch, underscored
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.runtime import agent_bundle
from toolgate.components.runtime.agentcore_runtime import LONGEST_VALUE
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.token_issuer import TokenIssuer
from toolgate.components.tokens import agent_tokens, issuers
from toolgate.components.tool_gateway import ToolGateway

ADD, MULTIPLY, GREETING = (f"math___{name}" for name in ("add_numbers", "multiply_numbers", "greeting"))
HAS_VERSION = 'principal.hasTag("version")'
REFUSING: Mapping[str, Mapping[str, Any]] = {
    "audiences": {"allowed_audiences": ["tools"]},
    "scopes": {"allowed_scopes": ["others/invoke"]},
    "claims": {
        "custom_claims": [
            {
                "inbound_token_claim_name": "token_use",
                "inbound_token_claim_value_type": "STRING",
                "authorizing_claim_match_value": {
                    "claim_match_operator": "EQUALS",
                    "claim_match_value": {"match_value_string": "id"},
                },
            }
        ]
    },
}
"""By the gateways' names: what each checks, and no token of the client's has; `id` is another kind of token."""


def make(scratch: Scratch, math: GatewayTarget, interceptor: pulumi.Output[str], *, packed: bool) -> None:
    """Make them.

    Args:
        scratch: The parent of what no component makes.
        math: A target.
        interceptor: ARN of a function that is to see what comes with tokens.
        packed: Whether the agent's packages are in its zip; on this machine it uses those that are there.
    """
    # The shortest life: one question waits for a token's end.
    issuer = TokenIssuer("issuer", {"access_token_minutes": 5})
    front = ToolGateway(
        "tokens", {"targets": {"math": math}, "authorization": Authorization.TOOL, "inbound": issuer.inbound}
    )
    engine_id = pulumi.Output.from_input(front.policy_engine_id).apply(str)
    engine_arn = scratch.here.arn("bedrock-agentcore", pulumi.Output.concat("policy-engine/", engine_id))
    lock: Mapping[str, Any] = {"discovery_url": issuer.discovery_url, "allowed_scopes": [front.scope]}
    # With an engine and the tool search, which the component refuses to make.
    seeking = gateways.gateway(
        scratch, "seeking", engine_arn, {"math": math}, opts=scratch.opts, search=True, authorizer=lock
    )
    gateways.gateway(scratch, "overheard", engine_arn, {}, opts=scratch.opts, authorizer=lock, interceptor=interceptor)
    gateways.gateway(scratch, "lasting", engine_arn, {}, opts=scratch.opts, authorizer=lock, session_seconds=900)
    # It can get no token: no secret, no flow, no way to sign in.
    other = aws.cognito.UserPoolClient(
        "other-client",
        name=underscored("other"),
        user_pool_id=issuer.user_pool_id,
        explicit_auth_flows=[],
        opts=scratch.opts,
    )
    for name, checked in {**REFUSING, "clients": {"allowed_clients": [other.id]}}.items():
        authorizer = {"discovery_url": issuer.discovery_url, **checked}
        gateways.gateway(scratch, name, engine_arn, {}, opts=scratch.opts, authorizer=authorizer)
    handed = front.tools(ADD)
    [of_issuer] = issuers.of_agent([handed], [], "probe")
    own = agent_tokens.make("tokened", underscored("tokened"), [of_issuer], None, scratch.opts)
    client = own.caller(handed)
    front_arn = pulumi.Output.all(front.gateway_arn, front.gateway_url).apply(lambda known: str(known[0]))
    gateways.permit(scratch, "tokened-tokens", client, front_arn, engine_id, actions=[ADD])
    gateways.permit(scratch, "tokened-seeking", client, seeking, engine_id, actions=[ADD])
    # `version` is a number in Cognito's tokens: which of the two lets the client in tells what becomes of it.
    as_text = f'{HAS_VERSION} && principal.getTag("version") == "2"'
    gateways.permit(scratch, "number-as-text", client, front_arn, engine_id, actions=[MULTIPLY], when=as_text)
    gateways.permit(scratch, "number-at-all", client, front_arn, engine_id, actions=[GREETING], when=HAS_VERSION)
    may_take = own.document(scratch.here)["Statement"]
    told = {agent_tokens.VARIABLE: own.variable(LONGEST_VALUE, "probe")}
    zipped = runtimes.code(scratch, agent_bundle.SHIPPED_LOCK if packed else None, "probe-packed")
    runtimes.runtime(scratch, "tokened", zipped, tokens=runtimes.Tokens(may_take, told))

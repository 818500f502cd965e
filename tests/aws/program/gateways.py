"""Gateways that the component does not make: with what it forbids, or without what it insists on."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from tests.aws.program.scratch import Scratch, hyphenated, underscored
from toolgate.components.grants import cedar_text
from toolgate.components.grants.cedar_text import Caller
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import Document
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.tool_gateway import PROTOCOL_VERSIONS
from toolgate.components.tools import provider_tool_schema


def gateway(
    scratch: Scratch,
    name: str,
    engine_arn: pulumi.Output[str],
    targets: Mapping[str, GatewayTarget],
    *,
    opts: pulumi.ResourceOptions,
    search: bool = False,
    interceptor: pulumi.Output[str] | None = None,
    invokes_interceptor: bool = True,
    key_arn: str | None = None,
    authorizer: Mapping[str, Any] | None = None,
    session_seconds: int | None = None,
) -> pulumi.Output[str]:
    """Make a gateway with a policy engine in ENFORCE; its ARN, known once its targets are there, which policies name.

    Args:
        scratch: Its parent.
        name: Its name in the program.
        engine_arn: The policy engine.
        targets: Its targets, by name.
        opts: `scratch.opts`, or `scratch.unhooked` where a refusal is what is asked for.
        search: Whether it has the tool search.
        interceptor: ARN of a function that is told of every request and of every response.
        invokes_interceptor: Whether its role may invoke that function.
        key_arn: A KMS key that it is encrypted with; its role may use the key through AgentCore alone, which the
            component does not ask for.
        authorizer: What it checks of tokens, which it then takes instead of signed requests.
        session_seconds: How long its MCP sessions last, if it has any.
    """
    invoked = [it["function_arn"] for it in targets.values()]
    invoked += [interceptor] if interceptor and invokes_interceptor else []
    written = {"authorize": iam_documents.authorize_tools(scratch.here, hyphenated(name), engine_arn)}
    written |= {"invoke": iam_documents.document(*iam_documents.invoke_functions(invoked))} if invoked else {}
    written |= {"encrypt": _through_agentcore(scratch, key_arn)} if key_arn else {}
    policies, role_arn = _role(scratch, name, written)
    mcp: dict[str, Any] = {"supported_versions": PROTOCOL_VERSIONS} | ({"search_type": "SEMANTIC"} if search else {})
    mcp |= {"session_configuration": {"session_timeout_in_seconds": session_seconds}} if session_seconds else {}
    made = aws.bedrock.AgentcoreGateway(
        f"{name}-gateway",
        name=hyphenated(name),
        authorizer_type="CUSTOM_JWT" if authorizer else "AWS_IAM",
        authorizer_configuration={"custom_jwt_authorizer": {**authorizer}} if authorizer else None,
        protocol_type="MCP",
        protocol_configuration={"mcp": mcp},
        policy_engine_configuration={"arn": engine_arn, "mode": "ENFORCE"},
        interceptor_configurations=[_told_of_everything(interceptor)] if interceptor else None,
        kms_key_arn=key_arn,
        role_arn=role_arn,
        opts=opts.merge(pulumi.ResourceOptions(depends_on=policies)),
    )
    ids = _targets(scratch, name, made.gateway_id, targets, policies)
    return pulumi.Output.all(made.gateway_arn, *ids).apply(lambda known: str(known[0]))


def role_for(scratch: Scratch, name: str) -> None:
    """Make a role that a gateway of this name could have, which a question makes by the way."""
    trust = pulumi.Output.json_dumps(iam_documents.gateway_trust(scratch.here, hyphenated(name)))
    aws.iam.Role(f"{name}-role", name=hyphenated(name), assume_role_policy=trust, opts=scratch.unhooked)


def _through_agentcore(scratch: Scratch, key_arn: str) -> Document:
    through = {"kms:ViaService": scratch.here.host("bedrock-agentcore")}
    narrowed = []
    for statement in iam_documents.encrypt_gateway(key_arn)["Statement"]:
        condition = statement.get("Condition", {})
        equals = {**condition.get("StringEquals", {}), **through}
        narrowed.append({**statement, "Condition": {**condition, "StringEquals": equals}})
    return iam_documents.document(*narrowed)


def _role(
    scratch: Scratch, name: str, written: Mapping[str, Document]
) -> tuple[list[aws.iam.RolePolicy], pulumi.Output[str]]:
    trust = pulumi.Output.json_dumps(iam_documents.gateway_trust(scratch.here, hyphenated(name)))
    role = aws.iam.Role(f"{name}-role", assume_role_policy=trust, opts=scratch.unhooked)
    policies = [
        aws.iam.RolePolicy(
            f"{name}-{key}", role=role.name, policy=pulumi.Output.json_dumps(document), opts=scratch.unhooked
        )
        for key, document in written.items()
    ]
    return policies, role.arn


def _told_of_everything(interceptor: pulumi.Output[str]) -> dict[str, Any]:
    return {
        "interception_points": ["REQUEST", "RESPONSE"],
        "interceptor": {"lambda_": {"arn": interceptor}},
        "input_configuration": {"pass_request_headers": True},
    }


def _targets(
    scratch: Scratch,
    name: str,
    gateway_id: pulumi.Output[str],
    targets: Mapping[str, GatewayTarget],
    after: Sequence[pulumi.Resource],
) -> list[pulumi.Output[str]]:
    made = [
        aws.bedrock.AgentcoreGatewayTarget(
            f"{name}-{key}",
            name=key,
            gateway_identifier=gateway_id,
            credential_provider_configuration={"gateway_iam_role": {}},
            target_configuration={"mcp": {"lambda_": {"lambda_arn": of["function_arn"], "tool_schema": _schema(of)}}},
            opts=scratch.after(*after),
        )
        for key, of in targets.items()
    ]
    return [it.target_id for it in made]


def _schema(of: GatewayTarget) -> dict[str, Any]:
    tools = pulumi.Output.from_input(of["tools"])
    return {"inline_payloads": tools.apply(lambda known: [provider_tool_schema.inline_payload(tool) for tool in known])}


def as_role(scratch: Scratch, role: pulumi.Output[str]) -> pulumi.Output[Caller]:
    """As whom a gateway knows the role of this name."""
    return cedar_text.role_entity(scratch.here, role).apply(cedar_text.IamRole)


def permit(
    scratch: Scratch,
    name: str,
    caller: pulumi.Output[Caller],
    gateway_arn: pulumi.Output[str],
    engine_id: pulumi.Input[str],
    *,
    actions: Sequence[str],
    when: str | None = None,
) -> None:
    """Permit a caller some tools of a gateway."""
    statement = pulumi.Output.all(caller, gateway_arn).apply(
        lambda known: cedar_text.permit(cedar_text.Scope(known[0], known[1]), actions, when)
    )
    aws.bedrock.AgentcorePolicy(
        name,
        name=underscored(name),
        policy_engine_id=engine_id,
        definition={"cedar": {"statement": statement}},
        validation_mode="FAIL_ON_ANY_FINDINGS",
        opts=scratch.opts,
    )

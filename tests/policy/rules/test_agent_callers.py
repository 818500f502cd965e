"""agent-shell-exact and agent-callers-named: who may run commands in an agent, and who may ask it."""

import json
from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import POLICY, UNKNOWN, Pack, Registration
from tests.policy.making import ACCOUNT, document, statement

SHELL, ASK = "agent-shell-exact", "agent-callers-named"
AGENTCORE = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}"
ONE = f"{AGENTCORE}:runtime/shop_assistant-abcdefghij"
INVOKE = "bedrock-agentcore:InvokeAgentRuntime"
COMMAND, COMMAND_SHELL = f"{INVOKE}Command", f"{INVOKE}CommandShell"
TOKEN = "bedrock-agentcore:GetWorkloadAccessToken"
IDENTITIES = f"{AGENTCORE}:workload-identity-directory/default/workload-identity"


def rules(pack: Pack, *resources: Registration) -> set[str]:
    return {it.rule for it in pack.run(resources)} & {SHELL, ASK}


def of_user(*entries: Any) -> Registration:
    return Registration("aws:iam/userPolicy:UserPolicy", "ops", {"user": "ann", "policy": document(*entries)})


@pytest.mark.parametrize(
    "entry",
    [
        statement(COMMAND, "*"),
        statement(COMMAND_SHELL, "*"),
        statement(COMMAND.lower(), f"{AGENTCORE}:runtime/*"),
        statement(COMMAND, [ONE, f"{AGENTCORE}:runtime/shop_*"]),
        statement(COMMAND, f"{AGENTCORE}:runtime/*/runtime-endpoint/DEFAULT"),
        statement(COMMAND, "arn:aws:bedrock-agentcore"),
        statement(COMMAND, f"{AGENTCORE}:runtime/${{aws:PrincipalTag/agent}}"),
        statement(COMMAND, "*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        statement(f"{INVOKE}*", ONE),
        statement(f"{INVOKE}*", f"{ONE}/runtime-endpoint/DEFAULT"),
        statement([COMMAND, f"{INVOKE}C?mmandShell"], ONE),
        statement("bedrock-agentcore:*", ONE),
        statement("bedrock-agentcore:Invoke*", f"{AGENTCORE}:runtime/*"),
        statement(["bedrock-agentcore:InvokeGateway", COMMAND], f"{AGENTCORE}:*"),
        statement(["bedrock-agentcore:*Gateway", COMMAND], f"{AGENTCORE}:*"),
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": ONE},
        {"Effect": "Allow", "Action": COMMAND, "NotResource": "arn:aws:s3:::*"},
        {"Effect": "Allow", "Action": COMMAND},
    ],
    ids=str,
)
def test_commands_that_are_not_named_violate(pack: Pack, entry: Any) -> None:
    (violation,) = [it for it in pack.analyze(of_user(entry)) if it.rule == SHELL]
    assert violation.level == "mandatory"
    assert "Statement[0]" in violation.message
    assert "allows commands in an agent" in violation.message


@pytest.mark.parametrize(
    "entry",
    [
        statement(COMMAND, ONE),
        statement([COMMAND, COMMAND_SHELL], [ONE, f"{ONE}/runtime-endpoint/DEFAULT", f"{ONE}/runtime-endpoint/*"]),
        statement(f"{COMMAND}*", ONE),
        statement(INVOKE, ONE),
        statement("bedrock-agentcore:*", f"{AGENTCORE}:memory/*"),
        statement(f"{INVOKE}*", "arn:aws:s3:::shop/*"),
        statement(COMMAND, UNKNOWN),
        statement(UNKNOWN, "*"),
        statement(["bedrock-agentcore:Get*", "bedrock-agentcore:List*"], "*"),
        statement(["bedrock-agentcore:UpdateAgentRuntime", "bedrock-agentcore:StopRuntimeSession"], "*"),
        {"Effect": "Deny", "Action": f"{INVOKE}*", "Resource": "*"},
    ],
    ids=str,
)
def test_what_is_named_passes(pack: Pack, entry: Any) -> None:
    assert rules(pack, of_user(entry)) == set()


@pytest.mark.parametrize(
    "entry",
    [
        statement(INVOKE, "*"),
        statement(INVOKE, [ONE, f"{AGENTCORE}:runtime/*"]),
        statement(INVOKE, f"arn:aws:bedrock-agentcore:*:{ACCOUNT}:runtime/*"),
        statement(INVOKE, f"{AGENTCORE}:runtime/*-*"),
        statement(INVOKE, f"{AGENTCORE}:runtime/*/runtime-endpoint/DEFAULT"),
        statement(INVOKE, f"arn:aws:bedrock-agentcore:us-east-1:{UNKNOWN}:runtime/*"),
        statement("bedrock-agentcore:InvokeHarness", f"{AGENTCORE}:harness/*"),
        statement(f"{INVOKE}ForUser", "*"),
        statement(f"{INVOKE}With*", "*"),
        statement(TOKEN, "*"),
        statement(f"{TOKEN}ForUserId", [f"{AGENTCORE}:workload-identity-directory/default", f"{IDENTITIES}/*"]),
        statement(f"{TOKEN}*", f"{AGENTCORE}:workload-identity-directory/*"),
        statement("bedrock-agentcore:*", f"{IDENTITIES}/*"),
        statement("bedrock-agentcore:*", f"{AGENTCORE}:harness/*"),
        {"Effect": "Allow", "Action": INVOKE, "NotResource": ONE},
    ],
    ids=str,
)
def test_whoever_may_ask_every_agent_violates(pack: Pack, entry: Any) -> None:
    (violation,) = [it for it in pack.analyze(of_user(entry)) if it.rule in (SHELL, ASK)]
    assert (violation.rule, violation.level) == (ASK, "mandatory")


@pytest.mark.parametrize(
    "entry",
    [
        statement(INVOKE, ONE),
        statement(INVOKE, [f"{AGENTCORE}:runtime/shop_*", f"{AGENTCORE}:runtime/shop_assistant-??????????"]),
        statement([INVOKE, f"{INVOKE}ForUser"], f"arn:aws:bedrock-agentcore:*:{ACCOUNT}:runtime/shop_*"),
        statement(INVOKE, f"{AGENTCORE}:runtime/{UNKNOWN}*"),
        statement(TOKEN, [f"{AGENTCORE}:workload-identity-directory/default", f"{IDENTITIES}/shop-*"]),
        statement("bedrock-agentcore:GetAgentCard", "*"),
        statement(["bedrock-agentcore:Get*", "bedrock-agentcore:List*"], "*"),
        {"Effect": "Allow", "NotAction": ["bedrock-agentcore:Get*", "bedrock-agentcore:Invoke*"], "Resource": "*"},
    ],
    ids=str,
)
def test_agents_that_are_named_pass(pack: Pack, entry: Any) -> None:
    assert rules(pack, of_user(entry)) == set()


@pytest.mark.parametrize(
    "entry",
    [
        statement("*", "*"),
        statement("bedrock-agentcore:Invoke*", f"{AGENTCORE}:*"),
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
    ],
    ids=str,
)
def test_an_administrator_is_one_finding_to_answer_for(pack: Pack, entry: Any) -> None:
    (violation,) = pack.analyze(of_user(entry))
    assert violation.rule == "invoke-gateway-exact-arn"
    assert "make an exception with the reason" in violation.message


def test_commands_and_tokens_of_one_statement_are_two_findings(pack: Pack) -> None:
    assert rules(pack, of_user(statement([COMMAND, TOKEN], "*"))) == {SHELL, ASK}


def policy_on(arn: Any, action: str, **dependencies: list[str]) -> Registration:
    entry = statement(action, "*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/ops"})
    props = {"resourceArn": arn, "policy": document(entry)}
    return Registration(
        "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy", "open", props, {}, "", dependencies
    )


def test_a_runtime_s_resource_policy_says_commands_in_full(pack: Pack) -> None:
    for action in (f"{INVOKE}*", "bedrock-agentcore:*", "*"):
        assert rules(pack, policy_on(ONE, action)) == {SHELL}, action
    for action in (INVOKE, COMMAND, f"{COMMAND}*"):
        assert rules(pack, policy_on(ONE, action)) == set(), action
    assert rules(pack, policy_on(making.GATEWAY, "bedrock-agentcore:*")) == set()
    assert rules(pack, policy_on(f"{AGENTCORE}:memory/shop-abcdefghij", "bedrock-agentcore:*")) == set()


def test_before_the_runtime_is_there_the_graph_tells(pack: Pack) -> None:
    runtime = Registration("aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "assistant", {})
    gateway = making.gateway()
    policy = policy_on(UNKNOWN, f"{INVOKE}*", resourceArn=[runtime.urn])
    assert rules(pack, runtime, gateway, policy) == {SHELL}
    policy = policy_on(UNKNOWN, "bedrock-agentcore:*", resourceArn=[gateway.urn])
    assert rules(pack, runtime, gateway, policy) == set()


@pytest.mark.parametrize("component", ["AgentRuntime", "LambdaTools"])
def test_statements_of_a_component_are_judged_before_anything_is_there(pack: Pack, component: str) -> None:
    kind = f"toolgate:index:{component}"
    for action, expected in ((f"{INVOKE}*", {SHELL}), (COMMAND, set()), (INVOKE, set())):
        written = {"actions": [action], "resources": [ONE], "reason": "It helps."}
        assert rules(pack, Registration(kind, "helper", {"statements": [written]})) == expected
    written = {"actions": [INVOKE], "resources": ["*"], "reason": "It helps."}
    assert rules(pack, Registration(kind, "helper", {"statements": [written, "odd", {}]})) == {ASK}


def test_the_deployer_s_own_document_is_in_order(pack: Pack) -> None:
    text = (POLICY.parent / "docs" / "deployer-policy.json").read_text()
    policy = Registration(
        "aws:iam/policy:Policy", "deployer", {"name": "deployer", "policy": json.dumps(json.loads(text))}
    )
    assert pack.run([policy]) == []

"""The matrix and the rule of the pack about servers agree: what the rule lets pass, nobody reaches past the gateway."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.access import servers
from tests.access.servers import GATE, SERVER, Part, allow, role
from toolgate.access.chain.hops import Step
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.policy.rule import Resource
from toolgate.policy.rules import gateway_role_exact_targets, server_called_by_gateway_only
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

OPS = f"arn:aws:iam::{servers.ACCOUNT}:role/ops"
MAY = role(OPS, allow(list(server_called_by_gateway_only.WAYS_IN), f"{SERVER}*"))
CALL = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeGateway", "Resource": "*"}
WAYS_IN = server_called_by_gateway_only.WAYS_IN
RULES = (server_called_by_gateway_only.RULE, gateway_role_exact_targets.RULE)


def judged(export: Mapping[str, Any]) -> list[str]:
    """The names of the rules that the stack violates."""
    made = export["deployment"]["resources"]
    resources = tuple(Resource(it["type"], it["urn"].rpartition("::")[2], it["urn"], it["outputs"]) for it in made)
    stack = Stack(resources, {})
    return [it.name for it in RULES if it.check_stack and list(it.check_stack(stack, RuleSettings({})))]


def ways(found: Matrix) -> list[str]:
    return [it.way for it in found.bypasses if it.target == SERVER]


def both(case: Callable[..., Any], parts: Sequence[Part]) -> tuple[list[str], Matrix]:
    export = case(more=parts, gateway={"roleArn": GATE}, identity=[CALL]).export()
    return judged(export), matrix(parse(export))


def world(*on_server: Mapping[str, Any], of_gateway: Sequence[Mapping[str, Any]] = (servers.MAY_SERVE,)) -> list[Part]:
    parts = [*servers.served(*of_gateway, private=False), *MAY]
    return [*parts, servers.resource_policy(*on_server)] if on_server else parts


SINGLY = [{**servers.only(GATE), "Action": action} for action in WAYS_IN]


def test_with_all_statements_nobody_gets_to_the_server(case: Callable[..., Any]) -> None:
    rules, found = both(case, world(*SINGLY))
    assert (rules, ways(found)) == ([], [])
    assert {str(it.decision) for it in found.entries if it.agent == "caller"} == {"allow"}


@pytest.mark.parametrize("gone", range(len(SINGLY)))
def test_without_any_one_of_them_somebody_does_and_the_rule_says_so(case: Callable[..., Any], gone: int) -> None:
    rules, found = both(case, world(*(it for number, it in enumerate(SINGLY) if number != gone)))
    assert rules == ["server-called-by-gateway-only"]
    assert len(ways(found)) == 1


@pytest.mark.parametrize(
    ("statements", "rules", "decision"),
    [
        ([], ["gateway-role-exact-targets"], "deny"),
        ([allow(WAYS_IN[0], f"{SERVER[:-3]}*", f"{SERVER}/*")], ["gateway-role-exact-targets"], "allow"),
        ([allow(WAYS_IN[0], SERVER, f"{SERVER}/*")], [], "allow"),
    ],
)
def test_the_gateways_own_statements(
    case: Callable[..., Any], statements: list[Any], rules: list[str], decision: str
) -> None:
    found_rules, found = both(case, world(*SINGLY, of_gateway=statements or [CALL]))
    assert found_rules == rules
    assert {str(it.decision) for it in found.entries if it.tool == "stock___count" and it.agent} == {decision}


_denials = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Deny", "Deny", "Allow"]),
        "Principal": st.sampled_from(["*", {"AWS": "*"}, {"AWS": OPS}, {"AWS": GATE}]),
        "Action": st.sampled_from([*WAYS_IN, "bedrock-agentcore:*", "bedrock-agentcore:InvokeAgentRuntime*", "s3:*"]),
        "Resource": st.sampled_from([SERVER, "*", f"{SERVER}/runtime-endpoint/DEFAULT", f"{SERVER}x"]),
        "Condition": st.builds(
            lambda operator, spared: {operator: {"aws:PrincipalArn": spared}},
            st.sampled_from(["ArnNotEquals", "ArnNotLike", "StringNotEquals", "ArnEquals", "ArnNotEqualsIfExists"]),
            st.lists(st.sampled_from([GATE, OPS, f"arn:aws:iam::{servers.ACCOUNT}:role/*"]), min_size=1, max_size=2),
        ),
    }
)


@given(statements=st.lists(_denials, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_rule_lets_pass_nobody_reaches(case: Callable[..., Any], statements: list[Any]) -> None:
    rules, found = both(case, world(*statements))
    # Commands in the server's machine are another rule's: agent-shell-exact.
    assert rules or not [way for way in ways(found) if not way.startswith(Step.SHELL.rpartition(" ")[0])]

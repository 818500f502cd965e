"""Who may call which tool: what the access matrix says, what callers are shown, and what they really can do."""

from collections.abc import Mapping
from typing import Any

from tests.aws.program.servers import NOBODY
from tests.aws.signed import Signature, call, listed, rpc, signed_by
from tests.aws.world import World
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local.serve.guards.cedar_guard import DENIED

ADD = "math___add_numbers"
ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    ADD: {"a": 1, "b": 2},
    "math___multiply_numbers": {"a": 2, "b": 3},
    "math___greeting": {"name": "Alice"},
    "broken___fail": {},
    "echo___order": {"order": {"line": {"options": {"gift": True}}}},
    "object___who": {},
    "array___who": {},
}
BEYOND = {ADD: {"a": 100, "b": 2}}
"""Arguments that the throw-away program's one condition refuses."""


def test_the_matrix_is_what_callers_can_really_do(world: World) -> None:
    found = matrix(world.scratch)
    # Whoever runs the tests may take the callers' roles, and has policies that the program does not hold.
    expected = ("interceptor", ": may take toolgate-probe-")
    assert [reason for reason in found.unsupported if not any(it in reason for it in expected)] == []
    decided = {(entry.principal, entry.gateway, entry.tool): entry.decision for entry in found.entries}
    seen, said = {}, {}
    # What fails on purpose does not tell whether it was asked.
    failing = world.scratch_gateway("beyond")
    for gateway in (it for it in world.scratch.gateways if not it.interceptors and it != failing):
        targets = [it for it in world.scratch.targets_of(gateway) if it.place.endpoint != NOBODY]
        tools = [target.full_name(it) for target in targets for it in target.tools or ()]
        for role in world.callers:
            for tool in tools:
                cell = role.name, gateway.name, tool
                said[cell] = decided.get((role.arn, gateway.arn, tool), Access.DENY)
                seen[cell] = _seen(world, gateway, role, tool)
    assert {Access.ALLOW, Access.DENY, Access.CONDITIONAL} <= set(said.values())
    assert seen == said


def _seen(world: World, gateway: Gateway, role: Role, tool: str) -> Access:
    """What trying shows: whether the function is asked; what it answers is its own business."""
    signature = Signature(world.session(role.arn, gateway), world.region)

    def reached(arguments: Mapping[str, Any]) -> bool:
        answer = rpc(world, gateway, signature, "tools/call", {"name": tool, "arguments": arguments})
        return answer.result is not None

    if not reached(ARGUMENTS[tool]):
        return Access.DENY
    return Access.CONDITIONAL if tool in BEYOND and not reached(BEYOND[tool]) else Access.ALLOW


def test_a_caller_is_shown_exactly_what_it_may_call(world: World) -> None:
    assert listed(world, world.scratch_gateway("ruled"), "adder") == {ADD}


def test_who_has_no_permit_is_shown_nothing(world: World) -> None:
    gateway = world.scratch_gateway("ruled")
    answer = rpc(world, gateway, signed_by(world, "knocker", gateway), "tools/list")
    assert answer.result is None or answer.result["tools"] == []


def test_a_denied_call_is_an_error_and_the_function_is_not_run(world: World) -> None:
    gateway = world.scratch_gateway("ruled")
    ran = world.runs(gateway, world.target(gateway, "math"))
    denied = call(world, gateway, "adder", "math___greeting", ARGUMENTS["math___greeting"])
    assert denied.error.get("code") == DENIED, denied.words(world)
    allowed = call(world, gateway, "adder", ADD, ARGUMENTS[ADD])
    assert allowed.made, allowed.words(world)
    assert ran(1) == 1


def test_a_condition_holds_at_its_edges(world: World) -> None:
    gateway = world.scratch_gateway("ruled")
    for a in (99.9999, 99, -1):
        inside = call(world, gateway, "bounded", ADD, {"a": a, "b": 1000})
        assert inside.made, f"{a}: {inside.words(world)}"
    for a in (100, 100.0):
        outside = call(world, gateway, "bounded", ADD, {"a": a, "b": 0})
        assert outside.error.get("code") == DENIED, f"{a}: {outside.words(world)}"

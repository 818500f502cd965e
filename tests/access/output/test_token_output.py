"""What people and programs are told of tokens: tables, JSON, explanations, differences, pictures."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.access.tokens import worlds
from tests.access.tokens.worlds import TOOLS, World, allow, managed, open_to_all, pinned, taking, two_agents, whole
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.output.access_difference import difference
from toolgate.access.output.explanation import explain, explain_principal
from toolgate.access.output.mermaid import as_mermaid
from toolgate.access.output.picture import picture
from toolgate.access.output.svg import as_svg
from toolgate.access.output.table import as_markdown, as_table

ADD, SUB = TOOLS


def _judged(world: World) -> Matrix:
    return matrix(parse(world.export()))


def _changed(world: World, kind: str, name: str, **properties: Any) -> World:
    """The world with other properties of one resource."""
    for part in world.parts:
        if part["urn"].endswith(f":{kind}::{name}"):
            part["inputs"] = part["outputs"] = {**part["inputs"], **properties}
    return world


def _without(world: World, *names: str) -> World:
    world.parts = [it for it in world.parts if it["urn"].rpartition(":")[2] not in names]
    return world


def test_the_table_says_who_may_be_which_client() -> None:
    told = as_table(_judged(two_agents()))
    assert "Who may be which client of an issuer:" in told
    assert "  a    named-ca  provider pa  allow" in told
    assert "| b | named-cb | provider pb | allow |" in as_markdown(_judged(two_agents()))


def test_clients_of_one_name_are_told_apart() -> None:
    world = two_agents()
    for part in world.parts:
        if part["type"].endswith(":UserPoolClient"):
            part["inputs"] = part["outputs"] = {**part["outputs"], "name": "same"}
    told = as_table(_judged(world))
    assert "client/ca (same)" in told
    assert "client/cb (same)" in told


def test_a_client_that_nobody_of_the_deployment_can_be_is_told_with_its_name() -> None:
    world = two_agents([open_to_all()])
    world.client("job", "g0")
    outside = ["client/job  named-job", "held outside of this deployment  allow"]
    assert all(it in as_table(_judged(world)) for it in outside)
    last = json.loads(_judged(world).as_json())["clients"][-1]
    assert (last["principal"], last["client"], last["name"], last["hops"]) == (
        "client/job",
        "client/job",
        "named-job",
        [],
    )


def test_json_has_the_clients_beside_what_it_had() -> None:
    told = json.loads(_judged(two_agents()).as_json())
    assert list(told) == ["entries", "ask", "bypasses", "clients", "memories", "unsupported"]
    first = told["clients"][0]
    assert {key: first[key] for key in ("agent", "client", "name", "way", "decision", "conditions")} == {
        "agent": "a",
        "client": "client/ca",
        "name": "named-ca",
        "way": "provider pa",
        "decision": "allow",
        "conditions": [],
    }
    assert first["hops"][0]["statements"] == [f"Allow in a-grants (statement {number})" for number in (1, 2, 3)]


def test_an_explanation_tells_every_link_with_what_decided_it() -> None:
    told = explain(parse(two_agents().export()), "a", ADD).splitlines()
    assert told[0].startswith("allow: a (")
    heads = [it.strip() for it in told if "Allow in" not in it]
    both = [worlds.DIRECTORY, worlds.identity_arn("wa")]
    assert heads[1] == "as client/ca by provider pa: allow"
    assert heads[2:9] == [
        *(f"IAM bedrock-agentcore:GetWorkloadAccessToken on {it}: allow" for it in both),
        *(
            f"IAM bedrock-agentcore:GetResourceOauth2Token on {it}: allow"
            for it in (*both, worlds.VAULT, worlds.provider_arn("pa"))
        ),
        f"IAM secretsmanager:GetSecretValue on {managed('pa')}: allow",
    ]
    assert heads[9] == f"inbound: token of {worlds.ISSUER}: allow"
    assert heads[10] == "policy engine (ENFORCE): allow"
    assert "permit in Cedar policy 'g0_p0'" in heads[11]
    assert len([it for it in told if "Allow in identity policy 'a-grants'" in it]) == 7


DENIED: list[tuple[Callable[[], World], list[str]]] = [
    (
        two_agents,
        [
            "policy engine (ENFORCE): deny",
            'missing: a Cedar policy that permits AgentCore::OAuthUser::"ca"',
            "client/cb may make the call, and it may not be that client",
            "missing: an Allow of bedrock-agentcore:GetResourceOauth2Token on " + worlds.provider_arn("pb"),
        ],
    ),
    (
        lambda: _changed(two_agents(), "UserPoolClient", "ca", allowedOauthScopes=["g1/invoke"]),
        [f"inbound: token of {worlds.ISSUER}: deny: scope is not g0/invoke"],
    ),
    (lambda: _without(two_agents([]), "a-grants", "cb", "pb"), ["it may be no client", "none may make the call"]),
]


@pytest.mark.parametrize(("world", "says"), DENIED)
def test_a_denial_tells_what_is_missing(world: Callable[[], World], says: list[str]) -> None:
    told = explain(parse(world().export()), "a", SUB)
    assert told.startswith("deny: a (")
    for it in says:
        assert it in told


def test_of_two_ways_to_a_call_the_one_that_opens_it_is_told() -> None:
    world = two_agents()
    world.role("ops", *taking("pa", "wa"), *taking("pb", "wb"))
    told = explain_principal(parse(world.export()), "ops", SUB)
    assert "as client/cb by provider pb: allow" in told
    assert "client/ca" not in told


@pytest.mark.parametrize("name", ["job", "client/job"])
def test_a_client_can_be_asked_for(name: str) -> None:
    world = two_agents()
    world.client("job", "g1")
    told = explain_principal(parse(world.export()), name, ADD)
    assert told.splitlines()[0] == f"deny: client/job calling {ADD} at {worlds.gateway_arn('g0')}"
    assert "scope is not g0/invoke" in told


def _agent_may(*statements: Any) -> World:
    world = _without(two_agents(), "a-grants")
    world.policy("a", *taking("pa", "wa"), *statements)
    return world


EVERY_PROVIDER = [
    allow("bedrock-agentcore:GetResourceOauth2Token", f"{worlds.VAULT}/oauth2credentialprovider/*"),
    allow("secretsmanager:GetSecretValue", "*"),
]
GAINS: dict[str, tuple[World, World, list[tuple[str, str]]]] = {
    "provider/*": (_agent_may(), _agent_may(*EVERY_PROVIDER), [("a", SUB)]),
    "a scope": (
        _changed(two_agents(), "UserPoolClient", "ca", allowedOauthScopes=["g1/invoke"]),
        two_agents(),
        [("a", ADD)],
    ),
    "a client's secret": (
        _agent_may(),
        _agent_may(allow("cognito-idp:DescribeUserPoolClient", worlds.POOL_ARN)),
        [("a", SUB)],
    ),
    "a permit": (two_agents([pinned("ca")]), two_agents([pinned("ca", TOOLS)]), [("a", SUB)]),
    "a permit for all": (two_agents([]), two_agents([open_to_all()]), [("a", ADD), ("b", ADD)]),
}


@pytest.mark.parametrize(("before", "after", "gains"), GAINS.values(), ids=GAINS.keys())
def test_what_somebody_gains(before: World, after: World, gains: list[tuple[str, str]]) -> None:
    found = difference(_judged(before), _judged(after))
    assert found.code == 1
    assert [(it.agent, it.tool) for it in found.gains] == gains
    back = difference(_judged(after), _judged(before))
    assert (back.code, [(it.agent, it.tool) for it in back.losses]) == (3, gains)


def test_an_agent_that_loses_its_client_gives_nobody_anything() -> None:
    before, after = two_agents(), _without(two_agents(), "a-grants")
    assert {it.principal for it in _judged(after).entries if it.decision == "allow"} >= {"client/ca"}
    found = difference(_judged(before), _judged(after))
    assert [(it.agent, it.tool) for it in found.losses] == [("a", ADD)]
    assert (found.code, found.gains) == (3, ())
    assert difference(_judged(after), _judged(before)).losses == ()


def test_a_machine_client_that_comes_and_goes() -> None:
    world = two_agents()
    world.client("job", "g0")
    world = _changed(world, "AgentcorePolicy", "g0_p0", definition={"cedar": {"statement": open_to_all()}})
    before = _changed(two_agents(), "AgentcorePolicy", "g0_p0", definition={"cedar": {"statement": open_to_all()}})
    found = difference(_judged(before), _judged(world))
    assert [(it.principal, it.tool) for it in found.gains] == [("client/job", ADD)]


def test_a_picture_has_clients_and_issuers_by_their_names() -> None:
    world = two_agents()
    world.client("job", "g0")
    world.gateway("g1", discovery=worlds.FOREIGN_DISCOVERY, allowedAudiences=["tools"])
    drawn = picture(parse(world.export()), _judged(world))
    assert f"any client of {worlds.FOREIGN}" in drawn.principals
    assert as_mermaid(drawn)
    assert as_svg(drawn)


def test_a_foreign_issuer_has_its_whole_name_in_tables() -> None:
    world = whole()
    world.gateway(discovery=worlds.FOREIGN_DISCOVERY, allowedAudiences=["tools"])
    assert f"any client of {worlds.FOREIGN}" in as_table(_judged(world))

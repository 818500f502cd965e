from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack, Registration
from tests.policy.making_tokens import DISCOVERY, HARNESS, POOL_ID, RUNTIME, authorizer, gateway, pool

RULE, UNDECIDED = "jwt-issuer-known", "undecided-in-preview"
END = "/.well-known/openid-configuration"
FOREIGN = f"https://login.example.com{END}"


def found(pack: Pack, resources: list[Registration], **settings: Any) -> list[str]:
    pack.configure({**making_tokens.ALLOWED, RULE: settings})
    return [it.message for it in pack.run(resources) if it.rule == RULE]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (FOREIGN, "neither a user pool of this stack nor listed"),
        (DISCOVERY.replace(POOL_ID, "us-east-1_Others123"), "neither a user pool"),
        (DISCOVERY.replace("amazonaws.com", "amazonaws.com.example.org"), "neither a user pool"),
        (DISCOVERY.replace("https://", "https://x.example.org/https://"), "neither a user pool"),
        (DISCOVERY.replace("https", "http"), "not read by https"),
        (f"https://127.0.0.1{END}", "an address or a loopback"),
        (f"https://[::1]:8443{END}", "an address or a loopback"),
        (f"https://2130706433{END}", "an address or a loopback"),
        (f"https://0x7f.1{END}", "an address or a loopback"),
        (f"https://localhost:8080{END}", "an address or a loopback"),
        (f"https://a.LOCALHOST.{END}", "an address or a loopback"),
        (f"https://203.0.113.7{END}", "an address or a loopback"),
        (f"https://login.example.com@127.0.0.1{END}", "names a user besides"),
        (f"https://me:hunter2@login.example.com{END}", "names a user besides"),
        (f"https://[{END}", "no URL"),
        (f"https://{END}", "names no host"),
        ("login.example.com", "not read by https"),
        ("", "not read by https"),
        (None, "no discoveryUrl"),
        (7, "no discoveryUrl"),
        ([DISCOVERY], "no discoveryUrl"),
    ],
)
def test_whose_tokens_nobody_decided_violates(pack: Pack, url: Any, why: str) -> None:
    taking = gateway(authorizerConfiguration=authorizer(discoveryUrl=url))
    (message,) = found(pack, [pool(), taking])
    assert why in message
    assert "hunter2" not in message


@pytest.mark.parametrize("kind", [RUNTIME, HARNESS])
def test_agents_are_asked_as_well(pack: Pack, kind: str) -> None:
    for url, said in ((FOREIGN, 1), (DISCOVERY, 0)):
        agent = Registration(kind, "a", {"authorizerConfiguration": authorizer(discoveryUrl=url)})
        assert len(found(pack, [pool(), agent])) == said


@pytest.mark.parametrize(
    "listed",
    ["https://login.example.com", "https://login.example.com/", FOREIGN, "https://*.example.com", "https://login.*"],
)
def test_what_is_listed_passes(pack: Pack, listed: str) -> None:
    taking = gateway(authorizerConfiguration=authorizer(discoveryUrl=FOREIGN))
    assert found(pack, [taking], issuers=[listed]) == []


@pytest.mark.parametrize("listed", ["login.example.com", "https://login.example.co", "https://login.example.com.evil"])
def test_what_is_only_alike_does_not(pack: Pack, listed: str) -> None:
    taking = gateway(authorizerConfiguration=authorizer(discoveryUrl=FOREIGN))
    assert len(found(pack, [taking], issuers=[listed])) == 1


def test_what_is_listed_is_an_issuer_all_the_same(pack: Pack) -> None:
    taking = gateway(authorizerConfiguration=authorizer(discoveryUrl=f"https://127.0.0.1{END}"))
    assert len(found(pack, [taking], issuers=["*"])) == 1


def test_a_pool_is_known_by_whatever_says_its_id(pack: Pack) -> None:
    for outputs in ({"id": POOL_ID}, {"arn": making_tokens.POOL_ARN}, pool().outputs):
        assert found(pack, [Registration(pool().type, "pool", {}, outputs), gateway()]) == []
    assert len(found(pack, [Registration(pool().type, "pool", {}, {"id": "us-east-1_Other1234"}), gateway()])) == 1


def test_a_stranger_is_told_before_the_gateway_is_made(updating: Pack) -> None:
    updating.configure(making_tokens.ALLOWED)
    foreign = gateway(authorizerConfiguration=authorizer(discoveryUrl=FOREIGN))
    assert RULE in {it.rule for it in updating.analyze_each([pool(), foreign])}
    # Whose pool it is, the end tells: what is registered so far has no ids.
    assert RULE not in {it.rule for it in updating.analyze_each([pool(), gateway()])}


@pytest.mark.parametrize("graph", [True, False])
def test_what_a_preview_does_not_know_the_graph_tells(pack: Pack, graph: bool) -> None:
    taking = gateway(authorizerConfiguration=authorizer(discoveryUrl=UNKNOWN))
    made = Registration(taking.type, "tools", taking.inputs, {}, "", taking.property_dependencies if graph else {})
    pack.configure(making_tokens.ALLOWED)
    found = [it for it in pack.run([Registration(pool().type, "pool", {}), made]) if it.rule != "logs-delivered"]
    assert [it.rule for it in found if it.rule == UNDECIDED] == [UNDECIDED] * (not graph)
    assert RULE not in {it.rule for it in found}


def test_gateways_without_tokens_pass(pack: Pack) -> None:
    assert found(pack, [pool(), making.gateway(), making.gateway("open", authorizerConfiguration={})]) == []

"""The rules that read a gateway's, engine's or runtime's own settings."""

from typing import Any

import pytest

from tests.policy import driver, making
from tests.policy.driver import UNKNOWN, Pack, Registration, rules

ENGINE_ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:policy-engine/shop-abcdefghij"
ENFORCES, SEARCH = "policy-engine-enforces", "search-hides-denied-tools"
SEMANTIC = {"mcp": {"searchType": "SEMANTIC"}}


def engine(mode: Any, **more: Any) -> dict[str, Any]:
    return {"policyEngineConfiguration": {"arn": ENGINE_ARN, "mode": mode}, **more}


@pytest.mark.parametrize("mode", ["LOG_ONLY", "enforce", None, 3])
def test_an_engine_that_does_not_enforce_violates(pack: Pack, mode: Any) -> None:
    found = pack.analyze(making.gateway(**engine(mode)))
    assert rules(found) == [ENFORCES]
    assert found[0].level == "mandatory"
    assert "policyEngineConfiguration" in found[0].message


def test_a_block_written_as_a_list_is_read(pack: Pack) -> None:
    listed: dict[str, Any] = {"policyEngineConfiguration": [{"arn": ENGINE_ARN, "mode": "LOG_ONLY"}]}
    assert rules(pack.analyze(making.gateway(**listed))) == [ENFORCES]


@pytest.mark.parametrize(
    "inputs", [engine("ENFORCE"), engine(UNKNOWN), {"policyEngineConfiguration": UNKNOWN}, {}], ids=str
)
def test_enforcing_or_unknown_engines_pass(pack: Pack, inputs: dict[str, Any]) -> None:
    assert pack.analyze(making.gateway(**inputs)) == []


def test_search_beside_an_enforcing_engine_violates(pack: Pack) -> None:
    found = pack.analyze(making.gateway(**engine("ENFORCE", protocolConfiguration=SEMANTIC)))
    assert rules(found) == [SEARCH]
    assert found[0].level == "mandatory"


@pytest.mark.parametrize(
    "inputs",
    [
        {"protocolConfiguration": SEMANTIC},
        engine("ENFORCE", protocolConfiguration={"mcp": {"instructions": "x"}}),
        engine(UNKNOWN, protocolConfiguration=SEMANTIC),
        engine("ENFORCE", protocolConfiguration=UNKNOWN),
    ],
    ids=str,
)
def test_search_alone_or_undecided_passes(pack: Pack, inputs: dict[str, Any]) -> None:
    assert pack.analyze(making.gateway(**inputs)) == []


def test_debug_belongs_to_development(pack: Pack) -> None:
    debug = making.gateway(exceptionLevel="DEBUG")
    assert pack.analyze(debug) == []
    pack.configure({"no-debug-outside-dev": {"devStacks": ["sandbox"]}})
    (found,) = pack.analyze(debug)
    assert (found.rule, found.level) == ("no-debug-outside-dev", "advisory")
    assert 'in stack "dev"' in found.message


ENGINE = Registration("aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine", "engine", {"name": "shop"})
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


def test_customer_keys_are_asked_for_by_configuration(pack: Pack) -> None:
    rule = "customer-managed-key"
    assert pack.analyze(making.gateway()) + pack.analyze(ENGINE) == []
    pack.configure({rule: {"required": True}})
    found = pack.analyze(making.gateway()) + pack.analyze(ENGINE)
    assert [(violation.rule, violation.level) for violation in found] == [(rule, "advisory")] * 2
    keyed = Registration(ENGINE.type, "engine", {"encryptionKeyArn": KEY})
    assert pack.analyze(making.gateway(kmsKeyArn=UNKNOWN)) + pack.analyze(keyed) == []


def runtime(**inputs: Any) -> Registration:
    return Registration("aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "assistant", inputs)


def test_a_vpc_is_asked_for_by_configuration(pack: Pack) -> None:
    public = runtime(networkConfiguration={"networkMode": "PUBLIC"})
    assert pack.analyze(public) == []
    pack.configure({"runtime-in-vpc": {"required": True}})
    assert rules(pack.analyze(public) + pack.analyze(runtime())) == ["runtime-in-vpc"] * 2
    inside = runtime(networkConfiguration={"networkMode": "VPC"})
    assert pack.analyze(inside) + pack.analyze(runtime(networkConfiguration=UNKNOWN)) == []


SOURCE, DELIVERY = "aws:cloudwatch/logDeliverySource:LogDeliverySource", "aws:cloudwatch/logDelivery:LogDelivery"
NATIVE = {SOURCE: "aws-native:logs:DeliverySource", DELIVERY: "aws-native:logs:Delivery"}


def source(arn: Any, name: Any = "logs", kind: Any = "APPLICATION_LOGS", **dependencies: list[str]) -> Registration:
    props = {"name": name, "logType": kind, "resourceArn": arn}
    return Registration(SOURCE, "source", props, property_dependencies=dependencies)


def delivery(source_name: Any, **dependencies: list[str]) -> Registration:
    props = {"deliverySourceName": source_name, "deliveryDestinationArn": UNKNOWN}
    return Registration(DELIVERY, "delivery", props, property_dependencies=dependencies)


def silent(pack: Pack, *resources: Registration) -> list[tuple[str, str]]:
    found = pack.analyze_stack(resources)
    assert {(violation.rule, violation.level) for violation in found} <= {("logs-delivered", "advisory")}
    return [(violation.urn, violation.message) for violation in found]


def test_whoever_has_no_source_delivers_nothing(pack: Pack) -> None:
    gateway, agent = making.gateway(), runtime()
    other = source("arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/x")
    found = silent(pack, gateway, agent, other, delivery("logs"))
    assert [urn for urn, _ in found] == [gateway.urn, agent.urn]
    assert all("no log delivery source of type APPLICATION_LOGS names it" in message for _, message in found)


def test_logs_are_delivered_by_arn_and_name_or_by_the_graph(pack: Pack) -> None:
    gateway, agent = making.gateway(), runtime()
    assert silent(pack, gateway, source(making.GATEWAY), delivery("logs")) == []
    unknown = source(UNKNOWN, UNKNOWN, resourceArn=[agent.urn])
    assert silent(pack, agent, unknown, delivery(UNKNOWN, deliverySourceName=[unknown.urn])) == []
    # What a first preview of toolgate's components knows: the names, and the ARN by the graph.
    assert silent(pack, agent, source(UNKNOWN, resourceArn=[agent.urn]), delivery("logs")) == []


@pytest.mark.parametrize(
    "deliveries",
    [
        (),
        (delivery("other"),),
        (delivery(UNKNOWN, deliverySourceName=["urn:pulumi:dev::shop::x:y:z::other"]),),
        (delivery(None),),
        (delivery(["logs"]),),
    ],
    ids=str,
)
def test_a_source_alone_delivers_nothing(pack: Pack, deliveries: tuple[Registration, ...]) -> None:
    gateway = making.gateway()
    [(urn, message)] = silent(pack, gateway, source(making.GATEWAY), *deliveries)
    assert urn == gateway.urn
    assert 'no delivery leads anywhere from its LogDeliverySource "source"' in message


@pytest.mark.parametrize("kind", ["TRACES", "USAGE_LOGS", None])
def test_spans_and_figures_are_no_logs(pack: Pack, kind: Any) -> None:
    [(_, message)] = silent(pack, making.gateway(), source(making.GATEWAY, kind=kind), delivery("logs"))
    assert "no log delivery source" in message
    assert silent(pack, making.gateway(), source(making.GATEWAY, kind=UNKNOWN), delivery("logs")) == []


def test_one_source_with_a_delivery_is_enough(pack: Pack) -> None:
    second = driver.Registration(SOURCE, "second", {**source(making.GATEWAY).inputs, "name": "more"})
    assert silent(pack, making.gateway(), source(making.GATEWAY), second, delivery("more")) == []


def test_the_native_provider_says_it_the_same_way(pack: Pack) -> None:
    def native(it: Registration) -> Registration:
        return driver.Registration(NATIVE[it.type], it.name, it.inputs)

    start = native(source(making.GATEWAY))
    assert silent(pack, making.gateway(), start, native(delivery("logs"))) == []
    assert len(silent(pack, making.gateway(), start)) == 1


def policy(statement: Any, **inputs: Any) -> Registration:
    definition = {"cedar": {"statement": statement}} if statement is not None else {"policy": {"statement": "x"}}
    return Registration("aws-native:bedrockagentcore:Policy", "stop", {"definition": definition, **inputs})


FORBID = "forbid(principal, action, resource is AgentCore::Gateway);"


@pytest.mark.parametrize("statement", [FORBID, UNKNOWN, None, f'@note("a permit")\n{FORBID}'], ids=str)
@pytest.mark.parametrize("mode", ["LOG_ONLY", "", 3])
def test_a_policy_that_would_stop_somebody_and_only_watches_violates(pack: Pack, statement: Any, mode: Any) -> None:
    (found,) = pack.analyze(policy(statement, enforcementMode=mode))
    assert (found.rule, found.level) == (ENFORCES, "mandatory")


def test_policies_that_are_active_or_permit_only_pass(pack: Pack) -> None:
    for more in ({}, {"enforcementMode": "ACTIVE"}, {"enforcementMode": UNKNOWN}):
        assert pack.analyze(policy(FORBID, **more)) == []
    permits = making.permit("math").replace(";", ' when { context.input.note != "forbid" }; // no forbid')
    assert pack.analyze(policy(permits, enforcementMode="LOG_ONLY")) == []
    found = pack.run([policy(FORBID, enforcementMode=UNKNOWN)])
    assert ["the enforcementMode of the Cedar policy" in it.message for it in found] == [True]

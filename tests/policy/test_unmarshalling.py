"""The SDK's servicer in this process, with policies that read what they are given or do not."""

from typing import Any

import pulumi_policy.policy as sdk
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as pb
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy, StackValidationPolicy
from pulumi_policy.proxy import UnknownValueError

from tests.policy.driver import SECRET, UNKNOWN, struct
from toolgate.policy import stack, unmarshalling
from toolgate.policy.language.agentcore_facts import AGENT_RUNTIME, ROLE
from toolgate.policy.language.unknown import UNKNOWN as UNKNOWN_HERE
from toolgate.policy.pack import RULES
from toolgate.policy.pulumi_adapter import policy
from toolgate.policy.registrations import Registrations
from toolgate.policy.stack import Stack


@pytest.fixture
def unmarshalled(monkeypatch: pytest.MonkeyPatch) -> list[struct_pb2.Struct]:
    """Each message that is unmarshalled, with our replacements in the SDK as long as the test runs."""
    for name in ("json_format", "deserialize_properties", "unknown_checking_proxy"):
        monkeypatch.setattr(sdk, name, getattr(sdk, name))
    messages: list[struct_pb2.Struct] = []
    to_dict = json_format.MessageToDict

    def counted(message: struct_pb2.Struct, **options: Any) -> Any:
        messages.append(message)
        return to_dict(message, **options)

    monkeypatch.setattr(json_format, "MessageToDict", counted)
    unmarshalling.install()
    return messages


def servicer(*validations: Any) -> Any:
    """Serves a resource policy and a stack policy for each."""
    policies: list[Any] = []
    for number, validation in enumerate(validations):
        policies.append(ResourceValidationPolicy(f"resource-{number}", "Holds.", validation))
        policies.append(StackValidationPolicy(f"stack-{number}", "Holds.", _each(validation)))
    return sdk._PolicyAnalyzerServicer("pack", "1", policies, EnforcementLevel.MANDATORY)


def _each(validation: Any) -> Any:
    def validate(args: Any, report: Any) -> None:
        for resource in args.resources:
            validation(resource, report)

    return validate


def test_a_resource_is_unmarshalled_once_for_all_that_read_it(unmarshalled: list[Any]) -> None:
    read: list[Any] = []

    def reads(args: Any, report: Any) -> None:
        read.append(unmarshalling.plain(args.props))

    served = servicer(reads, reads, reads)
    served.Analyze(pb.AnalyzeRequest(properties=struct({"a": [1, {"b": "c"}]})), None)
    assert len(unmarshalled) == 1
    resources = [pb.AnalyzerResource(urn=f"urn:{name}", properties=struct({"name": name})) for name in "xy"]
    served.AnalyzeStack(pb.AnalyzeStackRequest(resources=resources), None)
    assert len(unmarshalled) == 3
    assert read == [{"a": [1, {"b": "c"}]}] * 3 + [{"name": "x"}, {"name": "y"}] * 3


def test_what_nobody_reads_is_not_unmarshalled(unmarshalled: list[Any]) -> None:
    served = servicer(lambda args, report: None)
    request = pb.AnalyzeRequest(
        properties=struct({"a": 1}), provider=pb.AnalyzerProviderResource(properties=struct({"region": "r"}))
    )
    served.Analyze(request, None)
    served.Remediate(request, None)
    served.AnalyzeStack(pb.AnalyzeStackRequest(resources=[pb.AnalyzerResource(properties=struct({"a": 1}))]), None)
    assert unmarshalled == []


def test_one_resource_s_properties_are_not_taken_for_another_s(unmarshalled: list[Any]) -> None:
    """A message that is gone may have its place in memory taken by the next."""
    read: list[Any] = []
    served = servicer(lambda args, report: read.append(args.props["number"]))
    for number in range(200):
        served.Analyze(pb.AnalyzeRequest(properties=struct({"number": number})), None)
    assert read == list(range(200))


def test_rules_and_policies_see_what_they_saw_before(unmarshalled: list[Any]) -> None:
    seen: dict[str, Any] = {}

    def reads(args: Any, report: Any) -> None:
        seen["plain"] = unmarshalling.plain(args.props)
        seen["keys"] = (len(args.props), sorted(args.props), args.props["secret"])
        args.props["unknown"]

    response = servicer(reads).Analyze(
        pb.AnalyzeRequest(properties=struct({"secret": {**SECRET, "value": "s"}, "unknown": UNKNOWN})), None
    )
    assert seen["plain"] == {"secret": "s", "unknown": UNKNOWN_HERE}
    assert seen["keys"] == (2, ["secret", "unknown"], "s")
    assert "can't run policy" in response.diagnostics[0].message


def test_a_configuration_is_handed_over_as_a_dictionary(unmarshalled: list[Any]) -> None:
    seen: list[Any] = []
    served = servicer(lambda args, report: seen.append(args.get_config()))
    request = pb.ConfigureAnalyzerRequest()
    request.policyConfig["resource-0"].enforcementLevel = pb.MANDATORY
    request.policyConfig["resource-0"].properties.update({"allowed": ["a"], "deep": {"b": 1}})
    served.Configure(request, None)
    served.Analyze(pb.AnalyzeRequest(), None)
    assert type(seen[0]) is dict
    assert seen == [{"allowed": ["a"], "deep": {"b": 1}}]


def test_called_in_another_way_the_sdk_s_functions_do_what_they_did(unmarshalled: list[Any]) -> None:
    functions: Any = sdk
    assert functions.json_format.MessageToDict(struct({"a": 1}), preserving_proto_field_name=True) == {"a": 1}
    assert functions.json_format.MessageToJson(struct({}), indent=None) == "{}"
    assert functions.deserialize_properties({"a": {**SECRET, "value": 1}}) == {"a": 1}
    with pytest.raises(UnknownValueError):
        functions.unknown_checking_proxy({"a": UNKNOWN})["a"]


def test_the_whole_stack_is_read_once_for_all_rules(unmarshalled: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another stack is another one, however alike; and so is the same with what was registered before it."""
    read: list[Stack] = []
    of = stack.of

    def counted(*given: Any) -> Stack:
        read.append(of(*given))
        return read[-1]

    monkeypatch.setattr(stack, "of", counted)
    served: Any = sdk._PolicyAnalyzerServicer("pack", "1", _pack(), EnforcementLevel.MANDATORY)
    request = pb.AnalyzeStackRequest(resources=[_resource("one"), _resource("two")])
    served.AnalyzeStack(request, None)
    assert [len(it.resources) for it in read] == [2]
    alike = pb.AnalyzeStackRequest(resources=[_resource("one"), _resource("two")])
    served.AnalyzeStack(alike, None)
    assert len(read) == 2
    agent = pb.AnalyzeRequest(urn="urn:a::b::c::a", type=AGENT_RUNTIME, name="a", properties=struct({}))
    served.Analyze(agent, None)
    served.AnalyzeStack(alike, None)
    assert [len(it.registered) for it in read] == [0, 0, 1]


def _pack() -> list[Any]:
    run = Registrations(RULES)
    return [policy(rule, run) for rule in RULES]


def _resource(name: str) -> pb.AnalyzerResource:
    return pb.AnalyzerResource(urn=f"urn:a::b::c::{name}", type=ROLE, name=name, properties=struct({"name": name}))

import re
from typing import Any

import botocore.session
import pytest

from toolgate.components.checks import names
from toolgate.components.checks.arguments import UsageError

ADVICE = "Rename it."


@pytest.fixture(scope="module")
def shapes() -> dict[str, Any]:
    session = botocore.session.get_session()
    control = session.get_service_model("bedrock-agentcore-control")
    runtime = session.get_service_model("bedrock-runtime")
    logs = session.get_service_model("logs")
    cognito = session.get_service_model("cognito-idp")
    return {
        "gateway name": control.shape_for("GatewayName").metadata,
        "target name": control.shape_for("TargetName").metadata,
        "runtime name": control.shape_for("AgentRuntimeName").metadata,
        "policy engine name": control.shape_for("PolicyEngineName").metadata,
        "policy name": control.shape_for("PolicyName").metadata,
        "full tool name": runtime.shape_for("ToolName").metadata,
        "user pool name": cognito.shape_for("UserPoolNameType").metadata,
        "user pool domain": cognito.shape_for("DomainType").metadata,
        "delivery name": logs.shape_for("DeliverySourceName").metadata,
    }


@pytest.mark.parametrize(
    "limit",
    [
        names.GATEWAY,
        names.TARGET,
        names.RUNTIME,
        names.POLICY_ENGINE,
        names.POLICY,
        names.FULL_TOOL,
        names.DELIVERY,
        names.USER_POOL,
        names.USER_POOL_DOMAIN,
    ],
)
@pytest.mark.parametrize(
    "name", ["a", "abc", "a-b", "a_b", "A", "1", "-a", "_a", "a-", "a--b", "a.b", "a b", "ä", "a" * 48]
)
def test_no_name_passes_that_aws_refuses(shapes: dict[str, Any], limit: names.Limit, name: str) -> None:
    try:
        names.checked(limit, name, advice=ADVICE)
    except UsageError:
        return
    assert re.fullmatch(shapes[limit.what]["pattern"], name)


def test_derived_names() -> None:
    assert names.gateway("toolgate", "dev", "tools") == "toolgate-dev-tools"
    assert names.gateway("Tool_Gate", "Prod.eu", "tools") == "tool-gate-prod-eu-tools"
    assert names.runtime("tool-gate", "dev.eu", "my-agent") == "tool_gate_dev_eu_my_agent"
    assert names.policy_engine("tool-gate", "dev.eu", "my-tools") == "tool_gate_dev_eu_my_tools"
    assert names.policy_engine("toolgate", "dev", "tools", own_key=True) == "toolgate_dev_tools_cmk"
    assert names.key_alias("toolgate", "dev.eu", "data") == "alias/toolgate-dev-eu-data"
    assert names.user_pool("toolgate", "dev.eu", "tokens") == "toolgate-dev.eu-tokens"
    assert names.user_pool_domain("Tool_gate", "dev.eu", "tokens", "123456789012") == (
        "tool-gate-dev-eu-tokens-123456789012"
    )
    assert names.credential_provider("toolgate_dev_a", "okta") == "toolgate_dev_a_okta"
    assert names.client_policy("tool-gate", "dev.eu", "night-job", 1) == "tool_gate_dev_eu_night_job_client"
    assert names.client_policy("toolgate", "dev", "job", 2) == "toolgate_dev_job_client_2"
    assert names.policy("toolgate_dev_a", 1) == "toolgate_dev_a_tools"
    assert names.policy("toolgate_dev_a", 2) == "toolgate_dev_a_tools_2"
    assert names.function("toolgate", "dev", "math") == "toolgate-dev-math"
    assert names.delivery("toolgate-dev-tools", "logs") == "toolgate-dev-tools-logs"
    assert names.dashboard("tool-gate", "dev.eu", "overview") == "tool-gate-dev-eu-overview"
    assert names.target("math") == "math"
    assert names.full_tool("math", "add_numbers") == "math___add_numbers"


@pytest.mark.parametrize(
    ("derive", "parts", "longest"),
    [
        (names.gateway, ("p", "s"), 48),
        (names.runtime, ("p", "s"), 48),
        (names.policy_engine, ("p", "s"), 48),
        (names.function, ("p", "s"), 64),
        (names.key_alias, ("p", "s"), 256),
        (names.target, (), 100),
        (names.full_tool, ("t",), 64),
    ],
)
def test_the_limit_is_exact_and_in_the_message(derive: Any, parts: tuple[str, ...], longest: int) -> None:
    prefix = len(derive(*parts, "x")) - 1
    assert len(derive(*parts, "x" * (longest - prefix))) == longest
    with pytest.raises(UsageError, match=f"has {longest + 1} characters; at most {longest} are allowed"):
        derive(*parts, "x" * (longest + 1 - prefix))


@pytest.mark.parametrize(
    ("derive", "parts"),
    [
        (names.gateway, ("p", "s", "a b")),
        (names.gateway, ("p", "s", "a__b")),
        (names.runtime, ("p", "s", "a!")),
        (names.runtime, ("1p", "s", "a")),
        (names.policy_engine, ("1p", "s", "tools")),
        (names.function, ("p", "s", "ä")),
        (names.key_alias, ("p", "s", "a b")),
        (names.target, ("my_target",)),
        (names.target, ("",)),
        (names.full_tool, ("t", "grüße")),
    ],
)
def test_a_refused_name_is_named_with_what_is_allowed(derive: Any, parts: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"is refused; allowed are .+\(.+\)\. .+"):
        derive(*parts)


def test_no_two_agents_policies_have_one_name() -> None:
    agents = ("a", "a_2", "a_tools", "a_tools_2", "a_2_tools")
    derived = [names.policy(agent, number) for agent in agents for number in (1, 2, 3)]
    assert len(set(derived)) == len(derived)


def test_a_policys_name_has_its_limit_too() -> None:
    assert len(names.policy("r" * 42, 1)) == 48
    with pytest.raises(UsageError, match=r"policy name .* has 49 characters; at most 48 are allowed"):
        names.policy("r" * 43, 1)


@pytest.mark.parametrize(
    ("project", "message"),
    [
        ("aws-agents", "user pool domain 'aws-agents-dev-tokens-0{12}' is refused; .* words aws, amazon and cognito"),
        ("myCognito", "is refused"),
        ("amazonas", "is refused"),
        ("-x", "is refused"),
        ("p" * 40, "has 64 characters; at most 63"),
    ],
)
def test_a_domain_that_cognito_would_refuse_is_refused(project: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        names.user_pool_domain(project, "dev", "tokens")
    assert "made of project, stack and component name: shorten or rename one" in str(raised.value)
    names.user_pool_domain("p" * 39, "dev", "tokens")


@pytest.mark.parametrize("name", ["a_b", "a.b", "-a", "a-", "a--b", "", "ä", "a" * 65, 'x"'])
def test_an_issuers_name_can_end_a_credential_providers(name: str) -> None:
    with pytest.raises(UsageError, match=r"issuer name .* Rename it \(here\)"):
        names.issuer(name, "here")


def test_no_two_agents_providers_have_one_name() -> None:
    """A runtime's name has underscores, an issuer's none: the last underscore parts them."""
    runtimes, issuers = ("p_s_a", "p_s_a_b"), ("b-c", "c", "b")
    made = [names.credential_provider(runtime, names.issuer(it, "")) for runtime in runtimes for it in issuers]
    assert len(set(made)) == len(made)


def test_whatever_runtime_and_issuer_there_are_aws_takes_the_providers_name() -> None:
    control = botocore.session.get_session().get_service_model("bedrock-agentcore-control")
    shape = control.shape_for("CredentialProviderName").metadata
    longest = names.credential_provider("r" * names.RUNTIME.longest, "i" * names.ISSUER.longest)
    assert len(longest) <= shape["max"]
    assert re.fullmatch(shape["pattern"], names.credential_provider("A_b9", "c-D"))
    identity = control.shape_for("WorkloadIdentityNameType").metadata
    assert names.RUNTIME.longest <= identity["max"]
    assert re.fullmatch(identity["pattern"], "A_b9")

"""The figures of docs/deploy.md: what a month costs, counted and added up anew, and the ids for `pulumi import`."""

import re
from collections import Counter
from pathlib import Path

import pulumi_aws
import pytest

from tests.deploy_page import PAGE, import_forms, import_id, rows
from tests.planning import ROOT, planned
from toolgate.access.deployment.stack_export import Resource, resources
from toolgate.local.cloud.catalogue import resource_type

STACKS = ("dev", "agents", "prod", "gateways", "jwt")
QUESTIONS = 30_000
CALLS, LISTS, OPENING = 2, 1, 2
ASKED = "interceptorConfigurations"
IDLE, LOADED = "**a month without a question**", "**a month with 30,000 questions**"
FORMS = import_forms()


def of_stack(stack: str) -> tuple[Resource, ...]:
    return resources(planned(stack).deployment)


def number(cell: str) -> float:
    return float(cell.replace(",", "").strip("*"))


MONTH = {row[0]: row[1:] for row in rows("A month of each stack")}


def amounts(part: str) -> list[float]:
    return [number(cell) for cell in MONTH[part][2:]]


def cost(part: str, stack: int) -> float:
    price, per, *given = MONTH[part]
    return number(price) * number(given[stack]) / number(per)


@pytest.mark.parametrize("stack", range(len(STACKS)), ids=STACKS)
def test_the_sums_of_a_month_are_those_of_its_rows(stack: int) -> None:
    parts = list(MONTH)
    idle, loaded = parts[: parts.index(IDLE)], parts[parts.index(IDLE) + 1 : parts.index(LOADED)]
    assert len(idle) > 3 < len(loaded)
    fixed = sum(cost(part, stack) for part in idle)
    assert f"{fixed:.2f}" == MONTH[IDLE][2 + stack].strip("*")
    asked = QUESTIONS * sum(cost(part, stack) for part in loaded)
    assert f"{fixed + asked:.2f}" == MONTH[LOADED][2 + stack].strip("*")


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("KMS keys", "aws:kms/key:Key"),
        ("alarms", "aws:cloudwatch/metricAlarm:MetricAlarm"),
        ("dashboards", "aws:cloudwatch/dashboard:Dashboard"),
        ("log groups", "aws:cloudwatch/logGroup:LogGroup"),
        ("Cognito, clients", "aws:cognito/userPoolClient:UserPoolClient"),
    ],
)
def test_a_month_counts_what_each_stack_makes(part: str, kind: str) -> None:
    assert amounts(part) == [Counter(it.type for it in of_stack(stack))[kind] for stack in STACKS]


def test_a_month_asks_for_what_the_stacks_tools_and_agents_are() -> None:
    megabytes = re.search(r"\| zip / the most it may be \| ([\d.]+) MB", (ROOT / "docs/performance.md").read_text())
    assert megabytes
    assert f"zips of {megabytes[1]} MB" in PAGE.read_text()
    for column, stack in enumerate(STACKS):
        made = of_stack(stack)
        kinds = Counter(it.type for it in made)
        gateways = [it for it in made if it.type.endswith(":AgentcoreGateway")]
        targets = [
            it.inputs["targetConfiguration"]["mcp"] for it in made if it.type.endswith(":AgentcoreGatewayTarget")
        ]
        tools = sum(len(it["lambda"]["toolSchema"]["inlinePayloads"]) for it in targets)
        engine = kinds["aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine"]
        [searched] = {"searchType" in it.inputs["protocolConfiguration"]["mcp"] for it in gateways}
        zips = kinds["aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"] * 2 * float(megabytes[1]) / 1000
        assert amounts("tools in the search index")[column] == (tools if searched else 0)
        assert amounts("gateway, calls and lists")[column] == CALLS + LISTS
        assert amounts("Policy, decisions")[column] == engine * (CALLS + LISTS * tools)
        assert amounts("Cognito, tokens")[column] == kinds["aws:cognito/userPool:UserPool"]
        asked = sum(len(entry["interceptionPoints"]) for it in gateways for entry in it.inputs.get(ASKED, []))
        assert amounts("Lambda, requests")[column] == CALLS + asked * (CALLS + LISTS + OPENING)
        assert amounts("agents' zips, GB")[column] == round(zips, 2)


def test_every_price_of_a_month_is_in_the_list_of_prices() -> None:
    known = {float(price) for row in rows("What it costs") for price in re.findall(r"\d+\.\d+", row[1])}
    agents = [it for stack in STACKS for it in of_stack(stack) if it.type.endswith(":AgentcoreAgentRuntime")]
    assert {it.inputs["environmentVariables"]["BEDROCK_MODEL_ID"].partition("-4-5-")[0] for it in agents} == {
        "us.anthropic.claude-haiku"
    }
    regional = {round(price * 1.1, 2) for price in known}
    prices = {part: number(row[0]) for part, row in MONTH.items() if row[0] and number(row[0])}
    models = {part for part in prices if part.startswith("model")}
    assert [part for part in models if prices[part] not in regional] == []
    assert [part for part in prices.keys() - models if prices[part] not in known] == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_has_the_id_that_the_page_says(stack: str) -> None:
    custom = [it for it in planned(stack).deployment["deployment"]["resources"] if it["type"].startswith("aws:")]
    assert {it["type"] for it in custom} <= FORMS.keys()
    named = {it["urn"]: (resource_type(it["type"]), import_id(FORMS[it["type"]], it["outputs"])) for it in custom}
    assert [it["urn"] for it in custom if (of := named[it["urn"]])[0].imported(of[1]) != it["id"]] == []


@pytest.mark.parametrize("kind", FORMS)
def test_an_id_has_the_parts_that_the_provider_documents(kind: str) -> None:
    module, _, name = kind.removeprefix("aws:").partition(":")[0].partition("/")
    file = re.sub(r"(?=[A-Z])", "_", name).lower() + ".py"
    folder = Path(pulumi_aws.__file__).parent / {"lambda": "lambda_"}.get(module, module)
    examples = re.findall(rf"pulumi import {re.escape(kind)} \w+ (\S+)", (folder / file).read_text(encoding="utf-8"))
    whole = [
        re.sub("https://|^alias/|^/my_path/", "", example.strip("'\"")) for example in examples
    ]  # of names, no joints
    assert joints(FORMS[kind]) in map(joints, whole)


def joints(written: str) -> list[str]:
    """The signs between the parts of an id; a path within a part may have several slashes."""
    return re.findall("[,:|]", written) + ["/"][: written.count("/")]

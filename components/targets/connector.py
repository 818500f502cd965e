"""AWS's own tools behind a gateway, by a connector: web search, and a managed knowledge base.

AgentCore has the tools' schemas itself and is sent none. Those here are the documented ones (developer guide, "Web
Search Tool" and "Amazon Bedrock Managed Knowledge Bases as Connector Target"), for names, conditions and grants; a
knowledge base's were seen live by others, web search's were not seen by us.
"""

import enum
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import Statement
from toolgate.components.targets.kind import GatewayRole, Kind
from toolgate.components.tools.listed_schema import ToolSchema

KEY = "connector"
SEARCH, RETRIEVE, AGENTIC = "WebSearch", "Retrieve", "AgenticRetrieveStream"
# AgentCore developer guide, "Web Search Tool": per list of domains.
MOST_DOMAINS = 100
# botocore bedrock-agentcore-control ConnectorVersion
_VERSION = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}")
# AgentCore developer guide, "Configure domain filtering": the version that knows a list of domains to search.
_INCLUDES_SINCE = (1, 2, 0)


class ConnectorId(enum.Enum):
    """What a connector leads to (AgentCore developer guide, "Built-in connectors as targets")."""

    WEB_SEARCH = "web-search"
    """The web, in AWS's own index; in us-east-1."""
    KNOWLEDGE_BASES = "bedrock-knowledge-bases"
    """A knowledge base that Amazon Bedrock manages."""


class Connector(TypedDict):
    """A tool of AWS's own, and what of its parameters is fixed here: a caller neither sees nor changes that."""

    id: ConnectorId
    """Which one."""
    version: NotRequired[str]
    """Its version, such as `1.2.0`. Default: AWS's when the target is made; that one stays."""
    include_domains: NotRequired[list[str]]
    """Of web search: only these are searched; takes version 1.2.0. Default: all."""
    exclude_domains: NotRequired[list[str]]
    """Of web search: these are not. Default: none."""
    knowledge_base_arn: NotRequired[pulumi.Input[str]]
    """Of knowledge bases: ARN of the one that is asked."""
    results: NotRequired[int]
    """Of knowledge bases: how many passages `Retrieve` gives, 1 to 100. Default: AWS's."""


_OF = {
    ConnectorId.WEB_SEARCH: {"include_domains", "exclude_domains"},
    ConnectorId.KNOWLEDGE_BASES: {"knowledge_base_arn", "results"},
}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


TOOLS: dict[ConnectorId, list[ToolSchema]] = {
    ConnectorId.WEB_SEARCH: [
        {
            "name": SEARCH,
            "description": "Searches the web. Cite the results that an answer rests on.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "query": _text("What to search for; at most 200 characters."),
                    "maxResults": {"type": "integer", "description": "How many results, 1 to 25. Default: 10."},
                },
                "required": ["query"],
            },
        }
    ],
    ConnectorId.KNOWLEDGE_BASES: [
        {
            "name": RETRIEVE,
            "description": "Finds passages in the knowledge base by one search.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "retrievalQuery": {
                        "type": "object",
                        "description": "The query.",
                        "properties": {"text": _text("The query's text.")},
                        "required": [],
                    }
                },
                "required": ["retrievalQuery"],
            },
        },
        {
            "name": AGENTIC,
            "description": "Answers from the knowledge base, with citations, by several searches that it plans.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "messages": {
                        "type": "array",
                        "description": "The conversation so far.",
                        "items": {
                            "type": "object",
                            "properties": {
                                "role": _text("Who says it: user or assistant."),
                                "content": {
                                    "type": "object",
                                    "description": "What is said.",
                                    "properties": {"text": _text("The text.")},
                                    "required": [],
                                },
                            },
                            "required": ["content", "role"],
                        },
                    }
                },
                "required": ["messages"],
            },
        },
    ],
}
"""The tools of each connector, as documented."""


def _check(target: Mapping[str, Any], where: str) -> None:
    given, place = target[KEY], f"{where}.{KEY}"
    kind = ConnectorId(given["id"])
    for other, keys in _OF.items():
        if other is not kind and (wrong := sorted(keys & given.keys())):
            raise UsageError(f"{place}: {', '.join(wrong)} is for {other.value!r}, not {kind.value!r}. Remove it.")
    if not _VERSION.fullmatch(version := given.get("version", "1.0.0")):
        raise UsageError(f"{place}.version: {version!r} is none. Write one like '1.2.0', or leave the key out.")
    if kind is ConnectorId.KNOWLEDGE_BASES and "knowledge_base_arn" not in given:
        raise UsageError(f"{place}: missing 'knowledge_base_arn'. Write the ARN of a knowledge base.")
    identifiers.check(identifiers.KNOWLEDGE_BASE, given.get("knowledge_base_arn"), f"{place}.knowledge_base_arn")
    arguments.within(given.get("results"), 1, 100, f"{place}.results")
    for key in ("include_domains", "exclude_domains"):
        arguments.within(len(given.get(key, "x")), 1, MOST_DOMAINS, f"{place}.{key}: number of domains")
    if "include_domains" in given and tuple(map(int, version.split("."))) < _INCLUDES_SINCE:
        raise UsageError(f"{place}.include_domains: takes a newer connector. Write 'version': '1.2.0'.")
    if isinstance(target["tools"], pulumi.Output):
        return
    known = [tool["name"] for tool in TOOLS[kind]]
    for tool in target["tools"]:
        if isinstance(tool, Mapping) and tool.get("name") not in known:
            raise UsageError(f"{where}.tools: {tool.get('name')!r} is none of {kind.value!r}: {', '.join(known)}.")


def _configuration(target: Mapping[str, Any], tools: Sequence[ToolSchema]) -> dict[str, Any]:
    given = target[KEY]
    version = {"version": given["version"]} if "version" in given else {}
    return {
        "connector": {
            "source": {"connector_id": ConnectorId(given["id"]).value, **version},
            "enableds": [tool["name"] for tool in tools],
            "configurations": [{"name": it["name"], "parameter_values": _values(given, it["name"])} for it in tools],
        }
    }


def _values(given: Mapping[str, Any], tool: str) -> pulumi.Input[str]:
    """What is sent with each call, and a caller cannot set (developer guide, "Control which parameters ...")."""
    if tool == SEARCH:
        lists = {"include": given.get("include_domains"), "exclude": given.get("exclude_domains")}
        chosen = {key: domains for key, domains in lists.items() if domains}
        return json.dumps({"domainFilter": chosen} if chosen else {})

    def bound(arn: str) -> str:
        base = {"knowledgeBaseId": arn.rpartition("/")[2]}
        if tool == AGENTIC:
            # Without the second, even empty, each call fails (seen live by others).
            retrievers = [{"configuration": {"knowledgeBase": base}}]
            return json.dumps({"retrievers": retrievers, "agenticRetrieveConfiguration": {}})
        number = {"numberOfResults": given["results"]} if "results" in given else None
        return json.dumps(base | ({"retrievalConfiguration": {"managedSearchConfiguration": number}} if number else {}))

    return arguments.derived(given["knowledge_base_arn"], str, f"{KEY}.knowledge_base_arn", bound)


def _credentials(_target: Mapping[str, Any]) -> dict[str, Any]:
    return {"gateway_iam_role": {}}


def _grants(targets: Mapping[str, Mapping[str, Any]], role: GatewayRole) -> list[Statement]:
    """Exactly what the connectors' tools take.

    AgentCore developer guide, "Configure the Gateway Service Role". For web search it names `InvokeGateway` on every
    gateway as well; for a knowledge base it says that this is the caller's right, and others saw a call without it.
    """
    found: list[Statement] = []
    if any(ConnectorId(it[KEY]["id"]) is ConnectorId.WEB_SEARCH for it in targets.values()):
        tool = role.here.arn("bedrock-agentcore", "tool/web-search.v1", account="aws")
        found.append(iam_documents.allow("SearchTheWeb", "bedrock-agentcore:InvokeWebSearch", tool))
    bases = [it for it in targets.values() if ConnectorId(it[KEY]["id"]) is ConnectorId.KNOWLEDGE_BASES]
    if not bases:
        return found
    found.append(iam_documents.allow("CheckKnowledgeBases", "bedrock:GetKnowledgeBase", _arns(bases)))
    if retrieved := [it for it in bases if _serves(it, RETRIEVE)]:
        found.append(iam_documents.allow("Retrieve", "bedrock:Retrieve", _arns(retrieved)))
    if any(_serves(it, AGENTIC) for it in bases):
        # The action has no resource type: which knowledge base is asked, the target fixes.
        found.append(iam_documents.allow("RetrieveInSteps", "bedrock:AgenticRetrieveStream", "*"))
    return found


def _arns(targets: Sequence[Mapping[str, Any]]) -> list[pulumi.Input[str]]:
    return [target[KEY]["knowledge_base_arn"] for target in targets]


def _serves(target: Mapping[str, Any], tool: str) -> bool:
    """Whether the target has the tool; of tools that are an Output it may."""
    tools = target["tools"]
    return isinstance(tools, pulumi.Output) or any(it["name"] == tool for it in tools)


KIND = Kind(
    key=KEY,
    what="a connector to a tool of AWS's own",
    configuration=_configuration,
    credentials=_credentials,
    grants=_grants,
    check=_check,
)

"""Where Bedrock's inference profiles lead, as far as AWS says it in public; for the others, what stands in.

A profile of a geography never changes its destinations (Bedrock user guide, "Supported Regions and models for inference
profiles"); a new model has new profiles, which are not known here until somebody writes them down.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from toolgate.local.cloud.cloud_environment import partition_of

GLOBAL, COMMERCIAL = "global", "aws"
# Who makes models; a word before it is a geography. A test holds both against components/iam/bedrock_models.py, which
# has the source.
GEOGRAPHIES = ("us", "us-gov", "eu", "apac", "jp", "au", "ca", GLOBAL)
PROVIDERS = (
    *("ai21", "amazon", "anthropic", "cohere", "deepseek", "google", "luma", "meta", "minimax", "mistral"),
    *("moonshot", "moonshotai", "nvidia", "openai", "qwen", "stability", "twelvelabs", "writer", "zai"),
)
PROFILE_ID = re.compile(
    rf"(?P<geography>{'|'.join(GEOGRAPHIES)}|[a-z-]+(?=\.(?:{'|'.join(PROVIDERS)})\.))\.(?P<model>.+)"
)

NOT_KNOWN = "destinations-not-known"
"""The mark of a made-up destination: the end of a model's id, which no model has."""
_MADE_UP = re.compile(rf"arn:[^:]+:bedrock:(?P<region>[^:]*)::foundation-model/.+:{NOT_KNOWN}")
_THROUGH = "bedrock:InferenceProfileArn"

_US = "us-east-1 us-east-2 us-west-2"
_EU = "eu-central-1 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-3"
_EU_NOVA = "eu-central-1 eu-north-1 eu-west-1 eu-west-3"
_JP = "ap-northeast-1 ap-northeast-3"
_AU = "ap-southeast-2 ap-southeast-4"
_AP = "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-4"
_AP_NOVA = "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2"
_AP_EDGE = f"{_AP} ap-southeast-3 *"
_CLAUDE_US = {_US: _US, "us-west-1 ca-central-1": f"{_US} *"}
_CLAUDE_US_CA = {_US: _US, "us-west-1 ca-central-1 ca-west-1": f"{_US} *"}
_CLAUDE_EU = {_EU: _EU, "eu-central-2 eu-west-2": f"{_EU} *"}
_WEST = {_US: _US, "us-west-1": f"{_US} *"}
_NOVA_AP = {
    "ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-1 ap-southeast-2": _AP_NOVA,
    "ap-east-2 ap-southeast-3 ap-southeast-5 ap-southeast-7 me-central-1": _AP_EDGE,
}
_NOVA_EU = {
    _EU_NOVA: _EU_NOVA,
    "eu-south-1 eu-south-2": f"{_EU_NOVA} *",
    "il-central-1": f"{_EU_NOVA} eu-south-1 *",
}
_AU_THREE = {_AU: _AU, "ap-southeast-6": f"{_AU} *"}

# By profiles: by source Regions, the destination Regions; `*` is the source itself. Only models for conversations, of
# Anthropic's those from Claude 4 on.
_ROUTES: Mapping[str, Mapping[str, str]] = {
    # Bedrock user guide, "Supported Regions and models for inference profiles", as of December 2025.
    "us.anthropic.claude-opus-4-5-20251101-v1:0": _CLAUDE_US,
    "us.amazon.nova-2-lite-v1:0": _CLAUDE_US_CA,
    "us.anthropic.claude-opus-4-20250514-v1:0 us.anthropic.claude-opus-4-1-20250805-v1:0": {_US: _US},
    "us.deepseek.r1-v1:0 us.meta.llama3-3-70b-instruct-v1:0 us.mistral.pixtral-large-2502-v1:0": {_US: _US},
    "us.amazon.nova-micro-v1:0 us.amazon.nova-premier-v1:0": {_US: _US},
    "us.anthropic.claude-sonnet-4-20250514-v1:0 us.amazon.nova-lite-v1:0 us.amazon.nova-pro-v1:0": _WEST,
    "us.meta.llama4-maverick-17b-instruct-v1:0 us.meta.llama4-scout-17b-instruct-v1:0": _WEST,
    "us.writer.palmyra-x4-v1:0 us.writer.palmyra-x5-v1:0": _WEST,
    "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0": {"us-gov-east-1 us-gov-west-1": "us-gov-west-1"},
    "eu.amazon.nova-2-lite-v1:0": {_EU: _EU},
    "eu.anthropic.claude-opus-4-5-20251101-v1:0": _CLAUDE_EU,
    "eu.anthropic.claude-sonnet-4-20250514-v1:0": {_EU: _EU, "il-central-1": f"{_EU} *"},
    "eu.amazon.nova-micro-v1:0 eu.amazon.nova-lite-v1:0 eu.amazon.nova-pro-v1:0": _NOVA_EU,
    "eu.mistral.pixtral-large-2502-v1:0": {_EU_NOVA: _EU_NOVA},
    "apac.anthropic.claude-sonnet-4-20250514-v1:0": {
        _AP: _AP,
        "ap-east-2 ap-southeast-3 ap-southeast-5 ap-southeast-7 me-central-1": _AP_EDGE,
    },
    "apac.amazon.nova-micro-v1:0": _NOVA_AP,
    "apac.amazon.nova-lite-v1:0 apac.amazon.nova-pro-v1:0": {**_NOVA_AP, "ap-southeast-4": _AP},
    "ca.amazon.nova-lite-v1:0": {"ca-central-1 ca-west-1": "ca-central-1 ca-west-1"},
    "jp.amazon.nova-2-lite-v1:0": {"ap-northeast-1": _JP},
    # The models' own pages there, "Geo inference details", as of July 2026 and (gpt-6) later that year.
    "us.anthropic.claude-haiku-4-5-20251001-v1:0 us.anthropic.claude-sonnet-4-5-20250929-v1:0": _CLAUDE_US,
    "us.anthropic.claude-opus-4-6-v1 us.anthropic.claude-sonnet-4-6 us.anthropic.claude-opus-4-8": _CLAUDE_US_CA,
    "eu.anthropic.claude-haiku-4-5-20251001-v1:0 eu.anthropic.claude-sonnet-4-5-20250929-v1:0": _CLAUDE_EU,
    "us.anthropic.claude-opus-4-7 us.openai.gpt-6-sol": _CLAUDE_US_CA,
    "eu.anthropic.claude-opus-4-6-v1 eu.anthropic.claude-sonnet-4-6 eu.anthropic.claude-opus-4-8": _CLAUDE_EU,
    "eu.anthropic.claude-opus-4-7": _CLAUDE_EU,
    "jp.anthropic.claude-haiku-4-5-20251001-v1:0 jp.anthropic.claude-sonnet-4-5-20250929-v1:0": {_JP: _JP},
    "jp.anthropic.claude-sonnet-4-6 jp.anthropic.claude-opus-4-7 jp.anthropic.claude-opus-4-8": {_JP: _JP},
    "au.anthropic.claude-haiku-4-5-20251001-v1:0 au.anthropic.claude-sonnet-4-5-20250929-v1:0": _AU_THREE,
    "au.anthropic.claude-sonnet-4-6": _AU_THREE,
    "au.anthropic.claude-opus-4-6-v1 au.anthropic.claude-opus-4-7 au.anthropic.claude-opus-4-8": {_AU: _AU},
}


@cache
def routes() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """By profile, by source Region: the destination Regions, sorted."""
    return {
        profile: {
            source: tuple(sorted({source if it == "*" else it for it in destinations.split()}))
            for sources, destinations in of.items()
            for source in sources.split()
        }
        for profiles, of in _ROUTES.items()
        for profile in profiles.split()
    }


@cache
def sources(geography: str) -> frozenset[str]:
    """The Regions that some profile of a geography is known to be called from."""
    own = (of for profile, of in routes().items() if profile.startswith(f"{geography}."))
    return frozenset(source for of in own for source in of)


def destinations(profile: str, region: str) -> tuple[str, ...] | None:
    """The Regions that a profile may lead to from a Region; None where nobody here knows.

    "" stands for the model without a Region, which a global profile leads to besides the one in the Region that asks
    (Bedrock user guide, "Global cross-Region inference", IAM policy).

    Raises:
        LookupError: Profiles of its geography are called from other Regions.
    """
    found = PROFILE_ID.fullmatch(profile)
    if found is None:
        return None
    if found["geography"] == GLOBAL and partition_of(region)["id"] == COMMERCIAL:
        return ("", region)
    if _known(region) and found["geography"] in GEOGRAPHIES and region not in sources(found["geography"]):
        raise LookupError(f"Inference profile {profile} not found in {region}")
    return routes().get(profile, {}).get(region)


def _known(region: str) -> bool:
    return any(region in sources(geography) for geography in GEOGRAPHIES)


def made_up(model: str) -> str:
    """What stands for a destination that nobody here knows: the id of a model, marked."""
    return f"{model}:{NOT_KNOWN}"


def is_made_up(arn: str) -> bool:
    """Whether a foundation model's ARN is one that only stands in."""
    return _MADE_UP.fullmatch(arn) is not None


def not_known(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The inference profiles for which a made-up destination stands in an IAM document, and its Region."""
    for statement in _several(document.get("Statement")):
        for resource in _several(statement.get("Resource")):
            if isinstance(resource, str) and (stands_in := _MADE_UP.fullmatch(resource)):
                profile = statement.get("Condition", {}).get("StringEquals", {}).get(_THROUGH, resource)
                yield str(profile).rpartition("/")[2], stands_in["region"]


def note(profile: str, region: str | None = None) -> str:
    """What plan and serve say of a profile whose destinations are not known here.

    Args:
        profile: Its id or ARN.
        region: Where the made-up destination is; None where the deployment's own policies say where the profile leads.
    """
    instead = f"one made-up destination in {region} stands in" if region else "what the policies name is taken for it"
    return f"where inference profile {profile} leads is not known here: {instead}"


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]

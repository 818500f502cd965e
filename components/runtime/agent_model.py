"""How an agent's model is asked: its guardrail, prompt caching, and the models that it falls back to.

Each is a variable of the agent's environment and, where it needs one, a grant in its role.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import bedrock_models, iam_documents
from toolgate.components.iam.iam_documents import AwsEnvironment, Document, Statement

GUARDRAIL, FALLBACKS, CACHING = "GUARDRAIL", "BEDROCK_FALLBACK_MODEL_IDS", "PROMPT_CACHING"
VARIABLES = {"guardrail": GUARDRAIL, "fallback_model_ids": FALLBACKS, "prompt_caching": CACHING}
"""By argument: the variable that it becomes (the agent contract)."""
MOST_FALLBACKS = 4
"""Models besides the first. Ours, as in agent/model_settings.py; a test compares them."""
# botocore bedrock-runtime GuardrailVersion.
_VERSION = re.compile(r"[1-9][0-9]{0,7}|DRAFT")
# As in agent/model_ids.py, which has the sources; a test compares what they say.
_NO_CACHE = re.compile(r"claude-(v2|instant|3-(opus|sonnet|haiku)|3-5-sonnet)")


class Guardrail(TypedDict):
    """A guardrail of Amazon Bedrock: `arn` or `id`, and `version`."""

    arn: NotRequired[pulumi.Input[str]]
    """Its ARN, in the agent's Region."""
    id: NotRequired[pulumi.Input[str]]
    """Its id, of one in the agent's account and Region; instead of `arn`."""
    version: pulumi.Input[str]
    """Its version, a number, or DRAFT."""


class ModelArgs(TypedDict, total=False):
    """The arguments of an agent that this module is about."""

    fallback_model_ids: list[str]
    guardrail: Guardrail
    prompt_caching: bool


def check(args: Mapping[str, Any], where: str) -> None:
    """Check the arguments, as far as they are plain.

    Raises:
        UsageError: AWS would refuse a value, or the arguments contradict each other.
    """
    if "guardrail" in args:
        check_guardrail(args["guardrail"], f"{where}.guardrail")
    check_models(args["model_id"], args.get("fallback_model_ids", []), args.get("prompt_caching", False), where)


def check_guardrail(guardrail: Guardrail, where: str) -> None:
    """Check a guardrail, as far as it is plain.

    Raises:
        UsageError: It is none.
    """
    _read(guardrail, where)


def check_models(
    model_id: str,
    fallbacks: Sequence[str],
    caching: bool,
    where: str,
    names: tuple[str, str] = ("fallback_model_ids", "prompt_caching"),
) -> None:
    """Check an agent's models.

    Args:
        model_id: The first.
        fallbacks: The others.
        caching: Whether prompts are cached: the first model must take that. Another one that does not is asked
            without; the agent says so in its log.
        where: Whose models they are, for messages.
        names: How `fallback_model_ids` and `prompt_caching` are written there.

    Raises:
        UsageError: One is no model or is named twice, there are too many, or the first does not cache prompts.
    """
    listed, cached = names
    arguments.within(len(fallbacks), 0, MOST_FALLBACKS, f"{where}.{listed}: number of models")
    for index, fallback in enumerate(fallbacks):
        place = f"{where}.{listed}[{index}]"
        bedrock_models.checked(fallback, place)
        if fallback in (model_id, *fallbacks[:index]):
            raise UsageError(f"{place}: {fallback!r} is asked before. Name each model once.")
    if caching and caches_prompts(model_id) is False:
        raise UsageError(
            f"{where}.{cached}: {model_id!r} takes no cache points, or caches by itself. Leave it out, or choose a "
            "Claude model from 3.5 Haiku and 3.7 Sonnet on."
        )


def caches_prompts(model_id: str) -> bool | None:
    """Whether a model takes the agent's cache points; None where its id does not tell which model it is."""
    named = model_id.rpartition("/")[2]
    if "." not in named:
        return None
    return "anthropic." in named and not _NO_CACHE.search(named)


def variables(args: Mapping[str, Any], where: str) -> dict[str, pulumi.Input[str]]:
    """The variables of what is given."""
    found: dict[str, pulumi.Input[str]] = {}
    if "guardrail" in args:
        read = pulumi.Output.from_input(_read(args["guardrail"], f"{where}.guardrail"))
        found[GUARDRAIL] = read.apply(json.dumps)
    if fallbacks := args.get("fallback_model_ids"):
        found[FALLBACKS] = " ".join(fallbacks)
    if args.get("prompt_caching"):
        found[CACHING] = "true"
    return found


def documents(
    component: pulumi.ComponentResource, env: AwsEnvironment, args: Mapping[str, Any], where: str
) -> dict[str, Document]:
    """By name: what the role is allowed for what is given.

    Args:
        component: The agent.
        env: Where it is deployed.
        args: Its arguments.
        where: The agent, for messages.
    """
    found: dict[str, Document] = {}
    if "guardrail" in args:
        read = pulumi.Output.from_input(_read(args["guardrail"], f"{where}.guardrail"))
        whole = pulumi.Output.all(read["id"], env.arn("bedrock", "guardrail/"), env.region)
        arn = whole.apply(lambda known: _arn(known[0], known[1], known[2], f"{where}.guardrail"))
        found["guardrail"] = iam_documents.apply_guardrail(arn)
    statements: list[Statement] = []
    for number, model_id in enumerate(args.get("fallback_model_ids", []), 1):
        access = bedrock_models.access(component, env, model_id, f"{where}.fallback_model_ids[{number - 1}]")
        statements += [{**statement, "Sid": f"{statement['Sid']}{number}"} for statement in access]
    if statements:
        found["fallbacks"] = iam_documents.document(*statements)
    return found


def _arn(identifier: str, beginning: str, region: str, where: str) -> str:
    """The guardrail's ARN.

    That Bedrock refuses one of another Region was not seen by us; a guardrail is named by Region, and the agent asks in
    its own.
    """
    if not identifier.startswith("arn:"):
        return beginning + identifier
    if identifier.split(":")[3] != region:
        raise UsageError(f"{where}.arn: {identifier} is not of {region}, where the agent asks. Write one that is.")
    return identifier


def _read(guardrail: Any, where: str) -> dict[str, str] | pulumi.Output[dict[str, str]]:
    """What the agent is told of it, `id` and `version`: at once, or as soon as it is known."""
    if len(guardrail.keys() & {"arn", "id"}) != 1:
        raise UsageError(f"{where}: write either 'arn' or 'id', beside 'version'.")

    def checked(known: Any) -> dict[str, str]:
        if "arn" in known:
            identifiers.check(identifiers.GUARDRAIL, known["arn"], f"{where}.arn")
        elif not re.fullmatch(identifiers.GUARDRAIL_ID, known["id"]):
            raise UsageError(f"{where}.id: {known['id']!r} is no id of a guardrail. Write one like ab1cd2ef3gh4.")
        if not _VERSION.fullmatch(known["version"]):
            raise UsageError(
                f"{where}.version: {known['version']!r} is no version. Write a number, such as '1', or DRAFT."
            )
        return {"id": known.get("arn") or known["id"], "version": known["version"]}

    return arguments.derived(guardrail, Guardrail, where, checked)

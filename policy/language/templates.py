"""CloudFormation templates: which resources of a program have one, and what it says as far as that can be read.

JSON is read, as text or as an object. Of YAML only the names of the types are looked for, as no reader of it is in the
standard library.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.policy.language.unknown import UNKNOWN

TYPES = frozenset(
    {
        "aws:cloudformation/stack:Stack",
        "aws:cloudformation/stackSet:StackSet",
        "aws-native:cloudformation:Stack",
        "aws-native:cloudformation:StackSet",
        "aws:index/cloudformationStack:CloudformationStack",
        "aws:index/cloudformationStackSet:CloudformationStackSet",
        "awscc:index/cloudformationStack:CloudformationStack",
        "awscc:index/cloudformationStackSet:CloudformationStackSet",
        # These name a template that lies elsewhere.
        "aws:cloudformation/stackInstances:StackInstances",
        "aws:cloudformation/stackSetInstance:StackSetInstance",
        "aws:serverlessrepository/cloudFormationStack:CloudFormationStack",
        "aws:servicecatalog/provisionedProduct:ProvisionedProduct",
        "aws-native:servicecatalog:CloudFormationProvisionedProduct",
    }
)
"""Resource types that make what a template says."""

# Types that matter here, and what may make anything: nested stacks, macros, modules.
_GUARDED = re.compile(r"AWS::(?:(?:BedrockAgentCore|IAM|Lambda|SSO|Serverless)::\w+|CloudFormation::Stack\w*)")
_ANYTHING = re.compile(r"\bTransform\b|::MODULE\b")
_YAML_ESCAPE = re.compile(r"\\[xuU\n]")


def not_judged(properties: Mapping[str, Any]) -> str | None:
    """What a template may open that is not judged, as the end of a sentence; None where there is nothing.

    Args:
        properties: The resource's properties, `templateBody` among them.
    """
    template = _template(properties)
    text = _yaml(properties) if template is None else json.dumps(template, default=str)
    if text is None or _ANYTHING.search(text) or not _says_types(template):
        return "makes what a CloudFormation template says, which cannot be read"
    found = ", ".join(sorted(set(_GUARDED.findall(text))))
    return f"makes what a CloudFormation template says, which is not judged as a whole: {found}" if found else None


def _says_types(template: Mapping[str, Any] | None) -> bool:
    listed = {} if template is None else template.get("Resources", {})
    return isinstance(listed, Mapping) and all(
        isinstance(it, Mapping) and isinstance(it.get("Type"), str) for it in listed.values()
    )


def resources(properties: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The resources of a template in JSON: logical id, and `type` and `properties` as an ExtensionResource has them.

    What is a parameter, another resource's attribute or computed is UNKNOWN: nobody but CloudFormation knows it.
    """
    listed = (_template(properties) or {}).get("Resources")
    for name, it in listed.items() if isinstance(listed, Mapping) else ():
        if isinstance(it, Mapping):
            given = it.get("Properties", {})
            try:
                yield str(name), {"type": it.get("Type"), "properties": _known(given)}
            except RecursionError:
                yield str(name), {"type": it.get("Type"), "properties": UNKNOWN}


def _template(properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    body = properties.get("templateBody")
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return None
    return body if isinstance(body, Mapping) and body else None


def _yaml(properties: Mapping[str, Any]) -> str | None:
    body = properties.get("templateBody")
    return body if isinstance(body, str) and "Resources" in body and not _YAML_ESCAPE.search(body) else None


def _known(value: Any) -> Any:
    if isinstance(value, list):
        return [_known(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    key = next(iter(value), "") if len(value) == 1 else ""
    if key == "Ref" or str(key).startswith("Fn::"):
        return UNKNOWN
    return {name: _known(item) for name, item in value.items()}

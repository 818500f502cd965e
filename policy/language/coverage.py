"""What is neither judged nor harmless: types of the guarded services that nobody reads, and CloudFormation templates.

The guarded services are AgentCore, IAM, Lambda and Identity Center. Types that open nothing are listed with the
reason, so that one AWS adds later is reported until somebody has looked at it.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from toolgate.policy.language.spellings import CLOUD_CONTROL, EXTENSION

_TYPE = re.compile(r"(?:aws:(?P<module>\w+)/\w+|aws-native:(?P<native>\w+)):(?P<name>\w+)")
AGENTCORE = "bedrockagentcore"
_SERVICES = {"iam": "iam", "lambda": "lambda", "ssoadmin": "sso", "sso": "sso", AGENTCORE: AGENTCORE}
_PREFIX = "agentcore"

# By CloudFormation's name of the service and the type's name in small letters, which serves both providers.
_BY_REASON = {
    "credentials of a user, who has the same rights with them": (
        *("iam:accesskey", "iam:servicespecificcredential", "iam:signingcertificate", "iam:sshkey"),
        *("iam:userloginprofile", "iam:virtualmfadevice"),
    ),
    "who is in a group, whose policies are judged": ("iam:groupmembership", "iam:usergroupmembership"),
    "takes policies away": (
        *("iam:grouppoliciesexclusive", "iam:rolepoliciesexclusive", "iam:userpoliciesexclusive"),
        "sso:permissionsboundaryattachment",
    ),
    "an issuer of identities: the trust policy of a role says what they may take": (
        *("iam:instanceprofile", "iam:oidcprovider", "iam:openidconnectprovider", "iam:samlprovider"),
        *("iam:outboundwebidentityfederation", "sso:trustedtokenissuer"),
    ),
    "a role that one AWS service may take, with a policy of AWS's": ("iam:servicelinkedrole",),
    "a setting of the account": (
        *("iam:accountalias", "iam:accountpasswordpolicy", "iam:organizationsfeatures", "iam:servercertificate"),
        *("iam:securitytokenservicepreferences", "sso:instance", "sso:region"),
        *("sso:instanceaccesscontrolattributeconfiguration", "sso:instanceaccesscontrolattributes"),
    ),
    "who gets a permission set, whose policies are judged": ("sso:accountassignment", "sso:assignment"),
    "an application of Identity Center, which has no rights in AWS": (
        *("sso:application", "sso:applicationaccessscope", "sso:applicationassignment"),
        "sso:applicationassignmentconfiguration",
    ),
    "how a function runs": (
        *("lambda:capacityprovider", "lambda:codesigningconfig", "lambda:corenetworkconnector"),
        *("lambda:networkconnector", "lambda:eventinvokeconfig", "lambda:functioneventinvokeconfig"),
        *("lambda:functionrecursionconfig", "lambda:functionscalingconfig", "lambda:provisionedconcurrencyconfig"),
        *(
            "lambda:alias",
            "lambda:version",
            "lambda:layerversion",
            "lambda:layerversionpermission",
            "lambda:runtimemanagementconfig",
        ),
        *("lambda:microvmimage", "lambda:microvmsimage"),
    ),
    "calls a function with events or with what the program wrote": ("lambda:eventsourcemapping", "lambda:invocation"),
    "nobody calls a gateway's tools through it": (
        *("bedrockagentcore:agentruntimeendpoint", "bedrockagentcore:runtimeendpoint", "bedrockagentcore:memory"),
        *("bedrockagentcore:memorystrategy", "bedrockagentcore:browser", "bedrockagentcore:browserprofile"),
        *("bedrockagentcore:codeinterpreter", "bedrockagentcore:evaluator", "bedrockagentcore:onlineevaluationconfig"),
        *("bedrockagentcore:apikeycredentialprovider", "bedrockagentcore:oauth2credentialprovider"),
        *("bedrockagentcore:workloadidentity", "bedrockagentcore:tokenvaultcmk", "bedrockagentcore:registry"),
        *("bedrockagentcore:dataset", "bedrockagentcore:gatewayratelimit", "bedrockagentcore:gatewayrule"),
    ),
}
OPENS_NOTHING: dict[str, str] = {name: reason for reason, names in _BY_REASON.items() for name in names}

TEMPLATES = frozenset(
    {
        "aws:cloudformation/stack:Stack",
        "aws:cloudformation/stackSet:StackSet",
        "aws-native:cloudformation:Stack",
        "aws-native:cloudformation:StackSet",
    }
)
UNCLEAR = TEMPLATES | {CLOUD_CONTROL, EXTENSION}
"""Types that say nothing of what they make."""
# What a template can make that matters here, and what may make anything: nested stacks, macros, modules, transforms.
_GUARDED_IN_TEMPLATE = re.compile(
    r"AWS::(?:(?:BedrockAgentCore|IAM|Lambda|SSO|Serverless)::\w+|CloudFormation::Stack\w*)"
)
_ANYTHING = re.compile(r"\bTransform\b|::MODULE\b")
_YAML_ESCAPE = re.compile(r"\\[xuU\n]")


def service_of(kind: str) -> str | None:
    """The guarded service of a type, by CloudFormation's name in small letters."""
    name = _called(kind)
    return name.partition(":")[0] if name else None


def _called(kind: str) -> str | None:
    match = _TYPE.fullmatch(kind)
    if match is None:
        return None
    module, name = (match["module"] or match["native"]).lower(), match["name"].lower()
    if module == "bedrock" and name.startswith(_PREFIX):
        module, name = AGENTCORE, name.removeprefix(_PREFIX)
    return f"{_SERVICES[module]}:{name}" if module in _SERVICES else None


def not_judged(kind: str, properties: Mapping[str, Any] | None, judged: Collection[str]) -> str | None:
    """Why a resource may open something that nobody judges; None where it is judged, harmless or not guarded.

    Args:
        kind: Its type as `spellings.type_of` gives it.
        properties: Its properties as `spellings.properties_of` gives them.
        judged: The types that are judged.

    Returns:
        The end of a sentence about the resource.
    """
    if kind in TEMPLATES:
        return _of_template(properties)
    if kind in (CLOUD_CONTROL, EXTENSION):
        return "makes a resource whose type is not known"
    if kind in judged:
        return "has properties that cannot be read" if properties is None else None
    name = _called(kind)
    return None if name is None or name in OPENS_NOTHING else f"is of a type that is not judged ({kind})"


def _of_template(properties: Mapping[str, Any] | None) -> str | None:
    text = _text((properties or {}).get("templateBody"))
    if text is None or _ANYTHING.search(text):
        return "makes what a CloudFormation template says, which cannot be read"
    found = sorted(set(_GUARDED_IN_TEMPLATE.findall(text)))
    return f"makes what a CloudFormation template says, which is not judged: {', '.join(found)}" if found else None


def _text(body: Any) -> str | None:
    """A template with nothing written as an escape, or None: JSON as object or text, or YAML."""
    try:
        return json.dumps(json.loads(body) if isinstance(body, str) else body) if body else None
    except (ValueError, TypeError, RecursionError):
        return body if isinstance(body, str) and "Resources" in body and not _YAML_ESCAPE.search(body) else None

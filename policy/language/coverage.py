"""What is neither judged nor harmless: types of the guarded services that nobody reads, templates, gaps of a scan.

The guarded services are AgentCore, IAM, Lambda and Identity Center. Types that open nothing are listed with the
reason, so that one AWS adds later is reported until somebody has looked at it.
"""

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from toolgate.policy.language import templates
from toolgate.policy.language.agentcore_facts import NOT_READ
from toolgate.policy.language.spellings import WRAPPERS

_TYPE = re.compile(r"(?:aws:(?P<module>\w+)/\w+|aws-native:(?P<native>\w+)):(?P<name>\w+)")
# Terraform's own providers, bridged as they are (`pulumi package add terraform-provider`): the service is the name's
# first word. Source: pulumi-terraform-bridge, dynamic/info.go.
_OF_TERRAFORM = re.compile(
    r"(?:aws|awscc):index/\w+:(?P<module>Iam|Lambda|Ssoadmin|Sso|Bedrockagentcore)(?P<name>[A-Z]\w*)"
)
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
        *("bedrockagentcore:apikeycredentialprovider", "bedrockagentcore:tokenvaultcmk", "bedrockagentcore:registry"),
        *("bedrockagentcore:dataset", "bedrockagentcore:gatewayratelimit", "bedrockagentcore:gatewayrule"),
    ),
}
OPENS_NOTHING: dict[str, str] = {name: reason for reason, names in _BY_REASON.items() for name in names}

UNCLEAR = templates.TYPES | WRAPPERS | {NOT_READ}
"""Types that say nothing of what they make, and what a scan could not read."""


def service_of(kind: str) -> str | None:
    """The guarded service of a type, by CloudFormation's name in small letters."""
    name = _called(kind)
    return name.partition(":")[0] if name else None


@cache
def _called(kind: str) -> str | None:
    match = _OF_TERRAFORM.fullmatch(kind) or _TYPE.fullmatch(kind)
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
    if kind in templates.TYPES:
        return templates.not_judged(properties or {})
    if kind == NOT_READ:
        return f"could not be read by the scan ({(properties or {}).get('why')})"
    if kind in WRAPPERS:
        return "makes a resource whose type is not known"
    if kind in judged:
        return "has properties that cannot be read" if properties is None else None
    name = _called(kind)
    return None if name is None or name in OPENS_NOTHING else f"is of a type that is not judged ({kind})"

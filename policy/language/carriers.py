"""Which property of which resource type carries an identity policy or attaches one, and to whom.

Source: the resources' inputs in pulumi_aws; what only `aws-native` has stands with the type it is put into
(`spellings`). A permissions boundary grants nothing, so it is not here; nor are service and resource control policies
of Organizations and session policies, which only take away. Nobody has seen AWS RAM share what is guarded here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from toolgate.policy.language.agentcore_facts import (
    GROUP,
    GROUP_ATTACHMENT,
    GROUP_POLICY,
    MANAGED_POLICY,
    PERMISSION_SET,
    POLICY_ATTACHMENT,
    ROLE,
    ROLE_ATTACHMENT,
    ROLE_POLICY,
    USER,
    USER_ATTACHMENT,
    USER_POLICY,
)

type Path = tuple[str, ...]

PERMISSION_SET_KIND = "permission-set"
IDENTITIES = {ROLE: "role", USER: "user", GROUP: "group", PERMISSION_SET: PERMISSION_SET_KIND}
"""Types that hold policies of their own, and the kind of identity that each is."""


@dataclass(frozen=True)
class Carrier:
    """What a type carries.

    Attributes:
        document: Where an identity policy's document stands.
        attached: Where the ARN of an attached managed policy stands, or several.
        holders: By kind of identity the property with the name of who gets it, or several; of a permission set its ARN.
            An identity that carries its own has none.
        named: The property with `name` and `path` of a customer managed policy, or several. An account that gets the
            permission set has to have one; its document is judged where it is written.
    """

    document: Path = ()
    attached: Path = ()
    holders: Mapping[str, str] = field(default_factory=dict)
    named: str = ""


_OWN = Carrier(("inlinePolicies", "policy"), ("managedPolicyArns",))
_SEVERAL = {"role": "roles", "user": "users", "group": "groups"}
_OF_SET = {PERMISSION_SET_KIND: "permissionSetArn"}

CARRIERS: dict[str, Carrier] = {
    ROLE: _OWN,
    # Users, groups and permission sets carry policies themselves in aws-native only.
    USER: _OWN,
    GROUP: _OWN,
    PERMISSION_SET: Carrier(("inlinePolicy",), ("managedPolicies",), named="customerManagedPolicyReferences"),
    ROLE_POLICY: Carrier(("policy",), holders={"role": "role"}),
    USER_POLICY: Carrier(("policy",), holders={"user": "user"}),
    GROUP_POLICY: Carrier(("policy",), holders={"group": "group"}),
    # One of `aws` names nobody: CloudFormation's attach themselves.
    MANAGED_POLICY: Carrier(("policy",), holders=_SEVERAL),
    ROLE_ATTACHMENT: Carrier((), ("policyArn",), {"role": "role"}),
    USER_ATTACHMENT: Carrier((), ("policyArn",), {"user": "user"}),
    GROUP_ATTACHMENT: Carrier((), ("policyArn",), {"group": "group"}),
    POLICY_ATTACHMENT: Carrier((), ("policyArn",), _SEVERAL),
    # The provider attaches what is listed and not there yet.
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": Carrier(
        (), ("policyArns",), {"role": "roleName"}
    ),
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": Carrier(
        (), ("policyArns",), {"user": "userName"}
    ),
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": Carrier(
        (), ("policyArns",), {"group": "groupName"}
    ),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": Carrier(("inlinePolicy",), holders=_OF_SET),
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": Carrier((), ("managedPolicyArn",), _OF_SET),
    "aws:ssoadmin/managedPolicyAttachmentsExclusive:ManagedPolicyAttachmentsExclusive": Carrier(
        (), ("managedPolicyArns",), _OF_SET
    ),
    "aws:ssoadmin/customerManagedPolicyAttachment:CustomerManagedPolicyAttachment": Carrier(
        holders=_OF_SET, named="customerManagedPolicyReference"
    ),
    "aws:ssoadmin/customerManagedPolicyAttachmentsExclusive:CustomerManagedPolicyAttachmentsExclusive": Carrier(
        holders=_OF_SET, named="customerManagedPolicyReferences"
    ),
}

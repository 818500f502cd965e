"""The controls and practices of others that rules refer to."""

from pulumi_policy import PolicyComplianceFramework

_WELL_ARCHITECTED = "https://docs.aws.amazon.com/wellarchitected/latest/framework"


def _security_hub(control: str) -> PolicyComplianceFramework:
    return PolicyComplianceFramework(
        name="AWS Security Hub CSPM",
        specification=control,
        reference="https://docs.aws.amazon.com/securityhub/latest/userguide/bedrockagentcore-controls.html",
    )


def _well_architected(practice: str, page: str) -> PolicyComplianceFramework:
    return PolicyComplianceFramework(
        name="AWS Well-Architected Framework, Security Pillar",
        specification=practice,
        reference=f"{_WELL_ARCHITECTED}/{page}.html",
    )


RUNTIME_IN_VPC = _security_hub("BedrockAgentCore.1")
GATEWAY_AUTHORIZATION = _security_hub("BedrockAgentCore.2")
LEAST_PRIVILEGE = _well_architected("SEC03-BP02 Grant least privilege access", "sec_permissions_least_privileges")
NO_PUBLIC_ACCESS = _well_architected(
    "SEC03-BP07 Analyze public and cross-account access", "sec_permissions_analyze_cross_account"
)
LOGGING = _well_architected(
    "SEC04-BP01 Configure service and application logging", "sec_detect_investigate_events_app_service_logging"
)
ENCRYPTION = _well_architected("SEC08-BP02 Enforce encryption at rest", "sec_protect_data_rest_encrypt")
STORED_SECRETS = _well_architected("SEC02-BP03 Store and use secrets securely", "sec_identities_secrets")
CONFUSED_DEPUTY = PolicyComplianceFramework(
    name="AWS IAM User Guide",
    specification="The confused deputy problem",
    reference="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
)
FAILING_OPEN = PolicyComplianceFramework(
    name="CWE",
    specification="CWE-636 Not Failing Securely ('Failing Open')",
    reference="https://cwe.mitre.org/data/definitions/636.html",
)
ALTERNATE_PATH = PolicyComplianceFramework(
    name="CWE",
    specification="CWE-424 Improper Protection of Alternate Path",
    reference="https://cwe.mitre.org/data/definitions/424.html",
)
UNPINNED = PolicyComplianceFramework(
    name="CWE",
    specification="CWE-494 Download of Code Without Integrity Check",
    reference="https://cwe.mitre.org/data/definitions/494.html",
)
ERROR_MESSAGES = PolicyComplianceFramework(
    name="CWE",
    specification="CWE-209 Generation of Error Message Containing Sensitive Information",
    reference="https://cwe.mitre.org/data/definitions/209.html",
)

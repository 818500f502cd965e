"""What stands in `policy.language` and, because they ship alone, in components and lambdas as well is the same."""

import re
from pathlib import Path

import pulumi_aws
import pytest

import components
from tests.policy import driver
from toolgate.components.checks import names
from toolgate.components.iam import iam_documents
from toolgate.policy.language import agentcore_facts as facts

TOKENS = sorted({value for value in vars(facts).values() if isinstance(value, str) and value.count(":") == 2})


def test_the_separator_of_a_tools_name() -> None:
    assert names.SEPARATOR == facts.TOOL_SEPARATOR
    assert f'\nSEPARATOR = "{facts.TOOL_SEPARATOR}"\n' in (driver.POLICY.parent / "lambdas" / "dispatch.py").read_text()
    assert facts.full_name("math", "add") == names.full_tool("math", "add")
    assert facts.target_of("math___add___twice") == "math"
    assert facts.target_of("math") == "math"


def test_actions_and_service_principal() -> None:
    assert iam_documents.AGENTCORE == facts.SERVICE_PRINCIPAL
    assert iam_documents.ASSUME_ROLE == facts.ASSUME_ROLE
    assert iam_documents.INVOKE_FUNCTION == facts.INVOKE_FUNCTION
    assert iam_documents.INVOKE_GATEWAY == facts.INVOKE_GATEWAY
    assert iam_documents.INVOKE_MODEL == facts.INVOKE_MODEL
    assert iam_documents.READ_POLICY_ENGINE == facts.GET_POLICY_ENGINE
    assert iam_documents.AUTHORIZE_TOOLS == (facts.AUTHORIZE_CALL, facts.AUTHORIZE_LIST)


@pytest.mark.parametrize("token", [*(it for it in TOKENS if it != facts.NOT_READ), *facts.ROLE_USERS])
def test_a_type_is_one_of_the_provider_or_of_ours(token: str) -> None:
    """The provider's classes and our components write their types in their sources."""
    package, where, name = token.split(":")
    if package == "aws":
        folder, _, _ = where.partition("/")
        module = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        source = Path(pulumi_aws.__file__).parent / {"lambda": "lambda_"}.get(folder, folder) / f"{module}.py"
        assert f"'{token}'" in source.read_text()
    else:
        sources = Path(components.__file__).parent.rglob("*.py")
        assert any(f'"{token}"' in source.read_text() for source in sources)

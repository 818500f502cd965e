import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, rules

RULE = "gateway-authorizer-iam"


@pytest.mark.parametrize(
    "authorizer",
    ["CUSTOM_JWT", "NONE", "AUTHENTICATE_ONLY", "aws_iam", "SOMETHING_NEW", UNKNOWN, None, 7, ["AWS_IAM"], ""],
)
def test_anything_but_aws_iam_violates(pack: Pack, authorizer: object) -> None:
    found = pack.analyze(making.gateway(authorizerType=authorizer))
    assert rules(found) == [RULE]
    assert found[0].level == "mandatory"
    assert 'AgentcoreGateway "tools"' in found[0].message
    assert 'Write authorizer_type="AWS_IAM"' in found[0].message


def test_aws_iam_passes(pack: Pack) -> None:
    assert pack.analyze(making.gateway()) == []


def test_the_unknown_is_named_as_unknown(pack: Pack) -> None:
    (found,) = pack.analyze(making.gateway(authorizerType=UNKNOWN))
    assert "not known before the deployment" in found.message


def test_allowed_authorizers_can_be_configured(pack: Pack) -> None:
    pack.configure({RULE: {"allowedAuthorizers": ["AWS_IAM", "CUSTOM_JWT"]}})
    assert pack.analyze(making.gateway(authorizerType="CUSTOM_JWT")) == []
    (found,) = pack.analyze(making.gateway(authorizerType="NONE"))
    assert 'allowed is "AWS_IAM" or "CUSTOM_JWT"' in found.message


@pytest.mark.parametrize("broken", ["CUSTOM_JWT", [1], {"CUSTOM_JWT": True}, None])
def test_a_malformed_allowance_allows_nothing_more(pack: Pack, broken: object) -> None:
    pack.configure({RULE: {"allowedAuthorizers": broken}})
    assert rules(pack.analyze(making.gateway(authorizerType="CUSTOM_JWT"))) == [RULE]
    assert pack.analyze(making.gateway()) == []

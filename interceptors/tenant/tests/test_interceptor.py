"""Whose call it is."""

import importlib
from typing import Any

import interceptor
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intercept import Call, Claims, deny, rewrite

ARGUMENTS = st.dictionaries(
    st.sampled_from(["tenant", "Tenant", "query", "limit"]), st.text() | st.none() | st.integers()
)


@given(ARGUMENTS)
def test_the_tenant_is_the_tokens_whatever_the_model_wrote(arguments: dict[str, Any]) -> None:
    verdict = interceptor.of_tenant(Call("orders___find", dict(arguments)), Claims(tenant="acme", sub="ada"))
    others = {name: value for name, value in arguments.items() if name != "tenant"}
    assert verdict == rewrite({**others, "tenant": "acme"})


@pytest.mark.parametrize(
    "claims", [{}, {"tenant": ""}, {"tenant": " "}, {"tenant": ["a", "b"]}, {"tenant": 7}, {"sub": "acme"}]
)
def test_a_token_that_names_no_tenant_is_refused(claims: dict[str, Any]) -> None:
    verdict = interceptor.of_tenant(Call("orders___find", {"tenant": "acme"}), Claims(claims))
    assert verdict == deny("the token names no tenant in tenant")


def test_claim_and_argument_have_the_names_that_the_variables_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_CLAIM", "custom:company")
    monkeypatch.setenv("TENANT_ARGUMENT", "company")
    other = importlib.reload(interceptor)
    claims = Claims({"custom:company": "acme", "tenant": "other"})
    assert other.of_tenant(Call("orders___find"), claims) == rewrite({"company": "acme"})


def test_an_empty_name_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_CLAIM", "")
    with pytest.raises(ValueError, match="TENANT_CLAIM"):
        importlib.reload(interceptor)


@pytest.fixture(autouse=True)
def reset(monkeypatch: pytest.MonkeyPatch) -> Any:
    yield
    monkeypatch.undo()
    importlib.reload(interceptor)

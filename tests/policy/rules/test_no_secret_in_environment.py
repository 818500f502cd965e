from dataclasses import replace
from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import SECRET as MARK
from tests.policy.driver import UNKNOWN, Pack, Registration
from tests.policy.making_tokens import HARNESS, SECRET, client, runtime

RULE = "no-secret-in-environment"
ROLE = "arn:aws:iam::123456789012:role/agent"


def found(pack: Pack, variables: Any, *beside: Registration, **more: Any) -> list[str]:
    pack.configure(making_tokens.ALLOWED)
    agent = replace(runtime(environmentVariables=variables), **more)
    resources = [*(beside or (making_tokens.provider(), client())), agent]
    return [it.message for it in pack.run(resources) if it.rule == RULE]


HELD = {
    "a secret by any name": {"AUTH": SECRET},
    "within a text": {"CONFIG": f'{{"client": "x", "key": "{SECRET}"}}'},
    "marked as a secret": {"AUTH": {**MARK, "value": SECRET}},
    "CLIENT_SECRET": {"CLIENT_SECRET": "hunter2"},
    "clientSecret": {"clientSecret": "hunter2"},
    "client-secret": {"client-secret": "hunter2"},
    "db password": {"DB_PASSWORD": "hunter2"},
    "a token": {"GITHUB_TOKEN": "hunter2"},
    "a key": {"OPENAI_API_KEY": "hunter2"},
    "another key": {"AWS_SECRET_ACCESS_KEY": "hunter2"},
    "value": {"SECRET_VALUE": "hunter2"},
    "in an address": {"SIGNING_KEY": "https://me:hunter2@example.com/"},
}


@pytest.mark.parametrize("variables", HELD.values(), ids=HELD.keys())
def test_a_secret_violates_and_is_not_shown(pack: Pack, variables: dict[str, Any]) -> None:
    (message,) = found(pack, variables)
    assert next(iter(variables)) in message
    assert SECRET not in message
    assert "hunter2" not in message


HARMLESS: dict[str, Any] = {
    "component": runtime().inputs["environmentVariables"],
    "where it lies": {"CLIENT_SECRET": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf"},
    "its ARN": {
        "SECRET_ARN": "x",
        "CLIENT_SECRET_NAME": "shop/client",
        "TOKEN_ENDPOINT": "https://x.example.com/token",
    },
    "a number": {"MAX_TOKENS": "4096", "TOKEN": "7", "USE_TOKEN": "true"},
    "empty": {"PASSWORD": "", "SECRET": "  "},
    "looked up": {"PASSWORD": "{{resolve:secretsmanager:shop:SecretString}}"},
    "an id": {"CLIENT_ID": making_tokens.CLIENT_ID, "ACCESS_KEY_ID": "x"},
    "unknown": {"CLIENT_SECRET": UNKNOWN, "CLIENT_ID": UNKNOWN},
    "odd": {"SECRET": 7, "TOKEN": None, "PASSWORD": ["x"], "API_KEY": {"a": "b"}},
    "no mapping": ["SECRET"],
    "no variables": None,
    "a number only": 7,
    "none known": UNKNOWN,
    "a word": {"SECRETARY": "Ann", "TOKENIZER": "x", "PASSWORD_POLICY": "x", "KEY": "x", "MONKEY": "x"},
}


@pytest.mark.parametrize("variables", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_none_passes(pack: Pack, variables: Any) -> None:
    assert found(pack, variables) == []


def test_a_preview_knows_what_a_variable_is_made_of(pack: Pack) -> None:
    graph = {"environmentVariables": [client().urn]}
    for name, said in (("CLIENT_SECRET", 1), ("CLIENT_ID", 0)):
        assert len(found(pack, {name: UNKNOWN}, client(), property_dependencies=graph)) == said


def test_a_harness_is_an_agent_and_a_function_a_tool_s_only_behind_a_target(pack: Pack) -> None:
    variables = {"CLIENT_SECRET": "hunter2"}
    harness = Registration(HARNESS, "h", {"environmentVariables": variables, "executionRoleArn": ROLE})
    function = {"name": "shop-math", "environment": {"variables": variables}}
    made = Registration("aws:lambda/function:Function", "f", function, {"arn": making.FUNCTION})
    for resources, where in (([harness], ["h"]), ([made], []), ([made, making.target()], ["f"])):
        found = pack.run([making_tokens.provider(), *resources])
        assert [it.urn.rpartition("::")[2] for it in found if it.rule == RULE] == where


def test_where_no_tokens_are_used_nothing_is_said(pack: Pack) -> None:
    assert found(pack, {"CLIENT_SECRET": "hunter2"}, making.role()) == []
    assert found(pack, {"CLIENT_SECRET": "hunter2"}, client(allowedOauthFlows=["code"])) == []


def test_a_short_secret_is_in_many_a_text(pack: Pack) -> None:
    short = replace(client(), outputs={"clientSecret": "a"})
    assert found(pack, {"NAME": "assistant"}, short) == []

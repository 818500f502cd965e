import json
from typing import Any

import pytest

from memory_settings import BucketMemory, EventMemory
from model_settings import Guardrail
from settings import BOUNDS, Settings, SettingsError, read

GIVEN = {"AWS_REGION": "us-east-1", "BEDROCK_MODEL_ID": "us.anthropic.claude-haiku-4-5-20251001-v1:0"}


def test_only_region_and_model_must_be_given() -> None:
    wanted = read(GIVEN)
    assert wanted == Settings("us-east-1", GIVEN["BEDROCK_MODEL_ID"])
    assert wanted.gateway_urls == ()


def test_defaults_are_the_documented_bounds() -> None:
    wanted = read(GIVEN)
    assert (wanted.connect_seconds, wanted.tool_seconds, wanted.model_seconds) == (5, 30, 60)
    assert (wanted.invocation_seconds, wanted.turns, wanted.port) == (75, 20, 8080)


def test_every_bound_is_a_setting() -> None:
    changed = {bound.variable: str(int(bound.minimum) + 1) for bound in BOUNDS.values()}
    wanted = read({**GIVEN, **changed})
    assert {name: getattr(wanted, name) for name in BOUNDS} == {
        name: int(bound.minimum) + 1 for name, bound in BOUNDS.items()
    }


@pytest.mark.parametrize(("given", "level"), [("", "info"), ("info", "info"), (" DEBUG ", "debug"), ("error", "error")])
def test_a_level_is_read_and_is_info_where_none_is_given(given: str, level: str) -> None:
    assert read({**GIVEN, "AGENT_LOG_LEVEL": given}).log_level == level


def test_several_gateways_are_separated_by_blanks() -> None:
    urls = ("https://a.example/mcp", "https://b.example/mcp")
    assert read({**GIVEN, "GATEWAY_URL": f" {urls[0]}  {urls[1]}\n{urls[0]}"}).gateway_urls == urls


@pytest.mark.parametrize("guardrail", ["gr1", "arn:aws-us-gov:bedrock:us-gov-west-1:111122223333:guardrail/gr1"])
@pytest.mark.parametrize("version", ["1", "12345678", "DRAFT"])
def test_a_guardrail_has_an_id_or_arn_and_a_version(guardrail: str, version: str) -> None:
    given = json.dumps({"id": guardrail, "version": version})
    assert read({**GIVEN, "GUARDRAIL": given}).guardrail == Guardrail(guardrail, version)


def test_models_to_fall_back_to_keep_their_order() -> None:
    wanted = read({**GIVEN, "BEDROCK_FALLBACK_MODEL_IDS": " b.model\n a.model ", "PROMPT_CACHING": "true"})
    assert wanted.model_ids == (GIVEN["BEDROCK_MODEL_ID"], "b.model", "a.model")
    assert wanted.prompt_caching


@pytest.mark.parametrize("url", ["http://127.0.0.1:80/mcp", "http://localhost/mcp", "http://[::1]:1/mcp"])
def test_this_machine_may_be_reached_unencrypted(url: str) -> None:
    assert read({**GIVEN, "GATEWAY_URL": url}).gateway_urls == (url,)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("AWS_REGION", " ", "AWS_REGION is not set"),
        ("BEDROCK_MODEL_ID", "", "BEDROCK_MODEL_ID is not set"),
        ("GATEWAY_URL", "http://gateway.example/mcp", "Write https://"),
        ("GATEWAY_URL", "gateway.example", "no URL"),
        ("GATEWAY_URL", "https:///mcp", "no URL"),
        ("GATEWAY_URL", "https://[", "no URL"),
        ("GATEWAY_URL", "ftp://gateway.example/mcp", "Write https://"),
        ("GATEWAY_URL", "ftp://localhost/mcp", "Write https://"),
        ("GATEWAY_URL", "https://gateway.example/m\x7fcp", "no URL"),
        ("GUARDRAIL", "gr1", "GUARDRAIL is not valid JSON. Write {"),
        ("GUARDRAIL", '{"id": "gr1"}', 'must be a JSON object with "id" and "version"'),
        ("GUARDRAIL", '{"id": "gr1", "version": "1", "trace": "enabled"}', 'with "id" and "version"'),
        ("GUARDRAIL", '{"id": "", "version": "1"}', "GUARDRAIL: id is ''"),
        ("GUARDRAIL", '{"id": "arn:aws:iam::111122223333:role/r", "version": "1"}', "GUARDRAIL: id is"),
        ("GUARDRAIL", '{"id": "gr1", "version": "0"}', "GUARDRAIL: version is '0'"),
        ("GUARDRAIL", '{"id": "gr1", "version": 1}', "GUARDRAIL: version is 1"),
        ("GUARDRAIL", '{"id": "gr1", "version": "draft"}', "the version is a number or DRAFT"),
        ("PROMPT_CACHING", "yes", "PROMPT_CACHING is 'yes'. Write true or false"),
        ("BEDROCK_FALLBACK_MODEL_IDS", "a.b a.c a.b", "names 'a.b', which is asked before"),
        ("BEDROCK_FALLBACK_MODEL_IDS", GIVEN["BEDROCK_MODEL_ID"], "which is asked before"),
        ("BEDROCK_FALLBACK_MODEL_IDS", "a.1 a.2 a.3 a.4 a.5", "has 5 ids. Write at most 4"),
        ("PORT", "eighty", "PORT is 'eighty'. Write a whole number from 1 to 65535"),
        ("PORT", "0", "PORT"),
        ("AGENT_TURNS", "2.5", "AGENT_TURNS is '2.5'. Write a whole number"),
        ("AGENT_TOOL_SECONDS", "nan", "AGENT_TOOL_SECONDS"),
        ("AGENT_TOOL_SECONDS", "inf", "AGENT_TOOL_SECONDS"),
        ("AGENT_TOOL_SECONDS", "-1", "AGENT_TOOL_SECONDS"),
        ("AGENT_LOG_CONTENT", "yes", "Write true or false"),
        ("AGENT_LOG_LEVEL", "verbose", "Write one of debug, info, warning, error"),
    ],
)
def test_refuses_what_describes_no_agent(variable: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=variable) as refused:
        read({**GIVEN, variable: value})
    assert says in str(refused.value)


def test_tells_all_faults_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        read({"PORT": "x", "AGENT_TURNS": "x"})
    assert len(str(refused.value).splitlines()) == 4


ENTRY: dict[str, Any] = {"provider": "p_tokens", "scopes": ["tools/invoke"], "gateways": ["https://t.example/mcp"]}
TOKENS: dict[str, Any] = {"identity": "demo_agent", "tokens": [ENTRY]}
OTHER = {"provider": "p_okta", "scopes": [], "parameters": {"audience": "tools"}, "gateways": ["http://[::1]:1/mcp"]}


def test_gateways_of_both_kinds_are_read_at_once() -> None:
    text = json.dumps({**TOKENS, "tokens": [ENTRY, OTHER]}, separators=(",", ":"))
    wanted = read({**GIVEN, "GATEWAY_URL": "https://a.example/mcp", "TOKEN_GATEWAYS": text})
    assert wanted.gateway_urls == ("https://a.example/mcp",)
    assert wanted.tokens
    assert wanted.tokens.identity == "demo_agent"
    first, second = wanted.tokens.tokens
    assert (first.provider, first.scopes, first.gateways) == ("p_tokens", ("tools/invoke",), ("https://t.example/mcp",))
    assert first.parameters == {}
    assert (second.scopes, second.parameters) == ((), {"audience": "tools"})


@pytest.mark.parametrize("text", ["", " \n"])
def test_no_token_gateways_are_none(text: str) -> None:
    assert read({**GIVEN, "TOKEN_GATEWAYS": text}).tokens is None


def changed(**members: Any) -> str:
    return json.dumps({**TOKENS, "tokens": [{**ENTRY, **members}]})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not valid JSON"),
        ("[]", "should be an object"),
        ("null", "should be an object"),
        ('{"identity": "abc", "identity": "abd", "tokens": []}', "has a name twice"),
        ('{"identity": "abc", "tokens": [], "x": NaN}', "has NaN"),
        ("[" * 100_000, "nested too deeply"),
        (json.dumps({"tokens": [ENTRY]}), "identity: Field required"),
        (json.dumps({**TOKENS, "identity": "ab"}), "identity: "),
        (json.dumps({**TOKENS, "identity": "a b c"}), "identity: "),
        (json.dumps({**TOKENS, "identity": "a" * 256}), "identity: "),
        (json.dumps({**TOKENS, "identity": "abc\n"}), "identity: "),
        (json.dumps({**TOKENS, "identity": 7}), "identity: "),
        (json.dumps({**TOKENS, "tokens": []}), "tokens: "),
        (json.dumps({**TOKENS, "tokens": ENTRY}), "tokens: "),
        (json.dumps({**TOKENS, "token": []}), "token: Extra inputs are not permitted"),
        (changed(secret="x"), "tokens.0.secret: Extra inputs are not permitted"),
        (changed(provider="a/b"), "tokens.0.provider: "),
        (changed(provider="a" * 129), "tokens.0.provider: "),
        (changed(scopes="tools/invoke"), "tokens.0.scopes: "),
        (changed(scopes=["a b"]), "tokens.0.scopes.0: "),
        (changed(scopes=[""]), "tokens.0.scopes.0: "),
        (changed(scopes=None), "tokens.0.scopes: "),
        (changed(parameters={"audience": 1}), "tokens.0.parameters.audience: "),
        (changed(parameters=[]), "tokens.0.parameters: "),
        (changed(parameters={"": "tools"}), "tokens.0.parameters."),
        (changed(parameters={"audience": ""}), "tokens.0.parameters.audience: "),
        (changed(gateways=[]), "tokens.0.gateways: "),
        (changed(gateways=["http://t.example/mcp"]), "Write https://"),
        (changed(gateways=["t.example"]), "no URL"),
        (changed(gateways=["https://["]), "no URL"),
        (changed(gateways=["https://t.example/m\ncp"]), "no URL"),  # urlsplit leaves it out
        (changed(gateways=["https://a.example/mcp"]), "named before"),
        (changed(gateways=["https://t.example/mcp"] * 2), "named before"),
        (json.dumps({**TOKENS, "tokens": [ENTRY, {**OTHER, "gateways": ENTRY["gateways"]}]}), "named before"),
        (json.dumps({**TOKENS, "tokens": [ENTRY, {**OTHER, "provider": "p_tokens"}]}), "'p_tokens' twice"),
    ],
)
def test_refuses_token_gateways_that_are_none(text: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read({**GIVEN, "GATEWAY_URL": "https://a.example/mcp", "TOKEN_GATEWAYS": text})
    fault = str(refused.value)
    assert fault.startswith("TOKEN_GATEWAYS")
    assert says in fault
    assert "Write " in fault or "Name it once" in fault


BUCKET: dict[str, Any] = {"kind": "s3", "bucket": "a-bucket", "prefix": "demo_dev_assistant"}
EVENTS: dict[str, Any] = {"kind": "agentcore", "memory_id": "conversations-0123456789", "actor": "demo_dev_assistant"}


def test_a_memory_is_read_and_is_none_where_it_is_not_given() -> None:
    assert read(GIVEN).memory is None
    assert read({**GIVEN, "MEMORY": json.dumps(BUCKET)}).memory == BucketMemory(**BUCKET)
    recalled = {**EVENTS, "recall": ["/facts/{actorId}/", "/{actorId}/a-b/"]}
    assert read({**GIVEN, "MEMORY": json.dumps(recalled)}).memory == EventMemory(**recalled)


@pytest.mark.parametrize(
    ("memory", "says"),
    [
        ("{", "is not valid JSON"),
        ("[]", "MEMORY: "),
        ('{"kind": "s3", "kind": "s3"}', "has a name twice"),
        ("{}", "kind"),
        ({**BUCKET, "kind": "redis"}, "s3"),
        ({**BUCKET, "memory_id": "x"}, "memory_id: Extra inputs are not permitted"),
        ({**BUCKET, "bucket": "A"}, "bucket: "),
        ({**BUCKET, "bucket": "arn:aws:s3:::a"}, "bucket: "),
        ({**BUCKET, "prefix": ""}, "prefix: "),
        ({**BUCKET, "prefix": "a/b"}, "prefix: "),
        ({**BUCKET, "prefix": ".."}, "prefix: "),
        ({**BUCKET, "prefix": "a\n"}, "prefix: "),
        ({"kind": "s3", "bucket": "a-bucket"}, "prefix: Field required"),
        ({**EVENTS, "actor": "a:b"}, "actor: "),
        (
            {**EVENTS, "memory_id": "arn:aws:bedrock-agentcore:us-east-1:123456789012:memory/m-0123456789"},
            "memory_id: ",
        ),
        ({**EVENTS, "recall": ["/facts/"]}, "recall.0: "),
        ({**EVENTS, "recall": ["/facts/{actorId}"]}, "recall.0: "),
        ({**EVENTS, "recall": ["/facts/x{actorId}/"]}, "recall.0: "),
        ({**EVENTS, "recall": ["/facts/{actorId}/{sessionId}/"]}, "recall.0: "),
        ({**EVENTS, "recall": ["/facts/*/{actorId}/"]}, "recall.0: "),
    ],
)
def test_refuses_a_memory_that_is_none(memory: str | dict[str, Any], says: str) -> None:
    text = memory if isinstance(memory, str) else json.dumps(memory)
    with pytest.raises(SettingsError) as refused:
        read({**GIVEN, "MEMORY": text})
    fault = str(refused.value)
    assert fault.startswith("MEMORY")
    assert says in fault
    assert "Write " in fault

import pytest

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
        ("GATEWAY_URL", "ftp://gateway.example/mcp", "Write https://"),
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

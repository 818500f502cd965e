"""What requirements/ promises of the packages that ship."""

import re
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
# A locked package: its pin, its hashes, and who asks for it.
ENTRY = re.compile(
    r"(?m)^(?P<name>[a-z0-9-]+)==(?P<version>\S+) \\\n(?P<hashes>(?:    --hash=.*\n)+)(?P<via>(?:    #.*\n?)*)"
)


def locked(file: str) -> dict[str, re.Match[str]]:
    return {entry["name"]: entry for entry in ENTRY.finditer((REQUIREMENTS / file).read_text())}


def names(file: str) -> set[str]:
    return set(re.findall(r"(?m)^[a-z0-9-]+", (REQUIREMENTS / file).read_text()))


def test_every_line_of_the_lock_is_a_pin_with_hashes() -> None:
    text = (REQUIREMENTS / "agent.txt").read_text()
    assert ENTRY.sub("", text).strip() == ""
    for entry in locked("agent.txt").values():
        assert re.fullmatch(r"(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", entry["hashes"]), entry["name"]


def test_the_lock_holds_what_was_asked_for_and_nothing_left_out() -> None:
    agent = locked("agent.txt").keys()
    assert names("agent.in") <= agent
    left_out = names("agent-overrides.txt")
    assert left_out
    assert not left_out & agent


def test_what_ships_is_what_was_tested() -> None:
    tested = locked("project.txt")
    for name, entry in locked("agent.txt").items():
        # The ADOT distro pins its own OpenTelemetry, and a few packages that pulumi or strands would have newer.
        pinned = name.startswith("opentelemetry-") or "aws-opentelemetry-distro" in entry["via"]
        if name in tested and not pinned:
            assert entry["version"] == tested[name]["version"], f"{name}: run `make lock`"


def test_what_is_left_out_is_left_out_everywhere_and_for_a_reason() -> None:
    text = (REQUIREMENTS / "agent-overrides.txt").read_text()
    assert re.fullmatch(r'(?:(?:# .+\n)+[a-z0-9-]+ ; python_version < "0"\n)+', text)

import re
from collections.abc import Callable
from typing import Any

import pytest
from markdown_it import MarkdownIt

from toolgate.access.matrix.tool_access import ALLOWED, DENIED
from toolgate.access.output.access_difference import Change, Difference
from toolgate.access.output.way_difference import WayChange
from toolgate.local.engine.pack_process import Violation
from toolgate.review.changes import Changes, ResourceChange, chunks
from toolgate.review.comment import MARKER, comment, headline, summary
from toolgate.review.locks import Lock
from toolgate.review.planning import Failed
from toolgate.review.revisions import Revisions

COMPARED = Revisions("0123456789abcdef", "fedcba9876", ())
URN = "urn:pulumi:dev::p::aws:iam/rolePolicy:RolePolicy::assistant-tools"
WRONG = Violation("invoke-gateway-exact-arn", "mandatory", URN, "Wrong.\nWrite this.")
OTHER = Violation("invoke-gateway-exact-arn", "mandatory", URN, "Wrong elsewhere.")
LOCK = Lock("weaker authorizer: `authorizerType` is `NONE`, was `AWS_IAM`", "aws:bedrock:AgentcoreGateway tools")
ODD = Violation("logs-delivered", "advisory", URN, "Odd.")
GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/tools-abcdefghij"
GAIN = Change("arn:aws:iam::123456789012:role/r", "assistant", GATEWAY, "math___refund", DENIED, ALLOWED)
WAY = WayChange("bypass", "*", None, f"{GATEWAY}f", "reach function f", "function URL", DENIED, ALLOWED)
LOSS = Change("arn:aws:iam::123456789012:role/r", "assistant", GATEWAY, "math___add", ALLOWED, DENIED)


def headings(text: str) -> list[str]:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    return [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]


@pytest.mark.parametrize(
    ("parts", "words", "counts"),
    [
        ({}, "nobody's access changes", (0, 0, 0)),
        ({"violations": (ODD,)}, "nobody's access changes", (0, 0, 0)),
        ({"violations": (WRONG,)}, "1 mandatory violation", (1, 0, 0)),
        ({"access": Difference((GAIN,), (LOSS,))}, "somebody gains access", (0, 1, 1)),
        ({"access": Difference((), (LOSS,))}, "somebody loses access", (0, 0, 1)),
        ({"access": Difference((), (), ways=(WAY,))}, "somebody gains access", (0, 1, 0)),
        (
            {"violations": (WRONG, OTHER), "access": Difference((GAIN,), ()), "locks": (LOCK,)},
            "2 mandatory violations, somebody gains access, 1 lock taken off",
            (2, 1, 0),
        ),
        ({"locks": (LOCK, LOCK)}, "1 lock taken off", (0, 0, 0)),
        ({"locks": (LOCK,), "access": Difference((), (LOSS,))}, "1 lock taken off, somebody loses access", (0, 0, 1)),
    ],
)
def test_the_verdict(
    parts: dict[str, Any], words: str, counts: tuple[int, int, int], verdict: Callable[..., Any]
) -> None:
    judgements = {"dev": verdict(**parts)}
    assert headline(judgements) == words
    found = summary(judgements)
    assert (found["mandatory"], found["gains"], found["losses"]) == counts
    assert found["unplanned"] == []


def test_the_most_important_stands_first(verdict: Callable[..., Any]) -> None:
    judgements = {
        "dev": verdict(
            access=Difference((GAIN,), (LOSS,), ("interceptors of tools",)),
            violations=(WRONG, ODD),
            changes=Changes(("aws:iam:Role new",), (), ()),
            base_failure="no planner",
        ),
        "prod": Failed("SyntaxError: unmatched ')'"),
    }
    text = comment(judgements, COMPARED)
    assert text.startswith(f"{MARKER}\n")
    assert headings(text) == [
        "toolgate review: prod cannot be planned",
        "`prod` cannot be planned",
        "`dev` could not be planned before the change, so everything in it counts as new",
        "Who may newly call what",
        "Who may no longer call what",
        "Access that could not be judged",
        "Rules",
        "Resources",
    ]
    assert summary(judgements)["unplanned"] == ["prod"]


def test_a_way_around_a_gateway_is_told(verdict: Callable[..., Any]) -> None:
    text = comment({"dev": verdict(access=Difference((), (), ways=(WAY,)))}, COMPARED)
    assert "Who may ask agents, use memories, and the ways around a gateway" in headings(text)
    assert "anybody may newly reach function f by function URL (deny -> allow)" in text
    assert "**1 gained**, 0 lost" in text


def test_stacks_with_the_same_news_share_it(verdict: Callable[..., Any]) -> None:
    gained = verdict(access=Difference((GAIN,), ()), changes=Changes(("aws:iam:Role new",), (), ()))
    text = comment({"dev": gained, "prod": gained}, COMPARED)
    assert text.count("- agent `assistant` may newly call `math___refund` (`dev`, `prod`)") == 1
    assert text.count("\n+ aws:iam:Role new (dev, prod)\n") == 1
    assert "resources: 1 line<" in text


def test_an_old_violation_is_told_from_a_new_one(verdict: Callable[..., Any]) -> None:
    text = comment({"dev": verdict(violations=(ODD, WRONG, OTHER), known=frozenset({ODD, OTHER}))}, COMPARED)
    assert (
        "- **mandatory** `invoke-gateway-exact-arn`: `Wrong.`\n  - `assistant-tools` (`dev`): `Write this.`\n" in text
    )
    other = "- **mandatory** `invoke-gateway-exact-arn`: `Wrong elsewhere.`\n  - `assistant-tools` (`dev`; as before)\n"
    assert other in text
    [folded] = re.findall(r"<details>(.*?)</details>", text, re.DOTALL)
    assert "1 advisory violation, as before" in folded
    assert "- **advisory** `logs-delivered`: `Odd.`\n  - `assistant-tools` (`dev`; as before)\n" in folded


def test_a_violation_in_several_stacks_is_one(verdict: Callable[..., Any]) -> None:
    def wrong(stack: str, level: str = "mandatory") -> Violation:
        name = f"toolgate-{stack}-math-role-{'1007b7c' if stack == 'dev' else 'df01874'}"
        return Violation("rule", level, f"urn:pulumi:{stack}::p::t::math-role", f"Wrong.\nRole {name}.")

    judgements = {
        "dev": verdict(
            violations=(wrong("dev"), wrong("dev", "advisory")), known=frozenset({wrong("dev", "advisory")})
        ),
        "prod": verdict(violations=(wrong("prod"), wrong("prod", "advisory"))),
    }
    text = comment(judgements, COMPARED)
    assert headline(judgements) == "1 mandatory violation"
    name = "`Role toolgate-{stack}-math-role-{id}.`"
    assert f"- **mandatory** `rule`: `Wrong.`\n  - `math-role` (`dev`, `prod`): {name}\n" in text
    # What is new in one stack is no old news.
    assert f"- **advisory** `rule`: `Wrong.`\n  - `math-role` (`dev`, `prod`; as before in `dev`): {name}\n" in text


def test_violations_of_a_rule_stand_under_it(verdict: Callable[..., Any]) -> None:
    found = [Violation(f"rule-{at % 2}", "mandatory", f"{URN}{at}", "Wrong.\nHere.") for at in range(4)]
    text = comment({"dev": verdict(violations=tuple(found))}, COMPARED)
    assert "## toolgate review: 4 mandatory violations of 2 rules\n" in text
    assert "- **mandatory** `rule-1`: `Wrong.`\n  - `assistant-tools1` (`dev`): `Here.`\n  - `assistant-tools3`" in text


def test_locks_stand_before_everything_else_and_alike_ones_together(verdict: Callable[..., Any]) -> None:
    locks = tuple(Lock("`(protect)` gone", f"aws:iam:Role r{number}") for number in range(53))
    text = comment({"dev": verdict(locks=locks, access=Difference((GAIN,), ()))}, COMPARED)
    assert headings(text)[:3] == [
        "toolgate review: somebody gains access, 1 lock taken off",
        "Locks taken off",
        "Who may newly call what",
    ]
    assert "- `(protect)` gone: `aws:iam:Role r0`, " in text
    assert "`aws:iam:Role r49` and 3 more (`dev`)\n" in text
    assert "**1 gained**, 0 lost, **53 locks off**" in text


def test_a_change_of_the_judges_is_said(verdict: Callable[..., Any]) -> None:
    plain = comment({"dev": verdict()}, COMPARED)
    partial = comment({"dev": verdict()}, Revisions("0" * 40, "1", ("policy/pack.py", *("access/x.py",) * 20)))
    assert "in part its own judge" not in plain
    assert "its own judge" in partial
    assert "`policy/pack.py`" in partial
    assert "and 9 more" in partial


def test_that_a_plan_runs_a_servers_code_is_said_once(verdict: Callable[..., Any]) -> None:
    ran = Revisions("0" * 40, "1", (), ("servers/stock/server.py",))
    text = comment({"dev": verdict(), "prod": verdict()}, ran)
    assert text.count("A plan runs an MCP server's code") == 1
    assert "`servers/stock/server.py`" in text
    assert "MCP server" not in comment({"dev": verdict()}, COMPARED)


@pytest.mark.parametrize("longest", [2_000, 5_000, 60_000])
def test_a_long_comment_keeps_the_most_important_and_says_what_it_leaves_out(
    longest: int, verdict: Callable[..., Any]
) -> None:
    many = Changes(tuple(f"aws:iam:Role rôle-{number}" for number in range(5_000)), (), ())
    judgements = {"dev": verdict(access=Difference((GAIN,), ()), changes=many)}
    text = comment(judgements, COMPARED, longest=longest)
    assert len(text.encode()) <= longest
    assert text.startswith(MARKER)
    assert "may newly call `math___refund`" in text
    assert "Left out here" in text
    assert text.count("<details") == text.count("</details>")
    whole = comment(judgements, COMPARED)
    assert "rôle-4999" in whole
    assert "Left out" not in whole


def test_a_section_that_is_too_long_is_cut_not_left_out(verdict: Callable[..., Any]) -> None:
    locks = tuple(Lock(f"`property-{at}` gone", f"aws:iam:Role {'r' * 200}{at}") for at in range(5_000))
    text = comment({"dev": verdict(locks=locks)}, COMPARED, longest=60_000)
    assert "`property-49` gone" in text
    assert "- and 4950 more\n" in text
    assert "Left out here" not in text


def test_text_of_others_becomes_no_markup(verdict: Callable[..., Any]) -> None:
    evil = "`</details> <!-- @everyone [x](http://example.com)\n# Heading\n```\n"
    gain = Change("arn:aws:iam::123456789012:role/r", evil, GATEWAY, evil, DENIED, ALLOWED)
    violation = Violation(evil, "mandatory", f"{URN}{evil}", evil)
    judgements = {
        "dev": verdict(
            access=Difference((gain,), (), (evil,)),
            violations=(violation,),
            changes=Changes((evil,), (), ()),
            locks=(Lock("gone", evil),),
        ),
        "prod": Failed(evil),
    }
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(comment(judgements, COMPARED))
    assert "Heading" not in [token.content for token in tokens if token.type == "inline"]
    markup = [token for token in tokens if token.type == "html_block"]
    assert all(token.content.startswith(("<!-- toolgate", "<details", "</details", "<sub")) for token in markup)
    inline = [child for token in tokens if token.type == "inline" for child in token.children or ()]
    assert "@everyone" not in "".join(child.content for child in inline if child.type == "text")
    assert [child for child in inline if child.type == "link_open"] == []


@pytest.mark.parametrize(
    ("label", "replaced", "says"),
    [
        ("aws:bedrock:AgentcoreGateway tools", True, "its id, ARN and URL change"),
        ("aws:bedrock:AgentcoreAgentRuntime agent", True, "its id and ARN change"),
        ("aws:bedrock:AgentcoreGateway tools", False, None),
        ("aws:iam:Role r", True, None),
    ],
)
def test_what_a_replacement_means_is_said(label: str, replaced: bool, says: str | None) -> None:
    [chunk] = chunks(Changes((), (), (ResourceChange(label, replaced, ()),)))
    head, *more = chunk.split("\n")
    assert head.endswith("is replaced") is replaced
    assert [says in line for line in more if says] == [True] * bool(says)
    assert len(more) == bool(says)

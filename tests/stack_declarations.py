"""Configurations of M agents and N gateways, as a strategy, and the pairs that each declares, read from it by itself.

What a stack declares is counted here from its text alone, without the product's own reading of it: whoever compares it
with documents, a matrix or real calls compares two readings.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Available = Mapping[str, Sequence[str]]
"""Tool names by target."""
Pair = tuple[str, str, str]
"""Agent, gateway, and full name of a tool."""

GATEWAYS = ("front", "back", "back-2", "x")
AGENTS = ("ada", "bob", "cleo-1")


@dataclass(frozen=True)
class Declaration:
    """What a stack's file says of gateways and agents.

    Attributes:
        available: What the program has.
        gateways: `toolgate:gateways`.
        agents: `toolgate:agents`.
    """

    available: Available
    gateways: Mapping[str, Mapping[str, Any]]
    agents: Mapping[str, Mapping[str, Any]]

    def config(self) -> dict[str, str]:
        """The same as Pulumi hands it over."""
        return {"toolgate:gateways": json.dumps(self.gateways), "toolgate:agents": json.dumps(self.agents)}

    def tools(self, gateway: str) -> list[str]:
        """Full names of a gateway's tools."""
        named = self.gateways[gateway].get("targets")
        return [tool for tool in every(self.available) if named is None or _names(named, tool)]

    def pairs(self) -> set[Pair]:
        """Each agent with each tool that it is handed, and by which gateway."""
        return {
            (agent, gateway, tool)
            for agent, entry in self.agents.items()
            for gateway in self.gateways
            for tool in self.tools(gateway)
            if "tools" not in entry or _hands(entry["tools"], gateway, tool)
        }


def every(available: Available) -> list[str]:
    """Full names of all tools."""
    return [f"{target}___{tool}" for target, tools in available.items() for tool in tools]


def _names(asked: Collection[str], tool: str) -> bool:
    return tool in asked or tool.split("___", maxsplit=1)[0] in asked


def _hands(asked: Collection[str], gateway: str, tool: str) -> bool:
    return gateway in asked or _names([it.removeprefix(f"{gateway}/") for it in asked if "/" in it], tool)


@st.composite
def declarations(
    draw: st.DrawFn,
    available: Available,
    inbounds: Sequence[str] = (),
    authorizations: Sequence[str] = ("gateway", "tool"),
) -> Declaration:
    """Configurations that are right.

    Args:
        draw: Hypothesis's.
        available: What the program has.
        inbounds: Ways in, one of which each gateway names; without any it names none.
        authorizations: What a gateway's authorization may be.
    """
    names = draw(_some(GATEWAYS))
    gateways = {name: draw(_gateways(available, inbounds, authorizations)) for name in names}
    found = Declaration(available, gateways, {})
    return Declaration(available, gateways, {name: draw(_agents(found)) for name in draw(_some(AGENTS))})


def _some(names: Sequence[str], most: int | None = None) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=1, max_size=most, unique=True)


@st.composite
def _gateways(
    draw: st.DrawFn, available: Available, inbounds: Sequence[str], authorizations: Sequence[str]
) -> dict[str, Any]:
    entry: dict[str, Any] = {"authorization": draw(st.sampled_from(authorizations))}
    if inbounds:
        entry["inbound"] = draw(st.sampled_from(inbounds))
    if draw(st.booleans()):
        entry["targets"] = draw(_some([*available, *every(available)], 3))
    return entry


@st.composite
def _agents(draw: st.DrawFn, of: Declaration) -> dict[str, Any]:
    """What one agent is handed: no tool by two gateways, and of a gateway that does not decide per tool all or none."""
    tools = [tool for gateway in of.gateways for tool in of.tools(gateway)]
    if len(tools) == len(set(tools)) and draw(st.booleans()):
        return {}
    asked: list[str] = []
    taken: set[str] = set()
    for gateway in draw(st.permutations(sorted(of.gateways))):
        possible = [[], *_whole(of, gateway), *_parts(of, gateway, taken)]
        chosen = draw(st.sampled_from([it for it in possible if not _handed(of, gateway, it) & taken]))
        taken |= _handed(of, gateway, chosen)
        asked += chosen
    return {"tools": asked}


def _handed(of: Declaration, gateway: str, asked: Collection[str]) -> set[str]:
    return {tool for tool in of.tools(gateway) if _hands(asked, gateway, tool)}


def _whole(of: Declaration, gateway: str) -> Iterator[list[str]]:
    yield [gateway]
    yield [f"{gateway}/{target}" for target in dict.fromkeys(tool.split("___")[0] for tool in of.tools(gateway))]


def _parts(of: Declaration, gateway: str, taken: Collection[str]) -> Iterator[list[str]]:
    if of.gateways[gateway]["authorization"] == "tool":
        free = [tool for tool in of.tools(gateway) if tool not in taken]
        yield from ([f"{gateway}/{tool}"] for tool in free)
        yield [f"{gateway}/{tool}" for tool in free[1:]]
        yield [f"{gateway}/{tool.split('___')[0]}" for tool in free[:1]]

"""What is drawn of access: askers, principals, boxes, and the edges between them; svg and mermaid put it into form."""

from dataclasses import dataclass

from toolgate.access.iam.evaluation import Access


@dataclass(frozen=True)
class Box:
    """A gateway, a target, a tool or a memory: its key, what stands on it, and what is drawn in it."""

    key: str
    label: str
    inner: tuple["Box", ...] = ()


@dataclass(frozen=True)
class AccessEdge:
    """What one principal may call, or reach around a gateway.

    Attributes:
        principal: Its number in `Picture.principals`.
        box: The key of the box.
        decision: Whether it may.
        note: How much of the box it is, where it is not all.
        number: The number of the note that says more.
        bypass: Whether it leads around the gateway.
    """

    principal: int
    box: str
    decision: Access
    note: str = ""
    number: int | None = None
    bypass: bool = False

    @property
    def label(self) -> str:
        """What is written on it."""
        return " ".join([*([self.note] if self.note else []), *([f"({self.number})"] if self.number else [])])


@dataclass(frozen=True)
class AskEdge:
    """Who may ask an agent, as numbers in `Picture.askers` and `Picture.principals`.

    `commands` says whether the asker may run commands in it.
    """

    asker: int
    agent: int
    decision: Access
    commands: bool


@dataclass(frozen=True)
class Picture:
    """Everything that is drawn.

    Attributes:
        title: Stack, account and Region.
        askers: Who may ask agents.
        principals: Agents and whoever else may call or reach something.
        gateways: What they call, then the memories that they use.
        asks: Edges from askers to agents.
        edges: Edges from principals to gateways, to what is in them, and to memories.
        notes: What the numbers on edges mean.
        unjudged: What could not be judged.
        left_out: In a sentence each, what is not drawn.
    """

    title: str
    askers: tuple[str, ...]
    principals: tuple[str, ...]
    gateways: tuple[Box, ...]
    asks: tuple[AskEdge, ...]
    edges: tuple[AccessEdge, ...]
    notes: tuple[str, ...]
    unjudged: tuple[str, ...]
    left_out: tuple[str, ...]

"""What a source of tokens asks, the clock that it goes by, and how its tests go on."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import contract
from contract import ContractError
from gateway.tokens import AccessToken, TokenSource


@dataclass
class Asked:
    """Gives tokens as it is told to; one fetch waits until `free`."""

    seconds: float | None = 3600
    fails: bool = False
    first_fails: bool = False
    keeps: bool = False
    fetches: int = 0
    anew: list[bool] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.free.set()

    def __call__(self, anew: bool) -> AccessToken:
        self.fetches += 1
        self.anew.append(anew)
        self.reached.set()
        assert self.free.wait(20)
        if self.fails or (self.first_fails and self.fetches == 1):
            raise ContractError(contract.GATEWAY_TOKEN_UNAVAILABLE)
        return AccessToken(f"token-{0 if self.keeps else self.fetches}", self.seconds)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def got(source: TokenSource, refused: str | None = None) -> str | None:
    """The token, or the code of the fault."""
    try:
        return asyncio.run(source.replacement(refused) if refused else source.token())
    except ContractError as error:
        return error.fault.code


def turn(loop: asyncio.AbstractEventLoop) -> None:
    """Let everything go on in a loop that can."""
    for _ in range(5):
        loop.run_until_complete(asyncio.sleep(0))


def settled(condition: Callable[[], bool]) -> None:
    while not condition():
        threading.Event().wait(0.005)

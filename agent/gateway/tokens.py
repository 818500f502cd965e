"""Tokens of one credential provider: one source in the process, which all sessions with its gateways share.

Each session has a thread and an event loop of its own. So the state is under a lock of threads, and a token is fetched
in a thread, one at a time for all who wait.
"""

import asyncio
import base64
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import contract
import logs
import strict_json
from contract import ContractError

# While there is a token, Identity is asked no sooner after it failed, or gave the same token again, or gave another one
# for a refused one. Whether it keeps tokens, nobody has seen: the same one may come until it ends.
QUIET_SECONDS = 5.0
# A fetch that takes longer is waited for no more. Its calls have bounds of their own; what is around them, such as the
# look-up of a name, has none.
GIVEN_UP_SECONDS = 60.0
# Issuers count in whole seconds: a token ends up to a second sooner than what it is valid for says.
WHOLE_SECOND = 1.0
# The time of a token that does not say when it ends.
UNREADABLE_SECONDS = 300.0


@dataclass(frozen=True)
class AccessToken:
    """A token as Identity gave it, and for how many seconds it is valid; None where it does not say."""

    text: str = field(repr=False)
    expires_in: float | None


# Fetches a token; True asks for another one than may be kept somewhere on the way. Raises ContractError.
Ask = Callable[[bool], AccessToken]


@dataclass(frozen=True)
class _Held:
    text: str = field(repr=False)
    due: float  # from then on a next one is asked for
    ends: float


def _in_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="token", daemon=True).start()  # the process ends without waiting for Identity


class TokenSource:
    """The tokens of one provider.

    Args:
        ask: Fetches one.
        clock: Seconds, for ever forward.
        run: Runs a fetch beside those who wait for it.
    """

    def __init__(
        self,
        ask: Ask,
        clock: Callable[[], float] = time.monotonic,
        run: Callable[[Callable[[], None]], None] = _in_a_thread,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._run = run
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._fetch: Future[None] | None = None
        self._begun = self._quiet_until = float("-inf")
        self._fetches = self._failed = 0  # how many were begun, and the last one of these that failed

    async def token(self) -> str:
        """A valid token; waits only where there is none.

        Who waits for a fetch that fails shares that failure only if the fetch began after it asked: an older one says
        nothing about now.

        Raises:
            ContractError: If there is none to be had.
        """
        return await self._since(self._fetches)

    async def replacement(self, refused: str) -> str | None:
        """A token in place of one that a gateway refused; None where there is no other one just now.

        Raises:
            ContractError: As `token` does.
        """
        with self._lock:
            asked = self._fetches  # before a fetch begins here: its failure is the caller's
            if self._held and self._held.text == refused:
                if self._clock() >= self._quiet_until:
                    self._held = None
                    self._quiet_until = self._clock() + QUIET_SECONDS
                    if not self._under_way():
                        self._start(anew=True)
                elif self._clock() >= self._held.ends - WHOLE_SECOND:
                    self._held = None  # it has ended: the next one is waited for, and Identity's own copy will do
                else:
                    return None
        text = await self._since(asked)
        return None if text == refused else text

    async def _since(self, asked: int) -> str:
        """A valid token for who asked when so many fetches had begun."""
        number = asked
        while True:
            with self._lock:
                if (held := self._held) and self._clock() < held.ends:
                    self._refresh_if_due(held)
                    return held.text
                if max(number, self._failed) > asked:
                    raise ContractError(contract.GATEWAY_TOKEN_UNAVAILABLE)
                fetch, number = self._under_way() or self._start(), self._fetches
            await asyncio.wrap_future(fetch)

    def _refresh_if_due(self, held: _Held) -> None:
        if self._clock() >= max(held.due, self._quiet_until) and not self._under_way():
            self._start()  # nobody waits for it: the one in hand is good for a while

    def _under_way(self) -> Future[None] | None:
        return self._fetch if self._clock() < self._begun + GIVEN_UP_SECONDS else None

    def _start(self, anew: bool = False) -> Future[None]:
        fetch: Future[None] = Future()
        begun = self._clock()
        fetch.set_running_or_notify_cancel()  # who waits no more cannot cancel it for the others
        self._run(partial(self._work, fetch, self._fetches + 1, anew))
        self._fetch, self._begun = fetch, begun
        self._fetches += 1
        return fetch

    def _work(self, fetch: Future[None], number: int, anew: bool) -> None:
        held: _Held | None = None
        try:
            begun = self._clock()  # what it is valid for is counted from before it was asked for
            token = self._ask(anew)
            seconds = UNREADABLE_SECONDS if token.expires_in is None else token.expires_in
            held = _Held(token.text, begun + seconds - min(60, seconds / 10), begun + seconds)
        except ContractError:
            pass  # whoever asked has said why
        except Exception as error:
            logs.event("token_unavailable", level=logging.ERROR, **logs.origin(error))
        finally:
            with self._lock:
                self._end(fetch, number, anew, held)
            fetch.set_result(None)

    def _end(self, fetch: Future[None], number: int, anew: bool, held: _Held | None) -> None:
        if self._fetch is fetch:  # and not another one, since this one was given up
            self._fetch = None
        if held is None:
            self._failed = max(self._failed, number)
        if held is None or (self._held and self._held.text == held.text):
            self._quiet_until = self._clock() + QUIET_SECONDS
        elif not anew:
            self._quiet_until = float("-inf")
        self._held = held or self._held


def claims(token: str) -> dict[str, Any]:
    """What a token says of itself; nothing where it is no JWT. Nobody has checked it: that is the gateway's part."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        said = strict_json.loads(base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), "-_", validate=True).decode())
    except ValueError:  # no base64, no UTF-8, no JSON
        return {}
    return said if isinstance(said, dict) else {}

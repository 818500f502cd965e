"""The gateways that the clients meet, and who signs for them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from scripts import clients
from tests.clients.signing_proxy import Signer, signing
from tests.clients.stacks import served


@dataclass(frozen=True)
class Gateway:
    """A stack's gateway.

    Attributes:
        signers: By the agents' names, whose role signs.
        proxies: By the same names, URLs of a proxy that signs.
    """

    signers: dict[str, Signer]
    proxies: dict[str, str]


def _gateway(stack: str, folders: pytest.TempPathFactory) -> Iterator[Gateway]:
    with served(stack, folders.mktemp("logs")) as signers, signing(signers) as proxies:
        yield Gateway(signers, proxies)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    yield from _gateway("dev", tmp_path_factory)


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    yield from _gateway("agents", tmp_path_factory)


def needs(kind: str) -> pytest.MarkDecorator:
    """Skip where a kind of clients is not installed, with the sentence that says how to get it."""
    why = clients.missing(kind)
    return pytest.mark.skipif(why is not None, reason=why or "")

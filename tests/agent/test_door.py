"""The port before the server: what is answered there, and what is handed on."""

import socket
from collections.abc import Callable, Iterator

import pytest

from door import _MOST, Door, listening

BODY = b'{"status": "Healthy"}'
PING = b"GET /ping HTTP/1.1\r\nHost: agent\r\n\r\n"


@pytest.fixture
def door() -> Iterator[Door]:
    opened = Door(listening("127.0.0.1", 0), lambda: BODY)
    opened.open()
    yield opened
    for one in opened.listeners:
        one.close()


@pytest.fixture
def come(door: Door) -> Iterator[Callable[..., socket.socket]]:
    peers: list[socket.socket] = []

    def come_(said: bytes = b"") -> socket.socket:
        peers.append(socket.create_connection(door.listeners[0].getsockname()))
        peers[-1].sendall(said)
        return peers[-1]

    yield come_
    for peer in peers:
        peer.close()


def heard(peer: socket.socket) -> bytes:
    answer = b""
    while data := peer.recv(65536):
        answer += data
    return answer


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_ping_is_answered_and_its_connection_closed(
    door: Door, come: Callable[..., socket.socket], version: bytes
) -> None:
    head, _, body = heard(come(PING.replace(b"1.1", version))).partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"HTTP/1.1 200 OK"
    assert {b"content-type: application/json", b"connection: close", b"content-length: 21"} < set(head.split(b"\r\n"))
    assert body == BODY
    assert door.hand_over() == []


@pytest.mark.parametrize(
    "said",
    [
        b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /pingpong HTTP/1.1\r\n\r\n",
        PING + PING,
        PING + b"x",
        PING[:-2],
        b"GET /ping HTTP/1.1\r\nX: " + b"a" * 5000 + b"\r\n\r\n",
        b"\x16\x03\x01",
    ],
)
def test_anything_else_is_handed_on_unread(door: Door, come: Callable[..., socket.socket], said: bytes) -> None:
    peer = come(said)
    heard(come(PING))  # whoever came before it has been let in by now
    [handed] = door.hand_over()
    assert handed.getpeername() == peer.getsockname()
    handed.setblocking(True)
    assert handed.recv(65536) == said
    handed.sendall(b"later")
    assert peer.recv(5) == b"later"


def test_who_has_said_nothing_yet_is_handed_on_too(door: Door, come: Callable[..., socket.socket]) -> None:
    peers = [come(), come(b"POST"), come()]
    heard(come(PING))
    handed = door.hand_over()
    assert {one.getpeername() for one in handed} == {peer.getsockname() for peer in peers}
    for one in handed:
        one.close()


def test_who_comes_later_waits_for_the_server(door: Door, come: Callable[..., socket.socket]) -> None:
    door.hand_over()
    peer = come(b"hello")
    door.listeners[0].setblocking(True)
    connection, _ = door.listeners[0].accept()
    with connection:
        assert connection.getpeername() == peer.getsockname()
        assert connection.recv(5) == b"hello"


def test_one_too_many_takes_the_place_of_who_has_been_silent_longest(
    door: Door, come: Callable[..., socket.socket]
) -> None:
    speaking = come(b"POST")
    silent = [come() for _ in range(_MOST - 1)]
    last = come(PING)
    assert heard(last).endswith(BODY)
    assert silent[0].recv(1) == b""
    handed = door.hand_over()
    assert {one.getpeername() for one in handed} == {peer.getsockname() for peer in (speaking, *silent[1:])}
    for one in handed:
        one.close()


def test_one_that_leaves_is_forgotten(door: Door, come: Callable[..., socket.socket]) -> None:
    come().close()
    heard(come(PING))
    assert door.hand_over() == []


def test_a_port_that_is_taken_is_an_error(door: Door) -> None:
    with pytest.raises(OSError, match="in use"):
        listening(*door.listeners[0].getsockname())


def test_every_address_of_a_host_is_listened_at() -> None:
    found = {family for family, *_ in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
    listeners = listening("localhost", 0)
    assert {one.family for one in listeners} == found
    for one in listeners:
        one.close()

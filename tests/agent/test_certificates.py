"""The certificate authorities are read once, beside the imports, and a failure is told to who connects."""

import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

import certificates


@pytest.fixture(autouse=True)
def unread() -> Iterator[None]:
    certificates._trusted.cache_clear()
    yield
    certificates._trusted.cache_clear()


def test_they_are_read_once_for_who_comes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go, contexts = threading.Event(), threading.Event(), []

    def create() -> ssl.SSLContext:
        begun.set()
        assert go.wait(30)
        contexts.append(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        return contexts[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", create)
    certificates.read_beside()
    assert begun.wait(30)
    with ThreadPoolExecutor(3) as pool:
        found = [pool.submit(certificates.trusted) for _ in range(3)]
        go.set()
    assert [it.result() for it in found] == contexts * 3


def test_a_failure_beside_is_silent_and_comes_again_to_who_connects(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere.pem")
    certificates.read_beside()
    for thread in threading.enumerate():
        if thread.name == "certificates":
            thread.join(30)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(OSError, match="No such file"):
        certificates.trusted()
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    assert certificates.trusted().get_ca_certs()

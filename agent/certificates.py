"""The certificate authorities that a connection to a gateway trusts: read once for all of them.

To read them takes a processor longer than a connection does, but not Python's lock. So it is done beside the imports.
"""

import contextlib
import functools
import ssl
import threading

import httpx

_reading = threading.Lock()


def read_beside() -> None:
    """Begin to read them in a thread. Where that fails, whoever connects comes upon it again and has words for it."""

    def read() -> None:
        with contextlib.suppress(Exception):
            trusted()

    threading.Thread(target=read, name="certificates", daemon=True).start()


def trusted() -> ssl.SSLContext:
    """How a connection checks whom it speaks to, as httpx has it: certifi's authorities, or SSL_CERT_FILE's.

    Raises:
        OSError: If they cannot be read; ssl.SSLError is one.
    """
    with _reading:
        return _trusted()


@functools.cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context()

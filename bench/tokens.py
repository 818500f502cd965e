"""Figures of tokens on this machine: to verify one, and to call a gateway with one. `python -m bench.tokens`.

The references come from the same run: the bare RSA verification of the same signature, and the same call of the same
stack, signed and decided by IAM. The exit code is 1 if a figure does not hold. Takes half a minute; say nothing of a
busy machine by it.
"""

import base64
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from bench import signed_load
from bench.agent_figures import Figure, printed
from tests.token_export import DISCOVERY, ISSUER, client_id, with_tokens
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.tokens import JwtAuthorizer
from toolgate.local.plan import plan
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.guards.bearer import BearerGuard
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.server import serve
from toolgate.local.serve.tokens.issuer import Client, Issuer, SigningKey

TURNS, AT_ONCE = 20, 200
ARGUMENTS, EXPECTED = {"a": 100, "b": 12}, b"112"
CALL_TURNS, SECONDS = 24, 0.5


def main() -> int:
    """Measure everything and print it."""
    return printed([*_verification(), *_calls()])


def _verification() -> Iterator[Figure]:
    client = Client(client_id("calculator"), ("client_credentials",), ("tools/invoke",), 3600, "secret")
    issuer = Issuer(ISSUER, DISCOVERY, "pool", SigningKey(), {client.id: client}, frozenset(client.scopes))
    token = issuer.issue(client.id)
    guard = BearerGuard(JwtAuthorizer(DISCOVERY, scopes=client.scopes), issuer, "http://127.0.0.1/metadata")
    head = Received("POST", "/", "", (("authorization", f"Bearer {token}"),), b"")
    start, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    key = issuer.key.pair().public_key
    assert isinstance(key, RSAPublicKey)  # it is made so
    ours, reference = [], []
    for _ in range(TURNS):
        ours.append(_each(lambda: guard.admit(head, Entry("r"))))
        reference.append(_each(lambda: key.verify(raw, start.encode(), PKCS1v15(), SHA256())))
    both = (statistics.median(ours), statistics.median(reference))
    yield Figure("a token verified, admitted and noted / its signature alone, by cryptography", *both, "ms", 10)


def _each(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(AT_ONCE):
        work()
    return (time.perf_counter() - started) * 1000 / AT_ONCE


def _calls() -> Iterator[Figure]:
    export = plan("agents").deployment
    deployment = parse(export)
    [gateway] = deployment.gateways
    [caller] = [it for it in deployment.runtimes if it.agent == "calculator"]
    with ExitStack() as stack:
        signed = stack.enter_context(serve(export, told=lambda _line, _entry: None))
        issued = signed.session(caller.role_arn)
        keys = Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token)
        url = signed.gateway_url(gateway.id)
        by_iam = url, signed_load.calls(url, "math___add_numbers", ARGUMENTS, keys)
        tokens = stack.enter_context(serve(with_tokens(export), told=lambda _line, _entry: None))
        url = tokens.gateway_url(gateway.id)
        token = tokens.token(client_id("calculator"))
        by_token = url, signed_load.calls(url, "math___add_numbers", ARGUMENTS, token)
        for url, requests in (by_iam, by_token):
            signed_load.times(url, requests, EXPECTED, 1, 1.0)
        taken: dict[str, list[float]] = {by_iam[0]: [], by_token[0]: []}
        for _ in range(CALL_TURNS):
            for url, requests in (by_iam, by_token):
                taken[url] += signed_load.times(url, requests, EXPECTED, 1, SECONDS)
    medians = (statistics.median(taken[by_token[0]]), statistics.median(taken[by_iam[0]]))
    yield Figure("`tools/call` with a token / signed, both decided by Cedar, too: median", *medians, "ms", 1.1)


if __name__ == "__main__":
    sys.exit(main())

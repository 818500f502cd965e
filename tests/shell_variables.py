"""A shell whose every variable that clients read leads to a port where nobody is, or to a file that is not there."""

import pytest

NOWHERE = "http://127.0.0.1:9"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")
LEADING_NOWHERE = {
    **{name: NOWHERE for proxy in _PROXIES for name in (proxy, proxy.upper())},
    **dict.fromkeys(("AWS_PROFILE", "AWS_DEFAULT_PROFILE"), "nobody"),
    **dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "AWS_ENDPOINT_URL_DYNAMODB"), NOWHERE),
    **dict.fromkeys(("AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"), "/nowhere"),
    **dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_DATA_PATH"), "/nowhere"),
    **dict.fromkeys(("AWS_DEFAULTS_MODE", "AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS", "AWS_ACCOUNT_ID_ENDPOINT_MODE"), "odd"),
    **dict.fromkeys(("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"), "odd"),
    **dict.fromkeys(("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"), "true"),
    **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "not-for-here"),
    **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), "xx-nowhere-1"),
    "AWS_BEARER_TOKEN_BEDROCK": "not-for-here",
}


def lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set them all, and take away what would keep a proxy from being asked."""
    for name, value in LEADING_NOWHERE.items():
        monkeypatch.setenv(name, value)
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)

"""Environment of the processes that the local deployment starts: nothing of the developer's own account gets in."""

import os
import re
import shlex
from collections.abc import Mapping

from toolgate.local.serve.guards.credentials import Credentials

# What a process needs from this machine to run at all.
INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")


# They would win over the endpoint that leads here or over the credentials, or keep an SDK from being led at all
# (AWS SDKs and tools reference guide, "Environment variables").
_LEADING_ELSEWHERE = re.compile(
    r"AWS_ENDPOINT_URL_\w+|AWS_IGNORE_CONFIGURED_ENDPOINT_URLS|AWS_(DEFAULT_)?PROFILE|AWS_BEARER_TOKEN_\w+"
    r"|AWS_USE_(FIPS|DUALSTACK)_ENDPOINT"
)
_PROXY = re.compile(r"(http|https|all|grpc)_proxy", re.IGNORECASE)
_HERE = "127.0.0.1,localhost"


def past_proxies(variables: Mapping[str, str]) -> dict[str, str]:
    """What has clients with these variables call this machine directly; empty where they name no proxy."""
    if not any(_PROXY.fullmatch(name) for name in variables):
        return {}
    # Both spellings, with what either says: clients differ in which of them they read.
    said = dict.fromkeys(variables.get(name, "") for name in ("no_proxy", "NO_PROXY"))
    value = ",".join([_HERE, *filter(None, said)])
    return {"no_proxy": value, "NO_PROXY": value}


def leading_elsewhere(variables: Mapping[str, str]) -> list[str]:
    """The names among these variables that would lead AWS's SDKs elsewhere than the local deployment's do."""
    return sorted(name for name in variables if _LEADING_ELSEWHERE.fullmatch(name))


def shell_lines(variables: Mapping[str, str], shell: Mapping[str, str]) -> list[str]:
    """The lines that lead a shell to the local deployment.

    Args:
        variables: What leads there.
        shell: The variables of the shell so far; those that would lead elsewhere are taken from it.
    """
    unset = [f"unset {' '.join(names)}"] if (names := leading_elsewhere(shell)) else []
    led = {**variables, **past_proxies(shell)}
    return [*unset, *(f"export {name}={shlex.quote(value)}" for name, value in led.items())]


def client_variables(url: str, region: str) -> dict[str, str]:
    """Variables that lead any AWS SDK, and AWS's CLI, to the local deployment for every service."""
    return {"AWS_ENDPOINT_URL": url, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}


def process_environment(own: Mapping[str, str], credentials: Credentials, url: str, region: str) -> dict[str, str]:
    """The environment of a runtime's or function's process.

    Args:
        own: Its variables in the deployment; they win over everything else but the credentials and endpoints.
        credentials: Its role's.
        url: The local deployment's address. It stands for every AWS service, so that no call leaves this machine.
        region: Its Region.
    """
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    dropped = leading_elsewhere(own)
    kept = {name: value for name, value in own.items() if name not in dropped}
    nothing_of_mine = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    led = {**past_proxies(own), **client_variables(url, region)}
    return {**inherited, **kept, **nothing_of_mine, **led, **credentials.environment()}

"""Environment of the processes that the local deployment starts: nothing of the developer's own account gets in."""

import os
import re
from collections.abc import Mapping

from toolgate.local.serve.guards.credentials import Credentials

# What a process needs from this machine to run at all.
_INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")


# They would win over the one that leads here, or switch it off.
_LEADING_ELSEWHERE = re.compile(r"AWS_ENDPOINT_URL_\w+|AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")


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
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    kept = {name: value for name, value in own.items() if not _LEADING_ELSEWHERE.fullmatch(name)}
    nothing_of_mine = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return {**inherited, **kept, **nothing_of_mine, **client_variables(url, region), **credentials.environment()}

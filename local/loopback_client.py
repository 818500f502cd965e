"""AWS clients of what is served on this machine: nothing of the caller's shell or AWS configuration reaches them."""

from collections.abc import Mapping
from typing import Any

from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.session import Session


def open_client(service: str, environment: Mapping[str, str], config: Config | None = None) -> Any:
    """A client of one of AWS's services that asks where the environment leads, whatever else is set.

    A proxy, profile, endpoint, retry mode or certificate of the caller's would send the call away from this machine, or
    keep the client from being made.

    Args:
        service: Its name in botocore, such as `bedrock-agentcore`.
        environment: `Serving.environment`: endpoint, Region and credentials.
        config: What the client needs besides.
    """
    # Each of botocore's variables with its default alone: no variable of the shell, no key of a file.
    untold = {
        name: (None, None, default, made) for name, (_, _, default, made) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    session = Session(session_vars={**untold, "config_file": (None, None, "", None)})
    return session.create_client(
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment.get("AWS_SESSION_TOKEN"),
        # None would let the shell's proxies in.
        config=Config(proxies={}, retries={"total_max_attempts": 1}).merge(config or Config()),
    )

"""The gateways whose tools the agent was handed: a session kept with each, its tools, their calls and results."""

from collections.abc import Iterator, Sequence
from functools import partial

import boto3
from strands.types.tools import AgentTool

from settings import Settings

from .bearer import Bearer
from .gateway import Gateway, Gateways, GatewayTool
from .identity import Identity
from .signing import Signature

__all__ = ["Gateway", "GatewayTool", "Gateways", "handed"]


def handed(session: boto3.Session, wanted: Settings, others: Sequence[AgentTool] = ()) -> Gateways:
    """The gateways of the settings; no connection is made and no credentials are asked for yet.

    Args:
        session: Where credentials come from.
        wanted: Which gateways, the way in to each, and the bounds.
        others: Tools that are no gateway's.
    """
    return Gateways([*_signed(session, wanted), *_by_token(session, wanted)], others)


def _signed(session: boto3.Session, wanted: Settings) -> Iterator[Gateway]:
    for url in wanted.gateway_urls:
        yield Gateway(url, partial(Signature, session.get_credentials, wanted.region), wanted)


def _by_token(session: boto3.Session, wanted: Settings) -> Iterator[Gateway]:
    if wanted.tokens:
        identity = Identity(session, wanted.tokens.identity)
        for entry in wanted.tokens.tokens:
            way_in = partial(Bearer, identity.source(entry), identity.known_as(entry))
            for url in entry.gateways:
                yield Gateway(url, way_in, wanted)

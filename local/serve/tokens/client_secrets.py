"""What the secrets of Secrets Manager hold on this machine that hold a client's secret: the local one.

A deployment hides it, or says the one that is worth something on AWS. Which client's it is, is told by what the
secret's version was made from.
"""

from collections.abc import Iterator, Mapping

from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.stack_export import Resource
from toolgate.access.deployment.tokens import MANAGED_SECRET
from toolgate.local.serve.aws.seeding import SECRET_VERSION
from toolgate.local.serve.json_body import NotJsonError, compact, read_json
from toolgate.local.serve.tokens.issuer import Client, Issuer
from toolgate.local.serve.tokens.issuer_api import token_endpoint
from toolgate.local.serve.tokens.issuers import Issuers
from toolgate.policy.language.agentcore_facts import USER_POOL_CLIENT


def clients_of_secrets(found: tuple[Resource, ...]) -> dict[str, str]:
    """The ids of the clients whose secrets stand in secrets of the program's own, by the secrets' ARNs."""
    clients = {it.urn: it.text("id") for it in found if it.type == USER_POOL_CLIENT}
    made_from: dict[str, str] = {}
    for version in found:
        if version.type != SECRET_VERSION:
            continue
        named = {clients[urn] for urn in version.made_of.get("secretString", ()) if urn in clients}
        client = said if (said := _said(version)) in clients.values() else None
        if client or len(named) == 1:
            made_from[version.text("secretId")] = client or named.pop()
    return made_from


def _said(version: Resource) -> str | None:
    text = version.get("secretString")
    try:
        document = read_json(text.encode()) if isinstance(text, str) else None
    except NotJsonError:
        return None
    return document.get("client_id") if isinstance(document, dict) else None


def secret_values(made_from: Mapping[str, str], deployment: Deployment, issuers: Issuers, url: str) -> dict[str, str]:
    """What the secrets hold here, by their ARNs.

    Args:
        made_from: The clients of the program's own secrets (`clients_of_secrets`).
        deployment: The deployment, whose providers have secrets that AgentCore made.
        issuers: Its issuers.
        url: The local address.
    """
    own = {arn: _own(found, url) for arn, client_id in made_from.items() if (found := _found(issuers, client_id))}
    return own | dict(_managed(deployment, issuers))


def _managed(deployment: Deployment, issuers: Issuers) -> Iterator[tuple[str, str]]:
    """The form in which AgentCore writes them is not documented."""
    for provider in deployment.tokens.providers:
        found = _found(issuers, provider.client_id or "")
        for arn in provider.secret_arns if found else ():
            if found and MANAGED_SECRET in arn:
                yield arn, compact({"client_secret": found[1].secret}).decode()


def _found(issuers: Issuers, client_id: str) -> tuple[Issuer, Client] | None:
    issuer = issuers.of_client(client_id)
    return (issuer, issuer.clients[client_id]) if issuer else None


def _own(found: tuple[Issuer, Client], url: str) -> str:
    """What `MachineClient` writes."""
    issuer, client = found
    return compact(
        {
            "client_id": client.id,
            "client_secret": client.secret,
            "token_endpoint": token_endpoint(url, issuer),
            "scope": " ".join(client.scopes),
        }
    ).decode()

"""Cognito and AgentCore Identity: who gives tokens, how soon, how often the same one, and to whom."""

import re
import statistics
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.aws import tokens, waiting
from tests.aws.asking import Reply, ask
from tests.aws.aws_world import TOKEN
from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.world import MissingError, NotReproducedError, World
from toolgate.access.deployment.tokens import AppClient, CredentialProvider

AT_ONCE = 5.0
"""Seconds: what is there by then needs nobody to wait."""
TIMES = 5
COGNITO = "cognito-idp"
MADE = {"a provider": "tokened-issuer-provider", "a gateway": "tokens-gateway", "a client": "tokened-issuer-client"}
"""What is made right after the user pool, its domain or a scope, by its name in the program."""


@pytest.mark.parametrize("kind", MADE)
def test_what_follows_a_new_user_pool(probe: Probe, kind: str) -> None:
    """Is it made at once what stands on a user pool that is seconds old?

    components/tokens/agent_tokens.py and components/tool_gateway.py wait for the pool's domain and for nothing else.
    """

    def observe(world: World) -> Observed:
        if world.making is None:
            raise NotReproducedError("nothing is made here: it is there at once")
        name = MADE[kind]
        if refused := world.making.refused.get(name):
            return Observed("refused", masked(refused, world))
        again = world.making.repeated.get(name, 0)
        return Observed("made", f"in {world.making.seconds.get(name, 0):.0f} s, tried again {again} times")

    probe(observe, documented="made")


def test_time_until_a_new_domain_gives_tokens(probe: Probe) -> None:
    """Once a user pool has a domain, how long until that gives tokens?

    docs/deploy.md says what to expect after a deployment; agent/gateway/tokens.py asks again after a failure.
    """

    def observe(world: World) -> Observed:
        if world.making is None:
            raise NotReproducedError("nothing is made here: it is there at once")
        each = ", ".join(f"{what}: {_seconds(it)}" for what, it in world.making.settled.items() if "token" in what)
        return Observed(_seconds(world.making.settled.get(TOKEN)), each)

    probe(observe, documented="at once")


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "not in time"
    return "at once" if seconds < AT_ONCE else f"{seconds:.0f} s"


def test_flows_of_a_client_that_names_none(probe: Probe) -> None:
    """Which sign-in flows has a client that is made with an empty list of them?

    components/tokens/app_client.py writes `explicit_auth_flows=[]`: left out, users could sign in by it.
    """

    def observe(world: World) -> Observed:
        its = {"UserPoolId": world.pool.id, "ClientId": world.client.id}
        described = world.service(COGNITO).describe_user_pool_client(**its)["UserPoolClient"]
        said = {name: it for name, it in described.items() if name not in ("ClientSecret", "ClientId", "UserPoolId")}
        return Observed(", ".join(described.get("ExplicitAuthFlows") or ()) or "none", masked(str(said), world))

    probe(observe)


def test_secret_of_a_provider(probe: Probe) -> None:
    """Where does AgentCore keep the secret of a credential provider's client?

    deployer/actions.py and components/iam/token_documents.py name it: the second by the ARN that the provider reports,
    which must be the whole one, with what Secrets Manager puts to a name.
    """

    def observe(world: World) -> Observed:
        arns = _provider(world).secret_arns
        forms = [re.sub(r"-[0-9A-Za-z]{6}$", "-<six>", arn.rpartition(":secret:")[2] or arn) for arn in arns]
        return Observed(masked(", ".join(forms) or "it reports none", world), masked(" ".join(arns), world))

    probe(observe)


def test_own_identity_inside_a_runtime(probe: Probe) -> None:
    """Does an agent get a token inside a runtime, in the name of a workload identity of its own?

    components/tokens/agent_tokens.py makes one for each agent: a runtime that is invoked by a signed request is handed
    no token of its own identity.
    """

    def observe(world: World) -> Observed:
        reply = _asked(world, [False])
        told = reply.document or {}
        if "seconds" in told:
            return Observed("it does")
        return Observed("it does not", masked(str(told.get("refused", reply.words(world))), world))

    probe(observe)


@pytest.mark.parametrize("forced", [False, True], ids=["asked again", "forced"])
def test_the_same_token_twice(probe: Probe, forced: bool) -> None:
    """Does GetResourceOauth2Token give the same token to whoever asks again?

    docs/tokens.md cannot say whether a session costs a token; agent/gateway/tokens.py goes by either. Forced is with
    `forceAuthentication`.
    """

    def observe(world: World) -> Observed:
        return Observed("the same" if _told(world, [False, forced])["different"] == 1 else "another one")

    probe(observe)


@pytest.mark.parametrize("step", ["workload token", "access token"])
def test_time_that_a_token_takes(probe: Probe, step: str) -> None:
    """How long does each of the two calls take by which an agent gets a token?

    agent/gateway/identity.py gives up after some seconds; docs/agent.md says what a session begins with. The first is
    made with a new connection, and so once only; of the second the middle of five counts.
    """

    def observe(world: World) -> Observed:
        first, *others = _told(world, [False] * TIMES)["seconds"]
        took = [first] if step == "workload token" else others
        each = ", ".join(f"{seconds * 1000:.0f} ms" for seconds in took)
        return Observed(_seconds(statistics.median(took)), each)

    probe(observe)


def _asked(world: World, forced: Sequence[bool]) -> Reply:
    """Let the agent take access tokens in one session."""
    return ask(world, world.scratch_runtime("tokened"), {"token": [*forced]})


def _told(world: World, forced: Sequence[bool]) -> Mapping[str, Any]:
    reply = _asked(world, forced)
    told: Mapping[str, Any] = reply.document or {}
    if "seconds" not in told:
        raise MissingError(f"the agent gets no token: {masked(str(told.get('refused', reply.words(world))), world)}")
    return told


def test_time_until_a_deleted_client_is_refused(probe: Probe) -> None:
    """How long is the token of a client taken that has been deleted?

    docs/tokens.md says: until it runs out.
    """

    def observe(world: World) -> Observed:
        if world.making is None:
            raise NotReproducedError("no client can be made by the way")
        cognito, gateway = world.service(COGNITO), world.scratch_gateway("tokens")
        made = _like(world, cognito)
        try:
            token = tokens.taken(world, made)
        finally:
            cognito.delete_user_pool_client(UserPoolId=made.pool_id, ClientId=made.id)
        began = waiting.clock()

        def refused() -> bool:
            return not tokens.rpc(world, gateway, token, "tools/list").made

        waiting.until("the refusal of a token whose client is gone", refused, made.seconds + AT_ONCE + tokens.SLACK)
        lasted = waiting.clock() - began
        late = lasted > made.seconds - 2 * AT_ONCE
        return Observed("until it runs out" if late else _seconds(lasted), f"{lasted:.0f} of {made.seconds} s")

    probe(observe, documented="until it runs out")


def _like(world: World, cognito: Any) -> AppClient:
    """A client like the throw-away stack's own, made by the way."""
    like = world.client
    made = cognito.create_user_pool_client(
        UserPoolId=like.pool_id,
        ClientName=f"{like.name}_{uuid.uuid4().hex[:8]}",
        GenerateSecret=True,
        AllowedOAuthFlows=[*like.flows],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=[*like.scopes],
        ExplicitAuthFlows=[],
        AccessTokenValidity=like.seconds // 60,
        TokenValidityUnits={"AccessToken": "minutes"},
    )
    return replace(like, id=made["UserPoolClient"]["ClientId"], urn="")


def _provider(world: World) -> CredentialProvider:
    if not world.scratch.tokens.providers:
        raise world.missing("tokened-issuer-provider")
    return world.scratch.tokens.providers[0]

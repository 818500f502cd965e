"""Who can be which client: by a credential provider, by its secret, or by what Cognito does for whoever may ask."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from toolgate.access.chain.hops import OPENNESS, Step, check
from toolgate.access.deployment.client_secrets import Secrets, read_secrets
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.tokens import CredentialProvider, UserPool
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import Identity, outsider
from toolgate.access.matrix.principals import Caller, agents, given, missed, named_by, others
from toolgate.access.tokens.actions import ACCESS_TOKEN, POOL_ACTIONS, READ_SECRET, WIDEN
from toolgate.access.tokens.callers import client_principal, new_client_principal, provider_principal
from toolgate.access.tokens.client_ways import ClientWay, Part, by_provider, by_secret, concerned, joined, workload


@dataclass(frozen=True)
class Taking:
    """Somebody who may be a client.

    Attributes:
        who: Who.
        client: The client, as a matrix names it.
        way: By which way.
        widened: Whether they may give the client every scope of its pool, as the way says.
    """

    who: Identity
    client: str
    way: ClientWay
    widened: bool = False

    @property
    def access(self) -> Access:
        """Whether they may."""
        return self.way.hop.decision


@dataclass(frozen=True)
class Takers:
    """The ways to the clients of a deployment; what one identity can do is worked out once."""

    deployment: Deployment
    _workloads: dict[tuple[str, str, str], Part] = field(default_factory=dict)

    def callers(self) -> Iterator[Caller]:
        """Whoever has to be looked at but for anybody: agents, roles, users, and strangers that something lets in."""
        known = [*agents(self.deployment), *others(self.deployment)]
        yield from known
        seen = {it.identity.arn for it in known}
        written = (it for it in given(self.deployment) if any(self._written(it.identity)))
        for caller in (*written, *map(Caller, self._named())):
            if caller.identity.arn not in seen:
                seen.add(caller.identity.arn)
                yield caller

    def of(self, who: Identity) -> Iterator[Taking]:
        """The clients that somebody may be, surely or not, by whichever ways: of two alike the first one counts."""
        for found in self._all(who):
            if found.access is not Access.DENY:
                yield found
                yield from self._widened(found)

    def nearest(self, who: Identity, client: str) -> ClientWay | None:
        """Of the ways that somebody cannot go to a client, the one by its provider."""
        providers = (it for it in self.deployment.tokens.providers if self.client_of(it) == client)
        return next((self._by_provider(who, it) for it in providers), None)

    def held(self) -> frozenset[str]:
        """The clients that a provider of the deployment holds."""
        return frozenset(map(self.client_of, self.deployment.tokens.providers))

    def client_of(self, provider: CredentialProvider) -> str:
        """How a matrix names the client of a provider."""
        return client_principal(provider.client_id) if provider.client_id else provider_principal(provider)

    @cached_property
    def secrets(self) -> Secrets:
        """The deployment's secrets."""
        return read_secrets(self.deployment.data)

    def _written(self, identity: Identity) -> Iterator[Taking]:
        """What an identity may be by what the deployment writes into it, whatever else it has."""
        return Takers(self.deployment).of(replace(identity, beyond=""))

    def _named(self) -> Iterator[Identity]:
        """Whom the policies on clients' secrets name, and for whom a scan has no policies."""
        yield from map(self.deployment.identity, (*self._strangers, *missed(self.deployment)))

    @cached_property
    def _strangers(self) -> Mapping[str, frozenset[str]]:
        """Whom the policies on clients' secrets name, and of whom nothing else is known: the secrets, by their ARNs."""
        found: dict[str, frozenset[str]] = {}
        for secret in self._holders.keys() & self.secrets.policies.keys():
            for statement in self.secrets.policies[secret].concerning(READ_SECRET):
                for arn in named_by(statement, secret):
                    if self.deployment.identity(arn).beyond == outsider(arn).beyond:
                        found[arn] = found.get(arn, frozenset()) | {secret}
        return {arn: secrets for arn, secrets in found.items() if arn not in set(missed(self.deployment))}

    def _all(self, who: Identity) -> Iterator[Taking]:
        if who.arn in self._strangers:  # of what else they may do the deployment says nothing
            yield from self._by_secrets(who, self._strangers[who.arn])
            return
        for provider in self.deployment.tokens.providers:
            if concerned(who, ACCESS_TOKEN, provider.arn, self.deployment.resource_policies):
                yield Taking(who, self.client_of(provider), self._by_provider(who, provider))
        yield from self._by_secrets(who, self._holders.keys())
        for pool, clients in self._pools:
            for action in POOL_ACTIONS:
                if concerned(who, action.action, pool.arn, {}):
                    way = _at_pool(who, pool, action.action)
                    names = [new_client_principal(pool)] if action.new else clients
                    yield from (Taking(who, client, way) for client in names)

    def _by_secrets(self, who: Identity, among: Collection[str]) -> Iterator[Taking]:
        for arn, holding in self._holders.items():
            if arn in among and concerned(who, READ_SECRET, arn, self.secrets.policies):
                way = by_secret(who, arn, self.secrets)
                yield from (Taking(who, client, way) for client in holding)

    def _by_provider(self, who: Identity, provider: CredentialProvider) -> ClientWay:
        place = who.arn, who.beyond, provider.arn.rpartition(":")[0]
        if place not in self._workloads:
            self._workloads[place] = workload(who, provider.arn, self.deployment)
        return by_provider(who, provider, self._workloads[place], (self.deployment, self.secrets))

    def _widened(self, found: Taking) -> Iterator[Taking]:
        pool = self._pool_of.get(found.client)
        if pool and concerned(found.who, WIDEN, pool.arn, {}):
            asked = check(found.who, WIDEN, pool.arn, None, {})
            hop = found.way.hop
            way = joined(found.who, hop.step, (hop.to, f"{hop.name}, {WIDEN}"), [*found.way.parts, Part((asked,))])
            if way.hop.decision is not Access.DENY:
                yield Taking(found.who, found.client, way, widened=True)

    @cached_property
    def _pools(self) -> list[tuple[UserPool, list[str]]]:
        """Each pool with the clients that have a secret."""
        tokens = self.deployment.tokens
        return [
            (pool, [client_principal(it.id) for it in tokens.clients if it.pool_id == pool.id and it.has_secret])
            for pool in tokens.user_pools
            if pool.arn
        ]

    @cached_property
    def _pool_of(self) -> Mapping[str, UserPool]:
        return {client: pool for pool, clients in self._pools for client in clients}

    @cached_property
    def _holders(self) -> Mapping[str, tuple[str, ...]]:
        """The clients whose secret lies in a secret of Secrets Manager, by its ARN."""
        found: dict[str, dict[str, None]] = {}
        for client in self.deployment.tokens.clients:
            for arn in self.secrets.holding(client.urn) if client.has_secret else ():
                found.setdefault(arn, {})[client_principal(client.id)] = None
        for provider in self.deployment.tokens.providers:
            for name in provider.secret_arns:
                arn = self.secrets.arns.get(name, name)
                found.setdefault(arn, {})[self.client_of(provider)] = None
        return {arn: tuple(clients) for arn, clients in found.items() if arn.startswith("arn:")}


def _at_pool(who: Identity, pool: UserPool, action: str) -> ClientWay:
    return joined(who, Step.POOL, (pool.arn, action), [Part((check(who, action, pool.arn, None, {}),))])


def best(takings: Iterator[Taking]) -> dict[tuple[str, bool], Taking]:
    """The surest way to each client, of two alike the first, by the client and whether it is widened."""
    found: dict[tuple[str, bool], Taking] = {}
    for it in takings:
        key = it.client, it.widened
        if key not in found or OPENNESS.index(it.access) > OPENNESS.index(found[key].access):
            found[key] = it
    return found

"""One way to be a client, decided by IAM on each resource that AWS asks for: all of these must be allowed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from toolgate.access.chain.hops import OPENNESS, Check, Hop, Step, check, told
from toolgate.access.deployment.client_secrets import Secrets
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.tokens import MANAGED_SECRET, CredentialProvider
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy
from toolgate.access.matrix.tool_access import ToolAccess, stricter
from toolgate.access.tokens.actions import ACCESS_TOKEN, READ_SECRET, WORKLOAD_TOKEN
from toolgate.policy.language.arns import account_in, partition_of, region_in

IN_DIRECTORY, IN_VAULT = "/workload-identity/", "/oauth2credentialprovider/"
_BY_SECRET = frozenset({"CLIENT_SECRET_BASIC", "CLIENT_SECRET_POST"})
"""How a client says who it is with a secret that AgentCore reads as the caller."""


@dataclass(frozen=True)
class Part:
    """A part of a way: what IAM was asked, what it comes to at best whatever IAM says, and why no more."""

    checks: tuple[Check, ...] = ()
    most: Access = Access.ALLOW
    why: str = ""

    @property
    def access(self) -> Access:
        """What it comes to."""
        access = self.most
        for it in self.checks:
            access = stricter(access, it.access)
        return access


@dataclass(frozen=True)
class ClientWay:
    """A way to be a client: its hop, the parts that have to be open, and what of it is not known beside documents."""

    hop: Hop
    parts: tuple[Part, ...]

    @property
    def why(self) -> str:
        """What is not known of it, where no document is the reason."""
        return "; ".join(dict.fromkeys(it.why for it in self.parts if it.most is Access.UNDECIDED))


def joined(who: Identity, step: Step, to: tuple[str, str], parts: Sequence[Part]) -> ClientWay:
    """The way that all of the parts lead.

    Args:
        who: Who goes it.
        step: What they do.
        to: The ARN of what they do it to, and how a reader is told of it.
        parts: The parts.
    """
    checks = tuple(it for part in parts for it in part.checks)
    access = Part(checks).access
    for part in parts:
        access = stricter(access, part.most)
    conditions: tuple[str, ...] = ()
    if access is Access.CONDITIONAL:
        conditions = (*told(access, checks).conditions, *(it.why for it in parts if it.most is access))
    return ClientWay(Hop(step, who.principal, *to, checks, ToolAccess(access, conditions)), tuple(parts))


def concerned(who: Identity, action: str, arn: str, policies: Mapping[str, Policy]) -> bool:
    """Whether some statement may let somebody do it; False is certain."""
    return bool(who.unknowns) or arn in policies or any(it.may_allow(action, arn) for it in who.policies)


def by_secret(who: Identity, arn: str, secrets: Secrets) -> ClientWay:
    """Somebody reads the client's secret, and needs nobody else for a token."""
    # In which form AgentCore's own secrets hold it, it does not say.
    content = Part((), Access.UNDECIDED, "what AgentCore's own secret holds") if MANAGED_SECRET in arn else Part()
    return joined(who, Step.SECRET, (arn, READ_SECRET), [_read_secret(who, arn, secrets), content])


def by_provider(
    who: Identity, provider: CredentialProvider, workload: Part, known: tuple[Deployment, Secrets]
) -> ClientWay:
    """Somebody asks AgentCore for a token of the provider's client, in the name of a workload identity.

    Args:
        who: Who asks.
        provider: The provider.
        workload: What they may do with an identity.
        known: The deployment, and its secrets.
    """
    deployment, secrets = known
    vault = provider.arn.rpartition(IN_VAULT)[0]
    asked = [
        check(who, ACCESS_TOKEN, arn, deployment.resource_policies.get(arn), {}) for arn in (vault, provider.arn) if arn
    ]
    parts = [workload, Part(tuple(asked)), _issuer(deployment, provider)]
    if not vault:
        parts.append(Part((), Access.UNDECIDED, f"the token vault of {provider.label}"))
    if provider.method not in _BY_SECRET:
        parts.append(Part((), Access.UNDECIDED, f"what {provider.label} needs for a token with {provider.method}"))
    elif not provider.secret_arns:
        parts.append(Part((), Access.UNDECIDED, f"which secret {provider.label} reads"))
    else:
        parts += [_read_secret(who, secrets.arns.get(it, it), secrets) for it in provider.secret_arns]
    return joined(who, Step.PROVIDER, (provider.arn, provider.name), parts)


def _issuer(deployment: Deployment, provider: CredentialProvider) -> Part:
    """A client of a pool of the deployment gets tokens of that pool, and of no other issuer."""
    of_pool = {it.id: it.pool_id for it in deployment.tokens.clients}.get(provider.client_id or "")
    pool = next((it for it in deployment.tokens.user_pools if it.id == of_pool), None)
    if provider.discovery_url is None:
        return Part((), Access.UNDECIDED, f"the issuer of {provider.label}")
    return Part() if pool is None or pool.discovery_url == provider.discovery_url else Part((), Access.DENY)


def _read_secret(who: Identity, arn: str, secrets: Secrets) -> Part:
    if not arn.startswith("arn:"):
        return Part((), Access.UNDECIDED, f"the ARN of secret '{arn}'")
    return Part((check(who, READ_SECRET, arn, secrets.policies.get(arn), {}),))


def workload(who: Identity, near: str, deployment: Deployment) -> Part:
    """The best that somebody can do with a workload identity, in the account and Region of an ARN.

    Where none of the deployment's will do, one that is not in it may: undecided.
    """
    found = list(_workloads(who, near, deployment))
    return max(found, key=lambda it: OPENNESS.index(it.access))


def _workloads(who: Identity, near: str, deployment: Deployment) -> Iterator[Part]:
    policies = deployment.resource_policies
    place = f"arn:{partition_of(near)}:bedrock-agentcore:{region_in(near)}:{account_in(near)}:"
    # A runtime's and a gateway's own may not be asked for by anybody (AgentCore developer guide, "Get workload access
    # token"); a runtime is handed its own with a request that is made for a user.
    linked = {*(it.id for it in deployment.runtimes), *(it.id for it in deployment.gateways)}
    known = [it.arn for it in deployment.tokens.identities if it.arn.startswith(place) and it.name not in linked]
    for arn in known:
        if any(concerned(who, action, arn, policies) for action in WORKLOAD_TOKEN):
            yield from _own(who, arn, policies)
    directory = f"{place}workload-identity-directory/default"
    for runtime in deployment.runtimes:
        if runtime.role_arn == who.arn:
            handed = _exchanged(who, f"{directory}{IN_DIRECTORY}{runtime.id}", policies)
            for_user = f"agent {runtime.agent} is asked in a user's name"
            yield Part(handed) if runtime.jwt else Part(handed, Access.CONDITIONAL, for_user)
    elsewhere = f"{directory}{IN_DIRECTORY}elsewhere-0000000000"
    others = {*known, *(f"{directory}{IN_DIRECTORY}{it}" for it in linked)}
    for arn in (it for it in (*_named(who, place), elsewhere) if it not in others):
        if any(concerned(who, action, arn, policies) for action in WORKLOAD_TOKEN):
            for part in _own(who, arn, policies):
                yield Part(part.checks, Access.UNDECIDED, f"whether there is another workload identity, as {arn}")
    # Where nothing concerns them, what is missing is told of any.
    yield next(iter(_own(who, (known or [elsewhere])[0], policies)))


def _named(who: Identity, place: str) -> Iterable[str]:
    """Identities that a statement names, and that need not be in the deployment."""
    names = (name for it in who.policies for action in WORKLOAD_TOKEN for name in it.granted(action)[0])
    return sorted({it for it in names if it.startswith(place) and IN_DIRECTORY in it})


def _own(who: Identity, arn: str, policies: Mapping[str, Policy]) -> Iterator[Part]:
    """What comes of asking for the identity's token, and of giving it away for another."""
    directory = arn.rpartition(IN_DIRECTORY)[0]
    for number, action in enumerate(WORKLOAD_TOKEN):
        if number == 0 or concerned(who, action, arn, policies):
            asked = [check(who, action, it, policies.get(it), {}) for it in (directory, arn)]
            yield Part((*asked, *_exchanged(who, arn, policies)))


def _exchanged(who: Identity, arn: str, policies: Mapping[str, Policy]) -> tuple[Check, ...]:
    directory = arn.rpartition(IN_DIRECTORY)[0]
    return tuple(check(who, ACCESS_TOKEN, it, policies.get(it), {}) for it in (directory, arn))

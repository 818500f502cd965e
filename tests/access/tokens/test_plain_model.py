"""Whatever the roles, clients and policies are: a row of the matrix is what a plain model says.

The model knows nothing of the matrix. It goes by what AWS says and others have seen: which ARNs AgentCore asks IAM for,
what a gateway checks, and who Cedar's principal is.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.access.tokens import worlds
from tests.access.tokens.worlds import DIRECTORY, POOL_ARN, TOOLS, VAULT, World
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix

GATEWAYS, CLIENTS, ROLES, IDENTITIES = ("g0", "g1"), ("c0", "c1", "job"), ("r0", "r1", "ops"), ("w0", "w1")
PROVIDERS = {"p0": "c0", "p1": "c1"}
NEW, EVERY_SCOPE = "new", tuple(f"{it}/invoke" for it in GATEWAYS)
JOB_SECRET = worlds.secret_arn("job")

ACTIONS = (
    *("bedrock-agentcore:GetWorkloadAccessToken", "bedrock-agentcore:GetResourceOauth2Token"),
    *("secretsmanager:GetSecretValue", "bedrock-agentcore:*", "bedrock-agentcore:GetWorkload*", "*"),
    *("cognito-idp:DescribeUserPoolClient", "cognito-idp:AddUserPoolClientSecret", "cognito-idp:CreateUserPoolClient"),
    *("cognito-idp:UpdateUserPoolClient", "cognito-idp:*", "cognito-idp:ListUserPoolClients", "cognito-idp:List*"),
    *("bedrock-agentcore:InvokeGateway", "secretsmanager:*"),
)
RESOURCES = (
    *(DIRECTORY, VAULT, *map(worlds.identity_arn, IDENTITIES), *map(worlds.provider_arn, PROVIDERS)),
    *(*map(worlds.managed, PROVIDERS), JOB_SECRET, POOL_ARN, *map(worlds.gateway_arn, GATEWAYS)),
    *("*", f"{VAULT}/*", f"{VAULT}/oauth2credentialprovider/*", f"{DIRECTORY}*", worlds.secret_arn("*"), f"{VAULT}*"),
    worlds.secret_arn("bedrock-agentcore-identity!*"),
)


@dataclass(frozen=True)
class Rule:
    """A Cedar policy: whose calls of which tools it is about; None for everybody's."""

    effect: str
    client: str | None
    tools: tuple[str, ...]


@dataclass(frozen=True)
class Small:
    """What a world is made of."""

    statements: Mapping[str, Sequence[Mapping[str, Any]]]
    scopes: Mapping[str, tuple[str, ...]]
    allowed_clients: tuple[str, ...]
    cedar: tuple[Rule, ...] | None


def _statement() -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda effect, actions, resources: {"Effect": effect, "Action": actions, "Resource": resources},
        st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
        st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3),
        st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=4),
    )


def _role(number: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Often what an agent is granted, whole or with a part of it left out, and something besides."""
    granted = worlds.taking(f"p{number % 2}", f"w{number % 2}")
    usual = st.sampled_from([granted, granted, [], *itertools.combinations(granted, 2)]).map(list)
    return st.tuples(usual, st.lists(_statement(), max_size=2)).map(lambda both: [*both[0], *both[1]])


RULES = st.builds(
    Rule,
    st.sampled_from(["permit", "permit", "permit", "forbid"]),
    st.sampled_from([*CLIENTS, None]),
    st.sampled_from([TOOLS[:1], TOOLS[1:], TOOLS]),
)
WORLDS = st.builds(
    Small,
    st.fixed_dictionaries({name: _role(number) for number, name in enumerate(ROLES)}),
    st.fixed_dictionaries({it: st.sampled_from([EVERY_SCOPE[:1], EVERY_SCOPE[1:], EVERY_SCOPE]) for it in CLIENTS}),
    st.sampled_from([(), (), ("c0",), ("c1", "job")]),
    st.none() | st.lists(RULES, max_size=4).map(tuple),
)


def _built(small: Small) -> World:
    world = worlds.whole()
    urns = {it: world.client(it, *(s.partition("/")[0] for s in small.scopes[it])) for it in CLIENTS}
    for provider, client in PROVIDERS.items():
        world.provider(provider, client)
    for identity in IDENTITIES:
        world.identity(identity)
    world.add("aws:secretsmanager/secret:Secret", "job", id=JOB_SECRET, arn=JOB_SECRET, name="job")
    made_of = {"secretString": [urns["job"]]}
    world.add("aws:secretsmanager/secretVersion:SecretVersion", "job", made_of, secretId=JOB_SECRET)
    for name in ROLES:
        (world.role if name == "ops" else world.agent)(name, *small.statements[name])
    for gateway in GATEWAYS:
        rules = None if small.cedar is None else [_written(rule, gateway) for rule in small.cedar]
        clients: dict[str, Any] = {"allowedClients": list(small.allowed_clients)} if small.allowed_clients else {}
        world.gateway(gateway, rules, allowedScopes=[f"{gateway}/invoke"], **clients)
    return world


def _written(rule: Rule, gateway: str) -> str:
    if rule.client is None:
        return worlds.open_to_all(rule.tools, gateway, rule.effect)
    return worlds.pinned(rule.client, rule.tools, gateway, rule.effect)


def _iam(statements: Sequence[Mapping[str, Any]], action: str, *resources: str) -> bool:
    """Each of the resources is allowed by some statement, and denied by none."""

    def matching(effect: str, resource: str) -> bool:
        return any(
            it["Effect"] == effect
            and any(fnmatchcase(action, pattern) for pattern in it["Action"])
            and any(fnmatchcase(resource, pattern.replace("[", "[[]")) for pattern in it["Resource"])
            for it in [
                {**s, "Action": [s["Action"]] if isinstance(s["Action"], str) else s["Action"]} for s in statements
            ]
        )

    return all(matching("Allow", it) and not matching("Deny", it) for it in resources)


def _can_be(statements: Sequence[Mapping[str, Any]], client: str) -> bool:
    for provider in (it for it, of in PROVIDERS.items() if of == client):
        for name in IDENTITIES:
            identity = worlds.identity_arn(name)
            on = (DIRECTORY, identity, VAULT, worlds.provider_arn(provider))
            # All three give a workload token (Service Authorization Reference).
            actions = (f"bedrock-agentcore:GetWorkloadAccessToken{it}" for it in ("", "ForJWT", "ForUserId"))
            if (
                any(_iam(statements, action, DIRECTORY, identity) for action in actions)
                and _iam(statements, "bedrock-agentcore:GetResourceOauth2Token", *on)
                and _iam(statements, "secretsmanager:GetSecretValue", worlds.managed(provider))
            ):
                return True
    if client == "job" and _iam(statements, "secretsmanager:GetSecretValue", JOB_SECRET):
        return True
    given_away = ("cognito-idp:DescribeUserPoolClient", "cognito-idp:AddUserPoolClientSecret")
    return any(_iam(statements, it, POOL_ARN) for it in given_away)


def _comes_as(small: Small, role: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The clients that a role can be, each with the scopes that it can have."""
    statements = small.statements[role]
    for client in CLIENTS:
        if _can_be(statements, client):
            yield client, small.scopes[client]
            if _iam(statements, "cognito-idp:UpdateUserPoolClient", POOL_ARN):
                yield client, EVERY_SCOPE
    if _iam(statements, "cognito-idp:CreateUserPoolClient", POOL_ARN):
        yield NEW, EVERY_SCOPE


def _may_call(small: Small, client: str, scopes: tuple[str, ...], gateway: str, tool: str) -> bool:
    if f"{gateway}/invoke" not in scopes or (small.allowed_clients and client not in small.allowed_clients):
        return False
    if small.cedar is None:
        return True
    about = [it for it in small.cedar if it.client in (None, client) and tool in it.tools]
    return {it.effect for it in about} == {"permit"}


def _rows(found: Matrix) -> dict[tuple[str, str, str], str]:
    return {
        (entry.principal, entry.gateway, entry.tool): str(entry.decision)
        for entry in found.entries
        if entry.decision != "deny"
    }


@given(WORLDS)
@settings(max_examples=300)
def test_every_cell_is_that_of_the_plain_model(small: Small) -> None:
    rows = _rows(matrix(parse(_built(small).export())))
    places = list(itertools.product(GATEWAYS, TOOLS))
    for role, (gateway, tool) in itertools.product(ROLES, places):
        told = rows.pop((worlds.role_arn(role), worlds.gateway_arn(gateway), tool), "deny")
        if any(_may_call(small, *it, gateway, tool) for it in _comes_as(small, role)):
            assert told == "allow"
        else:
            assert told == "deny" or (told == "undecided" and _not_known(small, role))
    taken = {client for role in ROLES for client in CLIENTS if _can_be(small.statements[role], client)}
    for client, (gateway, tool) in itertools.product(CLIENTS, places):
        row = rows.pop((f"client/{client}", worlds.gateway_arn(gateway), tool), None)
        may = _may_call(small, client, small.scopes[client], gateway, tool)
        # A client that a provider holds and a role can be is told as that role.
        assert row == ("allow" if may and (client == "job" or client not in taken) else None)
    assert not rows


def _not_known(small: Small, role: str) -> bool:
    """Whether the role may do what nobody can know: use identities that are not there, read AgentCore's own secrets."""
    statements = small.statements[role]
    return any(_iam(statements, "secretsmanager:GetSecretValue", worlds.managed(it)) for it in PROVIDERS) or _iam(
        statements, "bedrock-agentcore:GetWorkloadAccessToken", worlds.identity_arn("elsewhere-0000000000")
    )

"""Whatever document about tokens is handed to whomever by whichever carrier: who can call by it leaves a trace.

And whatever of a deployment with tokens is missing or hidden: nobody gains by it, and nothing is passed over.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.access.test_nothing_left_out import CARRIERS, OF_THE_CALLER, OF_THE_REQUEST, Resource
from tests.access.test_nothing_left_out import _held as held_by
from tests.access.tokens import worlds
from tests.planning import planned
from tests.token_export import HIDDEN, with_tokens
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.matrix.access_matrix import Matrix, matrix

ACTIONS = [
    *("bedrock-agentcore:GetWorkloadAccessToken", "bedrock-agentcore:GetResourceOauth2Token"),
    *("secretsmanager:GetSecretValue", "bedrock-agentcore:*", "*", "cognito-idp:DescribeUserPoolClient"),
    *("COGNITO-IDP:Add*", "cognito-idp:CreateUserPoolClient", "s3:GetObject", "cognito-idp:List*"),
]
RESOURCES = [
    *(worlds.DIRECTORY, worlds.identity_arn("wa"), worlds.VAULT, worlds.provider_arn("pa"), worlds.managed("pa")),
    *(worlds.POOL_ARN, "*", f"{worlds.VAULT}/*", "arn:aws:s3:::bucket", f"{worlds.DIRECTORY}/*"),
    *(worlds.provider_arn("${aws:PrincipalTag/team}"), worlds.CORE),
]


@st.composite
def _statement(draw: st.DrawFn, conditions: list[Mapping[str, Any]]) -> dict[str, Any]:
    condition = draw(st.sampled_from(conditions))
    action = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
    resource = draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))
    return {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"])),
        action: draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3)),
        resource: draw(st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=4)),
        **({"Condition": condition} if condition else {}),
    }


def _statements(conditions: list[Mapping[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    whole = worlds.taking("pa", "wa")
    return st.tuples(st.sampled_from([[], whole]), st.lists(_statement(conditions), min_size=1, max_size=3)).map(
        lambda both: [*both[0], *both[1]]
    )


def _found(resources: list[Resource]) -> Matrix:
    # Whoever makes a client may call, too.
    world = worlds.two_agents([worlds.open_to_all(worlds.TOOLS)])
    for type_, name, properties in resources:
        world.add(type_, name, **properties)
    return matrix(parse(world.export()))


def _rows(found: Matrix) -> dict[str, str]:
    return {e.principal: str(e.decision) for e in found.entries if e.agent is None and e.tool == worlds.TOOLS[0]}


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.mark.parametrize(("carrier", "who", "alike"), CARRIERS.values(), ids=CARRIERS.keys())
@given(statements=_statements([*OF_THE_REQUEST, *OF_THE_CALLER]))
@settings(max_examples=12)
def test_who_could_be_a_client_if_the_deployment_held_them_is_a_row_and_a_line(
    carrier: Callable[[str], list[Resource]], who: str, alike: str, statements: list[dict[str, Any]]
) -> None:
    held, found = _rows(_found(held_by(_document(statements)))), _found(carrier(_document(statements)))
    rows = _rows(found)
    assert set(rows.values()) <= {"undecided"}
    assert all(any(line.startswith(it) for line in found.unsupported) for it in rows)
    assert who in rows or alike not in held


@pytest.mark.parametrize(("carrier", "who", "alike"), CARRIERS.values(), ids=CARRIERS.keys())
@given(statements=_statements(OF_THE_REQUEST))
@settings(max_examples=12)
def test_who_could_not_is_none(
    carrier: Callable[[str], list[Resource]], who: str, alike: str, statements: list[dict[str, Any]]
) -> None:
    held, rows = _rows(_found(held_by(_document(statements)))), _rows(_found(carrier(_document(statements))))
    assert (who in rows) is (alike in held)


OF_TOKENS = ("Pool", "UserPoolDomain", "ResourceServer", "UserPoolClient", "CredentialProvider", "WorkloadIdentity")


type Parts = list[dict[str, Any]]


def _changes() -> Iterator[tuple[str, Callable[[Parts], None]]]:
    """Each property of each resource of tokens left out or hidden; those of gateways as well."""
    listed = with_tokens(planned("agents").deployment)["deployment"]["resources"]
    for number, entry in enumerate(listed):
        kind, name = entry["type"].rpartition(":")[2], entry["urn"].rpartition("::")[2]
        for key in entry["inputs"] if kind.endswith((*OF_TOKENS, "AgentcoreGateway")) else ():
            yield f"hidden {key} of {name}", partial(_set, number, key, HIDDEN)
            if key != "policyEngineConfiguration":  # one that has none decides nothing
                yield f"no {key} of {name}", partial(_set, number, key, None)
        if kind == "AgentcoreGateway":
            jwt = {"customJwtAuthorizer": {"discoveryUrl": worlds.FOREIGN_DISCOVERY, "allowedScopes": ["x"]}}
            yield "another issuer", partial(_set, number, "authorizerConfiguration", jwt)


def _set(number: int, key: str, value: Any, parts: Parts) -> None:
    for side in ("inputs", "outputs"):
        parts[number][side] = {**parts[number][side], key: value}


CHANGES = dict(_changes())


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_is_missing_or_hidden_opens_nothing_and_is_said(change: Callable[[Parts], None]) -> None:
    export = with_tokens(planned("agents").deployment)
    was = {(it.agent, it.tool): str(it.decision) for it in matrix(parse(copy.deepcopy(export))).entries}
    change(export["deployment"]["resources"])
    try:
        after = matrix(parse(export))
    except DeploymentError as error:
        refused = str(error)
        assert re.fullmatch(r"\w+ '[\w-]+': '[\w.]+' is .+", refused)
        return
    for it in after.entries:
        if it.agent is None:
            assert it.decision != "allow" or it.principal.startswith("client/")
        else:
            assert it.decision != "allow" or was[it.agent, it.tool] == "allow"
            # An unknown client may be any client, and so may call what another one may.
            assert it.decision != "undecided" or after.unsupported


REMOVED = ["tokens-pool", "tokens-domain", "greeter-tokens-client", "greeter-tokens-provider", "greeter-identity"]


@pytest.mark.parametrize("name", REMOVED)
def test_an_agent_that_loses_its_tools_by_what_is_missing_is_a_line(name: str) -> None:
    export = with_tokens(planned("agents").deployment)
    before = matrix(parse(copy.deepcopy(export)))
    parts = export["deployment"]["resources"]
    kept = [it for it in parts if not it["urn"].endswith(f"::{name}")]
    assert len(kept) < len(parts)
    export["deployment"]["resources"] = kept
    after = matrix(parse(export))
    open_to = {it.agent: str(it.decision) for it in after.entries if it.tool == "math___greeting" and it.agent}
    assert open_to["greeter"] != "allow"
    assert open_to["greeter"] == "conditional" or set(after.unsupported) - set(before.unsupported)

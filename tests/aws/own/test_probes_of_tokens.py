"""What AWS could answer to the questions about tokens is read rightly, and what keeps an answer from coming is said."""

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.aws import signed, test_issuer_probes, test_token_probes, tokens, waiting
from tests.aws.aws_world import TOKEN
from tests.aws.own.pretending import MAKING, error, pretended
from tests.aws.probing import Finding, Probe
from tests.aws.signed import Answer
from tests.aws.world import MissingError, World

RESULT = {"jsonrpc": "2.0", "id": 1, "result": {"content": []}}
MADE, DENIED = Answer(200, "", "", RESULT), Answer(200, "", "", {"jsonrpc": "2.0", "error": {"code": -32002}})


@pytest.fixture
def ask(local: World) -> Callable[..., Finding]:
    """Ask one probe of a pretended AWS, changed; what it finds."""

    def run(function: Callable[..., None], *, changes: dict[str, Any] | None = None, **parameters: Any) -> Finding:
        found: list[Finding] = []
        aws = replace(pretended(local), **(changes or {}))
        text = inspect.cleandoc(function.__doc__ or "")
        function(Probe(function.__name__, text, local, aws, found.append), **parameters)
        [finding] = found
        return finding

    return run


class Agent:
    """A client of a runtime whose agent tells this."""

    def __init__(self, document: Any) -> None:
        self._text = json.dumps(document)

    def invoke_agent_runtime(self, **_its: Any) -> Any:
        return {"ResponseMetadata": {"HTTPStatusCode": 200}, "response": self}

    def read(self) -> str:
        return self._text


def telling(**document: Any) -> dict[str, Any]:
    return {"runtimes": lambda _runtime, _credentials: Agent(document)}


def test_an_identity_that_may_not_be_used_inside_a_runtime(ask: Callable[..., Finding]) -> None:
    said = "ValidationException: WorkloadIdentity is linked to a service"
    finding = ask(test_issuer_probes.test_own_identity_inside_a_runtime, changes=telling(refused=said))
    assert (finding.assumed, finding.observed, finding.evidence) == ("it does", "it does not", said)
    with pytest.raises(MissingError, match="linked to a service"):
        ask(test_issuer_probes.test_the_same_token_twice, changes=telling(refused=said), forced=False)


def test_a_token_that_is_given_twice(ask: Callable[..., Finding]) -> None:
    same = telling(seconds=[0.1, 0.1, 0.1], different=1)
    finding = ask(test_issuer_probes.test_the_same_token_twice, changes=same, forced=False)
    assert (finding.assumed, finding.observed, finding.differs) == ("another one", "the same", True)
    assert not ask(test_issuer_probes.test_the_same_token_twice, forced=True).differs


@pytest.mark.parametrize(("step", "observed"), [("workload token", "9 s"), ("access token", "7 s")])
def test_calls_that_take_their_time(ask: Callable[..., Finding], step: str, observed: str) -> None:
    slow = telling(seconds=[9.0, 0.2, 7.0, 8.0], different=3)
    finding = ask(test_issuer_probes.test_time_that_a_token_takes, changes=slow, step=step)
    assert (finding.assumed, finding.observed) == ("at once", observed)


@pytest.mark.parametrize(("kind", "name"), test_issuer_probes.MADE.items())
def test_what_is_refused_on_a_new_pool(ask: Callable[..., Finding], local: World, kind: str, name: str) -> None:
    probe = test_issuer_probes.test_what_follows_a_new_user_pool
    assert ask(probe, kind=kind).observed == "made"
    making = replace(MAKING, refused={name: f"ValidationException: {local.pool.id} is not known"})
    finding = ask(probe, changes={"making": making}, kind=kind)
    assert (finding.observed, finding.evidence) == ("refused", "ValidationException: <user pool> is not known")


def test_the_names_of_what_follows_a_new_pool_are_the_programs(scratch_plan: tuple[Any, object]) -> None:
    made = {it["urn"].rpartition("::")[2] for it in scratch_plan[0]["deployment"]["resources"]}
    assert {*test_issuer_probes.MADE.values()} <= made


@pytest.mark.parametrize(("seconds", "observed"), [(61.0, "61 s"), (None, "not in time"), (1.0, "at once")])
def test_a_domain_that_gives_tokens_later(ask: Callable[..., Finding], seconds: float | None, observed: str) -> None:
    making = replace(MAKING, settled={"adder at ruled": 3.0, TOKEN: seconds})
    finding = ask(test_issuer_probes.test_time_until_a_new_domain_gives_tokens, changes={"making": making})
    assert finding.observed == observed
    assert "adder" not in finding.evidence


def test_a_secret_of_another_form(ask: Callable[..., Finding], local: World) -> None:
    [provider] = local.scratch.tokens.providers
    given = replace(provider, secret_arns=("arn:aws:secretsmanager:us-east-1:123456789012:secret:elsewhere",))
    scratch = replace(local.scratch, tokens=replace(local.scratch.tokens, providers=(given,)))
    finding = ask(test_issuer_probes.test_secret_of_a_provider, changes={"scratch": scratch})
    assert finding.assumed.startswith("bedrock-agentcore-identity!default/oauth2/")
    assert (finding.assumed.endswith("-<six>"), finding.observed) == (True, "elsewhere")


class Cognito:
    """User pools in which clients are made; a new one is like the throw-away stack's own."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        self.deleted: list[str] = []

    def create_user_pool_client(self, **_its: Any) -> Any:
        return {"UserPoolClient": {"ClientId": self.client_id}}

    def delete_user_pool_client(self, *, ClientId: str, **_its: Any) -> None:  # noqa: N803  # the API's name
        self.deleted.append(ClientId)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting takes no time: the clock goes on by what is slept."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(waiting, "sleep", sleep)
    monkeypatch.setattr(waiting, "clock", lambda: now[0])
    return now


LASTS = {0: "at once", 60: "60 s", 300: "until it runs out"}


@pytest.mark.parametrize("lasts", LASTS)
def test_the_token_of_a_deleted_client(
    ask: Callable[..., Finding], local: World, monkeypatch: pytest.MonkeyPatch, clock: list[float], lasts: int
) -> None:
    cognito = Cognito(local.client.id)
    monkeypatch.setattr(tokens, "rpc", lambda *_its: MADE if clock[0] < lasts else DENIED)
    probe = test_issuer_probes.test_time_until_a_deleted_client_is_refused
    finding = ask(probe, changes={"service": lambda _name: cognito})
    assert (finding.assumed, finding.observed) == ("until it runs out", LASTS[lasts])
    assert cognito.deleted == [local.client.id]


def test_a_client_that_gets_no_token_is_deleted_all_the_same(ask: Callable[..., Finding], local: World) -> None:
    cognito = Cognito(local.client.id)
    changes = {"service": lambda _name: cognito, "secret": lambda _client: "wrong"}
    with pytest.raises(MissingError, match="invalid_client"):
        ask(test_issuer_probes.test_time_until_a_deleted_client_is_refused, changes=changes)
    assert cognito.deleted == [local.client.id]


@pytest.mark.parametrize(
    ("answers", "observed"),
    [
        ([MADE, MADE, MADE], "its JSON"),
        ([MADE, DENIED, MADE], "a tag of another form"),
        ([MADE, DENIED, DENIED], "no tag"),
    ],
)
def test_a_number_that_is_another_tag(
    ask: Callable[..., Finding], monkeypatch: pytest.MonkeyPatch, answers: list[Answer], observed: str
) -> None:
    given = iter([MADE, MADE, MADE, *answers])
    monkeypatch.setattr(tokens, "call", lambda *_its: next(given))
    finding = ask(test_token_probes.test_a_number_as_a_tag)
    assert (finding.assumed, finding.observed) == ("its JSON", observed)


def test_nothing_is_said_of_tags_where_the_client_is_let_in_nowhere(
    ask: Callable[..., Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "call", lambda *_its: DENIED)
    with pytest.raises(MissingError, match="let in nowhere"):
        ask(test_token_probes.test_a_number_as_a_tag)


def test_a_search_that_is_refused_is_not_one_that_shows_nothing(
    ask: Callable[..., Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "call", lambda *_its: DENIED)
    finding = ask(test_token_probes.test_search_of_a_gateway_that_takes_tokens)
    assert finding.observed is not None
    assert "-32002" in finding.observed


def test_a_token_that_is_taken_after_its_end(
    ask: Callable[..., Finding], monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    refused = Answer(401, "", "", {}, {"www-authenticate": 'Bearer error="invalid_token"'})
    monkeypatch.setattr(tokens, "rpc", lambda *_its: MADE if clock[0] < 30 else refused)
    finding = ask(test_token_probes.test_a_token_that_has_run_out)
    assert finding.observed == "HTTP 401; challenge: invalid_token"
    assert clock[0] >= 30


def test_a_token_runs_out_after_its_life(local: World, clock: list[float]) -> None:
    token = tokens.expired(local, local.client)
    assert token.count(".") == 2
    assert clock[0] == local.client.seconds + tokens.SLACK


def test_a_challenge_is_read_with_whatever_stands_between_quotes() -> None:
    header = 'Bearer realm="a, b", resource_metadata="https://x/y?z=1", scope="one two",error="insufficient_scope"'
    assert tokens.challenge(Answer(401, "", "", {}, {"www-authenticate": header})) == {
        "realm": "a, b",
        "resource_metadata": "https://x/y?z=1",
        "scope": "one two",
        "error": "insufficient_scope",
    }
    assert tokens.challenge(Answer(401, "", "", {})) == {}


@pytest.mark.parametrize("name", ["wrong secret", "no endpoint", "no document"])
def test_why_there_is_no_token_is_said(local: World, name: str) -> None:
    world = {
        "wrong secret": replace(local, secret=lambda _client: "wrong"),
        "no endpoint": replace(local, discovery=lambda _pool: local.discovery(local.pool) + "x"),
        "no document": replace(local, discovery=lambda _pool: "http://127.0.0.1:1/"),
    }[name]
    with pytest.raises(MissingError, match=r"^no token: (HTTP 400|MissingError: .*HTTP 404|ConnectError)"):
        tokens.taken(world, local.client)


def test_a_host_that_is_not_there_yet_is_no_token_and_no_failure(local: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Name or service not known")

    client = httpx.Client(transport=httpx.MockTransport(unknown))
    monkeypatch.setattr(signed, "client", lambda: client)
    assert isinstance(tokens.asked(local, local.client), tokens.Refusal)


def test_a_service_that_refuses_is_an_error_of_the_suites(local: World) -> None:
    """Nobody but who runs the suite reads a client's secret; that they may not is told as it is."""

    def denied(_client: object) -> str:
        raise error("AccessDeniedException", "no")

    with pytest.raises(Exception, match="AccessDeniedException"):
        tokens.taken(replace(local, secret=denied), local.client)

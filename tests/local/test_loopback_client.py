import pytest
from botocore.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.agent.loopback import Loopback
from tests.shell_variables import lead_nowhere
from toolgate.local.loopback_client import open_client


def test_no_variable_of_the_shell_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    async def tables(request: Request) -> Response:
        seen.append(request.headers["authorization"])
        return JSONResponse({"TableNames": ["orders"]})

    lead_nowhere(monkeypatch)
    here = Loopback(Starlette(routes=[Route("/", tables, methods=["POST"])]))
    here.start()
    environment = {
        "AWS_ENDPOINT_URL": here.url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "ASIAHERE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
    }
    try:
        client = open_client("dynamodb", environment, Config(read_timeout=7))
        assert client.list_tables()["TableNames"] == ["orders"]
    finally:
        here.stop()
    assert client.meta.config.read_timeout == 7
    [signed] = seen
    assert "Credential=ASIAHERE/" in signed
    assert "/eu-west-1/dynamodb/aws4_request" in signed

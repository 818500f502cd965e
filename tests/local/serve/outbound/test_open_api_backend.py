"""What an API is sent for the arguments of a tool, and nothing else."""

from typing import Any

import pytest

from toolgate.local.serve.outbound.far_side import FarSideError
from toolgate.local.serve.outbound.open_api_backend import request_of
from toolgate.policy.language.open_api import Operation, operations


def _parameter(name: str, place: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": {"type": "string"}, **more}


def _operation(path: str, *parameters: dict[str, Any], body: Any = None, method: str = "get") -> Operation:
    described: dict[str, Any] = {"operationId": "it", "parameters": list(parameters)}
    if body is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": body}}, "required": True}
    [found] = operations({"openapi": "3.1.0", "paths": {path: {method: described}}})
    return found


PET = _operation("/pets/{pet}", _parameter("pet", "path"))
SEARCH = _operation("/pets", _parameter("q", "query"), _parameter("tag", "query"))


@pytest.mark.parametrize(
    ("operation", "arguments", "url"),
    [
        (PET, {"pet": "7"}, "http://h/v1/pets/7"),
        (PET, {"pet": 7}, "http://h/v1/pets/7"),
        (PET, {"pet": True}, "http://h/v1/pets/true"),
        (PET, {"pet": "a/b?c#d %ü"}, "http://h/v1/pets/a%2Fb%3Fc%23d%20%25%C3%BC"),
        (PET, {"pet": "..a"}, "http://h/v1/pets/..a"),
        (PET, {"pet": "x", "other": 1}, "http://h/v1/pets/x"),
        (SEARCH, {}, "http://h/v1/pets"),
        (SEARCH, {"q": "a&b=c", "tag": ["x", "y"]}, "http://h/v1/pets?q=a%26b%3Dc&tag=x&tag=y"),
        (SEARCH, {"q": None, "tag": {"a": 1}}, "http://h/v1/pets?tag=%7B%22a%22%3A+1%7D"),
    ],
)
def test_arguments_stand_in_path_and_query(operation: Operation, arguments: dict[str, Any], url: str) -> None:
    for base in ("http://h/v1", "http://h/v1/"):
        assert str(request_of(base, operation, arguments).url) == url


@pytest.mark.parametrize("value", ["", ".", "..", "...", None])
def test_no_argument_leads_to_another_path(value: Any) -> None:
    with pytest.raises(FarSideError, match="Argument pet must be given"):
        request_of("http://h/v1", PET, {"pet": value})
    with pytest.raises(FarSideError, match="Argument pet must be given"):
        request_of("http://h/v1", PET, {})


@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "Accept", "Host", "Content-Length", "Connection"])
def test_no_argument_is_a_header_that_is_not_the_documents(name: str) -> None:
    request = request_of("http://h", _operation("/", _parameter(name, "header")), {name: "evil"})
    assert "evil" not in request.headers.values()


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00", "ü"])
def test_no_argument_makes_a_header_more(value: str) -> None:
    with pytest.raises(FarSideError, match="Argument X-Tenant must be printable ASCII"):
        request_of("http://h", _operation("/", _parameter("X-Tenant", "header")), {"X-Tenant": value})


def test_headers_and_cookies() -> None:
    operation = _operation(
        "/", _parameter("X-Tenant", "header"), _parameter("one", "cookie"), _parameter("b", "cookie")
    )
    request = request_of("http://h", operation, {"X-Tenant": "t-1", "one": "a;b", "b": 2})
    assert (request.headers["x-tenant"], request.headers["cookie"]) == ("t-1", "one=a%3Bb; b=2")


@pytest.mark.parametrize(
    ("schema", "arguments", "body"),
    [
        (
            {"type": "object", "properties": {"name": {}, "age": {}}},
            {"name": "Rex", "age": 3},
            b'{"name": "Rex", "age": 3}',
        ),
        ({"type": "object", "properties": {"name": {}}}, {}, b"{}"),
        ({"type": "array", "items": {}}, {"body": [1, "ü"]}, '[1, "ü"]'.encode()),
    ],
)
def test_a_body_is_json(schema: dict[str, Any], arguments: dict[str, Any], body: bytes) -> None:
    request = request_of("http://h", _operation("/pets", body=schema, method="post"), arguments)
    assert (request.method, request.content, request.headers["content-type"]) == ("POST", body, "application/json")


def test_without_a_body_there_is_none() -> None:
    request = request_of("http://h", PET, {"pet": "7"})
    assert request.content == b""
    assert "content-type" not in request.headers

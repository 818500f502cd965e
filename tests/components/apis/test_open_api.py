import copy
import json
from typing import Any

import pytest

from toolgate.components.apis import open_api
from toolgate.components.apis.document_file import find, read
from toolgate.components.apis.open_api import Wanted
from toolgate.components.checks.arguments import UsageError

TEXT = {"type": "string"}
ORDERS: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Orders", "version": "1"},
    "servers": [{"url": "https://api.example.com/v1"}],
    "paths": {
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "getOrder",
                "summary": "One order.",
                "description": "With its lines.",
                "parameters": [
                    {"name": "lines", "in": "query", "schema": {"type": "boolean", "default": False}},
                    {"name": "X-Tenant", "in": "header", "required": True, "description": "Whose.", "schema": TEXT},
                ],
                "responses": {"200": {"description": "It", "content": {"application/json": {"schema": {"oneOf": []}}}}},
            },
            "put": {
                "operationId": "changeOrder",
                "description": "Change an order.",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Change"}},
                        "text/csv": {"schema": {"type": "string"}},
                    },
                },
            },
        },
        "/orders": {"get": {"operationId": "listOrders", "description": "All orders.", "callbacks": {"x": {}}}},
    },
    "components": {
        "schemas": {
            "Change": {
                "type": "object",
                "required": ["state"],
                "properties": {
                    "state": {"type": "string", "enum": ["open", "closed"], "description": "What it becomes."},
                    "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
                },
            },
            "Line": {"type": "object", "properties": {"sku": TEXT, "count": {"type": "integer", "minimum": 1}}},
            "Unused": {"allOf": []},
        },
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
    },
}  # fmt: skip


def api(document: Any, chosen: Any = None, target: str = "orders") -> open_api.Api:
    return open_api.of_value(document, "openapi.yaml", Wanted(target, chosen))


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """The document with other values at these JSON pointers; None takes one out."""
    document = copy.deepcopy(ORDERS)
    for pointer, value in changes.items():
        *way, last = (key.replace("~1", "/") for key in pointer.split("/")[1:])
        at: Any = document
        for key in way:
            at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
        if value is None:
            del at[last]
        else:
            at[last] = value
    return document


def refused(document: Any, chosen: Any = None, target: str = "orders") -> list[str]:
    with pytest.raises(UsageError) as error:
        api(document, chosen, target)
    return str(error.value).splitlines()


def test_each_operation_is_a_tool_of_agentcores_words() -> None:
    by_name = {tool["name"]: tool for tool in api(ORDERS).tools}
    assert list(by_name) == ["getOrder", "changeOrder", "listOrders"]
    assert by_name["getOrder"] == {
        "name": "getOrder",
        "description": "One order.\n\nWith its lines.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "lines": {"type": "boolean", "description": "Default: false."},
                "X-Tenant": {"type": "string", "description": "Whose."},
            },
            "required": ["id", "X-Tenant"],
        },
    }
    assert by_name["changeOrder"]["inputSchema"]["required"] == ["id", "state"]
    of_change = by_name["changeOrder"]["inputSchema"]["properties"]
    assert of_change["state"]["description"] == "What it becomes. One of: 'open', 'closed'."
    assert of_change["lines"]["items"]["properties"]["count"] == {"type": "integer", "description": "At least 1."}
    assert by_name["listOrders"]["inputSchema"] == {"type": "object"}


def test_what_is_sent_is_what_the_calls_take_with_its_references() -> None:
    read = api(ORDERS)
    sent = json.loads(read.text("https://api.example.com/v1"))
    assert sent["servers"] == [{"url": "https://api.example.com/v1"}]
    change = sent["paths"]["/orders/{id}"]["put"]
    assert change["requestBody"]["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Change"}}}
    assert change["parameters"] == ORDERS["paths"]["/orders/{id}"]["parameters"]
    assert sent["components"] == {"schemas": {it: ORDERS["components"]["schemas"][it] for it in ("Change", "Line")}}
    assert not {"security", "securitySchemes", "callbacks", "oneOf", "text/csv"} & set(
        read.text("https://a.example").split('"')
    )
    assert read.text("https://a.example") == api(copy.deepcopy(ORDERS)).text("https://a.example")


def test_what_is_data_refers_to_nothing() -> None:
    data = {"$ref": "#/components/schemas/Unused", "oneOf": []}
    given = dict.fromkeys(("example", "default", "x-own"), data) | {"examples": [data], "enum": [data]}
    read = api(changed({STATE: {"type": "object"} | given, f"{LINES}/example": data}))
    sent = json.loads(read.text("https://a.example"))
    assert sent["components"]["schemas"]["Change"]["properties"]["state"]["enum"] == [data]
    assert set(sent["components"]["schemas"]) == {"Change", "Line"}


def test_examples_are_sent_with_what_they_refer_to() -> None:
    examples = {"A": {"$ref": "#/components/examples/B"}, "B": {"value": True}, "C": {"value": False}}
    shared = {"/components/examples": examples, f"{LINES}/examples": {"a": {"$ref": "#/components/examples/A"}}}
    sent = json.loads(api(changed(shared)).text("https://a.example"))
    assert set(sent["components"]["examples"]) == {"A", "B"}


def test_only_chosen_operations_are_tools_and_sent_and_judged() -> None:
    document = changed({"/paths/~1orders~1{id}/put/requestBody": {"content": {"text/csv": {}}}})
    read = api(document, {"listOrders": {}, "getOrder": {"description": "An order by its number."}})
    assert [tool["description"] for tool in read.tools] == ["An order by its number.", "All orders."]
    sent = json.loads(read.text("https://a.example"))
    assert {path: list(item) for path, item in sent["paths"].items()} == {"/orders/{id}": ["get"], "/orders": ["get"]}
    assert sent["paths"]["/orders/{id}"]["get"]["description"] == "An order by its number."
    assert "components" not in sent


def test_an_unknown_choice_says_what_there_is() -> None:
    [line] = refused(ORDERS, {"getOrders": {}})
    assert line.startswith("openapi.yaml: has no operation 'getOrders', which was chosen. Did you mean 'getOrder'?")


GET, PUT, LIST = "/paths/~1orders~1{id}/get", "/paths/~1orders~1{id}/put", "/paths/~1orders/get"
CHANGE = "/components/schemas/Change"
STATE = f"{CHANGE}/properties/state"
LINES = f"{GET}/parameters/0"


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"/swagger": "2.0"}, "/swagger", "Convert"),
        ({"/openapi": "3.2.0"}, "/openapi", "3.0.3"),
        ({"/openapi": 3.0}, "/openapi", "3.0.3"),
        ({"/openapi": None}, "", "no OpenAPI document"),
        ({"/info": None}, "", "'info'"),
        ({"/info/title": None}, "/info", "'title'"),
        ({"/servers": None}, "", "'servers'"),
        ({"/servers/0/url": None}, "/servers/0", "'url'"),
        ({"/paths": None}, "", "'paths'"),
        ({f"{LINES}/name": None}, LINES, "argument null"),
        ({f"{LINES}/in": None}, LINES, "'path'"),
        ({f"{PUT}/requestBody/content": None}, f"{PUT}/requestBody", "application/json"),
        ({f"{PUT}/requestBody/content/application~1json/schema": None}, f"{PUT}/requestBody/content/application~1json",
         "no 'schema'"),
        ({"/info/version": 1.0}, "/info/version", "quotes"),
        ({"/paths": {}}, "/paths", "operation"),
        ({"/servers": []}, "/servers", "where the API is"),
        ({"/servers": [{"url": "https://a.example"}, {"url": "https://b.example"}]}, "/servers", "several"),
        ({"/servers/0/url": "http://api.example.com"}, "/servers/0/url", "https://"),
        ({"/servers/0/url": "https://{tenant}.example.com"}, "/servers/0/url", "template"),
        ({"/servers/0/url": "https://10.0.0.1/v1"}, "/servers/0/url", "private"),
        ({"/servers/0/url": "https://[::1]/v1"}, "/servers/0/url", "private"),
        ({"/servers/0/url": "https://localhost"}, "/servers/0/url", "private"),
        ({"/servers/0/url": "/v1"}, "/servers/0/url", "https://"),
        ({"/servers/0/url": "https://user@api.example.com"}, "/servers/0/url", "https://"),
        ({"/servers/0/url": "https://api.example.com:port"}, "/servers/0/url", "no URL"),
        ({f"{GET}/operationId": None}, GET, "operationId"),
        ({f"{GET}/operationId": "listOrders"}, f"{LIST}/operationId", "Rename"),
        ({f"{GET}/operationId": "get order"}, f"{GET}/operationId", "refused by models"),
        ({f"{GET}/operationId": "g" * 56}, f"{GET}/operationId", "65 characters"),
        ({f"{LIST}/description": None}, LIST, "description"),
        ({f"{LIST}/servers": [{"url": "https://b.example"}]}, f"{LIST}/servers", "document's"),
        ({"/paths/~1orders/$ref": "other.yaml"}, "/paths/~1orders", "'$ref'"),
        ({f"{LIST}/requestBody": {"content": {}}}, f"{LIST}/requestBody", "carries none"),
        ({f"{LINES}/in": "cookie"}, f"{LINES}/in", "'cookie'"),
        ({f"{LINES}/in": "path"}, GET, "{lines}"),
        ({f"{LINES}/name": "li nes"}, f"{LINES}/name", "models refuse"),
        ({f"{LINES}/name": "id"}, LINES, "second argument"),
        ({f"{GET}/parameters/1/name": "Authorization"}, f"{GET}/parameters/1", "ignores"),
        *[({f"{LINES}/style": style}, f"{LINES}/style", "Remove it")
          for style in ("deepObject", "spaceDelimited", "pipeDelimited", "matrix", "label")],
        ({f"{LINES}/content": {"application/json": {}}}, f"{LINES}/content", "one of both"),
        ({f"{LINES}/examples": {"a": {"$ref": "#/components/examples/A"}}}, f"{LINES}/examples/a", "names nothing"),
        ({f"{LINES}/examples": {"a": 1}}, f"{LINES}/examples/a", "must be an object"),
        ({f"{LINES}/examples": [1]}, f"{LINES}/examples", "must be an object"),
        ({"/paths/~1orders": {"trace": ORDERS["paths"]["/orders"]["get"]}}, "/paths/~1orders/trace", "no TRACE"),
        ({f"{LINES}/style": "deepObject"}, f"{LINES}/style", "serializers"),
        ({f"{LINES}/explode": False}, f"{LINES}/explode", "serializers"),
        ({f"{LINES}/schema": None}, LINES, "'schema'"),
        ({f"{LINES}/schema": {"type": "object"}}, f"{LINES}/schema", "serializer"),
        ({"/paths/~1orders~1{id}/parameters": []}, GET, "no parameter 'id'"),
        ({f"{PUT}/requestBody/content/application~1json": None}, f"{PUT}/requestBody/content", "application/json"),
        ({f"{PUT}/requestBody/content/application~1json/schema": {"type": "array", "items": {"type": "string"}}},
         f"{PUT}/requestBody/content/application~1json/schema", "object"),
        ({f"{CHANGE}/properties/id": TEXT}, f"{PUT}/requestBody/content/application~1json/schema", "second"),
        ({f"{CHANGE}/oneOf": []}, CHANGE, "refuses 'oneOf'"),
        ({STATE: {"anyOf": [{"type": "string"}, {"type": "null"}]}}, STATE, "its one schema"),
        ({STATE: {"allOf": [{"type": "string"}]}}, STATE, "its one schema"),
        ({f"{STATE}/if": {}}, STATE, "refuses 'if'"),
        ({f"{STATE}/type": ["string", "null"]}, STATE, "left out of 'required'"),
        ({f"{STATE}/type": None}, STATE, "no 'type'"),
        ({f"{STATE}/type": "text"}, STATE, "'text'"),
        ({f"{STATE}/maxlength": 3}, STATE, "maxLength"),
        ({f"{STATE}/maxLength": "3"}, f"{STATE}/maxLength", "whole number"),
        ({f"{STATE}/patternProperties": {}}, STATE, "patternProperties"),
        ({STATE: {"$ref": "other.yaml#/State"}}, STATE, "outside"),
        ({STATE: {"$ref": "#/components/schemas/Nowhere"}}, STATE, "names nothing"),
        ({STATE: {"$ref": "#/paths/~1orders"}}, STATE, "none of a component"),
        ({"/components/schemas/Line/properties/whole": {"$ref": "#/components/schemas/Change"}},
         "/components/schemas/Line/properties/whole", "contains itself"),
        ({f"{CHANGE}/required": ["status"]}, f"{CHANGE}/required", "Did you mean 'state'?"),
        ({f"{CHANGE}/properties/lines/items": None}, f"{CHANGE}/properties/lines", "'items'"),
        ({f"{CHANGE}/properties/li€nes": {"type": "string"}},
         f"{CHANGE}/properties/li€nes", "models refuse"),
    ],
)  # fmt: skip
def test_what_agentcore_refuses_is_told_by_file_and_pointer(changes: dict[str, Any], pointer: str, words: str) -> None:
    lines = refused(changed(changes))
    start = f"openapi.yaml#{pointer}: " if pointer else "openapi.yaml: "
    assert any(line.startswith(start) and words in line for line in lines), lines


@pytest.mark.parametrize(
    ("at_place", "schema"),
    [
        (f"{LINES}/schema", {"anyOf": [TEXT, {"type": "null"}]}),
        (f"{LINES}/schema", {"type": ["string", "null"]}),
        (f"{LINES}/schema", {"$ref": "#/components/schemas/Nowhere"}),
        (f"{LINES}/schema", {"type": "array", "items": {"oneOf": [TEXT]}}),
        (f"{PUT}/requestBody/content/application~1json/schema", {"allOf": [{"$ref": CHANGE}]}),
        (f"{PUT}/requestBody/content/application~1json/schema", {}),
        (f"{PUT}/requestBody/content/application~1json/schema", 1),
    ],
)
def test_a_mistake_is_told_once(at_place: str, schema: Any) -> None:
    assert len(refused(changed({at_place: schema}))) == 1


def test_many_names_that_are_no_property_are_all_told() -> None:
    names = {"required": [f"missing{n}" for n in range(3_000)], "properties": {f"here{n}": TEXT for n in range(1_500)}}
    assert len(refused(changed({CHANGE: {"type": "object"} | names}))) == 3_000


def test_every_mistake_is_told_at_once() -> None:
    lines = refused(changed({f"{GET}/operationId": None, f"{STATE}/type": "text", "/servers": [], "/info": {}}))
    assert len(lines) == 5


def test_a_server_of_the_program_goes_before_the_documents() -> None:
    document = changed({"/servers/0/url": "http://localhost:8000"})
    read = open_api.of_value(document, "openapi.yaml", Wanted("orders", any_server=True))
    assert json.loads(read.text("https://api.example.com"))["servers"] == [{"url": "https://api.example.com"}]
    with pytest.raises(UsageError, match="private"):
        read.text("https://192.168.0.1")


def test_what_is_sent_has_a_bound_and_choosing_helps() -> None:
    document = changed({f"{CHANGE}/properties/state/example": "x" * open_api.LARGEST})
    with pytest.raises(UsageError, match="Choose fewer"):
        api(document).text("https://a.example")
    assert api(document, {"listOrders": {}}).text("https://a.example")


def test_references_that_multiply_end() -> None:
    schemas = {
        f"S{n}": {
            "type": "object",
            "properties": {key: {"$ref": f"#/components/schemas/S{n + 1}"} for key in "abcdefgh"},
        }
        for n in range(20)
    }
    document = changed({"/components/schemas": {"Change": schemas["S0"], **schemas, "S20": {"type": "string"}}})
    assert any("Make it smaller" in line for line in refused(document))


def test_security_is_asked_for_where_no_choice_is_without() -> None:
    assert not api(ORDERS).asks_to_sign_in
    document = changed({"/security": [{"key": []}], f"{GET}/security": [{}]})
    assert api(document).asks_to_sign_in
    assert not api(document, {"getOrder": {}}).asks_to_sign_in


def written(tmp_path: Any, text: str | bytes, name: str = "openapi.yaml") -> Any:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_yaml_has_jsons_types(tmp_path: Any) -> None:
    text = "a: no\nb: 2026-12-01\nc: 12:30\nd: 0777\ne: [1, 1.5, -2e3, true, null, ~]\nf: '1'\n200: ok\ng:\n"
    assert read(written(tmp_path, text)) == {
        "a": "no", "b": "2026-12-01", "c": "12:30", "d": "0777", "e": [1, 1.5, -2000.0, True, None, None], "f": "1",
        "200": "ok", "g": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("openapi.yaml", "a: 1\nb: 2\na: 3\n", "'a' twice"),
        ("openapi.yaml", "a: &x [1]\nb: *x\n", ":1: is used by a YAML alias"),
        ("openapi.yaml", "a: &x [*x]\n", "alias"),
        ("openapi.yaml", "a:\n  <<: {}\n", ":2: '<<'"),
        ("openapi.yaml", "a: !!python/object/apply:os.system [ls]\n", "tag"),
        ("openapi.yaml", "? [a]\n: 1\n", "key"),
        ("openapi.yaml", "a: 1\n---\nb: 1\n", "not valid YAML"),
        ("openapi.yaml", "a: [\n", ":2: is not valid YAML"),
        ("openapi.yaml", "", "empty"),
        ("openapi.yaml", b"a: \xff", "not valid YAML"),
        ("openapi.yaml", "[" * 5000, "nest"),
        ("openapi.yaml", "- " * 5000, "nest"),
        ("openapi.json", '{"a": 1, "a": 2}', "'a' twice"),
        ("openapi.json", '{"a": NaN}', "NaN"),
        ("openapi.json", '{\n"a" 1}', ":2: is not valid JSON"),
        ("openapi.json", "[" * 100_000, "nested"),
    ],
)
def test_a_file_that_is_none(tmp_path: Any, name: str, text: str | bytes, words: str) -> None:
    with pytest.raises(UsageError) as error:
        read(written(tmp_path, text, name))
    assert words in str(error.value)
    assert "openapi." in str(error.value)


def test_a_folder_has_one_document(tmp_path: Any) -> None:
    with pytest.raises(UsageError, match=r"Write openapi\.yaml"):
        find(tmp_path)
    path = written(tmp_path, "{}", "openapi.json")
    assert find(tmp_path) == path
    written(tmp_path, "{}")
    with pytest.raises(UsageError, match="Remove one"):
        find(tmp_path)

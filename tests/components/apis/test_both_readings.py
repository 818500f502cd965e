"""What the strict reading accepts, the lenient one of `policy` reads alike, by which matrix, pack and gateway go."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.apis.test_open_api import ORDERS
from toolgate.components.apis import open_api
from toolgate.components.apis.open_api import Wanted
from toolgate.components.checks.arguments import UsageError
from toolgate.policy.language import open_api as lenient

SERVER = "https://api.example.com"
TEXTS = st.text("ab .:é", max_size=8).map(lambda it: f"T{it}")
NAMES = st.from_regex(r"[a-zA-Z0-9_.-]{1,12}", fullmatch=True)
IDS = st.from_regex(r"[a-zA-Z0-9_-]{1,16}", fullmatch=True)
REFERENCES = [f"#/components/schemas/S{n}" for n in range(3)]


def _described(schema: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({key: st.just(it) for key, it in schema.items()}, optional={"description": TEXTS})


VALUES = st.one_of(
    _described({"type": "string"}),
    _described({"type": "string", "format": "date", "pattern": "^a"}),
    _described({"type": "string", "format": "email", "maxLength": 3}),
    _described({"type": "string", "enum": ["a", None, "b"], "nullable": True}),
    _described({"type": "integer", "format": "int64", "minimum": 1, "exclusiveMinimum": True}),
    _described({"type": "number", "exclusiveMaximum": 2.5, "default": 1}),
    _described({"type": "boolean", "example": True, "x-own": {"oneOf": []}}),
)
PLAIN = st.one_of(
    VALUES,
    _described({"type": "object"}),
    _described({"type": "object", "additionalProperties": {"type": "string"}}),
)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, inner, min_size=1, max_size=3).flatmap(
        lambda them: st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.just(them),
                "required": st.lists(st.sampled_from(sorted(them)), unique=True),
            }
        )
    )


SCHEMAS = st.recursive(
    PLAIN,
    lambda inner: st.one_of(st.fixed_dictionaries({"type": st.just("array"), "items": inner}), _objects(inner)),
    max_leaves=6,
)
# S0 refers to S1 and S2, S1 to S2: no circle.
REFERRED = [_objects(st.one_of(SCHEMAS, *(st.just({"$ref": it}) for it in REFERENCES[n + 1 :]))) for n in range(3)]


@st.composite
def parameters(draw: Any, place: str, names: Any) -> list[dict[str, Any]]:
    found = []
    for name in draw(names):
        schema = draw(st.one_of(VALUES, VALUES.map(lambda it: {"type": "array", "items": it})))
        schema = schema if place == "query" else draw(VALUES)
        written = {"name": name, "in": place, "schema": schema, "required": place == "path" or draw(st.booleans())}
        found.append(written | (draw(st.fixed_dictionaries({}, optional={"description": TEXTS}))))
    return found


@st.composite
def operations(draw: Any, name: str, method: str, in_path: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": name, "summary": draw(TEXTS)}
    found |= draw(st.fixed_dictionaries({}, optional={"description": TEXTS, "tags": st.just(["x"])}))
    taken = st.lists(NAMES, unique=True, max_size=3)
    found["parameters"] = draw(parameters("path", st.just(in_path))) + draw(parameters("query", taken))
    found["parameters"] += draw(parameters("header", st.lists(NAMES, unique=True, max_size=1)))
    if method in ("post", "put", "patch") and draw(st.booleans()):
        body = draw(st.one_of(_objects(SCHEMAS), st.just({"$ref": REFERENCES[0]})))
        found["requestBody"] = {"required": draw(st.booleans()), "content": {"application/json": {"schema": body}}}
    return found


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for name in draw(st.lists(IDS, unique=True, min_size=1, max_size=4)):
        in_path = draw(st.lists(st.from_regex(r"[a-z]{1,4}", fullmatch=True), unique=True, max_size=2))
        path = "/" + "/".join([draw(st.sampled_from(["a", "b", "~x"])), *[f"{{{it}}}" for it in in_path]])
        method = draw(st.sampled_from([it for it in lenient.METHODS if it != "trace"]))
        paths.setdefault(path, {})[method] = draw(operations(name, method, in_path))
    schemas = {f"S{n}": draw(it) for n, it in enumerate(REFERRED)}
    return {
        "openapi": draw(st.sampled_from(["3.0.3", "3.1.0"])),
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": SERVER}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"key": {}}},
    }


def skeleton(schema: Mapping[str, Any]) -> Any:
    """What both say of a schema: its types, and what must be there."""
    properties = schema.get("properties", {})
    return (
        schema["type"],
        {name: skeleton(child) for name, child in properties.items()},
        sorted(schema.get("required", [])) if properties else [],
        skeleton(schema["items"]) if "items" in schema else None,
    )


def agree(api: open_api.Api) -> None:
    text = api.text(str(api.server))
    other = lenient.operations(json.loads(text))
    assert [(it.name, it.method, it.path, it.description) for it in other] == [
        (it.tool["name"], it.method, it.path, it.tool["description"]) for it in api.operations
    ]
    for ours, theirs in zip(api.operations, other, strict=True):
        assert skeleton(ours.tool["inputSchema"]) == skeleton(theirs.input_schema)
        assert {argument.name for argument in theirs.arguments} == set(theirs.input_schema["properties"])
        assert not [it for it in theirs.arguments if it.place in (lenient.WHOLE_BODY, lenient.COOKIE)]
        assert theirs.server == api.server
    # What is sent reads as what it was made of.
    again = open_api.of_value(json.loads(text), "sent", Wanted("orders"))
    assert (again.tools, again.text(str(again.server))) == (api.tools, text)


def read(document: Any, may_say: Callable[[str], bool]) -> None:
    """The document is read alike, or each line of what is said about it may be said."""
    try:
        api = open_api.of_value(document, "openapi.yaml", Wanted("orders"))
    except UsageError as error:
        said = str(error).splitlines()
    else:
        said = []
        agree(api)
    assert all(map(may_say, said)), said
    for line in said:
        # A name that is written out cannot be read back, and one may have what ends the pointer.
        if "\\" not in line and line.startswith("openapi.yaml#"):
            parts = line.removeprefix("openapi.yaml#").split(": ")
            assert any(is_there(document, ": ".join(parts[:n])) for n in range(1, len(parts))), line


def is_there(document: Any, pointer: str) -> bool:
    """Whether a JSON pointer (RFC 6901) leads to something."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if not isinstance(document, dict | list) or (isinstance(document, dict) and key not in document):
            return False
        document = document[int(key)] if isinstance(document, list) else document[key]
    return True


def test_the_samples_agree() -> None:
    agree(open_api.of_value(ORDERS, "openapi.yaml", Wanted("orders")))


@settings(max_examples=150)
@given(documents())
def test_generated_documents_agree_or_are_told_what_is_wrong(document: dict[str, Any]) -> None:
    # What the generator leaves to chance: two arguments of a name.
    read(document, lambda line: "second argument" in line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.data())
def test_a_document_with_anything_anywhere_is_read_or_refused_and_never_breaks(data: st.DataObject) -> None:
    document = json.loads(json.dumps(ORDERS))
    at: Any = document
    while True:
        keys = list(at) if isinstance(at, dict) else range(len(at))
        key = data.draw(st.sampled_from(keys))
        inner = at[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.integers(0, 4)) == 0:
            at[key] = data.draw(JSON)
            break
        at = inner
    read(document, lambda line: line.startswith("openapi.yaml"))


def test_a_name_with_a_line_end_is_told_in_one_line() -> None:
    with pytest.raises(UsageError) as caught:
        open_api.of_value({**ORDERS, "paths": {"/a\r\n\x1b": None}}, "openapi.yaml", Wanted("orders"))
    assert str(caught.value).startswith("openapi.yaml#/paths/~1a\\r\\n\\x1b: must be an object")


@pytest.mark.parametrize("value", [None, [], "openapi", 3])
def test_a_document_is_an_object(value: Any) -> None:
    with pytest.raises(UsageError, match="must be an object"):
        open_api.of_value(value, "openapi.yaml", Wanted("orders"))

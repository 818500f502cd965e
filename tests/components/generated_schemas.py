"""Tool schemas of any shape that AgentCore's subset has, for hypothesis."""

from typing import Any

from hypothesis import strategies as st

SCALARS = st.sampled_from(["string", "integer", "number", "boolean"]).map(lambda kind: {"type": kind})
NAMES = st.text("abcdefg_", min_size=1, max_size=4)


def with_description(schema: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """The schemas, some of them described."""
    described = st.sampled_from([{}, {"description": "What it is: <b>ä</b> & more"}])
    return st.builds(lambda one, text: {**one, **text}, schema, described)


@st.composite
def objects(draw: st.DrawFn, children: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """Objects whose properties have these schemas."""
    properties = draw(st.dictionaries(NAMES, children, min_size=1, max_size=3))
    required = [name for name in properties if draw(st.booleans())]
    return {"type": "object", "properties": properties, "required": required}


SCHEMAS = st.recursive(
    with_description(SCALARS | st.just({"type": "object"})),
    lambda inner: with_description(objects(inner) | inner.map(lambda items: {"type": "array", "items": items})),
    max_leaves=12,
)
INPUTS = objects(SCHEMAS)
"""What a tool takes."""

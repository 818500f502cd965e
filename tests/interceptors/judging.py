"""Events judged in this process, without a child: what property tests and tables do by the thousand."""

import marshal
from typing import Any

from intercept import Interceptor
from mcp_messages import Answer, Context, Judged, Question, judge, read_declaration

from tests.interceptors import events


def judged(event: Any, interceptor: Interceptor | None = None, **declared: Any) -> Judged:
    """An event's answer by the functions of an interceptor, which declares what they look at.

    Args:
        event: The event.
        interceptor: None: one without functions.
        declared: More of the declaration.
    """
    decides = interceptor or Interceptor()
    said = read_declaration(events.declared(**(decides.registered() | declared)))

    def decide(questions: list[Question], context: Context) -> list[Answer]:
        assert said
        # As it would come to a child, and back.
        told, asked = marshal.loads(marshal.dumps((questions, [context.headers, context.claims])))
        answers: list[Answer] = marshal.loads(marshal.dumps(decides.decide(told, Context(*asked), said)))
        return answers

    return judge(event, said, decide)


def passed(judged: Judged) -> Any:
    """The body that goes on to the target."""
    return judged.answer["mcp"]["transformedGatewayRequest"]["body"]


def answered(judged: Judged) -> Any:
    """The body that the caller gets."""
    return judged.answer["mcp"]["transformedGatewayResponse"]["body"]


def status(judged: Judged) -> Any:
    """The HTTP status that the caller gets."""
    return judged.answer["mcp"]["transformedGatewayResponse"]["statusCode"]


def check_documented(event: Any, judged: Judged) -> None:
    """Check that an answer has the documented shape, and keeps the id."""
    answer = judged.answer
    kinds = {kind for kind in ("mcp", "http") if isinstance(event, dict) and kind in event} or {"mcp"}
    assert answer.keys() == {"interceptorOutputVersion", *kinds}
    assert answer["interceptorOutputVersion"] == "1.0"
    if "http" in answer:
        assert answer["http"]["transformedGatewayResponse"].keys() == {"statusCode", "contentType", "body"}
        assert answer["http"]["transformedGatewayResponse"]["statusCode"] == 403
    if "mcp" not in answer:
        return
    [(kind, value)] = answer["mcp"].items()
    mcp = event["mcp"] if isinstance(event, dict) and isinstance(event.get("mcp"), dict) else {}
    if kind == "transformedGatewayRequest":
        assert value.keys() == {"body"}
        assert "gatewayResponse" not in mcp
        _check_ids(mcp["gatewayRequest"]["body"], value["body"])
        return
    assert kind == "transformedGatewayResponse"
    response = mcp.get("gatewayResponse")
    if isinstance(response, dict) and response.get("isStreamingResponse") is True:
        assert value.keys() == {"body"}
    else:
        assert {"statusCode", "body"} <= value.keys() <= {"statusCode", "headers", "body"}
        assert type(value["statusCode"]) is int
    request = mcp.get("gatewayRequest")
    _check_ids(request.get("body") if isinstance(request, dict) else None, value["body"])


def _check_ids(before: Any, after: Any) -> None:
    """Each message that comes out has an id that came in, or none where there was none."""
    known = [it.get("id") for it in (before if isinstance(before, list) else [before]) if isinstance(it, dict)]
    for it in after if isinstance(after, list) else [after]:
        if isinstance(it, dict) and "id" in it:
            same = [(type(one), one) for one in known if isinstance(one, str | int | float)]
            assert it["id"] is None or (type(it["id"]), it["id"]) in same
    if isinstance(before, dict) and isinstance(after, dict) and type(before.get("id")) in (str, int):
        assert after["id"] == before["id"]

"""The results that the interceptor lets out."""

import json
from typing import Any

from intercept import Result, allow, redact
from interceptor import redacted

CARD = "4242 4242 4242 4242"


def answered(text: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], **more}


def test_a_result_is_shown_without() -> None:
    rows = [{"email": "ada@example.com", "card": CARD}]
    result = Result("orders___list", answered(json.dumps(rows), structuredContent={"rows": rows}, isError=False))
    shown = [{"email": "[e-mail address]", "card": "[card number]"}]
    assert redacted(result) == redact(answered(json.dumps(shown), structuredContent={"rows": shown}, isError=False))


def test_an_error_is_shown_without() -> None:
    value = {"code": -32603, "message": f"{CARD} was declined", "data": {"password": "x9"}}
    assert redacted(Result("orders___pay", value, failed=True)) == redact(
        {"code": -32603, "message": "[card number] was declined", "data": {"password": "[secret]"}}
    )


def test_a_result_with_nothing_in_it_goes_as_it_is() -> None:
    picture = {"type": "image", "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ", "mimeType": "image/png"}
    assert redacted(Result("orders___list", {"content": [picture], "structuredContent": {"total": 12}})) == allow()

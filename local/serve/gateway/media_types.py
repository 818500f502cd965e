"""Which media types a request has and takes. Source: RFC 9110, sections 8.3 and 12.5.1."""


def accepts(header: str | None, media_type: str) -> bool:
    """Whether a header Accept takes a media type; one that is not there takes all."""
    if not (header or "").strip():
        return True
    taken = {"*/*", f"{media_type.partition('/')[0]}/*", media_type}
    return any(_type(part) in taken and not _refused(part) for part in (header or "").split(","))


def is_json(content_type: str | None) -> bool:
    """Whether a header Content-Type says JSON."""
    return _type(content_type or "") == "application/json"


def _type(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def _refused(part: str) -> bool:
    """Whether a part of a header Accept has the weight 0."""
    _, *parameters = (it.replace(" ", "").lower() for it in part.split(";"))
    return any(it in {"q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000"} for it in parameters)

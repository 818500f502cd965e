"""What of a conversation may stand in traces: nothing, unless content may be logged."""

from collections.abc import MutableMapping

# strands reads its choices from this variable, a list separated by commas; the token names what is not redacted
# (strands/telemetry/tracer.py). Without the token prompts, answers and tool results are all recorded.
VARIABLE = "OTEL_SEMCONV_STABILITY_OPT_IN"
TOKEN = "gen_ai_unredacted_attributes="  # noqa: S105 - not a password


def configure(environment: MutableMapping[str, str], log_content: bool) -> None:
    """Have strands redact content in traces; whoever has chosen already what to keep is left alone.

    Args:
        environment: The process's environment; changed before strands reads it.
        log_content: Whether content may be recorded.
    """
    chosen = [token.strip() for token in environment.get(VARIABLE, "").split(",") if token.strip()]
    if not log_content and not any(token.startswith(TOKEN) for token in chosen):
        environment[VARIABLE] = ",".join([*chosen, TOKEN])

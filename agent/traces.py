"""What of a conversation is written for traces: nothing, unless content may be logged, or where nobody keeps any."""

import importlib
from collections.abc import Callable, MutableMapping
from typing import Any

from opentelemetry import trace

# strands reads its choices from this variable, a list separated by commas; the token names what is not redacted
# (strands/telemetry/tracer.py). Without the token prompts, answers and tool results are all recorded.
VARIABLE = "OTEL_SEMCONV_STABILITY_OPT_IN"
TOKEN = "gen_ai_unredacted_attributes="  # noqa: S105 - not a password
_WRITES = (
    "start_agent_span",
    "start_event_loop_cycle_span",
    "start_model_invoke_span",
    "start_tool_call_span",
    "end_tool_call_span",
)
"""Of strands' tracer: what puts the conversation into JSON, whether anybody keeps the span or not."""


def configure(environment: MutableMapping[str, str], log_content: bool) -> None:
    """Have strands redact content in traces; whoever has chosen already what to keep is left alone.

    Args:
        environment: The process's environment; changed before strands reads it.
        log_content: Whether content may be recorded.
    """
    chosen = [token.strip() for token in environment.get(VARIABLE, "").split(",") if token.strip()]
    if not log_content and not any(token.startswith(TOKEN) for token in chosen):
        environment[VARIABLE] = ",".join([*chosen, TOKEN])


def write_only_what_is_kept() -> None:
    """Have strands write out nothing for spans that nobody keeps: sixteen texts of JSON in an invocation with a tool.

    It has one tracer for all that it does, and no way to be given one but the variable that holds it. The one that it
    gets is its own where there is a provider of traces (with telemetry there is one before the agent starts). Where
    there is none, its spans carry on the trace that they belong to, and nothing else.
    """
    of_strands: Any = importlib.import_module("strands.telemetry.tracer")
    methods = {name: _where_kept(getattr(of_strands.Tracer, name)) for name in _WRITES}
    of_strands._tracer_instance = type("Tracer", (of_strands.Tracer,), methods)()  # as said above


def _where_kept(write: Callable[..., Any]) -> Callable[..., Any]:
    def write_where_kept(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider | trace.NoOpTracerProvider):
            return write(self, *args, **kwargs)
        # Of no use to who ends a span, and to who starts one it is what strands would get.
        return self.tracer.start_span(write.__name__)

    return write_where_kept

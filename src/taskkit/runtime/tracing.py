"""What of OpenTelemetry goes with a run. Imported where something else has loaded that: alone it costs 40 ms."""

from __future__ import annotations

from typing import Final

from opentelemetry import context as contexts, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from taskkit.model.error_info import ErrorInfo

_W3C: Final = TraceContextTextMapPropagator()


def current() -> str | None:
    """The current span as a W3C `traceparent`; None outside of one."""
    here = trace.get_current_span().get_span_context()
    if not here.is_valid:
        return None
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"


def context_of(trace_parent: str | None) -> contexts.Context:
    """A context with that span and nothing else; without any where it is None, or no `traceparent`."""
    carrier = {} if trace_parent is None else {"traceparent": trace_parent}
    return _W3C.extract(carrier, contexts.Context())


def enter(trace_parent: str) -> None:
    """Go on below that span, until this process ends."""
    contexts.attach(context_of(trace_parent))


def record_error(span: trace.Span, info: ErrorInfo) -> None:
    """Say in a span what went wrong; `info` has no secrets any more."""
    seen = {"type": info.name, "message": info.message, "stacktrace": info.stack or ""}
    span.add_event("exception", {f"exception.{key}": text for key, text in seen.items()})
    span.set_status(trace.StatusCode.ERROR, str(info))

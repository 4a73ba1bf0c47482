"""An attempt within a span of OpenTelemetry. Imported where something else has loaded that."""

from __future__ import annotations

from opentelemetry import trace

from taskkit.backends.base import Execution
from taskkit.model.exchange import Failed, Lease, Outcome, RetryAt, Signal
from taskkit.runtime.tracing import context_of, record_error


def traced(execution: Execution, lease: Lease) -> Execution:
    """The execution within a span; as it is where nobody would see one, and for what only cleans up."""
    if lease.kind == "cleanup":
        return execution
    if lease.run.request.trace_parent is None and isinstance(
        trace.get_tracer_provider(), trace.ProxyTracerProvider
    ):
        return execution  # loaded by some library, and not configured
    return _Traced(execution, lease)


class _Traced:
    """The span begins a trace of its own where the run was not asked for in one."""

    __slots__ = ("_execution", "_lease")

    def __init__(self, execution: Execution, lease: Lease) -> None:
        self._execution = execution
        self._lease = lease

    async def run(self) -> Outcome:
        with trace.use_span(
            self._span(), end_on_exit=True, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                outcome = await self._execution.run()
            except BaseException as error:  # no error of the task: the worker is coming to its end
                span.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise
            span.set_attribute("taskkit.attempt.outcome", type(outcome).__name__)
            if isinstance(outcome, Failed | RetryAt):
                record_error(span, outcome.error)
            return outcome

    def _span(self) -> trace.Span:
        request = self._lease.run.request
        return trace.get_tracer("taskkit").start_span(
            request.task_id,
            context_of(request.trace_parent),  # not what its worker was started in
            trace.SpanKind.CONSUMER,
            {
                "taskkit.task.id": request.task_id,
                "taskkit.run.id": request.run_id,
                "taskkit.attempt.number": self._lease.attempt,
                "taskkit.queue.name": request.queue,
            },
        )

    def resume(self, lease: Lease) -> None:
        self._execution.resume(lease)

    def tell(self, signal: Signal) -> None:
        self._execution.tell(signal)

"""Spans of OpenTelemetry round an attempt in a child process."""

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import taskkit

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["plain", "asynchronous"])
async def test_what_a_child_asks_for_is_below_its_attempt(
    name: str, tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    async with taskkit.local():
        with provider.get_tracer("of the tests").start_as_current_span("request"):
            handle = await getattr(tasks, name).trigger(4)
        (await handle.result()).unwrap()
    provider.shutdown()
    spans = exporter.get_finished_spans()
    (request,) = [span for span in spans if span.name == "request"]
    (attempt,) = [span for span in spans if span.name == handle.task_id]
    below = [span for span in spans if span.name == "add-one"]
    assert attempt.parent is not None
    assert attempt.parent.span_id == request.context.span_id
    assert {span.parent and span.parent.span_id for span in below} == {attempt.context.span_id}
    assert {span.context.trace_id for span in spans} == {request.context.trace_id}

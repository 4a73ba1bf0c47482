"""Spans of OpenTelemetry from who asks for a run to what is done in it."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import taskkit
from taskkit import Context, Debounce, Retry, logger, runs, schedules, task
from taskkit.runtime import current_backend
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio
ON_TEMPORAL_TOO = pytest.mark.parametrize(
    "work", ["memory", "sqlite", "postgres", "temporal"], indirect=True
)


class Spans:
    """A tracer, and the spans that have ended by their names."""

    def __init__(self, exporter: InMemorySpanExporter, tracer: trace.Tracer) -> None:
        self._exporter = exporter
        self.begin = tracer.start_as_current_span

    def named(self, name: str) -> list[ReadableSpan]:
        """In the order in which they began."""
        found = [span for span in self._exporter.get_finished_spans() if span.name == name]
        return sorted(found, key=lambda span: span.start_time or 0)

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    """What a program has that has configured the SDK."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield Spans(exporter, provider.get_tracer("of the tests"))
    provider.shutdown()


def ids(span: ReadableSpan) -> tuple[int, int]:
    assert span.context is not None
    return span.context.trace_id, span.context.span_id


def parent(span: ReadableSpan) -> tuple[int, int] | None:
    return None if span.parent is None else (span.parent.trace_id, span.parent.span_id)


def errors(span: ReadableSpan) -> Sequence[Any]:
    return [dict(event.attributes or {}) for event in span.events if event.name == "exception"]


@ON_TEMPORAL_TOO
@pytest.mark.usefixtures("app")
async def test_each_attempt_is_a_span_below_that_which_asked_for_the_run(spans: Spans) -> None:
    @task(id="leaf", queue="leaves")
    def leaf() -> None:
        with logger.trace("step"):
            pass

    @task(id="branch", retry=Retry(max_attempts=2, min_timeout=0))
    async def branch(ctx: Context) -> None:
        if ctx.attempt.number == 1:
            raise ValueError("once")
        await leaf.trigger_and_wait().unwrap()

    with spans.begin("request"):
        handle = await branch.trigger()
    (await handle.result()).unwrap()
    request, (first, second) = spans.one("request"), spans.named("branch")
    assert parent(first) == parent(second) == ids(request)
    assert dict(second.attributes or {}) == {
        "taskkit.task.id": "branch",
        "taskkit.run.id": handle.id,
        "taskkit.attempt.number": 2,
        "taskkit.queue.name": "task/branch",
        "taskkit.attempt.outcome": "Completed",
    }
    assert (first.status.status_code, second.status.status_code) == (
        trace.StatusCode.ERROR,
        trace.StatusCode.UNSET,
    )
    assert first.status.description == "ValueError: once"
    (error,) = errors(first)
    assert (error["exception.type"], error["exception.message"]) == ("ValueError", "once")
    assert "raise ValueError" in error["exception.stacktrace"]
    assert (first.attributes or {})["taskkit.attempt.outcome"] == "RetryAt"
    below = spans.one("leaf")
    assert parent(below) == ids(second)
    assert (below.attributes or {})["taskkit.queue.name"] == "leaves"
    assert parent(spans.one("step")) == ids(below)


async def test_the_context_is_kept_by_the_store(url: str, spans: Spans) -> None:
    @task(id="later")
    async def later() -> None: ...

    with taskkit.use_backend(url), spans.begin("request"):
        handle = await later.trigger()
    await current_backend.close_those_here()
    current_backend.forget(url)
    async with taskkit.worker(url, drain=0):
        await runs.poll(handle.id)
    assert parent(spans.one("later")) == ids(spans.one("request"))


async def test_a_replay_and_a_debounced_run_belong_to_who_asked_last(spans: Spans) -> None:
    @task(id="work")
    async def work() -> None: ...

    clock = FakeClock()
    async with taskkit.local(clock=clock):
        with spans.begin("first"):
            handle = await work.trigger(debounce=Debounce("key", delay=5, mode="trailing"))
        with spans.begin("second"):
            await work.trigger(debounce=Debounce("key", delay=5, mode="trailing"))
        await clock.advance(5)
        await handle.result()
        with spans.begin("third"):
            again = await runs.replay(handle.id)
        await again.result()
        last = await runs.replay(handle.id)
        await last.result()
    assert [parent(span) for span in spans.named("work")] == [
        ids(spans.one("second")),
        ids(spans.one("third")),
        None,
    ]


async def test_a_run_asked_for_outside_of_a_span_begins_a_trace(spans: Spans) -> None:
    @task(id="alone")
    async def alone() -> None: ...

    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def ask() -> None:  # in the context of before the span
        await ready
        await (await alone.trigger()).result()

    asking = asyncio.create_task(ask())
    with spans.begin("start-up"):
        async with taskkit.local():
            ready.set_result(None)
            await asking
    assert parent(spans.one("alone")) is None


async def test_a_tick_belongs_to_no_trace_even_that_of_its_workers_start(spans: Spans) -> None:
    ticked = asyncio.Event()

    @schedules.task(id="hourly", cron="0 * * * *")
    async def hourly() -> None:
        ticked.set()

    clock = FakeClock()
    with spans.begin("start-up"):
        async with taskkit.local(clock=clock):
            await clock.advance(3600)
            await ticked.wait()
    assert [parent(span) for span in spans.named("hourly")] == [None]


async def test_plain_code_asks_in_its_span_too(spans: Spans) -> None:
    @task(id="asked")
    async def asked() -> None: ...

    def ask() -> None:
        with spans.begin("request"):
            asked.sync.trigger().sync.result()

    async with taskkit.local():
        await asyncio.to_thread(ask)
    assert parent(spans.one("asked")) == ids(spans.one("request"))


async def test_a_span_says_how_its_attempt_ended(spans: Spans, reached: Any) -> None:
    @task(id="hangs", max_duration=60)
    async def hangs() -> None:
        await asyncio.Event().wait()

    @task(id="tells", retry=Retry(max_attempts=1))
    async def tells() -> None:
        logger.mask("lovelace")
        raise ValueError("lovelace is wrong")

    clock = FakeClock()
    async with taskkit.local(clock=clock):
        late = await hangs.trigger()
        await clock.advance(60)
        assert (await late.result()).status == "TIMED_OUT"
        assert (await (await tells.trigger()).result()).status == "FAILED"
        canceled = await hangs.trigger()
        await reached(canceled, lambda run: run.is_executing)
        await canceled.cancel()
        await canceled.result()
    slow, ended = spans.named("hangs")
    assert slow.status.status_code is trace.StatusCode.ERROR
    assert [error["exception.type"] for error in errors(slow)] == ["MaxDurationError"]
    assert ended.status.status_code is trace.StatusCode.UNSET
    assert (ended.attributes or {})["taskkit.attempt.outcome"] == "Canceled"
    assert "lovelace" not in spans.one("tells").to_json()
    assert "is wrong" in spans.one("tells").to_json()


WITHOUT = """
import asyncio, sys, taskkit
from taskkit import runs, task

@task(id="leaf")
async def leaf() -> None: ...

@task(id="branch")
async def branch() -> str:
    return (await leaf.trigger()).id

async def main(url, run_id):
    async with taskkit.worker(url, drain=0):
        child = (await runs.poll(run_id)).output
        print((await runs.poll(child)).request.trace_parent)
        print("opentelemetry.trace" in sys.modules)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_program_without_opentelemetry_hands_the_context_on(
    tmp_path: Path, spans: Spans
) -> None:
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    with taskkit.use_backend(url), spans.begin("request"):
        handle = await taskkit.tasks.trigger("branch")
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
    await current_backend.close_those_here()
    command = [sys.executable, "-c", WITHOUT, url, handle.id]
    said = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert said.stdout.splitlines() == [carrier["traceparent"], "False"], said.stderr


async def test_where_no_sdk_is_configured_the_context_is_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    seen: list[trace.SpanContext] = []

    @task(id="looks")
    async def looks() -> None:
        seen.append(trace.get_current_span().get_span_context())

    here = trace.SpanContext(1, 2, is_remote=False)
    async with taskkit.local():
        await (await looks.trigger()).result()
        with trace.use_span(trace.NonRecordingSpan(here)):
            handle = await looks.trigger()
        await handle.result()
    assert [(one.is_valid, one.trace_id, one.span_id) for one in seen] == [
        (False, 0, 0),
        (True, 1, 2),
    ]

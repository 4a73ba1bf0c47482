"""Payloads, outputs and what else a server takes only up to a size, on a real dev server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from taskkit import Retry, metadata, task, wait
from taskkit.definition.context import Context
from taskkit.errors import PayloadTooLargeError
from taskkit.model.exchange import Entry, EntryKind
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks

pytest.importorskip("temporalio", reason="temporalio is not installed")

from taskkit.backends.temporal import TemporalBackend  # needs it

pytestmark = pytest.mark.anyio
WITHIN = 40.0
SMALL = 100_000
"""What others say of a run until it goes on next has room for less than three of it."""


@pytest.fixture(autouse=True)
def _own_tasks() -> Iterator[None]:
    with own_tasks():
        yield


@pytest.fixture
async def backend(temporal_url: str) -> AsyncIterator[TemporalBackend]:
    backend = TemporalBackend.from_url(temporal_url)
    home = Home(lambda: backend, name="temporal")
    async with Worker(home, "production", concurrency=50, drain=0):
        yield backend


async def said(backend: TemporalBackend, run_id: str, size: int, key: str) -> None:
    """Somebody else sets a metadata value of this size."""
    entry = Entry(EntryKind.METADATA, {"type": "set", "key": key, "value": "x" * size})
    await backend.append(run_id, [entry], flush_id=uuid4().hex, lease=None)


@pytest.mark.parametrize("length", [100, 10_000, 999_000])
@pytest.mark.parametrize("letter", ["x", '"', "é"])
async def test_what_is_not_too_large_comes_back_as_it_was(
    backend: TemporalBackend, length: int, letter: str
) -> None:
    given = letter * (length // len(letter.encode()) // (2 if letter == '"' else 1))

    @task
    async def same(text: str) -> str:
        metadata.set("text", text[:100_000])
        await wait.sleep(0.01)
        return text

    handle = await same.trigger(given)
    assert (await handle.retrieve()).payload == given
    assert (await handle.result(timeout=WITHIN)).unwrap() == given
    run = await handle.retrieve()
    assert len(run.request.payload or b"") <= length + 10
    assert run.payload == given
    assert run.metadata["text"] == given[:100_000]


async def test_a_large_payload_is_not_in_the_memo(backend: TemporalBackend) -> None:
    @task
    async def count(text: str) -> int:
        return len(text)

    handle = await count.trigger("x" * 100_000)
    assert (await handle.result(timeout=WITHIN)).unwrap() == 100_000
    description = await backend.reader.describe(handle.id)
    assert description is not None
    assert description.raw_description.workflow_execution_info.memo.ByteSize() < 2_000


async def test_an_output_that_is_too_large_fails_the_run_and_is_told_to_its_hooks(
    backend: TemporalBackend,
) -> None:
    told: list[str] = []

    @task(retry=None)
    async def large() -> str:
        return "x" * 1_000_001

    @large.on_failure
    async def _(error: BaseException) -> None:
        told.append(type(error).__name__)

    result = await (await large.trigger()).result(timeout=WITHIN)
    assert result.status is RunStatus.FAILED
    assert result.error is not None
    assert (result.error.name, result.error.code) == ("PayloadTooLargeError", "TASK_OUTPUT_ERROR")
    assert "1,000,003 bytes" in result.error.message
    assert told == ["PayloadTooLargeError"]


async def test_many_long_errors_do_not_stop_a_run(backend: TemporalBackend) -> None:
    line = "x" * 1_000

    def raised(depth: int) -> None:
        if depth:
            try:
                raised(depth - 1)
            except ValueError as error:
                raise ValueError(line) from error
        raise ValueError(line)

    @task(retry=Retry(max_attempts=10, min_timeout=0.01, max_timeout=0.01, randomize=False))
    async def failing() -> None:
        raised(15)

    handle = await failing.trigger()
    result = await handle.result(timeout=WITHIN)
    assert result.status is RunStatus.FAILED
    run = await handle.retrieve()
    assert len(run.attempts) == 10
    stacks = [one.error.stack for one in run.attempts if one.error is not None]
    assert stacks[0] is None
    assert stacks[-1] is not None


async def test_a_token_with_too_large_an_output_is_not_completed(backend: TemporalBackend) -> None:
    token_id = f"token_{uuid4().hex}"
    await backend.create_token(token_id, timeout=None, tags=(), idempotency_key=None, now=None)
    with pytest.raises(PayloadTooLargeError, match="1,000,001 bytes"):
        await backend.complete_token(token_id, b'"%s"' % (b"1" * 999_999), now=None)
    output = b'"%s"' % (b"1" * 999_998)
    assert await backend.complete_token(token_id, output, now=None)
    token = await backend.get_token(token_id, now=None)
    assert token is not None
    assert token.output == "1" * 999_998


async def test_what_others_say_of_a_waiting_run_does_not_end_it(backend: TemporalBackend) -> None:
    @task
    async def patient(ctx: Context) -> int:
        token = await wait.create_token()
        metadata.set("token", token.id)
        await metadata.flush()
        await wait.for_token(token)
        return len(metadata.current())

    handle = await patient.trigger()
    run = await handle.retrieve()
    while run.status is not RunStatus.WAITING:
        run = await handle.retrieve()
    appended = [said(backend, handle.id, 2 * SMALL, f"key{number}") for number in range(12)]
    errors = await asyncio.gather(*appended, return_exceptions=True)
    refused = [error for error in errors if error is not None]
    assert len(refused) == 11  # those who came in the same moment too
    assert {type(error) for error in refused} == {PayloadTooLargeError}
    assert "say it again once the run has gone on" in str(refused[0])
    run = await handle.retrieve()
    assert (run.status, len(run.metadata)) == (RunStatus.WAITING, 2)
    with pytest.raises(PayloadTooLargeError, match="What others say of run"):
        await said(backend, handle.id, 2 * SMALL, "late")
    await said(backend, handle.id, 5, "small")
    await backend.complete_token(run.metadata["token"], None, now=None)
    assert (await handle.result(timeout=WITHIN)).unwrap() == 3


async def test_what_is_said_of_a_run_that_nobody_works_on_is_refused_too(
    temporal_url: str,
) -> None:
    """No workflow says so then: it is known from what was said before."""
    backend = TemporalBackend.from_url(temporal_url)
    await backend.open()
    run_id = f"run_{uuid4().hex}"
    request = TriggerRequest(run_id, "nobody", None, queue="task/nobody")
    await backend.enqueue([request], batch_id=None, now=None)
    for key in ("first", "second"):
        await said(backend, run_id, SMALL, key)
    first = asyncio.gather(
        *(said(backend, run_id, SMALL // 2, key) for key in ("third", "fourth", "fifth")),
        return_exceptions=True,
    )
    assert sorted(type(error).__name__ for error in await first) == [
        "NoneType",
        "PayloadTooLargeError",
        "PayloadTooLargeError",
    ]
    (run,) = await backend.get([run_id])
    assert run is not None
    assert len(run.metadata) == 3
    await backend.cancel([run_id], reason=None, now=None)
    await said(backend, run_id, 3 * SMALL, "over")  # is heard by nobody
    await backend.close()


async def test_a_signal_that_is_too_large_is_refused(backend: TemporalBackend) -> None:
    @task
    async def waits() -> None:
        await wait.sleep(3600)

    handle = await waits.trigger()
    entry = Entry(EntryKind.METADATA, {"type": "set", "key": "key", "value": "x" * 2_200_000})
    with pytest.raises(PayloadTooLargeError, match="too large"):
        await backend.append(handle.id, [entry], flush_id=uuid4().hex, lease=None)
    await handle.cancel()


async def test_a_parent_of_many_children_gets_all_answers(backend: TemporalBackend) -> None:
    @task
    async def child(number: int) -> int:
        return number

    @task
    async def parent() -> int:
        results = await child.batch_trigger_and_wait(range(100))
        return sum(result.unwrap() for result in results.runs)

    handle = await parent.trigger()
    assert (await handle.result(timeout=WITHIN)).unwrap() == 4_950
    description = await backend.reader.describe(handle.id)
    assert description is not None
    assert description.history_length < 500

"""Trying a part of a task again: `retry.on_throw` and `retry.http`."""

import asyncio
import functools
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from taskkit import AbortTaskRunError, CompleteTaskWithOutput, Retry, RunStatus, retry, task
from taskkit.errors import InvalidOptionError, MissingExtraError, SyncInAsyncError
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]

STEADY = Retry(4, 2, 60, 2, randomize=False)
AT_ONCE = Retry(3, 0)


class Flaky:
    """Fails some times, and notes when it was called with what."""

    def __init__(self, clock: FakeClock, failures: int, error: Exception | None = None) -> None:
        self.clock = clock
        self.failures = failures
        self.error = error or ValueError("broken")
        self.calls: list[tuple[float, int | None]] = []

    async def plain(self) -> str:
        return self.numbered_plain(None)

    async def numbered(self, attempt: int) -> str:
        return self.numbered_plain(attempt)

    def numbered_plain(self, attempt: int | None) -> str:
        self.calls.append((self.clock.monotonic(), attempt))
        if len(self.calls) <= self.failures:
            raise self.error
        return "done"


async def run(clock: FakeClock, fn: Callable[..., Any], policy: Retry | None = STEADY) -> Any:
    """The result of a task that tries `fn`."""

    @task(id="work", retry=None)
    async def work() -> Any:
        return await retry.on_throw(fn, policy)

    handle = await work.trigger()
    await clock.advance("1h")
    return await handle.result()


# --- on_throw -----------------------------------------------------------------------------------


async def test_a_function_is_called_again_after_the_pauses_of_the_policy(clock: FakeClock) -> None:
    flaky = Flaky(clock, 3)
    assert (await run(clock, flaky.plain)).output == "done"
    assert flaky.calls == [(0, None), (2, None), (6, None), (14, None)]


async def test_a_function_that_takes_a_parameter_is_told_the_number(clock: FakeClock) -> None:
    for name in ("numbered", "numbered_plain"):
        flaky = Flaky(clock, 2)
        assert (await run(clock, getattr(flaky, name), AT_ONCE)).output == "done"
        assert [number for _, number in flaky.calls] == [1, 2, 3]


async def test_a_parameter_with_a_default_is_not_ours(clock: FakeClock) -> None:
    bound = functools.partial(lambda first, second="own": [first, second], "bound")
    assert (await run(clock, lambda given="own": given)).output == "own"
    assert (await run(clock, bound)).output == ["bound", "own"]
    assert (await run(clock, dict)).output == {}


async def test_the_last_error_is_raised_when_no_call_is_left(clock: FakeClock) -> None:
    flaky = Flaky(clock, 99)
    result = await run(clock, flaky.plain)
    assert result.status == RunStatus.FAILED
    assert (result.error.name, result.error.message) == ("ValueError", "broken")
    assert len(flaky.calls) == 4


async def test_without_a_policy_there_are_three_calls(clock: FakeClock) -> None:
    flaky = Flaky(clock, 99)
    await run(clock, flaky.plain, None)
    first, second, third = (moment for moment, _ in flaky.calls)
    assert first == 0
    assert 1 <= second < 2
    assert 2 <= third - second < 4


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AbortTaskRunError("no use"), RunStatus.FAILED),
        (CompleteTaskWithOutput("early"), RunStatus.COMPLETED),
    ],
)
async def test_an_error_that_ends_the_run_ends_the_tries(
    clock: FakeClock, error: Exception, status: RunStatus
) -> None:
    flaky = Flaky(clock, 99, error)
    assert (await run(clock, flaky.plain)).status == status
    assert len(flaky.calls) == 1


async def test_a_cancel_ends_the_tries(clock: FakeClock) -> None:
    flaky = Flaky(clock, 99)

    @task
    async def work() -> None:
        await retry.on_throw(flaky.plain, Retry(50, 10, 10, 1))

    handle = await work.trigger()
    await clock.advance(1)
    await handle.cancel()
    await clock.advance("1h")
    assert (await handle.result()).status == RunStatus.CANCELED
    assert len(flaky.calls) == 1


async def test_a_plain_task_tries_in_its_own_thread(clock: FakeClock) -> None:
    plain, awaited = Flaky(clock, 2), Flaky(clock, 1)

    @task(retry=None)
    def work() -> list[Any]:
        return [
            retry.sync.on_throw(plain.numbered_plain, STEADY),
            retry.sync.on_throw(awaited.plain, STEADY),
        ]

    handle = await work.trigger()
    await clock.advance("1h")
    assert (await handle.result()).output == ["done", "done"]
    assert plain.calls == [(0, 1), (2, 2), (6, 3)]
    assert awaited.calls == [(6, None), (8, None)]


async def test_on_throw_works_outside_of_a_task(clock: FakeClock) -> None:
    flaky = Flaky(clock, 2)
    assert await retry.on_throw(flaky.plain, AT_ONCE) == "done"
    with pytest.raises(ValueError, match="broken"):
        await retry.on_throw(Flaky(clock, 9).plain, AT_ONCE)
    plain = Flaky(clock, 2)
    assert await asyncio.to_thread(retry.sync.on_throw, plain.numbered_plain, AT_ONCE) == "done"
    with pytest.raises(SyncInAsyncError, match=r"await retry\.on_throw"):
        retry.sync.on_throw(dict)


# --- http ---------------------------------------------------------------------------------------


class Site:
    """Answers requests from a script: a status, or an error to raise; the last one for all that follow."""

    def __init__(self, clock: FakeClock, *script: int | type[httpx.TransportError]) -> None:
        self.clock = clock
        self.script = list(script)
        self.requests: list[httpx.Request] = []
        self.moments: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.moments.append(self.clock.monotonic())
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, int):
            return httpx.Response(answer, text=f"answer {len(self.requests)}")
        raise answer("no luck", request=request)

    async def ask(self, **options: Any) -> Any:
        """The status and text that a task gets, or the name of its error."""

        @task(id="work", retry=None)
        async def work() -> Any:
            transport = httpx.MockTransport(self)
            async with httpx.AsyncClient(transport=transport) as client:
                response = await retry.http("https://site.test/x", client=client, **options)
            return [response.status_code, response.text]

        handle = await work.trigger()
        await self.clock.advance("1h")
        result = await handle.result()
        return result.output if result.ok else result.error and result.error.name


async def test_a_response_that_is_fine_is_returned(clock: FakeClock) -> None:
    site = Site(clock, 200)
    assert await site.ask() == [200, "answer 1"]
    (request,) = site.requests
    assert (request.method, str(request.url)) == ("GET", "https://site.test/x")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 599])
async def test_a_status_that_may_pass_is_tried_again(clock: FakeClock, status: int) -> None:
    site = Site(clock, status, status, 200)
    assert await site.ask() == [200, "answer 3"]
    first, second, third = site.moments
    assert first == 0
    assert 1 <= second < 2
    assert 2 <= third - second < 4
    assert [request.headers["x-retry-count"] for request in site.requests] == ["1", "2", "3"]


@pytest.mark.parametrize("status", [302, 400, 404, 422])
async def test_another_status_is_returned_at_once(clock: FakeClock, status: int) -> None:
    site = Site(clock, status)
    assert await site.ask() == [status, "answer 1"]


async def test_the_last_response_is_returned_whatever_its_status(clock: FakeClock) -> None:
    site = Site(clock, 503)
    assert await site.ask() == [503, "answer 3"]


async def test_at_most_ten_requests_are_sent(clock: FakeClock) -> None:
    site = Site(clock, 503)
    assert await site.ask(by_status={"all": Retry(50, 1, 1, 1)}) == [503, "answer 10"]


@pytest.mark.parametrize(
    ("statuses", "tried"),
    [
        ("503", [503]),
        ("5xx", [500, 503, 504, 599]),
        ("500-503, 404", [404, 500, 503]),
        ("all", [404, 429, 500, 503, 504, 599]),
    ],
)
async def test_statuses_may_be_chosen(clock: FakeClock, statuses: str, tried: list[int]) -> None:
    for status in (404, 429, 500, 503, 504, 599):
        site = Site(clock, status)
        await site.ask(by_status={statuses: Retry(2, 0)})
        assert len(site.requests) == 1 + (status in tried), status


async def test_the_first_policy_that_matches_counts(clock: FakeClock) -> None:
    site = Site(clock, 503)
    await site.ask(by_status={"503": Retry(1), "5xx": Retry(5, 0)})
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("error", "option"),
    [
        (httpx.ConnectError, "connection_error"),
        (httpx.ReadError, "connection_error"),
        (httpx.RemoteProtocolError, "connection_error"),
        (httpx.ConnectTimeout, "timeout_error"),
        (httpx.ReadTimeout, "timeout_error"),
    ],
)
async def test_a_connection_that_fails_is_tried_again(
    clock: FakeClock, error: type[httpx.TransportError], option: str
) -> None:
    assert await Site(clock, error, error, 200).ask() == [200, "answer 3"]
    assert await Site(clock, error).ask() == error.__name__
    site = Site(clock, error)
    assert await site.ask(**{option: Retry(5, 0)}) == error.__name__
    assert len(site.requests) == 5


async def test_an_error_that_will_not_pass_is_raised_at_once(clock: FakeClock) -> None:
    site = Site(clock, httpx.UnsupportedProtocol)
    assert await site.ask() == "UnsupportedProtocol"
    assert len(site.requests) == 1


async def test_the_request_is_sent_as_it_is_given(clock: FakeClock) -> None:
    site = Site(clock, 503, 200)
    await site.ask(
        method="POST", headers={"x-own": "1"}, params={"q": "a b"}, json={"n": 1}, timeout="5s"
    )
    for request in site.requests:
        assert (request.method, request.url.query) == ("POST", b"q=a+b")
        assert (request.headers["x-own"], request.content) == ("1", b'{"n":1}')
        assert request.extensions["timeout"]["read"] == 5


@pytest.mark.parametrize("wrong", ["5x", "", "99", "500-", "teapot", "500-5xx"])
async def test_statuses_that_mean_nothing_are_refused(wrong: str) -> None:
    with pytest.raises(InvalidOptionError, match="by_status"):
        await retry.http("https://site.test", by_status={wrong: Retry()})


async def test_without_httpx_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)  # as if it were not installed
    with pytest.raises(MissingExtraError, match=r'pip install "buster-tasks\[http\]"'):
        await retry.http("https://site.test")


async def test_a_plain_program_sends_requests_too(clock: FakeClock) -> None:
    site = Site(clock, 200)

    def program() -> int:
        client = httpx.AsyncClient(transport=httpx.MockTransport(site))
        return retry.sync.http("https://site.test", client=client).status_code

    assert await asyncio.to_thread(program) == 200

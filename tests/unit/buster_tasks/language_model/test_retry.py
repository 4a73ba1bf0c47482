import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, strategies as st

from buster_tasks.language_model.errors import (
    LanguageModelError,
    ModelAuthenticationError,
    ModelUnavailableError,
    RateLimitedError,
)
from buster_tasks.language_model.retry import retry_after_of, with_retries
from taskkit import Retry
from taskkit.testing import FakeClock

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
POLICY = Retry(max_attempts=4, min_timeout=1, max_timeout=60, randomize=False)
DOWN = ModelUnavailableError


class Asked:
    """What is asked again: fails with these errors, and says when it was asked."""

    def __init__(self, clock: FakeClock, *errors: LanguageModelError) -> None:
        self.times: list[float] = []
        self._clock, self._errors = clock, list(errors)

    async def __call__(self, number: int) -> str:
        self.times.append(self._clock.monotonic())
        assert number == len(self.times)
        if self._errors:
            raise self._errors.pop(0)
        return "yes"


async def ask(
    clock: FakeClock, asked: Asked, *, deadline: float = 1_000, policy: Retry = POLICY
) -> str:
    async def move() -> None:
        while True:
            await clock.advance(0.5)

    moving = asyncio.create_task(move())
    try:
        return await with_retries(asked, policy=policy, deadline=deadline, clock=clock)
    finally:
        moving.cancel()


@pytest.mark.anyio
async def test_what_comes_and_goes_is_asked_again_after_growing_pauses() -> None:
    clock = FakeClock()
    asked = Asked(clock, DOWN("1"), DOWN("2"), DOWN("3"))
    assert await ask(clock, asked) == "yes"
    assert asked.times == [0, 1, 3, 7]


@pytest.mark.anyio
async def test_the_last_error_is_raised_when_no_attempt_is_left() -> None:
    clock = FakeClock()
    asked = Asked(clock, *(DOWN(str(n)) for n in range(9)))
    with pytest.raises(ModelUnavailableError, match="3") as caught:
        await ask(clock, asked)
    assert len(asked.times) == 4
    assert caught.value.__notes__ == ["This was attempt 4."]


@pytest.mark.anyio
async def test_an_error_that_stays_is_raised_at_once() -> None:
    clock = FakeClock()
    asked = Asked(clock, ModelAuthenticationError("No."))
    with pytest.raises(ModelAuthenticationError) as caught:
        await ask(clock, asked)
    assert asked.times == [0]
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.anyio
async def test_the_provider_may_ask_for_a_longer_pause_not_for_a_shorter_one() -> None:
    clock = FakeClock()
    asked = Asked(clock, RateLimitedError("", retry_after=30), DOWN("", retry_after=0.1))
    assert await ask(clock, asked) == "yes"
    assert asked.times == [0, 30, 32]


@pytest.mark.anyio
async def test_nobody_waits_beyond_the_deadline() -> None:
    clock = FakeClock()
    asked = Asked(clock, DOWN("1"), DOWN("2"), DOWN("3"))
    with pytest.raises(ModelUnavailableError, match="2"):
        await ask(clock, asked, deadline=3)
    assert asked.times == [0, 1]


@given(
    pauses=st.lists(st.none() | st.floats(0, 100), max_size=6),
    deadline=st.floats(0, 200),
    attempts=st.integers(1, 8),
)
def test_no_attempt_begins_at_the_deadline_or_later(
    pauses: list[float | None], deadline: float, attempts: int
) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        asked = Asked(clock, *(DOWN("", retry_after=pause) for pause in pauses))
        policy = Retry(max_attempts=attempts, min_timeout=1, max_timeout=60)
        try:
            asking = asyncio.create_task(
                with_retries(asked, policy=policy, deadline=deadline, clock=clock)
            )
            await clock.advance(deadline + 1)
            assert asking.done()
            await asking
        except ModelUnavailableError:
            pass
        assert len(asked.times) <= attempts
        assert all(moment < deadline for moment in asked.times[1:])

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=40), usegmt=True)}, 40.0),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=40), usegmt=True)}, 0.0),
        ({"retry-after": "Tue, 01 Jan 2030 12:00:05 -0000"}, 5.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_the_headers_ask_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_of(headers, NOW) == seconds


@given(st.text())
def test_no_header_is_an_error(text: str) -> None:
    seconds = retry_after_of({"retry-after": text}, NOW)
    assert seconds is None or seconds >= 0

"""What a wait refuses, and where. How runs wait is in `runtime/test_waits.py`."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskkit import RunStatus, task, wait
from taskkit.errors import InvalidDurationError, InvalidOptionError, NotInTaskError
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]

NAIVE = datetime(2030, 1, 1)  # noqa: DTZ001 - the mistake that is tested

REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: wait.sleep(-1), InvalidDurationError, "wait.sleep's duration is -1"),
    (lambda: wait.sleep("1 h"), InvalidDurationError, "wait.sleep's duration is '1 h'"),
    (lambda: wait.sleep(math.nan), InvalidDurationError, "wait.sleep's duration is nan"),
    (lambda: wait.sleep(math.inf), InvalidDurationError, "wait.sleep's duration is inf"),
    (lambda: wait.sleep(True), InvalidDurationError, "wait.sleep's duration is True"),
    (lambda: wait.sleep(None), InvalidDurationError, "wait.sleep's duration is None"),  # type: ignore[arg-type]  # the mistake that is tested
    (wait.for_, InvalidOptionError, "wait.for_'s duration is None: give a length, such as seconds=30."),
    (lambda: wait.for_(seconds=-5), InvalidDurationError, "wait.for_'s duration is datetime.timedelta"),
    (lambda: wait.for_(hours="2"), InvalidDurationError, "wait.for_'s duration is {'hours': '2'}: give numbers"),  # type: ignore[arg-type]  # the mistake that is tested
    (lambda: wait.for_(days=math.nan), InvalidDurationError, "wait.for_'s duration is {'days': nan}"),
    (lambda: wait.for_(weeks=math.inf), InvalidDurationError, "wait.for_'s duration is {'weeks': inf}"),
    (lambda: wait.until(NAIVE), InvalidOptionError, "wait.until's moment is datetime.datetime(2030, 1, 1, "),
    (lambda: wait.until("tomorrow"), InvalidOptionError, "wait.until's moment is 'tomorrow': give an aware datetime"),  # type: ignore[arg-type]  # the mistake that is tested
    (
        lambda: wait.until(datetime(2029, 12, 31, tzinfo=UTC), raise_if_past=True),
        InvalidOptionError,
        "it is in the past.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "said"), REFUSED)
async def test_what_cannot_be_waited_for_raises_in_the_task(
    call: Callable[[], Any], error: type[Exception], said: str
) -> None:
    @task(retry=None)
    async def work() -> None:
        with pytest.raises(error) as caught:
            await call()
        assert said in str(caught.value)

    result = await (await work.trigger()).result()
    assert result.ok, result.error


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: wait.sleep(1), "wait.sleep"),
        (lambda: wait.for_(seconds=1), "wait.for_"),
        (lambda: wait.until(datetime.now(UTC) + timedelta(hours=1)), "wait.until"),
    ],
)
async def test_outside_of_a_task_each_names_itself(call: Callable[[], Any], name: str) -> None:
    with pytest.raises(NotInTaskError) as caught:
        await call()
    assert caught.value.call == name
    assert str(caught.value).startswith(f"{name} works only inside a running task")


async def test_units_are_added_up(clock: FakeClock) -> None:
    @task()
    async def work() -> None:
        await wait.for_(weeks=1, days=1, hours=1, minutes=1, seconds=0.5)

    handle = await work.trigger()
    length = 8 * 86400 + 3600 + 60 + 0.5
    await clock.advance(length - 0.001)
    assert (await handle.retrieve()).status == RunStatus.WAITING
    await clock.advance(0.001)
    assert (await handle.retrieve()).is_success

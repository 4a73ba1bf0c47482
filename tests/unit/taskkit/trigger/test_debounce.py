"""Triggers that become one run."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from taskkit import Debounce, RunStatus, Worker, metadata, runs, task, tasks, wait
from taskkit.backends.memory.debounces import Debounces
from taskkit.errors import InvalidDurationError, InvalidOptionError
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio
LEADING, TRAILING = Debounce("k", delay="5s"), Debounce("k", delay="5s", mode="trailing")


async def test_triggers_become_one_run_after_the_last_of_them(
    app: Worker, clock: FakeClock
) -> None:
    seen: list[int] = []

    @task()
    async def save(number: int) -> None:
        seen.append(number)

    handles = []
    for number in range(4):
        handles.append(await save.trigger(number, debounce=LEADING))
        await clock.advance(4)
    assert len({handle.id for handle in handles}) == 1
    assert not any(handle.is_cached for handle in handles)
    assert (await handles[0].retrieve()).status is RunStatus.DELAYED
    assert seen == []
    await clock.advance(1)
    assert (await handles[3].result()).ok
    assert seen == [0]


async def test_trailing_takes_what_the_last_trigger_says(app: Worker, clock: FakeClock) -> None:
    seen: list[Any] = []

    class Login(BaseModel):
        password: SecretStr

    @task()
    async def log_in(login: Login) -> None:
        seen.append((login.password.get_secret_value(), metadata.current()))

    first, last = Login(password=SecretStr("old")), Login(password=SecretStr("new"))
    handle = await log_in.trigger(
        first, debounce=TRAILING, tags="a", metadata={"n": 1}, machine="micro", max_duration=9
    )
    await log_in.trigger(last, debounce=TRAILING, tags="b", metadata={"n": 2}, max_attempts=7)
    run = await handle.retrieve()
    assert (run.tags, run.machine, run.request.max_attempts) == (("b",), "micro", 7)
    assert run.request.max_duration == 9
    assert run.payload == {"password": "********"}
    await clock.advance(5)
    assert seen == [("new", {"n": 2})]


async def test_a_run_that_has_begun_is_joined_by_nobody(app: Worker, clock: FakeClock) -> None:
    @task()
    async def save() -> None:
        await wait.sleep("1h")

    first = await save.trigger(debounce=LEADING)
    await clock.advance(5)
    assert (await first.retrieve()).status is RunStatus.WAITING
    second = await save.trigger(debounce=LEADING)
    assert second.id != first.id
    await second.cancel()
    assert (await save.trigger(debounce=LEADING)).id not in (first.id, second.id)


async def test_keys_belong_to_their_task(app: Worker) -> None:
    @task()
    async def save() -> None: ...

    @task()
    async def load() -> None: ...

    handles = [await one.trigger(debounce=LEADING) for one in (save, load, save, load)]
    assert [handle.id for handle in handles[:2]] == [handle.id for handle in handles[2:]]
    assert handles[0].id != handles[1].id


async def test_max_delay_lets_a_run_go_and_makes_a_new_one(app: Worker, clock: FakeClock) -> None:
    seen: list[tuple[int, float]] = []

    @task()
    async def save(number: int) -> None:
        seen.append((number, clock.monotonic()))

    bounded = Debounce("k", delay=5, mode="trailing", max_delay=timedelta(seconds=10))
    for number in range(6):  # at 0, 3, 6, 9, 12, 15
        await save.trigger(number, debounce=bounded)
        await clock.advance(3)
    await clock.advance("1m")
    # Those at 0 and 3 are due at 8, because 6 + 5 is beyond 10; those at 6, 9 at 14, and so on.
    assert seen == [(1, 8.0), (3, 14.0), (5, 20.0)]


async def test_a_run_can_be_moved_while_it_is_debounced(app: Worker, clock: FakeClock) -> None:
    @task()
    async def save() -> None: ...

    handle = await save.trigger(debounce=LEADING)
    await runs.reschedule(handle.id, "1h")
    assert (await save.trigger(debounce=LEADING)).id == handle.id  # pushes it no nearer
    await clock.advance("59m")
    assert (await handle.retrieve()).status is RunStatus.DELAYED
    await clock.advance("1m")
    assert (await handle.retrieve()).status is RunStatus.COMPLETED


async def test_a_child_that_is_waited_for_may_be_a_run_that_others_asked_for(
    app: Worker, clock: FakeClock
) -> None:
    @task()
    async def save(number: int) -> int:
        return number

    @task()
    async def parent(number: int) -> int:
        return await save.trigger_and_wait(number, debounce=LEADING).unwrap()

    batch = await parent.batch_trigger([1, 2])
    await clock.advance(5)
    assert [result.unwrap() for result in await batch.results()] == [1, 1]
    assert len([run async for run in runs.list(task=save)]) == 1


async def test_items_of_one_batch_join_too(app: Worker, clock: FakeClock) -> None:
    @task()
    async def save(number: int) -> int:
        return number

    items = [save.item(number, debounce=TRAILING) for number in range(3)]
    batch = await save.batch_trigger(items)
    await clock.advance(5)
    assert [result.output for result in await batch.results()] == [2, 2, 2]


async def test_a_trigger_by_id_joins_as_well(app: Worker) -> None:
    @task()
    async def save() -> None: ...

    handle = await save.trigger(debounce=LEADING)
    assert (await tasks.trigger("save", debounce=LEADING)).id == handle.id


async def test_a_run_that_was_pushed_back_often_leaves_no_timers(
    app: Worker, clock: FakeClock
) -> None:
    @task()
    async def save() -> None: ...

    for _ in range(1_000):
        await save.trigger(debounce=LEADING)
    assert len(app.backend._life._timers._heap) <= 2  # type: ignore[attr-defined]  # the memory backend's


async def test_keys_whose_run_has_begun_are_forgotten(
    app: Worker, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    @task()
    async def save() -> None: ...

    debounces: Debounces = app.backend._debounces  # type: ignore[attr-defined]  # the memory backend's
    debounces._sweep_at = 10
    for number in range(10):
        await save.trigger(debounce=Debounce(f"k{number}", delay=5))
    await clock.advance(5)
    await save.trigger(debounce=LEADING)
    assert list(debounces._pending) == [("save", "k")]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Debounce("", delay=5),
        lambda: Debounce("k" * 513, delay=5),
        lambda: Debounce(7, delay=5),  # type: ignore[arg-type]  # what is refused
        lambda: Debounce("k", delay=0.999),
        lambda: Debounce("k", delay="500ms"),
        lambda: Debounce("k", delay=5, mode="both"),  # type: ignore[arg-type]  # what is refused
        lambda: Debounce("k", delay=5, max_delay=4),
    ],
)
def test_a_debounce_that_cannot_be_is_refused(make: Any) -> None:
    with pytest.raises(InvalidOptionError, match="Debounce"):
        make()


def test_a_delay_is_a_duration() -> None:
    assert Debounce("k" * 512, delay="1m", max_delay="1h").delay_seconds == 60
    assert Debounce("k", delay=1).max_delay_seconds is None
    for delay in ("soon", -1, float("nan"), None):
        with pytest.raises(InvalidDurationError):
            Debounce("k", delay=delay)  # type: ignore[arg-type]  # what is refused


async def test_a_trigger_takes_a_debounce_and_no_delay_beside_it(app: Worker) -> None:
    @task()
    async def save() -> None: ...

    with pytest.raises(InvalidOptionError, match="give a Debounce"):
        await save.trigger(debounce="k")  # type: ignore[call-overload]  # what is refused
    with pytest.raises(InvalidOptionError, match="Leave it out"):
        await save.trigger(debounce=LEADING, delay="1h")

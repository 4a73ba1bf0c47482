"""The ways to ask for runs: one, many, by id, mixed; once for each idempotency key."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

import taskkit
from taskkit import (
    Queue,
    Retry,
    Run,
    RunHandle,
    RunStatus,
    batch,
    idempotency_keys,
    runs,
    task,
    tasks,
)
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import InvalidOptionError, StoreUnavailableError, TaskkitError
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


async def stored(**filters: Any) -> list[Run]:
    return [run async for run in runs.list(**filters)]


def make_double() -> Any:
    @task(id="double")
    async def double(number: int) -> int:
        return 2 * number

    return double


# --- many at once -----------------------------------------------------------------------------------


async def test_items_are_payloads_or_payloads_with_options() -> None:
    double = make_double()
    many = await double.batch_trigger([1, double.item(2, tags=["vip"], delay="1h")])
    assert many.id.startswith("batch_")
    assert [run.tags for run in reversed(await stored(batch=many.id))] == [(), ("vip",)]
    assert (await many.runs[0].result()).unwrap() == 2
    assert (await many.runs[1].retrieve()).status == RunStatus.DELAYED


async def test_a_batch_by_id_and_of_several_tasks() -> None:
    double = make_double()

    @task()
    async def upper(text: str) -> str:
        return text.upper()

    either: Any
    for either in ("double", double):
        many = await tasks.batch_trigger(either, [1, double.item(2)])
        assert [result.output for result in await many.results()] == [2, 4]
    mixed = await batch.trigger([double.item(3), upper.item("x")])
    assert [result.output for result in await mixed.results()] == [6, "X"]
    assert [handle.task_id for handle in mixed.runs] == ["double", "upper"]
    assert len(await stored(batch=mixed.id)) == 2


async def test_a_batch_from_a_generator_loses_nothing() -> None:
    double = make_double()
    calls = [
        double.batch_trigger(number for number in (1, 2, 3)),
        double.with_options(tags="a").batch_trigger(number for number in (1, 2, 3)),
        tasks.batch_trigger("double", (number for number in (1, 2, 3))),
        batch.trigger(double.item(number) for number in (1, 2, 3)),
        double.batch_trigger({1: "a", 2: "b", 3: "c"}.keys()),
    ]
    for call in calls:
        assert [result.output for result in await (await call).results()] == [2, 4, 6]


async def test_a_batch_of_nothing() -> None:
    many = await make_double().batch_trigger([])
    assert (many.runs, await many.results(), await stored()) == ([], [], [])


class Point(BaseModel):
    x: int


@pytest.mark.parametrize("items", ["abc", b"abc", {"x": 1}, Point(x=1), 5, None])
async def test_what_is_one_payload_is_no_batch(items: Any) -> None:
    double = make_double()
    calls: list[Callable[[], Any]] = [
        lambda: double.batch_trigger(items),
        lambda: tasks.batch_trigger("double", items),
        lambda: batch.trigger(items),
        lambda: double.batch_trigger_and_wait(items),
        lambda: tasks.batch_trigger_and_wait("double", items),
        lambda: batch.trigger_and_wait(items),
    ]
    for call in calls:
        with pytest.raises(InvalidOptionError) as caught:
            await call()
        assert "the batch is " in str(caught.value)
        assert "give a list of payloads, or of task.item(payload, ...)." in str(caught.value)
    assert await stored() == []


async def test_an_item_of_another_task_is_refused() -> None:
    double = make_double()

    @task()
    async def other(number: int) -> None: ...

    for call in (
        lambda: double.with_options(tags="a").batch_trigger([other.item(1)]),
        lambda: double.batch_trigger([1, other.item(1)]),
        lambda: tasks.batch_trigger("double", [other.item(1)]),
    ):
        with pytest.raises(InvalidOptionError) as caught:
            await call()
        assert (
            "a batch item is 'other': this is a batch of task 'double'; use batch.trigger"
            in str(caught.value)
        )
    assert await stored() == []


async def test_a_bare_payload_in_a_batch_of_any_tasks_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match=r"a batch item is 5: give task\.item\(payload"):
        await batch.trigger([5])  # type: ignore[list-item]  # the mistake that is tested


async def test_trigger_and_poll_gives_the_run_that_has_ended() -> None:
    make_double()
    run = await tasks.trigger_and_poll("double", 4, tags=["a"])
    assert (run.status, run.output, run.tags) == (RunStatus.COMPLETED, 8, ("a",))


# --- idempotency keys -------------------------------------------------------------------------------


async def test_the_same_key_gives_the_same_run() -> None:
    double = make_double()
    first = await double.trigger(1, idempotency_key="a")
    again = await double.trigger(2, idempotency_key="a")
    other = await double.trigger(3, idempotency_key="b")
    assert (first.is_cached, again.is_cached, other.is_cached) == (False, True, False)
    assert again.id == first.id != other.id
    assert repr(again).endswith("(cached)>")
    assert (await again.result()).output == 2
    assert len(await stored()) == 2


async def test_a_key_is_its_tasks_own() -> None:
    @task()
    async def other(number: int) -> None: ...

    first = await make_double().trigger(1, idempotency_key="a")
    second = await other.trigger(1, idempotency_key="a")
    assert not second.is_cached
    assert first.id != second.id


async def test_outside_a_raw_key_is_global_and_a_hashed_one_is_taken_as_it_is() -> None:
    double = make_double()
    hashed = hashlib.sha256(b"a").hexdigest()
    first = await double.trigger(1, idempotency_key="a")
    for same in (
        hashed,
        idempotency_keys.create("a"),
        idempotency_keys.create("a", "global"),
        ["a"],
    ):
        assert (await double.trigger(1, idempotency_key=same)).id == first.id
    assert (await first.retrieve()).idempotency_key == hashed
    always_hashed = idempotency_keys.create(hashed)
    assert not (await double.trigger(1, idempotency_key=always_hashed)).is_cached


async def test_inside_a_task_a_raw_key_counts_for_the_run_and_a_global_one_for_all() -> None:
    double = make_double()

    @task()
    async def parent() -> list[str]:
        raw = [await double.trigger(1, idempotency_key="a") for _ in range(2)]
        shared = await double.trigger(
            1, idempotency_key=idempotency_keys.create("a", scope="global")
        )
        return [raw[0].id, raw[1].id, shared.id]

    first, second = [(await (await parent.trigger()).result()).unwrap() for _ in range(2)]
    assert first[0] == first[1]
    assert second[0] == second[1] != first[0]
    assert first[2] == second[2]
    assert (await double.trigger(1, idempotency_key="a")).id == first[2]


async def test_a_run_key_holds_over_attempts_and_an_attempt_key_does_not(clock: FakeClock) -> None:
    double = make_double()
    seen: list[tuple[str, str]] = []

    @task(retry=Retry(2, 0, 0))
    async def parent(ctx: taskkit.Context) -> None:
        run_key = await double.trigger(1, idempotency_key=idempotency_keys.create("a"))
        own_key = await double.trigger(
            2, idempotency_key=idempotency_keys.create("a", scope="attempt")
        )
        seen.append((run_key.id, own_key.id))
        if ctx.attempt.number == 1:
            raise ValueError("once more")

    await (await parent.trigger()).result()
    assert seen[0][0] == seen[1][0]
    assert seen[0][1] != seen[1][1]


ENDS = {
    "FAILED": False,
    "TIMED_OUT": False,
    "EXPIRED": False,
    "CANCELED": True,
    "COMPLETED": True,
}


async def _end(how: str, clock: FakeClock) -> tuple[Any, RunHandle[Any]]:
    @task(id="ends", retry=None, max_duration=5, queue=Queue("ends"))
    async def ends(how: str) -> None:
        if how == "FAILED":
            raise ValueError("broken")
        if how == "TIMED_OUT":
            await asyncio.Event().wait()

    options: dict[str, Any] = {"delay": "1h"} if how == "CANCELED" else {}
    handle = await ends.trigger(how, idempotency_key="a", **options)
    if how == "CANCELED":
        await handle.cancel()
    await clock.advance(10)
    return ends, handle


@pytest.mark.parametrize(("how", "holds"), [one for one in ENDS.items() if one[0] != "EXPIRED"])
async def test_which_ends_free_the_key(how: str, holds: bool, clock: FakeClock) -> None:
    ends, handle = await _end(how, clock)
    assert (await handle.retrieve()).status == how
    again = await ends.trigger("COMPLETED", idempotency_key="a")
    assert again.is_cached is holds
    assert (again.id == handle.id) is holds


async def test_an_expired_run_frees_its_key(clock: FakeClock) -> None:
    double = make_double()
    backend = MemoryBackend()
    with taskkit.use_backend(backend):
        handle = await double.trigger(1, idempotency_key="a", ttl="1h")
        later = clock.now() + timedelta(days=36500)
        await backend.advance(now=later, limit=10)
        assert (await handle.retrieve()).status == RunStatus.EXPIRED
        assert not (await double.trigger(1, idempotency_key="a")).is_cached


@pytest.mark.parametrize(("ttl", "seconds"), [("1h", 3600), (90, 90), (None, 30 * 86400)])
async def test_a_key_holds_for_its_time(ttl: Any, seconds: float, clock: FakeClock) -> None:
    double = make_double()
    first = await double.trigger(1, idempotency_key="a", idempotency_key_ttl=ttl)
    await clock.advance(seconds - 0.001)
    assert (await double.trigger(1, idempotency_key="a")).id == first.id
    await clock.advance(0.001)
    again = await double.trigger(1, idempotency_key="a")
    assert (again.is_cached, again.id != first.id) == (False, True)


async def test_the_same_key_twice_in_one_batch_is_one_run() -> None:
    double = make_double()
    many = await double.batch_trigger(
        [double.item(number, idempotency_key="a") for number in (1, 2)] + [3]
    )
    assert [handle.is_cached for handle in many.runs] == [False, True, False]
    assert many.runs[0].id == many.runs[1].id
    assert [result.output for result in await many.results()] == [2, 2, 6]
    assert len(await stored()) == 2


async def test_the_same_key_twice_in_one_awaited_batch_is_one_run_and_ends() -> None:
    double = make_double()

    @task()
    async def parent() -> list[int]:
        items = [double.item(number, idempotency_key="a") for number in (1, 2)]
        outputs: list[int] = await double.batch_trigger_and_wait(items).unwrap()
        return outputs

    assert (await (await parent.trigger()).result()).unwrap() == [2, 2]
    assert len(await stored(task="double")) == 1


async def test_a_child_that_a_key_leads_to_has_its_result_waited_for() -> None:
    double = make_double()
    key = idempotency_keys.create("a", scope="global")
    await (await double.trigger(1, idempotency_key=key)).result()

    @task()
    async def parent() -> int:
        output: int = await double.trigger_and_wait(2, idempotency_key=key).unwrap()
        return output

    assert (await (await parent.trigger()).result()).unwrap() == 2


async def test_a_batch_that_is_repeated_finishes_what_a_failure_left() -> None:
    class Failing(MemoryBackend):
        """Stores the first of a batch, and then does not answer; once."""

        is_broken = True

        async def enqueue(self, requests: Any, *, batch_id: str | None, now: Any) -> Any:
            if self.is_broken:
                type(self).is_broken = False
                await super().enqueue(requests[:1], batch_id=batch_id, now=now)
                raise StoreUnavailableError("no answer in 5 s")
            return await super().enqueue(requests, batch_id=batch_id, now=now)

    double = make_double()
    items = [double.item(number, idempotency_key=f"item-{number}") for number in range(3)]
    with taskkit.use_backend(Failing()):
        with pytest.raises(StoreUnavailableError):
            await double.batch_trigger(items)
        many = await double.batch_trigger(items)
        assert [handle.is_cached for handle in many.runs] == [True, False, False]
        assert len(await stored()) == 3


async def test_a_trigger_inside_a_task_is_a_child_and_the_same_twice_are_two() -> None:
    double = make_double()

    @task()
    async def parent() -> list[str]:
        return [(await double.trigger(1)).id for _ in range(2)]

    handle = await parent.trigger()
    first, second = (await handle.result()).unwrap()
    assert first != second
    assert {run.parent_id for run in await stored(task="double")} == {handle.id}


async def test_faults_are_errors_of_taskkit() -> None:
    with pytest.raises(TaskkitError):
        await tasks.trigger("nobody")

"""Batches of any tasks. What all batches do is in `trigger/test_calls.py`."""

from typing import Any

import pytest

from taskkit import batch, runs, task
from taskkit.errors import BatchNotFoundError, InvalidOptionError
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


def make_tasks() -> tuple[Any, Any]:
    @task(id="double")
    async def double(number: int) -> int:
        return 2 * number

    @task(id="upper", retry=None)
    async def upper(text: str) -> str:
        if not text:
            raise ValueError("empty")
        return text.upper()

    return double, upper


async def test_runs_of_several_tasks_with_options_of_their_own(clock: FakeClock) -> None:
    double, upper = make_tasks()
    many = await batch.trigger(
        [double.item(1), upper.item("x", delay="1h"), upper.item("", tags=["empty"])]
    )
    await clock.advance("1h")
    results = await many.results()
    assert [(one.ok, one.output) for one in results] == [(True, 2), (True, "X"), (False, None)]
    assert [run.payload async for run in runs.list(batch=many.id, tag="empty")] == [""]


async def test_inside_a_task_they_are_waited_for() -> None:
    double, upper = make_tasks()

    @task()
    async def parent() -> list[Any]:
        done = await batch.trigger_and_wait([double.item(1), upper.item(""), upper.item("x")])
        assert done.id.startswith("batch_")
        return [one.output for one in done.runs]

    assert (await (await parent.trigger()).result()).unwrap() == [2, None, "X"]


async def test_a_batch_can_be_looked_up_later() -> None:
    double, upper = make_tasks()
    many = await batch.trigger([double.item(1), upper.item("x")])
    await many.results()
    found = await batch.retrieve(many.id)
    assert found.id == many.id
    assert [run.id for run in found.runs] == [handle.id for handle in many.runs]


async def test_a_batch_that_nobody_knows() -> None:
    with pytest.raises(BatchNotFoundError, match="batch_0"):
        await batch.retrieve("batch_0")


@pytest.mark.parametrize("items", [[1], ["double"], [None], [("double", 1)]])
async def test_an_item_is_made_by_its_task(items: Any) -> None:
    with pytest.raises(InvalidOptionError) as caught:
        await batch.trigger(items)
    assert "give task.item(payload, ...) for each run of the batch." in str(caught.value)
    assert [run async for run in runs.list()] == []

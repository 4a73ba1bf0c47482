"""Records of a run, also in stdlib logging, and never the reason that a task fails."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

import taskkit
from taskkit import Retry, logger, runs, task, wait
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


async def records_of(body: Callable[[], Any], **options: Any) -> list[dict[str, Any]]:
    """What a task that does this has logged, as data."""

    @task(id="work", retry=None)
    async def work() -> None:
        body()

    handle = await work.trigger(**options)
    (await handle.result()).unwrap()
    return [entry.data async for entry in runs.logs(handle.id)]


async def test_each_level_is_kept_on_the_run_with_its_properties() -> None:
    taskkit.configure(log_level="debug")

    def body() -> None:
        logger.debug("a detail")
        logger.log("said", {"rows": 1})
        logger.info("said", {"rows": 2, "from": "dict"}, rows=3)
        logger.warn("hm", of=[1, {"a": None}])
        logger.error("oh", code="E1")

    assert await records_of(body) == [
        {"level": "debug", "message": "a detail", "properties": {}, "attempt": 1},
        {"level": "log", "message": "said", "properties": {"rows": 1}, "attempt": 1},
        {"level": "info", "message": "said", "properties": {"rows": 3, "from": "dict"}, "attempt": 1},
        {"level": "warn", "message": "hm", "properties": {"of": [1, {"a": None}]}, "attempt": 1},
        {"level": "error", "message": "oh", "properties": {"code": "E1"}, "attempt": 1},
    ]  # fmt: skip


async def test_records_go_to_stdlib_logging_with_the_place_of_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @task()
    async def work() -> None:
        logger.info("fetched %d rows", {"rows": 120})
        logger.warn("slow")

    with caplog.at_level(logging.INFO, "taskkit.task"):
        handle = await work.trigger()
        await handle.result()
    first, second = [record for record in caplog.records if record.name == "taskkit.task"]
    assert (first.levelno, first.getMessage()) == (logging.INFO, "fetched %d rows")
    assert (first.filename, first.funcName) == ("test_logger.py", "work")
    assert first.__dict__["taskkit"] == {"properties": {"rows": 120}, "run_id": handle.id}
    assert second.levelno == logging.WARNING


async def test_outside_of_a_run_they_are_ordinary_records(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "taskkit.task"):
        logger.info("outside", rows=1)
        with logger.trace("a block"):
            pass
    first, second = caplog.records
    assert first.__dict__["taskkit"] == {"properties": {"rows": 1}, "run_id": None}
    assert second.getMessage() == "a block"
    assert second.__dict__["taskkit"]["properties"]["outcome"] == "ok"


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("debug", ["debug", "log", "info", "warn", "error"]),
        ("info", ["log", "info", "warn", "error"]),
        ("warn", ["warn", "error"]),
        ("error", ["error"]),
        ("none", []),
    ],
)
async def test_log_level_says_what_is_kept(
    level: str, kept: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    taskkit.configure(log_level=level)

    def body() -> None:
        for name in ("debug", "log", "info", "warn", "error"):
            getattr(logger, name)(name)

    with caplog.at_level(logging.DEBUG, "taskkit.task"):
        found = await records_of(body)
    assert [record["level"] for record in found] == kept
    assert [
        record.getMessage() for record in caplog.records if record.name == "taskkit.task"
    ] == kept


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("properties", "shown"),
    [
        ({"a": float("nan")}, {"a": "NaN"}),
        ({"a": b"\xff"}, {"a": "_w=="}),
        ({"a": object}, {"a": "<class 'object'>"}),
        ({"a": Unshowable()}, {"a": "<Unshowable>"}),
        ({"a": "\ud800"}, {"a": "'\\ud800'"}),
        ({1: 2}, {"1": 2}),
        (5, {"properties": 5}),
        (None, {}),
        ([1, 2], {"properties": [1, 2]}),
    ],
)
async def test_whatever_the_properties_are_a_record_is_kept(
    properties: Any, shown: dict[str, Any]
) -> None:
    (record,) = await records_of(lambda: logger.info("odd", properties))
    assert (record["message"], record["properties"]) == ("odd", shown)


async def test_an_exception_is_told_with_its_stack() -> None:
    def body() -> None:
        try:
            raise ValueError("broken")
        except ValueError as error:
            logger.error("failed", error=error)
        logger.info(ValueError("as the message"))  # type: ignore[arg-type]  # what people write all the same

    first, second = await records_of(body)
    told = first["properties"]["error"]
    assert (told["name"], told["message"]) == ("ValueError", "broken")
    assert "test_logger.py" in told["stack"]
    assert second["message"] == "as the message"


async def test_records_stay_over_attempts_waits_and_a_failure(clock: FakeClock) -> None:
    @task(retry=Retry(2, 5, randomize=False))
    async def work(ctx: taskkit.Context) -> None:
        logger.info(f"attempt {ctx.attempt.number}")
        await wait.sleep("1h")
        logger.info("after the wait")
        raise ValueError("broken")

    handle = await work.trigger()
    await clock.advance("3h")
    assert (await handle.retrieve()).is_failed
    entries = [entry async for entry in runs.logs(handle.id)]
    assert [(entry.data["message"], entry.data["attempt"]) for entry in entries] == [
        ("attempt 1", 1),
        ("after the wait", 1),
        ("attempt 2", 2),
        ("after the wait", 2),
    ]
    assert [entry.position for entry in entries] == [1, 2, 3, 4]
    assert entries[0].at is not None
    assert entries[1].at is not None
    assert (entries[1].at - entries[0].at).total_seconds() == 3600


async def test_more_records_than_a_page_holds() -> None:
    def body() -> None:
        for number in range(250):
            logger.info(str(number))

    found = await records_of(body)
    assert [record["message"] for record in found] == [str(number) for number in range(250)]


async def test_trace_tells_how_long_a_block_took(clock: FakeClock) -> None:
    @task(retry=None)
    async def work() -> None:
        with logger.trace("fetch", {"rows": 3}, source="shop"):
            await wait.sleep(1.5)
        with logger.trace("parse"):
            raise ValueError("broken")

    handle = await work.trigger()
    await clock.advance(2)
    found = [entry.data async for entry in runs.logs(handle.id)]
    assert [(one["message"], one["properties"]) for one in found] == [
        ("fetch", {"rows": 3, "source": "shop", "duration_ms": 1500.0, "outcome": "ok"}),
        ("parse", {"duration_ms": 0.0, "outcome": "ValueError"}),
    ]
    assert (await handle.retrieve()).is_failed


async def test_a_def_task_logs_too() -> None:
    @task()
    def work() -> None:
        logger.info("from a thread")

    handle = await work.trigger()
    await handle.result()
    found = [entry.data["message"] async for entry in runs.logs(handle.id)]
    assert found == ["from a thread"]

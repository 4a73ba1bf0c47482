"""What `taskkit.logger` was told."""

import logging

import pytest

from taskkit import Context, config, logger, task
from taskkit.testing import LoggedRecord, capture_logs


@pytest.mark.anyio
@pytest.mark.usefixtures("app")
async def test_records_of_runs_are_collected_with_their_run() -> None:
    @task
    async def work(ctx: Context) -> str:
        logger.info("fetched", rows=120)
        logger.warn("slow", {"seconds": 3})
        return ctx.run.id

    with capture_logs() as logs:
        result = await (await work.trigger()).result()
    assert logs == [
        LoggedRecord("info", "fetched", {"rows": 120}, result.output),
        LoggedRecord("warn", "slow", {"seconds": 3}, result.output),
    ]


@pytest.mark.anyio
@pytest.mark.usefixtures("app")
async def test_records_of_threads_are_collected() -> None:
    @task
    def work() -> None:
        logger.error("broken")

    with capture_logs() as logs:
        await (await work.trigger()).result()
    assert [(one.level, one.message) for one in logs] == [("error", "broken")]


def test_outside_of_a_run_there_is_no_run_id() -> None:
    with capture_logs() as logs:
        logger.log("here", n=1)
    assert logs == [LoggedRecord("info", "here", {"n": 1}, None)]


def test_records_before_and_after_are_not_collected() -> None:
    logger.error("before")
    with capture_logs() as logs:
        logger.error("inside")
    logger.error("after")
    assert [one.message for one in logs] == ["inside"]


def test_captures_may_be_nested() -> None:
    with capture_logs() as outer:
        logger.info("one")
        with capture_logs() as inner:
            logger.info("two")
        logger.info("three")
    assert [one.message for one in outer] == ["one", "two", "three"]
    assert [one.message for one in inner] == ["two"]


def test_debug_records_come_when_the_configuration_keeps_them() -> None:
    with capture_logs() as logs:
        logger.debug("hidden")
        config.override(log_level="debug")
        logger.debug("seen")
    assert [(one.level, one.message) for one in logs] == [("debug", "seen")]


def test_the_logger_is_left_as_it_was() -> None:
    log = logging.getLogger("taskkit.task")
    before = (log.level, list(log.handlers))
    with pytest.raises(ZeroDivisionError), capture_logs():
        raise ZeroDivisionError
    assert (log.level, log.handlers) == before


def test_the_door_gives_the_same_objects_each_time() -> None:
    import taskkit.testing
    from taskkit.testing import Stub, stub  # the module that holds both must not hide one

    assert callable(stub)
    assert taskkit.testing.stub is stub
    assert isinstance(Stub, type)
    with pytest.raises(AttributeError, match="no attribute 'stubs'"):
        _ = taskkit.testing.stubs  # type: ignore[attr-defined]  # what is asked

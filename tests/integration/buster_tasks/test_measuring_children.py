"""Statistics of a large catalog: children measure its parts."""

import asyncio
import contextlib
import itertools
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import taskkit
from buster_tasks import IntrospectDataInput, IntrospectDataOptions, introspect_data
from buster_tasks.errors import ConnectionFailedError
from buster_tasks.introspection import measuring
from buster_tasks.introspection.measuring import FAN_OUT_FROM, introspect_data_measure
from buster_tasks.introspection.models import IntrospectDataOutput
from buster_tasks.sources.base import DataSource
from buster_tasks.sources.credentials import SqliteCredentials
from buster_tasks.sources.statistics import Measured, Target
from taskkit import Run, RunStatus, runs

pytestmark = pytest.mark.anyio

CHILD = introspect_data_measure.id


@pytest.fixture(autouse=True)
def own_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSTER_TASKS_CATALOG", str(tmp_path / "catalog.db"))


@pytest.fixture
async def app() -> AsyncIterator[taskkit.Worker]:
    async with taskkit.local() as app:
        yield app


def database(folder: Path, tables: int) -> Path:
    """Table `t7` has the rows 0 to 7."""
    path = folder / "large.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for at in range(tables):
            connection.execute(f"CREATE TABLE t{at} (number INTEGER, name TEXT)")
            rows = [(row, f"name {row}") for row in range(at + 1)]
            connection.executemany(f"INSERT INTO t{at} VALUES (?, ?)", rows)
        connection.commit()
    return path


def payload(path: Path, statistics: str = "sample") -> IntrospectDataInput:
    return IntrospectDataInput(
        data_source_name="large",
        credentials=SqliteCredentials(path=str(path)),
        options=IntrospectDataOptions.model_validate({"statistics": statistics}),
    )


async def children() -> list[Run]:
    return [run async for run in runs.list(task=CHILD)]


def check_numbers(output: IntrospectDataOutput, tables: int) -> None:
    assert output.introspection is not None
    found = {(one.table, one.name): one for one in output.introspection.columns}
    assert len(found) == 2 * tables
    for at in range(tables):
        column = found[f"t{at}", "number"]
        told = (column.distinct_count, column.null_count, column.min_value, column.max_value)
        assert told == (at + 1, 0, 0, at)


@pytest.mark.usefixtures("app")
async def test_a_large_catalog_is_measured_by_children(tmp_path: Path) -> None:
    tables = FAN_OUT_FROM + 10
    handle = await introspect_data.trigger(payload(database(tmp_path, tables)))
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete, output.issues) == (True, True, [])
    check_numbers(output, tables)
    made = await children()
    assert [run.status for run in made] == [RunStatus.COMPLETED] * 3
    assert {run.parent_id for run in made} == {handle.id}
    run = await handle.retrieve()
    assert run.metadata["tablesMeasured"] == tables
    assert run.metadata["columnsMeasured"] == 2 * tables
    assert run.metadata["phase"] == "done"


@pytest.mark.usefixtures("app")
async def test_children_advance_the_progress_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By tables, each of them once, however many attempts it took."""
    measured, failures, last = measuring.measure_tables, itertools.count(), asyncio.Event()

    async def one_fails_and_the_last_waits(
        sources: Sequence[DataSource], targets: Sequence[Target], *given: Any, **named: Any
    ) -> Measured:
        if len(targets) == 10:
            await last.wait()
        found = await measured(sources, targets, *given, **named)
        if len(targets) == 100 and next(failures) == 0:
            raise ConnectionFailedError("It is gone.", fix="Try again.", transient=True)
        return found

    monkeypatch.setattr(measuring, "measure_tables", one_fails_and_the_last_waits)
    handle = await introspect_data.trigger(payload(database(tmp_path, 210)))
    while [run.status for run in await children()].count(RunStatus.COMPLETED) < 2:
        await asyncio.sleep(0)
    progress = (await handle.retrieve()).metadata["progress"]
    assert progress == pytest.approx(0.4 + 0.55 * 200 / 210)
    last.set()
    (await handle.result()).unwrap()
    assert sorted(len(run.attempts) for run in await children()) == [1, 1, 2]
    assert (await handle.retrieve()).metadata["progress"] == 1.0


@pytest.mark.usefixtures("app")
async def test_a_small_catalog_needs_none(tmp_path: Path) -> None:
    handle = await introspect_data.trigger(payload(database(tmp_path, 5), "full"))
    check_numbers((await handle.result()).unwrap(), 5)
    assert await children() == []


@pytest.mark.usefixtures("app")
async def test_without_looking_at_rows_there_is_nothing_to_share(tmp_path: Path) -> None:
    path = database(tmp_path, FAN_OUT_FROM + 1)
    (await (await introspect_data.trigger(payload(path, "catalog"))).result()).unwrap()
    assert await children() == []


@pytest.mark.usefixtures("app")
async def test_a_child_that_finds_no_source_costs_its_tables_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = database(tmp_path, FAN_OUT_FROM)
    parts = measuring.parts_of

    def gone(targets: object) -> object:
        found = list(parts(targets))  # type: ignore[arg-type]  # handed on as it came
        path.rename(path.with_suffix(".gone"))
        return found

    monkeypatch.setattr(measuring, "parts_of", gone)
    output = (await (await introspect_data.trigger(payload(path))).result()).unwrap()
    assert output.success
    assert output.introspection is not None
    assert len(output.introspection.columns) == 2 * FAN_OUT_FROM
    assert output.introspection.statistics == "catalog"
    codes = [issue.code for issue in output.issues]
    assert codes == ["DATABASE_NOT_FOUND", "DATABASE_NOT_FOUND", "STATISTICS_INCOMPLETE"]


@pytest.mark.usefixtures("app")
async def test_another_attempt_meets_the_children_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = database(tmp_path, FAN_OUT_FROM)
    put_together, calls = measuring.with_statistics, itertools.count(1)

    def lost_once(*given: object) -> object:
        if next(calls) == 1:
            raise RuntimeError("lost")
        return put_together(*given)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(measuring, "with_statistics", lost_once)
    handle = await introspect_data.trigger(payload(path))
    check_numbers((await handle.result()).unwrap(), FAN_OUT_FROM)
    assert len((await handle.retrieve()).attempts) == 2
    assert len(await children()) == 2


async def test_where_nobody_serves_the_children_the_rest_is_there_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buster_tasks.introspection.task._time_for_counting", lambda _ctx: 3.0)
    path = database(tmp_path, FAN_OUT_FROM)
    async with taskkit.worker("memory://", queues=["task/introspect-data"]):
        output = (await (await introspect_data.trigger(payload(path))).result(timeout=30)).unwrap()
    assert output.success
    assert [issue.code for issue in output.issues] == [
        "STATISTICS_FAILED",
        "STATISTICS_FAILED",
        "STATISTICS_INCOMPLETE",
    ]

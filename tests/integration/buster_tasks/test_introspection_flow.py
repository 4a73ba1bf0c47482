"""Connect, test, introspect, always close: without the task, on real SQLite files."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio
import pytest

from buster_tasks.errors import SourceTimeoutError
from buster_tasks.introspection.flow import introspect
from buster_tasks.introspection.models import IntrospectDataInput, IntrospectDataOptions
from buster_tasks.sources.base import Progress
from buster_tasks.sources.credentials import SqliteCredentials

pytestmark = pytest.mark.anyio

OPEN_FILES = Path("/proc/self/fd")

MakeDatabase = Callable[..., Path]


def payload_for(path: Path, options: IntrospectDataOptions | None = None) -> IntrospectDataInput:
    credentials = SqliteCredentials(path=str(path))
    return IntrospectDataInput(data_source_name="My shop", credentials=credentials, options=options)


def open_files() -> set[Path]:
    return {Path(os.path.realpath(file)) for file in OPEN_FILES.iterdir()}


def open_sources() -> list[threading.Thread]:
    """The threads of sources that are still open; those that are just ending are waited for."""
    threads = [thread for thread in threading.enumerate() if "sqlite-source" in thread.name]
    for thread in threads:
        thread.join(timeout=0.5)
    return [thread for thread in threads if thread.is_alive()]


async def test_a_whole_introspection(make_database: MakeDatabase) -> None:
    phases: list[tuple[str, float]] = []

    async def progress(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        phases.append((phase, fraction))

    path = make_database("CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    outcome = await introspect(payload_for(path), progress)
    output = outcome.output
    assert outcome.error is None
    assert (output.success, output.complete, output.issues) == (True, True, [])
    assert output.connection is not None
    assert output.connection.ok
    assert output.introspection is not None
    assert output.introspection.data_source_name == "My shop"
    assert [table.row_count for table in output.introspection.tables] == [1]
    assert list(dict(phases)) == ["connecting", "testing", "introspecting", "finishing", "done"]
    fractions = [fraction for _phase, fraction in phases]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)
    assert open_sources() == []


async def test_options_reach_the_source(make_database: MakeDatabase) -> None:
    path = make_database("CREATE TABLE a (x); CREATE TABLE b (x); CREATE TABLE c (x);")
    options = IntrospectDataOptions(
        tables=["A", "b", "z"], exclude_tables=["B"], statistics="sample"
    )
    output = (await introspect(payload_for(path, options))).output
    assert output.introspection is not None
    assert [table.name for table in output.introspection.tables] == ["a"]
    assert [issue.code for issue in output.issues] == ["FILTER_MATCHES_NOTHING"]
    assert output.introspection.statistics == "sample"


async def test_a_missing_file_is_an_output_not_an_exception(tmp_path: Path) -> None:
    outcome = await introspect(payload_for(tmp_path / "gone.db"))
    output = outcome.output
    assert (output.success, output.complete, output.introspection) == (False, False, None)
    assert output.error is not None
    assert (output.error.code, "gone.db" in output.error.message) == ("DATABASE_NOT_FOUND", True)
    assert output.connection is not None
    assert (output.connection.ok, output.connection.error_code) == (False, "DATABASE_NOT_FOUND")
    assert outcome.error is not None
    assert outcome.error.transient is False
    assert open_sources() == []


async def test_an_empty_filter_is_told_before_connecting(tmp_path: Path) -> None:
    options = IntrospectDataOptions(tables=[])
    output = (await introspect(payload_for(tmp_path / "gone.db", options))).output
    assert output.error is not None
    assert (output.error.code, output.connection) == ("INVALID_FILTER", None)


def locking(path: Path) -> tuple[sqlite3.Connection, Progress, asyncio.Event]:
    """A progress that locks the file when introspection has begun, and an event that says so."""
    writer = sqlite3.connect(path, isolation_level=None)
    locked = asyncio.Event()

    async def progress(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        if "tables" in counts and not writer.in_transaction:
            writer.execute("BEGIN EXCLUSIVE")
            locked.set()

    return writer, progress, locked


async def test_cancelling_in_the_middle_closes_the_connection(make_database: MakeDatabase) -> None:
    path = make_database("CREATE TABLE t (a)")
    writer, progress, locked = locking(path)
    running = asyncio.create_task(introspect(payload_for(path), progress))
    await locked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert open_sources() == []
    writer.close()


async def test_a_time_limit_of_the_caller_closes_the_connection(
    make_database: MakeDatabase,
) -> None:
    path = make_database("CREATE TABLE t (a)")
    writer, progress, _locked = locking(path)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(introspect(payload_for(path), progress), timeout=0.5)
    assert open_sources() == []
    writer.close()


async def test_a_source_that_is_too_slow_is_an_output_in_time(make_database: MakeDatabase) -> None:
    path = make_database("CREATE TABLE t (a)")
    writer, progress, _locked = locking(path)
    outcome = await introspect(payload_for(path), progress, at_most=0.3)
    error, output = outcome.error, outcome.output
    assert isinstance(error, SourceTimeoutError)
    assert (error.transient, "0.3 s" in error.message) == (False, True)
    assert (output.success, output.introspection) == (False, None)
    assert output.connection is not None
    assert output.connection.ok  # what was known before is kept
    assert open_sources() == []
    writer.close()


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="this system does not list open files")
async def test_a_cancel_scope_waits_until_the_connection_is_closed(
    make_database: MakeDatabase,
) -> None:
    path = make_database("CREATE TABLE t (a)")
    writer, progress, _locked = locking(path)
    with anyio.move_on_after(0.3) as scope:
        await introspect(payload_for(path), progress)
    assert scope.cancelled_caught
    writer.close()
    assert path not in open_files()


async def test_an_error_of_the_progress_closes_the_connection(make_database: MakeDatabase) -> None:
    async def progress(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        if phase == "introspecting":
            raise KeyError(phase)

    with pytest.raises(KeyError):
        await introspect(payload_for(make_database("CREATE TABLE t (a)")), progress)
    assert open_sources() == []


async def test_without_time_rows_are_left_out(make_database: MakeDatabase) -> None:
    path = make_database("CREATE TABLE t (a)")
    output = (await introspect(payload_for(path), time_limit=0)).output
    assert output.introspection is not None
    assert [table.row_count_kind for table in output.introspection.tables] == ["unknown"]
    assert (output.success, output.complete) == (True, True)

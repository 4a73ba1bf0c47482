"""What a SQLite source does with files that are whole, wrong, locked or hostile."""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from buster_tasks.errors import (
    ConnectionFailedError,
    DatabaseCorruptError,
    DatabaseNotFoundError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceBusyError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources import DataSource, connect
from buster_tasks.sources.credentials import SqliteCredentials
from buster_tasks.sources.sqlite import SqliteSource

pytestmark = pytest.mark.anyio

MakeDatabase = Callable[..., Path]

AS_PROTOCOL: type[DataSource] = SqliteSource  # a type checker compares the two

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def source_of(path: Path, *, lock_seconds: float = 0.3, read_only: bool = True) -> SqliteSource:
    credentials = SqliteCredentials(path=str(path), read_only=read_only)
    return SqliteSource(credentials, lock_seconds=lock_seconds)


@asynccontextmanager
async def closing(source: SqliteSource) -> AsyncIterator[SqliteSource]:
    """The source, not opened yet, and closed in the end."""
    try:
        yield source
    finally:
        await source.close()


async def running(source: SqliteSource) -> None:
    """Wait until a statement has begun beyond those that have run."""
    before = source.statements
    for _ in range(2_000):
        if source.statements > before:
            return
        await asyncio.sleep(0.005)
    pytest.fail("no statement has begun")


async def test_a_source_tells_who_answers(make_database: MakeDatabase) -> None:
    async with connect({"type": "sqlite", "path": str(make_database())}) as source:
        test = await source.test()
    assert (test.ok, test.database, test.server_version) == (True, "shop", sqlite3.sqlite_version)
    assert test.latency_ms is not None


async def test_values_are_as_sqlite_gives_them(make_database: MakeDatabase) -> None:
    async with source_of(make_database()) as source:
        result = await source.execute(
            "SELECT 1 AS i, 1.5 AS r, 'ä' AS t, x'00ff' AS b, NULL AS n, cast(x'ff' AS TEXT) AS odd, 1 AS i"
        )
    assert result.rows == [(1, 1.5, "ä", b"\x00\xff", None, b"\xff", 1)]
    assert [(column.name, column.data_type) for column in result.columns] == [
        ("i", "INTEGER"), ("r", "REAL"), ("t", "TEXT"), ("b", "BLOB"), ("n", None), ("odd", "BLOB"), ("i", "INTEGER"),
    ]  # fmt: skip
    assert (result.row_count, result.truncated) == (1, False)


@pytest.mark.parametrize("rows", [0, 1, 999, 1000, 1001, 2000, 2001])
@pytest.mark.parametrize("more", [-1, 0, 1, 1000])
async def test_the_row_limit_is_exact(make_database: MakeDatabase, rows: int, more: int) -> None:
    if rows + more < 0:
        return
    sql = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT i FROM n"
    async with source_of(make_database()) as source:
        result = await source.execute(f"{sql} LIMIT {rows}", max_rows=rows + more)
    assert result.row_count == min(rows, rows + more)
    assert result.truncated == (more < 0)


async def test_an_endless_result_stops_at_the_limit(make_database: MakeDatabase) -> None:
    sql = ENDLESS.replace("count(*)", "i")
    async with source_of(make_database()) as source:
        result = await source.execute(sql, max_rows=5)
    assert (result.rows, result.truncated) == ([(1,), (2,), (3,), (4,), (5,)], True)


WRITES = [
    "INSERT INTO t VALUES (2)",
    "INSERT INTO t VALUES (2) RETURNING a",
    "WITH x AS (SELECT 2) INSERT INTO t SELECT * FROM x",
    "UPDATE t SET a = 2",
    "DELETE FROM t WHERE 0",
    "REPLACE INTO t VALUES (2)",
    "CREATE TABLE u (a)",
    "CREATE TEMP TABLE u (a)",
    "CREATE VIEW w AS SELECT 1",
    "DROP TABLE t",
    "ALTER TABLE t RENAME TO u",
    "VACUUM",
    "VACUUM INTO 'copy.db'",
    "ATTACH 'other.db' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH main",
    "ANALYZE",
    "REINDEX",
    "BEGIN",
    "BEGIN IMMEDIATE",
    "COMMIT",
    "SAVEPOINT s",
    "PRAGMA query_only = OFF",
    "PRAGMA writable_schema = ON",
    "PRAGMA trusted_schema = ON",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA user_version = 7",
    "PRAGMA wal_checkpoint",
    "PRAGMA temp_store_directory = '.'",
    "SELECT load_extension('x')",
    "SELECT fts3_tokenizer('simple')",
]


@pytest.mark.parametrize("sql", WRITES)
@pytest.mark.parametrize("read_only", [True, False])
async def test_what_is_no_read_is_refused(
    make_database: MakeDatabase, sql: str, read_only: bool
) -> None:
    path = make_database("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1);")
    before = path.read_bytes()
    async with source_of(path, read_only=read_only) as source:
        with pytest.raises(PermissionDeniedError):
            await source.execute(sql)
        assert (await source.execute("SELECT * FROM t")).rows == [(1,)]
    assert path.read_bytes() == before
    assert names_in(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELECT 1; DROP TABLE t", "one statement"),
        ("SELEC", "syntax error"),
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("", "no query"),
        ("-- nothing", "no query"),
        ("SELECT 'a\0b'", "null character"),
        ("SELECT '\ud800'", "surrogates"),
    ],
)
async def test_wrong_sql_is_told(make_database: MakeDatabase, sql: str, reason: str) -> None:
    async with source_of(make_database()) as source:
        with pytest.raises(QueryFailedError, match=reason):
            await source.execute(sql)


async def test_a_statement_ends_at_its_time_limit(make_database: MakeDatabase) -> None:
    async with source_of(make_database()) as source:
        began = time.monotonic()
        with pytest.raises(SourceTimeoutError, match=r"0\.1 s"):
            await source.execute(ENDLESS, timeout=0.1)
        assert time.monotonic() - began < 5
        assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_cancelling_stops_the_statement(make_database: MakeDatabase) -> None:
    async with source_of(make_database()) as source:
        query = asyncio.create_task(source.execute(ENDLESS, timeout=60))
        await running(source)
        await source.cancel()
        with pytest.raises(QueryCanceledError):
            await query
        assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_a_cancelled_caller_stops_the_statement(make_database: MakeDatabase) -> None:
    async with source_of(make_database()) as source:
        query = asyncio.create_task(source.execute(ENDLESS, timeout=60))
        await running(source)
        query.cancel()
        with pytest.raises(asyncio.CancelledError):
            await query
        assert (await source.execute("SELECT 1", timeout=10)).rows == [(1,)]


async def test_closing_stops_the_statement(make_database: MakeDatabase) -> None:
    source = source_of(make_database())
    await source.open()
    query = asyncio.create_task(source.execute(ENDLESS, timeout=60))
    await running(source)
    await source.close()
    with pytest.raises(QueryCanceledError):
        await query
    with pytest.raises(ConnectionFailedError, match="closed"):
        await source.execute("SELECT 1")


async def test_calls_at_once_are_carried_out_in_order(make_database: MakeDatabase) -> None:
    async with source_of(make_database()) as source:
        results = await asyncio.gather(*(source.execute(f"SELECT {n}") for n in range(20)))
    assert [result.rows for result in results] == [[(n,)] for n in range(20)]


@pytest.mark.parametrize(
    "name",
    ["a?b.db", "a#b.db", "100%25.db", "a b.db", "größe 😀.db", "file:x.db", "a?mode=rwc&b.db"],
)
async def test_a_file_may_be_called_anything(make_database: MakeDatabase, name: str) -> None:
    path = make_database("CREATE TABLE t (a); INSERT INTO t VALUES (7);", name)
    async with source_of(path) as source:
        assert (await source.execute("SELECT a FROM t")).rows == [(7,)]


async def refusal(path: Path) -> SourceError:
    """The error of a file that cannot be opened, which `test` must report in the same way."""
    async with closing(source_of(path)) as source:
        test = await source.test()
        with pytest.raises(SourceError) as caught:
            await source.open()
    assert (test.ok, test.error_code) == (False, caught.value.code)
    return caught.value


async def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    error = await refusal(tmp_path / "gone.db")
    assert isinstance(error, DatabaseNotFoundError)
    assert "gone.db" in str(error)
    assert names_in(tmp_path) == []


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    error = await refusal(tmp_path)
    assert isinstance(error, DatabaseNotFoundError)
    assert "folder" in str(error)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system here")
async def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    error = await refusal(pipe)
    assert isinstance(error, DatabaseNotFoundError)
    assert "no regular file" in str(error)


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything")
async def test_a_file_that_may_not_be_read_is_told(make_database: MakeDatabase) -> None:
    path = make_database()
    path.chmod(0)
    assert isinstance(await refusal(path), PermissionDeniedError)


async def test_a_huge_value_is_refused(make_database: MakeDatabase) -> None:
    async with source_of(make_database()) as source:
        with pytest.raises(QueryFailedError, match="too big"):
            await source.execute("SELECT zeroblob(1000000000)")


async def test_any_encoding_of_text_is_read(make_database: MakeDatabase) -> None:
    path = make_database(
        "PRAGMA encoding = 'UTF-16le'; CREATE TABLE \"größe\" (\"😀\"); INSERT INTO größe VALUES ('ä');"
    )
    async with source_of(path) as source:
        found = await source.introspect()
        assert (await source.execute("SELECT * FROM größe")).rows == [("ä",)]
    assert [(column.table, column.name) for column in found.columns] == [("größe", "😀")]
    assert found.databases[0].metadata["encoding"] == "UTF-16le"


async def test_another_kind_of_file_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and many of them.\n" * 200)
    error = await refusal(path)
    assert isinstance(error, DatabaseCorruptError)
    assert not error.transient


async def test_an_empty_file_is_an_empty_database(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    async with source_of(path) as source:
        found = await source.introspect()
    assert (found.tables, found.issues, found.complete) == ([], [], True)


async def test_a_damaged_file_is_told(make_database: MakeDatabase) -> None:
    path = make_database("CREATE TABLE t (a); CREATE TABLE u (a);")
    damaged = bytearray(path.read_bytes())
    damaged[100:200] = b"\xff" * 100
    path.write_bytes(damaged)
    assert isinstance(await refusal(path), DatabaseCorruptError)


async def test_a_locked_file_is_waited_for_and_then_told(make_database: MakeDatabase) -> None:
    path = make_database("CREATE TABLE t (a)")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    error = await refusal(path)
    assert isinstance(error, SourceBusyError)
    assert error.transient
    async with closing(source_of(path, lock_seconds=20)) as source:
        opening = asyncio.create_task(source.open())
        await asyncio.sleep(0.1)
        assert not opening.done()
        writer.execute("COMMIT")
        await opening
    writer.close()


async def test_waiting_for_a_lock_can_be_cancelled(make_database: MakeDatabase) -> None:
    path = make_database("CREATE TABLE t (a)")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    source = source_of(path, lock_seconds=60)
    opening = asyncio.create_task(source.open())
    await asyncio.sleep(0.1)
    opening.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await source.close()
    assert time.monotonic() - began < 5
    writer.close()


async def test_a_file_that_is_being_written_can_be_read(make_database: MakeDatabase) -> None:
    path = make_database("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO t VALUES (2)")
    async with source_of(path) as source:
        assert (await source.execute("SELECT a FROM t")).rows == [(1,)]
        writer.execute("COMMIT")
        assert (await source.execute("SELECT a FROM t")).rows == [(1,), (2,)]
    writer.close()


async def test_after_a_crash_of_the_writer_the_way_out_is_told(make_database: MakeDatabase) -> None:
    path = make_database("CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN")
    writer.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(5_000)])
    crashed = path.with_name("crashed.db")
    shutil.copy(path, crashed)
    shutil.copy(f"{path}-journal", f"{crashed}-journal")
    writer.close()
    with pytest.raises(ConnectionFailedError, match="read_only=False"):
        async with source_of(crashed) as source:
            await source.execute("SELECT count(*) FROM t")
    async with source_of(crashed, read_only=False) as source:
        assert (await source.execute("SELECT count(*) FROM t")).rows == [(1,)]


@pytest.mark.parametrize("name", ["plain", 'a"b', "a]b", "a`b", "a.b", "a'b", "a\nb", "", "😀"])
async def test_a_quoted_name_is_taken_as_it_is(make_database: MakeDatabase, name: str) -> None:
    async with source_of(make_database()) as source:
        result = await source.execute(f"SELECT 1 AS {source.quote(name)}")
    assert [column.name for column in result.columns] == [name]

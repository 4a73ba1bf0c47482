"""What is DuckDB's own: nested types, generated columns, index expressions, locks, and how much is asked."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from buster_tasks import IntrospectDataInput
from buster_tasks.errors import (
    ConnectionFailedError,
    PermissionDeniedError,
    QueryFailedError,
    SourceBusyError,
)
from buster_tasks.introspection.flow import introspect
from buster_tasks.sources import DuckdbCredentials
from buster_tasks.sources.duckdb import DuckdbSource
from buster_tasks.sources.nested_fields import DEEPEST
from buster_tasks.sources.schema import NestedField

pytestmark = pytest.mark.anyio

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(*statements: str, name: str = "shop.duckdb") -> Path:
        with duckdb.connect(str(tmp_path / name)) as connection:
            for statement in statements:
                connection.execute(statement)
        return tmp_path / name

    return make


def source_of(path: Path) -> DuckdbSource:
    return DuckdbSource(DuckdbCredentials(path=str(path)))


async def test_nested_types_have_their_fields(make: Make) -> None:
    path = make(
        'CREATE TABLE t (s STRUCT(a INTEGER, "b c" STRUCT(d VARCHAR[])), m MAP(VARCHAR, DATE), l DOUBLE[3],'
        " u UNION(n INTEGER, v VARCHAR), plain DECIMAL(5, 2))"
    )
    async with source_of(path) as source:
        columns = (await source.introspect()).columns
    assert [column.normalized_type for column in columns] == [
        "struct", "struct", "array", "struct", "decimal",
    ]  # fmt: skip
    deepest = NestedField(name="element", data_type="VARCHAR", normalized_type="text")
    inner = NestedField(name="d", data_type="VARCHAR[]", normalized_type="array", fields=[deepest])
    number = NestedField(name="a", data_type="INTEGER", normalized_type="integer")
    struct = "STRUCT(d VARCHAR[])"
    assert columns[0].fields == [
        number,
        NestedField(name="b c", data_type=struct, normalized_type="struct", fields=[inner]),
    ]
    assert columns[1].fields == [
        NestedField(name="key", data_type="VARCHAR", normalized_type="text"),
        NestedField(name="value", data_type="DATE", normalized_type="date"),
    ]
    assert columns[2].fields == [
        NestedField(name="element", data_type="DOUBLE", normalized_type="float")
    ]
    assert columns[3].fields == [  # without DuckDB's own tag
        NestedField(name="n", data_type="INTEGER", normalized_type="integer"),
        NestedField(name="v", data_type="VARCHAR", normalized_type="text"),
    ]
    assert columns[4].fields is None
    assert [column.metadata for column in columns] == [{}] * 5


async def test_fields_end_where_readers_of_json_would(make: Make) -> None:
    path = make(f"CREATE TABLE t (a INTEGER{'[]' * (DEEPEST + 5)})")
    async with source_of(path) as source:
        fields, depth = (await source.introspect()).columns[0].fields, 0
    while fields:
        fields, depth = fields[0].fields, depth + 1
    assert depth == DEEPEST


async def test_columns_of_one_type_have_fields_of_their_own(make: Make) -> None:
    path = make("CREATE TABLE t (a STRUCT(x INTEGER[]), b STRUCT(x INTEGER[]))")
    async with source_of(path) as source:
        one, other = (await source.introspect()).columns
    assert one.fields == other.fields
    assert one.fields is not None
    assert other.fields is not None
    assert one.fields[0].fields is not other.fields[0].fields


async def test_generated_columns_checks_and_expressions(make: Make) -> None:
    path = make(
        "CREATE TABLE t (a INTEGER CHECK (a > 0), b VARCHAR, g INTEGER GENERATED ALWAYS AS (a + 1))",
        "CREATE INDEX i ON t (b, (a + 1))",
        'CREATE VIEW "v AS x" ("one, (two)") AS SELECT a FROM t',
    )
    async with source_of(path) as source:
        found = await source.introspect()
    if duckdb.__version__ >= "2":  # an older one does not tell
        generated = next(column for column in found.columns if column.name == "g")
        assert (generated.generated_kind, generated.default_value) == ("virtual", None)
        assert "a + 1" in (generated.generated_expression or "")
    assert found.tables[0].metadata["checks"] == ["(a > 0)"]
    (index,) = found.indexes
    assert (index.parts[0].column, index.parts[1].column) == ("b", None)
    assert "a + 1" in (index.parts[1].expression or "")
    assert found.views[0].definition == "SELECT a FROM t"


async def test_values_of_nested_and_large_types(make: Make) -> None:
    async with source_of(make()) as source:
        result = await source.execute(
            "SELECT {'a': 1, 'b': [1, NULL]}, [DATE '2024-02-29'], 170141183460469231731687303715884105727::HUGEINT, "
            "TIMESTAMPTZ '2024-02-29 12:00:00+02'"
        )
    (struct, dates, huge, moment) = result.rows[0]
    assert moment == datetime(2024, 2, 29, 10, tzinfo=UTC)
    assert struct == {"a": 1, "b": [1, None]}
    assert str(dates) == "[datetime.date(2024, 2, 29)]"
    assert huge == 2**127 - 1


@pytest.mark.parametrize("tables", [1, 40])
async def test_the_catalog_is_asked_seven_times(make: Make, tables: int) -> None:
    path = make(*(f"CREATE TABLE t{at} (id INTEGER PRIMARY KEY)" for at in range(tables)))
    async with source_of(path) as source:
        found = await source.introspect()
        assert (len(found.tables), source.statements) == (tables, 7)


@pytest.fixture
def written_elsewhere(make: Make) -> Iterator[Path]:
    """A file that another process has open for writing."""
    path = make("CREATE TABLE t (a INTEGER)")
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdout.readline()
        yield path
        writer.stdin.close()


async def test_a_file_that_another_process_writes_is_busy(written_elsewhere: Path) -> None:
    source = source_of(written_elsewhere)
    with pytest.raises(SourceBusyError) as caught:
        await source.open()
    await source.close()
    assert caught.value.transient


async def test_a_file_that_this_process_writes(make: Make) -> None:
    path = make("CREATE TABLE t (a INTEGER)")
    source = source_of(path)
    with duckdb.connect(str(path)), pytest.raises(ConnectionFailedError, match="this process"):
        await source.open()
    async with source:
        assert (await source.test()).ok


async def test_no_statement_can_leave_the_file_or_change_a_sequence(make: Make) -> None:
    path = make("CREATE SEQUENCE s", "CREATE TABLE t (a INTEGER)")
    for read_only in (True, False):
        source = DuckdbSource(DuckdbCredentials(path=str(path), read_only=read_only))
        async with source:
            for sql in ("SELECT * FROM read_blob('/etc/passwd')", "SELECT * FROM glob('/*')"):
                with pytest.raises(PermissionDeniedError):
                    await source.execute(sql)
            with pytest.raises(QueryFailedError):
                await source.execute("SELECT nextval('s')")
            assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_the_task_reads_it(make: Make) -> None:
    path = make("CREATE TABLE t (a INTEGER)")
    payload = IntrospectDataInput.model_validate(
        {"dataSourceName": "shop", "credentials": {"type": "duckdb", "path": str(path)}}
    )
    output = (await introspect(payload)).output
    assert output.complete
    assert output.introspection is not None
    assert [table.name for table in output.introspection.tables] == ["t"]

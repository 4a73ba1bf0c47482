"""The data source of `examples/csv_source` keeps the contract."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from buster_tasks.errors import DatabaseCorruptError, DatabaseNotFoundError, SourceError
from buster_tasks.testing import (
    PLAIN,
    DataSourceSuite,
    Dialect,
    Refusal,
    Spelling,
    fixture_statements,
)
from examples.csv_source.csv_source import CsvCredentials, CsvSource

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "csv_source" / "csv_source.py"
CSV = Dialect(
    schema="main",
    endless="SELECT sum(a.range * b.range % 7) FROM range(10000000) a, range(10000000) b",
    has_actions=False,
    types={
        **PLAIN,
        "integer": replace(PLAIN["integer"], told="INTEGER"),
        "text": replace(PLAIN["text"], told="VARCHAR"),
        "decimal": replace(PLAIN["decimal"], told="DECIMAL(12,4)"),
        "float": replace(PLAIN["float"], told="DOUBLE"),
        "boolean": replace(PLAIN["boolean"], told="BOOLEAN"),
        "date": replace(PLAIN["date"], told="DATE"),
        "timestamp": replace(PLAIN["timestamp"], told="TIMESTAMP"),
        "binary": Spelling("BLOB", "binary", r"'\x00\xFF'::BLOB", b"\x00\xff"),
    },
    writes=(
        "COPY (SELECT 1) TO 'written.csv'",
        "ATTACH ':memory:' AS more",
        "CREATE TEMP TABLE t (a integer)",
        "SET threads = 1",
        "SELECT * FROM read_csv('/etc/passwd')",
    ),
)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite's database as files: what declares it in `schema.sql`, the rows of each table in a CSV."""
    folder = tmp_path_factory.mktemp("shop")
    declaring: list[str] = []
    with duckdb.connect(":memory:") as connection:
        for statement in fixture_statements(CSV):
            connection.execute(statement)
            if not statement.startswith("INSERT"):
                declaring.append(statement)
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        for (name,) in tables:
            connection.execute(f"COPY {quoted(name)} TO ? (HEADER)", [str(folder / f"{name}.csv")])
    (folder / "schema.sql").write_text(";\n".join(declaring), encoding="utf-8")
    return folder


class TestCsv(DataSourceSuite):
    dialect = CSV

    @pytest.fixture(autouse=True)
    def _folders(self, made: Path, tmp_path: Path) -> None:
        self.made, self.folder = made, tmp_path

    def make_source(self) -> CsvSource:
        return CsvSource(CsvCredentials(path=str(self.made)))

    def refusals(self) -> list[Refusal]:
        for name in ("writes", "broken"):
            (self.folder / name).mkdir()
        (self.folder / "writes" / "schema.sql").write_text("COPY (SELECT 1) TO 'written.csv'")
        (self.folder / "broken" / "schema.sql").write_text("CREATE TABLE t (id integer")
        errors: dict[str, type[SourceError]] = {
            "missing": DatabaseNotFoundError,
            "writes": DatabaseCorruptError,
            "broken": DatabaseCorruptError,
        }
        return [
            Refusal(CsvSource(CsvCredentials(path=str(self.folder / name))), error)
            for name, error in errors.items()
        ]


@pytest.mark.anyio
async def test_a_file_that_is_not_declared_is_a_table_of_what_it_looks_like(tmp_path: Path) -> None:
    (tmp_path / "order items.csv").write_text("id,sold,price\n1,2024-02-29,1.5\n2,,\n")
    async with CsvSource(CsvCredentials(path=str(tmp_path))) as source:
        found = await source.introspect()
        rows = (await source.execute('SELECT count(price) FROM "order items"')).rows
    assert [(one.name, one.row_count) for one in found.tables] == [("order items", 2)]
    assert [(one.name, one.normalized_type) for one in found.columns] == [
        ("id", "integer"),
        ("sold", "date"),
        ("price", "float"),
    ]
    assert rows == [(1,)]


def test_the_example_stays_short_enough_to_be_read() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 250

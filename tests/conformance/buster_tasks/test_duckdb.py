"""The reader of DuckDB files keeps the contract of data sources."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from buster_tasks.errors import DatabaseCorruptError, DatabaseNotFoundError, SourceError
from buster_tasks.sources import DuckdbCredentials
from buster_tasks.sources.duckdb import DuckdbSource
from buster_tasks.testing import (
    PLAIN,
    DataSourceSuite,
    Dialect,
    Refusal,
    Spelling,
    fixture_statements,
)

DUCKDB = Dialect(
    schema="main",
    other_schema="other",
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
        "INSTALL icu",
        "LOAD icu",
        "CHECKPOINT",
        "SELECT * FROM read_csv('/etc/passwd')",
    ),
)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(tmp_path_factory.mktemp("duckdb")) / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA other")
        for statement in fixture_statements(DUCKDB):
            connection.execute(statement)
    return path


class TestDuckdb(DataSourceSuite):
    dialect = DUCKDB

    @pytest.fixture(autouse=True)
    def _file(self, made: Path, tmp_path: Path) -> None:
        self.path, self.folder = made, tmp_path

    def make_source(self) -> DuckdbSource:
        return DuckdbSource(DuckdbCredentials(path=str(self.path)))

    def refusals(self) -> list[Refusal]:
        (self.folder / "text.duckdb").write_text("no database, but long enough to be one" * 100)
        errors: dict[str, type[SourceError]] = {
            "missing.duckdb": DatabaseNotFoundError,
            "text.duckdb": DatabaseCorruptError,
            ".": DatabaseNotFoundError,
        }
        return [
            Refusal(DuckdbSource(DuckdbCredentials(path=str(self.folder / name))), error)
            for name, error in errors.items()
        ]


class TestDuckdbOpenForWriting(TestDuckdb):
    """Also a file that is opened for writing is only read."""

    def make_source(self) -> DuckdbSource:
        return DuckdbSource(DuckdbCredentials(path=str(self.path), read_only=False))

"""The reader of SQLite files keeps the contract of data sources."""

from pathlib import Path

import pytest

from buster_tasks.errors import DatabaseCorruptError, DatabaseNotFoundError, SourceError
from buster_tasks.sources import SqliteCredentials
from buster_tasks.sources.sqlite import SqliteSource
from buster_tasks.testing import DataSourceSuite, Refusal
from tests.conformance.buster_tasks.shops import SQLITE, make_fixture


class TestSqlite(DataSourceSuite):
    dialect = SQLITE

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        make_fixture(tmp_path / "shop.db")

    def make_source(self) -> SqliteSource:
        return self._source("shop.db")

    def refusals(self) -> list[Refusal]:
        (self.folder / "text.db").write_text("no database, but long enough to be one" * 100)
        errors: dict[str, type[SourceError]] = {
            "missing.db": DatabaseNotFoundError,
            "text.db": DatabaseCorruptError,
        }
        return [Refusal(self._source(name), error) for name, error in errors.items()]

    def _source(self, name: str) -> SqliteSource:
        return SqliteSource(SqliteCredentials(path=str(self.folder / name)))

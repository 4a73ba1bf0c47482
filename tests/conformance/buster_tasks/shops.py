"""Databases as the suite wants them, in files and in memory."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from buster_tasks.errors import QueryFailedError
from buster_tasks.sources import QueryColumn, QueryResult, SqliteCredentials
from buster_tasks.sources.schema import Introspection
from buster_tasks.sources.sqlite import SqliteSource
from buster_tasks.testing import PLAIN, Dialect, FakeSource, Spelling, fixture_statements
from buster_tasks.testing.fixture import OTHER_TABLES, TableFact, tables

SQLITE = Dialect(
    schema="main",
    endless="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    comments=None,
    row_counts="exact",
    types={
        **PLAIN,
        "integer": replace(PLAIN["integer"], written="INTEGER"),
        "binary": replace(PLAIN["binary"], written="BLOB"),
        # SQLite keeps these as numbers and texts
        "decimal": Spelling("decimal(12,4)", "decimal", "12345678.1234", 12345678.1234),
        "boolean": replace(PLAIN["boolean"], value=1),
        "date": replace(PLAIN["date"], value="2024-02-29"),
        "timestamp": replace(PLAIN["timestamp"], value="2024-02-29 23:59:58"),
    },
    writes=("PRAGMA user_version = 7", "ATTACH DATABASE ':memory:' AS more", "VACUUM"),
)


def make_fixture(path: Path, only: Sequence[TableFact] | None = None) -> Path:
    connection = sqlite3.connect(path)
    for statement in fixture_statements(SQLITE, only):
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


FAKE = replace(SQLITE, other_schema="other", comments="inline", writes=())
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Shop:
    """What was found in two SQLite files that are told as two schemas, and a file that answers statements."""

    found: Introspection
    path: Path

    def answer(self, sql: str) -> QueryResult | None:
        connection = sqlite3.connect(self.path)
        beside = self.path.parent / OTHER / self.path.name
        connection.execute(f"ATTACH ? AS {OTHER}", (str(beside),))
        # SQLite has it since 3.43
        connection.create_function("octet_length", 1, lambda one: one and len(one))
        try:
            cursor = connection.execute(sql)
            rows = cursor.fetchall()
        except sqlite3.Error as error:
            raise QueryFailedError(str(error), fix="Correct the SQL.") from error
        finally:
            connection.close()
        if cursor.description is None:
            return None
        columns = tuple(QueryColumn(entry[0]) for entry in cursor.description)
        return QueryResult(columns, rows, truncated=False)

    def source(self, kind: type[FakeSource] = FakeSource) -> FakeSource:
        made = kind(self.found, self.answer)
        made.hold("execute", FAKE.endless)
        return made


async def make_shop(folder: Path) -> Shop:
    (folder / "other").mkdir()
    path = make_fixture(folder / "shop.db")
    beside = make_fixture(folder / "other" / "shop.db", OTHER_TABLES)
    found, other = await _found(path), await _found(beside)
    both: dict[str, Any] = found.model_dump(by_alias=True)
    for name, items in _renamed(other.model_dump(by_alias=True)).items():
        if isinstance(items, list) and name not in ("databases", "issues"):
            both[name] += items
    return Shop(_with_comments(Introspection.model_validate(both)), path)


async def _found(path: Path) -> Introspection:
    async with SqliteSource(SqliteCredentials(path=str(path))) as source:
        return await source.introspect()


def _renamed(value: Any) -> Any:
    """The same with the name of the other schema in the place of `main`."""
    if isinstance(value, dict):
        return {key: _renamed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    return OTHER if value == "main" else value


def _with_comments(found: Introspection) -> Introspection:
    facts = {table.name: table for table in tables(FAKE)}
    columns = {
        (name, fact.name): fact.comment for name, table in facts.items() for fact in table.columns
    }
    told = [
        one.model_copy(update={"comment": facts[one.name].comment})
        for one in found.tables
        if one.schema_name == "main"
    ]
    rest = [one for one in found.tables if one.schema_name != "main"]
    commented = [
        one.model_copy(update={"comment": columns.get((one.table, one.name))})
        for one in found.columns
    ]
    return found.model_copy(update={"tables": [*told, *rest], "columns": commented})

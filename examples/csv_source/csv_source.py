"""A folder of CSV files as a data source: each file a table, read by DuckDB.

A file `schema.sql` beside them may say what CSV cannot: types, keys, comments, indexes, views. A table of it takes its
rows from the file of its name; a file that it does not speak of becomes a table with the types that DuckDB guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from buster_tasks.errors import (
    DatabaseCorruptError,
    DatabaseNotFoundError,
    PermissionDeniedError,
    QueryFailedError,
    SourceError,
)
from buster_tasks.sources import CustomCredentials, QueryColumn, QueryResult, schema as s
from buster_tasks.sources.access import check_path
from buster_tasks.sources.base import Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted
from buster_tasks.sources.collected import Collected
from buster_tasks.sources.duckdb.column_types import normalized
from buster_tasks.sources.duckdb.statistics import DuckdbStatistics
from buster_tasks.sources.filters import Selection, ascii_case
from buster_tasks.sources.quoting import in_double_quotes

Model = TypeVar("Model", bound=s.SchemaModel)

PAGE = 1_000
DECLARING = (duckdb.StatementType.CREATE, duckdb.StatementType.ALTER)

# Each statement gives the fields of a model under their names.
TABLES = """
SELECT table_name AS name, schema_name AS schema, getvariable('folder') AS database,
    estimated_size AS row_count, 'estimate' AS row_count_kind, comment
FROM duckdb_tables() ORDER BY table_oid
"""
VIEWS = r"""
SELECT schema_name AS schema, getvariable('folder') AS database, view_name AS name, comment,
    rtrim(regexp_replace(sql, '^("[^"]*"|[^"])*?\sAS\s', '', 'i'), E'; \n') AS definition
FROM duckdb_views() WHERE NOT internal ORDER BY view_name
"""
COLUMNS = """
WITH keys AS (SELECT constraint_type, table_oid, unnest(constraint_column_names) AS name FROM duckdb_constraints())
SELECT schema_name AS schema, getvariable('folder') AS database,
    table_name AS table, column_name AS name, column_index AS position, data_type, comment,
    CASE WHEN table_oid NOT IN (SELECT view_oid FROM duckdb_views()) THEN is_nullable END AS is_nullable,
    CASE WHEN data_type LIKE 'DECIMAL%' THEN numeric_precision END AS precision,
    CASE WHEN data_type LIKE 'DECIMAL%' THEN numeric_scale END AS scale, column_default AS default_value,
    ('PRIMARY KEY', table_oid, column_name) IN (FROM keys) AS is_primary_key,
    ('FOREIGN KEY', table_oid, column_name) IN (FROM keys) AS is_foreign_key
FROM duckdb_columns() WHERE NOT internal ORDER BY table_oid, column_index
"""
KEYS = """
SELECT schema_name AS schema, getvariable('folder') AS database,
    constraint_name AS name, table_name AS table, constraint_column_names AS columns
FROM duckdb_constraints() WHERE constraint_type = $kind ORDER BY table_oid, constraint_index
"""
FOREIGN_KEYS = """
SELECT constraint_name AS name, table_name AS source_table, constraint_column_names AS source_columns,
    referenced_table, referenced_column_names AS referenced_columns, 'main' AS source_schema,
    'main' AS referenced_schema, getvariable('folder') AS source_database, source_database AS referenced_database
FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY' ORDER BY table_oid, constraint_index
"""
INDEXES = """
SELECT schema_name AS schema, getvariable('folder') AS database, index_name AS name, table_name AS table,
    is_unique, is_primary AS is_primary_key, [trim(part, '"') FOR part IN CAST(expressions AS VARCHAR[])] AS columns
FROM duckdb_indexes() ORDER BY index_name
"""


class CsvCredentials(CustomCredentials):
    """A folder of CSV files, looked for where the task runs."""

    type: str = "csv"
    path: str

    def destinations(self) -> Sequence[Path]:
        return [Path(self.path)]


class CsvSession:
    """The files in a DuckDB in memory, which may read this folder and nothing else."""

    def __init__(self, path: str) -> None:
        self.folder = Path(path).expanduser().absolute()
        self.statements = 0
        self._connection: duckdb.DuckDBPyConnection | None = None

    def open(self, budget: Budget) -> None:
        if self._connection is not None:
            return
        check_path(str(self.folder))
        if not self.folder.is_dir():
            raise DatabaseNotFoundError(f"There is no folder {self.folder}.", fix="Check the path.")
        self._connection = duckdb.connect(":memory:")
        try:
            self._load(self._connection)
        except (duckdb.Error, OSError, UnicodeDecodeError) as error:
            self.close()
            if budget.is_spent:
                raise budget.error() from error
            raise DatabaseCorruptError(
                f"The files of {str(self.folder)!r} cannot be read: {error}",
                fix="Mend the file that is named, or the line of schema.sql.",
            ) from error

    def select(
        self, sql: str, /, *, max_rows: int, max_bytes: int | None, budget: Budget
    ) -> QueryResult:
        try:
            found = self._connected().extract_statements(sql)
        except duckdb.Error as error:
            raise rejected(error) from error
        if not found:
            raise QueryFailedError("There is no statement in it.", fix="Send one SELECT statement.")
        if len(found) > 1 or found[0].type != duckdb.StatementType.SELECT:
            raise PermissionDeniedError("It is only read.", fix="Send one SELECT statement.")
        return self._run(sql, Collected(max_rows, max_bytes, page=PAGE), budget)

    def rows(self, sql: str, budget: Budget, **values: str) -> list[dict[str, Any]]:
        """All rows of a statement of ours, by the names of the columns."""
        result = self._run(sql, Collected(None, None, page=PAGE), budget, values or None)
        names = [column.name for column in result.columns]
        return [dict(zip(names, row, strict=True)) for row in result.rows]

    def interrupt(self) -> None:
        if (connection := self._connection) is not None:
            connection.interrupt()

    def abandon(self) -> None:
        """Nothing: DuckDB always hears `interrupt`."""

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> duckdb.DuckDBPyConnection:
        assert self._connection is not None  # each call of the source opens first
        return self._connection

    def _load(self, into: duckdb.DuckDBPyConnection) -> None:
        into.execute("SET VARIABLE folder = ?", [self.folder.name])
        into.execute("SET allowed_directories = [?]", [str(self.folder)])
        into.execute("SET enable_external_access = false")
        script = self.folder / "schema.sql"
        if script.exists():
            for one in into.extract_statements(script.read_text(encoding="utf-8")):
                if one.type not in DECLARING:  # such as COPY, which would write
                    raise duckdb.Error(f"schema.sql has a statement of type {one.type.name}")
                into.execute(one)
        files = {file.stem: str(file) for file in sorted(self.folder.glob("*.csv"))}
        for row in into.execute(TABLES).fetchall():
            name = str(row[0])
            if name in files:  # in the order of the script: what is referred to comes first
                copy = f"COPY {in_double_quotes(name)} FROM ? (HEADER, AUTO_DETECT false)"
                into.execute(copy, [files.pop(name)])
        for name, file in files.items():
            into.execute(f"CREATE TABLE {in_double_quotes(name)} AS FROM read_csv(?)", [file])
        into.execute("SET lock_configuration = true")

    def _run(self, sql: str, found: Collected, budget: Budget, values: Any = None) -> QueryResult:
        while not budget.is_spent:
            self.statements += 1
            try:
                result = self._connected().execute(sql, values)
                about = [(str(one[0]), str(one[1])) for one in result.description or ()]
                while found.wanted and (page := result.fetchmany(found.wanted)):
                    found.take(page)
                return found.result([QueryColumn(name, kind) for name, kind in about])
            except duckdb.InterruptException:
                found = found.emptied()  # once more, if it was meant for an earlier call
            except duckdb.Error as error:
                raise rejected(error) from error
        raise budget.error()


def rejected(error: duckdb.Error) -> SourceError:
    """DuckDB's error as ours, by its class, without the excerpt of the statement."""
    text = f"DuckDB says: {str(error).splitlines()[0]}"
    if isinstance(error, duckdb.PermissionException):
        return PermissionDeniedError(text, fix="Read the tables of the folder alone.")
    return QueryFailedError(text, fix="Correct the SQL.")


class CsvSource(BlockingSource[CsvSession]):
    """A folder of CSV files."""

    kind = "csv"
    credentials_model = CsvCredentials
    sql_dialect = "duckdb"
    product, extra = "CSV files", "duckdb"
    statistics_dialect = DuckdbStatistics()

    def __init__(self, credentials: CsvCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def _make_session(self) -> CsvSession:
        return CsvSession(self._credentials.path)

    def _identify(self, session: CsvSession, budget: Budget) -> Identity:
        return Identity(f"DuckDB {duckdb.__version__}", session.folder.name)

    def _scan(self, session: CsvSession, wanted: Wanted, budget: Budget) -> Steps:
        selection = Selection(wanted.filters, ascii_case)
        yield 0.0, {}
        database = session.folder.name
        tables, views = session.rows(TABLES, budget), session.rows(VIEWS, budget)
        names = [row["name"] for row in [*tables, *views]]
        kept = {name for name in names if selection.table(database, "main", name)}
        yield 0.2, {"tables": len(tables), "views": len(views)}

        def read(model: type[Model], sql: str, of: str = "table", **values: str) -> list[Model]:
            rows = session.rows(sql, budget, **values)
            return [model.model_validate(row) for row in rows if row[of] in kept]

        columns = [
            one.model_copy(update={"normalized_type": normalized(one.data_type)})
            for one in read(s.Column, COLUMNS)
        ]
        yield 0.6, {"columns": len(columns)}
        whole, main = s.Database(name=database), s.Schema(name="main", database=database)
        return s.Introspection(
            data_source_name=database,
            data_source_type=self.kind,
            databases=[whole] if selection.database(database) else [],
            schemas=[main] if selection.schema(database, "main") else [],
            tables=[s.Table(**row) for row in tables if row["name"] in kept],
            views=[s.View(**row) for row in views if row["name"] in kept],
            columns=columns,
            primary_keys=read(s.PrimaryKey, KEYS, kind="PRIMARY KEY"),
            unique_keys=read(s.UniqueKey, KEYS, kind="UNIQUE"),
            foreign_keys=read(s.ForeignKey, FOREIGN_KEYS, "source_table"),
            indexes=read(s.Index, INDEXES),
            issues=selection.warnings(),
            introspected_at=datetime.now(UTC),
            filters=wanted.filters,
            statistics=wanted.statistics,
        )

"""Databricks' SQL over DuckDB, as far as the tests of the reader need it, with Unity Catalog's information schema."""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from threading import Lock
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from tests.doubles.databricks_wire import RefusedError, Result

_OWN = ("system", "temp", "memory", "uc")
_SCALARS = {
    "INTEGER": "int", "BIGINT": "bigint", "SMALLINT": "smallint", "TINYINT": "tinyint", "VARCHAR": "string",
    "DOUBLE": "double", "FLOAT": "float", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "timestamp_ntz",
    "TIMESTAMP WITH TIME ZONE": "timestamp", "BLOB": "binary", "HUGEINT": "decimal(38,0)", "JSON": "variant",
    "INTERVAL": "interval day to second", "UUID": "string", "VARIANT": "variant", '"NULL"': "void",
}  # fmt: skip
_THRIFT = {
    "string": "string", "timestamp_ntz": "timestamp", "variant": "string", "void": "string",
    "interval day to second": "interval_day_time",
}  # fmt: skip
SHAPES: dict[str, str] = {
    "catalogs": "catalog_name, catalog_owner, comment, created, last_altered",
    "schemata": "catalog_name, schema_name, schema_owner, comment, created, last_altered",
    "tables": "table_catalog, table_schema, table_name, table_type, table_owner, comment, created, last_altered, "
    "data_source_format, storage_path",
    "columns": "table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, "
    "full_data_type, numeric_precision, numeric_scale, is_identity, identity_generation, generation_expression, "
    "partition_index, comment",
    "views": "table_catalog, table_schema, table_name, view_definition, is_materialized",
    "table_constraints": "constraint_catalog, constraint_schema, constraint_name, table_catalog, table_schema, "
    "table_name, constraint_type, enforced",
    "key_column_usage": "constraint_catalog, constraint_schema, constraint_name, table_catalog, table_schema, "
    "table_name, column_name, ordinal_position, position_in_unique_constraint",
    "referential_constraints": "constraint_catalog, constraint_schema, constraint_name, unique_constraint_catalog, "
    "unique_constraint_schema, unique_constraint_name, update_rule, delete_rule",
}
_NUMBERS = (
    "ordinal_position",
    "numeric_precision",
    "numeric_scale",
    "partition_index",
    "position_in_unique_constraint",
)


@dataclass
class Session:
    user: str
    connection: duckdb.DuckDBPyConnection


@dataclass
class DuckdbEngine:
    """One account; `denied` are parts of statements that a user may not send, by the user."""

    denied: dict[str, list[str]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock, self.is_stale = Lock(), True
        self.database = duckdb.connect()
        self.database.execute("ATTACH ':memory:' AS uc")
        self.database.execute("CREATE SCHEMA uc.unity")
        for name, columns in SHAPES.items():
            typed = ", ".join(f"{one} {type_of(one)}" for one in columns.split(", "))
            self.database.execute(f"CREATE TABLE uc.unity.{name} ({typed})")
        self.catalogs: list[str] = []
        self._catalog("workspace")

    def open(self, user: str, catalog: str | None, schema: str | None) -> Session:
        name = catalog or "workspace"
        if name not in self.catalogs:
            raise RefusedError(
                f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{name}' was not found. SQLSTATE: 42704"
            )
        connection = self.database.cursor()
        connection.execute(f"USE {_name(name)}.{_name(schema or 'default')}")
        return Session(user, connection)

    def close(self, session: Session) -> None:
        session.connection.close()

    def interrupt(self, session: Session) -> None:
        session.connection.interrupt()

    def run(self, session: Session, sql: str, parameters: Mapping[str, str]) -> Result:
        self.seen.append(sql)
        for part in self.denied.get(session.user, ()):
            if part in sql.lower():
                raise RefusedError(
                    "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have USE SCHEMA on "
                    f"Schema '{part}'. SQLSTATE: 42501"
                )
        return _command(self, sql) or self._query(session, sql, parameters)

    def _query(self, session: Session, sql: str, parameters: Mapping[str, str]) -> Result:
        described = re.match(r"\s*DESCRIBE\s+QUERY\s", sql, re.IGNORECASE)
        if described:
            return self._described(session, sql[described.end() :])
        if "information_schema" in sql.lower():
            self._refresh()
        text = _translated(sql)
        names = [name for name in parameters if f"${name}" in text]
        known = {name: parameters[name] for name in names}
        try:
            cursor = session.connection.execute(text, known or None)
            rows = cursor.fetchall()
        except duckdb.InterruptException as error:
            raise RefusedError(
                "[OPERATION_CANCELED] Operation has been canceled. SQLSTATE: HY008"
            ) from error
        except duckdb.Error as error:
            raise RefusedError(_told(error)) from error
        description = cursor.description or []
        types = [spark_type(str(entry[1])) for entry in description]
        return Result(
            [entry[0] for entry in description],
            [_thrift(kind) for kind in types],
            [[_value(value) for value in row] for row in rows],
        )

    def _described(self, session: Session, sql: str) -> Result:
        try:
            rows = session.connection.execute(f"DESCRIBE {_translated(sql)}").fetchall()
        except duckdb.Error as error:
            raise RefusedError(_told(error)) from error
        return _texts(
            ["col_name", "data_type", "comment"],
            [(row[0], spark_type(row[1]), None) for row in rows],
        )

    def control(self, order: Mapping[str, Any]) -> Any:
        """What a test does to the account: make things, forbid things, look at what was asked."""
        self.is_stale = True
        if order["do"] == "catalog":
            self._catalog(order["name"])
        elif order["do"] == "run":
            connection = self.database.cursor()
            connection.execute(f"USE {_name(order['catalog'])}.{_name('default')}")
            for sql in order["statements"]:
                # the fixture's comments have quotes as plain SQL has them
                is_comment = sql.startswith("COMMENT ON")
                connection.execute(sql.replace("`", '"') if is_comment else _translated(sql))
            connection.close()
        elif order["do"] == "deny":
            self.denied[order["user"]] = order["parts"]
        elif order["do"] == "seen":
            return self.seen
        return None

    def _catalog(self, name: str) -> None:
        self.database.execute(f"ATTACH ':memory:' AS {_name(name)}")
        self.database.execute(f"CREATE SCHEMA {_name(name)}.{_name('default')}")
        self.catalogs.append(name)

    def _refresh(self) -> None:
        """Fill the information schema with what is there now."""
        with self.lock:
            if not self.is_stale:
                return
            connection = self.database.cursor()
            connection.execute("BEGIN")
            for name, rows in _catalog_rows(connection).items():
                connection.execute(f"DELETE FROM uc.unity.{name}")
                if rows:
                    marks = ", ".join("?" for _ in rows[0])
                    connection.executemany(f"INSERT INTO uc.unity.{name} VALUES ({marks})", rows)
            connection.execute("COMMIT")
            connection.close()
            self.is_stale = False


def _command(engine: DuckdbEngine, sql: str) -> Result | None:
    """The answer to a statement that is Databricks' alone; None for all others."""
    words = sql.strip().rstrip(";").upper().split()
    if words[:2] == ["SHOW", "CATALOGS"]:
        return _texts(
            ["catalog"], [(name,) for name in sorted([*engine.catalogs, "system", "samples"])]
        )
    if words[:3] == ["SET", "TIME", "ZONE"]:
        return _texts(["key", "value"], [("spark.sql.session.timeZone", "UTC")])
    if words[:2] == ["DESCRIBE", "DETAIL"]:
        return Result(
            ["format", "sizeInBytes", "partitionColumns", "clusteringColumns", "numFiles"],
            ["string", "bigint", "array", "array", "bigint"],
            [("delta", 4096, '["region"]', '["id"]', 1)],
        )
    return None


@cache
def _translated(sql: str) -> str:
    try:
        found = sqlglot.parse(sql, read="databricks")
    except sqlglot.errors.SqlglotError as error:
        raise RefusedError(
            f"[PARSE_SYNTAX_ERROR] Syntax error: {str(error)[:80]} SQLSTATE: 42601"
        ) from error
    statements = [one for one in found if one is not None and not isinstance(one, exp.Semicolon)]
    if len(statements) != 1 or isinstance(statements[0], exp.Command):
        raise RefusedError(
            "[PARSE_SYNTAX_ERROR] Syntax error at or near end of input. SQLSTATE: 42601"
        )
    made = statements[0].transform(_adapted)
    return str(made.sql("duckdb"))


def _adapted(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Table) and node.db.lower() == "information_schema":
        node.set("catalog", exp.to_identifier("uc"))
        node.set("db", exp.to_identifier("unity"))
    if isinstance(node, exp.Anonymous) and node.name.lower() == "version":
        return exp.Literal.string("3.5.0 double")
    if isinstance(node, (exp.SessionUser, exp.CurrentUser)):
        return exp.Literal.string("reader")
    return node


def _catalog_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    own = ", ".join(f"'{name}'" for name in _OWN)
    moment = dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.UTC)

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return connection.execute(sql).fetchall()

    schemas = ask(
        "SELECT DISTINCT database_name, schema_name FROM duckdb_schemas() "
        f"WHERE database_name NOT IN ({own}) AND schema_name NOT IN ('pg_catalog', 'main')"
    )
    tables = ask(
        "SELECT database_name, schema_name, table_name, 'MANAGED', 'owner', comment FROM duckdb_tables() "
        f"WHERE database_name NOT IN ({own})"
    )
    views = ask(
        "SELECT database_name, schema_name, view_name, 'VIEW', 'owner', comment, sql FROM duckdb_views() "
        f"WHERE database_name NOT IN ({own}) AND NOT internal"
    )
    constraints = ask(
        "SELECT database_name, schema_name, constraint_name, table_name, constraint_type, constraint_column_names, "
        "referenced_table, referenced_column_names FROM duckdb_constraints() WHERE constraint_type IN "
        "('PRIMARY KEY', 'FOREIGN KEY', 'UNIQUE')"
    )
    return {
        "catalogs": [
            (name, "owner", None, moment, moment) for name in sorted({row[0] for row in schemas})
        ],
        "schemata": [(*row, "owner", None, moment, moment) for row in schemas],
        "tables": [
            (*row[:6], moment, moment, "DELTA" if row[3] == "MANAGED" else None, None)
            for row in [*tables, *views]
        ],
        "columns": _column_rows(ask(_COLUMNS.format(own=own))),
        "views": [(*row[:3], row[6].partition(" AS ")[2].rstrip(";"), False) for row in views],
        **_key_rows(constraints),
    }


_COLUMNS = (
    "SELECT database_name, schema_name, table_name, column_name, column_index, column_default, is_nullable, "
    "data_type, numeric_precision, numeric_scale, comment FROM duckdb_columns() "
    "WHERE database_name NOT IN ({own}) AND NOT internal"
)


def _column_rows(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    made: list[tuple[Any, ...]] = []
    for (
        catalog,
        schema,
        table,
        name,
        index,
        default,
        nullable,
        kind,
        precision,
        scale,
        comment,
    ) in rows:
        shown = re.sub(r"^CAST\((.*) AS \w+\)$", r"\1", default) if default else default
        made.append(
            (catalog, schema, table, name, index - 1, shown, "YES" if nullable else "NO", spark_type(kind),
             precision, scale, "NO", None, None, None, comment)
        )  # fmt: skip
    return made


def _key_rows(constraints: Sequence[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    keys: dict[tuple[str, str, str], list[tuple[str, list[str]]]] = {}
    for catalog, schema, name, table, kind, columns, *_rest in constraints:
        if kind != "FOREIGN KEY":
            keys.setdefault((catalog, schema, table), []).append((f"{table}_{name}", columns))
    made: dict[str, list[tuple[Any, ...]]] = {
        "table_constraints": [], "key_column_usage": [], "referential_constraints": []
    }  # fmt: skip
    for catalog, schema, plain, table, kind, columns, target, referenced in constraints:
        name = f"{table}_{plain}"
        place = (catalog, schema, name)
        made["table_constraints"].append((*place, catalog, schema, table, kind, "NO"))
        positions: list[int | None] = [None] * len(columns)
        if kind == "FOREIGN KEY":
            unique, order = next(
                (one, found)
                for one, found in keys[catalog, schema, target]
                if set(found) == set(referenced)
            )
            positions = [order.index(column) + 1 for column in referenced]
            made["referential_constraints"].append(
                (*place, catalog, schema, unique, "NO ACTION", "NO ACTION")
            )
        for at, column in enumerate(columns):
            made["key_column_usage"].append(
                (*place, catalog, schema, table, column, at + 1, positions[at])
            )
    return made


def spark_type(kind: str) -> str:
    """DuckDB's spelling of a type as Databricks spells it."""
    if kind.endswith("[]"):
        return f"array<{spark_type(kind[:-2])}>"
    if kind.startswith("MAP("):
        return f"map<{','.join(spark_type(part) for part in _parts(kind[4:-1]))}>"
    if kind.startswith("STRUCT("):
        fields = [part.strip().partition(" ") for part in _parts(kind[7:-1])]
        return (
            "struct<" + ",".join(f"{_bare(name)}:{spark_type(of)}" for name, _, of in fields) + ">"
        )
    if kind.startswith("DECIMAL("):
        return kind.lower()
    return _SCALARS.get(kind, kind.lower())


def _parts(text: str) -> list[str]:
    made, depth, begin = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            made.append(text[begin:at].strip())
            begin = at + 1
    return [*made, text[begin:].strip()]


def _bare(name: str) -> str:
    return name.strip('"')


def _thrift(kind: str) -> str:
    return _THRIFT.get(kind, kind.partition("<")[0])


def _value(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        # a timestamp is told in the zone of the session, without saying so
        plain = value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
        return plain.isoformat(sep=" ")
    if isinstance(value, (list, dict, tuple)):
        return json.dumps(value, default=_json)
    return value


def _json(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


def _texts(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Result:
    return Result(names, ["string"] * len(names), rows)


def _told(error: duckdb.Error) -> str:
    kind = (
        "TABLE_OR_VIEW_NOT_FOUND"
        if isinstance(error, duckdb.CatalogException)
        else "PARSE_SYNTAX_ERROR"
    )
    state = "42P01" if isinstance(error, duckdb.CatalogException) else "42601"
    return f"[{kind}] {str(error).splitlines()[0]} SQLSTATE: {state}"


def type_of(column: str) -> str:
    if column in ("created", "last_altered"):
        return "TIMESTAMP WITH TIME ZONE"
    if column in _NUMBERS:
        return "INTEGER"
    return "BOOLEAN" if column == "is_materialized" else "VARCHAR"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'

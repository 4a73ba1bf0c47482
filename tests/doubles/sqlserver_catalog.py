"""The `sys` schema of one database of the double: filled by its CREATE statements, asked like any other table."""

import re
from typing import Any

import duckdb
from sqlglot import exp

EPOCH = "TIMESTAMP '2024-01-02 03:04:05'"
TABLES = f"""
CREATE TABLE schemas (name TEXT, schema_id INT, principal_id INT);
CREATE TABLE database_principals (name TEXT, principal_id INT, type TEXT);
CREATE TABLE objects (name TEXT, object_id INT, principal_id INT, schema_id INT, parent_object_id INT, type TEXT,
    type_desc TEXT, create_date TIMESTAMP DEFAULT {EPOCH}, modify_date TIMESTAMP DEFAULT {EPOCH}, is_ms_shipped BOOLEAN
    DEFAULT false);
CREATE TABLE tables (object_id INT, is_external BOOLEAN DEFAULT false, temporal_type TINYINT DEFAULT 0,
    temporal_type_desc TEXT DEFAULT 'NON_TEMPORAL_TABLE', is_memory_optimized BOOLEAN DEFAULT false);
CREATE TABLE views (object_id INT, with_check_option BOOLEAN DEFAULT false);
CREATE TABLE types (name TEXT, system_type_id INT, user_type_id INT, schema_id INT DEFAULT 4, is_user_defined BOOLEAN
    DEFAULT false);
CREATE TABLE columns (object_id INT, name TEXT, column_id INT, system_type_id INT, user_type_id INT, max_length
    SMALLINT, precision INT, scale INT, collation_name TEXT, is_nullable BOOLEAN, is_identity BOOLEAN DEFAULT false,
    is_computed BOOLEAN DEFAULT false, default_object_id INT DEFAULT 0, is_hidden BOOLEAN DEFAULT false,
    generated_always_type TINYINT DEFAULT 0, is_sparse BOOLEAN DEFAULT false, is_masked BOOLEAN DEFAULT false);
CREATE TABLE default_constraints (object_id INT, parent_object_id INT, name TEXT, definition TEXT);
CREATE TABLE computed_columns (object_id INT, column_id INT, definition TEXT, is_persisted BOOLEAN);
CREATE TABLE identity_columns (object_id INT, column_id INT, seed_value BIGINT, increment_value BIGINT);
CREATE TABLE extended_properties (class INT, major_id INT, minor_id INT, name TEXT, value TEXT);
CREATE TABLE indexes (object_id INT, name TEXT, index_id INT, type INT, type_desc TEXT, is_unique BOOLEAN, data_space_id
    INT DEFAULT 1, is_primary_key BOOLEAN DEFAULT false, is_unique_constraint BOOLEAN DEFAULT false, is_disabled BOOLEAN
    DEFAULT false, is_hypothetical BOOLEAN DEFAULT false, filter_definition TEXT);
CREATE TABLE index_columns (object_id INT, index_id INT, index_column_id INT, column_id INT, key_ordinal INT,
    partition_ordinal INT DEFAULT 0, is_descending_key BOOLEAN DEFAULT false, is_included_column BOOLEAN DEFAULT false);
CREATE TABLE key_constraints (name TEXT, object_id INT, parent_object_id INT, type TEXT, unique_index_id INT,
    is_system_named BOOLEAN);
CREATE TABLE foreign_keys (name TEXT, object_id INT, parent_object_id INT, referenced_object_id INT, schema_id INT,
    delete_referential_action_desc TEXT, update_referential_action_desc TEXT, is_disabled BOOLEAN DEFAULT false,
    is_not_trusted BOOLEAN DEFAULT false);
CREATE TABLE foreign_key_columns (constraint_object_id INT, constraint_column_id INT, parent_object_id INT,
    parent_column_id INT, referenced_object_id INT, referenced_column_id INT);
CREATE TABLE check_constraints (name TEXT, object_id INT, parent_object_id INT, definition TEXT);
CREATE TABLE sql_modules (object_id INT, definition TEXT, is_schema_bound BOOLEAN DEFAULT false);
CREATE TABLE partition_schemes (name TEXT, data_space_id INT, function_id INT);
CREATE TABLE partition_functions (name TEXT, function_id INT, type_desc TEXT, fanout INT, boundary_value_on_right
    BOOLEAN);
CREATE TABLE partitions (object_id INT, index_id INT, partition_number INT DEFAULT 1, rows BIGINT);
CREATE TABLE stats (object_id INT, stats_id INT, name TEXT, has_filter BOOLEAN DEFAULT false);
CREATE TABLE stats_columns (object_id INT, stats_id INT, stats_column_id INT, column_id INT);
CREATE TABLE stats_histogram (object_id INT, stats_id INT, step_number INT, range_high_key INT, range_rows FLOAT,
    equal_rows FLOAT, distinct_range_rows BIGINT, average_range_rows FLOAT);
CREATE VIEW dm_db_partition_stats AS SELECT object_id, index_id, partition_number, rows AS row_count, 4::BIGINT AS
    reserved_page_count FROM partitions;
CREATE VIEW all_columns AS SELECT range::INT AS column_id FROM range(200000);
INSERT INTO schemas VALUES ('dbo', 1, 1), ('guest', 2, 2), ('INFORMATION_SCHEMA', 3, 3), ('sys', 4, 4),
    ('db_owner', 16384, 16384);
INSERT INTO database_principals VALUES ('dbo', 1, 'S'), ('guest', 2, 'S'), ('sys', 4, 'S'), ('db_owner', 16384, 'R');
"""

TYPE_IDS = {
    "image": 34, "text": 35, "uniqueidentifier": 36, "date": 40, "time": 41, "datetime2": 42, "datetimeoffset": 43,
    "tinyint": 48, "smallint": 52, "int": 56, "smalldatetime": 58, "real": 59, "money": 60, "datetime": 61, "float": 62,
    "sql_variant": 98, "ntext": 99, "bit": 104, "decimal": 106, "numeric": 108, "smallmoney": 122, "bigint": 127,
    "varbinary": 165, "varchar": 167, "binary": 173, "char": 175, "timestamp": 189, "nvarchar": 231, "nchar": 239,
    "xml": 241,
}  # fmt: skip
LENGTHS = {
    "tinyint": (1, 3, 0), "smallint": (2, 5, 0), "int": (4, 10, 0), "bigint": (8, 19, 0), "bit": (1, 1, 0),
    "float": (8, 53, 0), "real": (4, 24, 0), "money": (8, 19, 4), "date": (3, 10, 0), "time": (5, 16, 7),
    "datetime2": (8, 27, 7), "datetimeoffset": (10, 34, 7), "datetime": (8, 23, 3), "uniqueidentifier": (16, 0, 0),
    "xml": (-1, 0, 0),
}  # fmt: skip
DUCKDB = {
    "tinyint": "UTINYINT", "smallint": "SMALLINT", "int": "INTEGER", "bigint": "BIGINT", "bit": "BOOLEAN",
    "float": "DOUBLE", "real": "FLOAT", "money": "DECIMAL(19,4)", "date": "DATE", "time": "TIME",
    "datetime2": "TIMESTAMP", "datetimeoffset": "TIMESTAMPTZ", "datetime": "TIMESTAMP", "uniqueidentifier": "UUID",
    "varbinary": "BLOB", "binary": "BLOB", "image": "BLOB",
}  # fmt: skip
_TYPE = re.compile(r"\[?(\w+)\]?\s*(?:\(([^)]*)\))?")


def type_of(kind: exp.DataType) -> tuple[str, list[str]]:
    """The type's name and what stands in parentheses after it."""
    match = _TYPE.match(kind.sql("tsql").lower())
    assert match is not None
    name = {"integer": "int", "numeric": "decimal"}.get(match[1], match[1])
    return name, [part.strip() for part in (match[2] or "").split(",") if part.strip()]


def duckdb_type(kind: exp.DataType) -> str:
    name, given = type_of(kind)
    if name in ("decimal", "numeric"):
        return f"DECIMAL({', '.join(given or ['18', '0'])})"
    return DUCKDB.get(name, "TEXT")


def _sizes(name: str, given: list[str]) -> tuple[int, int, int]:
    if name in ("decimal", "numeric"):
        digits = [int(part) for part in given] + [18, 0][len(given) :]
        return 9, digits[0], digits[1]
    if name in LENGTHS:
        length, precision, scale = LENGTHS[name]
        return (
            length,
            precision,
            int(given[0]) if given and name not in ("float", "real") else scale,
        )
    size = -1 if given == ["max"] else int(given[0]) if given else 1
    return size * 2 if size > 0 and name.startswith("n") else size, 0, 0


class Catalog:
    """Makes what CREATE statements ask for in one attached database, and says so in `sys`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        self._connection, self.name = connection, name
        self._next = 100_000
        connection.execute(f"ATTACH ':memory:' AS {quoted(name)}")
        for schema in ("dbo", "sys"):
            connection.execute(f"CREATE SCHEMA {quoted(name)}.{schema}")
        connection.execute(f"USE {quoted(name)}.sys")
        for statement in filter(str.strip, TABLES.split(";\n")):
            connection.execute(statement)
        self._many(
            "types (name, system_type_id, user_type_id)", [(n, i, i) for n, i in TYPE_IDS.items()]
        )
        self._many(
            "types (name, system_type_id, user_type_id)",
            [("sysname", 231, 256), ("geography", 240, 130)],
        )

    def _ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        self._connection.execute(f"USE {quoted(self.name)}.sys")
        return self._connection.execute(sql, list(values)).fetchall()

    def _many(self, into: str, rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            self._ask(f"INSERT INTO {into} VALUES ({', '.join('?' * len(row))})", *row)

    def _new(self) -> int:
        self._next += 1
        return self._next

    def create_schema(self, name: str) -> None:
        [(number,)] = self._ask("SELECT max(schema_id) + 1 FROM schemas WHERE schema_id < 16384")
        self._ask(f"CREATE SCHEMA {quoted(self.name)}.{quoted(name)}")
        self._many("schemas", [(name, number, 1)])

    def schema_id(self, table: exp.Table) -> int:
        found = self._ask(
            "SELECT schema_id FROM schemas WHERE lower(name) = lower(?)", table.db or "dbo"
        )
        return int(found[0][0])

    def object_id(self, table: exp.Table) -> int:
        found = self._ask(
            "SELECT object_id FROM objects WHERE lower(name) = lower(?) AND schema_id = ?", table.name,
            self.schema_id(table),
        )  # fmt: skip
        return int(found[0][0])

    def _object(self, table: exp.Table, kind: str, words: str) -> int:
        number = self._new()
        into = "objects (name, object_id, schema_id, parent_object_id, type, type_desc)"
        self._many(into, [(table.name, number, self.schema_id(table), 0, kind, words)])
        return number

    def create_view(
        self, table: exp.Table, definition: str, columns: list[tuple[str, str]]
    ) -> None:
        number = self._object(table, "V", "VIEW")
        self._ask("INSERT INTO views (object_id) VALUES (?)", number)
        self._many("sql_modules (object_id, definition)", [(number, definition)])
        back = {value: name for name, value in reversed(DUCKDB.items())} | {
            "VARCHAR": "nvarchar(100)"
        }
        for at, (name, kind) in enumerate(columns, 1):
            told = exp.DataType.build(back.get(kind, kind).lower(), dialect="tsql")
            self._column(number, at, name, told, is_nullable=True)

    def create_table(self, table: exp.Table, parts: list[exp.Expression]) -> None:
        number = self._object(table, "U", "USER_TABLE")
        self._ask("INSERT INTO tables (object_id) VALUES (?)", number)
        definitions = [part for part in parts if isinstance(part, exp.ColumnDef)]
        made = ", ".join(self._define(number, at, one) for at, one in enumerate(definitions, 1))
        self._ask(
            f"CREATE TABLE {quoted(self.name)}.{quoted(table.db or 'dbo')}.{quoted(table.name)} ({made})"
        )
        self._many("partitions (object_id, index_id, rows)", [(number, 0, 0)])
        for part in parts:
            if not isinstance(part, exp.ColumnDef):
                self._constrain(number, table, part)

    def _define(self, number: int, at: int, one: exp.ColumnDef) -> str:
        """Enter a column; what DuckDB has to make of it."""
        rules = {
            type(rule.args["kind"]): rule.args["kind"] for rule in one.args.get("constraints") or []
        }
        computed, kind = rules.get(exp.ComputedColumnConstraint), one.args.get("kind")
        if computed is not None:
            kind = exp.DataType.build("int", dialect="tsql")
            text = f"({computed.this.sql('tsql')})"
            row = (number, at, text, bool(computed.args.get("persisted")))
            self._many("computed_columns", [row])
        not_null = rules.get(exp.NotNullColumnConstraint)
        is_nullable = not_null is None or bool(not_null.args.get("allow_null"))
        is_nullable = is_nullable and exp.PrimaryKeyColumnConstraint not in rules
        identity, default = (
            rules.get(exp.GeneratedAsIdentityColumnConstraint),
            rules.get(exp.DefaultColumnConstraint),
        )
        extra: dict[str, Any] = {
            "is_identity": identity is not None,
            "is_computed": computed is not None,
        }
        if identity is not None:
            self._many("identity_columns", [(number, at, 1, 1)])
        if default is not None:
            extra["default_object_id"] = made = self._new()
            text = f"({default.this.sql('tsql')})"
            self._many("default_constraints", [(made, number, f"DF__{made}", text)])
        self._column(number, at, one.name, kind, is_nullable=is_nullable, **extra)
        if exp.PrimaryKeyColumnConstraint in rules:
            self._index(number, f"PK__{number}", [(one.name, False)], primary=True)
        generated = f" AS ({computed.this.sql('duckdb')})" if computed is not None else ""
        return f"{quoted(one.name)} {'' if generated else duckdb_type(kind)}{generated}"

    def _column(self, number: int, at: int, name: str, kind: Any, **extra: Any) -> None:
        base, given = type_of(kind)
        length, precision, scale = _sizes(base, given)
        collation = "SQL_Latin1_General_CP1_CI_AS" if "char" in base or "text" in base else None
        known: dict[str, Any] = {
            "object_id": number, "name": name, "column_id": at, "system_type_id": TYPE_IDS[base],
            "user_type_id": TYPE_IDS[base], "max_length": length, "precision": precision, "scale": scale,
            "collation_name": collation, **extra,
        }  # fmt: skip
        self._many(f"columns ({', '.join(known)})", [tuple(known.values())])

    def _constrain(self, number: int, table: exp.Table, part: exp.Expression) -> None:
        name = ""
        if isinstance(part, exp.Constraint):
            name, part = part.name, part.expressions[0]
        match part:
            case exp.PrimaryKey():
                columns = [(one.name or one.this.name, False) for one in part.expressions]
                self._index(number, name or f"PK__{table.name}__{number}", columns, primary=True)
                for column, _descending in columns:
                    self._ask(
                        "UPDATE columns SET is_nullable = false WHERE object_id = ? AND name = ?",
                        number,
                        column,
                    )
            case exp.UniqueColumnConstraint():
                columns = [(one.name, False) for one in part.this.expressions]
                self._index(
                    number, name or f"UQ__{table.name}__{self._new()}", columns, unique=True
                )
            case exp.CheckColumnConstraint():
                made = self._new()
                text = f"({part.this.sql('tsql')})"
                self._many("check_constraints", [(name or f"CK__{made}", made, number, text)])
            case exp.ForeignKey():
                self._reference(number, table, name, part)
            case _:
                raise NotImplementedError(repr(part))

    def _column_id(self, number: int, name: str) -> int:
        sql = "SELECT column_id FROM columns WHERE object_id = ? AND lower(name) = lower(?)"
        return int(self._ask(sql, number, name)[0][0])

    def _reference(self, number: int, table: exp.Table, name: str, part: exp.ForeignKey) -> None:
        schema = part.args["reference"].this
        target, made = self.object_id(schema.this), self._new()
        text = part.sql("tsql").upper()
        actions = [
            (re.search(rf"ON {word} (CASCADE|SET NULL|SET DEFAULT)", text) or ["", "NO ACTION"])[
                1
            ].replace(" ", "_")
            for word in ("DELETE", "UPDATE")
        ]
        into = (
            "foreign_keys (name, object_id, parent_object_id, referenced_object_id, schema_id, "
            "delete_referential_action_desc, update_referential_action_desc)"
        )
        row = (name or f"FK__{made}", made, number, target, self.schema_id(table), *actions)
        self._many(into, [row])
        pairs = zip(part.expressions, schema.expressions, strict=True)
        for at, (here, there) in enumerate(pairs, 1):
            columns = (
                self._column_id(number, here.name),
                target,
                self._column_id(target, there.name),
            )
            self._many("foreign_key_columns", [(made, at, number, *columns)])

    def create_index(self, one: exp.Index, *, unique: bool, kind: str = "") -> None:
        params = one.args["params"]
        columns = [(part.this.name, bool(part.args.get("desc"))) for part in params.args["columns"]]
        included = [part.name for part in params.args.get("include") or []]
        where = params.args.get("where")
        self._index(
            self.object_id(one.args["table"]), one.name, columns, unique=unique, constraint=False, included=included,
            where=f"({where.this.sql('tsql')})" if where else None, clustered="CLUSTERED" in kind,
        )  # fmt: skip

    def _index(
        self, number: int, name: str, columns: list[tuple[str, bool]], *, primary: bool = False, unique: bool = False,
        constraint: bool = True, included: list[str] | None = None, where: str | None = None, clustered: bool = False,
    ) -> None:  # fmt: skip
        is_clustered = primary or clustered
        sql = "SELECT coalesce(max(index_id), 1) + 1 FROM indexes WHERE object_id = ? AND index_id > 1"
        index = 1 if is_clustered else int(self._ask(sql, number)[0][0])
        into = (
            "indexes (object_id, name, index_id, type, type_desc, is_unique, is_primary_key, is_unique_constraint, "
            "filter_definition)"
        )
        kind = (1, "CLUSTERED") if is_clustered else (2, "NONCLUSTERED")
        is_key = constraint and unique
        self._many(into, [(number, name, index, *kind, primary or unique, primary, is_key, where)])
        into = (
            "index_columns (object_id, index_id, index_column_id, column_id, key_ordinal, is_descending_key, "
            "is_included_column)"
        )
        for at, (column, descending) in enumerate(columns, 1):
            self._many(
                into, [(number, index, at, self._column_id(number, column), at, descending, False)]
            )
        for at, column in enumerate(included or [], len(columns) + 1):
            self._many(into, [(number, index, at, self._column_id(number, column), 0, False, True)])
        if primary or is_key:
            row = (name, self._new(), number, "PK" if primary else "UQ", index, False)
            self._many("key_constraints", [row])

    def comment(self, table: exp.Table, column: str | None, text: str) -> None:
        number = self.object_id(table)
        minor = 0 if column is None else self._column_id(number, column)
        self._many("extended_properties", [(1, number, minor, "MS_Description", text)])

    def recount(self, table: exp.Table) -> None:
        place = f"{quoted(self.name)}.{quoted(table.db or 'dbo')}.{quoted(table.name)}"
        self._ask(
            f"UPDATE partitions SET rows = (SELECT count(*) FROM {place}) WHERE object_id = {self.object_id(table)}"
        )


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

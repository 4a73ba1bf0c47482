"""The database that the suite looks at, as plain facts, and the SQL that makes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from buster_tasks.testing.dialect import Dialect

NASTY = "no \"such\" 'na`me'; DROP %s {x} ünï"
RESERVED = "order"


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A column: `type` is one of the dialect's."""

    name: str
    type: str = "integer"
    nullable: bool = True
    default: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class KeyFact:
    """A foreign key: columns to columns, paired by position."""

    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]
    on_delete: str | None = None


@dataclass(frozen=True, slots=True)
class IndexFact:
    """An index that a statement of its own makes."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class TableFact:
    """A table with its rows, each a tuple of SQL literals."""

    name: str
    columns: tuple[ColumnFact, ...]
    primary: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    foreign: tuple[KeyFact, ...] = ()
    indexes: tuple[IndexFact, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    comment: str | None = None


def _id() -> ColumnFact:
    return ColumnFact("id", nullable=False)


CUSTOMER = TableFact(
    "customer",
    (
        _id(),
        ColumnFact("name", "text", nullable=False, comment='as it\'s on the "passport"'),
        ColumnFact("email", "text"),
        ColumnFact("status", "text", nullable=False, default="'new'"),
    ),
    primary=("id",),
    unique=(("email",),),
    indexes=(IndexFact("customer_status_name", ("status", "name")),),
    rows=tuple((str(at), f"'name {at}'", "NULL", "'new'") for at in range(1, 6)),
    comment="people; who buy",
)
# the key's columns are in another order than the table's, and so are those of the reference
REGION = TableFact(
    "region",
    (
        ColumnFact("code", "integer", nullable=False),
        ColumnFact("title", "text"),
        ColumnFact("country", "integer", nullable=False),
    ),
    primary=("country", "code"),
    rows=(("1", "'north'", "7"), ("2", "NULL", "7")),
)
CITY = TableFact(
    "city",
    (
        _id(),
        ColumnFact("region_code", "integer"),
        ColumnFact("region_country", "integer"),
        ColumnFact("mayor", "integer"),
    ),
    primary=("id",),
    foreign=(
        KeyFact(("region_country", "region_code"), "region", ("country", "code")),
        KeyFact(("mayor",), "customer", ("id",), "CASCADE"),
    ),
    indexes=(IndexFact("city_mayor_once", ("mayor", "id"), unique=True),),
    rows=(("1", "1", "7", "2"),),
)
EVERY_TYPE = "every_type"
TYPES = ("integer", "text", "decimal", "float", "boolean", "date", "timestamp", "binary")
EMPTY = TableFact("empty", (_id(), ColumnFact("note", "text")), primary=("id",))
WORD = TableFact(RESERVED, (_id(), ColumnFact("select")), primary=("id",), rows=(("1", "2"),))
VIEW = "customer_names"
VIEW_COLUMNS = ("name", "id")

OTHER_CUSTOMER = TableFact(
    "customer",
    (ColumnFact("number", nullable=False), ColumnFact("city"), ColumnFact("id", "text")),
    primary=("number",),
    unique=(("id",),),
    indexes=(IndexFact("customer_status_name", ("id", "city")),),
    rows=(("1", "NULL", "'x'"),),
)
OTHER_CITY = TableFact(
    "city",
    (ColumnFact("mayor", nullable=False), ColumnFact("id", "text")),
    primary=("mayor",),
    foreign=(KeyFact(("mayor",), "customer", ("number",)),),
)
OTHER_TABLES = (OTHER_CUSTOMER, OTHER_CITY)


def every_type(dialect: Dialect) -> TableFact:
    """A table with a column of each type: a row of values, and one of nulls."""
    columns = (_id(), *(ColumnFact(f"a_{kind}", kind) for kind in TYPES))
    values = tuple(dialect.types[kind].literal for kind in TYPES)
    rows = (("1", *values), ("2", *("NULL" for _ in TYPES)))
    return TableFact(EVERY_TYPE, columns, primary=("id",), rows=rows)


def strange(dialect: Dialect) -> TableFact:
    """A table with the strangest name that the dialect takes, and a column of the same."""
    name = dialect.strange or NASTY
    columns = (_id(), ColumnFact(name, "text"))
    return TableFact(name, columns, primary=("id",), rows=(("1", "'found'"),))


def tables(dialect: Dialect) -> tuple[TableFact, ...]:
    """The tables of the dialect's `schema`."""
    return (CUSTOMER, REGION, CITY, every_type(dialect), EMPTY, strange(dialect), WORD)


def fixture_statements(dialect: Dialect, only: Sequence[TableFact] | None = None) -> list[str]:
    """The statements, one by one, that make the suite's database; both schemas must be there already.

    `only` these tables in the dialect's `schema`, where given, and nothing else.
    """
    if only is not None:
        return [one for table in only for one in _table(dialect, dialect.schema, table)]
    view = dialect.name(dialect.schema, VIEW)
    columns = ", ".join(map(dialect.name, VIEW_COLUMNS))
    source = dialect.name(dialect.schema, CUSTOMER.name)
    made = [
        statement
        for table in tables(dialect)
        for statement in _table(dialect, dialect.schema, table)
    ]
    made.append(f"CREATE VIEW {view} AS SELECT {columns} FROM {source} WHERE email IS NULL")
    if dialect.other_schema is not None:
        for table in OTHER_TABLES:
            made += _table(dialect, dialect.other_schema, table)
    return made


def _table(dialect: Dialect, schema: str, table: TableFact) -> Iterator[str]:
    where, names = dialect.name(schema, table.name), dialect.name
    parts = [_column(dialect, column) for column in table.columns]
    if table.primary:
        parts.append(f"PRIMARY KEY ({_list(dialect, table.primary)})")
    if dialect.has_unique:
        parts += [f"UNIQUE ({_list(dialect, columns)})" for columns in table.unique]
    parts += [_reference(dialect, schema, key) for key in table.foreign]
    inline = dialect.comments == "inline" and table.comment
    comment = f" COMMENT = {_text(table.comment or '')}" if inline else ""
    yield f"CREATE TABLE {where} ({', '.join(parts)}){comment}"
    for index in table.indexes if dialect.has_indexes else ():
        unique = "UNIQUE " if index.unique else ""
        on = _within(dialect, schema, table.name)
        yield f"CREATE {unique}INDEX {names(index.name)} ON {on} ({_list(dialect, index.columns)})"
    if table.rows:
        rows = ", ".join(f"({', '.join(row)})" for row in table.rows)
        yield f"INSERT INTO {where} VALUES {rows}"
    if dialect.comments == "statement":
        yield from _comments(dialect, where, table)


def _comments(dialect: Dialect, where: str, table: TableFact) -> Iterator[str]:
    if table.comment:
        yield f"COMMENT ON TABLE {where} IS {_text(table.comment)}"
    for column in table.columns:
        if column.comment:
            place = f"{where}.{dialect.name(column.name)}"
            yield f"COMMENT ON COLUMN {place} IS {_text(column.comment)}"


def _column(dialect: Dialect, column: ColumnFact) -> str:
    text = f"{dialect.name(column.name)} {dialect.types[column.type].written}"
    # said of each, because a timestamp of MySQL is NOT NULL by itself
    text += " NULL" if column.nullable else " NOT NULL"
    if column.default is not None:
        text += f" DEFAULT {column.default}"
    if column.comment and dialect.comments == "inline":
        text += f" COMMENT {_text(column.comment)}"
    return text


def _reference(dialect: Dialect, schema: str, key: KeyFact) -> str:
    target = _within(dialect, schema, key.table)
    action = f" ON DELETE {key.on_delete}" if key.on_delete and dialect.has_actions else ""
    return (
        f"FOREIGN KEY ({_list(dialect, key.columns)}) REFERENCES {target} "
        f"({_list(dialect, key.referenced)}){action}"
    )


def _within(dialect: Dialect, schema: str, table: str) -> str:
    """The table in a place where SQLite wants it without its schema, and takes the one of the statement."""
    return dialect.name(table) if schema == "main" else dialect.name(schema, table)


def _list(dialect: Dialect, columns: tuple[str, ...]) -> str:
    return ", ".join(map(dialect.name, columns))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

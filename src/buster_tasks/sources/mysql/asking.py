"""Asking information_schema, and its rows as named tuples of Python's types."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.mysql import catalog
from buster_tasks.sources.mysql.catalog import (
    ColumnRow,
    IndexRow,
    PartitionRow,
    ReferenceRow,
    RelationRow,
    RuleRow,
    ViewRow,
)
from buster_tasks.sources.mysql.link import Row
from buster_tasks.sources.mysql.narrowing import Condition
from buster_tasks.sources.mysql.session import MysqlSession

T = TypeVar("T")

_TABLES = ("TABLE_SCHEMA", "TABLE_NAME")


def read_grants(session: MysqlSession, budget: Budget) -> list[str]:
    """What SHOW GRANTS says of us."""
    return [_text(row[0]) or "" for row in session.rows(catalog.GRANTS, budget=budget)]


def read_relations(
    session: MysqlSession, databases: Condition, tables: Condition, budget: Budget
) -> list[RelationRow]:
    """Databases, and the tables, views and sequences in them."""
    has_comments = session.server.has_database_comments
    sql = catalog.RELATIONS.format(
        database_comment="CONVERT(SCHEMA_COMMENT USING utf8mb4)" if has_comments else "NULL",
        of_databases=databases.on("SCHEMA_NAME"),
        of_tables=tables.on(*_TABLES),
    )
    found = session.rows(sql, (*databases.parameters, *tables.parameters), budget=budget)
    return [_relation(row) for row in found]


def read_names(
    session: MysqlSession, databases: Condition, budget: Budget
) -> list[tuple[str, str]]:
    """Databases and tables by name alone, also those that a filter of tables leaves out."""
    sql = catalog.NAMES.format(of_databases=databases.on("TABLE_SCHEMA"))
    found = session.rows(sql, databases.parameters, budget=budget)
    return [(_name(schema), _name(name)) for schema, name in found]


def read_columns(session: MysqlSession, tables: Condition, budget: Budget) -> list[ColumnRow]:
    """The columns of these tables and views."""
    return _read(session, catalog.COLUMNS, tables, budget, _column)


def read_indexes(
    session: MysqlSession, tables: Condition, budget: Budget, *, with_distinct: bool
) -> list[IndexRow]:
    """The indexes of these tables; the number of distinct values costs a look at each, so it is asked if wanted."""
    server = session.server
    sql = catalog.INDEXES.format(
        expression="EXPRESSION" if server.has_index_expressions else "NULL",
        visibility=server.index_visibility or "NULL",
        cardinality="CARDINALITY" if with_distinct else "NULL",
        of_tables="{of_tables}",
    )
    return _read(session, sql, tables, budget, _index)


def read_references(session: MysqlSession, tables: Condition, budget: Budget) -> list[ReferenceRow]:
    """The columns of the foreign keys of these tables."""
    return _read(session, catalog.REFERENCES, tables, budget, _reference)


def read_rules(session: MysqlSession, tables: Condition, budget: Budget) -> list[RuleRow]:
    """The actions of the foreign keys of these tables, and their CHECK constraints."""
    server, parameters = session.server, tables.parameters
    sql = catalog.RULES.format(of_references=tables.on("CONSTRAINT_SCHEMA", "TABLE_NAME"))
    if server.has_checks:
        checks = catalog.CHECKS_OF_MARIADB if server.is_mariadb else catalog.CHECKS_OF_MYSQL
        sql += checks.format(
            of_references=tables.on("CONSTRAINT_SCHEMA", "TABLE_NAME"),
            of_checks=tables.on("t.TABLE_SCHEMA", "t.TABLE_NAME"),
        )
        parameters += tables.parameters
    return [_rule(row) for row in session.rows(sql, parameters, budget=budget)]


def read_views(session: MysqlSession, tables: Condition, budget: Budget) -> list[ViewRow]:
    """The queries behind these views."""
    return _read(session, catalog.VIEWS, tables, budget, _view)


def read_partitions(session: MysqlSession, tables: Condition, budget: Budget) -> list[PartitionRow]:
    """The partitions of these tables."""
    return _read(session, catalog.PARTITIONS, tables, budget, _partition)


def _read(
    session: MysqlSession, sql: str, tables: Condition, budget: Budget, make: Callable[[Row], T]
) -> list[T]:
    found = session.rows(
        sql.format(of_tables=tables.on(*_TABLES)), tables.parameters, budget=budget
    )
    return [make(row) for row in found]


def _relation(row: Row) -> RelationRow:
    (
        kind,
        schema,
        name,
        engine,
        rows,
        data,
        index,
        number,
        created,
        changed,
        collation,
        options,
        comment,
    ) = row
    return RelationRow(
        kind=_name(kind),
        schema=_name(schema),
        name=_name(name),
        engine=_text(engine),
        rows=_int(rows),
        data_bytes=_int(data),
        index_bytes=_int(index),
        next_number=_int(number),
        created=_float(created),
        changed=_float(changed),
        collation=_text(collation),
        options=_text(options),
        comment=_text(comment) or None,
    )


def _column(row: Row) -> ColumnRow:
    (
        schema, table, name, position, default, nullable, base, full, longest, digits, decimals,
        second_digits, collation, extra, generated, comment,
    ) = row  # fmt: skip
    return ColumnRow(
        schema=_name(schema),
        table=_name(table),
        name=_name(name),
        position=_int(position) or 0,
        default=_text(default),
        is_nullable=_name(nullable).upper() == "YES",
        base_type=_name(base).lower(),
        full_type=_name(full),
        longest=_int(longest),
        digits=_int(digits),
        decimals=_int(decimals),
        second_digits=_int(second_digits),
        collation=_text(collation),
        extra=_name(extra),
        generated=_text(generated) or None,
        comment=_text(comment) or None,
    )


def _index(row: Row) -> IndexRow:
    (
        schema, table, name, position, not_unique, column, expression, prefix, direction, method,
        visibility, comment, distinct,
    ) = row  # fmt: skip
    return IndexRow(
        schema=_name(schema),
        table=_name(table),
        name=_name(name),
        position=_int(position) or 0,
        is_unique=_int(not_unique) == 0,
        column=_text(column),
        expression=_text(expression),
        prefix=_int(prefix),
        direction=_text(direction),
        method=_text(method),
        visibility=_text(visibility),
        comment=_text(comment) or None,
        distinct=_int(distinct),
    )


def _reference(row: Row) -> ReferenceRow:
    schema, table, name, position, column, target_schema, target_table, target_column = row
    return ReferenceRow(
        schema=_name(schema),
        table=_name(table),
        name=_name(name),
        position=_int(position) or 0,
        column=_name(column),
        target_schema=_name(target_schema),
        target_table=_name(target_table),
        target_column=_name(target_column),
    )


def _rule(row: Row) -> RuleRow:
    kind, schema, table, name, first, second = row
    return RuleRow(
        _name(kind), _name(schema), _name(table), _name(name), _text(first), _text(second)
    )


def _view(row: Row) -> ViewRow:
    schema, name, *rest = row
    definition, check_option, updatable, definer, security = map(_text, rest)
    return ViewRow(
        _name(schema), _name(name), definition or None, check_option, updatable, definer, security
    )


def _partition(row: Row) -> PartitionRow:
    schema, table, name, position, *rest = row
    return PartitionRow(
        _name(schema), _name(table), _name(name), _int(position) or 0, *map(_text, rest)
    )


def _name(value: object) -> str:
    return _text(value) or ""


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _int(value: object) -> int | None:
    return None if value is None else int(str(value))


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))

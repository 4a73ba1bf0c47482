"""Asking information_schema, and its rows as named tuples."""

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
    return [str(row[0]) for row in session.rows(catalog.GRANTS, budget=budget)]


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
    return [RelationRow._make(row) for row in found]


def read_names(
    session: MysqlSession, databases: Condition, budget: Budget
) -> list[tuple[str, str]]:
    """Databases and tables by name alone, also those that a filter of tables leaves out."""
    sql = catalog.NAMES.format(of_databases=databases.on("TABLE_SCHEMA"))
    found = session.rows(sql, databases.parameters, budget=budget)
    return [(str(schema), str(name)) for schema, name in found]


def read_columns(session: MysqlSession, tables: Condition, budget: Budget) -> list[ColumnRow]:
    """The columns of these tables and views."""
    return _read(session, catalog.COLUMNS, tables, budget, ColumnRow._make)


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
    return _read(session, sql, tables, budget, IndexRow._make)


def read_references(session: MysqlSession, tables: Condition, budget: Budget) -> list[ReferenceRow]:
    """The columns of the foreign keys of these tables."""
    return _read(session, catalog.REFERENCES, tables, budget, ReferenceRow._make)


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
    return [RuleRow._make(row) for row in session.rows(sql, parameters, budget=budget)]


def read_views(session: MysqlSession, tables: Condition, budget: Budget) -> list[ViewRow]:
    """The queries behind these views."""
    return _read(session, catalog.VIEWS, tables, budget, ViewRow._make)


def read_partitions(session: MysqlSession, tables: Condition, budget: Budget) -> list[PartitionRow]:
    """The partitions of these tables."""
    return _read(session, catalog.PARTITIONS, tables, budget, PartitionRow._make)


def _read(
    session: MysqlSession, sql: str, tables: Condition, budget: Budget, make: Callable[[Row], T]
) -> list[T]:
    found = session.rows(
        sql.format(of_tables=tables.on(*_TABLES)), tables.parameters, budget=budget
    )
    return [make(row) for row in found]

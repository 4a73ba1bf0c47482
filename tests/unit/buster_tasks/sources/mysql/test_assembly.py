"""Models from the rows of a MySQL 8 catalog, which differs from MariaDB's and is not at hand as a server."""

from decimal import Decimal
from typing import Any

from buster_tasks.errors import QueryFailedError
from buster_tasks.sources.filters import Selection, exact_case
from buster_tasks.sources.mysql.assembly import assemble
from buster_tasks.sources.mysql.catalog import (
    ColumnRow,
    IndexRow,
    ReferenceRow,
    RelationRow,
    RuleRow,
    ViewRow,
)
from buster_tasks.sources.mysql.reading import Reading
from buster_tasks.sources.mysql.rights import Rights
from buster_tasks.sources.mysql.server import Server
from buster_tasks.sources.schema import Column, Filters, Introspection

MYSQL = Server("8.0.36", user="u@%", database="shop", connection=7, ignores_case=False)
EVERYTHING = Rights(everywhere=True)


def relation(kind: str = "BASE TABLE", name: str = "t", **changes: Any) -> RelationRow:
    known: dict[str, Any] = {
        "kind": kind, "schema": "shop", "name": name, "engine": "InnoDB", "rows": Decimal(3),
        "data_bytes": Decimal(100), "index_bytes": Decimal(20), "next_number": None, "created": 1_700_000_000,
        "changed": None, "collation": "utf8mb4_0900_ai_ci", "options": "", "comment": "",
    }  # fmt: skip
    return RelationRow(**{**known, **changes})


def column(
    name: str = "c", base: str = "int", full: str | None = None, **changes: Any
) -> ColumnRow:
    known: dict[str, Any] = {
        "schema": "shop", "table": "t", "name": name, "position": 1, "default": None, "nullable": "YES",
        "base_type": base, "full_type": full or base, "longest": None, "digits": None, "decimals": None,
        "second_digits": None, "collation": None, "extra": "", "generated": "", "comment": "",
    }  # fmt: skip
    return ColumnRow(**{**known, **changes})


def index(name: str, column: str | None, position: int = 1, **changes: Any) -> IndexRow:
    known: dict[str, Any] = {
        "schema": "shop", "table": "t", "name": name, "position": position, "not_unique": 1, "column": column,
        "expression": None, "prefix": None, "direction": "A", "method": "BTREE", "visibility": "YES",
        "comment": "", "distinct": None,
    }  # fmt: skip
    return IndexRow(**{**known, **changes})


def found(
    *rows: Any, relations: list[RelationRow] | None = None, rights: Rights | None = EVERYTHING
) -> Introspection:
    kept = relations if relations is not None else [relation()]
    database = relation("DATABASE", "", engine="utf8mb4")
    reading = Reading(MYSQL, [database], kept, rights)
    parts: dict[type, list[Any]] = {
        ColumnRow: reading.columns, IndexRow: reading.indexes, ReferenceRow: reading.references,
        RuleRow: reading.rules, ViewRow: reading.views,
    }  # fmt: skip
    for row in rows:
        parts[type(row)].append(row)
    reading.sort()
    selection = Selection(Filters(), exact_case)
    return assemble(reading, filters=Filters(), selection=selection, level="none")


def made(row: ColumnRow) -> Column:
    return found(row).columns[0]


def test_a_database_is_a_schema_of_the_same_name() -> None:
    result = found(column())
    assert (result.databases[0].name, result.schemas[0].name, result.schemas[0].database) == (
        "shop",
    ) * 3
    table = result.tables[0]
    assert (table.schema_name, table.database, result.columns[0].database) == ("shop",) * 3
    assert (table.row_count, table.row_count_kind, table.size_bytes) == (3, "estimate", 120)
    assert type(table.row_count) is int
    assert result.data_source_name == "shop"


def test_defaults_that_mysql_gives_bare_are_told_as_sql() -> None:
    assert made(column(base="varchar", default="it's")).default_value == "'it''s'"
    assert made(column(base="varchar", default="NULL")).default_value == "'NULL'"
    assert made(column(base="varchar", default="")).default_value == "''"
    assert made(column(base="int", default="7")).default_value == "7"
    assert made(column(base="int")).default_value is None
    assert made(column(base="bit", full="bit(5)", default="b'101'")).default_value == "b'101'"
    assert made(column(base="date", default="2024-01-01")).default_value == "'2024-01-01'"
    now = column(
        base="timestamp",
        default="CURRENT_TIMESTAMP",
        extra="DEFAULT_GENERATED on update CURRENT_TIMESTAMP",
    )
    assert made(now).default_value == "CURRENT_TIMESTAMP"
    assert made(now).metadata == {"onUpdate": "current_timestamp"}
    old = column(base="datetime", default="CURRENT_TIMESTAMP(3)")  # as MySQL 5.7 tells it
    assert made(old).default_value == "CURRENT_TIMESTAMP(3)"
    text = column(base="json", default="json_array(_utf8mb4\\'a\\')", extra="DEFAULT_GENERATED")
    assert made(text).default_value == "json_array(_utf8mb4'a')"


def test_generated_columns() -> None:
    stored = made(column(extra="STORED GENERATED", generated="concat(`a`,_utf8mb4\\'x\\')"))
    assert (stored.generated_kind, stored.generated_expression) == (
        "stored",
        "concat(`a`,_utf8mb4'x')",
    )
    assert (
        made(column(extra="VIRTUAL GENERATED", generated="(`a` + 1)")).generated_kind == "virtual"
    )
    assert made(column()).generated_kind is None


def test_types_of_mysql_8() -> None:
    assert made(column(base="json")).normalized_type == "json"
    assert made(column(base="tinyint", full="tinyint(1)")).normalized_type == "boolean"
    assert made(column(base="tinyint", full="tinyint(1) unsigned")).normalized_type == "integer"
    assert made(column(base="int", full="int unsigned")).metadata == {"unsigned": True}
    assert made(column(base="geomcollection")).normalized_type == "geography"
    assert made(column(base="hologram")).normalized_type == "unknown"
    assert made(column(base="longtext")).normalized_type == "text"
    assert made(column(extra="auto_increment")).identity == "autoincrement"
    assert made(column(extra=None)).identity is None


def test_an_index_of_an_expression_and_one_that_is_invisible() -> None:
    result = found(
        column(),
        index("e", None, expression="lower(`c`)", not_unique=0),
        index("h", "c", visibility="NO"),
    )
    first, second = result.indexes
    assert (first.columns, first.parts[0].expression, first.is_unique) == (
        ["lower(`c`)"],
        "lower(`c`)",
        True,
    )
    assert (first.metadata, second.metadata) == ({}, {"invisible": True})
    assert result.unique_keys == []


def test_keys_keep_their_order_whatever_the_order_of_the_rows() -> None:
    result = found(
        column(),
        index("PRIMARY", "a", 2, not_unique=0),
        index("PRIMARY", "b", 1, not_unique=0),
        ReferenceRow("shop", "t", "f", 2, "y", "other", "u", "n"),
        ReferenceRow("shop", "t", "f", 1, "x", "other", "u", "m"),
        RuleRow("REFERENCE", "shop", "t", "f", "CASCADE", "NO ACTION"),
        RuleRow("REFERENCE", "else", "t", "f", "RESTRICT", "RESTRICT"),
    )
    assert result.primary_keys[0].columns == ["b", "a"]
    [key] = result.foreign_keys
    assert (key.source_columns, key.referenced_columns) == (["x", "y"], ["m", "n"])
    assert (key.referenced_database, key.on_update, key.on_delete) == (
        "other",
        "CASCADE",
        "NO ACTION",
    )
    assert result.complete


def test_rows_of_tables_that_were_not_kept_are_dropped() -> None:
    result = found(
        column(), column(name="x")._replace(table="other"), index("i", "x")._replace(schema="else")
    )
    assert [one.name for one in result.columns] == ["c"]
    assert result.indexes == []


def test_hidden_texts_are_one_issue_for_each_database() -> None:
    views = [relation("VIEW", name, comment="VIEW") for name in ("v", "w")]
    rows = [ViewRow("shop", name, "", "NONE", "YES", "a@%", "DEFINER") for name in ("v", "w")]
    result = found(*(column()._replace(table=name) for name in ("v", "w")), *rows, relations=views)
    [issue] = result.issues
    assert (issue.code, "'v', 'w'" in issue.message, result.complete) == (
        "VIEW_DEFINITION_HIDDEN",
        True,
        False,
    )


def test_nothing_visible_is_incomplete() -> None:
    result = found(relations=[], rights=Rights())
    assert not result.complete
    assert [issue.code for issue in result.issues] == ["PERMISSION_DENIED"]
    assert found(relations=[], rights=EVERYTHING).complete
    assert found(relations=[], rights=None).complete  # a server that checks no rights tells none


def test_a_part_of_the_catalog_that_failed_is_told() -> None:
    reading = Reading(MYSQL, [], [relation()], EVERYTHING, columns=[column()])
    reading.failed["constraints"] = QueryFailedError("No.", fix="Do.")
    selection = Selection(Filters(), exact_case)
    result = assemble(reading, filters=Filters(), selection=selection, level="catalog")
    assert [issue.code for issue in result.issues] == ["CATALOG_UNREADABLE"]
    assert (result.complete, result.statistics) == (False, "catalog")

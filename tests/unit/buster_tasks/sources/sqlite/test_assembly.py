"""The models are made from recorded rows here, without a database."""

from collections.abc import Mapping, Sequence

from buster_tasks.errors import QueryFailedError, SourceTimeoutError
from buster_tasks.sources.filters import Selection, ascii_case
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel
from buster_tasks.sources.sqlite.assembly import Sizing, assemble
from buster_tasks.sources.sqlite.catalog import (
    ColumnRow,
    ForeignKeyRow,
    IndexRow,
    RelationRow,
    StatisticsRow,
    Structure,
    Unreadable,
)
from buster_tasks.sources.sqlite.reading import Reading


def relation(name: str, kind: str = "table", sql: str | None = None) -> RelationRow:
    return RelationRow(name, kind, without_rowid=False, is_strict=False, sql=sql)


def column(
    table: str, name: str, declared: str = "INTEGER", *, key: int = 0, at: int = 0
) -> ColumnRow:
    return ColumnRow(table, at, name, declared, False, None, key, 0)


def index(
    table: str, name: str, column: str | None, *, origin: str = "c", partial: bool = False, sql: str | None = None
) -> IndexRow:  # fmt: skip
    return IndexRow(table, name, False, origin, partial, column, False, "BINARY", sql)


def foreign_key(
    table: str, column: str, target: str, to: str | None = None, *, key: int = 0
) -> ForeignKeyRow:
    return ForeignKeyRow(table, key, 0, target, column, to, "NO ACTION", "CASCADE")


def made(
    relations: Sequence[RelationRow],
    structure: Structure | None = None,
    *,
    sizing: Sizing | None = None,
    statistics: Sequence[StatisticsRow] = (),
    level: StatisticsLevel = "none",
    others: Sequence[str] = (),
) -> Introspection:
    names = [*(one.name for one in relations), *others]
    reading = Reading(
        "shop", relations, structure or Structure(), names=names, statistics=statistics
    )
    filters = Filters()
    selection = Selection(filters, ascii_case)
    return assemble(
        reading, sizing or Sizing(), {"encoding": "UTF-8"}, filters=filters, selection=selection, level=level
    )  # fmt: skip


def sizes(found: Introspection) -> Mapping[str, int | None]:
    return {table.name: table.size_bytes for table in found.tables}


def test_rows_are_counted_estimated_or_unknown() -> None:
    sizing = Sizing(
        counted={"a": 0},
        uncounted={"b": SourceTimeoutError("Too slow."), "c": SourceTimeoutError("Too slow.")},
    )
    statistics = [StatisticsRow("b", "part", [7, 1]), StatisticsRow("b", "whole", [90, 3])]
    found = made(
        [relation("a"), relation("b"), relation("c")], sizing=sizing, statistics=statistics
    )
    assert [(one.row_count, one.row_count_kind) for one in found.tables] == [
        (0, "exact"),
        (90, "estimate"),
        (None, "unknown"),
    ]
    assert [(one.object, one.code) for one in found.issues] == [
        ("main.b", "ROW_COUNT_ESTIMATED"),
        ("main.c", "ROW_COUNT_UNKNOWN"),
    ]
    assert found.complete


def test_a_size_has_its_indexes_and_is_none_when_unknown() -> None:
    structure = Structure(
        indexes=[index("a", "i", "x"), index("a", "i", "y"), index("a", "j", "x")]
    )
    relations = [relation("a"), relation("b"), relation("v", "virtual")]
    sizing = Sizing(bytes={"a": 4096, "i": 1024, "j": 512, "b": 8192, "sqlite_schema": 4096})
    assert sizes(made(relations, structure, sizing=sizing)) == {"a": 5632, "b": 8192, "v": None}
    assert sizes(made(relations, structure)) == {"a": None, "b": None, "v": None}
    unknown = made(relations, sizing=Sizing(unsized=SourceTimeoutError("Too slow.")))
    assert [issue.code for issue in unknown.issues] == ["SIZES_UNKNOWN"]


def test_a_broken_view_costs_only_itself() -> None:
    error = QueryFailedError("no such table: gone.")
    structure = Structure(columns=[column("a", "x")], unreadable=[Unreadable("v", error)])
    found = made([relation("a"), relation("v", "view", "CREATE VIEW v AS SELECT 1")], structure)
    assert [view.definition for view in found.views] == ["SELECT 1"]
    assert [(one.table, one.name) for one in found.columns] == [("a", "x")]
    assert [(one.scope, one.object, one.code) for one in found.issues] == [
        ("view", "main.v", "OBJECT_UNREADABLE")
    ]
    assert not found.complete


def test_a_reference_without_columns_means_the_parents_primary_key() -> None:
    structure = Structure(
        columns=[column("child", "p", at=0)],
        parents=[column("PARENT", "y", key=2), column("PARENT", "x", key=1)],
        foreign_keys=[
            foreign_key("child", "a", "PARENT"),
            foreign_key("child", "b", "PARENT")._replace(sequence=1),
        ],
    )
    found = made([relation("child")], structure, others=["parent"])
    (key,) = found.foreign_keys
    assert (key.source_columns, key.referenced_table, key.referenced_columns) == (
        ["a", "b"],
        "parent",
        ["x", "y"],
    )
    assert (key.on_update, key.on_delete, found.issues) == ("NO ACTION", "CASCADE", [])


def test_a_reference_that_leads_nowhere_is_an_issue() -> None:
    structure = Structure(
        foreign_keys=[
            foreign_key("child", "a", "gone", "id", key=1),
            foreign_key("child", "b", "keyless", key=0),
        ]
    )
    found = made([relation("child"), relation("keyless")], structure)
    assert [key.referenced_columns for key in found.foreign_keys] == [["id"], []]
    assert [issue.code for issue in found.issues] == ["FOREIGN_KEY_DANGLING"] * 2


def test_names_of_keys_are_given_in_the_order_of_declaration() -> None:
    sql = "CREATE TABLE c (a CONSTRAINT one REFERENCES p, b REFERENCES p, CONSTRAINT two FOREIGN KEY (d) REFERENCES p)"
    rows = [
        foreign_key("c", name, "p", "id", key=key) for name, key in (("a", 2), ("b", 1), ("d", 0))
    ]
    relations = [relation("c", sql=sql), relation("p")]
    found = made(relations, Structure(foreign_keys=rows))
    assert [key.name for key in found.foreign_keys] == ["one", None, "two"]
    fewer = made(relations, Structure(foreign_keys=rows[:2]))
    assert [key.name for key in fewer.foreign_keys] == [None, None]


def test_a_rowid_is_found_and_its_exceptions_too() -> None:
    structure = Structure(
        columns=[
            column("plain", "id", key=1),
            column("auto", "id", key=1),
            column("descending", "id", key=1),
            column("small", "id", "INT", key=1),
            column("pair", "a", key=1),
            column("pair", "b", key=2),
            column("clustered", "id", key=1),
        ],
        indexes=[index("descending", "sqlite_autoindex_descending_1", "id", origin="pk")],
    )
    relations = [
        relation("plain"),
        relation("auto", sql="CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT)"),
        relation("descending"),
        relation("small"),
        relation("pair"),
        relation("clustered")._replace(without_rowid=True),
    ]
    found = made(relations, structure)
    assert {one.table: (one.identity, one.is_nullable) for one in found.columns} == {
        "plain": ("by_default", False),
        "auto": ("autoincrement", False),
        "descending": (None, True),
        "small": (None, True),
        "pair": (None, True),
        "clustered": (None, True),
    }


def test_of_views_and_virtual_tables_less_is_known() -> None:
    structure = Structure(columns=[column("v", "a"), column("f", "b")._replace(hidden=1)])
    found = made([relation("v", "view"), relation("f", "virtual")], structure)
    assert [(one.is_nullable, one.is_primary_key, one.is_foreign_key) for one in found.columns] == [
        (None, None, None)
    ] * 2
    assert found.columns[1].metadata["hidden"] is True


def test_shadow_tables_name_their_owner() -> None:
    relations = [
        relation("Docs", "virtual", "CREATE VIRTUAL TABLE Docs USING fts5(a)"),
        relation("docs_data", "virtual", "CREATE VIRTUAL TABLE docs_data USING fts5(a)"),
        relation("docs_data_idx", "shadow"),
        relation("docs_idx", "shadow"),
        relation("stray_idx", "shadow"),
    ]
    found = made(relations)
    assert [one.metadata for one in found.tables] == [
        {"virtual": "fts5"},
        {"virtual": "fts5"},
        {"shadowOf": "docs_data"},
        {"shadowOf": "Docs"},
        {"shadowOf": None},
    ]


def test_the_catalog_level_gives_estimated_distinct_values() -> None:
    structure = Structure(
        columns=[column("a", "x"), column("a", "y"), column("a", "z")],
        indexes=[index("a", "i", "x"), index("a", "i", "y"), index("a", "j", "z", partial=True)],
    )
    statistics = [
        StatisticsRow("a", "i", [1000, 10, 1]),
        StatisticsRow("a", "j", [5, 1]),
        StatisticsRow("a", None, [1000]),
    ]
    found = made([relation("a")], structure, statistics=statistics, level="catalog")
    assert [(one.name, one.distinct_count, one.statistics_kind) for one in found.columns] == [
        ("x", 100, "estimate"),
        ("y", None, None),
        ("z", None, None),
    ]
    assert made([relation("a")], structure, statistics=statistics).columns[0].distinct_count is None


def test_an_index_has_expressions_order_and_predicate() -> None:
    sql = "CREATE INDEX i ON a (lower(x) COLLATE NOCASE, y DESC) WHERE y > 1"
    rows = [
        index("a", "i", None, sql=sql),
        index("a", "i", "y", sql=sql)._replace(is_descending=True),
    ]
    (found,) = made([relation("a")], Structure(indexes=rows)).indexes
    assert (found.columns, found.predicate, found.is_primary_key) == (
        ["lower(x)", "y"],
        "y > 1",
        False,
    )
    assert [(part.column, part.expression, part.is_descending) for part in found.parts] == [
        (None, "lower(x)", False),
        ("y", None, True),
    ]

"""From rows as the catalog gives them to models: also what no double shows."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from buster_tasks.errors import PermissionDeniedError
from buster_tasks.sources import Filters
from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import Introspection
from buster_tasks.sources.sqlserver.assembly import assemble
from buster_tasks.sources.sqlserver.catalog import (
    ColumnRow,
    DatabaseRow,
    IndexRow,
    PartitionRow,
    ReferenceRow,
    RelationRow,
    SizeRow,
    TextRow,
)
from buster_tasks.sources.sqlserver.column_types import column_type
from buster_tasks.sources.sqlserver.reading import Reading
from buster_tasks.sources.sqlserver.scan import chosen
from buster_tasks.sources.sqlserver.server import Server

SERVER = Server("16.0.4135.4", 3, "Developer Edition", "shop", "reader", "Latin1_General_CI_AS")
SHOP = DatabaseRow("shop", datetime(2024, 1, 2), "Latin1_General_CI_AS", 160, "sa", 1, 1, 1)  # noqa: DTZ001 - the catalog has no zone


def relation(number: int, name: str, kind: str = "U", **changes: Any) -> RelationRow:
    row = RelationRow(
        kind, "dbo", name, number, "dbo", None, None, None, False, "NON_TEMPORAL_TABLE", False
    )
    return row._replace(**changes)


def column(number: int, name: str, at: int = 1, **changes: Any) -> ColumnRow:
    row = ColumnRow(
        number, at, name, "int", "int", 4, 10, 0, False, None, None, None, None, None, None, False, 0, False, None
    )  # fmt: skip
    return row._replace(**changes)


def part(number: int, index: int, name: str | None, at: int, of: str, **changes: Any) -> IndexRow:
    row = IndexRow(
        number,
        index,
        name,
        "NONCLUSTERED",
        False,
        False,
        False,
        False,
        None,
        at,
        at,
        0,
        False,
        False,
        of,
    )
    return row._replace(**changes)


def found(reading: Reading, server: Server = SERVER, **changes: Any) -> Introspection:
    reading.sort()
    filters = Filters()
    return assemble(
        server,
        [reading],
        filters=filters,
        selection=Selection(filters, str.casefold),
        level="none",
        **changes,
    )


def reading(*relations: RelationRow, **changes: Any) -> Reading:
    schemas = [RelationRow("SCHEMA", "dbo", "", 1, "dbo", "ours", None, None, None, None, None)]
    columns = [column(one.number, "a") for one in relations]
    return replace(Reading(SHOP, schemas, list(relations), columns=columns), **changes)


def test_a_partitioned_table_with_a_clustered_columnstore() -> None:
    rows = [
        part(1, 1, "cci", 1, "a", kind="CLUSTERED COLUMNSTORE", key_position=0, is_included=True, partition_position=1),
        part(1, 1, "cci", 2, "b", kind="CLUSTERED COLUMNSTORE", key_position=0, is_included=True),
    ]  # fmt: skip
    told = found(
        reading(
            relation(1, "facts"),
            indexes=rows,
            partitions=[PartitionRow(1, "by_day", "days", "RANGE", 12, True)],
            sizes=[SizeRow(1, 7_000_000_000, 10)],
        )
    )
    (table,) = told.tables
    assert (table.partition_keys, table.clustering_keys) == (["a"], None)
    assert (table.row_count, table.size_bytes) == (7_000_000_000, 81_920)
    assert table.metadata == {
        "columnstore": True,
        "partitioning": {
            "scheme": "by_day", "function": "days", "kind": "RANGE", "partitions": 12, "boundaryOnRight": True,
        },
    }  # fmt: skip
    assert told.indexes[0].columns == ["a", "b"]
    assert told.schemas[0].comment == "ours"


def test_a_partitioned_heap_has_no_index() -> None:
    rows = [part(1, 0, None, 1, "a", kind="HEAP", key_position=0, partition_position=1)]
    told = found(reading(relation(1, "heap"), indexes=rows))
    assert (told.tables[0].partition_keys, told.indexes) == (["a"], [])


def test_external_temporal_and_memory_tables() -> None:
    external = relation(1, "away", is_external=True)
    temporal = relation(2, "then", temporal="SYSTEM_VERSIONED_TEMPORAL_TABLE", in_memory=True)
    told = found(reading(external, temporal, sizes=[SizeRow(1, 0, 0), SizeRow(2, 5, 1)]))
    away, then = told.tables
    assert (away.type, away.row_count, away.row_count_kind) == ("EXTERNAL_TABLE", None, "unknown")
    assert then.metadata == {"temporal": "SYSTEM_VERSIONED_TEMPORAL_TABLE", "memoryOptimized": True}


def test_keys_and_their_order() -> None:
    rows = [
        part(1, 1, "pk", 2, "a", is_primary=True, is_unique=True, kind="CLUSTERED"),
        part(1, 1, "pk", 1, "b", is_primary=True, is_unique=True, kind="CLUSTERED"),
        part(1, 2, "uq", 1, "a", is_key=True, is_unique=True),
        part(1, 3, "ix", 1, "a", is_unique=True, is_disabled=True, predicate="([a]>(1))"),
    ]
    told = found(reading(relation(1, "t"), indexes=rows))
    assert [(one.name, one.columns) for one in told.primary_keys] == [("pk", ["b", "a"])]
    assert [one.name for one in told.unique_keys] == ["uq"]
    assert [one.name for one in told.indexes] == ["pk", "ix", "uq"]
    assert told.indexes[1].metadata == {"disabled": True}
    assert told.tables[0].clustering_keys == ["b", "a"]
    assert (told.columns[0].is_primary_key, told.columns[0].is_foreign_key) == (True, False)


def test_foreign_keys_and_one_whose_target_is_hidden() -> None:
    known = {
        "on_update": "NO_ACTION",
        "on_delete": "SET_NULL",
        "is_disabled": True,
        "is_not_trusted": True,
    }
    rows = [
        ReferenceRow(1, "fk", 2, "b", "dbo", "u", "y", **known),
        ReferenceRow(1, "fk", 1, "a", "dbo", "u", "x", **known),
        ReferenceRow(1, "gk", 1, "a", None, None, None, **known),
    ]
    told = found(reading(relation(1, "t"), references=rows))
    (key,) = told.foreign_keys
    assert (key.source_columns, key.referenced_columns) == (["a", "b"], ["x", "y"])
    assert (key.on_update, key.on_delete) == ("NO ACTION", "SET NULL")
    assert key.metadata == {"disabled": True, "notTrusted": True}
    assert [(one.scope, one.object) for one in told.issues] == [("foreign_key", "shop.dbo.t.gk")]
    assert told.columns[0].is_foreign_key is True


def test_views_with_text_an_index_or_neither() -> None:
    views = [relation(1, "plain", "V"), relation(2, "kept", "V"), relation(3, "encrypted", "V")]
    texts = [
        TextRow("VIEW", 1, "", "CREATE VIEW plain AS SELECT 1", False),
        TextRow("VIEW", 2, "", "CREATE VIEW kept WITH SCHEMABINDING AS SELECT 1", True),
        TextRow("VIEW", 3, "", None, False),
    ]
    rows = [part(2, 1, "ix", 1, "a", kind="CLUSTERED", is_unique=True)]
    told = found(reading(*views, texts=texts, indexes=rows))
    by_name = {one.name: one for one in told.views}
    assert by_name["plain"].definition == "CREATE VIEW plain AS SELECT 1"
    assert (by_name["kept"].is_materialized, by_name["kept"].metadata) == (
        True,
        {"schemaBound": True},
    )
    assert (by_name["encrypted"].definition, told.tables) == (None, [])
    assert [(one.code, one.object) for one in told.issues] == [
        ("VIEW_DEFINITION_HIDDEN", "shop.dbo.encrypted")
    ]
    assert told.columns[0].is_primary_key is None


def test_columns_that_a_period_a_mask_or_an_alias_makes() -> None:
    rows = [
        column(1, "begins", 1, type_name="datetime2", base_type="datetime2", longest=8, digits=27, decimals=7,
               generated_always=1, is_hidden=True),
        column(1, "phone", 2, type_name="Phone", base_type="nvarchar", longest=40, digits=0, decimals=0,
               collation="Latin1_General_BIN2", is_masked=True),
        column(1, "place", 3, type_name="geography", base_type=None, longest=-1, digits=0, decimals=0),
        column(1, "n", 4, default="((0))", seed="-5", step="2"),
        column(1, "sum", 5, expression="([a]+(1))*([b])", is_persisted=False),
        column(1, "said", 6, default="(N'it''s (so)')"),
    ]  # fmt: skip
    told = {one.name: one for one in found(reading(relation(1, "t"), columns=rows)).columns}
    assert told["begins"].metadata == {"hidden": True, "generatedAlways": "row start"}
    assert (told["phone"].data_type, told["phone"].normalized_type, told["phone"].max_length) == (
        "Phone",
        "text",
        20,
    )
    assert told["phone"].metadata == {
        "collation": "Latin1_General_BIN2",
        "baseType": "nvarchar",
        "masked": True,
    }
    assert (told["place"].data_type, told["place"].normalized_type) == ("geography", "geography")
    assert (told["n"].default_value, told["n"].metadata) == ("0", {"seed": "-5", "increment": "2"})
    assert (told["sum"].generated_expression, told["sum"].generated_kind) == (
        "([a]+(1))*([b])",
        "virtual",
    )
    assert told["said"].default_value == "N'it''s (so)'"


@pytest.mark.parametrize(
    ("row", "written", "word", "sizes"),
    [
        (("nvarchar", 200, 0, 0), "nvarchar(100)", "text", (100, None, None)),
        (("nvarchar", -1, 0, 0), "nvarchar(max)", "text", (None, None, None)),
        (("varbinary", 16, 0, 0), "varbinary(16)", "binary", (16, None, None)),
        (("decimal", 9, 12, 4), "decimal(12,4)", "decimal", (None, 12, 4)),
        (("money", 8, 19, 4), "money", "decimal", (None, 19, 4)),
        (("float", 8, 53, 0), "float", "float", (None, 53, None)),
        (("datetime2", 8, 27, 7), "datetime2(7)", "timestamp", (None, 7, None)),
        (("datetimeoffset", 10, 30, 3), "datetimeoffset(3)", "timestamptz", (None, 3, None)),
        (("date", 3, 10, 0), "date", "date", (None, None, None)),
        (("bit", 1, 1, 0), "bit", "boolean", (None, None, None)),
        (("uniqueidentifier", 16, 0, 0), "uniqueidentifier", "uuid", (None, None, None)),
        (("timestamp", 8, 0, 0), "timestamp", "binary", (None, None, None)),
        (("sql_variant", 8016, 0, 0), "sql_variant", "unknown", (None, None, None)),
    ],
)  # fmt: skip
def test_types(
    row: tuple[str, int, int, int], written: str, word: str, sizes: tuple[Any, ...]
) -> None:
    made = column_type(row[0], row[0], *row[1:])
    assert (made.written, made.normalized) == (written, word)
    assert (made.max_length, made.precision, made.scale) == sizes


def test_what_could_not_be_read_is_an_issue() -> None:
    error = PermissionDeniedError("No.", fix="Grant it.")
    one = reading(relation(1, "t"), failed={"sizes": error, "indexes": error})
    told = found(one)
    assert not told.complete
    assert told.tables[0].row_count is None
    assert told.columns[0].is_primary_key is None
    assert [("PERFORMANCE STATE" in issue.fix, issue.object) for issue in told.issues] == [
        (True, "shop"), (False, "shop"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("select", "view", "issues"), [(0, 0, 1), (1, 0, 0), (0, 1, 0), (None, None, 0)]
)
def test_rights_on_the_whole_database(select: int | None, view: int | None, issues: int) -> None:
    one = reading(relation(1, "t"))
    one.database = SHOP._replace(may_select=select, may_view=view)
    told = found(one)
    assert (len(told.issues), told.complete) == (issues, not issues)


def test_a_table_without_columns_is_told() -> None:
    told = found(reading(relation(1, "t"), columns=[]))
    assert [(one.code, one.object) for one in told.issues] == [("OBJECT_UNREADABLE", "shop.dbo.t")]


def test_which_databases_are_read() -> None:
    names = ["shop", "other", "closed"]
    rows = [SHOP._replace(name=name, may_enter=int(name != "closed")) for name in names]

    def told(server: Server, **filters: Any) -> tuple[list[str], list[str]]:
        made = Filters(**filters)
        kept, issues = chosen(server, rows, made, Selection(made, server.fold))
        return [one.name for one in kept], [f"{one.code} {one.object}" for one in issues]

    master, azure = replace(SERVER, database="master"), replace(SERVER, engine=5)
    assert told(SERVER) == (["shop"], [])
    assert told(master) == (["shop", "other"], [])
    assert told(SERVER, databases=["*"]) == (["shop", "other"], ["PERMISSION_DENIED closed"])
    assert told(azure, databases=["SHOP"]) == (["shop"], [])
    assert told(azure, databases=["shop", "other"]) == (["shop"], ["DATABASE_OUT_OF_REACH other"])


@pytest.mark.parametrize(
    ("collation", "same"),
    [
        ("SQL_Latin1_General_CP1_CI_AS", True), ("Latin1_General_100_CS_AS", False), ("Latin1_General_BIN2", False),
        ("", True),
    ],
)  # fmt: skip
def test_the_collation_says_whether_case_matters(collation: str, same: bool) -> None:
    fold = replace(SERVER, collation=collation).fold
    assert (fold("Orders") == fold("ORDERS")) is same

"""Rows as Redshift's catalog gives them, also those that no stand-in shows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from buster_tasks.errors import PermissionDeniedError
from buster_tasks.sources import Introspection
from buster_tasks.sources.filters import Selection, exact_case
from buster_tasks.sources.redshift.assembly import assemble
from buster_tasks.sources.redshift.catalog import (
    ColumnRow,
    DatabaseRow,
    ExternalRow,
    InfoRow,
    KeyRow,
    MaterializedRow,
    RelationRow,
    SchemaRow,
)
from buster_tasks.sources.redshift.reading import Reading
from buster_tasks.sources.schema import Filters

CREATED = datetime(2024, 5, 6, 7, 8, 9, 10)  # noqa: DTZ001 - as the catalog gives it


def relation(name: str, oid: int = 1, kind: str = "r", **changes: Any) -> RelationRow:
    known = RelationRow(
        oid, "public", name, kind, "awsuser", None, 0.001, 2, True, None, CREATED, 11
    )
    return known._replace(**changes)


def column(table: str, name: str, position: int, data_type: str, **changes: Any) -> ColumnRow:
    known = ColumnRow("public", table, name, position, data_type, None, "YES", "az64", False, 0, "")
    return known._replace(**changes)


def made(**rows: Any) -> Introspection:
    reading = Reading(
        DatabaseRow("dev", "rdsdb", "all of it"),
        [SchemaRow(2200, "public", "rdsdb", "standard public schema", True)],
        **rows,
    )
    filters = Filters()
    return assemble(
        reading, user="reader", version="1.0.1", filters=filters,
        selection=Selection(filters, exact_case), level="none",
    )  # fmt: skip


def test_a_table_with_an_interleaved_sort_key() -> None:
    found = made(
        relations=[relation("sales", comment="what was sold")],
        columns=[
            column("sales", "a", 1, "integer", sort_key=-2, is_nullable="NO", is_dist_key=True),
            column("sales", "gone_before", 3, "character varying(12)", sort_key=1, encoding="lzo", comment="c"),
            column("sales", "place", 4, "geometry", encoding="raw"),
            column("sales", "sketch", 5, "hllsketch", encoding="none", is_nullable=""),
        ],
        info=[
            InfoRow(
                "public", "sales", 1500, Decimal(12), Decimal(10), "KEY(a)", "INTERLEAVED", Decimal("7.50"), None, "Y"
            ),
        ],
    )  # fmt: skip
    [table] = found.tables
    assert (table.row_count, table.size_bytes) == (
        10,
        1500 * 2**20,
    )  # without rows that are deleted
    assert table.clustering_keys == ["gone_before", "a"]
    assert (table.comment, table.created) == ("what was sold", CREATED.replace(tzinfo=UTC))
    assert table.metadata == {
        "distStyle": "KEY(a)", "distKey": "a", "sortStyle": "interleaved", "unsortedPercent": 7.5,
    }  # fmt: skip
    assert [(one.name, one.position, one.is_nullable) for one in found.columns] == [
        ("a", 1, False),
        ("gone_before", 2, True),
        ("place", 3, True),
        ("sketch", 4, None),
    ]
    assert found.columns[0].metadata == {"encoding": "az64", "distKey": True, "sortKey": -2}
    assert found.columns[1].comment == "c"
    assert found.columns[2].normalized_type == "geography"
    assert (found.databases[0].comment, found.schemas[0].comment) == (
        "all of it",
        "standard public schema",
    )


def test_identities() -> None:
    found = made(
        relations=[relation("t")],
        columns=[
            column("t", "a", 1, "bigint", default="\"identity\"(104803, 0, '1,1'::text)"),
            column("t", "b", 2, "bigint", default="default_identity(104803, 1, '5,10'::text)"),
            column("t", "c", 3, "timestamp without time zone", default="('now'::text)::timestamp"),
        ],
    )
    told = [(one.identity, one.default_value) for one in found.columns]
    assert told == [("always", None), ("by_default", None), (None, "('now'::text)::timestamp")]
    assert found.columns[1].metadata == {"encoding": "az64", "identitySeed": 5, "identityStep": 10}


def test_keys_in_their_order() -> None:
    rows = [
        KeyRow(7, 1, "pk", "p", [3, 1], None, None, None, "own", 1, "a"),
        KeyRow(7, 1, "pk", "p", [3, 1], None, None, None, "own", 3, "c"),
        KeyRow(8, 1, "fk", "f", [1], [2], "other", "t", "target", 2, "id"),
        KeyRow(8, 1, "fk", "f", [1], [2], "other", "t", "own", 1, "a"),
        KeyRow(9, 5, "elsewhere", "u", [1], None, None, None, "own", 1, "x"),
    ]
    found = made(
        relations=[relation("t")],
        columns=[column("t", "a", 1, "integer"), column("t", "c", 3, "integer")],
        keys=rows,
    )
    [primary] = found.primary_keys
    assert (primary.columns, primary.metadata) == (["c", "a"], {"enforced": False})
    [foreign] = found.foreign_keys
    assert (foreign.referenced_schema, foreign.referenced_table) == ("other", "t")
    assert (foreign.source_columns, foreign.referenced_columns) == (["a"], ["id"])
    assert (foreign.on_delete, foreign.referenced_database) == (None, "dev")
    assert found.unique_keys == []
    assert [(one.is_primary_key, one.is_foreign_key) for one in found.columns] == [
        (True, True),
        (True, False),
    ]


def test_a_materialized_view_as_redshift_has_it() -> None:
    """Known by its text, also where svv_mv_info is not to be read; its rows are in a table of another name."""
    text = "create materialized view m auto refresh yes as SELECT a FROM t;"
    found = made(
        relations=[relation("m", 1, "v", definition=text), relation("mv_tbl__m__0", 2)],
        columns=[column("m", "a", 1, "integer"), column("mv_tbl__m__0", "a", 1, "integer")],
        info=[
            InfoRow("public", "mv_tbl__m__0", 3, Decimal(5), None, "EVEN", None, None, None, "Y")
        ],
        failed={"materialized": PermissionDeniedError("permission denied", fix="f")},
    )
    [table], [view] = found.tables, found.views
    assert (table.name, table.type, table.row_count) == ("m", "MATERIALIZED_VIEW", 5)
    assert (view.is_materialized, view.definition) == (True, text[:-1])
    assert [(one.table, one.name) for one in found.columns] == [("m", "a")]
    assert [issue.fix for issue in found.issues] == [
        'As a superuser: GRANT SELECT ON svv_mv_info TO "reader";'
    ]
    stale = made(
        relations=[relation("m", 1, "v", definition=text)],
        materialized=[MaterializedRow("public", "m", "t", 1, "f", "t")],
    )
    assert stale.views[0].metadata["stale"] is True


def test_a_late_binding_view() -> None:
    text = "create view v as select a from spectrum.t with no schema binding;"
    found = made(relations=[relation("v", 1, "v", definition=text, attributes=0)])
    assert found.views[0].metadata == {"lateBinding": True}
    assert found.issues[0].code == "COLUMNS_UNKNOWN"
    refused = made(
        relations=[relation("v", 1, "v", definition=text, attributes=0)],
        failed={"late": PermissionDeniedError("permission denied", fix="f")},
    )
    assert [issue.code for issue in refused.issues] == ["PERMISSION_DENIED"]


def test_numbers_where_table_info_is_refused() -> None:
    found = made(
        relations=[relation("analyzed", 1, rows=1234.0), relation("never", 2, dist_style=None)],
        failed={"info": PermissionDeniedError("permission denied", fix="f")},
    )
    told = [
        (one.row_count, one.row_count_kind, one.size_bytes, one.metadata) for one in found.tables
    ]
    assert told == [
        (1234, "estimate", None, {"distStyle": "AUTO(EVEN)"}),
        (None, "unknown", None, {}),
    ]
    assert not found.complete


def test_many_that_may_not_be_read_are_one_issue() -> None:
    rows = [relation(f"t{at:02}", at, is_readable=False) for at in range(21)]
    found = made(relations=rows)
    [issue] = found.issues
    assert (issue.scope, issue.object) == ("schema", "public")
    assert issue.fix == 'GRANT SELECT ON ALL TABLES IN SCHEMA "public" TO "reader";'
    assert {one.row_count_kind for one in found.tables} == {"unknown"}


def test_external_tables_without_parameters_or_columns() -> None:
    plain = ExternalRow("lake", "t", "TABLE", "", None, "no json", None, None, None, None, None)
    found = made(external=[plain, plain._replace(table="v", kind="VIEW")])
    assert [(one.name, one.row_count_kind, one.metadata) for one in found.tables] == [
        ("t", "unknown", {})
    ]
    assert [(one.name, one.metadata) for one in found.views] == [("v", {"external": True})]
    assert found.columns == []

"""From rows of the shape that Unity Catalog gives to models: what no double can show."""

from datetime import UTC, datetime
from typing import Any

from buster_tasks.errors import PermissionDeniedError
from buster_tasks.sources.databricks import legacy
from buster_tasks.sources.databricks.assembly import assemble
from buster_tasks.sources.databricks.catalog import (
    ColumnRow,
    DetailRow,
    KeyRow,
    PartitionRow,
    PlaceRow,
    ReferenceRow,
    RelationRow,
    ViewRow,
)
from buster_tasks.sources.databricks.details import MOST_DETAILS, detail_of, sized
from buster_tasks.sources.databricks.reading import TEXTS, Reading
from buster_tasks.sources.databricks.session import Facts
from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import Filters, Introspection

FACTS = Facts("4.0.0 abc", "main", "default", "reader@example.com")
WHEN = datetime(2024, 5, 6, tzinfo=UTC)


def told(reading: Reading, filters: Filters | None = None) -> Introspection:
    reading.sort()
    known = filters or Filters()
    return assemble(
        FACTS, reading, filters=known, selection=Selection(known, str.lower), level="none"
    )


def relation(name: str, kind: str = "MANAGED", **more: Any) -> RelationRow:
    return RelationRow("main", "shop", name, kind, **more)


def column(table: str, name: str, position: int, kind: str = "int", **more: Any) -> ColumnRow:
    return ColumnRow("main", "shop", table, name, position, kind, **more)


def whole() -> Reading:
    return Reading(
        catalogs=[PlaceRow("main", None, "root", "all of it", WHEN, WHEN)],
        schemas=[PlaceRow("main", "shop", "root")],
        relations=[
            relation("sale", owner="o", comment="c", created=WHEN, altered=WHEN, format="DELTA"),
            relation("customer"),
            relation("feed", "EXTERNAL", format="CSV", path="s3://b/feed"),
            relation("stream", "STREAMING_TABLE"),
            relation("shared", "FOREIGN"),
            relation("names", "VIEW"),
            relation("totals", "MATERIALIZED_VIEW"),
        ],
        columns=[
            column("sale", "region", 2, "string"),
            column("sale", "id", 0, "bigint", nullable="NO", is_identity="YES", identity="ALWAYS"),
            column("sale", "customer", 1, "bigint", nullable="YES", default="0", comment="who"),
            column("sale", "twice", 3, "bigint", expression="id * 2"),
            column("customer", "id", 0, is_identity="YES", identity="BY DEFAULT"),
            column("feed", "a", 0, nullable="YES"),
            column("stream", "a", 0),
            column("shared", "a", 0),
            column("names", "id", 0),
            column("totals", "id", 0),
        ],
        partitions=[PartitionRow("main", "shop", "sale", "region", 1)],
        views=[
            ViewRow("main", "shop", "names", "SELECT id FROM customer"),
            ViewRow("main", "shop", "totals", "SELECT 1 AS id", True),
        ],
        keys=[
            KeyRow("main", "shop", "customer", "PRIMARY KEY", "pk", "id", 1, "NO"),
            KeyRow("main", "shop", "sale", "UNIQUE", "uq", "region", 2),
            KeyRow("main", "shop", "sale", "UNIQUE", "uq", "id", 1),
        ],
        references=[
            ReferenceRow("main", "shop", "sale", "fk", "customer", 1, "main", "shop", "customer", "id",
                         "NO ACTION", "NO ACTION"),
        ],
        details=[DetailRow(("main", "shop", "sale"), 123, 4, ["customer"])],
    )  # fmt: skip


def test_tables_have_what_the_catalog_tells_of_them() -> None:
    found = told(whole())
    assert (found.complete, found.issues) == (True, [])
    tables = {one.name: one for one in found.tables}
    assert {name: one.type for name, one in tables.items()} == {
        "sale": "TABLE", "customer": "TABLE", "feed": "EXTERNAL_TABLE", "stream": "TABLE", "shared": "EXTERNAL_TABLE",
    }  # fmt: skip
    sale = tables["sale"]
    assert (sale.owner, sale.comment, sale.created) == ("o", "c", WHEN)
    assert (sale.partition_keys, sale.clustering_keys, sale.size_bytes) == (
        ["region"],
        ["customer"],
        123,
    )
    assert (sale.row_count, sale.row_count_kind) == (None, "unknown")
    assert tables["feed"].metadata == {"format": "CSV", "location": "s3://b/feed"}
    assert tables["stream"].metadata == {"tableType": "STREAMING_TABLE"}
    assert {one.name: one.is_materialized for one in found.views} == {
        "names": False,
        "totals": True,
    }


def test_columns_are_numbered_from_one_and_know_their_keys() -> None:
    columns = {(one.table, one.name): one for one in told(whole()).columns}
    sale = [one for (table, _name), one in columns.items() if table == "sale"]
    assert [(one.name, one.position) for one in sale] == [
        ("id", 1), ("customer", 2), ("region", 3), ("twice", 4),
    ]  # fmt: skip
    number = columns["sale", "id"]
    assert (number.identity, number.is_nullable, number.is_primary_key) == ("always", False, False)
    assert columns["customer", "id"].identity == "by_default"
    assert columns["customer", "id"].is_primary_key
    buyer = columns["sale", "customer"]
    assert (buyer.default_value, buyer.comment, buyer.is_foreign_key) == ("0", "who", True)
    twice = columns["sale", "twice"]
    assert (twice.generated_expression, twice.generated_kind) == ("id * 2", "stored")
    assert columns["names", "id"].is_primary_key is None
    assert columns["sale", "region"].is_nullable is None


def test_keys_are_whole_and_in_order() -> None:
    found = told(whole())
    assert [(one.table, one.columns, one.metadata) for one in found.primary_keys] == [
        ("customer", ["id"], {"enforced": False})
    ]
    assert [one.columns for one in found.unique_keys] == [["id", "region"]]
    (key,) = found.foreign_keys
    assert (key.source_columns, key.referenced_database, key.referenced_columns) == (
        ["customer"], "main", ["id"],
    )  # fmt: skip


def test_what_rights_hide_is_told() -> None:
    reading = whole()
    reading.views = [ViewRow("main", "shop", "names", None), reading.views[1]]
    reading.references = [reading.references[0]._replace(target_table=None, target_column=None)]
    reading.columns = [row for row in reading.columns if row.table != "feed"]
    found = told(reading)
    assert not found.complete
    assert {(one.scope, one.code, one.object) for one in found.issues} == {
        ("view", "VIEW_DEFINITION_HIDDEN", "main.shop.names"),
        ("foreign_key", "PERMISSION_DENIED", "main.shop.sale.fk"),
        ("table", "OBJECT_UNREADABLE", "main.shop.feed"),
    }
    assert all(one.fix for one in found.issues)
    assert found.foreign_keys == []


def test_a_part_that_failed_is_one_issue_and_its_facts_stay_unknown() -> None:
    reading = whole()
    reading.views, reading.keys = [], []
    reading.failed = {
        TEXTS: PermissionDeniedError("no"),
        "primary keys": PermissionDeniedError("no"),
    }
    found = told(reading)
    assert [one.code for one in found.issues] == ["PERMISSION_DENIED"] * 2
    assert {one.is_primary_key for one in found.columns} == {None}
    assert {one.definition for one in found.views} == {None}


def test_an_empty_catalog_may_be_a_hidden_one() -> None:
    reading = Reading(catalogs=[PlaceRow("main", None)])
    assert [one.code for one in told(reading).issues] == ["NOTHING_VISIBLE"]
    assert [one.code for one in told(reading, Filters(tables=["x"])).issues] == [
        "FILTER_MATCHES_NOTHING"
    ]


def test_sizes_are_asked_for_a_bounded_number_of_tables() -> None:
    reading = Reading(relations=[relation(f"t{at:03}", format="DELTA") for at in range(60)])
    reading.relations.append(relation("csv", format="CSV"))
    assert len(sized(reading)) == MOST_DETAILS
    assert reading.left_out == 10


def test_a_detail_may_have_its_lists_as_text_or_not_at_all() -> None:
    row = relation("t")
    assert detail_of(row, {"sizeInBytes": 7, "clusteringColumns": '["a","b"]'}).clustered_by == [
        "a",
        "b",
    ]
    assert detail_of(row, {"sizeInBytes": 7, "clusteringColumns": ["a"]}).clustered_by == ["a"]
    assert detail_of(row, {}) == DetailRow(row.place)


SHOWN = """Catalog: spark_catalog
Database: shop
Table: dear
Owner: root
Created Time: Thu Nov 26 00:49:00 UTC 2026
Last Access: UNKNOWN
Created By: Spark 3.5.6
Type: VIEW
Comment: of two
lines, and Owner: nobody
View Text: SELECT id,
Database: x AS y FROM t
View Original Text: SELECT id FROM t
View Catalog and Namespace: spark_catalog.default
"""
COLUMN = [None, "shop", "dear", "id", 4, "INT", 10, None, 0, 10, 1, "note", None, None, None, None, 0, "YES",
          None, None, None, None, "NO"]  # fmt: skip


def test_the_old_metastore_is_told_from_its_text() -> None:
    reading = Reading(legacy=["spark_catalog"], catalogs=[PlaceRow("spark_catalog", None)])
    selection = Selection(Filters(), str.lower)
    legacy.add(reading, ("spark_catalog", "shop"), [("dear", SHOWN)], [COLUMN], selection)
    found = told(reading)
    (view,) = found.views
    assert (view.definition, view.owner) == ("SELECT id FROM t", "root")
    assert view.comment == "of two\nlines, and Owner: nobody"
    assert view.created == datetime(2026, 11, 26, 0, 49, tzinfo=UTC)
    (one,) = found.columns
    assert (one.position, one.data_type, one.comment, one.is_primary_key) == (
        1,
        "INT",
        "note",
        None,
    )
    assert [issue.code for issue in found.issues] == ["NO_UNITY_CATALOG"]


def test_a_moment_in_another_zone_is_unknown() -> None:
    text = SHOWN.replace("UTC 2026", "EST 2026")
    reading = Reading()
    legacy.add(reading, ("c", "s"), [("t", text)], [], Selection(Filters(), str.lower))
    assert reading.relations[0].created is None

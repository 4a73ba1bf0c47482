"""From rows of INFORMATION_SCHEMA, in the shape that BigQuery gives them, to models."""

from datetime import UTC, datetime
from typing import Any

import pytest

from buster_tasks.errors import PermissionDeniedError
from buster_tasks.sources.bigquery.assembly import assemble
from buster_tasks.sources.bigquery.reading import Reading, place_of
from buster_tasks.sources.bigquery.shards import families
from buster_tasks.sources.filters import Selection, exact_case
from buster_tasks.sources.schema import Filters, Introspection, NestedField

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def relation(name: str, kind: str = "BASE TABLE", schema: str = "app") -> dict[str, Any]:
    return {"table_schema": schema, "table_name": name, "table_type": kind, "creation_time": NOW}


def column(table: str, name: str, position: int | None = 1, **more: Any) -> dict[str, Any]:
    """A row of COLUMNS as the service has it: the word NULL where there is no default or collation."""
    return {
        "table_catalog": "p", "table_schema": "app", "table_name": table, "column_name": name,
        "ordinal_position": position, "is_nullable": "YES", "data_type": "INT64",
        "is_generated": "NEVER", "generation_expression": None, "is_stored": None,
        "is_hidden": "NO", "is_updatable": None, "is_system_defined": "NO",
        "is_partitioning_column": "NO", "clustering_ordinal_position": None,
        "collation_name": "NULL", "column_default": "NULL", "rounding_mode": None,
        "data_policies": [], "policy_tags": [], **more,
    }  # fmt: skip


def path(column: str, path: str, data_type: str, description: str | None = None) -> dict[str, Any]:
    return {"table_schema": "app", "table_name": "t", "column_name": column, "field_path": path,
            "data_type": data_type, "description": description}  # fmt: skip


def option(table: str | None, name: str, value: str) -> dict[str, Any]:
    return {"table_schema": "app", "table_name": table, "option_name": name, "option_value": value}


def key(table: str, name: str, kind: str, column: str, at: int, **more: Any) -> dict[str, Any]:
    return {"table_schema": "app", "table_name": table, "constraint_name": f"{table}.{name}",
            "constraint_type": kind, "column_name": column, "ordinal_position": at,
            "position_in_unique_constraint": None, "target_schema": None, "target_table": None,
            **more}  # fmt: skip


def stored(table: str, rows: int | None) -> dict[str, Any]:
    return {"table_schema": "app", "table_name": table, "total_rows": rows,
            "total_logical_bytes": rows and rows * 8, "storage_last_modified_time": NOW}  # fmt: skip


def found(*relations: dict[str, Any], **parts: Any) -> Introspection:
    reading = Reading("p", {"app": "EU"}, **parts)
    reading.relations = {place_of(row): row for row in relations}
    reading.families = families((place_of(row), row["table_type"]) for row in relations)
    return assemble(
        reading, filters=Filters(), selection=Selection(Filters(), exact_case), level="none"
    )


def test_a_default_is_an_expression_and_the_word_null_is_none() -> None:
    columns = [
        column("t", "a"),
        column("t", "b", 2, column_default="CURRENT_TIMESTAMP()"),
        column("t", "c", 3, column_default="'NULL'"),
    ]
    told = [one.default_value for one in found(relation("t"), columns=columns).columns]
    assert told == [None, "CURRENT_TIMESTAMP()", "'NULL'"]


def test_types_have_their_sizes() -> None:
    kinds = ["NUMERIC(12, 4)", "BIGNUMERIC(38)", "STRING(10)", "BYTES(3)"]
    kinds += ["ARRAY<STRING(5)>", "RANGE<DATE>"]
    columns = [column("t", f"c{at}", at, data_type=kind) for at, kind in enumerate(kinds, 1)]
    told = [
        (one.normalized_type, one.precision, one.scale, one.max_length)
        for one in found(relation("t"), columns=columns).columns
    ]
    assert told == [
        ("decimal", 12, 4, None), ("decimal", 38, 0, None), ("text", None, None, 10),
        ("binary", None, None, 3), ("array", None, None, None), ("struct", None, None, None),
    ]  # fmt: skip


def test_generated_columns_and_policies() -> None:
    made = column(
        "t", "g", is_generated="ALWAYS", generation_expression="a + 1", is_stored="YES",
        policy_tags=["projects/p/taxonomies/1/policyTags/2"], collation_name="und:ci",
    )  # fmt: skip
    (one,) = found(relation("t"), columns=[made]).columns
    assert (one.generated_expression, one.generated_kind) == ("a + 1", "stored")
    assert one.metadata == {
        "collation": "und:ci",
        "policyTags": ["projects/p/taxonomies/1/policyTags/2"],
    }


def test_fields_are_a_tree_with_elements_and_comments() -> None:
    whole, inner = "STRUCT<a INT64, b ARRAY<STRUCT<c STRING>>>", "STRUCT<c STRING>"
    fields = [
        path("s", "s", whole, "the whole"),
        path("s", "s.b.c", "STRING", "deep"),
        path("s", "s.a", "INT64"),
        path("s", "s.b", f"ARRAY<{inner}>", ""),
    ]
    (one,) = found(
        relation("t"), columns=[column("t", "s", data_type=whole)], fields=fields
    ).columns
    assert (one.comment, one.metadata) == ("the whole", {})
    deep = NestedField(name="c", data_type="STRING", normalized_type="text", comment="deep")
    element = NestedField(name="element", data_type=inner, normalized_type="struct", fields=[deep])
    assert one.fields == [
        NestedField(name="a", data_type="INT64", normalized_type="integer"),
        NestedField(name="b", data_type=f"ARRAY<{inner}>", normalized_type="array", fields=[element]),
    ]  # fmt: skip


def test_a_repeated_column_has_its_element_and_a_plain_one_nothing() -> None:
    columns = [column("t", "n", data_type="ARRAY<NUMERIC(10, 2)>"), column("t", "i", 2)]
    repeated, plain = found(relation("t"), columns=columns).columns
    assert repeated.fields == [
        NestedField(name="element", data_type="NUMERIC(10, 2)", normalized_type="decimal")
    ]
    assert plain.fields is None


def test_partitions_by_ingestion_and_clustering_in_key_order() -> None:
    columns = [
        column("t", "a", clustering_ordinal_position=2),
        column("t", "b", 2, clustering_ordinal_position=1),
        column("t", "_PARTITIONTIME", None, is_system_defined="YES", is_partitioning_column="YES"),
    ]
    answer = found(relation("t"), columns=columns)
    assert [one.name for one in answer.columns] == ["a", "b"]
    (table,) = answer.tables
    assert (table.partition_keys, table.clustering_keys) == (["_PARTITIONTIME"], ["b", "a"])


def test_foreign_keys_are_paired_by_the_position_in_the_other_key() -> None:
    to = {"target_schema": "app", "target_table": "region"}
    keys = [
        key("region", "pk$", "PRIMARY KEY", "code", 2),
        key("region", "pk$", "PRIMARY KEY", "country", 1),
        key("city", "in_region", "FOREIGN KEY", "r_code", 1, position_in_unique_constraint=2, **to),
        key("city", "in_region", "FOREIGN KEY", "r_country", 2, position_in_unique_constraint=1,
            **to),
        key("city", "fk$1", "FOREIGN KEY", "m", 1, position_in_unique_constraint=1,
            target_schema="app", target_table="hidden"),
    ]  # fmt: skip
    answer = found(relation("city"), columns=[column("city", "r_code")], keys=keys)
    (one,) = answer.foreign_keys
    assert (one.name, one.source_columns) == ("in_region", ["r_code", "r_country"])
    assert (one.referenced_table, one.referenced_columns) == ("region", ["code", "country"])
    assert answer.primary_keys == []  # the other table was not kept
    assert answer.columns[0].is_foreign_key
    assert [(issue.code, issue.object) for issue in answer.issues] == [
        ("FOREIGN_KEY_DANGLING", "app.city.fk$1")
    ]
    assert not answer.complete


def test_options_are_values_and_the_description_is_the_comment() -> None:
    options = [
        option(None, "description", '"all of \\"it\\""'),
        option(None, "location", '"eu"'),
        option("t", "description", '"line\\none"'),
        option("t", "labels", '[STRUCT("team", "shop"), STRUCT("env", "prod")]'),
        option("t", "require_partition_filter", "true"),
        option("t", "partition_expiration_days", "30.0"),
        option("t", "expiration_timestamp", 'TIMESTAMP "2025-01-01T00:00:00.000Z"'),
    ]
    answer = found(relation("t"), options=options)
    assert answer.schemas[0].comment == 'all of "it"'
    assert answer.schemas[0].metadata == {"location": "EU"}
    (table,) = answer.tables
    assert table.comment == "line\none"
    assert table.metadata["options"] == {
        "labels": {"team": "shop", "env": "prod"},
        "require_partition_filter": True,
        "partition_expiration_days": 30.0,
        "expiration_timestamp": "2025-01-01T00:00:00.000Z",
    }


def test_shards_are_one_table_with_the_numbers_of_all() -> None:
    days = ["20240101", "20240102", "20240301"]
    relations = [relation(f"events_{day}") for day in days]
    relations += [relation("events_20241399"), relation("lone_20240101")]
    storage = [stored(f"events_{day}", 10) for day in days] + [stored("lone_20240101", 1)]
    columns = [column("events_20240301", "a"), column("lone_20240101", "b")]
    answer = found(*relations, columns=columns, storage=storage)
    assert [(one.name, one.row_count) for one in answer.tables] == [
        ("events_*", 30), ("events_20241399", None), ("lone_20240101", 1),
    ]  # fmt: skip
    assert answer.tables[0].metadata["shards"] == {
        "count": 3, "first": "20240101", "last": "20240301", "columnsOf": "events_20240301",
    }  # fmt: skip
    assert [(one.table, one.name) for one in answer.columns] == [
        ("events_*", "a"), ("lone_20240101", "b"),
    ]  # fmt: skip


def test_what_is_no_plain_table() -> None:
    ddl = "CREATE MATERIALIZED VIEW `p.app.mv`\nOPTIONS(enable_refresh=true)\nAS SELECT COUNT(*) AS n FROM app.t;"
    details = [
        {"table_schema": "app", "table_name": "mv", "ddl": ddl, "base_table_catalog": None,
         "base_table_schema": None, "base_table_name": None, "snapshot_time_ms": None},
        {"table_schema": "app", "table_name": "snap", "ddl": "CREATE SNAPSHOT TABLE ...",
         "base_table_catalog": "p", "base_table_schema": "app", "base_table_name": "t",
         "snapshot_time_ms": NOW},
    ]  # fmt: skip
    kinds = {"mv": "MATERIALIZED VIEW", "snap": "SNAPSHOT", "ext": "EXTERNAL"}
    relations = [relation(name, kind) for name, kind in kinds.items()]
    options = [option("ext", "uris", '["gs://b/a.csv", "gs://b/b.csv"]')]
    answer = found(*relations, details=details, options=options, storage=[stored("ext", 0)])
    assert {one.name: (one.type, one.row_count) for one in answer.tables} == {
        "mv": ("MATERIALIZED_VIEW", None), "snap": ("TABLE", None), "ext": ("EXTERNAL_TABLE", None),
    }  # fmt: skip
    assert [(one.name, one.is_materialized, one.definition) for one in answer.views] == [
        ("mv", True, "SELECT COUNT(*) AS n FROM app.t")
    ]
    by_name = {one.name: one.metadata for one in answer.tables}
    assert by_name["snap"] == {"snapshot": {"of": "p.app.t", "at": NOW.isoformat()}}
    assert by_name["ext"] == {"options": {"uris": ["gs://b/a.csv", "gs://b/b.csv"]}}


@pytest.mark.parametrize(
    ("parts", "code", "scope"),
    [
        ({"has_seen_any": False}, "PERMISSION_DENIED", "source"),
        ({"denied": [("secret", PermissionDeniedError("no."))]}, "PERMISSION_DENIED", "schema"),
        (
            {"failed": [("row counts and sizes", "EU", PermissionDeniedError("no."))]},
            "PERMISSION_DENIED",
            "source",
        ),
    ],
)
def test_what_may_not_be_seen_is_an_issue(parts: dict[str, Any], code: str, scope: str) -> None:
    answer = found(relation("t"), **parts)
    assert [(one.code, one.scope) for one in answer.issues] == [(code, scope)]
    assert answer.issues[0].fix
    assert not answer.complete
    assert [one.name for one in answer.tables] == ["t"]


def test_a_view_whose_query_is_hidden() -> None:
    answer = found(relation("v", "VIEW"))
    assert [(one.code, one.object) for one in answer.issues] == [
        ("VIEW_DEFINITION_HIDDEN", "app.v")
    ]


def test_numbers_left_out_for_want_of_time_are_told_and_nothing_is_lost() -> None:
    answer = found(relation("t"), is_hurried=True)
    assert ([one.code for one in answer.issues], answer.complete) == (["ROW_COUNT_UNKNOWN"], True)
    assert (answer.tables[0].row_count, answer.tables[0].row_count_kind) == (None, "unknown")

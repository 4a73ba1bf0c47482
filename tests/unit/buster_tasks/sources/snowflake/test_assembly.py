"""Models from rows as Snowflake's catalog gives them, also of what the stand-in does not have."""

from datetime import UTC, datetime
from typing import Any

import pytest

from buster_tasks.errors import PermissionDeniedError, QueryFailedError
from buster_tasks.sources.filters import Selection, ascii_case
from buster_tasks.sources.schema import Column, Filters, Introspection, Table
from buster_tasks.sources.snowflake.assembly import assemble, clustering_keys
from buster_tasks.sources.snowflake.catalog import (
    ColumnRow,
    DatabaseRow,
    KeyRow,
    ReferenceRow,
    RelationRow,
    SchemaRow,
    ViewRow,
)
from buster_tasks.sources.snowflake.reading import Cut, Failure, Reading
from buster_tasks.sources.snowflake.session import Facts
from buster_tasks.sources.snowflake.tokens import query_of_view

FACTS = Facts("10.3.1", "ADA", "ANALYST", "DB", "APP", "READING")
THEN = datetime(2024, 2, 29, 12, tzinfo=UTC)


def relation(name: str = "T", kind: str = "BASE TABLE", **changes: Any) -> RelationRow:
    known: dict[str, Any] = {
        "database": "DB", "schema": "APP", "name": name, "kind": kind, "owner": "SYSADMIN", "rows": 3, "size": 1_024,
        "clustering": None, "comment": None, "created": THEN, "altered": THEN, "is_transient": "NO",
        "is_iceberg": "NO", "is_dynamic": "NO", "is_hybrid": "NO", "retention": "1",
    }  # fmt: skip
    return RelationRow(**{**known, **changes})


def column(name: str = "C", type_name: str = "NUMBER", **changes: Any) -> ColumnRow:
    known: dict[str, Any] = {
        "database": "DB", "schema": "APP", "table": "T", "name": name, "position": 1, "default": None,
        "nullable": "YES", "type_name": type_name, "longest": None, "precision": None, "scale": None,
        "collation": None, "identity": "NO", "identity_start": None, "identity_step": None, "comment": None,
        "alias": None,
    }  # fmt: skip
    return ColumnRow(**{**known, **changes})


def reading(**changes: Any) -> Reading:
    known: dict[str, Any] = {"relations": [relation()], "columns": [column()], **changes}
    return Reading(FACTS, known.pop("databases", [DatabaseRow("DB", "SYSADMIN")]), **known)


def found(**changes: Any) -> Introspection:
    made = reading(**changes)
    made.sort()
    filters = Filters()
    return assemble(made, filters=filters, selection=Selection(filters, ascii_case), level="none")


def table(**changes: Any) -> Table:
    return found(relations=[relation(**changes)], columns=[column()]).tables[0]


def only(*args: Any, **changes: Any) -> Column:
    return found(columns=[column(*args, **changes)]).columns[0]


def test_a_table() -> None:
    made = table(comment="what", clustering="LINEAR(A, B)")
    assert (made.type, made.row_count, made.row_count_kind, made.size_bytes) == (
        "TABLE",
        3,
        "exact",
        1_024,
    )
    assert (made.owner, made.comment, made.created, made.last_modified) == (
        "SYSADMIN",
        "what",
        THEN,
        THEN,
    )
    assert (made.clustering_keys, made.metadata) == (["A", "B"], {"retentionDays": 1})


@pytest.mark.parametrize(
    ("changes", "kind", "metadata"),
    [
        ({"kind": "EXTERNAL TABLE", "rows": None, "size": None}, "EXTERNAL_TABLE", {}),
        ({"kind": "LOCAL TEMPORARY"}, "TEMPORARY_TABLE", {}),
        ({"kind": "EVENT TABLE"}, "TABLE", {"event": True}),
        ({"is_dynamic": "YES"}, "TABLE", {"dynamic": True}),
        ({"is_iceberg": "YES"}, "TABLE", {"iceberg": True}),
        ({"is_transient": "YES"}, "TABLE", {"transient": True}),
        ({"kind": "A NEW ONE"}, "TABLE", {}),
    ],
)
def test_the_kinds_of_tables(changes: dict[str, Any], kind: str, metadata: dict[str, bool]) -> None:
    made = table(**changes, retention=None)
    assert (made.type, made.metadata) == (kind, metadata)
    assert made.row_count_kind == ("unknown" if kind == "EXTERNAL_TABLE" else "exact")


def test_the_rows_of_a_hybrid_table_are_an_estimate() -> None:
    assert table(is_hybrid="YES").row_count_kind == "estimate"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (None, None),
        ("", None),
        ("LINEAR(A)", ["A"]),
        ("linear(A, TO_DATE(B), SUBSTRING(C, 0, 3))", ["A", "TO_DATE(B)", "SUBSTRING(C, 0, 3)"]),
        ('LINEAR("a, b", "q""q")', ["a, b", 'q"q']),
        ("(A, B)", ["A", "B"]),
        ("A, B", ["A", "B"]),
        ("TO_DATE(B)", ["TO_DATE(B)"]),
        ('LINEAR("a"."b", \'x,y\')', ['"a"."b"', "'x,y'"]),
    ],
)
def test_clustering_keys(text: str | None, keys: list[str] | None) -> None:
    assert clustering_keys(text) == keys


@pytest.mark.parametrize(
    ("given", "told", "word"),
    [
        (column(precision=38, scale=0), "NUMBER(38,0)", "integer"),
        (column(precision=12, scale=4), "NUMBER(12,4)", "decimal"),
        (column(type_name="TEXT", longest=100), "VARCHAR(100)", "text"),
        (column(type_name="BINARY", longest=8_388_608), "BINARY(8388608)", "binary"),
        (column(type_name="FLOAT"), "FLOAT", "float"),
        (column(type_name="TIMESTAMP_LTZ"), "TIMESTAMP_LTZ", "timestamptz"),
        (column(type_name="OBJECT"), "OBJECT", "struct"),
        (column(type_name="MAP(VARCHAR, NUMBER(38,0))"), "MAP(VARCHAR, NUMBER(38,0))", "struct"),
        (column(type_name="VECTOR(FLOAT, 256)"), "VECTOR(FLOAT, 256)", "array"),
        (column(type_name="GEOGRAPHY"), "GEOGRAPHY", "geography"),
        (column(type_name="INTERVAL DAY TO SECOND"), "INTERVAL DAY TO SECOND", "interval"),
        (column(type_name="A NEW ONE"), "A NEW ONE", "unknown"),
    ],
)
def test_the_types_of_columns(given: ColumnRow, told: str, word: str) -> None:
    made = found(columns=[given]).columns[0]
    assert (made.data_type, made.normalized_type) == (told, word)


def test_a_column_with_all_it_can_have() -> None:
    made = only(
        nullable="NO",
        default="0",
        comment="why",
        collation="en-ci",
        precision=38,
        scale=0,
        alias="INTEGER",
    )
    assert (made.is_nullable, made.default_value, made.comment) == (False, "0", "why")
    assert made.metadata == {"collation": "en-ci", "declaredType": "INTEGER"}
    counted = only(
        identity="YES", identity_start="1", identity_step=2, default="IDENTITY START 1 INCREMENT 2"
    )
    assert (counted.identity, counted.default_value) == ("autoincrement", None)
    assert counted.metadata == {"identityStart": 1, "identityIncrement": 2}
    plain = only(comment="")
    assert (plain.comment, plain.default_value, plain.identity, plain.metadata) == (
        None,
        None,
        None,
        {},
    )


def test_keys_in_key_order_each_of_its_own_table() -> None:
    def key(schema: str, name: str, at: int) -> KeyRow:
        return KeyRow("DB", schema, "T", name, at, "PK", at == 1 and schema == "APP", None)

    made = found(
        relations=[relation(), relation(schema="MORE")],
        primary=[key("MORE", "A", 1), key("APP", "B", 2), key("APP", "A", 1), key("GONE", "A", 1)],
        columns=[column("A"), column("B"), column("C"), column("A", schema="MORE")],
    )
    assert [(one.schema_name, one.columns, one.metadata) for one in made.primary_keys] == [
        ("APP", ["A", "B"], {"rely": True}), ("MORE", ["A"], {}),
    ]  # fmt: skip
    assert [one.is_primary_key for one in made.columns] == [True, True, False, True]


def test_a_foreign_key_to_another_database() -> None:
    rows = [
        ReferenceRow("DB", "APP", "T", name, at, "FK", "REF", "MAIN", "R", target, "NO ACTION", "CASCADE",
                     False, "why")
        for at, name, target in ((2, "B", "Y"), (1, "A", "X"))
    ]  # fmt: skip
    made = found(references=rows, columns=[column("A"), column("C")])
    (key,) = made.foreign_keys
    assert (key.source_columns, key.referenced_columns) == (["A", "B"], ["X", "Y"])
    assert (key.referenced_database, key.referenced_schema, key.referenced_table) == (
        "REF",
        "MAIN",
        "R",
    )
    assert (key.on_update, key.on_delete, key.metadata) == (
        "NO ACTION",
        "CASCADE",
        {"comment": "why"},
    )
    assert [one.is_foreign_key for one in made.columns] == [True, False]


def test_views_with_their_query() -> None:
    made = found(
        relations=[relation("V", "VIEW", comment="of"), relation("MV", "MATERIALIZED VIEW")],
        views=[
            ViewRow("DB", "APP", "V", "create view V as select 1;", "YES", None),
            ViewRow("DB", "APP", "MV", "create materialized view MV as select 2", "NO", "kept"),
        ],
        columns=[column(table="V"), column(table="MV")],
    )
    told = {one.name: (one.definition, one.is_materialized, one.comment) for one in made.views}
    assert told == {"V": ("select 1", False, "of"), "MV": ("select 2", True, "kept")}
    assert [(one.name, one.type) for one in made.tables] == [("MV", "MATERIALIZED_VIEW")]
    assert {one.name: one.metadata for one in made.views} == {"V": {"secure": True}, "MV": {}}
    assert {one.table: one.is_primary_key for one in made.columns} == {"V": None, "MV": False}
    assert made.complete


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("CREATE VIEW V AS SELECT 1", "SELECT 1"),
        (
            "create or replace secure view a.\"as\" (x comment 'as', y) copy grants comment='AS b' as\nselect 1;",
            "select 1",
        ),
        (
            "CREATE VIEW V /* AS x */ -- as y\nAS WITH a AS (SELECT 1) SELECT * FROM a",
            "WITH a AS (SELECT 1) SELECT * FROM a",
        ),
        ("create view V (C) with row access policy p on (C) as select 1", "select 1"),
        ("SELECT 1 AS x", "SELECT 1 AS x"),
    ],
)  # fmt: skip
def test_the_query_in_a_create_view(text: str, query: str) -> None:
    assert query_of_view(text) == query


def test_hidden_queries_are_told_once_for_each_schema() -> None:
    views = [relation(f"V{at}", "VIEW") for at in range(3)]
    made = found(
        relations=views,
        views=[ViewRow("DB", "APP", "V0", None, "YES", None)],
        columns=[column(table=one.name) for one in views],
    )
    (issue,) = made.issues
    assert (issue.code, issue.object, made.complete) == ("VIEW_DEFINITION_HIDDEN", "DB.APP", False)
    assert "'V0', 'V1', 'V2'" in issue.message
    assert [one.definition for one in made.views] == [None] * 3


def test_a_part_that_failed_makes_what_depends_on_it_unknown() -> None:
    denied = PermissionDeniedError("You may not.", fix="Grant it.")
    made = found(failures=[Failure("DB", "primary keys", denied)])
    (issue,) = made.issues
    assert (issue.code, issue.scope, made.complete) == ("PERMISSION_DENIED", "database", False)
    assert 'GRANT USAGE ON DATABASE "DB" TO ROLE "ANALYST"' in issue.fix
    assert [(one.is_primary_key, one.is_foreign_key) for one in made.columns] == [(None, False)]
    other = found(failures=[Failure("DB", "foreign keys", QueryFailedError("No.", fix="Ask."))])
    assert [(one.code, one.fix) for one in other.issues] == [("CATALOG_UNREADABLE", "Ask.")]
    assert [(one.is_primary_key, one.is_foreign_key) for one in other.columns] == [(False, None)]


def test_without_the_columns_no_table_is_called_unreadable() -> None:
    made = found(columns=[], failures=[Failure("DB", "columns", QueryFailedError("No.", fix="x"))])
    assert [one.code for one in made.issues] == ["CATALOG_UNREADABLE"]
    broken = found(columns=[])
    assert [(one.code, one.object) for one in broken.issues] == [("OBJECT_UNREADABLE", "DB.APP.T")]


def test_keys_that_were_cut_are_told() -> None:
    made = found(cuts=[Cut("DB", "APP", "primary keys")])
    assert [(one.code, one.object, made.complete) for one in made.issues] == [
        ("CATALOG_CUT", "DB.APP", False)
    ]


def test_databases_and_schemas() -> None:
    shared = DatabaseRow("SHARED", None, "theirs", THEN, "IMPORTED DATABASE", "ACME.SALES")
    schema = SchemaRow("SHARED", "S", "", "", THEN, None, "NO", "YES")
    made = found(databases=[shared], schemas=[schema])
    assert (made.databases[0].comment, made.databases[0].owner) == ("theirs", None)
    assert made.databases[0].metadata == {
        "kind": "IMPORTED DATABASE", "origin": "ACME.SALES", "serverVersion": "10.3.1",
    }  # fmt: skip
    assert (made.schemas[0].owner, made.schemas[0].metadata) == (None, {"managedAccess": True})
    assert made.data_source_name == "DB"

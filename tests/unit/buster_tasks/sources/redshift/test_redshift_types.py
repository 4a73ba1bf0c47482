import pytest

from buster_tasks.sources.redshift.column_types import ColumnType, read_type


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("bigint", ColumnType("integer")),
        ("character varying(256)", ColumnType("text", max_length=256)),
        ("character(5)", ColumnType("text", max_length=5)),
        ('"char"', ColumnType("text")),
        ("numeric(18,2)", ColumnType("decimal", precision=18, scale=2)),
        ("numeric(18)", ColumnType("decimal", precision=18, scale=0)),
        ("numeric", ColumnType("decimal")),
        ("double precision", ColumnType("float")),
        ("boolean", ColumnType("boolean")),
        ("timestamp without time zone", ColumnType("timestamp")),
        ("timestamp with time zone", ColumnType("timestamptz")),
        ("timestamp(6) with time zone", ColumnType("timestamptz", precision=6)),
        ("time with time zone", ColumnType("time")),
        ("interval day to second", ColumnType("interval")),
        ("interval year to month", ColumnType("interval")),
        ("super", ColumnType("json")),
        ("geometry", ColumnType("geography")),
        ("geography", ColumnType("geography")),
        ("hllsketch", ColumnType("binary")),
        ("binary varying(1024)", ColumnType("binary", max_length=1024)),
        ("varbyte(64)", ColumnType("binary", max_length=64)),
        ("character varying[]", ColumnType("array")),
        ("something else", ColumnType()),
        ("we/ird", ColumnType()),
        # external tables
        ("string", ColumnType("text")),
        ("double", ColumnType("float")),
        ("varchar(20)", ColumnType("text", max_length=20)),
        ("array<struct<a:int>>", ColumnType("array")),
        ("map<string,int>", ColumnType("struct")),
        (
            "struct<a:int,B:struct<c:decimal(8,2),d:map<string,int>>>",
            ColumnType("struct", fields=(("a", "int"), ("B", "struct<c:decimal(8,2),d:map<string,int>>"))),
        ),
    ],
)  # fmt: skip
def test_a_type_is_read(text: str, meaning: ColumnType) -> None:
    assert read_type(text) == meaning


def test_fields_of_fields() -> None:
    assert read_type("struct<a:struct<b:int,c:string>>").nested() == [
        {
            "name": "a",
            "type": "struct<b:int,c:string>",
            "normalizedType": "struct",
            "fields": [
                {"name": "b", "type": "int", "normalizedType": "integer"},
                {"name": "c", "type": "string", "normalizedType": "text"},
            ],
        }
    ]

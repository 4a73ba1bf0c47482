import pytest

from buster_tasks.sources.nested_fields import DEEPEST
from buster_tasks.sources.redshift.column_types import ColumnType, read_type
from buster_tasks.sources.schema import NestedField


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
        ("character varying[]", ColumnType("array", fields=(("element", "character varying"),))),
        ("something else", ColumnType()),
        ("we/ird", ColumnType()),
        # external tables
        ("string", ColumnType("text")),
        ("double", ColumnType("float")),
        ("varchar(20)", ColumnType("text", max_length=20)),
        ("array<struct<A:int>>", ColumnType("array", fields=(("element", "struct<A:int>"),))),
        ("map<string, array<int>>", ColumnType("struct", fields=(("key", "string"), ("value", "array<int>")))),
        ("array<>", ColumnType("array")),
        (
            "struct<a:int,B:struct<c:decimal(8,2),d:map<string,int>>>",
            ColumnType("struct", fields=(("a", "int"), ("B", "struct<c:decimal(8,2),d:map<string,int>>"))),
        ),
    ],
)  # fmt: skip
def test_a_type_is_read(text: str, meaning: ColumnType) -> None:
    assert read_type(text) == meaning


def test_fields_of_fields() -> None:
    assert read_type("struct<a:struct<b:int,c:array<string>>>").nested() == [
        NestedField(
            name="a",
            data_type="struct<b:int,c:array<string>>",
            normalized_type="struct",
            fields=[
                NestedField(name="b", data_type="int", normalized_type="integer"),
                NestedField(
                    name="c",
                    data_type="array<string>",
                    normalized_type="array",
                    fields=[
                        NestedField(name="element", data_type="string", normalized_type="text")
                    ],
                ),
            ],
        )
    ]
    assert read_type("super").nested() is None


def test_fields_end_where_readers_of_json_would() -> None:
    fields, depth = read_type("array<" * 300 + "int" + ">" * 300).nested(), 0
    while fields:
        fields, depth = fields[0].fields, depth + 1
    assert depth == DEEPEST

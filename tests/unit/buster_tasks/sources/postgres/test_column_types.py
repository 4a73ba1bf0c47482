import pytest

from buster_tasks.sources.postgres.column_types import ColumnType, read_type
from buster_tasks.sources.schema import NormalizedType


@pytest.mark.parametrize(
    ("name", "category", "normalized"),
    [
        ("int8", "N", "integer"),
        ("numeric", "N", "decimal"),
        ("money", "N", "decimal"),
        ("float4", "N", "float"),
        ("interval", "T", "interval"),
        ("timetz", "D", "time"),
        ("jsonb", "U", "json"),
        ("_int4", "A", "array"),
        ("mood", "E", "text"),
        ("address", "C", "struct"),
        ("point", "G", "geography"),
        ("citext", "S", "text"),
        ("int4range", "R", "unknown"),
        ("macaddr8", "U", "text"),
    ],
)
def test_one_word_for_each_type(name: str, category: str, normalized: NormalizedType) -> None:
    assert read_type(name, category, -1) == ColumnType(normalized)


@pytest.mark.parametrize(
    ("name", "modifier", "precision", "scale"),
    [
        ("numeric", (10 << 16 | 2) + 4, 10, 2),
        ("numeric", (10 << 16 | 0) + 4, 10, 0),
        ("numeric", (5 << 16 | (-2 & 0x7FF)) + 4, 5, -2),
        ("numeric", (1000 << 16 | 1000) + 4, 1000, 1000),
        ("timestamptz", 3, 3, None),
        ("time", 0, 0, None),
    ],
)
def test_precision_and_scale(name: str, modifier: int, precision: int, scale: int | None) -> None:
    found = read_type(name, "N", modifier)
    assert (found.precision, found.scale, found.max_length) == (precision, scale, None)


@pytest.mark.parametrize(
    ("name", "modifier", "length"), [("varchar", 24, 20), ("bpchar", 5, 1), ("bit", 3, 3)]
)
def test_length(name: str, modifier: int, length: int) -> None:
    assert read_type(name, "S", modifier).max_length == length

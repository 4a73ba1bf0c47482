import pytest
from hypothesis import given, strategies as st

from buster_tasks.sources.sqlite.column_types import affinity_of, read_type


@pytest.mark.parametrize(
    ("declared", "affinity", "normalized"),
    [
        ("INTEGER", "INTEGER", "integer"),
        ("unsigned big int", "INTEGER", "integer"),
        ("TEXT", "TEXT", "text"),
        ("NATIVE CHARACTER(70)", "TEXT", "text"),
        ("clob", "TEXT", "text"),
        ("BLOB", "BLOB", "binary"),
        ("", "BLOB", "unknown"),
        ("DOUBLE PRECISION", "REAL", "float"),
        ("FLOAT", "REAL", "float"),
        ("NUMERIC", "NUMERIC", "decimal"),
        ("Decimal(10,2)", "NUMERIC", "decimal"),
        ("BOOLEAN", "NUMERIC", "boolean"),
        ("DATE", "NUMERIC", "date"),
        ("DATETIME", "NUMERIC", "timestamp"),
        ("TIMESTAMP  WITH TIME\tZONE", "NUMERIC", "timestamptz"),
        ("JSON", "NUMERIC", "json"),
        ("UUID", "NUMERIC", "uuid"),
        ("POINT", "INTEGER", "geography"),
        ("INTERVAL", "INTEGER", "interval"),
        ("STRING", "NUMERIC", "text"),
        ("VARBINARY(16)", "NUMERIC", "binary"),
        ("whatever", "NUMERIC", "unknown"),
        ("ANY", "NUMERIC", "unknown"),
    ],
)
def test_a_declared_type_is_read(declared: str, affinity: str, normalized: str) -> None:
    read = read_type(declared)
    assert (read.affinity, read.normalized) == (affinity, normalized)


@pytest.mark.parametrize(
    ("declared", "length", "precision", "scale"),
    [
        ("VARCHAR(30)", 30, None, None),
        ("varchar ( 30 )", 30, None, None),
        ("DECIMAL(10,2)", None, 10, 2),
        ("NUMERIC( 12 , 4 )", None, 12, 4),
        ("DECIMAL(10)", None, 10, 0),
        ("DECIMAL", None, None, None),
        ("INT(11)", None, 11, None),
        ("BINARY(16)", 16, None, None),
        ("TEXT", None, None, None),
        ("VARCHAR(max)", None, None, None),
    ],
)
def test_length_precision_and_scale_are_read(
    declared: str, length: int | None, precision: int | None, scale: int | None
) -> None:
    read = read_type(declared)
    assert (read.max_length, read.precision, read.scale) == (length, precision, scale)


@given(st.text())
def test_every_text_is_a_type(declared: str) -> None:
    assert read_type(declared).affinity == affinity_of(declared)

"""Intervals within whatever a result holds."""

from datetime import timedelta

import pytest
from dateutil.relativedelta import relativedelta
from google.cloud.bigquery import SchemaField

from buster_tasks.sources.bigquery.values import converted, converters, type_name

INTERVAL = SchemaField("i", "INTERVAL")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (relativedelta(days=3, hours=-4), timedelta(days=3, hours=-4)),
        (relativedelta(years=1, months=2, days=3, hours=4, minutes=5, seconds=6), "1-2 3 4:5:6"),
        (relativedelta(months=-14, seconds=-1, microseconds=-500_000), "-1-2 0 -0:0:1.5"),
        (None, None),
    ],
)
def test_intervals(value: object, wanted: object) -> None:
    assert converted((1, value), converters([SchemaField("n", "INTEGER"), INTERVAL])) == (1, wanted)


def test_intervals_within_arrays_and_structs() -> None:
    inner = (SchemaField("i", "INTERVAL", "REPEATED"), SchemaField("n", "INTEGER"))
    schema = [SchemaField("s", "RECORD", "REPEATED", fields=inner)]
    row = ([{"i": [relativedelta(days=1)], "n": 2}, None],)
    assert converted(row, converters(schema)) == ([{"i": [timedelta(days=1)], "n": 2}, None],)
    assert type_name(schema[0]) == "ARRAY<STRUCT>"


def test_other_rows_are_let_be() -> None:
    row = (1, "x")
    assert (
        converted(row, converters([SchemaField("a", "INTEGER"), SchemaField("b", "STRING")])) is row
    )

"""From the driver's values to ours."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from buster_tasks.sources.converting import converted
from buster_tasks.sources.databricks.values import converters

PLAIN = datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001 - as the driver gives it
EAST = datetime(2024, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("timestamp", PLAIN, PLAIN.replace(tzinfo=UTC)),
        ("timestamp", EAST, PLAIN.replace(tzinfo=UTC)),
        ("timestamp_ntz", PLAIN, PLAIN),
        ("array<int>", "[1,2]", [1, 2]),
        ("struct<a:int>", '{"a":1}', {"a": 1}),
        ("map", '{"k":null}', {"k": None}),
        ("variant", '"x"', "x"),
        ("array", "no json", "no json"),
        ("string", "[1,2]", "[1,2]"),
        ("binary", bytearray(b"\x00"), b"\x00"),
        ("decimal(3,1)", Decimal("1.5"), Decimal("1.5")),
        (
            "interval day to second",
            "-1 02:03:04.500000000",
            -timedelta(days=1, hours=2, minutes=3, seconds=4.5),
        ),
        ("interval_day_time", "0 00:00:01", timedelta(seconds=1)),
        ("interval year to month", "1-2", "1-2"),
        ("int", None, None),
        ("variant", None, None),
    ],
)
def test_a_value_is_what_its_type_says(kind: str, value: Any, wanted: Any) -> None:
    (made,) = converted((value,), converters([kind]))
    assert (type(made), made) == (type(wanted), wanted)

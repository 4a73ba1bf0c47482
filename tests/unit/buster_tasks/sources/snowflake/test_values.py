from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from buster_tasks.sources.converting import converted
from buster_tasks.sources.snowflake.values import (
    Field,
    converters,
    fields_of,
    type_name,
)

NOON = datetime(2024, 2, 29, 12, 0, 0, 5)  # noqa: DTZ001 - TIMESTAMP_NTZ has no zone
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("code", "scale", "given", "value"),
    [
        (0, 0, 42, 42),
        (0, 0, Decimal(10**37), 10**37),
        (0, 4, Decimal("1.5000"), Decimal("1.5000")),
        (0, 2, 0.25, Decimal("0.25")),
        (1, None, 0.5, 0.5),
        (2, None, '{"a": 1}', '{"a": 1}'),
        (3, None, date(2024, 2, 29), date(2024, 2, 29)),
        (5, None, '{"a": [1, null]}', {"a": [1, None]}),
        (5, None, '"text"', "text"),
        (9, None, "{}", {}),
        (10, None, "[1, undefined]", "[1, undefined]"),
        (14, None, '{"type": "Point", "coordinates": [1, 2]}', {"type": "Point", "coordinates": [1, 2]}),
        (16, None, [0.5, 1.0], [0.5, 1.0]),
        (8, None, NOON, NOON),
        (6, None, NOON.replace(tzinfo=EAST), NOON.replace(tzinfo=EAST)),
        (11, None, bytearray(b"\x00\xff"), b"\x00\xff"),
        (13, None, True, True),
        (0, 4, None, None),
        (5, None, None, None),
    ],
)  # fmt: skip
def test_a_value_is_of_its_type(code: int, scale: int | None, given: Any, value: Any) -> None:
    field = Field("a", code, 38 if code == 0 else None, scale)
    (came,) = converted((given,), converters([field]))
    assert (type(came), came) == (type(value), value)


def test_a_zone_is_a_fixed_offset_of_the_standard_library() -> None:
    moment = NOON.replace(tzinfo=ZoneInfo("Asia/Kolkata"))
    (came,) = converted((moment,), converters([Field("a", 7, None, 9)]))
    assert isinstance(came, datetime)
    assert came == moment
    assert came.tzinfo == timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("code", "told"),
    [(0, "NUMBER(12,4)"), (5, "VARIANT"), (7, "TIMESTAMP_TZ"), (8, "TIMESTAMP_NTZ"), (99, None)],
)
def test_a_column_tells_its_type(code: int, told: str | None) -> None:
    (field,) = fields_of([("a", code, None, None, 12, 4, True)])
    assert type_name(field) == told


def test_no_result_has_no_columns() -> None:
    assert fields_of(None) == []

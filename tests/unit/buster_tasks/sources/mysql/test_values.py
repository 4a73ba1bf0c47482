import contextlib
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given, strategies as st

from buster_tasks.sources.mysql.values import Field, converter, is_bytes, quick_converter, type_name

BINARY, UTF8 = 63, 45


def field(code: int, charset: int = BINARY, flags: int = 0) -> Field:
    return Field("c", code, charset, flags)


@pytest.mark.parametrize(
    ("one", "raw", "value"),
    [
        (field(3), b"-7", -7),
        (field(8, flags=32), b"18446744073709551615", 2**64 - 1),
        (field(13), b"0000", 0),
        (field(246), b"-0.10", Decimal("-0.10")),
        (field(5), b"1e300", 1e300),
        (field(10), b"2024-02-29", date(2024, 2, 29)),
        (field(10), b"0000-00-00", "0000-00-00"),
        (field(10), b"2024-02-30", "2024-02-30"),
        (field(12), b"2024-02-29 01:02:03.5", datetime.fromisoformat("2024-02-29 01:02:03.500")),
        (field(7), b"0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        (field(11), b"00:00:00", time(0)),
        (field(11), b"23:59:59.999999", time(23, 59, 59, 999_999)),
        (field(11), b"24:00:00", timedelta(hours=24)),
        (field(11), b"-00:00:01.50", timedelta(seconds=-1.5)),
        (field(11), b"838:59:59", timedelta(hours=838, minutes=59, seconds=59)),
        (field(11), b"what", "what"),
        (field(16), b"\x02\x01", 513),
        (field(245), b'{"a": [1.5, null, "\xc3\xa9"]}', {"a": [1.5, None, "é"]}),
        (field(245), b"[" * 100_000, "[" * 100_000),
        (field(245), b"1" * 5_000, "1" * 5_000),
        (field(253, UTF8), "é🦊".encode(), "é🦊"),
        (field(253, UTF8), b"\xff", b"\xff"),
        (field(252, BINARY), b"\xff", b"\xff"),
        (field(255), b"\0\0\0\0\1", b"\0\0\0\0\1"),
    ],
)
def test_values(one: Field, raw: bytes, value: object) -> None:
    made = converter(one, "utf8")(raw)
    assert (made, type(made)) == (value, type(value))


JSON = 245
CODES = [
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    16,
    242,
    245,
    246,
    247,
    248,
    249,
    252,
    253,
    254,
    255,
    77,
]


@given(st.sampled_from(CODES), st.sampled_from([BINARY, UTF8]), st.binary(max_size=30))
@example(JSON, BINARY, b" null ")
def test_nothing_that_a_server_sends_is_an_error(code: int, charset: int, raw: bytes) -> None:
    one = field(code, charset)
    value = converter(one, "utf8")(raw)
    assert value is not None or (code, raw.strip()) == (JSON, b"null")
    assert type_name(one)
    with contextlib.suppress(ValueError, ArithmeticError):  # those are left to the other
        assert repr(quick_converter(one, "utf8")(raw)) == repr(value)


def test_names_of_types() -> None:
    names = {
        type_name(one)
        for one in (
            field(8, flags=32), field(3), field(252), field(252, UTF8), field(254, UTF8), field(253), field(254),
            field(254, UTF8, 256), field(254, UTF8, 2048), field(246), field(255), field(245),
        )
    }  # fmt: skip
    assert names == {
        "bigint unsigned", "int", "blob", "text", "char", "varbinary", "binary", "enum", "set", "decimal",
        "geometry", "json",
    }  # fmt: skip


def test_which_columns_hold_bytes() -> None:
    assert is_bytes(field(253))
    assert not any(map(is_bytes, (field(253, UTF8), field(3), field(16), field(6))))

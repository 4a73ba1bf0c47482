from datetime import timedelta

import pytest

from buster_tasks.sources.redshift.values import converters, type_name


def read(oid: int, text: str) -> object:
    data = b"xx" + text.encode() + b"yy"
    return converters()[oid](data, 2, len(text.encode()))


@pytest.mark.parametrize(
    ("oid", "text", "value"),
    [
        (4000, '{"a":[1,{"b":null}]}', {"a": [1, {"b": None}]}),
        (4000, '"text"', "text"),
        (4000, "null", None),
        (6551, "00ff10", b"\x00\xff\x10"),
        (1190, "2 days 03:04:05.000001", timedelta(days=2, hours=3, minutes=4, seconds=5, microseconds=1)),
        (1190, "-2 days -00:00:01", timedelta(days=-2, seconds=-1)),
        (1190, "3 days", timedelta(days=3)),
        (16, "t", True),
        (16, "f", False),
        (16, "false", False),
        (1005, "{1,2,32767}", [1, 2, 32767]),
        (1005, "{}", []),
    ],
)  # fmt: skip
def test_what_only_redshift_has(oid: int, text: str, value: object) -> None:
    came = read(oid, text)
    assert (type(came), came) == (type(value), value)


@pytest.mark.parametrize(
    ("oid", "text"), [(1082, "10000-01-01"), (20, "many"), (4000, "{"), (6551, "0g")]
)
def test_what_cannot_be_read_stays_a_text(oid: int, text: str) -> None:
    assert read(oid, text) == text


def test_a_type_has_the_name_that_redshift_writes() -> None:
    assert type_name(1700, (12 << 16 | 4) + 4) == "numeric(12,4)"
    assert type_name(1700, -1) == "numeric"
    assert type_name(1042, 14) == "character(10)"
    assert type_name(4000, -1) == "super"
    assert type_name(600, -1) is None

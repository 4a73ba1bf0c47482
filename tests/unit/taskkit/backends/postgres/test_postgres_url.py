"""URLs of PostgreSQL: what is wrong with one is told, and never what the password is."""

import psycopg
import pytest

from taskkit.backends.postgres.connection import place_of
from taskkit.errors import InvalidConfigError


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://ada:hunter2@db.example:abc/shop", "a port that is no number"),
        ("postgresql://ada:hunter2/shop", "a port that is no number"),
        ("postgresql://ada:hun@ter2/7@db.example/shop", "%2F %3F %23 %40"),
        ("postgresql://ada:hunter2#7@db.example/shop", "%2F %3F %23 %40"),
        ("postgresql://ada:hunter2?7@db.example/shop", "%2F %3F %23 %40"),
        ("postgresql://ada:hunter2%zz@db.example/shop", "invalid percent-encoded token"),
        ('postgresql://ada:hun"ter2%zz@db.example/shop', "invalid percent-encoded token"),
        ("postgresql://ada:hunter2%00@db.example/shop", "forbidden value"),
        ("postgresql://ada:hunter2@db.example/shop?schma=x", '"schma"'),
        ("postgresql://ada:hunter2@db.example/shop?schema=No-Name", "'No-Name'"),
        ("postgresql://ada:hunter2@db.example/shop?migrate=perhaps", "'perhaps'"),
    ],
)
def test_what_is_wrong_is_told_without_the_password(url: str, reason: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        place_of(url)
    message = str(caught.value)
    assert reason in message
    assert "Write postgresql://" in message
    for part in ("hunter2", "hun", "ter2", "ada"):
        assert part not in message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:p%40ss%2F@db.example:5433/shop", "db.example:5433/shop"),
        ("postgres://one:1,two:2/shop", "one:1,two:2/shop"),
        ("postgresql://ada%40realm@[::1]:5432/shop", "[::1]:5432/shop"),
        (
            "postgresql:///shop?host=/run/postgresql&user=ada@realm&password=x@y",
            "/run/postgresql/shop",
        ),
        ("postgresql:///shop", "/shop"),
        ("postgresql://", "of the default host"),
    ],
)
def test_what_is_understood(url: str, shown: str) -> None:
    assert place_of(url).shown == shown


def test_options_reach_libpq_as_they_were_meant() -> None:
    place = place_of(
        "postgresql:///shop?host=/run/a+b&options=-c%20geqo=off&schema=mine&sslmode=disable"
    )
    assert psycopg.conninfo.conninfo_to_dict(place.conninfo) == {
        "dbname": "shop",
        "host": "/run/a+b",
        "options": "-c geqo=off",
        "sslmode": "disable",
    }

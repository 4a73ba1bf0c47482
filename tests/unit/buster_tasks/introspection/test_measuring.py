"""Tables in parts, and the key that children of one source have in common."""

from hypothesis import given, strategies as st
from pydantic import SecretStr

from buster_tasks.introspection.measuring import parts_of, source_key
from buster_tasks.sources.credentials import PostgresCredentials
from buster_tasks.sources.statistics import Target, TargetColumn


def target(number: int, columns: int) -> Target:
    return Target(
        schema="s",
        database="d",
        name=f"t{number}",
        columns=[TargetColumn(name=f"c{at}") for at in range(columns)],
    )


@given(st.lists(st.integers(1, 300), max_size=60))
def test_parts_hold_every_table_once_and_in_order_and_none_is_too_large(widths: list[int]) -> None:
    targets = [target(at, width) for at, width in enumerate(widths)]
    parts = list(parts_of(targets))
    assert [one for part in parts for one in part] == targets
    assert all(len(part) <= 100 for part in parts)
    assert all(sum(len(one.columns) for one in part) <= 4_000 for part in parts)


def test_a_table_that_is_wider_than_a_part_has_one_to_itself() -> None:
    parts = list(parts_of([target(0, 1), target(1, 5_000), target(2, 1)]))
    assert [[one.name for one in part] for part in parts] == [["t0"], ["t1"], ["t2"]]


def test_many_small_tables_are_a_hundred_to_a_part() -> None:
    assert [len(part) for part in parts_of([target(at, 1) for at in range(250)])] == [100, 100, 50]


def credentials(**changes: object) -> PostgresCredentials:
    known = {"host": "db", "database": "shop", "username": "me", "password": "hunter2"}
    return PostgresCredentials.model_validate({**known, **changes})


def test_the_key_is_that_of_source_and_user_and_no_password_goes_in() -> None:
    assert source_key(credentials()) == source_key(credentials(password=SecretStr("other")))
    for changes in ({"host": "db2"}, {"database": "b"}, {"username": "you"}, {"port": 5433}):
        assert source_key(credentials()) != source_key(credentials(**changes))

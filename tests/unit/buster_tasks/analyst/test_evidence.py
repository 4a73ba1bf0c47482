"""Results as evidence: canonical cells and digests."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.evidence import ResultSet, canonical, digest_of, shown
from buster_tasks.sources.base import QueryColumn, QueryResult


def result(*rows: tuple[object, ...], names: tuple[str, ...] = ("a", "b")) -> QueryResult:
    return QueryResult(tuple(map(QueryColumn, names)), list(rows), truncated=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, Decimal("1.00")),
        (0.1 + 0.2, Decimal("0.3")),
        (-0.0, 0),
        (Decimal("1E+3"), 1000),
        ([1, Decimal(2)], (1, 2)),
        (b"a", bytearray(b"a")),
    ],
)
def test_equal_values_are_the_same_whatever_their_type(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        (1, True),
        (None, "None"),
        (None, ""),
        (2**70, 2**70 + 1),
        (date(2024, 1, 2), "2024-01-02"),
        (Decimal("0.1"), Decimal("0.10000001")),
        (b"a", "0x61"),
    ],
)
def test_different_values_are_not(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


def test_a_digest_is_of_the_rows_as_a_set_unless_they_are_ordered() -> None:
    one, other = result((1, "x"), (2, "y")), result((2, "y"), (1, "x"))
    assert digest_of(one, is_ordered=False) == digest_of(other, is_ordered=False)
    assert digest_of(one, is_ordered=True) != digest_of(other, is_ordered=True)
    assert digest_of(one, is_ordered=False) != digest_of(
        result((1, "x"), (1, "x"), (2, "y")), is_ordered=False
    )


def test_a_digest_is_of_the_names_too_without_regard_to_case() -> None:
    lower, upper = result((1, 2)), result((1, 2), names=("A", "B"))
    assert digest_of(lower, is_ordered=True) == digest_of(upper, is_ordered=True)
    other = result((1, 2), names=("a", "c"))
    assert digest_of(lower, is_ordered=True) != digest_of(other, is_ordered=True)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.text()), max_size=6), st.randoms())
def test_floats_summed_in_another_order_change_nothing(
    rows: list[tuple[float, str]], chance: random.Random
) -> None:
    mixed = rows[:]
    chance.shuffle(mixed)
    assert digest_of(result(*rows), is_ordered=False) == digest_of(result(*mixed), is_ordered=False)


def test_cells_are_shown_as_json_that_loses_nothing() -> None:
    assert shown(Decimal("12345678901234567.89")) == "12345678901234567.89"
    assert shown(Decimal("0.1")) == 0.1
    assert shown(Decimal("42.00")) == 42
    assert shown(2**60) == str(2**60)
    assert shown(float("inf")) == "inf"
    assert shown(datetime(2024, 2, 29, 12, tzinfo=UTC)) == "2024-02-29T12:00:00+00:00"
    assert shown(UUID(int=1)) == "00000000-0000-0000-0000-000000000001"
    assert shown({"a": [b"\x00", None]}) == {"a": ["0x00", None]}


def test_evidence_has_the_first_rows_and_says_how_many_there_are() -> None:
    rows = [(at, Decimal(at)) for at in range(9)]
    evidence = ResultSet("r1", "shop", "SELECT 1", "why", result(*rows)).evidence()
    assert (evidence.row_count, len(evidence.sample), evidence.truncated) == (9, 5, False)
    assert evidence.sample[1] == [1, 1]
    assert [column.name for column in evidence.columns] == ["a", "b"]


def test_of_long_cells_the_sample_has_the_beginning() -> None:
    huge = result(("x" * 10_000_000, [["y"] * 5_000]), (b"\xff" * 5_000_000, 3))
    sample = ResultSet("r1", "shop", "SELECT 1", "", huge).evidence().sample
    assert [len(str(cell)) for row in sample for cell in row] == [1_000, 1_000, 1_000, 1]
    assert sample[0][0] == "x" * 999 + "…"

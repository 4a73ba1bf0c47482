"""Words of questions and identifiers are brought to one form, and compared."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.offline.words import (
    best,
    likeness,
    overlap,
    parts_of,
    pieces_of,
    plural,
    stem,
)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("customers", "customer"), ("categories", "category"), ("addresses", "address"), ("boxes", "box"),
        ("classes", "class"), ("people", "person"), ("status", "status"), ("analysis", "analysis"), ("ids", "id"),
        ("bus", "bus"), ("qty", "quantity"), ("sold", "sale"), ("hired", "hire"), ("matches", "match"),
    ],
)  # fmt: skip
def test_stem(word: str, expected: str) -> None:
    assert stem(word) == expected


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("sbCustName", ("sb", "customer", "name")),
        ("order_items", ("order", "item")),
        ("OrderID", ("order", "id")),
        ("HTTPStatus", ("http", "status")),
        ("Page Count", ("page", "count")),
        ("address2", ("address", "2")),
        ("", ()),
    ],
)
def test_parts_of_an_identifier(identifier: str, expected: tuple[str, ...]) -> None:
    assert parts_of(identifier) == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("hiredate", ("hire", "date")),
        ("departmentname", ("department", "name")),
        ("nightlyrate", ("nightly", "rate")),
        ("reservationid", ("reservation", "id")),
        ("candidate", ("candidate",)),
        ("xyzzy", ("xyzzy",)),
    ],
)
def test_names_that_are_written_together(part: str, expected: tuple[str, ...]) -> None:
    assert pieces_of(part, frozenset({"department", "reservation"})) == expected


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("customer", "client"),
        ("join", "joined"),
        ("reserved", "reservation"),
        ("deliver", "delivery"),
        ("prescribed", "prescription"),
    ],
)
def test_words_for_the_same_are_alike(word: str, other: str) -> None:
    assert likeness(word, other) >= 0.6
    assert likeness(word, other) == likeness(other, word)


@pytest.mark.parametrize(
    ("word", "other"),
    [("customer", "custom"), ("order", "border"), ("department", "departure"), ("cat", "category"), ("rate", "rating")],
)  # fmt: skip
def test_words_for_others_are_not(word: str, other: str) -> None:
    assert likeness(word, other) < 0.6


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("customer", "customers"),
        ("city", "cities"),
        ("box", "boxes"),
        ("day", "days"),
        ("person", "people"),
        ("received", "received"),
    ],
)
def test_plural(word: str, expected: str) -> None:
    assert plural(word) == expected


@given(st.text(), st.text())
def test_any_words_can_be_compared(word: str, other: str) -> None:
    assert 0.0 <= likeness(word, other) <= 1.0
    assert 0.0 <= overlap(parts_of(word), parts_of(other)) <= 1.0
    assert best(word, ()) == 0.0
    assert pieces_of(word, frozenset({other}))
    assert isinstance(stem(word), str)

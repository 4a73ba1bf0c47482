"""A question is taken apart into what it wants computed, shown, kept and ordered."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.offline.intent import Wanted
from buster_tasks.analyst.offline.reading import read


@pytest.mark.parametrize(
    ("question", "aggregate", "words"),
    [
        ("How many customers are there?", "count", ("customer",)),
        ("What is the total number of orders?", "count", ("order",)),
        ("What is the average salary?", "average", ("salary",)),
        ("Total revenue in 2023", "sum", ("revenue",)),
        ("What was the maximum temperature?", "greatest", ("temperature",)),
        ("lowest price by category", "least", ("price",)),
        ("revenue by month", "sum", ("revenue",)),
    ],
)
def test_what_is_computed(question: str, aggregate: str, words: tuple[str, ...]) -> None:
    measures = read(question).measures
    assert [(one.aggregate, one.words) for one in measures] == [(aggregate, words)]


@pytest.mark.parametrize(
    ("question", "limit", "descending", "entity"),
    [
        ("top 5 products by revenue", 5, True, ("product",)),
        ("What are the top ten cities by number of customers?", 10, True, ("city",)),
        ("the 3 longest tracks", 3, True, ("track",)),
        ("bottom 3 stores by profit", 3, False, ("store",)),
        ("Which customer has the most orders?", 1, True, ("customer",)),
        ("Which department has the lowest average salary?", 1, False, ("department",)),
        ("What is the cheapest room?", 1, False, ("room",)),
        ("Who is our best customer?", 1, True, ("customer",)),
    ],
)
def test_which_few_are_wanted(
    question: str, limit: int, descending: bool, entity: tuple[str, ...]
) -> None:
    intent = read(question)
    assert intent.is_ranked
    assert (intent.limit, intent.is_descending, intent.entity) == (limit, descending, entity)


def test_groups_and_grains() -> None:
    assert read("orders by status and month").groups == [("status",)]
    assert read("orders by status and month").grain == "month"
    assert read("number of employees per job title").groups == [("job", "title")]
    assert read("How many rooms does each hotel have?").groups == [("hotel",)]


def test_what_is_returned() -> None:
    intent = read("Who are the top 5 sellers? Return their first name, last name and total sales.")
    assert [one.words for one in intent.shown] == [("first", "name"), ("last", "name"), ("sale",)]
    assert intent.shown[-1].aggregate == "sum"


def test_bounds() -> None:
    more = read("customers with more than 3 orders").bounds[0]
    assert (more.operator, more.number, more.after) == (">", 3, ("order",))
    least = read("products with at least 1,500 units").bounds[0]
    assert (least.operator, least.number) == (">=", 1_500)
    between = read("products with a price between 10 and 20").bounds
    assert [(one.operator, one.number) for one in between] == [(">=", 10), ("<=", 20)]
    equal = read("hotels with 4 stars").bounds[0]
    assert (equal.operator, equal.number, equal.after) == ("=", 4, ("star",))


def test_what_there_must_be_none_of() -> None:
    for question in (
        "customers who have not placed any orders",
        "customers without orders",
        "Which customers have no orders?",
        "customers who never placed an order",
    ):
        assert "order" in read(question).without, question


def test_values_keep_the_words_around_them() -> None:
    mention = read("customers in Germany", ["Germany"]).mentions[0]
    assert mention.text == "Germany"
    assert not mention.is_negated
    assert read("orders that are not cancelled", ["cancelled"]).mentions[0].is_negated
    begins, ends = read("people whose name starts with J or ends with 'ez'").mentions
    assert (begins.text, begins.manner, ends.text, ends.manner, ends.joins) == (
        "J",
        "begins",
        "ez",
        "ends",
        True,
    )


def test_the_time_is_cut_out() -> None:
    intent = read("How many orders were placed in March 2023?")
    assert intent.span is not None
    assert intent.span.begin == date(2023, 3, 1)
    assert intent.words == ("many", "order") or "order" in intent.words
    assert "2023" not in intent.words


def test_acronyms_are_those_of_the_question_alone() -> None:
    intent = read("What is the ASP by city?\nNote: ASP = average sale price")
    assert [(one.aggregate, one.words) for one in intent.measures] == [
        ("average", ("sale", "price"))
    ]
    formula = read(
        "What is the GPM?\nGPM (margin) = (total revenue - total cost) / total cost * 100"
    ).formulas["gpm"]
    assert [one.words for one in formula.parts] == [("revenue",), ("cost",)]
    assert formula.text == "( {0} - {1} ) / {1} * 100"
    assert read("What is the ASP by city?").measures == []


@pytest.mark.parametrize(
    "question",
    [
        "Why did sales drop?",
        "What was revenue last month?",
        "compare revenue with the year before",
        "What is the median salary?",
        "customers with above average spending",
        "forecast of revenue",
        "How many orders today?",
        "How many active customers?\nNote: an active customer means one who ordered twice",
    ],
)
def test_what_is_more_than_can_be_read_is_said_to_be(question: str) -> None:
    assert read(question).unclear


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    intent = read(text, [text[:10]] if len(text) > 3 else [])
    assert all(isinstance(one, Wanted) for one in intent.measures)


_PIECES = st.sampled_from(
    [
        "how",
        "many",
        "top",
        "5",
        "the",
        "most",
        "by",
        "per",
        "each",
        "for",
        "in",
        "2023",
        "with",
        "without",
        "more",
        "than",
        "3",
        "average",
        "total",
        "of",
        "customers",
        "orders",
        "'x'",
        "(",
        ")",
        ",",
        ".",
        "?",
        "=",
        "/",
        "*",
        "ASP",
        "not",
        "and",
        "or",
        "return",
        "which",
        "has",
        "never",
        "between",
        "1",
        "10",
        "month",
        "name",
        "starts",
        "ends",
    ]
)


@given(st.lists(_PIECES, max_size=25).map(" ".join))
def test_any_heap_of_the_words_that_it_knows_can_be_read(text: str) -> None:
    read(text, ["name", "10"])

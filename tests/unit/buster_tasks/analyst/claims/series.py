"""Claims about rows: countries and months."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

from buster_tasks.analyst.evidence import ResultSet
from tests.unit.buster_tasks.analyst.claims.slots import (
    COUNTRIES,
    Made,
    Slot,
    Template,
    distinct,
    fixed,
    grouped,
    month,
    other_name,
    percent,
    plain,
    result,
    word,
)


def by_country(rng: random.Random) -> tuple[list[tuple[str, int, float, float]], ResultSet]:
    size = rng.randint(4, 9)
    names = rng.sample(COUNTRIES, size)
    orders = sorted(distinct(rng, size, 31, 999), reverse=True)
    revenue = sorted((rng.randint(10_000, 9_000_000) / 100 for _ in range(size)), reverse=True)
    total = sum(orders)
    rows = [
        (name, order, amount, order / total)
        for name, order, amount in zip(names, orders, revenue, strict=True)
    ]
    sql = "SELECT country, COUNT(*) AS orders, SUM(amount) AS revenue FROM orders GROUP BY country ORDER BY 2 DESC"
    return rows, result("r1", ["country", "orders", "revenue"], [row[:3] for row in rows], sql)


def by_month(rng: random.Random) -> tuple[list[tuple[date, int, float]], ResultSet]:
    year = rng.randint(2015, 2024)
    numbers = distinct(rng, 12, 101, 2_999)
    rows = [
        (date(year, number + 1, 1), numbers[number], rng.randint(100_000, 9_999_999) / 100)
        for number in range(12)
    ]
    shape = rng.choice(["date", "text"])
    cells = [(day if shape == "date" else f"{day:%Y-%m}", *rest) for day, *rest in rows]
    days = f"day >= '{year}-01-01' AND day < '{year + 1}-01-01'"
    sql = f"SELECT month, num_orders, revenue FROM m WHERE {days} ORDER BY 1"
    return rows, result("r1", ["month", "num_orders", "revenue"], cells, sql)


def _leader(rng: random.Random) -> Made:
    rows, found = by_country(rng)
    names = [row[0] for row in rows]
    text = rng.choice(
        [
            "{s0} leads with {s1} orders.",
            "{s0} has the most orders: {s1}.",
            "The highest number of orders came from {s0}, at {s1}.",
            "With {s1} orders, {s0} is the largest market.",
        ]
    )
    first = other_name(rng, names[0], names) if "With" not in text else fixed(names[0])
    return text, [first, plain(rng, rows[0][1])], (found,), ""


def _two_countries(rng: random.Random) -> Made:
    rows, found = by_country(rng)
    one, other = rng.sample(rows, 2)
    text = rng.choice(
        [
            "{s0} had {s1} orders and {s2} had {s3}.",
            "{s1} orders came from {s0}, {s3} from {s2}.",
            "{s0} ({s1}) is compared with {s2} ({s3}).",
        ]
    )
    swapped = Slot(
        plain(rng, one[1]).text, (*plain(rng, one[1]).wrong, grouped(Decimal(other[1]), 0))
    )
    return text, [fixed(one[0]), swapped, fixed(other[0]), plain(rng, other[1])], (found,), ""


def _revenue_of(rng: random.Random) -> Made:
    rows, found = by_country(rng)
    row = rng.choice(rows)
    places = rng.choice([0, 1, 2])
    text = rng.choice(
        ["Revenue in {s0} was {s1}.", "{s0} brought in {s1}.", "Customers from {s0} spent {s1}."]
    )
    others = [one[0] for one in rows if one is not row]
    names = Slot(row[0], tuple(rng.sample(others, 2)))
    return text, [names, plain(rng, row[2], places, before=rng.choice(["", "$"]))], (found,), ""


def _total(rng: random.Random) -> Made:
    rows, found = by_country(rng)
    text = rng.choice(
        [
            "In total there were {s0} orders from {s1} countries.",
            "All {s1} countries together had {s0} orders.",
            "Altogether {s0} orders came from {s1} countries.",
        ]
    )
    return text, [plain(rng, sum(row[1] for row in rows)), word(rng, len(rows))], (found,), ""


def _share(rng: random.Random) -> Made:
    rows, found = by_country(rng)
    row = rng.choice(rows)
    text = rng.choice(
        [
            "{s0} accounts for {s1} of all orders.",
            "{s1} of orders came from {s0}.",
            "The share of {s0} in orders is {s1}.",
        ]
    )
    return text, [fixed(row[0]), percent(rng, row[3], rng.choice([1, 1, 2]))], (found,), ""


def _average(rng: random.Random) -> Made:
    rows, found = by_country(rng)
    mean = Decimal(sum(row[1] for row in rows)) / len(rows)
    text = rng.choice(
        ["On average a country has {s0} orders.", "The average is {s0} orders per country."]
    )
    return text, [plain(rng, mean, 1)], (found,), ""


def _rank(rng: random.Random) -> Made:
    rows, found = by_country(rng)
    at = rng.randint(1, min(4, len(rows) - 2))
    ordinals = ["first", "second", "third", "fourth", "fifth"]
    wrong = tuple(word for word in ordinals[1:] if word != ordinals[at])
    name = rows[at][0]
    return (
        "{s0} is the {s1} largest market with {s2} orders.",
        [
            fixed(name),
            Slot(ordinals[at], wrong),
            plain(rng, rows[at][1]),
        ],
        (found,),
        "",
    )


def _of_month(rng: random.Random) -> Made:
    rows, found = by_month(rng)
    row = rng.choice(rows)
    days = [one[0] for one in rows]
    text = rng.choice(
        [
            "Revenue was {s1} in {s0}.",
            "In {s0}, revenue came to {s1}.",
            "{s0} closed with revenue of {s1}.",
        ]
    )
    return (
        text,
        [month(rng, row[0], rng.sample(days, 3)), plain(rng, row[2], rng.choice([0, 1, 2]))],
        (found,),
        "",
    )


def _growth(rng: random.Random) -> Made:
    rows, found = by_month(rng)
    at = rng.randint(1, 11)
    before, row = rows[at - 1], rows[at]
    change = (Decimal(row[1]) - before[1]) / before[1]
    rose = Slot("rose", ("fell",)) if change > 0 else Slot("fell", ("rose",))
    text = rng.choice(
        [
            "Orders {s0} by {s1} from {s2} to {s3}.",
            "Between {s2} and {s3}, orders {s0} {s1}.",
        ]
    )
    slots = [rose, percent(rng, abs(change)), fixed(f"{before[0]:%B}"), fixed(f"{row[0]:%B %Y}")]
    return text, slots, (found,), ""


def _from_to(rng: random.Random) -> Made:
    rows, found = by_month(rng)
    first, last = sorted(rng.sample(range(12), 2))
    one, other = rows[first], rows[last]
    text = "Orders went from {s0} in {s1} to {s2} in {s3}, a difference of {s4}."
    slots = [
        plain(rng, one[1]),
        fixed(f"{one[0]:%B}"),
        plain(rng, other[1]),
        fixed(f"{other[0]:%B %Y}"),
        plain(rng, abs(other[1] - one[1])),
    ]
    return text, slots, (found,), ""


def _peak(rng: random.Random) -> Made:
    rows, found = by_month(rng)
    row = max(rows, key=lambda one: one[1])
    days = [one[0] for one in rows if one is not row]
    text = rng.choice(
        [
            "Orders peaked at {s1} in {s0}.",
            "The best month was {s0} with {s1} orders.",
            "{s0} had the most orders, {s1}.",
        ]
    )
    return text, [month(rng, row[0], rng.sample(days, 3)), plain(rng, row[1])], (found,), ""


def _more(rng: random.Random) -> Made:
    rows, found = by_country(rng)
    one, other = sorted(rng.sample(range(len(rows)), 2))
    more = Slot("more", ("fewer",))
    return (
        "{s0} had {s1} {s2} orders than {s3}.",
        [
            fixed(rows[one][0]),
            plain(rng, rows[one][1] - rows[other][1]),
            more,
            fixed(rows[other][0]),
        ],
        (found,),
        "",
    )


ROWS: tuple[Template, ...] = (
    _leader,
    _two_countries,
    _revenue_of,
    _total,
    _share,
    _average,
    _rank,
    _of_month,
    _growth,
    _from_to,
    _peak,
    _more,
)

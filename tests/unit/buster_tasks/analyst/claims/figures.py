"""Claims about single figures and small results."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

from tests.unit.buster_tasks.analyst.claims.slots import (
    COUNTRIES,
    PRODUCTS,
    Made,
    Slot,
    Template,
    distinct,
    fixed,
    grouped,
    million,
    percent,
    plain,
    result,
    rounded,
    word,
)


def _single(rng: random.Random) -> Made:
    customers = rng.randint(150, 99_999)
    rate = rng.randint(101, 989) / 1000
    found = result(
        "r1",
        ["num_customers", "repeat_rate", "total_revenue"],
        [(customers, rate, revenue := rng.randint(1_200_000, 98_000_000) + 0.37)],
        "SELECT COUNT(*), AVG(repeat), SUM(amount) FROM customers",
    )
    text = rng.choice(
        [
            "{s0} customers brought {s2} of revenue, and {s1} of them came again.",
            "There are {s0} customers with a repeat rate of {s1}; revenue is {s2}.",
        ]
    )
    return text, [plain(rng, customers), percent(rng, rate), million(revenue)], (found,), ""


def _more_than(rng: random.Random) -> Made:
    customers = rng.randint(1_101, 9_899)
    while customers % 100 == 0:
        customers += 1
    found = result(
        "r1", ["num_customers"], [(customers,)], "SELECT COUNT(*) AS num_customers FROM customers"
    )
    floor = customers // 100 * 100
    how, bound = rng.choice(
        [
            ("more than", floor),
            ("over", floor),
            ("fewer than", floor + 100),
            ("less than", floor + 100),
        ]
    )
    opposite = "fewer than" if how in {"more than", "over"} else "more than"
    step = 200 if how in {"more than", "over"} else -200
    slots = [
        Slot(how, (opposite,)),
        Slot(f"{bound:,}", (f"{bound + step:,}", f"{bound * 10:,}", f"{max(bound // 10, 1):,}")),
    ]
    return "We serve {s0} {s1} customers.", slots, (found,), ""


def _about(rng: random.Random) -> Made:
    amount = rng.randint(10_500, 94_900) + rng.choice([0.25, 0.5])
    found = result(
        "r1", ["total_revenue"], [(amount,)], "SELECT SUM(amount) AS total_revenue FROM orders"
    )
    near = int(rounded(Decimal(amount) / 1000, 0)) * 1000
    wrong = [near + 11_000, near - 7_000, near * 10]
    how = rng.choice(["about", "roughly", "around"])
    return (
        f"Revenue was {how} {{s0}}.",
        [Slot(f"{near:,}", tuple(f"{one:,}" for one in wrong))],
        (found,),
        "",
    )


def _top(rng: random.Random) -> Made:
    size = rng.choice([3, 4, 5, 6])
    names = rng.sample(PRODUCTS, size)
    sold = sorted(distinct(rng, size, 101, 899), reverse=True)
    found = result(
        "r1",
        ["product", "units"],
        list(zip(names, sold, strict=True)),
        f"SELECT product, SUM(quantity) AS units FROM lines GROUP BY 1 ORDER BY 2 DESC LIMIT {size}",
    )
    text = "The top {s0} products sold {s1} units in total; {s2} comes first with {s3}."
    slots = [
        Slot(str(size), (str(size + 1), str(size + 4))),
        plain(rng, sum(sold)),
        fixed(names[0]),
        plain(rng, sold[0]),
    ]
    return text, slots, (found,), f"What are the top {size} products by units?"


def _fraction(rng: random.Random) -> Made:
    word, part = rng.choice([("a third", 3), ("a quarter", 4), ("half", 2), ("a fifth", 5)])
    base = rng.randint(20, 90) * 60
    rest = [base // 3 + 7, base - base // 3 - 7]
    names = rng.sample(COUNTRIES, 3)
    own = base // (part - 1)
    rows = [(names[0], own), (names[1], rest[0]), (names[2], rest[1])]
    found = result(
        "r1",
        ["country", "customers"],
        rows,
        "SELECT country, COUNT(*) AS customers FROM c GROUP BY 1",
    )
    others = tuple(
        one for one in ("a third", "a quarter", "half", "a fifth", "two thirds") if one != word
    )
    return "{s0} has {s1} of the customers.", [fixed(names[0]), Slot(word, others)], (found,), ""


def _times(rng: random.Random) -> Made:
    names = rng.sample(COUNTRIES, 3)
    low = rng.randint(31, 99)
    many = rng.choice([2, 3, 4])
    rows = [(names[0], low * many), (names[1], low), (names[2], low - 17)]
    found = result(
        "r1",
        ["country", "customers"],
        rows,
        "SELECT country, COUNT(*) AS customers FROM c GROUP BY 1",
    )
    words = {2: "twice", 3: "three times", 4: "four times"}
    wrong = tuple(text for number, text in words.items() if number != many)
    text = "{s0} has {s1} as many customers as {s2}."
    return text, [fixed(names[0]), Slot(words[many], wrong), fixed(names[1])], (found,), ""


def _negative(rng: random.Random) -> Made:
    profit = -rng.randint(1_001, 89_999) / 10
    growth = -rng.randint(11, 480) / 1000
    found = result(
        "r1",
        ["profit", "revenue_growth"],
        [(profit, growth)],
        "SELECT profit, revenue_growth FROM kpi",
    )
    text = "Profit was {s0} and revenue {s1} {s2}."
    right = plain(rng, -profit, 1)
    loss = Slot(f"-{right.text}", (right.text, *(f"-{one}" for one in right.wrong)))
    return text, [loss, Slot("fell", ("rose", "grew")), percent(rng, -growth)], (found,), ""


def _year(rng: random.Random) -> Made:
    year = rng.randint(2012, 2024)
    orders = rng.randint(1_000, 99_999)
    found = result(
        "r1",
        ["orders"],
        [(orders,)],
        f"SELECT COUNT(*) AS orders FROM o WHERE strftime('%Y', day) = '{year}'",
    )
    wrong = tuple(str(one) for one in (year - 1, year + 1, year + 10))
    return (
        "In {s0} there were {s1} orders.",
        [Slot(str(year), wrong), plain(rng, orders)],
        (found,),
        "",
    )


def _quarter(rng: random.Random) -> Made:
    year, number = rng.randint(2015, 2024), rng.randint(1, 4)
    first = date(year, number * 3 - 2, 1)
    after = date(year + number // 4, number * 3 % 12 + 1, 1)
    orders = rng.randint(1_000, 99_999)
    found = result(
        "r1",
        ["orders"],
        [(orders,)],
        f"SELECT COUNT(*) AS orders FROM o WHERE day >= '{first}' AND day < '{after}'",
    )
    others = [one for one in range(1, 5) if one != number]
    wrong = (*(f"Q{one} {year}" for one in others), f"Q{number} {year - 1}")
    return (
        "{s0} saw {s1} orders.",
        [Slot(f"Q{number} {year}", wrong), plain(rng, orders)],
        (found,),
        "",
    )


def _small_counts(rng: random.Random) -> Made:
    value = rng.randint(4, 20)
    found = result(
        "r1", ["customers"], [(value,)], "SELECT COUNT(*) AS customers FROM c WHERE orders = 0"
    )
    return "{s0} customers have never ordered.", [word(rng, value, beside=(1,))], (found,), ""


def _wide(rng: random.Random) -> Made:
    """One row of many: what the sentence names decides."""
    names = [f"Store {number}" for number in range(1, 201)]
    rows = [(name, rng.randint(100, 9_999), round(rng.uniform(1, 500), 2)) for name in names]
    found = result(
        "r1",
        ["store", "visits", "average_basket"],
        rows,
        "SELECT store, visits, average_basket FROM s",
    )
    row = rng.choice(rows)
    visits = plain(rng, row[1])
    basket = grouped(rounded(row[2], 2), 2)
    kept = tuple(one for one in visits.wrong if one != basket)
    return "{s0} had {s1} visits.", [fixed(row[0]), Slot(visits.text, kept)], (found,), ""


def _unit(rng: random.Random) -> Made:
    days = rng.randint(21, 399) / 10
    found = result("r1", ["avg_days"], [(days,)], "SELECT AVG(d) AS avg_days FROM deliveries")
    slots = [plain(rng, days, 1), Slot("days", ("hours", "weeks", "months"))]
    return "A delivery takes {s0} {s1} on average.", slots, (found,), ""


FIGURES: tuple[Template, ...] = (
    _single,
    _more_than,
    _about,
    _top,
    _fraction,
    _times,
    _negative,
    _year,
    _quarter,
    _small_counts,
    _wide,
    _unit,
)

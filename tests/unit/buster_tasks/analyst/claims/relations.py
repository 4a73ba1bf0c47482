"""Claims about how rows stand to each other: the first and last, ranks, gaps, ranges, sums of a stretch of time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from buster_tasks.analyst.evidence import ResultSet
from tests.unit.buster_tasks.analyst.claims.slots import (
    COUNTRIES,
    MONTHS,
    PRODUCTS,
    Made,
    Slot,
    Template,
    fixed,
    grouped,
    plain,
    result,
)

ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth"]
OFFICES_SQL = (
    "SELECT office, SUM(amount) AS turnover, COUNT(*) AS visits FROM d GROUP BY 1 ORDER BY 2 DESC"
)
# column, words that put one row first by it, and last
SHOP = {
    "units": (["has the most units", "sold the most units"], ["has the fewest units"]),
    "price": (["has the highest price", "is the most expensive"], ["has the lowest price", "is the cheapest"]),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A row of a ranked result: its name and its two numbers."""

    name: str
    turnover: int
    visits: int


def offices(rng: random.Random, least: int = 4) -> tuple[list[Row], ResultSet]:
    """Ranked by the first number, while the second one is in no order."""
    size = rng.randint(least, 11)
    turnover = sorted(rng.sample(range(2_000, 99_000, 131), size), reverse=True)
    visits = rng.sample(range(20, 990, 13), size)
    rows = [Row(*row) for row in zip(rng.sample(COUNTRIES, size), turnover, visits, strict=True)]
    cells = [(row.name, row.turnover, row.visits) for row in rows]
    return rows, result("r1", ["office", "turnover", "visits"], cells, OFFICES_SQL)


def months(rng: random.Random, least: int = 4) -> tuple[int, list[int], ResultSet]:
    size, year = rng.randint(least, 12), rng.randint(2016, 2024)
    amounts = rng.sample(range(1_000, 80_000, 211), size)
    cells = [(f"{year}-{month:02}", amount) for month, amount in enumerate(amounts, 1)]
    days = f"day >= '{year}-01-01' AND day < '{year + 1}-01-01'"
    sql = f"SELECT month, SUM(amount) AS income FROM d WHERE {days} GROUP BY 1 ORDER BY 1"
    return year, amounts, result("r1", ["month", "income"], cells, sql)


def whole(right: str, *wrong: str) -> Slot:
    """A sentence that is changed as a whole: the number of another name goes with that name."""
    return Slot(right, wrong)


def _first(rng: random.Random) -> Made:
    rows, found = offices(rng)
    form = rng.choice(
        [
            "{name} leads with {number}.",
            "{name} comes first with {number}.",
            "{name} has the highest turnover: {number}.",
            "The highest turnover came from {name}, at {number}.",
            "The best office is {name} with {number}.",
            "{name} is the strongest office, at {number}.",
            "With {number}, {name} tops the list.",
        ]
    )
    return _by_turnover(form, rows[0], rows[1:], rng, found)


def _last(rng: random.Random) -> Made:
    rows, found = offices(rng)
    form = rng.choice(
        [
            "{name} comes last with {number}.",
            "{name} has the lowest turnover, {number}.",
            "The weakest office was {name} with {number}.",
            "{name} ranks last at {number}.",
        ]
    )
    return _by_turnover(form, rows[-1], rows[:-1], rng, found)


def _by_turnover(
    form: str, right: Row, others: list[Row], rng: random.Random, found: ResultSet
) -> Made:
    def said(row: Row) -> str:
        return form.format(name=row.name, number=f"{row.turnover:,}")

    wrong = rng.sample(others, 2)
    return "{s0}", [whole(said(right), *(said(row) for row in wrong))], (found,), ""


def _extreme_month(rng: random.Random) -> Made:
    year, amounts, found = months(rng)
    is_high = rng.random() < 0.5
    at = amounts.index(max(amounts) if is_high else min(amounts))
    high = [
        "{month} was the best month with {number}.",
        "Income peaked at {number} in {month}.",
        "The highest income was in {month}: {number}.",
        "{month} {year} had the highest income, {number}.",
    ]
    low = [
        "{month} was the weakest month with {number}.",
        "Income bottomed out at {number} in {month}.",
        "The lowest month was {month} at {number}.",
        "{month} {year} had the lowest income, {number}.",
    ]
    form = rng.choice(high if is_high else low)

    def said(place: int) -> str:
        return form.format(month=MONTHS[place], year=year, number=f"{amounts[place]:,}")

    wrong = rng.sample([place for place in range(len(amounts)) if place != at], 2)
    return "{s0}", [whole(said(at), *(said(place) for place in wrong))], (found,), ""


def _rank(rng: random.Random) -> Made:
    rows, found = offices(rng)
    by = sorted(range(len(rows)), key=lambda place: -rows[place].visits)
    at = rng.randint(1, min(4, len(rows) - 2))
    forms: list[tuple[str, int, str]] = [
        ("{s0} ranks {s1} with {s2}.", at, "turnover"),
        ("{s0} is in {s1} place by turnover, at {s2}.", at, "turnover"),
        ("{s0} has the {s1} highest turnover, {s2}.", at, "turnover"),
        ("{s0} has the {s1} lowest turnover, {s2}.", len(rows) - 1 - at, "turnover"),
        ("{s0} has the {s1} most visits: {s2}.", by[at], "visits"),
    ]
    form, place, column = rng.choice(forms)
    number = getattr(rows[place], column)
    wrong = tuple(word for word in ORDINALS[1:5] if word != ORDINALS[at])
    ordinal = Slot(ORDINALS[at], wrong)
    return form, [fixed(rows[place].name), ordinal, plain(rng, number)], (found,), ""


def _pair(rng: random.Random) -> Made:
    rows, found = offices(rng)
    one, other = sorted(rng.sample(range(len(rows)), 2))
    above, below = rows[one].name, rows[other].name
    up = rng.choice(["outsold", "is ahead of", "beats", "had a higher turnover than"])
    down = rng.choice(["trails", "is behind", "had a lower turnover than"])
    if rng.random() < 0.5:
        return "{s0}", [whole(f"{above} {up} {below}.", f"{below} {up} {above}.")], (found,), ""
    return "{s0}", [whole(f"{below} {down} {above}.", f"{above} {down} {below}.")], (found,), ""


def _pair_of_months(rng: random.Random) -> Made:
    _, amounts, found = months(rng)
    one, other = rng.sample(range(len(amounts)), 2)
    more, less = ("higher", "lower") if amounts[one] > amounts[other] else ("lower", "higher")
    form = "Income in {s0} was {s1} than in {s2}."
    return form, [fixed(MONTHS[one]), Slot(more, (less,)), fixed(MONTHS[other])], (found,), ""


def _gap(rng: random.Random) -> Made:
    rows, found = offices(rng)
    one, other = sorted(rng.sample(range(len(rows)), 2))
    gap = plain(rng, rows[one].turnover - rows[other].turnover)
    form = rng.choice(
        [
            "The gap between {s0} and {s1} is {s2}.",
            "The difference in turnover between {s0} and {s1} was {s2}.",
            "{s0} and {s1} are {s2} apart.",
            "{s0} leads {s1} by {s2}.",
            "{s0} outsold {s1} by {s2}.",
        ]
    )
    return form, [fixed(rows[one].name), fixed(rows[other].name), gap], (found,), ""


def _range(rng: random.Random) -> Made:
    year, amounts, found = months(rng)
    first, last = sorted(rng.sample(range(len(amounts)), 2))
    stretch = amounts[first : last + 1]
    low, high = plain(rng, min(stretch)), plain(rng, max(stretch))
    form = rng.choice(
        [
            "Between {s0} and {s1} {year}, income ranged from {s2} to {s3}.",
            "From {s0} to {s1} {year}, income varied between {s2} and {s3}.",
            "From {s0} through {s1} {year}, income fluctuated from a low of {s2} to a high of {s3}.",
        ]
    ).replace("{year}", str(year))
    return form, [fixed(MONTHS[first]), fixed(MONTHS[last]), low, high], (found,), ""


def _over_a_stretch(rng: random.Random) -> Made:
    year, amounts, found = months(rng)
    first, last = sorted(rng.sample(range(len(amounts)), 2))
    stretch = amounts[first : last + 1]
    mean = plain(rng, Decimal(sum(stretch)) / len(stretch), 1)
    form, number = rng.choice(
        [
            ("Between {s0} and {s1} {year}, income totalled {s2}.", plain(rng, sum(stretch))),
            ("From {s0} to {s1} {year}, income adds up to {s2}.", plain(rng, sum(stretch))),
            ("Between {s0} and {s1} {year}, income averaged {s2}.", mean),
            ("From {s0} to {s1} {year}, monthly income was {s2} on average.", mean),
        ]
    )
    months_said = [fixed(MONTHS[first]), fixed(MONTHS[last])]
    return form.replace("{year}", str(year)), [*months_said, number], (found,), ""


def _of_a_quarter(rng: random.Random) -> Made:
    year, amounts, found = months(rng, least=6)
    number = rng.randint(1, len(amounts) // 3)
    total = sum(amounts[number * 3 - 3 : number * 3])
    form = rng.choice(["Q{q} {y} adds up to {{s0}}.", "In Q{q} {y}, income was {{s0}}."])
    return form.format(q=number, y=year), [plain(rng, total)], (found,), ""


def _bound_before_its_name(rng: random.Random) -> Made:
    rows, found = offices(rng)
    row = rng.choice(rows)
    floor = (row.turnover - 1) // 1000 * 1000
    form = rng.choice(["More than {s0} was earned in {s1}.", "Over {s0} came from {s1}."])
    wrong = (grouped(Decimal(floor + 2_000), 0), grouped(Decimal(floor * 2), 0))
    return form, [Slot(grouped(Decimal(floor), 0), wrong), fixed(row.name)], (found,), ""


def _both(rng: random.Random) -> Made:
    rows, found = offices(rng, least=5)
    at = rng.randint(1, len(rows) - 3)
    one, other, out = rows[at].name, rows[at - 1].name, rows[at + 1].name
    bound = f"{(rows[at].turnover + rows[at + 1].turnover) // 2:,}"
    both = "Both {} and {} had a turnover of more than {}."
    neither = "Neither {} nor {} had a turnover of more than {}."
    slots = [
        whole(both.format(one, other, bound), both.format(out, other, bound)),
        whole(neither.format(out, rows[-1].name, bound), neither.format(one, out, bound)),
    ]
    return "{s0}", [rng.choice(slots)], (found,), ""


def _only(rng: random.Random) -> Made:
    rows, found = offices(rng)
    bound = (rows[0].turnover + rows[1].turnover) // 2
    form = "{s0} is the only office with a turnover of more than {s1}."
    low = f"{(rows[1].turnover + rows[2].turnover) // 2:,}"
    return (
        form,
        [Slot(rows[0].name, (rows[1].name,)), Slot(f"{bound:,}", (low,))],
        (found,),
        "",
    )


def _listed(rng: random.Random) -> Made:
    rows, found = offices(rng, least=6)
    names = [row.name for row in rows]
    first, last = names[:3], names[-3:]
    mixed = [names[0], names[2], names[4]]
    top = "The top three offices are {}, {} and {}."
    bottom = "The three weakest offices by turnover are {}, {} and {}."
    slots = [
        whole(top.format(*first), top.format(*mixed), top.format(*last)),
        whole(bottom.format(*last), bottom.format(*mixed), bottom.format(*first)),
    ]
    return "{s0}", [rng.choice(slots)], (found,), ""


def _first_and_last(rng: random.Random) -> Made:
    rows, found = offices(rng)
    high, low = rows[0], rows[-1]
    forms = [
        "{high}, the strongest office, made {most:,}.",
        "{high} has the highest turnover ({most:,}), {low} the lowest ({least:,}).",
        "The lowest turnover, {least:,}, came from {low}.",
        "Turnover ranges from {least:,} in {low} to {most:,} in {high}.",
    ]
    form = rng.choice(forms)

    def said(one: Row, other: Row) -> str:
        numbers = {"most": one.turnover, "least": other.turnover}
        return form.format(high=one.name, low=other.name, **numbers)

    return "{s0}", [whole(said(high, low), said(rows[1], rows[-2]))], (found,), ""


def _shop(rng: random.Random) -> tuple[list[tuple[str, int, Decimal]], ResultSet]:
    size = rng.randint(4, len(PRODUCTS))
    units = rng.sample(range(31, 990, 17), size)
    prices = [Decimal(price) / 100 for price in rng.sample(range(400, 99_900, 137), size)]
    rows = list(zip(rng.sample(PRODUCTS, size), units, prices, strict=True))
    sql = "SELECT product, units, price FROM p ORDER BY product"
    return rows, result("r1", ["product", "units", "price"], list(rows), sql)


def _by_a_column(rng: random.Random) -> Made:
    rows, found = _shop(rng)
    column = rng.choice(list(SHOP))
    is_high = rng.random() < 0.5
    said = rng.choice(SHOP[column][0 if is_high else 1])

    def by(row: tuple[str, int, Decimal]) -> Decimal:
        return Decimal(row[1]) if column == "units" else row[2]

    right = max(rows, key=by) if is_high else min(rows, key=by)
    number = rng.random() < 0.5
    text = [f"{row[0]} {said}{f' ({by(row):,})' if number else ''}." for row in (right, *rows)]
    wrong = [one for one in text[1:] if one != text[0]]
    return "{s0}", [whole(text[0], *rng.sample(wrong, 2))], (found,), ""


def _product_of_columns(rng: random.Random) -> Made:
    rows, found = _shop(rng)
    name, units, price = rng.choice(rows)
    form = rng.choice(["Revenue of {s0} is {s1}.", "{s0} made {s1} in sales."])
    return form, [fixed(name), plain(rng, units * price, 2)], (found,), ""


RELATIONS: tuple[Template, ...] = (
    _first,
    _last,
    _extreme_month,
    _rank,
    _pair,
    _pair_of_months,
    _gap,
    _range,
    _over_a_stretch,
    _of_a_quarter,
    _bound_before_its_name,
    _both,
    _only,
    _listed,
    _first_and_last,
    _by_a_column,
    _product_of_columns,
)
